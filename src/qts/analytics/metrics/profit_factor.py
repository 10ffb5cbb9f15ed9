"""Profit factor: how many rupees were won for each rupee lost."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import HALF_PAISA
from qts.analytics.metric import Metric, Undefined


def profit_factor(curves: RunCurves) -> float | Undefined:
    """Return the sum of winning net P&L over the sum of losing net P&L, closed trades."""
    if len(curves.trade_net_pnl) == 0:
        return Undefined("no trade was closed")
    pnl = curves.trade_net_pnl
    lost = -float(np.sum(pnl[pnl < 0.0]))
    if lost < HALF_PAISA:
        return Undefined("no closed trade lost money, so there is no loss to divide by")
    return float(np.sum(pnl[pnl > 0.0])) / lost


METRIC: Final = Metric(
    title="Profit factor",
    unit="ratio",
    better="higher",
    order=110,
    meaning="Rupees won for each rupee lost, over closed trades after charges.",
    formula="sum(max(p, 0)) / |sum(min(p, 0))|",
    undefined_when="no trade was closed, or none lost money",
    reference="Gross profit over gross loss, here after charges.",
    compute=profit_factor,
)
