from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, Floats
from qts.core.errors import BadParameter, StrategyFailed
from qts.strategies import Column, Form, Panel, Param, Ref, Rule, Strategy, read_only

Walk = Callable[..., Bars]
PARAMS = {"fast": Param(12, low=2), "slow": Param(26, low=3)}


def flat(bars: Bars, **_: object) -> Floats:
    return np.zeros(len(bars))


CROSS = Strategy(title="Cross", params=PARAMS, targets=flat, constraint="fast < slow")


def test_absent_parameters_take_their_defaults_in_the_order_declared() -> None:
    assert list(CROSS.resolve({"slow": "50"}).items()) == [("fast", 12), ("slow", 50)]
    assert CROSS.resolve() == CROSS.defaults() == {"fast": 12, "slow": 26}


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadParameter) as caught:
        CROSS.resolve({"window": 5})
    assert caught.value.hint == "It has fast, slow."
    with pytest.raises(BadParameter) as caught:
        Strategy(title="Bare", targets=flat).resolve({"window": 5})
    assert caught.value.hint == "It has no parameters."


def test_a_broken_constraint_names_the_values() -> None:
    with pytest.raises(BadParameter) as caught:
        CROSS.resolve({"fast": 30})
    assert caught.value.message == "fast = 30: breaks fast < slow with slow = 26."


def test_a_constraint_may_be_a_function() -> None:
    strategy = Strategy(title="Cross", params=PARAMS, targets=flat, constraint=lambda fast, slow: fast < slow)
    assert strategy.resolve()
    with pytest.raises(BadParameter, match="the strategy's constraint"):
        strategy.resolve({"fast": 30})


@pytest.mark.parametrize(
    "declare",
    [
        pytest.param(lambda: Strategy(title="None"), id="neither targets nor rule"),
        pytest.param(
            lambda: Strategy(title="Both", targets=flat, rule=Rule(enter=Column("close") > 1, exit=Column("close") < 1)), id="both"
        ),
        pytest.param(lambda: Strategy(title="Raw", targets=flat, params={"fast": 12}), id="no Param"),  # type: ignore[dict-item]
        pytest.param(lambda: Strategy(title="Order", targets=flat, params=PARAMS, constraint="slow < fast"), id="defaults that break it"),
        pytest.param(lambda: Strategy(title="Names", targets=flat, params=PARAMS, constraint="quick < slow"), id="an unknown name"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(declare: Callable[[], Strategy]) -> None:
    with pytest.raises(BadParameter):
        declare()


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        pytest.param(np.zeros(4), r"shape \(4,\) for 5 bars", id="too short"),
        pytest.param(np.zeros((5, 1)), r"shape \(5, 1\)", id="two dimensions"),
        pytest.param(None, "object, not numbers", id="nothing"),
        pytest.param(["a"] * 5, "not numbers", id="text"),
        pytest.param([1j] * 5, "complex128, not numbers", id="complex"),
        pytest.param([[1], [1, 2], 3, 4, 5], "not an array of numbers", id="ragged"),
        pytest.param([0, 0, 1.5, 0, 0], r"bar 2 is 1\.5, outside", id="above one"),
        pytest.param([0, -1.01, 0, 0, 0], r"bar 1 is -1\.01, outside", id="below minus one"),
        pytest.param([0, 0, 0, math.inf, 0], "bar 3 is inf", id="infinite"),
    ],
)
def test_what_cannot_be_traded_is_refused_with_its_line(walk: Walk, returned: object, reason: str) -> None:
    def wrong(_: Bars) -> object:
        return returned

    with pytest.raises(StrategyFailed, match=reason) as caught:
        Strategy(title="Wrong", targets=wrong).exposure(walk(5))  # type: ignore[arg-type]  # what a careless file would do
    assert caught.value.strategy == Path(__file__).name
    assert caught.value.line == wrong.__code__.co_firstlineno


def test_a_strategy_that_raises_is_named_with_the_line_it_stands_on(walk: Walk) -> None:
    def helper(value: int) -> float:
        return 1 / value

    def wrong(bars: Bars) -> Floats:
        return np.full(len(bars), helper(0))

    with pytest.raises(StrategyFailed, match="ZeroDivisionError: division by zero") as caught:
        Strategy(title="Wrong", targets=wrong).exposure(walk(5))
    assert caught.value.line == helper.__code__.co_firstlineno + 1


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), type("Own", (BaseException,), {})()])
def test_a_strategy_that_exits_is_contained(walk: Walk, error: BaseException) -> None:
    def wrong(_: Bars) -> Floats:
        raise error

    with pytest.raises(StrategyFailed, match=type(error).__name__):
        Strategy(title="Wrong", targets=wrong).exposure(walk(5))


def test_ctrl_c_in_a_strategy_is_no_error_of_the_strategy(walk: Walk) -> None:
    def slow(_: Bars) -> Floats:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Strategy(title="Slow", targets=slow).exposure(walk(5))


