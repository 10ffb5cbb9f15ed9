"""Gross P&L: what the fills earned before charges."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric


def gross_pnl(curves: RunCurves) -> float:
    """Return profit and loss at fill prices before charges, in rupees."""
    return curves.final_equity - curves.capital + curves.costs_total


METRIC: Final = Metric(
    title="Gross P&L",
    unit="rupees",
    better="higher",
    order=150,
    meaning="Profit or loss at the prices filled, before charges. Slippage is inside: without it, it would be gross_pnl + slippage_total.",
    formula="E_last - C + costs_total",
    reference="Accounting identity.",
    compute=gross_pnl,
)
