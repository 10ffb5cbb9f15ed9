"""Buy and hold: long from the first bar to the last, the yardstick for every other strategy."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.core import Bars, Floats
from qts.strategies import Strategy


def targets(bars: Bars) -> Floats:
    """Return 1 on every bar."""
    return np.ones(len(bars))


STRATEGY: Final = Strategy(
    title="Buy and hold",
    description="Buys once, at the open of the second bar, and keeps it.",
    tags=("yardstick",),
    targets=targets,
)
