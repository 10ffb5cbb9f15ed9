"""Slippage: what filling away from the reference price took."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric


def slippage_total(curves: RunCurves) -> float:
    """Return the slippage of all fills, in rupees, positive when against us."""
    return curves.slippage_total


METRIC: Final = Metric(
    title="Slippage",
    unit="rupees",
    better="lower",
    order=170,
    meaning="What was lost by filling away from the reference price. It is already inside gross_pnl and not part of costs_total.",
    formula="sum of (fill price - reference price) * quantity over buys, and of (reference price - fill price) * quantity over sells",
    reference="Fill price against the price the bar offered, signed against us.",
    compute=slippage_total,
)
