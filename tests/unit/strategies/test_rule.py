from __future__ import annotations

import dataclasses
import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from qts.core import Bars
from qts.core.errors import BadParameter
from qts.kernels import ema, macd
from qts.strategies import Column, Comparison, Condition, Const, Indicator, Param, Ref, Rule, Strategy, load_catalog
from qts.strategies.term_values import values_of

Walk = Callable[..., Bars]
CLOSE = Column("close")
PARAMS = {"fast": Param(12), "slow": Param(26)}


def bars_of(walk: Walk, close: list[float]) -> Bars:
    values = np.array(close)
    return dataclasses.replace(walk(len(close)), close=values, high=values, low=values)


def said(walk: Walk, rule: Rule, close: list[float]) -> list[float]:
    wanted: list[float] = Strategy(title="Rule", params=PARAMS, rule=rule).exposure(bars_of(walk, close)).tolist()
    return wanted


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_rule_of_crosses_is_the_ema_crossover(walk: Walk, seed: int, *, short: bool) -> None:
    fast, slow = Indicator("ema", Ref("fast")), Indicator("ema", Ref("slow"))
    up, down = fast.crosses_above(slow), fast.crosses_below(slow)
    rule = Rule(enter=up, exit=down, short_enter=down if short else None, short_exit=up if short else None)
    twin = Strategy(title="Twin", params=PARAMS, rule=rule)
    values = {"fast": 5, "slow": 13}
    bars = walk(400, seed=seed)
    expected = load_catalog().get("ema_cross").require().exposure(bars, {**values, "short": short})
    assert len(set(expected[~np.isnan(expected)].tolist())) == 2 + short
    np.testing.assert_array_equal(twin.exposure(bars, values), expected)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(CLOSE < 2, [1, 1, 0, 0], id="below a number"),
        pytest.param(CLOSE <= 2, [1, 1, 0, 0], id="at most a number, left at three"),
        pytest.param(CLOSE > 2, [0, 0, 0, 0], id="never entered while leaving"),
        pytest.param((CLOSE >= 1) & (CLOSE < 2), [1, 1, 0, 0], id="and"),
        pytest.param((CLOSE < 0) | (CLOSE < 2), [1, 1, 0, 0], id="or"),
        pytest.param(~(CLOSE >= 2), [1, 1, 0, 0], id="not"),
        pytest.param(Const(1.5) > CLOSE, [1, 1, 0, 0], id="a number on the left"),
    ],
)
def test_conditions(walk: Walk, condition: Condition, expected: list[float]) -> None:
    assert said(walk, Rule(enter=condition, exit=CLOSE > 2), [1, 2, 3, 4]) == expected


def test_where_entry_and_exit_are_both_true_the_exit_counts(walk: Walk) -> None:
    assert said(walk, Rule(enter=CLOSE > 0, exit=CLOSE > 2), [1, 3, 1]) == [1, 0, 1]


def test_leaving_one_side_may_open_the_other_at_once(walk: Walk) -> None:
    rule = Rule(enter=CLOSE > 2, exit=CLOSE < 2, short_enter=CLOSE < 2, short_exit=CLOSE > 2)
    assert said(walk, rule, [2, 3, 1, 2, 3]) == [0, 1, -1, -1, 1]


def test_a_side_is_not_entered_again_on_the_bar_it_is_left(walk: Walk) -> None:
    rule = Rule(enter=CLOSE > 0, exit=CLOSE > 5, short_enter=CLOSE > 9, short_exit=CLOSE > 6)
    assert said(walk, rule, [1, 10, 1]) == [1, 0, 1]


def test_nothing_is_decided_while_an_indicator_is_undefined(walk: Walk) -> None:
    rule = Rule(enter=~(Indicator("sma", 3) > 100), exit=CLOSE > 100)
    got = said(walk, rule, [1, 1, 1, 1])
    assert math.isnan(got[0])
    assert math.isnan(got[1])
    assert got[2:] == [1, 1]


@pytest.mark.parametrize(("warmup", "expected"), [(None, [1, 0, 0, 1, 0]), (0, [1, 0, 0, 1, 0]), (2, [math.nan, math.nan, 0, 1, 0])])
def test_signals_count_from_the_end_of_the_warm_up_on(walk: Walk, warmup: int | None, expected: list[float]) -> None:
    rule = Rule(enter=CLOSE < 2, exit=CLOSE > 2, warmup=warmup)
    np.testing.assert_array_equal(said(walk, rule, [1, 3, 3, 1, 3]), expected)


def test_a_warm_up_may_be_a_parameter(walk: Walk) -> None:
    rule = Rule(enter=CLOSE < 2, exit=CLOSE > 2, warmup=Ref("fast"))
    assert rule.warmup_bars({"fast": 7}) == 7
    wanted = Strategy(title="Rule", params=PARAMS, rule=rule).exposure(bars_of(walk, [1.0] * 20))
    assert np.flatnonzero(~np.isnan(wanted)).tolist() == list(range(12, 20))


@pytest.mark.parametrize("warmup", [-1, Ref("speed")])
def test_a_warm_up_that_is_none_is_refused(warmup: Ref | int) -> None:
    with pytest.raises(BadParameter):
        Strategy(title="Rule", params=PARAMS, rule=Rule(enter=CLOSE < 2, exit=CLOSE > 2, warmup=warmup))


