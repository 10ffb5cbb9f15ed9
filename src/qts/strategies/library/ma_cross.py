"""Moving-average crossover with a simple or a weighted average."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.core import Bars, Floats
from qts.kernels import crosses_above, crosses_below, hold, sma, wma
from qts.strategies import Param, Strategy


def targets(bars: Bars, *, fast: int, slow: int, average: str, short: bool) -> Floats:
    """Return 1 from a cross up and 0 (or -1) from a cross down; no position before the first cross."""
    mean = wma if average == "wma" else sma
    quick = mean(bars.close, fast)
    calm = mean(bars.close, slow)
    held = hold(crosses_above(quick, calm), crosses_below(quick, calm), outside=-1.0 if short else 0.0)
    return np.where(np.isnan(calm), np.nan, held)


STRATEGY: Final = Strategy(
    title="Moving-average crossover",
    description="Buys when the fast simple or weighted average crosses above the slow one, leaves when it crosses below.",
    tags=("trend", "moving average"),
    params={
        "fast": Param(20, low=2, high=200, step=1, help="Span of the fast average, in bars"),
        "slow": Param(50, low=3, high=400, step=1, help="Span of the slow average, in bars"),
        "average": Param("sma", choices=("sma", "wma"), help="Simple, or weighted towards the latest bars"),
        "short": Param(False, help="Go short on a cross down instead of flat"),
    },
    constraint="fast < slow",
    targets=targets,
)
