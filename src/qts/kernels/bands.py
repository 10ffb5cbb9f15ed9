"""Bands and channels around prices, drawn on them.

Each function takes arrays of shape ``(n_bars,)``, oldest first, and returns several. A bar with a NaN in any of them does not exist: it is
NaN in the outputs. All outputs of one indicator begin together. O(n_bars), whatever the span.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, Setting, span_of
from qts.kernels.ranges import RANGE, true_range
from qts.kernels.smoothing import SMOOTHING, exponential, wilder
from qts.kernels.twins import Column
from qts.kernels.windows import delayed, extreme_size, highest, lowest, rolling_spread, window_size

_BARS: Final = ("high", "low", "close")
_BANDS: Final = ("upper", "middle", "lower")
_WIDTH: Final = Setting(2.0, 0.0, 100.0, is_whole=False)

# Of a super trend, after the average range: side (0 before the first), upper band, lower band, last close.
_SIDE, _UPPER, _LOWER, _LAST = range(RANGE + SMOOTHING, RANGE + SMOOTHING + 4)


def bbands(values: Floats, span: int, width: float) -> tuple[Floats, Floats, Floats]:
    """Return Bollinger's upper, middle and lower band; NaN on the first ``span - 1`` bars."""
    upper, middle, lower = BBANDS.batch((values,), {"span": span, "width": width})
    return upper, middle, lower


def keltner(high: Floats, low: Floats, close: Floats, *, span: int, width: float, range_span: int) -> tuple[Floats, Floats, Floats]:
    """Return Keltner's upper, middle and lower line; NaN on the first ``max(span - 1, range_span)`` bars."""
    upper, middle, lower = KELTNER.batch((high, low, close), {"span": span, "width": width, "range_span": range_span})
    return upper, middle, lower


def donchian(high: Floats, low: Floats, span: int, offset: int = 0) -> tuple[Floats, Floats, Floats]:
    """Return the highest high, the middle and the lowest low of ``span`` bars, the last of them ``offset`` bars ago.

    Without an offset the bar itself is included, so that no close is ever beyond the channel: a breakout is one of offset 1. NaN on the
    first ``span + offset - 1`` bars.
    """
    upper, middle, lower = DONCHIAN.batch((high, low), {"span": span, "offset": offset})
    return upper, middle, lower


def supertrend(high: Floats, low: Floats, close: Floats, *, span: int, width: float) -> tuple[Floats, Floats]:
    """Return the line and the direction, 1 up or -1 down; NaN on the first ``span`` bars."""
    line, direction = SUPERTREND.batch((high, low, close), {"span": span, "width": width})
    return line, direction


def bbands_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    mean, variance = rolling_spread(state, 0, numbers[0], row[0])
    reach = numbers[1] * math.sqrt(variance)
    return (mean + reach, mean, mean - reach)


def keltner_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of a range and two averages."""
    reach = numbers[1] * wilder(state, RANGE, numbers[2], true_range(state, 0, row))
    middle = exponential(state, RANGE + SMOOTHING, numbers[0], row[2])
    return (middle + reach, math.nan if math.isnan(reach) else middle, middle - reach)


def donchian_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high and low; memory of two extremes and two windows."""
    span, offset = numbers
    at = int(extreme_size(span))
    top = highest(state, 0, span, row[0])[0]
    bottom = lowest(state, at, span, row[1])[0]
    if offset > 0.0:
        top = delayed(state, 2 * at, offset, top)
        bottom = delayed(state, 2 * at + int(window_size(offset)), offset, bottom)
    return (top, (top + bottom) / 2.0, bottom)


def supertrend_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory as named above."""
    close = row[2]
    reach = numbers[1] * wilder(state, RANGE, numbers[0], true_range(state, 0, row))
    last = state[_LAST]
    state[_LAST] = close
    if math.isnan(reach):
        return (math.nan, math.nan)
    upper = (row[0] + row[1]) / 2.0 + reach
    lower = (row[0] + row[1]) / 2.0 - reach
    side = -1.0
    if state[_SIDE] != 0.0:
        upper = upper if last > state[_UPPER] else min(upper, state[_UPPER])
        lower = lower if last < state[_LOWER] else max(lower, state[_LOWER])
        side = crossing(state[_SIDE], close, (upper, lower))
    state[_SIDE], state[_UPPER], state[_LOWER] = side, upper, lower
    return (lower if side > 0.0 else upper, side)


def crossing(side: float, close: float, bands: tuple[float, float]) -> float:
    """Return the side after a close: down until it is above the upper band, up until it is below the lower."""
    if side < 0.0:
        return 1.0 if close > bands[0] else -1.0
    return -1.0 if close < bands[1] else 1.0


PARTS: Final = (crossing,)

BBANDS: Final = IndicatorSpec(
    id="bbands",
    title="Bollinger bands",
    inputs=("close",),
    params={"span": span_of(20, 2), "width": _WIDTH},
    outputs=_BANDS,
    overlay=True,
    step=bbands_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="`middle` is the mean over `span` bars; the bands are `width` population standard deviations away. TA-Lib `BBANDS`.",
)
KELTNER: Final = IndicatorSpec(
    id="keltner",
    title="Keltner channel",
    inputs=_BARS,
    params={"span": span_of(20), "width": _WIDTH, "range_span": span_of(10)},
    outputs=_BANDS,
    overlay=True,
    step=keltner_step,
    n_state=lambda _: RANGE + 2 * SMOOTHING,
    first=lambda numbers: max(numbers[0] - 1, numbers[2]),
    definition="`middle` is the EMA of closes over `span` bars; the lines are `width` times `atr` over `range_span` bars away.",
)
DONCHIAN: Final = IndicatorSpec(
    id="donchian",
    title="Donchian channel",
    inputs=("high", "low"),
    params={"span": span_of(20), "offset": span_of(0, 0)},
    outputs=_BANDS,
    overlay=True,
    step=donchian_step,
    n_state=lambda numbers: 2 * extreme_size(numbers[0]) + 2 * window_size(numbers[1]),
    first=lambda numbers: numbers[0] - 1 + numbers[1],
    definition=(
        "The highest high and the lowest low of `span` bars, the last of them `offset` bars ago, and the middle between them. With offset "
        "0 the bar itself is included and no close is ever beyond; a breakout is beyond the channel of offset 1."
    ),
)
SUPERTREND: Final = IndicatorSpec(
    id="supertrend",
    title="Super trend",
    inputs=_BARS,
    params={"span": span_of(10), "width": Setting(3.0, 0.0, 100.0, is_whole=False)},
    outputs=("supertrend", "direction"),
    overlay=True,
    step=supertrend_step,
    n_state=lambda _: RANGE + SMOOTHING + 4,
    first=lambda numbers: numbers[0],
    definition=(
        "Bands lie `width` times `atr` over `span` bars around `(high + low) / 2`. The upper one only falls until a close is above it, "
        "the lower one only rises until a close is below it. Down (-1), the line is the upper band, until a close is above it; up (1), "
        "it is the lower band, until a close is below it. It begins down."
    ),
    off_prices=("direction",),
)

BANDS: Final = (BBANDS, KELTNER, DONCHIAN, SUPERTREND)
