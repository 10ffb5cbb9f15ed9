from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qts.analytics.formulas import (
    bar_returns,
    compound_return,
    downside_per_year,
    drawdown,
    equity_from_capital,
    growth_per_year,
    max_drawdown,
    sharpe_ratio,
    sortino_ratio,
    volatility_per_year,
)
from qts.analytics.metric import Undefined
from qts.core import Floats

Truth = Callable[[str], Any]
PERIODS = {"daily": 252, "weekly": 52, "monthly": 12, "yearly": 1}
curves = st.lists(st.floats(1.0, 1e7), min_size=3, max_size=60).map(np.array)


def values_of(inputs: Any, name: str) -> list[Floats]:
    values = inputs[name.removeprefix("-")]["values"]
    columns = values.values() if isinstance(values, dict) else [values]
    arrays = [np.array([float(value) for value in column], dtype=np.float64) for column in columns]
    return [array[~np.isnan(array)] for array in arrays]


def n_observations(inputs: Any, name: str) -> int:
    return len(inputs[name]["values"])


def required(inputs: Any, text: str, n: int) -> Floats:
    """Read a required return: a number, or the name of a series, its last ``n`` values."""
    try:
        return np.full(n, float(text))
    except ValueError:
        return values_of(inputs, text)[0][-n:]


def agree(got: float | Undefined, expected: Any, tolerance: float) -> bool:
    if expected in ("nan", "inf"):
        return isinstance(got, Undefined)
    return not isinstance(got, Undefined) and math.isclose(got, expected, rel_tol=tolerance, abs_tol=tolerance)


def computed(metric: str, returns: Floats, case: Any, inputs: Any) -> float | Undefined:
    periods = PERIODS[case.get("period", "daily")]
    excess = returns - required(inputs, case.get("risk_free", case.get("required_return", "0.0")), len(returns))
    ratios = {
        "annual_volatility": volatility_per_year,
        "sharpe_ratio": sharpe_ratio,
        "downside_risk": downside_per_year,
        "sortino": sortino_ratio,
    }
    if metric in ratios:
        return ratios[metric](excess, periods)
    match metric:
        case "cagr":
            # There, years count every observation, a missing first one too.
            n_periods = n_observations(inputs, case["returns"])
            return growth_per_year(1.0, 1.0 + compound_return(returns), n_periods * 365.0 / periods)
        case "max_drawdown":
            equity: Floats = np.cumprod(1.0 + np.append(0.0, returns), dtype=np.float64)
            return max_drawdown(equity if len(returns) else returns)
        case _:
            start = case["starting_value"]
            grown = compound_return(returns)
            return (grown if start == 0 else start * (1.0 + grown)) if len(returns) else Undefined("no returns")


CHECKED = ("annual_volatility", "sharpe_ratio", "downside_risk", "sortino", "cagr", "max_drawdown", "cum_returns_final")


@pytest.mark.realdata
@pytest.mark.parametrize("metric", CHECKED)
def test_formulas_agree_with_the_published_values(truth: Truth, metric: str) -> None:
    table = truth("metrics_empyrical_a")
    cases = [case for case in table["cases"] if case["metric"] == metric]
    assert cases
    tolerance = 1e-4 if metric == "cum_returns_final" else 1e-8
    for case in cases:
        for i_column, returns in enumerate(values_of(table["inputs"], case["returns"])):
            expected = case["expected"][i_column] if isinstance(case["expected"], list) else case["expected"]
            got = computed(metric, returns, case, table["inputs"])
            # Sharpe of a constant gain is infinite there; here it does not exist, and a single return has no deviation.
            assert agree(got, expected, tolerance), (case, got)


@pytest.mark.realdata
def test_downside_target_is_taken_off_every_return(truth: Truth) -> None:
    table = truth("metrics_empyrical_a")
    (mixed,) = values_of(table["inputs"], "mixed_returns")
    got = downside_per_year(mixed, 252, target=0.1)
    assert got == pytest.approx(1.7161730681956295, abs=1e-8)


@pytest.mark.realdata
def test_growth_agrees_with_the_published_rates(truth: Truth) -> None:
    table = truth("xirr_cagr")
    for case in table["cagr"]:
        assert growth_per_year(case["start"], case["end"], case["days"]) == pytest.approx(case["expected"], rel=1e-12)


@pytest.mark.realdata
def test_growth_of_one_deposit_is_its_money_weighted_return(truth: Truth) -> None:
    """Discount every flow of the published example at its rate: the sum is nil, with the same 365-day year as ours."""
    example = truth("xirr_cagr")["xirr"][0]
    first = date.fromisoformat(example["flows"][0][0])
    worth = 0.0
    for on, amount in example["flows"]:
        grown = growth_per_year(1.0, 1.0 + example["expected"], 365)
        assert isinstance(grown, float)
        worth += amount / (1.0 + grown) ** ((date.fromisoformat(on) - first).days / 365)
    assert worth == pytest.approx(0.0, abs=1e-3)


