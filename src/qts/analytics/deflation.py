"""The deflated Sharpe ratio: whether one is more than the best of many tries would show by luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, variance
from typing import Final

import numpy as np

from qts.analytics.formulas import NO_VARIATION
from qts.analytics.metric import Undefined
from qts.core import Floats

EULER_MASCHERONI: Final = 0.5772156649015329
_NORMAL: Final = NormalDist()


def expected_best_sharpe(n_trials: int, trial_variance: float) -> float:
    """Return the Sharpe ratio the best of so many worthless trials is expected to show, per bar.

    Parameters
    ----------
    n_trials : int
        Independent trials, ≥ 2.
    trial_variance : float
        Variance of the trials' Sharpe ratios, per bar.

    Notes
    -----
    sqrt(V) * ((1 - g) * Z(1 - 1/N) + g * Z(1 - 1/(N e))), with Z the normal quantile and g the Euler-Mascheroni constant.
    """
    likely = _NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    rare = _NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * math.e))
    return math.sqrt(trial_variance) * ((1.0 - EULER_MASCHERONI) * likely + EULER_MASCHERONI * rare)


def probabilistic_sharpe(*, sharpe: float, benchmark: float, n_returns: int, skewness: float, kurtosis: float) -> float | Undefined:
    """Return the probability that the true Sharpe ratio exceeds ``benchmark``; both ratios per bar, kurtosis 3 for a normal law.

    Notes
    -----
    Phi((SR - SR*) sqrt(T - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)).
    """
    spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if n_returns < 2 or spread <= 0.0:
        return Undefined("there are too few or too odd returns to estimate the error of the Sharpe ratio")
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(n_returns - 1) / math.sqrt(spread))


def deflated_sharpe(returns: Floats, trial_sharpes: Sequence[float], *, n_trials: int) -> float | Undefined:
    """Return the probability that the true Sharpe ratio exceeds what luck gives the best of all trials.

    Parameters
    ----------
    returns : ndarray of shape (n_returns,)
        Bar returns of the run under judgement.
    trial_sharpes : sequence of float
        Sharpe ratios per bar (not annualised) of the trials whose ratio exists, this run's among them.
    n_trials : int
        All trials of the idea, also those without a ratio.

    References
    ----------
    D. H. Bailey and M. López de Prado, The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting,
    and Non-Normality, Journal of Portfolio Management 40 (5), 2014.
    """
    if n_trials < 2 or len(trial_sharpes) < 2:
        return Undefined("this is the only trial of the idea with a Sharpe ratio, so there is nothing to deflate by")
    if len(returns) < 3:
        return Undefined("it needs at least three bar returns")
    deviation = float(np.std(returns, ddof=1))
    if deviation <= NO_VARIATION:
        return Undefined("the equity never varied, so there is no Sharpe ratio")
    centred = returns - np.mean(returns)
    second = float(np.mean(centred**2))
    return probabilistic_sharpe(
        sharpe=float(np.mean(returns)) / deviation,
        benchmark=expected_best_sharpe(n_trials, variance(trial_sharpes)),
        n_returns=len(returns),
        skewness=float(np.mean(centred**3)) / second**1.5,
        kurtosis=float(np.mean(centred**4)) / second**2,
    )
