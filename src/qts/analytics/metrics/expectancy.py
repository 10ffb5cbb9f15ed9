"""Expectancy: what a trade brings on average."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric, Undefined


def expectancy(curves: RunCurves) -> float | Undefined:
    """Return the mean net P&L of closed trades, in rupees."""
    if len(curves.trade_net_pnl) == 0:
        return Undefined("no trade was closed")
    return float(np.mean(curves.trade_net_pnl))


METRIC: Final = Metric(
    title="Expectancy",
    unit="rupees",
    better="higher",
    order=120,
    meaning="What a closed trade brought on average, after charges.",
    formula="mean(p)",
    undefined_when="no trade was closed",
    reference="V. K. Tharp, Trade Your Way to Financial Freedom: expectancy, here in rupees.",
    compute=expectancy,
)
