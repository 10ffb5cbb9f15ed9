"""Momentum rotation: hold the instruments that rose most, and change them at fixed times."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.core import Floats
from qts.strategies import Panel, Param, Strategy


def targets(panel: Panel, *, lookback: int, top: int, every: int) -> Floats:
    """Return equal weights for the best at each rebalancing bar, 0 for the others, NaN ("keep") in between."""
    weights = np.full(panel.close.shape, np.nan)
    for t in range(lookback, len(panel.ts), every):
        rise = panel.close[:, t] / panel.close[:, t - lookback] - 1.0
        known = ~np.isnan(rise)
        # Ties fall to the instrument named first; what has no price today keeps what it has.
        best = np.argsort(-np.where(known & (rise > 0.0), rise, -np.inf), kind="stable")[:top]
        weights[known, t] = 0.0
        chosen = best[known[best] & (rise[best] > 0.0)]
        weights[chosen, t] = 1.0 / top
    return weights


STRATEGY: Final = Strategy(
    title="Momentum rotation",
    description="Ranks the instruments by their rise over the last bars and holds the best, equally weighted; what fell is not held.",
    tags=("momentum", "portfolio"),
    params={
        "lookback": Param(120, low=2, high=1000, step=1, help="Bars over which the rise is measured"),
        "top": Param(3, low=1, high=100, step=1, help="Number of instruments held"),
        "every": Param(20, low=1, high=500, step=1, help="Bars between two changes"),
    },
    matrix=True,
    targets=targets,
)
