"""Exposure: how much of the equity was at work on average."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric, Undefined


def exposure(curves: RunCurves) -> float | Undefined:
    """Return the mean absolute exposure over all bars, a fraction of equity."""
    if curves.n_bars == 0:
        return Undefined("there are no bars")
    return float(np.mean(np.abs(curves.exposure)))


METRIC: Final = Metric(
    title="Exposure",
    unit="fraction",
    better=None,
    order=130,
    meaning="The average share of the equity that was in the market, long or short, at the close of each bar.",
    formula="mean(|x|)",
    undefined_when="there are no bars",
    reference="Mean absolute exposure; a position held half the time with half the equity gives a quarter.",
    compute=exposure,
)
