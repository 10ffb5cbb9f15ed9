"""The formulas of performance: arrays in, one number out, or the reason why there is none.

Every function takes simple returns per bar, oldest first and finite, and the number of such bars in a year.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from qts.analytics.metric import Undefined
from qts.core import Floats

DAYS_PER_YEAR: Final = 365
# Returns of a constant growth differ in the last bits only; dividing by such a deviation would give a number of no meaning.
NO_VARIATION: Final = 1e-14
# Rupees below this are nothing: to divide by them would give a number of no meaning.
HALF_PAISA: Final = 0.005


def bar_returns(equity: Floats) -> Floats | Undefined:
    """Return the simple return of each bar over the one before, shape (n_bars - 1,).

    Undefined where the equity, rounded to the paisa, reaches zero or less before the last bar: nothing can be earned on it.
    """
    if np.any(equity[:-1] < HALF_PAISA):
        return Undefined("the equity fell to zero or below, so returns have no base")
    return equity[1:] / equity[:-1] - 1.0


def equity_from_capital(capital: float, equity: Floats) -> Floats:
    """Return the equity with the capital in front, shape (n_bars + 1,), so that a loss on the first bar is a fall."""
    return np.concatenate((np.array([capital]), equity))


def compound_return(returns: Floats) -> float:
    """Return the growth of one rupee over all returns, minus one."""
    return float(np.prod(1.0 + returns)) - 1.0


def drawdown(equity: Floats) -> Floats:
    """Return the distance below the running peak.

    Parameters
    ----------
    equity : ndarray of shape (n_bars,)
        Marked equity in rupees, oldest first, the first value positive.

    Returns
    -------
    ndarray of shape (n_bars,)
        Fractions ≤ 0; 0 at every new peak, below -1 only where the equity is negative.

    Notes
    -----
    O(n_bars) time, one temporary array.
    """
    peak = np.maximum.accumulate(equity)
    # Adding zero turns -0.0 into 0.0.
    return equity / peak - 1.0 + 0.0


def max_drawdown(equity: Floats) -> float | Undefined:
    """Return the deepest drawdown, a fraction ≤ 0."""
    if len(equity) == 0:
        return Undefined("there are no bars")
    return float(np.min(drawdown(equity)))


def growth_per_year(start: float, end: float, days: float) -> float | Undefined:
    """Return the constant yearly growth that turns ``start`` into ``end`` in so many calendar days (years of 365 days)."""
    if days <= 0:
        return Undefined("the run spans less than one calendar day, too short to annualise")
    if end <= 0.0:
        return Undefined("the equity ended at zero or below, which no yearly rate describes")
    exponent = math.log(end / start) * DAYS_PER_YEAR / days
    if exponent > math.log(1e12):
        return Undefined(f"the run spans only {days:g} calendar days, too short to annualise such a return")
    return math.expm1(exponent)


def volatility_per_year(returns: Floats, periods_per_year: float) -> float | Undefined:
    """Return the sample standard deviation (ddof = 1) of the returns, annualised by the square root of time."""
    if len(returns) < 2:
        return Undefined("it needs at least two bar returns")
    return float(np.std(returns, ddof=1)) * math.sqrt(periods_per_year)


def sharpe_ratio(returns: Floats, periods_per_year: float) -> float | Undefined:
    """Return mean over sample standard deviation of the returns, annualised; no risk-free rate is taken off."""
    if len(returns) < 2:
        return Undefined("it needs at least two bar returns")
    deviation = float(np.std(returns, ddof=1))
    if deviation <= NO_VARIATION:
        return Undefined("the equity never varied, so there is no risk to divide by")
    return float(np.mean(returns)) / deviation * math.sqrt(periods_per_year)


def downside_per_year(returns: Floats, periods_per_year: float, *, target: float = 0.0) -> float | Undefined:
    """Return the annualised downside deviation: root mean square of the shortfalls below ``target``, over all observations."""
    if len(returns) == 0:
        return Undefined("there are no bar returns")
    return _root_mean_square(np.minimum(returns - target, 0.0)) * math.sqrt(periods_per_year)


def sortino_ratio(returns: Floats, periods_per_year: float, *, target: float = 0.0) -> float | Undefined:
    """Return the mean excess over ``target`` per bar, annualised, over the annualised downside deviation."""
    if len(returns) < 2:
        return Undefined("it needs at least two bar returns")
    downside = _root_mean_square(np.minimum(returns - target, 0.0))
    if downside <= NO_VARIATION:
        return Undefined("no bar lost money, so there is no downside to divide by")
    return float(np.mean(returns - target)) / downside * math.sqrt(periods_per_year)


def _root_mean_square(values: Floats) -> float:
    return math.sqrt(float(np.mean(values * values)))