def test_indicators_read_their_column_and_parameters(walk: Walk) -> None:
    bars = walk(60)
    for rule in (
        Rule(enter=Indicator("atr", 5) > 0, exit=Ref("fast") > 100),
        Rule(enter=Indicator("rsi", Ref("fast")) > 0, exit=CLOSE < 0),
        Rule(enter=Indicator("wma", 5, of=Column("high")) > Indicator("wma", 5, of=Column("low")), exit=CLOSE < 0),
    ):
        assert Strategy(title="Rule", params=PARAMS, rule=rule).exposure(bars)[-1] == 1


def test_an_indicator_of_several_outputs_gives_the_one_asked_for(walk: Walk) -> None:
    bars = walk(80)
    line, signal, histogram = macd(bars.close, 5, 9, 4)
    for term, expected in (
        (Indicator("macd", 5, 9, 4), line),
        (Indicator("macd", 5, Ref("slow"), 4, output="signal"), signal),
        (Indicator("macd", Ref("fast"), 9, 4, output="histogram"), histogram),
    ):
        rule = Rule(enter=term > 0, exit=term < 0)
        wanted = Strategy(title="Rule", params={"fast": Param(5), "slow": Param(9)}, rule=rule).exposure(bars)
        np.testing.assert_array_equal(wanted > 0, expected > 0)
        np.testing.assert_array_equal(np.isnan(wanted), np.isnan(expected))


def test_numbers_left_out_are_the_indicator_s_defaults(walk: Walk) -> None:
    bars = walk(80)
    np.testing.assert_array_equal(values_of(Indicator("macd"), bars), macd(bars.close, 12, 26, 9)[0])
    np.testing.assert_array_equal(values_of(Indicator("ema", 5, seed="first"), bars), ema(bars.close, 5, seed="first"))


def test_a_parameter_out_of_an_indicator_s_range_is_refused_when_it_is_used(walk: Walk) -> None:
    term = Indicator("macd", Ref("fast"), Ref("slow"))
    with pytest.raises(BadParameter, match="must be below slow = 26"):
        Strategy(title="Rule", params=PARAMS, rule=Rule(enter=term > 0, exit=term < 0)).exposure(walk(80), {"fast": 30})


def test_a_rule_is_data(walk: Walk) -> None:
    one = Rule(enter=Indicator("ema", Ref("fast")) > CLOSE, exit=CLOSE < 3)
    other = Rule(enter=Indicator("ema", Ref("fast")) > CLOSE, exit=CLOSE < 3)
    assert one == other
    assert hash(one) == hash(other)
    assert one.terms() == (Indicator("ema", Ref("fast")), CLOSE, Const(3.0))
    assert dataclasses.asdict(one)["exit"]["operator"] == "<"
    assert said(walk, one, [5.0]) != []
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - what was made a line before


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(Rule(enter=Column("price") > 1, exit=CLOSE > 1), id="no such column"),
        pytest.param(Rule(enter=Ref("window") > 1, exit=CLOSE > 1), id="no such parameter"),
        pytest.param(Rule(enter=Indicator("emma", 5) > 1, exit=CLOSE > 1), id="no such indicator"),
        pytest.param(Rule(enter=Indicator("ema", 5, 6) > 1, exit=CLOSE > 1), id="too many numbers"),
        pytest.param(Rule(enter=Indicator("ema", 0) > 1, exit=CLOSE > 1), id="a number out of its range"),
        pytest.param(Rule(enter=Indicator("macd", 26, 12) > 1, exit=CLOSE > 1), id="numbers turned round"),
        pytest.param(Rule(enter=Indicator("rsi", Ref("fast"), seed="first") > 1, exit=CLOSE > 1), id="a seed beside a parameter"),
        pytest.param(Rule(enter=Indicator("macd", output="line") > 1, exit=CLOSE > 1), id="no such output"),
        pytest.param(Rule(enter=Indicator("rsi", 14, seed="first") > 1, exit=CLOSE > 1), id="a seed where there is none"),
        pytest.param(Rule(enter=Indicator("ema", 14, seed="last") > 1, exit=CLOSE > 1), id="no such seed"),
        pytest.param(Rule(enter=Indicator("atr", 14, of=Column("open")) > 1, exit=CLOSE > 1), id="a column for one that reads three"),
        pytest.param(Rule(enter=Indicator("ema", Ref("window")) > 1, exit=CLOSE > 1), id="no such parameter as span"),
        pytest.param(Rule(enter=Indicator("ema", 3, of=Column("price")) > 1, exit=CLOSE > 1), id="no such column inside"),
        pytest.param(Rule(enter=CLOSE > 1, exit=CLOSE > 1, short_enter=CLOSE > 1), id="half a short side"),
    ],
)
def test_a_rule_that_speaks_of_the_unknown_is_refused(rule: Rule) -> None:
    with pytest.raises(BadParameter):
        Strategy(title="Rule", params=PARAMS, rule=rule)


def test_what_is_neither_term_nor_condition_is_refused() -> None:
    with pytest.raises(BadParameter, match="neither a term nor a number"):
        _ = CLOSE > "high"  # type: ignore[operator]  # what a careless file would do
    assert isinstance(CLOSE > 1, Comparison)
