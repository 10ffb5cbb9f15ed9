"""Terms and conditions as data: compared, kept, checked when they are declared."""

from __future__ import annotations

import math
import pickle

import pytest

from qts.core import Interval
from qts.core.errors import BadParameter
from qts.strategies import Arithmetic, Column, Const, Indicator, Lag, Param, Ref, Rule, Strategy, Term

CLOSE = Column("close")
EMA = Indicator("ema", 20)
PARAMS = {"fast": Param(12), "width": Param(1.5), "average": Param("sma", choices=("sma", "wma"))}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (EMA * 1.02, Arithmetic("*", EMA, Const(1.02))),
        (1.02 * EMA, Arithmetic("*", Const(1.02), EMA)),
        (EMA + CLOSE, Arithmetic("+", EMA, CLOSE)),
        (1 + CLOSE, Arithmetic("+", Const(1.0), CLOSE)),
        (CLOSE - Ref("width"), Arithmetic("-", CLOSE, Ref("width"))),
        (1 - CLOSE, Arithmetic("-", Const(1.0), CLOSE)),
        (CLOSE / Lag(CLOSE, 5), Arithmetic("/", CLOSE, Lag(CLOSE, 5))),
        (1 / CLOSE, Arithmetic("/", Const(1.0), CLOSE)),
        (EMA + Indicator("atr", 14) * 2, Arithmetic("+", EMA, Arithmetic("*", Indicator("atr", 14), Const(2.0)))),
    ],
    ids=str,
)
def test_arithmetic_is_kept_as_it_is_written(written: Term, meant: Term) -> None:
    assert written == meant
    assert hash(written) == hash(meant)
    assert pickle.loads(pickle.dumps(written)) == meant  # noqa: S301 - what was made a line before
    assert (written > 1).left == meant


@pytest.mark.parametrize(
    "of",
    [
        lambda interval: Column("close", interval=interval),
        lambda interval: Indicator("ema", 5, interval=interval),
        lambda interval: Lag(CLOSE, 1, interval=interval),
    ],
)
def test_an_interval_is_the_same_in_all_its_spellings_and_differs_from_none(of: object) -> None:
    assert callable(of)
    assert of("day") == of("1d") == of(Interval.DAY)
    assert hash(of("day")) == hash(of("1d"))
    assert of("1d") != of("1w") != of(None)
    assert pickle.loads(pickle.dumps(of("1d"))) == of("1d")  # noqa: S301 - what was made a line before
    with pytest.raises(BadParameter, match="no such interval"):
        of("2d")


@pytest.mark.parametrize(
    ("term", "said"),
    [
        pytest.param(Lag(CLOSE, -1), "not a number of bars ago", id="a lag into the future"),
        pytest.param(Lag(CLOSE, 1.5), "not a number of bars ago", id="half a bar"),  # type: ignore[arg-type]  # a careless file
        pytest.param(Lag(CLOSE, math.nan), "not a number of bars ago", id="no number"),  # type: ignore[arg-type]  # a careless file
        pytest.param(Lag(CLOSE, 10_001), "not a number of bars ago", id="too long ago"),
        pytest.param(Lag(CLOSE, Ref("window")), "no such parameter", id="an unknown parameter as lag"),
        pytest.param(Lag(CLOSE, Ref("average")), "a word", id="a word as lag"),
        pytest.param(Lag(Column("price"), 1), "no such column", id="an unknown column inside a lag"),
        pytest.param(CLOSE + Indicator("emma"), "no such indicator", id="an unknown indicator in a sum"),
        pytest.param(2 * Ref("window"), "no such parameter", id="an unknown parameter in a product"),
        pytest.param(Ref("average"), "a word", id="a word as a number"),
        pytest.param(Indicator("ema", 5, of=Column("high", interval="1d")), "its column", id="an interval on an indicator's column"),
    ],
)
def test_a_term_that_cannot_be_is_refused_when_it_is_declared(term: Term, said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        Strategy(title="T", params=PARAMS, rule=Rule(enter=term > 1, exit=CLOSE < 1))


def test_what_is_no_number_cannot_be_reckoned_with() -> None:
    for wrong in ("high", True, None):
        with pytest.raises(BadParameter, match="neither a term nor a number"):
            _ = CLOSE + wrong  # type: ignore[operator]  # what a careless file would do


def test_python_s_own_and_is_refused_where_it_would_drop_half_of_the_condition() -> None:
    with pytest.raises(BadParameter, match="neither true nor false"):
        _ = (CLOSE > 1) and (EMA > 1)
    with pytest.raises(BadParameter, match="neither true nor false"):
        _ = 1 < CLOSE < 2


def test_a_condition_is_not_joined_with_what_is_none() -> None:
    with pytest.raises(BadParameter, match="not a condition"):
        _ = (CLOSE > 1) & EMA  # type: ignore[operator]  # what a careless file would do
