"""Averages without a window: exponential and Wilder's. Each takes one value, returns NaN until it is seeded, and passes over a NaN.

The memory of each stands in ``state`` from place ``at`` on, two floats, zero at the start: values seen, and the sum or the average.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from qts.kernels.twins import Column

SMOOTHING: Final = 2


def exponential(state: Column, at: int, span: float, value: float) -> float:
    """Return the average with ``alpha = 2 / (span + 1)``, seeded with the mean of the first ``span`` values."""
    return seeded(state, at, (span, span), value)


def seeded(state: Column, at: int, spans: tuple[float, float], value: float) -> float:
    """Return the exponential average over ``spans[0]``, seeded with the mean of the first ``spans[1]`` values."""
    if math.isnan(value):
        return math.nan
    seen = state[at] + 1.0
    average = state[at + 1]
    if seen > spans[1]:
        average += 2.0 / (spans[0] + 1.0) * (value - average)
    else:
        average = (average + value) / (spans[1] if seen == spans[1] else 1.0)
    state[at] = seen
    state[at + 1] = average
    return average if seen >= spans[1] else math.nan


def wilder(state: Column, at: int, span: float, value: float) -> float:
    """Return Wilder's average ``(a * (span - 1) + x) / span``, seeded with the mean of the first ``span`` values."""
    if math.isnan(value):
        return math.nan
    seen = state[at] + 1.0
    average = state[at + 1]
    kept = average * (span - 1.0) if seen > span else average
    average = (kept + value) / (span if seen >= span else 1.0)
    state[at] = seen
    state[at + 1] = average
    return average if seen >= span else math.nan


PARTS: Final[tuple[Callable[..., Any], ...]] = (exponential, seeded, wilder)
