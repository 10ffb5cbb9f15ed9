from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from qts.analytics.deflation import deflated_sharpe, expected_best_sharpe, probabilistic_sharpe
from qts.analytics.metric import Undefined

# The example of the paper: five years of 250 days, an annual Sharpe ratio of 2.5, a variance of one half over the trials.
PER_DAY = 2.5 / math.sqrt(250)
VARIANCE = 0.5 / 250


def test_the_best_of_a_hundred_trials_is_that_of_the_paper() -> None:
    assert expected_best_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize(
    ("n_trials", "skewness", "kurtosis", "expected"),
    [
        pytest.param(100, -3.0, 10.0, 0.9004, id="a hundred trials of skewed returns"),
        pytest.param(46, -3.0, 10.0, 0.9505, id="forty-six trials of skewed returns"),
        pytest.param(88, 0.0, 3.0, 0.9505, id="eighty-eight trials of normal returns"),
    ],
)
def test_the_example_of_the_paper_comes_out(n_trials: int, skewness: float, kurtosis: float, expected: float) -> None:
    best = expected_best_sharpe(n_trials, VARIANCE)
    got = probabilistic_sharpe(sharpe=PER_DAY, benchmark=best, n_returns=1250, skewness=skewness, kurtosis=kurtosis)
    assert got == pytest.approx(expected, abs=5e-5)


def test_the_whole_agrees_with_an_independent_computation() -> None:
    returns = np.random.default_rng(7).standard_t(4, 700) * 0.01 + 0.0008
    trials = [0.02, 0.05, -0.01, 0.08]
    sharpe = returns.mean() / returns.std(ddof=1)
    gamma = np.euler_gamma
    best = np.std(trials, ddof=1) * ((1 - gamma) * stats.norm.ppf(1 - 1 / 9) + gamma * stats.norm.ppf(1 - 1 / (9 * np.e)))
    spread = 1 - stats.skew(returns) * sharpe + (stats.kurtosis(returns, fisher=False) - 1) / 4 * sharpe**2
    expected = stats.norm.cdf((sharpe - best) * np.sqrt(699) / np.sqrt(spread))
    assert deflated_sharpe(returns, trials, n_trials=9) == pytest.approx(float(expected), rel=1e-10)


def test_more_trials_make_the_same_run_less_believable() -> None:
    returns = np.random.default_rng(7).standard_normal(500) * 0.01 + 0.001
    chances = [deflated_sharpe(returns, [0.01, 0.1], n_trials=n) for n in (2, 10, 100)]
    numbers = [chance for chance in chances if isinstance(chance, float)]
    assert len(numbers) == 3
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize(
    ("returns", "trials", "n_trials", "reason"),
    [
        pytest.param([0.1, 0.2, 0.3], [0.1], 1, "only trial", id="one trial"),
        pytest.param([0.1, 0.2, 0.3], [0.1], 5, "only trial", id="one trial with a ratio"),
        pytest.param([0.1, 0.2], [0.1, 0.2], 2, "three", id="two returns"),
        pytest.param([0.1] * 5, [0.1, 0.2], 2, "never varied", id="a straight line"),
    ],
)
def test_without_evidence_there_is_a_reason(returns: list[float], trials: list[float], n_trials: int, reason: str) -> None:
    got = deflated_sharpe(np.array(returns), trials, n_trials=n_trials)
    assert isinstance(got, Undefined)
    assert reason in got.reason


def test_moments_that_allow_no_error_estimate_give_a_reason() -> None:
    got = probabilistic_sharpe(sharpe=1.0, benchmark=0.0, n_returns=10, skewness=3.0, kurtosis=3.0)
    assert isinstance(got, Undefined)
