"""Momentum: how far and how steadily values have moved.

Each function takes arrays of shape ``(n_bars,)``, oldest first, and returns one or several. A bar with a NaN does not exist: it is NaN in
the output, and the next change is measured from the bar before. O(n_bars), whatever the span. Definitions are TA-Lib's.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, span_of
from qts.kernels.smoothing import SMOOTHING, exponential, wilder
from qts.kernels.twins import Column

# Values seen, the last one, and two averages.
_STRENGTH: Final = 2 + 2 * SMOOTHING


def rsi(values: Floats, span: int) -> Floats:
    """Return the relative strength index, in [0, 100]; NaN on the first ``span`` bars."""
    return RSI.batch((values,), {"span": span})[0]


def macd(values: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """Return the line, its signal and the histogram; all NaN on the first ``slow + signal - 2`` bars."""
    line, average, histogram = MACD.batch((values,), {"fast": fast, "slow": slow, "signal": signal})
    return line, average, histogram


def strength(state: Column, at: int, span: float, value: float) -> tuple[float, float]:
    """Return Wilder's average gain and loss of the last changes, or NaN while there are fewer than ``span``."""
    seen = state[at]
    change = value - state[at + 1]
    state[at] = seen + 1.0
    state[at + 1] = value
    if seen == 0.0:
        return math.nan, math.nan
    gain = wilder(state, at + 2, span, max(change, 0.0))
    loss = wilder(state, at + 2 + SMOOTHING, span, max(-change, 0.0))
    return gain, loss


def rsi_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a strength."""
    gain, loss = strength(state, 0, numbers[0], row[0])
    moved = gain + loss
    return (0.0 if moved == 0.0 else 100.0 * gain / moved,)


def apart(state: Column, at: int, spans: tuple[float, float], value: float) -> tuple[float, float]:
    """Return a fast and a slow exponential average that begin on the same bar; memory: values seen, two averages."""
    state[at] += 1.0
    slow = exponential(state, at + 1, spans[1], value)
    fast = exponential(state, at + 1 + SMOOTHING, spans[0], value) if state[at] > spans[1] - spans[0] else math.nan
    return fast, slow


def macd_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of two averages that begin together, and a third."""
    fast, slow = apart(state, 0, (numbers[0], numbers[1]), row[0])
    line = fast - slow
    signal = exponential(state, 1 + 2 * SMOOTHING, numbers[2], line)
    histogram = line - signal
    return (line if histogram == histogram else math.nan, signal, histogram)  # noqa: PLR0124 - all begin together


PARTS: Final = (strength, apart)

RSI: Final = IndicatorSpec(
    id="rsi",
    title="Relative strength index",
    inputs=("close",),
    params={"span": span_of(14, 2)},
    outputs=("rsi",),
    overlay=False,
    step=rsi_step,
    n_state=lambda _: _STRENGTH,
    first=lambda numbers: numbers[0],
    definition=(
        "`100 * gain / (gain + loss)`, 0 while nothing has moved; average gain and loss start as the mean of the first `span` changes and "
        "follow Wilder's `(a * (span - 1) + x) / span`. TA-Lib `RSI`."
    ),
    levels=(30.0, 70.0),
)
MACD: Final = IndicatorSpec(
    id="macd",
    title="Moving average convergence and divergence",
    inputs=("close",),
    params={"fast": span_of(12), "slow": span_of(26, 2), "signal": span_of(9)},
    outputs=("macd", "signal", "histogram"),
    overlay=False,
    step=macd_step,
    n_state=lambda _: 1 + 3 * SMOOTHING,
    first=lambda numbers: numbers[1] + numbers[2] - 2,
    definition=(
        "`macd` is the fast EMA less the slow one, `signal` its EMA, `histogram` the difference. Both EMAs begin on bar `slow`, the fast "
        "one with the mean of the `fast` values up to it; all outputs begin with the signal. TA-Lib `MACD`."
    ),
    ordered=("fast", "slow"),
    levels=(0.0,),
)

OSCILLATORS: Final = (RSI, MACD)
