"""Final equity: how many rupees there are at the end."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric


def final_equity(curves: RunCurves) -> float:
    """Return cash plus open positions at the last close, in rupees."""
    return curves.final_equity


METRIC: Final = Metric(
    title="Final equity",
    unit="rupees",
    better="higher",
    order=10,
    meaning="What the account is worth at the last close, open positions included.",
    formula="E_last",
    reference="Accounting identity: cash + quantity * close.",
    compute=final_equity,
)
