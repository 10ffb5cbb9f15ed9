"""Which rules the compiled sweep plays, and which it leaves to the loop of a run."""

from __future__ import annotations

import pytest

from qts.backtest.rule_cells import rule_cells
from qts.kernels.crosses import CROSS, NEVER
from qts.kernels.signals import ENTER
from qts.strategies import Column, Condition, Indicator, Lag, Ref, Rule

CLOSE = Column("close")
SLOW = Indicator("ema", Ref("span"))


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(CLOSE > SLOW, id="a column and an indicator"),
        pytest.param(Ref("span") < CLOSE, id="a parameter"),
        pytest.param((CLOSE > SLOW) & (Ref("span") > 5), id="under a condition of a parameter"),
        pytest.param((Ref("span") <= 5) & CLOSE.crosses_above(SLOW), id="under a condition of a parameter that comes first"),
        pytest.param(Indicator("donchian", Ref("span"), 1, output="upper") < CLOSE, id="one of several outputs"),
    ],
)
def test_comparisons_of_plain_terms_are_played_compiled(condition: Condition) -> None:
    assert rule_cells(Rule(enter=condition, exit=CLOSE < SLOW), [{"span": 5}, {"span": 9}]) is not None


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(Column("close", interval="1w") > SLOW, id="a column of a longer interval"),
        pytest.param(Indicator("ema", 5, interval="1w") < CLOSE, id="an indicator of a longer interval"),
        pytest.param(Lag(CLOSE, 1) < CLOSE, id="bars ago"),
        pytest.param(CLOSE > SLOW * 1.02, id="arithmetic"),
        pytest.param((CLOSE > SLOW) & (CLOSE > 1), id="two conditions"),
        pytest.param((CLOSE > SLOW) | (Ref("span") > 5), id="one or the other"),
        pytest.param(~(CLOSE > SLOW), id="turned round"),
        pytest.param((Ref("span") > 5) & (Ref("span") < 9), id="conditions of parameters alone"),
    ],
)
def test_what_is_more_than_that_is_left_to_the_loop_of_a_run(condition: Condition) -> None:
    for rule in (Rule(enter=condition, exit=CLOSE < SLOW), Rule(enter=CLOSE > SLOW, exit=condition)):
        assert rule_cells(rule, [{"span": 5}]) is None


@pytest.mark.parametrize("span", [5, 9])
def test_a_condition_of_numbers_holds_for_a_whole_cell(span: int) -> None:
    up, down = CLOSE.crosses_above(SLOW), CLOSE.crosses_below(SLOW)
    rule = Rule(enter=up, exit=down, short_enter=down & (Ref("span") > 5), short_exit=up)
    found, other = (
        rule_cells(rule, [{"span": span}]),
        rule_cells(Rule(enter=up, exit=down, short_enter=down, short_exit=up), [{"span": span}]),
    )
    assert found is not None
    assert other is not None
    (cell,), (always,) = found.cells.tolist(), other.cells.tolist()
    hows = slice(ENTER, None, 3)
    assert cell[hows] == ([CROSS, CROSS, CROSS, CROSS] if span > 5 else [CROSS, CROSS, NEVER, NEVER])
    # What never holds must be defined all the same: its series stand in the row.
    assert [value for at, value in enumerate(cell) if at not in range(*hows.indices(len(cell)))] == [
        value for at, value in enumerate(always) if at not in range(*hows.indices(len(always)))
    ]
