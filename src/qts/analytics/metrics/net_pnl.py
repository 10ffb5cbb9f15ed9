"""Net P&L: what is left after charges."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric


def net_pnl(curves: RunCurves) -> float:
    """Return profit and loss after charges and slippage, in rupees."""
    gross = curves.final_equity - curves.capital + curves.costs_total
    return gross - curves.costs_total


METRIC: Final = Metric(
    title="Net P&L",
    unit="rupees",
    better="higher",
    order=180,
    meaning="Profit or loss after charges and slippage, open positions at the last close included.",
    formula="gross_pnl - costs_total = E_last - C",
    reference="Accounting identity.",
    compute=net_pnl,
)
