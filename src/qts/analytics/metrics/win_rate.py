"""Win rate: how often a trade made money."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric, Undefined


def win_rate(curves: RunCurves) -> float | Undefined:
    """Return the share of closed trades whose net P&L is above zero."""
    if len(curves.trade_net_pnl) == 0:
        return Undefined("no trade was closed")
    return float(np.mean(curves.trade_net_pnl > 0.0))


METRIC: Final = Metric(
    title="Win rate",
    unit="fraction",
    better="higher",
    order=100,
    meaning="The share of closed trades that made money after charges.",
    formula="count(p > 0) / n",
    undefined_when="no trade was closed",
    reference="Count.",
    compute=win_rate,
)
