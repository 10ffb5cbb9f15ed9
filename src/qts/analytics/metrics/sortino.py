"""Sortino ratio: how much return came per unit of downward swing."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import bar_returns, sortino_ratio
from qts.analytics.metric import Metric, Undefined


def sortino(curves: RunCurves) -> float | Undefined:
    """Return the annualised Sortino ratio with target 0, shortfalls averaged over all bars."""
    returns = bar_returns(curves.equity)
    return returns if isinstance(returns, Undefined) else sortino_ratio(returns, curves.bars_per_year)


METRIC: Final = Metric(
    title="Sortino ratio",
    unit="ratio",
    better="higher",
    order=60,
    meaning="Return per unit of downward swing only.",
    formula="mean(r) / sqrt(mean(min(r, 0)^2)) * sqrt(B), both means taken over all bars",
    undefined_when="there are fewer than three bars, no bar lost money, or the equity fell to zero",
    reference="F. Sortino and R. van der Meer, Downside Risk, Journal of Portfolio Management, 1991.",
    compute=sortino,
)
