"""What is known of every series without reading a bar, and when it is put together anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from qts.app.catalog import list_series
from qts.app.coverage import CoverageRequest, coverage
from qts.app.quality import QualityRequest, quality
from qts.app.series_days import series_days
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Interval
from qts.core.errors import DamagedFile
from qts.data.coverage import EmptyReason
from qts.data.quality import Refusal
from qts.data.storage import ParquetStore, SeriesKey

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEY = SeriesKey(instrument=InstrumentId("NSE:X"), interval=Interval.MINUTE_1)


@pytest.fixture
def days(make_bars: Callable[..., Bars]) -> Bars:
    return make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=5)


@pytest.fixture
def filled(empty: Workspace, days: Bars, make_minutes: Callable[..., Bars], store_bars: Callable[..., None]) -> Iterator[Workspace]:
    """Return a workspace on files with five sessions of January 2022: whole, partial, missing, missing, whole."""
    store = ParquetStore.open(empty.settings.home)
    workspace = replace(empty, store=store)
    store_bars(workspace, make_minutes(days, [375, 300, 0, 0, 375]))
    yield workspace
    store.close()


def test_the_present_days_are_put_together_once_until_something_changes(filled: Workspace) -> None:
    known = series_days(filled)
    assert series_days(filled) is known
    filled.known_empty.add(KEY, [date(2022, 1, 5)], source="kite", asked_at=AT, reason=EmptyReason.EMPTY)
    after = series_days(filled)
    assert after is not known
    assert [one.tally(KEY).n_missing for one in (known, after)] == [2, 1]  # type: ignore[union-attr] # both have a calendar


def test_bars_that_another_process_stores_are_counted_at_once(
    filled: Workspace, days: Bars, make_minutes: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    (before,) = list_series(filled)
    other = ParquetStore.open(filled.settings.home)
    try:
        store_bars(replace(filled, store=other), make_minutes(days, [0, 75, 375, 0, 0]))
        (after,) = list_series(filled)
        assert (before.missing, after.missing) == (2, 1)
        gone = other.delete(KEY, start=datetime(2022, 1, 5, tzinfo=UTC), end=datetime(2022, 1, 6, tzinfo=UTC), at=AT)
        assert list_series(filled)[0].missing == 2
        other.undo(gone.snapshot, at=AT)
        assert list_series(filled)[0].missing == 1
        (one,) = coverage(filled, CoverageRequest()).series
        assert one.n_holes == 1
    finally:
        other.close()


@pytest.mark.parametrize(
    "change",
    [
        "known_empty SET day = '2022-01-06'",
        "known_empty SET interval = '5m'",
        "refused_rows SET days = '[]'",
        "refused_rows SET interval = '5m'",
    ],
)
def test_a_row_that_was_changed_stops_its_own_series_and_what_is_said_of_all(
    filled: Workspace, days: Bars, store_bars: Callable[..., None], change: str
) -> None:
    store_bars(filled, days)
    filled.known_empty.add(KEY, [date(2022, 1, 5)], source="kite", asked_at=AT)
    refusal = Refusal(key=KEY, source="file:a.csv", reason="duplicate", days={18_997: 2}, examples=())
    filled.refusals.replace("file:a.csv", [KEY], [refusal], seen_at=AT)
    assert len(quality(filled, QualityRequest()).series) == len(coverage(filled, CoverageRequest()).series) == 2
    path = filled.control.database.path
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {change}")
    connection.close()
    assert len(quality(filled, QualityRequest(interval=Interval.DAY)).series) == 1
    assert len(coverage(filled, CoverageRequest(interval=Interval.DAY)).series) == 1
    for ask in (lambda: quality(filled, QualityRequest()), lambda: list_series(filled)):
        with pytest.raises(DamagedFile, match=f"in {change.partition(' ')[0]} differs from what was written"):
            ask()


def test_an_earlier_state_is_counted_as_it_was(
    filled: Workspace, days: Bars, make_minutes: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    before = filled.store.snapshot()
    store_bars(filled, make_minutes(days, [375] * 5))
    assert [list_series(filled, as_of=as_of)[0].missing for as_of in (before, None)] == [2, 0]


def test_the_figures_of_a_whole_series_are_those_of_its_days(filled: Workspace) -> None:
    known = series_days(filled)
    covered, tally = known.coverage(KEY), known.tally(KEY)
    assert covered is not None
    assert tally == covered.tally()
    assert known.span(KEY) == (covered.first, covered.last)
