from __future__ import annotations

import pytest

from qts.core.errors import BadParameter
from qts.strategies import Param, ParamKind
from qts.strategies.params import check_constraint_text, constraint_holds, constraint_names


@pytest.mark.parametrize(
    ("param", "kind"),
    [
        (Param(12), ParamKind.INT),
        (Param(0.5), ParamKind.FLOAT),
        (Param(False), ParamKind.BOOL),
        (Param("sma", choices=("sma", "wma")), ParamKind.CHOICE),
        (Param(5, choices=(5, 10)), ParamKind.CHOICE),
    ],
)
def test_the_default_tells_the_kind(param: Param, kind: ParamKind) -> None:
    assert param.kind is kind


@pytest.mark.parametrize(
    ("param", "value", "expected"),
    [
        pytest.param(Param(12), "26", 26, id="a whole number as text"),
        pytest.param(Param(12), 26.0, 26, id="a whole number as float"),
        pytest.param(Param(0.5), "0.25", 0.25, id="a number as text"),
        pytest.param(Param(0.5), 2, 2.0, id="a whole number for a number"),
        pytest.param(Param(False), "True", True, id="a switch as text"),
        pytest.param(Param(True), "0", False, id="a switch as digit"),
        pytest.param(Param(True), False, False, id="a switch as itself"),
        pytest.param(Param("a", choices=("a", "b")), "b", "b", id="a choice"),
        pytest.param(Param(5, choices=(5, 10)), "10", 10, id="a numeric choice keeps its type"),
        pytest.param(Param(12, low=2, high=20), 2, 2, id="the lower bound is inside"),
        pytest.param(Param(12, low=2, high=20), 20, 20, id="the upper bound is inside"),
    ],
)
def test_a_value_is_read_in_the_parameter_s_type(param: Param, value: object, expected: object) -> None:
    got = param.parse("fast", value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("param", "value", "reason"),
    [
        pytest.param(Param(12), "abc", "is not a number", id="no number"),
        pytest.param(Param(12), "1.5", "is not a whole number", id="no whole number"),
        pytest.param(Param(12), True, "is not a number", id="a switch is no number"),
        pytest.param(Param(12), None, "is not a number", id="nothing is no number"),
        pytest.param(Param(0.5), "nan", "is not a finite number", id="not a number"),
        pytest.param(Param(12), "inf", "is not a finite number", id="infinite"),
        pytest.param(Param(12, low=2), 1, "is below 2", id="below"),
        pytest.param(Param(12, high=20), 21, "is above 20", id="above"),
        pytest.param(Param(False), "maybe", "is neither true nor false", id="no switch"),
        pytest.param(Param("a", choices=("a", "b")), "c", "is not one of the choices", id="no choice"),
    ],
)
def test_a_value_that_does_not_fit_names_itself(param: Param, value: object, reason: str) -> None:
    with pytest.raises(BadParameter) as caught:
        param.parse("fast", value)
    assert caught.value.message == f"fast = {value}: {reason}."
    assert caught.value.hint


def test_a_default_outside_its_own_bounds_is_refused() -> None:
    with pytest.raises(BadParameter, match="below 2"):
        Param(1, low=2)


def test_text_without_choices_is_refused() -> None:
    with pytest.raises(BadParameter, match="needs its choices"):
        Param("sma")


def test_a_constraint_is_read_with_its_names() -> None:
    assert constraint_names("2 * fast < slow and fast > 1") == ("fast", "slow")
    assert constraint_holds("2 * fast < slow", {"fast": 5, "slow": 11})
    assert not constraint_holds("2 * fast < slow", {"fast": 5, "slow": 10})


@pytest.mark.parametrize(
    "text", ["fast <", "fast < unknown", "__import__('os')", "fast.real < slow", "[fast] < slow", "fast ** 9 < slow", "\0"]
)
def test_a_constraint_that_is_no_comparison_of_parameters_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="constraint"):
        check_constraint_text(text, {"fast": Param(1), "slow": Param(2)})
