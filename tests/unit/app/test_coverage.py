"""Which days of the stored series are whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from qts.app.coverage import CoverageRequest, coverage
from qts.app.requests import build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Interval
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument
from qts.data.coverage import EmptyReason
from qts.data.storage import SeriesKey

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture
def gappy(
    empty: Workspace, make_bars: Callable[..., Bars], make_minutes: Callable[..., Bars], store_bars: Callable[..., None]
) -> Workspace:
    """Return a workspace with five sessions of January 2022: whole, partial, missing, missing, whole."""
    days = make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=5)
    store_bars(empty, make_minutes(days, [375, 300, 0, 0, 375]))
    return empty


def test_a_summary_counts_the_days_of_every_series(gappy: Workspace) -> None:
    document = coverage(gappy, CoverageRequest())
    (one,) = document.series
    assert (one.instrument, one.interval, one.prices, one.start, one.end) == ("NSE:X", "1m", "raw", "2022-01-03", "2022-01-07")
    assert one.counts is not None
    assert (one.counts["complete"], one.counts["partial"], one.counts["missing"]) == (2, 1, 2)
    assert (one.bars_held, one.bars_expected, one.share) == (1050, 1875, 56.0)
    assert (one.n_holes, one.holes, document.days) == (1, (), ())
    (named,) = coverage(gappy, CoverageRequest(instrument="NSE:X")).series
    assert [(hole.first, hole.last, hole.sessions, hole.bars) for hole in named.holes] == [("2022-01-05", "2022-01-06", 2, 750)]


def test_the_days_of_a_named_instrument_tell_their_missing_minutes(gappy: Workspace) -> None:
    (days,) = coverage(gappy, CoverageRequest(instrument="NSE:X")).days
    assert [day.state for day in days] == ["complete", "partial", "missing", "missing", "complete"]
    (stretch,) = days[1].missing or ()
    assert (stretch.first, stretch.last, stretch.bars) == ("2022-01-04T14:15:00+05:30", "2022-01-04T15:29:00+05:30", 75)
    assert days[0].missing is None


def test_a_span_of_ones_own_shows_holidays_and_what_is_missing_around(gappy: Workspace) -> None:
    request = CoverageRequest(instrument="NSE:X", start=date(2022, 1, 24), end=date(2022, 1, 28))
    document = coverage(gappy, request)
    assert [(day.date[-2:], day.state, day.note) for day in document.days[0]] == [
        ("24", "missing", ""),
        ("25", "missing", ""),
        ("26", "holiday", "Republic Day"),
        ("27", "missing", ""),
        ("28", "missing", ""),
    ]
    assert document.series[0].counts is not None
    assert document.series[0].counts["holiday"] == 1


def test_a_past_state_knows_only_the_empty_days_that_were_known_then(
    gappy: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    key = gappy.store.series()[0].key
    before = gappy.store.snapshot()
    store_bars(gappy, make_bars("NSE:Y", Exchange.NSE, seed=4, n_bars=5))
    gappy.known_empty.add(key, [date(2022, 1, 5), date(2022, 1, 6)], source="kite", asked_at=AT + timedelta(days=400))
    for as_of, missing in ((before, 2), (None, 0)):
        (one,) = coverage(gappy, CoverageRequest(instrument="NSE:X", as_of=as_of)).series
        assert one.counts is not None
        assert one.counts["missing"] == missing


def test_days_known_to_be_empty_are_no_holes(gappy: Workspace) -> None:
    key = SeriesKey(instrument=gappy.store.series()[0].key.instrument, interval=Interval.MINUTE_1)
    gappy.known_empty.add(key, [date(2022, 1, 5)], source="kite", asked_at=AT)
    gappy.known_empty.add(key, [date(2022, 1, 6)], source="kite", asked_at=AT, reason=EmptyReason.NO_TRADE)
    (one,) = coverage(gappy, CoverageRequest()).series
    assert one.counts is not None
    assert (one.counts["known_empty"], one.counts["no_trade"], one.counts["missing"]) == (1, 1, 0)
    assert one.n_holes == 0
    assert one.bars_expected == 375 * 3


def test_interval_and_basis_choose_among_the_series(
    gappy: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(gappy, make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=5))
    assert len(coverage(gappy, CoverageRequest(instrument="NSE:X")).series) == 2
    assert [one.interval for one in coverage(gappy, build(CoverageRequest, interval="minute")).series] == ["1m"]
    assert coverage(gappy, CoverageRequest(prices="adjusted")).series == ()


def test_what_is_not_stored_is_named(gappy: Workspace) -> None:
    with pytest.raises(UnknownInstrument, match="NSE:Y"):
        coverage(gappy, CoverageRequest(instrument="NSE:Y"))
    with pytest.raises(EmptySpan, match="1d"):
        coverage(gappy, CoverageRequest(instrument="NSE:X", interval=Interval.DAY))
    with pytest.raises(BadParameter, match="to = 2022-01-01"):
        coverage(gappy, CoverageRequest(start=date(2022, 2, 1), end=date(2022, 1, 1)))


def test_index_levels_have_no_calendar(empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> None:
    bars = make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=5)
    store_bars(empty, replace(bars, instrument=InstrumentId("INDEX:X")))
    document = coverage(empty, CoverageRequest(instrument="INDEX:X"))
    assert (document.series[0].counts, document.series[0].share, document.days) == (None, None, ((),))


def test_a_share_that_the_exchanges_list_lacks_did_not_trade(empty: Workspace, make_bars: Callable[..., Bars]) -> None:
    from qts.data.storage import Provenance, SeriesBars  # noqa: PLC0415 - the only test that says where bars come from

    days = make_bars("NSE:P0", Exchange.NSE, seed=3, n_bars=10)
    for i in range(25):
        keep = np.arange(10) != 4 if i == 0 else np.full(10, fill_value=True)
        columns = {name: getattr(days, name)[keep] for name in ("ts", "open", "high", "low", "close", "volume", "oi")}
        key = SeriesKey(instrument=InstrumentId(f"NSE:P{i}"), interval=Interval.DAY)
        batch = SeriesBars(key=key, bars=replace(days, instrument=key.instrument, **columns))
        empty.store.upsert([batch], Provenance(source="file:cm03JAN2022bhav.csv.gz"), at=AT)
    (one,) = coverage(empty, CoverageRequest(instrument="NSE:P0")).series
    assert one.counts is not None
    assert (one.counts["no_trade"], one.counts["missing"], one.share) == (1, 0, 100.0)
