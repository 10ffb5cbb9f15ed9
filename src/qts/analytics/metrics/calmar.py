"""Calmar ratio: how much yearly growth came per unit of the deepest fall."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import equity_from_capital, growth_per_year, max_drawdown
from qts.analytics.metric import Metric, Undefined


def calmar(curves: RunCurves) -> float | Undefined:
    """Return the CAGR over the depth of the worst drawdown."""
    growth = growth_per_year(curves.capital, curves.final_equity, curves.calendar_days)
    deepest = max_drawdown(equity_from_capital(curves.capital, curves.equity))
    if isinstance(growth, Undefined):
        return growth
    if isinstance(deepest, Undefined) or deepest == 0.0:
        return Undefined("the equity never fell below a peak, so there is no drawdown to divide by")
    return growth / -deepest


METRIC: Final = Metric(
    title="Calmar ratio",
    unit="ratio",
    better="higher",
    order=70,
    meaning="Yearly growth per unit of the deepest fall.",
    formula="cagr / |max_drawdown|",
    undefined_when="the CAGR is, or the equity never fell below a peak",
    reference="T. W. Young, Calmar Ratio: A Smoother Tool, Futures, 1991; here over the whole run, not the last 36 months.",
    compute=calmar,
)
