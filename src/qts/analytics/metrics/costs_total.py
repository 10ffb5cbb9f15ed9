"""Charges: what brokerage, taxes and fees took."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric


def costs_total(curves: RunCurves) -> float:
    """Return all charges, in rupees."""
    return curves.costs_total


METRIC: Final = Metric(
    title="Charges",
    unit="rupees",
    better="lower",
    order=160,
    meaning="Brokerage, taxes and fees of every fill.",
    formula="sum of charges",
    reference="The contract note; see the reference of costs.",
    compute=costs_total,
)
