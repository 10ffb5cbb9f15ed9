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
from qts.kernels.windows import delayed, window_size

# Values seen, the last one, and two averages.
STRENGTH: Final = 2 + 2 * SMOOTHING


def rsi(values: Floats, span: int) -> Floats:
    """Return the relative strength index, in [0, 100]; NaN on the first ``span`` bars."""
    return RSI.batch((values,), {"span": span})[0]


def macd(values: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """Return the line, its signal and the histogram; all NaN on the first ``slow + signal - 2`` bars."""
    line, average, histogram = MACD.batch((values,), {"fast": fast, "slow": slow, "signal": signal})
    return line, average, histogram


def cmo(values: Floats, span: int) -> Floats:
    """Return Chande's momentum oscillator, in [-100, 100]; NaN on the first ``span`` bars."""
    return CMO.batch((values,), {"span": span})[0]


def ppo(values: Floats, fast: int, slow: int) -> Floats:
    """Return the fast exponential average's distance from the slow one in percent of it; NaN on the first ``slow - 1`` bars."""
    return PPO.batch((values,), {"fast": fast, "slow": slow})[0]


def trix(values: Floats, span: int) -> Floats:
    """Return the change of the triple-smoothed average in percent; NaN on the first ``3 * (span - 1) + 1`` bars."""
    return TRIX.batch((values,), {"span": span})[0]


def mom(values: Floats, span: int) -> Floats:
    """Return the change over ``span`` bars, in the values' unit; NaN on the first ``span`` bars."""
    return MOM.batch((values,), {"span": span})[0]


def roc(values: Floats, span: int) -> Floats:
    """Return the change over ``span`` bars in percent; NaN on the first ``span`` bars, and 0 after a value of 0."""
    return ROC.batch((values,), {"span": span})[0]


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


def cmo_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a strength."""
    gain, loss = strength(state, 0, numbers[0], row[0])
    moved = gain + loss
    return (0.0 if moved == 0.0 else 100.0 * (gain - loss) / moved,)


def macd_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory: values seen, three averages."""
    state[0] += 1.0
    slow = exponential(state, 1, numbers[1], row[0])
    fast = exponential(state, 1 + SMOOTHING, numbers[0], row[0]) if state[0] > numbers[1] - numbers[0] else math.nan
    line = fast - slow
    signal = exponential(state, 1 + 2 * SMOOTHING, numbers[2], line)
    histogram = line - signal
    return (line if histogram == histogram else math.nan, signal, histogram)  # noqa: PLR0124 - all begin together


def ppo_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of two averages."""
    fast = exponential(state, 0, numbers[0], row[0])
    slow = exponential(state, SMOOTHING, numbers[1], row[0])
    return (100.0 * (fast - slow) / slow if slow != 0.0 else 0.0,)


def trix_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory: whether there is a last one, the last one, three averages."""
    once = exponential(state, 2, numbers[0], row[0])
    twice = exponential(state, 2 + SMOOTHING, numbers[0], once)
    thrice = exponential(state, 2 + 2 * SMOOTHING, numbers[0], twice)
    if math.isnan(thrice):
        return (math.nan,)
    last = state[1] if state[0] > 0.0 else math.nan
    state[0] = 1.0
    state[1] = thrice
    return (100.0 * (thrice / last - 1.0) if last != 0.0 else 0.0,)


def mom_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    return (row[0] - delayed(state, 0, numbers[0], row[0]),)


def roc_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    before = delayed(state, 0, numbers[0], row[0])
    return (100.0 * (row[0] / before - 1.0) if before != 0.0 else 0.0,)


PARTS: Final = (strength,)

RSI: Final = IndicatorSpec(
    id="rsi",
    title="Relative strength index",
    inputs=("close",),
    params={"span": span_of(14, 2)},
    outputs=("rsi",),
    overlay=False,
    step=rsi_step,
    n_state=lambda _: STRENGTH,
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

CMO: Final = IndicatorSpec(
    id="cmo",
    title="Chande momentum oscillator",
    inputs=("close",),
    params={"span": span_of(14, 2)},
    outputs=("cmo",),
    overlay=False,
    step=cmo_step,
    n_state=lambda _: STRENGTH,
    first=lambda numbers: numbers[0],
    definition="`100 * (gain - loss) / (gain + loss)` with the averages of `rsi`, 0 while nothing has moved. TA-Lib `CMO`.",
    levels=(-50.0, 50.0),
)
PPO: Final = IndicatorSpec(
    id="ppo",
    title="Percentage price oscillator",
    inputs=("close",),
    params={"fast": span_of(12), "slow": span_of(26, 2)},
    outputs=("ppo",),
    overlay=False,
    step=ppo_step,
    n_state=lambda _: 2 * SMOOTHING,
    first=lambda numbers: numbers[1] - 1,
    definition="`100 * (fast - slow) / slow` of two EMAs, each started with the mean of its first values. TA-Lib `PPO` with `matype=1`.",
    ordered=("fast", "slow"),
    levels=(0.0,),
)
TRIX: Final = IndicatorSpec(
    id="trix",
    title="Change of the triple-smoothed average",
    inputs=("close",),
    params={"span": span_of(15)},
    outputs=("trix",),
    overlay=False,
    step=trix_step,
    n_state=lambda _: 2 + 3 * SMOOTHING,
    first=lambda numbers: 3 * (numbers[0] - 1) + 1,
    definition="The change in percent, from bar to bar, of the EMA of the EMA of the EMA. TA-Lib `TRIX`.",
    levels=(0.0,),
)
MOM: Final = IndicatorSpec(
    id="mom",
    title="Momentum",
    inputs=("close",),
    params={"span": span_of(10)},
    outputs=("mom",),
    overlay=False,
    step=mom_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0],
    definition="The value less that of `span` bars ago. TA-Lib `MOM`.",
    levels=(0.0,),
)
ROC: Final = IndicatorSpec(
    id="roc",
    title="Rate of change",
    inputs=("close",),
    params={"span": span_of(10)},
    outputs=("roc",),
    overlay=False,
    step=roc_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0],
    definition="`100 * (x / x[span bars ago] - 1)`, in percent. TA-Lib `ROC`.",
    levels=(0.0,),
)

OSCILLATORS: Final = (RSI, CMO, MACD, PPO, TRIX, MOM, ROC)