def test_a_bad_span_asked_for_by_a_strategy_stays_an_input_error(walk: Walk) -> None:
    def wrong(_: Bars) -> Floats:
        raise BadParameter("span", 0, "an average needs at least one bar")

    with pytest.raises(BadParameter):
        Strategy(title="Wrong", targets=wrong).exposure(walk(5))


def test_a_callable_object_is_named_by_its_title(walk: Walk) -> None:
    class Wrong:
        def __call__(self, _: Bars) -> Floats:
            return np.zeros(1)

    with pytest.raises(StrategyFailed, match="Strategy 'Object':") as caught:
        Strategy(title="Object", targets=Wrong()).exposure(walk(5))
    assert caught.value.line is None


@pytest.mark.parametrize("returned", [[0, 1, 0, -1, 0], [False, True, False, True, False], np.array([0.5, math.nan, 0, 0, 1])])
def test_whatever_holds_numbers_is_taken(walk: Walk, returned: object) -> None:
    got = Strategy(title="Any", targets=lambda _: returned).exposure(walk(5))  # type: ignore[arg-type, return-value]  # lists too
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, np.array(returned, dtype=np.float64))


def test_a_strategy_cannot_change_the_bars_others_see(walk: Walk) -> None:
    def vandal(bars: Bars) -> Floats:
        bars.close[:] = 1.0
        return bars.close

    bars = walk(5)
    before = bars.close.copy()
    with pytest.raises(StrategyFailed, match="read-only"):
        Strategy(title="Vandal", targets=vandal).exposure(bars)
    np.testing.assert_array_equal(bars.close, before)
    assert bars.close.flags.writeable
    assert not read_only(bars).close.flags.writeable


def test_warnings_of_numpy_inside_a_strategy_are_its_own_affair(walk: Walk) -> None:
    got = Strategy(title="Divides", targets=lambda bars: np.zeros(len(bars)) / np.zeros(len(bars))).exposure(walk(3))
    assert np.isnan(got).all()


def test_a_strategy_says_what_it_wants_in_exactly_one_way() -> None:
    assert [
        Strategy(title="T", targets=flat).form,
        Strategy(title="M", targets=flat, matrix=True).form,
        Strategy(title="R", rule=Rule(enter=Column("close") > 1, exit=Column("close") < 1)).form,
        Strategy(title="O", on_bar=lambda _: None).form,
    ] == [Form.TARGETS, Form.MATRIX, Form.RULE, Form.ON_BAR]
    with pytest.raises(BadParameter, match="exactly one"):
        Strategy(title="Two", targets=flat, on_bar=lambda _: None)
    with pytest.raises(BadParameter, match="sees one instrument"):
        Strategy(title="Matrix", rule=Rule(enter=Column("close") > 1, exit=Column("close") < 1), matrix=True)
    with pytest.raises(BadParameter, match="without on_bar"):
        Strategy(title="Start", targets=flat, on_start=lambda _: None)


def test_a_matrix_strategy_weighs_all_instruments_at_once(walk: Walk) -> None:
    def first_half(panel: Panel, *, share: float) -> Floats:
        weights = np.zeros(panel.close.shape)
        weights[0] = share
        return weights

    strategy = Strategy(title="Half", targets=first_half, matrix=True, params={"share": Param(0.5, low=0.0, high=1.0)})
    one, other = walk(5), walk(5, seed=1)
    assert [row.tolist() for row in strategy.exposures([one, other])] == [[0.5] * 5, [0.0] * 5]
    assert strategy.exposure(one, {"share": 0.25}).tolist() == [0.25] * 5


def test_a_matrix_of_another_shape_is_refused(walk: Walk) -> None:
    strategy = Strategy(title="Flat", targets=lambda panel: np.zeros(len(panel.ts)), matrix=True)
    with pytest.raises(StrategyFailed, match="for 2 instruments and 5 bars"):
        strategy.exposures([walk(5), walk(5, seed=1)])


def test_orders_bar_by_bar_have_no_targets(walk: Walk) -> None:
    with pytest.raises(BadParameter, match="has no targets"):
        Strategy(title="Orders", on_bar=lambda _: None).exposure(walk(5))


def test_what_guards_a_position_comes_from_numbers_or_parameters() -> None:
    strategy = Strategy(
        title="Guarded",
        targets=flat,
        params={"stop": Param(0.05, low=0.0, high=0.5)},
        protection={"stop_loss": Ref("stop"), "trailing": 0.1},
    )
    assert strategy.guards() == {"stop_loss": 0.05, "trailing": 0.1}
    assert strategy.guards({"stop": "0.2"})["stop_loss"] == 0.2
    with pytest.raises(BadParameter, match="no such guard"):
        Strategy(title="Unknown", targets=flat, protection={"hope": 0.1})
    with pytest.raises(BadParameter, match="no such parameter"):
        Strategy(title="Unknown", targets=flat, protection={"trailing": Ref("stop")})
