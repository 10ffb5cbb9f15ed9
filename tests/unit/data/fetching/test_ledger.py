from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.core import InstrumentId, Interval
from qts.core.errors import BadParameter
from qts.data.fetching import STALE, FetchLedger
from qts.data.storage import PriceBasis, SeriesKey

KEY = SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.MINUTE_1)
AT = datetime(2026, 11, 22, tzinfo=UTC)
LAST_OF_2024 = (date(2024, 12, 31) - date(1970, 1, 1)).days


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[FetchLedger]:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    yield FetchLedger(control.database)
    control.close()


def test_counts_come_back_over_the_turn_of_a_leap_year(ledger: FetchLedger) -> None:
    counts = {LAST_OF_2024: 375, LAST_OF_2024 + 1: 0, LAST_OF_2024 + 2: 360}
    ledger.record(KEY, "kite", counts, asked_at=AT)
    assert ledger.counts(KEY, "kite") == counts


def test_what_was_said_last_of_a_day_holds_and_other_days_stay(ledger: FetchLedger) -> None:
    ledger.record(KEY, "kite", {LAST_OF_2024: 375, LAST_OF_2024 - 1: 3}, asked_at=AT)
    ledger.record(KEY, "kite", {LAST_OF_2024: 370}, asked_at=AT)
    assert ledger.counts(KEY, "kite") == {LAST_OF_2024: 370, LAST_OF_2024 - 1: 3}


def test_sources_and_series_are_kept_apart(ledger: FetchLedger) -> None:
    other = SeriesKey(instrument=KEY.instrument, interval=KEY.interval, basis=PriceBasis.ADJUSTED)
    for count, (key, source) in enumerate(((KEY, "kite"), (KEY, "sandbox"), (other, "kite"))):
        ledger.record(key, source, {100: count}, asked_at=AT)
    assert [ledger.counts(key, source)[100] for key, source in ((KEY, "kite"), (KEY, "sandbox"), (other, "kite"))] == [0, 1, 2]


def test_a_day_that_is_stale_stays_so_until_it_was_had_again(ledger: FetchLedger) -> None:
    ledger.record(KEY, "kite", {100: STALE, 101: STALE}, asked_at=AT)
    ledger.record(KEY, "kite", {100: 375}, asked_at=AT)
    assert ledger.counts(KEY, "kite") == {100: 375, 101: STALE}


def test_an_instant_without_a_zone_is_refused(ledger: FetchLedger) -> None:
    with pytest.raises(BadParameter):
        ledger.record(KEY, "kite", {1: 1}, asked_at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_it_tells_which_sources_were_asked_for_which_years_and_when(ledger: FetchLedger) -> None:
    later = datetime(2026, 11, 23, tzinfo=UTC)
    ledger.record(KEY, "kite", {LAST_OF_2024: 375, LAST_OF_2024 - 1: 0, LAST_OF_2024 + 1: 360}, asked_at=AT)
    ledger.record(KEY, "sandbox", {LAST_OF_2024: STALE}, asked_at=AT)
    ledger.record(KEY, "kite", {LAST_OF_2024 - 2: 5}, asked_at=later)
    told = [(one.source, one.year, one.n_days, one.n_bars, one.asked_at) for one in ledger.asked(KEY)]
    assert told[0] == ("kite", 2024, 3, 380, later)
    assert sorted(told[1:]) == [("kite", 2025, 1, 360, AT), ("sandbox", 2024, 0, 0, AT)]
    assert ledger.asked(SeriesKey(instrument=KEY.instrument, interval=Interval.DAY)) == ()


def test_an_empty_day_is_believed_when_it_is_said_again_on_another_date_in_india(ledger: FetchLedger) -> None:
    first = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)  # 23:30 in India
    same, next_day, later = first + timedelta(minutes=20), first + timedelta(minutes=40), first + timedelta(days=9)
    ledger.record(KEY, "kite", {100: 0, 101: 5, 102: 0}, asked_at=first)
    assert (ledger.empty_once(KEY, "kite", before=same), ledger.empty(KEY, "kite")) == (frozenset(), frozenset())
    assert ledger.empty_once(KEY, "kite", before=next_day) == {100, 102}
    ledger.record(KEY, "kite", {100: 0}, asked_at=same)
    assert ledger.empty_once(KEY, "kite", before=next_day) == {100, 102}
    ledger.record(KEY, "kite", {100: 0, 102: 7}, asked_at=later)
    assert (ledger.empty_once(KEY, "kite", before=later), ledger.empty(KEY, "kite")) == (frozenset(), frozenset({100}))
    ledger.record(KEY, "kite", {100: 0}, asked_at=later + timedelta(days=1))
    assert ledger.empty(KEY, "kite") == {100}
    assert ledger.counts(KEY, "kite") == {100: 0, 101: 5, 102: 7}


def test_a_day_that_gave_bars_and_then_none_is_doubted_again(ledger: FetchLedger) -> None:
    ledger.record(KEY, "kite", {100: 5, 101: STALE}, asked_at=AT)
    ledger.record(KEY, "kite", {100: 0, 101: 0}, asked_at=AT + timedelta(days=1))
    assert ledger.empty_once(KEY, "kite", before=AT + timedelta(days=2)) == {100, 101}
    assert [(one.n_days, one.n_bars) for one in ledger.asked(KEY)] == [(2, 0)]
