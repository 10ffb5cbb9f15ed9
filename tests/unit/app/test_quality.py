"""The quality of the stored series, with its working."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.app.quality import QualityRequest, SeriesQualityDocument, quality
from qts.app.requests import build
from qts.app.workspace import Workspace
from qts.core import ActionKind, Bars, Exchange, InstrumentId, Interval, session_date_of
from qts.core.errors import EmptySpan, UnknownInstrument
from qts.data.actions import ActionRecord, ActionState, StatedAction
from qts.data.intake import Verdict
from qts.data.quality import JudgedSeries, Refusal
from qts.data.storage import PriceBasis, Provenance, SeriesBars, SeriesKey
from qts.market.sessions import UserCalendar, parse_user_calendar, use_calendar

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
COLUMNS = ("ts", "open", "high", "low", "close", "volume", "oi")


def points(one: SeriesQualityDocument) -> dict[str, float]:
    return {part.kind: part.points for part in one.deductions}


@pytest.fixture
def days(make_bars: Callable[..., Bars]) -> Bars:
    return make_bars("NSE:X", Exchange.NSE, seed=3)


def test_the_score_is_a_hundred_less_what_is_shown(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    volume = days.volume.copy()
    volume[10:30] = 0.0
    store_bars(empty, replace(days, volume=volume))
    (one,) = quality(empty, build(QualityRequest, instruments="NSE:X")).series
    assert (one.score, points(one)) == (97.5, {"zero_volume": 2.5})
    assert len(one.issues) == 20
    assert one.issues[0].at is not None
    assert (one.start, one.end, one.bars) == ("2022-01-03", "2023-08-11", 400)


def test_a_kept_document_that_cannot_be_read_is_judged_again(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    store_bars(empty, days)
    before = quality(empty, QualityRequest())
    (key, kept), *_ = empty.scores.all().items()
    empty.scores.put([JudgedSeries(key=key, fingerprint=kept.fingerprint, score=1.0, document='{"score":')], scored_at=AT)
    assert quality(empty, QualityRequest()) == before
    assert empty.scores.all()[key] == kept


def test_a_span_is_judged_by_itself(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    volume = days.volume.copy()
    volume[10:30] = 0.0
    store_bars(empty, replace(days, volume=volume))
    (one,) = quality(empty, QualityRequest(start=date(2023, 1, 1), end=date(2023, 1, 31))).series
    assert (one.score, one.deductions, one.bars) == (100.0, (), 21)
    (early,) = quality(empty, QualityRequest(start=date(2021, 12, 27), end=date(2022, 1, 7))).series
    assert points(early) == {"missing_bars": 50.0}


def test_series_without_bars_in_the_span_are_left_out_unless_they_are_named(
    empty: Workspace, days: Bars, store_bars: Callable[..., None]
) -> None:
    store_bars(empty, days)
    store_bars(empty, replace(days.window(0, 20), instrument=InstrumentId("NSE:Y")))
    assert [one.instrument for one in quality(empty, QualityRequest(start=date(2023, 1, 1))).series] == ["NSE:X"]
    with pytest.raises(EmptySpan, match="NSE:Y"):
        quality(empty, build(QualityRequest, instruments="NSE:Y", start=date(2023, 1, 1)))


def test_refused_rows_take_part(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    store_bars(empty, days)
    key = SeriesKey(instrument=days.instrument, interval=Interval.DAY)
    first = (date(2022, 1, 3) - date(1970, 1, 1)).days
    refusal = Refusal(key=key, source="file:x.csv", reason=str(Verdict.HIGH), days={first: 4}, examples=((int(days.ts[0]), "high 1"),))
    empty.refusals.replace("file:x.csv", [key], [refusal], seen_at=AT)
    (one,) = quality(empty, QualityRequest()).series
    assert points(one) == {"ohlc_breaks": 1.0}
    assert "refused at import of file:x.csv" in one.issues[0].text
    (later,) = quality(empty, QualityRequest(start=date(2022, 2, 1))).series
    assert points(later) == {}


def test_minutes_are_held_against_the_days(
    empty: Workspace, days: Bars, make_minutes: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(empty, make_minutes(days, [375] * 10))
    close = days.close.copy()
    close[4] *= 1.02
    store_bars(empty, replace(days, close=close, high=days.high * 1.02).window(0, 10))
    minutes = next(one for one in quality(empty, QualityRequest()).series if one.interval == "1m")
    (part,) = minutes.deductions
    assert (part.kind, part.of) == ("interval_disagreement", 10)
    assert part.count == 10


def test_adjusted_days_are_held_against_raw_ones(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    store_bars(empty, days)
    close = days.close / 2
    close[7] *= 1.02
    store_bars(empty, replace(days, open=days.open / 2, high=days.high / 2, low=days.low / 2, close=close), basis=PriceBasis.ADJUSTED)
    (one,) = quality(empty, QualityRequest(prices="adjusted")).series
    assert {part.kind: part.count for part in one.deductions}["source_disagreement"] == 1


def test_a_score_is_remembered_until_something_it_rests_on_changes(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    store_bars(empty, days)
    key = SeriesKey(instrument=days.instrument, interval=Interval.DAY)

    def kept() -> str:
        quality(empty, QualityRequest())
        return empty.scores.all()[key].fingerprint

    first = kept()
    assert kept() == first
    store_bars(empty, replace(days, instrument=InstrumentId("NSE:Y")))
    assert kept() == first
    empty.known_empty.add(key, [date(2022, 1, 26)], source="kite", asked_at=AT)
    second = kept()
    assert second != first
    row = '[[session]]\ndate = 2022-01-26\nkind = "add"\nnote = "x"\nsource = "me"\n'
    use_calendar(parse_user_calendar(row, origin="calendar.toml"))
    try:
        assert kept() != second
    finally:
        use_calendar(UserCalendar())


def test_what_is_remembered_is_what_was_judged(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    volume = days.volume.copy()
    volume[10:30] = 0.0
    store_bars(empty, replace(days, volume=volume))
    first = quality(empty, QualityRequest())
    assert quality(empty, QualityRequest()) == first


def test_a_past_state_is_judged_by_what_was_known_then(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    halved = np.where(np.arange(400) < 200, 1.0, 0.5)
    key, on = SeriesKey(instrument=days.instrument, interval=Interval.DAY), session_date_of(int(days.ts[200]))
    split = replace(days, open=days.open * halved, high=days.high * halved, low=days.low * halved, close=days.close * halved)
    columns: dict[str, Any] = {name: np.delete(getattr(split, name), 100) for name in COLUMNS}
    store_bars(empty, replace(split, **columns))
    empty.store.name_snapshot(empty.store.snapshot(), "then", at=AT)
    (then,) = quality(empty, QualityRequest(as_of="then")).series
    assert {part.kind: part.count for part in then.deductions} == {"missing_bars": 1, "jumps_without_action": 1}

    other = SeriesBars(key=replace(key, instrument=InstrumentId("NSE:Y")), bars=replace(days, instrument=InstrumentId("NSE:Y")))
    empty.store.upsert([other], Provenance(source="test", simulated=False), at=AT)
    record = ActionRecord(
        action=StatedAction(instrument=days.instrument, ex_date=on, kind=ActionKind.SPLIT, ratio=Decimal(2)),
        state=ActionState.CONFIRMED,
        source="circular",
    )
    empty.actions.record([record], at=AT + HOUR)
    empty.known_empty.add(key, [session_date_of(int(days.ts[100]))], source="kite", asked_at=AT)
    refused = Refusal(key=key, source="file:x.csv", reason=str(Verdict.HIGH), days={19_000: 4}, examples=())
    empty.refusals.replace("file:x.csv", [key], [refused], seen_at=AT)
    past = quality(empty, QualityRequest(as_of="then"))
    assert past.series == (then,)
    assert "known until 2026-11-22 11:30:00: later corporate actions" in past.note
    (present,) = quality(empty, build(QualityRequest, instruments="NSE:X")).series
    assert set(points(present)) == {"ohlc_breaks"}
    kept = empty.scores.all()[key]
    quality(empty, QualityRequest(as_of="then"))
    assert (empty.scores.all()[key], kept.score) == (kept, present.score)


def test_refused_rows_and_empty_days_that_were_known_then_count(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    key = SeriesKey(instrument=days.instrument, interval=Interval.DAY)
    columns: dict[str, Any] = {name: np.delete(getattr(days, name), 100) for name in COLUMNS}
    store_bars(empty, replace(days, **columns))
    then = empty.store.snapshot()
    empty.known_empty.add(key, [session_date_of(int(days.ts[100]))], source="kite", asked_at=AT - HOUR)
    refused = Refusal(key=key, source="file:x.csv", reason=str(Verdict.HIGH), days={19_000: 4}, examples=())
    empty.refusals.replace("file:x.csv", [key], [refused], seen_at=AT - HOUR)
    other = SeriesBars(key=replace(key, instrument=InstrumentId("NSE:Y")), bars=replace(days, instrument=InstrumentId("NSE:Y")))
    empty.store.upsert([other], Provenance(source="test", simulated=False), at=AT)
    assert set(points(quality(empty, QualityRequest(as_of=then)).series[0])) == {"ohlc_breaks"}
    # Their source told them again since: what it said then is not kept.
    empty.refusals.replace("file:x.csv", [key], [refused], seen_at=AT + HOUR)
    assert points(quality(empty, QualityRequest(as_of=then)).series[0]) == {}


def test_index_levels_have_issues_but_no_score(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    volume = days.volume.copy()
    volume[10] = 0.0
    store_bars(empty, replace(days, instrument=InstrumentId("INDEX:X"), volume=volume))
    (one,) = quality(empty, QualityRequest()).series
    assert one.score is None
    assert [issue.kind for issue in one.issues] == ["zero_volume"]


def test_what_is_not_stored_is_named(empty: Workspace, days: Bars, store_bars: Callable[..., None]) -> None:
    store_bars(empty, days)
    with pytest.raises(UnknownInstrument, match="NSE:Y"):
        quality(empty, build(QualityRequest, instruments="NSE:X,NSE:Y"))
    with pytest.raises(EmptySpan, match="1m"):
        quality(empty, build(QualityRequest, instruments="NSE:X", interval="1m"))
