"""Turnover: how many times a year the equity was traded."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import HALF_PAISA
from qts.analytics.metric import Metric, Undefined


def turnover(curves: RunCurves) -> float | Undefined:
    """Return the traded notional over the mean equity per year, buys and sells both counted."""
    if curves.n_bars == 0:
        return Undefined("there are no bars")
    mean_equity = float(np.mean(curves.equity))
    if mean_equity < HALF_PAISA:
        return Undefined("the equity was zero or below on average")
    years = curves.n_bars / curves.bars_per_year
    return curves.traded_notional / mean_equity / years


METRIC: Final = Metric(
    title="Turnover",
    unit="per_year",
    better=None,
    order=140,
    meaning="How many times a year the equity was traded, buys and sells both counted.",
    formula="N / mean(E) / years, years = bars / B",
    undefined_when="there are no bars, or the equity was zero or below on average",
    reference="Traded notional over average equity; fund reports that count one side only show half of it.",
    compute=turnover,
)
