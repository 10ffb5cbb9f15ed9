"""Total return: what the whole run earned on the capital."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric


def total_return(curves: RunCurves) -> float:
    """Return the net return over the whole run, a fraction."""
    return curves.final_equity / curves.capital - 1.0


METRIC: Final = Metric(
    title="Total return",
    unit="fraction",
    better="higher",
    order=20,
    meaning="The net return over the whole run.",
    formula="E_last / C - 1",
    reference="CFA Institute, GIPS 2020: holding-period return.",
    compute=total_return,
)