@given(curves)
def test_sharpe_and_volatility_equal_the_plain_definitions(equity: Floats) -> None:
    plain = [after / before - 1.0 for before, after in pairwise(equity)]
    assume(statistics.stdev(plain) > 1e-9)
    returns = bar_returns(equity)
    assert not isinstance(returns, Undefined)
    deviation = statistics.stdev(plain)
    assert volatility_per_year(returns, 250) == pytest.approx(deviation * math.sqrt(250), rel=1e-9)
    assert sharpe_ratio(returns, 250) == pytest.approx(statistics.fmean(plain) / deviation * math.sqrt(250), rel=1e-6, abs=1e-9)


@given(curves)
def test_sortino_equals_the_plain_definition(equity: Floats) -> None:
    plain = [after / before - 1.0 for before, after in pairwise(equity)]
    downside = math.sqrt(sum(min(r, 0.0) ** 2 for r in plain) / len(plain))
    assume(downside > 1e-9)
    returns = bar_returns(equity)
    assert not isinstance(returns, Undefined)
    assert sortino_ratio(returns, 250) == pytest.approx(statistics.fmean(plain) / downside * math.sqrt(250), rel=1e-6, abs=1e-9)


@given(curves, st.floats(0.5, 20.0))
def test_ratios_do_not_depend_on_the_size_of_the_account(equity: Floats, factor: float) -> None:
    before, after = bar_returns(equity), bar_returns(equity * factor)
    assert not isinstance(before, Undefined)
    assert not isinstance(after, Undefined)
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(drawdown(equity * factor), drawdown(equity), rtol=1e-9, atol=1e-12)


@given(curves)
def test_drawdown_is_never_above_zero_and_zero_at_every_peak(equity: Floats) -> None:
    fall = drawdown(equity)
    assert np.all(fall <= 0.0)
    assert np.all(fall > -1.0)
    assert fall[int(np.argmax(equity))] == 0.0
    assert not np.any(np.signbit(fall[fall == 0.0]))


@given(curves)
def test_drawdown_equals_the_worst_of_all_pairs(equity: Floats) -> None:
    worst = min(equity[later] / equity[earlier] - 1.0 for earlier in range(len(equity)) for later in range(earlier, len(equity)))
    assert max_drawdown(equity) == pytest.approx(worst, abs=1e-12)


@given(curves)
def test_bar_returns_compound_to_the_whole(equity: Floats) -> None:
    returns = bar_returns(equity)
    assert not isinstance(returns, Undefined)
    assert compound_return(returns) == pytest.approx(equity[-1] / equity[0] - 1.0, rel=1e-9, abs=1e-9)


def test_the_capital_stands_before_the_first_bar() -> None:
    assert equity_from_capital(100.0, np.array([90.0, 95.0])).tolist() == [100.0, 90.0, 95.0]
    assert max_drawdown(equity_from_capital(100.0, np.array([90.0, 95.0]))) == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(bar_returns(np.array([10.0, 0.0, 5.0])), "fell to zero", id="returns after ruin"),
        pytest.param(max_drawdown(np.array([])), "no bars", id="drawdown of nothing"),
        pytest.param(growth_per_year(1.0, 2.0, 0), "less than one calendar day", id="growth within a day"),
        pytest.param(growth_per_year(1.0, 0.0, 10), "ended at zero", id="growth into ruin"),
        pytest.param(growth_per_year(1.0, 3.0, 1), "only 1 calendar days", id="growth too fast to annualise"),
        pytest.param(volatility_per_year(np.array([0.1]), 252), "at least two", id="volatility of one return"),
        pytest.param(sharpe_ratio(np.array([0.1]), 252), "at least two", id="sharpe of one return"),
        pytest.param(sharpe_ratio(np.full(9, 0.01), 252), "never varied", id="sharpe of a straight line"),
        pytest.param(sortino_ratio(np.array([0.1]), 252), "at least two", id="sortino of one return"),
        pytest.param(sortino_ratio(np.array([0.1, 0.2]), 252), "no bar lost", id="sortino without a loss"),
        pytest.param(downside_per_year(np.array([]), 252), "no bar returns", id="downside of nothing"),
    ],
)
def test_what_does_not_exist_says_why(value: object, reason: str) -> None:
    assert isinstance(value, Undefined)
    assert reason in value.reason


def test_ruin_on_the_last_bar_is_a_return_of_minus_one() -> None:
    returns = bar_returns(np.array([10.0, 5.0, 0.0]))
    assert not isinstance(returns, Undefined)
    assert returns.tolist() == [-0.5, -1.0]


def test_a_growth_of_nothing_is_zero() -> None:
    assert growth_per_year(100.0, 100.0, 400) == 0.0
