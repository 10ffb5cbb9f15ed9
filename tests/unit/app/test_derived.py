"""Bars that are not stored as asked for: adjusted ones of raw ones, longer of shorter, each said to be derived."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from qts.app.actions import ConfirmRequest, confirm_action
from qts.app.bars import BarsAnswer, ExportFormat, NoSuchSeries, estimate_bars, export, read_bars
from qts.app.requests import BarsRequest, build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, FixedClock, InstrumentId
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument
from qts.data.actions import ActionState
from qts.data.storage import PriceBasis, Provenance, SeriesBars, SeriesKey

NAME = "NSE:ALPHA"
Put = Callable[..., None]


def ask(workspace: Workspace, **options: object) -> BarsAnswer:
    return read_bars(workspace, build(BarsRequest, **({"instrument": NAME} | options)))


def state(workspace: Workspace, on: str, kind: str = "bonus", **terms: str) -> None:
    confirm_action(workspace, build(ConfirmRequest, id=f"{NAME}/{on}/{kind}", **(terms or {"ratio": "1:1"})))


def later(workspace: Workspace, hours: int) -> Workspace:
    return replace(workspace, clock=FixedClock(workspace.clock.now() + timedelta(hours=hours)))


def days_before(bars: Bars, on: str) -> int:
    stamps = (bars.ts + 19_800_000_000).view("datetime64[us]").astype("datetime64[D]")
    return int(np.searchsorted(stamps, np.datetime64(on)))


def test_adjusted_bars_are_made_of_raw_ones_and_what_is_confirmed(workspace: Workspace) -> None:
    state(workspace, "2022-06-15")
    raw, made = ask(workspace, prices="raw"), ask(workspace, prices="adjusted")
    n_before = days_before(raw.bars, "2022-06-15")
    assert 0 < n_before < len(raw.bars)
    assert_array_equal(made.bars.close[:n_before], raw.bars.close[:n_before] / 2)
    assert_array_equal(made.bars.volume[:n_before], raw.bars.volume[:n_before] * 2)
    assert_array_equal(made.bars.close[n_before:], raw.bars.close[n_before:])
    assert made.basis is PriceBasis.ADJUSTED
    assert "NSE:ALPHA/2022-06-15/bonus, as of 2026-11-20" in made.derived
    assert raw.derived == ""


def test_auto_stays_with_what_is_stored(workspace: Workspace) -> None:
    state(workspace, "2022-06-15")
    assert (ask(workspace).basis, ask(workspace).derived) == (PriceBasis.RAW, "")


def test_a_stored_adjusted_series_comes_first(workspace: Workspace, store_bars: Put) -> None:
    state(workspace, "2022-06-15")
    stored = replace(ask(workspace, prices="raw").bars)
    store_bars(workspace, stored, basis=PriceBasis.ADJUSTED)
    made = ask(workspace, prices="adjusted")
    assert made.derived == ""
    assert_array_equal(made.bars.close, stored.close)


@pytest.mark.parametrize("settle", ["suspected", "rejected", "none"])
def test_what_is_not_confirmed_adjusts_nothing(workspace: Workspace, settle: str) -> None:
    if settle != "none":
        state(workspace, "2022-06-15")
        [kept] = workspace.actions.read()
        workspace.actions.record([replace(kept, state=ActionState.REJECTED)], at=workspace.clock.now())
    if settle == "suspected":
        on = replace(kept.action, ex_date=date(2022, 7, 15))
        workspace.actions.record([replace(kept, action=on, state=ActionState.SUSPECTED)], at=workspace.clock.now())
    with pytest.raises(NoSuchSeries) as refused:
        ask(workspace, prices="adjusted")
    assert "qts actions import" in refused.value.hint


def test_prices_that_betray_an_action_are_not_taken_as_adjusted_because_others_are(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Put
) -> None:
    state(workspace, "2022-06-15")
    bars = make_bars("NSE:OTHER", Exchange.NSE, seed=8)
    store_bars(workspace, bars)
    assert ask(workspace, instrument="NSE:OTHER", prices="adjusted").basis is PriceBasis.ADJUSTED
    fifth = np.where(np.arange(len(bars)) < 100, 5.0, 1.0)
    split = replace(bars, **{name: np.round(getattr(bars, name) * fifth, 2) for name in ("open", "high", "low", "close")})
    store_bars(workspace, replace(split, instrument=InstrumentId("NSE:SPLIT")))
    with pytest.raises(NoSuchSeries):
        ask(workspace, instrument="NSE:SPLIT", prices="adjusted")


def test_a_date_of_adjustment_needs_prices_that_are_made(workspace: Workspace, store_bars: Put) -> None:
    with pytest.raises(BadParameter, match="says nothing of auto prices"):
        ask(workspace, adjusted_to="2022-07-01")
    state(workspace, "2022-06-15")
    state(workspace, "2022-08-15", "split", ratio="5")
    raw = ask(workspace, prices="raw").bars
    store_bars(workspace, raw, basis=PriceBasis.ADJUSTED)
    # The stored adjusted series was adjusted up to a day that nobody knows.
    made = ask(workspace, prices="adjusted", adjusted_to="2022-07-01")
    assert_allclose(made.bars.close[0], raw.close[0] / 2, rtol=1e-15)
    assert made.derived


def test_actions_after_the_day_asked_for_are_left_out(workspace: Workspace) -> None:
    state(workspace, "2022-06-15")
    state(workspace, "2023-01-16", "split", ratio="10->2")
    raw = ask(workspace, prices="raw").bars
    assert_allclose(ask(workspace, prices="adjusted").bars.close[0], raw.close[0] / 10, rtol=1e-15)
    assert_allclose(ask(workspace, prices="adjusted", adjusted_to="2023-01-15").bars.close[0], raw.close[0] / 2, rtol=1e-15)
    # An action yet to come has not changed any price.
    state(workspace, "2027-01-04", "split", ratio="2")
    assert_allclose(ask(workspace, prices="adjusted").bars.close[0], raw.close[0] / 10, rtol=1e-15)


def test_an_action_after_the_last_bar_scales_all_of_them(workspace: Workspace) -> None:
    state(workspace, "2025-06-16", "demerger", factor="0.9")
    raw = ask(workspace, prices="raw").bars
    assert_allclose(ask(workspace, prices="adjusted").bars.close, raw.close * 0.9, rtol=1e-15)


def test_a_short_span_is_the_same_part_of_the_whole_view(workspace: Workspace) -> None:
    state(workspace, "2022-06-15", "rights", ratio="1:2", price="100")
    whole, part = ask(workspace, prices="adjusted").bars, ask(workspace, prices="adjusted", end="2022-03-31").bars
    assert 20 < len(part) < 100
    assert_array_equal(part.close, whole.close[: len(part)])
    # 1:2 at 100: the close before is worth two thirds of itself and a third of the price.
    raw = ask(workspace, prices="raw").bars
    before = raw.close[days_before(raw, "2022-06-15") - 1]
    assert part.close[0] == pytest.approx(raw.close[0] * (2 * before + 100) / (3 * before), rel=1e-12)


def test_the_total_return_puts_dividends_back(workspace: Workspace) -> None:
    state(workspace, "2022-06-15", "dividend", cash="20")
    raw = ask(workspace, prices="raw").bars
    at = days_before(raw, "2022-06-15")
    made = ask(workspace, prices="total-return")
    assert made.bars.close[0] == pytest.approx(raw.close[0] * (1 - 20 / raw.close[at - 1]), rel=1e-12)
    assert_array_equal(made.bars.volume, raw.volume)
    # Somebody keeps a list, and it has nothing that changes the shares.
    plain = ask(workspace, prices="adjusted")
    assert_array_equal(plain.bars.close, raw.close)
    assert "as traded: no corporate action is confirmed up to 2026-11-20, and none is suspected" in plain.derived
    with pytest.raises(UnknownInstrument):
        ask(workspace, instrument="NSE:NOBODY", prices="total-return")


def test_adjusted_prices_name_the_jump_that_nobody_has_settled(workspace: Workspace, make_bars: Callable[..., Bars]) -> None:
    bars = make_bars("NSE:JUMPY", Exchange.NSE, seed=9)
    n_before = days_before(bars, "2022-09-15")
    halved = np.where(np.arange(len(bars)) < n_before, 1.0, 0.5)
    prices = {name: getattr(bars, name) * halved for name in ("open", "high", "low", "close")}
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval)
    workspace.store.upsert([SeriesBars(key=key, bars=replace(bars, **prices))], Provenance(source="test"), at=workspace.clock.now())
    confirm_action(workspace, build(ConfirmRequest, id="NSE:JUMPY/2022-06-15/bonus", ratio="1:1"))
    left = "not adjusted for what is suspected and not settled: NSE:JUMPY/2022-09-15/split"
    assert left in ask(workspace, instrument="NSE:JUMPY", prices="adjusted").derived
    before = ask(workspace, instrument="NSE:JUMPY", prices="adjusted", adjusted_to="2022-05-31").derived
    assert "as traded: no corporate action is confirmed up to 2022-05-31, and none is suspected" in before
    confirm_action(workspace, build(ConfirmRequest, id="NSE:JUMPY/2022-09-15/split"))
    settled = ask(workspace, instrument="NSE:JUMPY", prices="adjusted").derived
    assert "NSE:JUMPY/2022-06-15/bonus, NSE:JUMPY/2022-09-15/split, as of" in settled
    assert "suspected" not in settled


def test_a_past_snapshot_shows_what_was_known_until_it_was_replaced(workspace: Workspace, make_bars: Callable[..., Bars]) -> None:
    first = workspace.store.snapshot()
    state(workspace, "2022-06-15")
    second_clock = later(workspace, 1)
    bars = make_bars("NSE:OTHER", Exchange.NSE, seed=9)
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval)
    workspace.store.upsert([SeriesBars(key=key, bars=bars)], Provenance(source="test"), at=second_clock.clock.now())
    third = later(workspace, 2)
    state(third, "2022-09-15")
    raw = ask(third, prices="raw").bars
    assert_allclose(ask(third, prices="adjusted").bars.close[0], raw.close[0] / 4, rtol=1e-15)
    assert_allclose(ask(third, prices="adjusted", as_of=first).bars.close[0], raw.close[0] / 2, rtol=1e-15)
    workspace.store.name_snapshot(first, "mark", at=third.clock.now())
    named = ask(third, prices="adjusted", as_of="mark")
    assert_allclose(named.bars.close[0], raw.close[0] / 2, rtol=1e-15)
    assert named.snapshot == first


def test_prices_adjusted_to_a_day_end_with_it(workspace: Workspace) -> None:
    state(workspace, "2022-06-15")
    raw = ask(workspace, prices="raw").bars
    seen = ask(workspace, prices="adjusted", adjusted_to="2022-06-14")
    assert_array_equal(seen.bars.close, raw.close[: days_before(raw, "2022-06-15")])
    request = build(BarsRequest, instrument=NAME, prices="adjusted", adjusted_to="2022-06-14")
    assert estimate_bars(workspace, request) == pytest.approx(len(seen.bars), rel=0.1)
    for name in ("from", "to"):
        with pytest.raises(BadParameter, match="is after 2022-06-14, the day that prices are adjusted to"):
            ask(workspace, prices="adjusted", adjusted_to="2022-06-14", **{name: "2022-06-15"})


@pytest.mark.parametrize("interval", ["1w", "1mo"])
def test_longer_bars_are_made_of_days_and_weeks_are_never_cut(workspace: Workspace, interval: str) -> None:
    whole = ask(workspace, interval=interval)
    days = ask(workspace).bars
    assert f"{interval} bars made of 1d ones" in whole.derived
    assert whole.bars.volume.sum() == days.volume.sum()
    assert whole.bars.high.max() == days.high.max()
    part = ask(workspace, interval=interval, start="2022-03-01", end="2022-05-03").bars
    at = int(np.searchsorted(whole.bars.ts, part.ts[0]))
    assert len(part) >= 2
    assert_array_equal(part.close, whole.bars.close[at : at + len(part)])
    assert_array_equal(part.volume, whole.bars.volume[at : at + len(part)])


def test_weeks_of_adjusted_prices_are_adjusted_before_they_are_made(workspace: Workspace) -> None:
    state(workspace, "2022-06-15")  # a Wednesday
    weeks = ask(workspace, interval="1w", prices="adjusted").bars
    days = ask(workspace, prices="adjusted").bars
    at = days_before(days, "2022-06-13")
    i_week = days_before(weeks, "2022-06-13")
    assert weeks.open[i_week] == days.open[at]
    assert weeks.high[i_week] == days.high[at : at + 5].max()


@pytest.mark.parametrize(
    ("interval", "on", "told"),
    [
        pytest.param("1w", "2022-06-15", True, id="a Wednesday in a week"),
        pytest.param("1w", "2022-06-13", False, id="a Monday in a week"),
        pytest.param("1mo", "2022-06-15", True, id="the middle of a month"),
        pytest.param("1mo", "2022-06-01", False, id="the first of a month"),
        pytest.param("1mo", "2025-06-16", False, id="after the last bar"),
    ],
)
def test_a_longer_bar_of_raw_prices_over_an_action_is_said_to_be_mixed(workspace: Workspace, interval: str, on: str, *, told: bool) -> None:
    state(workspace, on)
    assert ("are mixed in the bar of" in ask(workspace, interval=interval).derived) is told
    assert "mixed" not in ask(workspace, interval=interval, prices="adjusted").derived


def test_longer_minutes_and_days_are_made_of_the_longest_that_fit(with_quarters: Workspace) -> None:
    made = ask(with_quarters, interval="30m", start="2022-01-03", end="2022-01-03")
    quarters = ask(with_quarters, interval="15m", start="2022-01-03", end="2022-01-03").bars
    assert (len(quarters), len(made.bars)) == (25, 13)
    assert_array_equal(made.bars.close, [*quarters.close[1::2], quarters.close[-1]])
    assert "30m bars made of 15m ones" in made.derived
    with pytest.raises(NoSuchSeries):
        ask(with_quarters, interval="10m")
    with pytest.raises(EmptySpan):
        ask(with_quarters, interval="30m", start="2030-01-01")


def test_the_estimate_counts_the_bars_that_are_made(workspace: Workspace) -> None:
    request = build(BarsRequest, instrument=NAME, interval="1w")
    assert estimate_bars(workspace, request) == pytest.approx(len(read_bars(workspace, request).bars), rel=0.1)


def test_every_export_says_that_bars_are_derived(workspace: Workspace) -> None:
    state(workspace, "2022-06-15")
    made = ask(workspace, prices="adjusted")
    rows = json.loads(export(made, ExportFormat.JSON))
    assert {row["derived"] for row in rows} == {True}
    assert export(made, ExportFormat.CSV).decode().splitlines()[0].endswith("simulated,derived")
    table = pq.read_table(pa.BufferReader(export(made, ExportFormat.PARQUET)))
    assert b"NSE:ALPHA/2022-06-15/bonus" in table.schema.metadata[b"derived"]
    assert "derived" not in json.loads(export(ask(workspace), ExportFormat.JSON))[0]


def test_dates_are_read_from_the_clock_in_india(workspace: Workspace) -> None:
    # 18:45 UTC on the 20th is the 21st in India.
    evening = replace(workspace, clock=FixedClock(workspace.clock.now() + timedelta(hours=6, minutes=45)))
    state(evening, "2026-11-21")
    assert "2026-11-21/bonus, as of 2026-11-21" in ask(evening, prices="adjusted").derived
    assert "as traded: no corporate action is confirmed up to 2026-11-20" in ask(workspace, prices="adjusted").derived
