"""CAGR: which constant yearly growth gives the same result."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import growth_per_year
from qts.analytics.metric import Metric, Undefined


def cagr(curves: RunCurves) -> float | Undefined:
    """Return the compound annual growth rate, by calendar days over 365."""
    return growth_per_year(curves.capital, curves.final_equity, curves.calendar_days)


METRIC: Final = Metric(
    title="CAGR",
    unit="fraction",
    better="higher",
    order=30,
    meaning="The constant yearly growth that leads from the capital to the final equity.",
    formula="(E_last / C)^(365 / days) - 1, days = calendar days from the first to the last bar",
    undefined_when="the run spans less than a day or is too short for so large a return, or the equity ended at zero or below",
    reference="The money-weighted return (XIRR, 365-day year) of one deposit and one withdrawal.",
    compute=cagr,
)
