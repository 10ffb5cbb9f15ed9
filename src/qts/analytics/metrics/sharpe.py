"""Sharpe ratio: how much return came per unit of swing."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import bar_returns, sharpe_ratio
from qts.analytics.metric import Metric, Undefined


def sharpe(curves: RunCurves) -> float | Undefined:
    """Return the annualised Sharpe ratio of bar returns, no risk-free rate taken off."""
    returns = bar_returns(curves.equity)
    return returns if isinstance(returns, Undefined) else sharpe_ratio(returns, curves.bars_per_year)


METRIC: Final = Metric(
    title="Sharpe ratio",
    unit="ratio",
    better="higher",
    order=50,
    meaning="Return per unit of swing, both ways counted; no risk-free rate is taken off.",
    formula="mean(r) / std(r, ddof = 1) * sqrt(B)",
    undefined_when="there are fewer than three bars, the equity never varied, or it fell to zero",
    reference="W. F. Sharpe, The Sharpe Ratio, Journal of Portfolio Management, 1994.",
    compute=sharpe,
)
