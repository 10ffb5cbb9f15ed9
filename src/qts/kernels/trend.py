"""Trend: its direction, its strength and its age.

Each function takes arrays of shape ``(n_bars,)``, oldest first, and returns one or several. A bar with a NaN in any of them does not
exist: it is NaN in the output. O(n_bars), whatever the span. Definitions are TA-Lib's.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, Setting, span_of
from qts.kernels.smoothing import SMOOTHING, wilder
from qts.kernels.twins import Column
from qts.kernels.windows import extreme_size, highest, lowest

_BARS: Final = ("high", "low", "close")

# Of a directional movement: bars before, the last bar's high, low and close; then the sums of rises, falls and ranges.
_SEEN, _HIGH, _LOW, _CLOSE, _RISES, _FALLS, _RANGES, _MOVEMENT = range(8)

# Of a stop: bars before, side, the stop, the extreme since the turn, the pace; then the last bar's high and low.
_SIDE, _STOP, _EXTREME, _PACE, _LAST_HIGH, _LAST_LOW, _TURNS = range(1, 8)


def adx(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return the average directional index, in [0, 100]; NaN on the first ``2 * span - 1`` bars."""
    return ADX.batch((high, low, close), {"span": span})[0]


def plus_di(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return the upward directional indicator, in [0, 100]; NaN on the first ``span`` bars."""
    return PLUS_DI.batch((high, low, close), {"span": span})[0]


def minus_di(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return the downward directional indicator, in [0, 100]; NaN on the first ``span`` bars."""
    return MINUS_DI.batch((high, low, close), {"span": span})[0]


def aroon(high: Floats, low: Floats, span: int) -> tuple[Floats, Floats, Floats]:
    """Return how recent the highest high and the lowest low are, in [0, 100], and their difference; NaN on the first ``span`` bars."""
    up, down, oscillator = AROON.batch((high, low), {"span": span})
    return up, down, oscillator


def psar(high: Floats, low: Floats, acceleration: float, maximum: float) -> Floats:
    """Return the parabolic stop, in the prices' unit; NaN on the first bar."""
    return PSAR.batch((high, low), {"acceleration": acceleration, "maximum": maximum})[0]


def directional(state: Column, at: int, span: float, row: Row) -> tuple[float, float]:
    """Return the upward and the downward indicator of high, low and close, or NaN on the first ``span`` bars."""
    high, low, close = row
    seen = state[at + _SEEN]
    rise = high - state[at + _HIGH]
    fall = state[at + _LOW] - low
    last = state[at + _CLOSE]
    state[at + _SEEN], state[at + _HIGH], state[at + _LOW], state[at + _CLOSE] = seen + 1.0, high, low, close
    if seen == 0.0:
        return math.nan, math.nan
    faded = span if seen >= span else math.inf
    total = state[at + _RANGES] - state[at + _RANGES] / faded + (max(high, last) - min(low, last))
    rises = state[at + _RISES] - state[at + _RISES] / faded + (rise if rise > max(fall, 0.0) else 0.0)
    falls = state[at + _FALLS] - state[at + _FALLS] / faded + (fall if fall > max(rise, 0.0) else 0.0)
    state[at + _RISES], state[at + _FALLS], state[at + _RANGES] = rises, falls, total
    if seen < span:
        return math.nan, math.nan
    return (100.0 * (rises / total), 100.0 * (falls / total)) if total > 0.0 else (0.0, 0.0)


def adx_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of a movement and an average."""
    span = numbers[0]
    plus, minus = directional(state, 0, span, row)
    both = plus + minus
    return (wilder(state, _MOVEMENT, span, 100.0 * (abs(plus - minus) / both) if both != 0.0 else 0.0),)


def plus_di_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of a movement."""
    return (directional(state, 0, numbers[0], row)[0],)


def minus_di_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of a movement."""
    return (directional(state, 0, numbers[0], row)[1],)


def aroon_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high and low; memory of two extremes over one bar more than the span."""
    span = numbers[0]
    up = 100.0 * (span - highest(state, 0, span + 1.0, row[0])[1]) / span
    down = 100.0 * (span - lowest(state, int(extreme_size(span + 1.0)), span + 1.0, row[1])[1]) / span
    return (up, down, up - down)


def psar_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high and low; memory of a stop."""
    high, low = row
    seen = state[0]
    state[0] = seen + 1.0
    last_high, last_low = state[_LAST_HIGH], state[_LAST_LOW]
    state[_LAST_HIGH], state[_LAST_LOW] = high, low
    if seen == 0.0:
        return (math.nan,)
    if seen == 1.0:
        state[_SIDE] = -1.0 if last_low - low > max(high - last_high, 0.0) else 1.0
        state[_STOP] = last_low if state[_SIDE] > 0.0 else last_high
        state[_EXTREME] = high if state[_SIDE] > 0.0 else low
        state[_PACE] = min(numbers[0], numbers[1])
        last_high, last_low = high, low
    if state[_SIDE] > 0.0:
        return (trail(state, numbers, (high, low, last_high, last_low)),)
    # A falling trend is a rising one of the prices turned upside down.
    return (-trail(state, numbers, (-low, -high, -last_low, -last_high)),)


def trail(state: Column, numbers: Numbers, prices: tuple[float, float, float, float]) -> float:
    """Return the stop below a rising trend, and set the next bar's: prices are high and low of this bar, then of the last."""
    high, low, last_high, last_low = prices
    side = state[_SIDE]
    stop, extreme, pace = side * state[_STOP], side * state[_EXTREME], state[_PACE]
    if low <= stop:
        top = max(last_high, high)
        stop = max(extreme, top)
        pace = min(numbers[0], numbers[1])
        state[_SIDE] = -side
        extreme = low
        following = max(stop + pace * (extreme - stop), top)
    else:
        if high > extreme:
            extreme = high
            pace = min(pace + numbers[0], numbers[1])
        following = min(stop + pace * (extreme - stop), last_low, low)
    state[_STOP], state[_EXTREME], state[_PACE] = side * following, side * extreme, pace
    return stop


PARTS: Final = (directional, trail)

ADX: Final = IndicatorSpec(
    id="adx",
    title="Average directional index",
    inputs=_BARS,
    params={"span": span_of(14, 2)},
    outputs=("adx",),
    overlay=False,
    step=adx_step,
    n_state=lambda _: _MOVEMENT + SMOOTHING,
    first=lambda numbers: 2 * numbers[0] - 1,
    definition=(
        "Wilder's average over `span` of `100 * |plus_di - minus_di| / (plus_di + minus_di)`, 0 where both are 0, started with the mean of "
        "the first `span`. TA-Lib `ADX`."
    ),
    levels=(25.0,),
)
PLUS_DI: Final = IndicatorSpec(
    id="plus_di",
    title="Upward directional indicator",
    inputs=_BARS,
    params={"span": span_of(14, 2)},
    outputs=("plus_di",),
    overlay=False,
    step=plus_di_step,
    n_state=lambda _: _MOVEMENT,
    first=lambda numbers: numbers[0],
    definition=(
        "`100 * rises / ranges`: Wilder's sums `s - s / span + x` of the rise of the high, where it exceeds the fall of the low, and of "
        "the true range, started with the sum of the first `span - 1`. TA-Lib `PLUS_DI`."
    ),
)
MINUS_DI: Final = IndicatorSpec(
    id="minus_di",
    title="Downward directional indicator",
    inputs=_BARS,
    params={"span": span_of(14, 2)},
    outputs=("minus_di",),
    overlay=False,
    step=minus_di_step,
    n_state=lambda _: _MOVEMENT,
    first=lambda numbers: numbers[0],
    definition="`100 * falls / ranges`: as `plus_di`, of the fall of the low where it exceeds the rise of the high. TA-Lib `MINUS_DI`.",
)
AROON: Final = IndicatorSpec(
    id="aroon",
    title="Aroon",
    inputs=("high", "low"),
    params={"span": span_of(14, 2)},
    outputs=("up", "down", "oscillator"),
    overlay=False,
    step=aroon_step,
    n_state=lambda numbers: 2 * extreme_size(numbers[0] + 1),
    first=lambda numbers: numbers[0],
    definition=(
        "`up` is `100 * (span - age) / span` with the age in bars of the highest high among the last `span + 1` bars, the latest of equal "
        "ones; `down` that of the lowest low; `oscillator` is `up - down`. TA-Lib `AROON`, `AROONOSC`."
    ),
    levels=(50.0,),
)
PSAR: Final = IndicatorSpec(
    id="psar",
    title="Parabolic stop and reverse",
    inputs=("high", "low"),
    params={
        "acceleration": Setting(0.02, 0.0, 1.0, is_whole=False),
        "maximum": Setting(0.2, 0.0, 1.0, is_whole=False),
    },
    outputs=("psar",),
    overlay=True,
    step=psar_step,
    n_state=lambda _: _TURNS,
    first=lambda _: 1,
    definition=(
        "The stop moves towards the trend's extreme by a pace that starts at `acceleration` and grows by it at each new extreme, up to "
        "`maximum`; it never enters the last two bars, and is reversed when touched. It begins down if the second bar's low fell, and by "
        "more than its high rose. TA-Lib `SAR`."
    ),
)

TRENDS: Final = (ADX, PLUS_DI, MINUS_DI, AROON, PSAR)
