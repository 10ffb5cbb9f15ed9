"""Which rules the compiled sweep plays, and which it leaves to the loop of a run."""

from __future__ import annotations

import pytest

from qts.backtest.rule_cells import rule_cells
from qts.strategies import Column, Condition, Indicator, Lag, Ref, Rule

CLOSE = Column("close")
SLOW = Indicator("ema", Ref("span"))


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(CLOSE > SLOW, id="a column and an indicator"),
        pytest.param(Ref("span") < CLOSE, id="a parameter"),
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
    ],
)
def test_what_is_more_than_that_is_left_to_the_loop_of_a_run(condition: Condition) -> None:
    for rule in (Rule(enter=condition, exit=CLOSE < SLOW), Rule(enter=CLOSE > SLOW, exit=condition)):
        assert rule_cells(rule, [{"span": 5}]) is None
