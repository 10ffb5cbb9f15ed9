"""Volatility: how much the equity swings in a year."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import bar_returns, volatility_per_year
from qts.analytics.metric import Metric, Undefined


def volatility(curves: RunCurves) -> float | Undefined:
    """Return the annualised sample standard deviation of bar returns, a fraction."""
    returns = bar_returns(curves.equity)
    return returns if isinstance(returns, Undefined) else volatility_per_year(returns, curves.bars_per_year)


METRIC: Final = Metric(
    title="Volatility",
    unit="fraction",
    better="lower",
    order=40,
    meaning="How far the equity typically strays from its average growth in a year.",
    formula="std(r, ddof = 1) * sqrt(B)",
    undefined_when="there are fewer than three bars, or the equity fell to zero",
    reference="J. C. Hull, Options, Futures, and Other Derivatives: volatility from historical data.",
    compute=volatility,
)
