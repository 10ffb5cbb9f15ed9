"""Moving averages, in the unit of their values and drawn on the prices.

Each function takes an array of shape ``(n_bars,)``, oldest first, and returns one. A NaN bar does not exist for an average: it is NaN
there, and the next bar carries on from the one before. O(n_bars), whatever the span. Definitions are TA-Lib's.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, span_of
from qts.kernels.smoothing import SMOOTHING, exponential, seeded
from qts.kernels.twins import Column
from qts.kernels.windows import delayed, rolling_line, rolling_mean, rolling_sum, window_size

# Kaufman's: the fastest and the slowest exponential average between which his moves.
_FASTEST: Final = 2.0 / 3.0
_SLOWEST: Final = 2.0 / 31.0


def sma(values: Floats, span: int) -> Floats:
    """Return the mean of the last ``span`` values; NaN on the first ``span - 1`` bars.

    The sum is kept to twice the precision of a float: equal windows have equal means, and nothing drifts.
    """
    return SMA.batch((values,), {"span": span})[0]


def ema(values: Floats, span: int, *, seed: str = "sma") -> Floats:
    """Return the exponential average ``e[t] = e[t-1] + alpha * (x[t] - e[t-1])`` with ``alpha = 2 / (span + 1)``.

    With ``seed="sma"`` it starts with the mean of the first ``span`` values (TA-Lib) and is NaN on the first ``span - 1`` bars; with
    ``"first"`` it starts with the first value (pandas ``adjust=False``).
    """
    return EMA.batch((values,), {"span": span, "seed": seed})[0]


def wma(values: Floats, span: int) -> Floats:
    """Return the mean of the last ``span`` values weighted 1, 2, … ``span``, the latest most; NaN on the first ``span - 1`` bars."""
    return WMA.batch((values,), {"span": span})[0]


def dema(values: Floats, span: int) -> Floats:
    """Return the double exponential average; NaN on the first ``2 * (span - 1)`` bars."""
    return DEMA.batch((values,), {"span": span})[0]


def tema(values: Floats, span: int) -> Floats:
    """Return the triple exponential average; NaN on the first ``3 * (span - 1)`` bars."""
    return TEMA.batch((values,), {"span": span})[0]


def trima(values: Floats, span: int) -> Floats:
    """Return the triangular average, a mean of means; NaN on the first ``span - 1`` bars."""
    return TRIMA.batch((values,), {"span": span})[0]


def kama(values: Floats, span: int) -> Floats:
    """Return Kaufman's adaptive average, the faster the straighter the way of the last ``span`` bars; NaN on the first ``span`` bars."""
    return KAMA.batch((values,), {"span": span})[0]


def sma_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    return (rolling_mean(state, 0, numbers[0], row[0]),)


def ema_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of an average."""
    span = numbers[0]
    return (seeded(state, 0, (span, 1.0 if numbers[1] > 0.0 else span), row[0]),)


def wma_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    return (rolling_line(state, 0, numbers[0], row[0])[1],)


def dema_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of two averages."""
    once = exponential(state, 0, numbers[0], row[0])
    twice = exponential(state, SMOOTHING, numbers[0], once)
    return (2.0 * once - twice,)


def tema_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of three averages."""
    once = exponential(state, 0, numbers[0], row[0])
    twice = exponential(state, SMOOTHING, numbers[0], once)
    thrice = exponential(state, 2 * SMOOTHING, numbers[0], twice)
    return (3.0 * once - 3.0 * twice + thrice,)


def trima_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of two windows, each of half the span, the first one value longer than needed."""
    longer = (numbers[0] + 2.0) // 2.0
    shorter = numbers[0] + 1.0 - longer
    mean = rolling_mean(state, 0, shorter, row[0])
    return (rolling_mean(state, int(window_size(longer)), longer, mean),)


def kama_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory: whether there is a last one, the last one, the average, a window of changes, a window of values."""
    span, value = numbers[0], row[0]
    last = state[1] if state[0] > 0.0 else math.nan
    before = delayed(state, 3 + int(window_size(span)), span, value)
    way = rolling_sum(state, 3, span, abs(value - last))
    average = state[2] if state[0] > span else last
    state[0] += 1.0
    state[1] = value
    if math.isnan(way):
        return (math.nan,)
    distance = abs(value - before)
    straight = distance / way if way > distance else 1.0
    pace = straight * (_FASTEST - _SLOWEST) + _SLOWEST
    average += pace * pace * (value - average)
    state[2] = average
    return (average,)


SMA: Final = IndicatorSpec(
    id="sma",
    title="Simple moving average",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("sma",),
    overlay=True,
    step=sma_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The mean of the last `span` values. TA-Lib `SMA`.",
)
EMA: Final = IndicatorSpec(
    id="ema",
    title="Exponential moving average",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("ema",),
    overlay=True,
    step=ema_step,
    n_state=lambda _: SMOOTHING,
    first=lambda numbers: 0 if numbers[1] else numbers[0] - 1,
    definition=(
        "`e += 2 / (span + 1) * (x - e)`, started with the mean of the first `span` values (`seed` `sma`, TA-Lib `EMA`) "
        "or with the first value (`seed` `first`, pandas `adjust=False`)."
    ),
    options={"seed": ("sma", "first")},
)
WMA: Final = IndicatorSpec(
    id="wma",
    title="Weighted moving average",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("wma",),
    overlay=True,
    step=wma_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The mean of the last `span` values weighted 1, 2, … `span`, the latest most. TA-Lib `WMA`.",
)
DEMA: Final = IndicatorSpec(
    id="dema",
    title="Double exponential moving average",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("dema",),
    overlay=True,
    step=dema_step,
    n_state=lambda _: 2 * SMOOTHING,
    first=lambda numbers: 2 * (numbers[0] - 1),
    definition="`2 * e1 - e2`: the EMA and the EMA of that EMA, each started with the mean of its first `span`. TA-Lib `DEMA`.",
)
TEMA: Final = IndicatorSpec(
    id="tema",
    title="Triple exponential moving average",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("tema",),
    overlay=True,
    step=tema_step,
    n_state=lambda _: 3 * SMOOTHING,
    first=lambda numbers: 3 * (numbers[0] - 1),
    definition="`3 * e1 - 3 * e2 + e3`, each the EMA of the one before, started with the mean of its first `span`. TA-Lib `TEMA`.",
)
TRIMA: Final = IndicatorSpec(
    id="trima",
    title="Triangular moving average",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("trima",),
    overlay=True,
    step=trima_step,
    n_state=lambda numbers: 2 * window_size(numbers[0]) + 2,
    first=lambda numbers: numbers[0] - 1,
    definition="The simple average of the simple average, over half the span each. TA-Lib `TRIMA`.",
)
KAMA: Final = IndicatorSpec(
    id="kama",
    title="Kaufman's adaptive moving average",
    inputs=("close",),
    params={"span": span_of(10, 2)},
    outputs=("kama",),
    overlay=True,
    step=kama_step,
    n_state=lambda numbers: 3 + 2 * window_size(numbers[0]),
    first=lambda numbers: numbers[0],
    definition=(
        "`k += c² * (x - k)` with `c` between 2/31 and 2/3 by the efficiency: the distance of the last `span` bars over the sum of their "
        "changes, 1 if nothing changed. It starts from the value before the first defined bar. TA-Lib `KAMA`."
    ),
)

AVERAGES: Final = (SMA, EMA, WMA, DEMA, TEMA, TRIMA, KAMA)
