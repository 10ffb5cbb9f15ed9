"""Values over the last bars: sums, weighted sums, squares, extremes. Each takes one value, and costs the same whatever the span.

Sums are kept as two floats, the second holding what the first rounds away: for prices that is exact, so equal windows have equal sums
whatever came before. Once per span they are added up afresh, so that even inexact sums carry no error further than two spans.
The memory of each stands in ``state`` from place ``at`` on, all zero at the start.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from qts.kernels.twins import Column

# Of a window: values seen, up to the span; the place of the oldest; the sum, twice; a second sum, twice; then the values.
SEEN, PLACE, SUM, SUM_REST, OTHER, OTHER_REST, VALUES = range(7)

# Values that differ by less than this part of them are equal but for rounding, as typical prices of the same three numbers in other places.
NOISE: Final = 1e-13
# Below this part of the mean's square a variance is rounding: the window is flat.
_FLAT: Final = 1e-28
# Splits a float into halves whose products are exact.
_SPLITTER: Final = 134_217_729.0


def window_size(span: float) -> float:
    """Return the memory of any window over ``span`` values but of extremes."""
    return VALUES + span


def extreme_size(span: float) -> float:
    """Return the memory of :func:`highest` over ``span`` values."""
    return 3 + 2 * span


def plus(total: float, rest: float, value: float) -> tuple[float, float]:
    """Return the sum ``total + rest + value`` as two floats, the second below the rounding of the first."""
    rough = total + value
    part = rough - total
    rest += (total - (rough - part)) + (value - part)
    whole = rough + rest
    return whole, rest - (whole - rough)


def product(left: float, right: float) -> tuple[float, float]:
    """Return the exact product as two floats."""
    rough = left * right
    wide = _SPLITTER * left
    a = wide - (wide - left)
    b = left - a
    wide = _SPLITTER * right
    c = wide - (wide - right)
    d = right - c
    return rough, ((a * c - rough) + a * d + b * c) + b * d


def quotient(total: float, rest: float, divisor: float) -> float:
    """Return ``(total + rest) / divisor``, rounded once."""
    rough = total / divisor
    whole, whole_rest = product(rough, divisor)
    return rough + ((total - whole) - whole_rest + rest) / divisor


def delayed(state: Column, at: int, span: float, value: float) -> float:
    """Return the value of ``span`` bars ago, or NaN while there is none."""
    if math.isnan(value):
        return math.nan
    place = int(state[at + PLACE])
    old = state[at + VALUES + place] if state[at + SEEN] >= span else math.nan
    _take(state, at, span, value)
    return old


def rolling_sum(state: Column, at: int, span: float, value: float) -> float:
    """Return the sum of the last ``span`` values, or NaN while there are fewer."""
    if math.isnan(value):
        return math.nan
    total, rest = plus(state[at + SUM], state[at + SUM_REST], value)
    if state[at + SEEN] >= span:
        total, rest = plus(total, rest, -state[at + VALUES + int(state[at + PLACE])])
    if _take(state, at, span, value):
        total, rest = 0.0, 0.0
        for i in range(at + VALUES, at + VALUES + int(span)):
            total, rest = plus(total, rest, state[i])
    state[at + SUM] = total
    state[at + SUM_REST] = rest
    return total if state[at + SEEN] >= span else math.nan


def rolling_mean(state: Column, at: int, span: float, value: float) -> float:
    """Return the mean of the last ``span`` values, or NaN while there are fewer; the mean of equal values is that value."""
    if math.isnan(rolling_sum(state, at, span, value)):
        return math.nan
    return quotient(state[at + SUM], state[at + SUM_REST], span)


def rolling_line(state: Column, at: int, span: float, value: float) -> tuple[float, float, float]:
    """Return the mean of the last ``span`` values, their mean weighted 1, 2, … ``span``, and the slope of the line fitted to them."""
    total, rest = state[at + SUM], state[at + SUM_REST]
    weighted, weighted_rest = state[at + OTHER], state[at + OTHER_REST]
    weight = state[at + SEEN] + 1.0
    if weight > span:
        weight = span
        weighted, weighted_rest = plus(weighted, weighted_rest, -total)
        weighted, weighted_rest = plus(weighted, weighted_rest, -rest)
        total, rest = plus(total, rest, -state[at + VALUES + int(state[at + PLACE])])
    total, rest = plus(total, rest, value)
    weighted, weighted_rest = _plus_product(weighted, weighted_rest, weight, value)
    if _take(state, at, span, value):
        total, rest, weighted, weighted_rest = 0.0, 0.0, 0.0, 0.0
        for i in range(int(span)):
            value = state[at + VALUES + i]
            total, rest = plus(total, rest, value)
            weighted, weighted_rest = _plus_product(weighted, weighted_rest, i + 1.0, value)
    state[at + SUM], state[at + SUM_REST] = total, rest
    state[at + OTHER], state[at + OTHER_REST] = weighted, weighted_rest
    if state[at + SEEN] < span:
        return math.nan, math.nan, math.nan
    weights = span * (span + 1.0) / 2.0
    above, above_rest = product(span, weighted)
    below, below_rest = product(weights, total)
    rise = (above - below) + ((above_rest - below_rest) + (span * weighted_rest - weights * rest))
    slope = rise / (span * span * (span * span - 1.0) / 12.0) if span > 1.0 else 0.0
    return quotient(total, rest, span), quotient(weighted, weighted_rest, weights), slope


def rolling_spread(state: Column, at: int, span: float, value: float) -> tuple[float, float]:
    """Return the mean and the population variance of the last ``span`` values."""
    total, rest = plus(state[at + SUM], state[at + SUM_REST], value)
    squares, squares_rest = _plus_product(state[at + OTHER], state[at + OTHER_REST], value, value)
    if state[at + SEEN] >= span:
        old = state[at + VALUES + int(state[at + PLACE])]
        total, rest = plus(total, rest, -old)
        squares, squares_rest = _plus_product(squares, squares_rest, -old, old)
    if _take(state, at, span, value):
        total, rest, squares, squares_rest = 0.0, 0.0, 0.0, 0.0
        for i in range(at + VALUES, at + VALUES + int(span)):
            total, rest = plus(total, rest, state[i])
            squares, squares_rest = _plus_product(squares, squares_rest, state[i], state[i])
    state[at + SUM], state[at + SUM_REST] = total, rest
    state[at + OTHER], state[at + OTHER_REST] = squares, squares_rest
    if state[at + SEEN] < span:
        return math.nan, math.nan
    above, above_rest = product(span, squares)
    below, below_rest = product(total, total)
    variance = ((above - below) + ((above_rest - below_rest) + (span * squares_rest - 2.0 * total * rest))) / (span * span)
    mean = quotient(total, rest, span)
    return mean, variance if variance > _FLAT * mean * mean else 0.0


def highest(state: Column, at: int, span: float, value: float) -> tuple[float, float]:
    """Return the highest of the last ``span`` values and how many bars ago it last was, or NaN while there are fewer.

    Kept are the values that no later one reaches, highest first, with their numbers: each enters and leaves once.
    """
    if math.isnan(value):
        return math.nan, math.nan
    n = int(span)
    seen = state[at] + 1.0
    head = int(state[at + 1])
    size = int(state[at + 2])
    if size > 0 and state[at + 3 + n + head] <= seen - span:
        head = head + 1 if head + 1 < n else 0
        size -= 1
    while size > 0 and state[at + 3 + _wrapped(head + size - 1, n)] <= value:
        size -= 1
    tail = _wrapped(head + size, n)
    state[at + 3 + tail] = value
    state[at + 3 + n + tail] = seen
    state[at], state[at + 1], state[at + 2] = seen, float(head), size + 1.0
    if seen < span:
        return math.nan, math.nan
    return state[at + 3 + head], seen - state[at + 3 + n + head]


def lowest(state: Column, at: int, span: float, value: float) -> tuple[float, float]:
    """Return the lowest of the last ``span`` values and how many bars ago it last was; memory as for :func:`highest`."""
    value, age = highest(state, at, span, -value)
    return -value, age


def _wrapped(place: int, n: int) -> int:
    return place if place < n else place - n


def _plus_product(total: float, rest: float, left: float, right: float) -> tuple[float, float]:
    rough, missing = product(left, right)
    total, rest = plus(total, rest, rough)
    return plus(total, rest, missing)


def _take(state: Column, at: int, span: float, value: float) -> bool:
    """Put the value over the oldest one; return whether the values stand in order again."""
    place = state[at + PLACE]
    state[at + VALUES + int(place)] = value
    if state[at + SEEN] < span:
        state[at + SEEN] += 1.0
    is_last = place + 1.0 >= span
    state[at + PLACE] = 0.0 if is_last else place + 1.0
    return is_last


PARTS: Final[tuple[Callable[..., Any], ...]] = (
    window_size,
    extreme_size,
    plus,
    product,
    quotient,
    delayed,
    rolling_sum,
    rolling_mean,
    rolling_line,
    rolling_spread,
    highest,
    lowest,
    _wrapped,
    _plus_product,
    _take,
)
