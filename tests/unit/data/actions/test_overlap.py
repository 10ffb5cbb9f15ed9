"""A source's history fetched again: the same, rewritten by one factor from one day on, or different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Bars, Exchange, InstrumentId, Interval, micros_of
from qts.data.actions import OverlapCheck, OverlapVerdict, overlap_check
from qts.market.sessions import daily_stamp

MakeBars = Callable[..., Bars]
START = date(2024, 1, 1)


def walk(seed: int, n_bars: int, *, level: float = 500.0) -> Bars:
    rng = np.random.default_rng(seed)
    close = np.round(level * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars))) * 20) / 20
    open_ = np.round(close * (1 + rng.normal(0, 0.005, n_bars)) * 20) / 20
    stamps = [micros_of(daily_stamp(Exchange.NSE, START + timedelta(days=i))) for i in range(n_bars)]
    return Bars(
        instrument=InstrumentId("NSE:ACME"),
        interval=Interval.DAY,
        ts=np.array(stamps, np.int64),
        open=open_,
        high=np.maximum(open_, close) + 1.0,
        low=np.minimum(open_, close) - 1.0,
        close=close,
        volume=np.full(n_bars, 1e4),
        oi=np.full(n_bars, np.nan),
    )


def rewritten(bars: Bars, factor: float, n_bars: int) -> Bars:
    """Return bars the first of which were multiplied, rounded to the source's tick."""
    scale = np.ones(len(bars))
    scale[:n_bars] = factor
    parts = {name: np.round(getattr(bars, name) * scale * 20) / 20 for name in ("open", "high", "low", "close")}
    return replace(bars, **parts)


FACTORS = [0.5, 2 / 3, 0.2, 0.1, 0.75, 0.8333333, 0.8993, 0.99057, 0.975, 10.0]


@given(seed=st.integers(0, 10_000), n_bars=st.integers(5, 60), factor=st.sampled_from(FACTORS), data=st.data())
def test_a_rewriting_is_found_with_its_factor_and_day(seed: int, n_bars: int, factor: float, data: st.DataObject) -> None:
    held = walk(seed, n_bars)
    cut = data.draw(st.integers(1, n_bars))
    found = overlap_check(held, rewritten(held, factor, cut))
    assert found.verdict is OverlapVerdict.REWRITTEN
    assert found.factor == pytest.approx(factor, rel=2e-4)
    assert found.since == (None if cut == n_bars else START + timedelta(days=cut))


@given(seed=st.integers(0, 10_000), n_bars=st.integers(1, 60), data=st.data())
def test_the_same_bars_are_the_same_however_they_overlap(seed: int, n_bars: int, data: st.DataObject) -> None:
    bars = walk(seed, n_bars)
    start, stop = data.draw(st.integers(0, n_bars - 1)), data.draw(st.integers(0, n_bars))
    noise = replace(bars, close=bars.close + data.draw(st.floats(-0.02, 0.02)))
    assert overlap_check(bars.window(0, max(stop, start + 1)), noise.window(start, n_bars)) == OverlapCheck(verdict=OverlapVerdict.SAME)


@given(seed=st.integers(0, 10_000), n_bars=st.integers(6, 60), data=st.data())
def test_a_single_corrected_price_is_no_rewriting(seed: int, n_bars: int, data: st.DataObject) -> None:
    held = walk(seed, n_bars)
    i = data.draw(st.integers(1, n_bars - 1))
    close = held.close.copy()
    close[i] *= data.draw(st.sampled_from([0.5, 0.97, 1.03, 2.0]))
    found = overlap_check(held, replace(held, close=close))
    assert found.verdict is OverlapVerdict.DIFFERENT
    assert str(START + timedelta(days=i)) in found.reason or "no single factor" in found.reason


@given(seed=st.integers(0, 10_000))
def test_two_rewritings_at_once_are_different(seed: int) -> None:
    held = walk(seed, 40)
    assert overlap_check(held, rewritten(rewritten(held, 0.5, 30), 0.5, 10)).verdict is OverlapVerdict.DIFFERENT


def test_a_bar_that_only_one_side_has_makes_them_different() -> None:
    held = walk(1, 20)
    keep = np.arange(20) != 7
    fetched = replace(held, **{name: getattr(held, name)[keep] for name in ("ts", "open", "high", "low", "close", "volume", "oi")})
    found = overlap_check(held, fetched)
    assert (found.verdict, "1 were only held and 0 only fetched" in found.reason) == (OverlapVerdict.DIFFERENT, True)


def test_without_common_time_nothing_can_be_said() -> None:
    bars = walk(1, 20)
    for held, fetched in ((bars.window(0, 5), bars.window(10, 20)), (bars.window(0, 0), bars)):
        found = overlap_check(held, fetched)
        assert (found.verdict, "no stretch" in found.reason) == (OverlapVerdict.DIFFERENT, True)


def test_prices_that_agree_again_within_a_day_are_different() -> None:
    minutes = walk(3, 20)
    one_day = replace(minutes, ts=minutes.ts[0] + np.arange(20, dtype=np.int64) * 60_000_000, interval=Interval.MINUTE_1)
    assert "in the middle of 2024-01-01" in overlap_check(one_day, rewritten(one_day, 0.5, 10)).reason
