"""What terms come to on each bar: longer intervals, bars ago, arithmetic."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from qts.core import Bars, Floats, InstrumentId, Interval
from qts.core.errors import BadParameter
from qts.kernels import ema
from qts.strategies import Column, Indicator, Lag, Param, Ref, Rule, Strategy, Term, higher_bars, values_of

Make = Callable[..., Bars]
price = Column("close")
NAN = math.nan


def closes(values: list[float]) -> Bars:
    close = np.array(values)
    n = len(close)
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.DAY,
        ts=1_600_000_000_000_000 + 86_400_000_000 * np.arange(n, dtype=np.int64),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.full(n, 1000.0),
        oi=np.full(n, NAN),
    )


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (Lag(price, 0), [1, 2, 4, 0]),
        (Lag(price, 1), [NAN, 1, 2, 4]),
        (Lag(price, 3), [NAN, NAN, NAN, 1]),
        (Lag(price, 9), [NAN] * 4),
        (Lag(Lag(price, 1), 1), [NAN, NAN, 1, 2]),
        (price * 2 + 1, [3, 5, 9, 1]),
        (10 - price, [9, 8, 6, 10]),
        (price / Lag(price, 1) - 1, [NAN, 1, 1, -1]),
        (1 / price, [1, 0.5, 0.25, NAN]),
        (price / 0, [NAN] * 4),
        (price * 1e308 * 1e308, [NAN, NAN, NAN, 0]),
        (Indicator("sma", 2) - price, [NAN, -0.5, -1, 2]),
    ],
    ids=str,
)
def test_terms_come_to_what_they_say(term: Term, expected: list[float]) -> None:
    assert_array_equal(values_of(term, closes([1, 2, 4, 0])), expected)


def test_a_division_by_zero_is_undefined_and_decides_nothing() -> None:
    rule = Rule(enter=1 / price > 0, exit=price > 3)
    assert_array_equal(Strategy(title="T", rule=rule).exposure(closes([1, 0, 4, 1])), [1, NAN, 0, 1])


def test_parameters_reach_lags_and_arithmetic() -> None:
    strategy = Strategy(
        title="T",
        params={"ago": Param(1), "rise": Param(0.5), "on": Param(False)},
        rule=Rule(enter=(price > Lag(price, Ref("ago")) * (1 + Ref("rise"))) & (Ref("on") > 0), exit=price < 1),
    )
    bars = closes([1, 2, 3, 4])
    assert_array_equal(strategy.exposure(bars), [NAN, 0, 0, 0])
    assert_array_equal(strategy.exposure(bars, {"on": True}), [NAN, 1, 1, 1])
    assert_array_equal(strategy.exposure(bars, {"on": True, "ago": 2, "rise": 1.5}), [NAN, NAN, 1, 1])
    with pytest.raises(BadParameter, match="not a number of bars ago"):
        strategy.exposure(bars, {"ago": -1})


@given(values=st.lists(st.floats(1, 1000), min_size=1, max_size=30), n=st.integers(0, 35), data=st.data())
def test_a_lag_takes_nothing_from_bars_to_come(values: list[float], n: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(values)))
    term = price / Lag(price, n) - Lag(Indicator("sma", 2), n)
    assert_array_equal(values_of(term, closes(values[:cut])), values_of(term, closes(values))[:cut])


def of_days(bars: Bars, term: Callable[[Bars], Floats]) -> Floats:
    daily = higher_bars(bars, "1d")
    return daily.of(term(daily.bars))


def test_a_term_of_a_longer_interval_is_that_of_its_closed_bars(minutes: Make) -> None:
    bars = minutes(4 * 375 + 100)
    seen = values_of(Column("high", interval="1d"), bars)
    assert np.isnan(seen[:374]).all()
    assert seen[374] == seen[748] == bars.high[:375].max()
    assert seen[749] == bars.high[375:750].max()
    assert seen[-1] == bars.high[1125:1500].max()
    assert_array_equal(values_of(Indicator("ema", 2, interval="1d"), bars), of_days(bars, lambda days: ema(days.close, 2)))


@pytest.mark.parametrize("output", [None, "upper", "lower"])
def test_an_indicator_of_a_longer_interval_gives_the_output_asked_for(minutes: Make, output: str | None) -> None:
    bars = minutes(5 * 375)
    plain = Indicator("donchian", 2, output=output)
    assert_array_equal(
        values_of(Indicator("donchian", 2, output=output, interval="1d"), bars), of_days(bars, lambda d: values_of(plain, d))
    )


def test_a_lag_counts_own_bars_and_longer_ones_where_it_has_their_interval(minutes: Make) -> None:
    bars = minutes(4 * 375)
    yesterday = values_of(Column("close", interval="1d"), bars)
    assert_array_equal(values_of(Lag(Column("close", interval="1d"), 1), bars), [NAN, *yesterday[:-1]])
    assert_array_equal(values_of(Lag(price, 1, interval="1d"), bars), of_days(bars, lambda days: values_of(Lag(price, 1), days)))
    assert values_of(Lag(price, 1, interval="1d"), bars)[-1] == bars.close[3 * 375 - 1]


def test_both_intervals_of_one_indicator_stand_side_by_side(minutes: Make) -> None:
    bars = minutes(6 * 375)
    rule = Rule(enter=Indicator("ema", 3) > Indicator("ema", 3, interval="1d"), exit=price < Indicator("ema", 3, interval="60m"))
    wanted = Strategy(title="T", rule=rule).exposure(bars)
    # Undefined until the third day has closed.
    assert np.isnan(wanted[: 3 * 375 - 1]).all()
    assert not np.isnan(wanted[3 * 375 - 1 :]).any()
    enter = ema(bars.close, 3) > of_days(bars, lambda days: ema(days.close, 3))
    opened = np.flatnonzero(np.diff(wanted) == 1) + 1
    assert len(opened) > 3
    assert enter[opened].all()


def test_a_rule_on_two_intervals_sees_the_same_past_whatever_follows(minutes: Make) -> None:
    bars = minutes(5 * 375)
    trend = Indicator("ema", 3, interval="60m")
    rule = Rule(enter=price.crosses_above(trend * 1.001), exit=price < Lag(price, 1, interval="60m"))
    strategy = Strategy(title="T", rule=rule)
    whole = strategy.exposure(bars)
    assert {0.0, 1.0} <= set(whole.tolist())
    for cut in (1, 59, 60, 61, 374, 375, 376, 1000, 1124, 1125, 1126):
        assert_array_equal(strategy.exposure(bars.window(0, cut)), whole[:cut])


@pytest.mark.parametrize("interval", ["1m", "7m", "1d"])
def test_an_interval_that_is_not_longer_is_refused_by_name(minutes: Make, walk: Make, interval: str) -> None:
    bars = walk(30) if interval == "1d" else minutes(60)
    if interval == "7m":
        with pytest.raises(BadParameter, match="no such interval"):
            Column("close", interval=interval)
        return
    strategy = Strategy(title="T", rule=Rule(enter=Column("close", interval=interval) > 1, exit=price < 1))
    with pytest.raises(BadParameter, match=f"interval.*{interval}.*cannot be made of bars of {bars.interval}"):
        strategy.exposure(bars)


def test_a_term_of_longer_bars_is_undefined_where_none_has_closed(minutes: Make) -> None:
    assert np.isnan(values_of(Indicator("atr", 2, interval="1d"), minutes(30))).all()
    empty = dataclasses.replace(minutes(30).window(0, 0))
    assert len(values_of(Lag(Column("close", interval="1d"), 2), empty)) == 0
