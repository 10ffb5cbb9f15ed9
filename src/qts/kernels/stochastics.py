"""Where prices stand between the extremes of the last bars, or how far from their mean.

Each function takes arrays of shape ``(n_bars,)``, oldest first, and returns one or several. A bar with a NaN in any of them does not
exist: it is NaN in the output. O(n_bars), whatever the span, but for :func:`cci`. Definitions are TA-Lib's.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, span_of
from qts.kernels.oscillators import STRENGTH, strength
from qts.kernels.twins import Column
from qts.kernels.windows import NOISE, VALUES, extreme_size, highest, lowest, rolling_mean, window_size

_BARS: Final = ("high", "low", "close")


def stoch(high: Floats, low: Floats, close: Floats, *, span: int, smooth: int, signal: int) -> tuple[Floats, Floats]:
    """Return the slow stochastic ``k`` and its mean ``d``, in [0, 100]; both NaN on the first ``span + smooth + signal - 3`` bars."""
    k, d = STOCH.batch((high, low, close), {"span": span, "smooth": smooth, "signal": signal})
    return k, d


def stochrsi(values: Floats, span: int, k_span: int, signal: int) -> tuple[Floats, Floats]:
    """Return the stochastic ``k`` of the relative strength index and its mean ``d``, in [0, 100].

    Both are NaN on the first ``span + k_span + signal - 2`` bars.
    """
    k, d = STOCHRSI.batch((values,), {"span": span, "k_span": k_span, "signal": signal})
    return k, d


def willr(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return Williams' percent range, in [-100, 0]; NaN on the first ``span - 1`` bars."""
    return WILLR.batch((high, low, close), {"span": span})[0]


def cci(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return the commodity channel index; NaN on the first ``span - 1`` bars. O(n_bars * span)."""
    return CCI.batch((high, low, close), {"span": span})[0]


def standing(state: Column, at: int, span: float, row: Row) -> float:
    """Return where a close stands between the lowest low and the highest high, in percent; memory of two extremes."""
    top = highest(state, at, span, row[0])[0]
    bottom = lowest(state, at + int(extreme_size(span)), span, row[1])[0]
    width = top - bottom
    if math.isnan(width):
        return math.nan
    return 100.0 * ((row[2] - bottom) / width) if width > NOISE * abs(top) else 0.0


def stoch_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of two extremes and two windows."""
    span, smooth, signal = numbers
    at = 2 * int(extreme_size(span))
    k = rolling_mean(state, at, smooth, standing(state, 0, span, row))
    d = rolling_mean(state, at + int(window_size(smooth)), signal, k)
    return (math.nan if math.isnan(d) else k, d)


def stochrsi_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a strength, two extremes and a window."""
    span, k_span, signal = numbers
    gain, loss = strength(state, 0, span, row[0])
    if math.isnan(gain):
        return (math.nan, math.nan)
    moved = gain + loss
    index = 0.0 if moved == 0.0 else 100.0 * gain / moved
    k = standing(state, STRENGTH, k_span, (index, index, index))
    d = rolling_mean(state, STRENGTH + 2 * int(extreme_size(k_span)), signal, k)
    return (math.nan if math.isnan(d) else k, d)


def willr_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of two extremes."""
    top = highest(state, 0, numbers[0], row[0])[0]
    width = top - lowest(state, int(extreme_size(numbers[0])), numbers[0], row[1])[0]
    return (-100.0 * ((top - row[2]) / width) if width != 0.0 else 0.0,)


def cci_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of a window."""
    span = numbers[0]
    typical = (row[0] + row[1] + row[2]) / 3.0
    mean = rolling_mean(state, 0, span, typical)
    if math.isnan(mean):
        return (math.nan,)
    half = int(span) // 2
    # Two sums at once: the one does not wait for the other.
    older = abs(state[VALUES + 2 * half] - mean) if 2 * half < int(span) else 0.0
    newer = 0.0
    for i in range(VALUES, VALUES + half):
        older += abs(state[i] - mean)
        newer += abs(state[i + half] - mean)
    spread = (older + newer) / span
    return ((typical - mean) / (0.015 * spread) if spread > NOISE * abs(mean) else 0.0,)


PARTS: Final = (standing,)

STOCH: Final = IndicatorSpec(
    id="stoch",
    title="Stochastic oscillator",
    inputs=_BARS,
    params={"span": span_of(14), "smooth": span_of(3), "signal": span_of(3)},
    outputs=("k", "d"),
    overlay=False,
    step=stoch_step,
    n_state=lambda numbers: 2 * extreme_size(numbers[0]) + window_size(numbers[1]) + window_size(numbers[2]),
    first=lambda numbers: numbers[0] + numbers[1] + numbers[2] - 3,
    definition=(
        "`k` is the mean over `smooth` bars of `100 * (close - lowest) / (highest - lowest)` of the last `span` bars, 0 where they are "
        "equal; `d` is the mean of `k` over `signal` bars. Both begin together. TA-Lib `STOCH`."
    ),
    levels=(20.0, 80.0),
)
STOCHRSI: Final = IndicatorSpec(
    id="stochrsi",
    title="Stochastic of the relative strength index",
    inputs=("close",),
    params={"span": span_of(14, 2), "k_span": span_of(14), "signal": span_of(3)},
    outputs=("k", "d"),
    overlay=False,
    step=stochrsi_step,
    n_state=lambda numbers: STRENGTH + 2 * extreme_size(numbers[1]) + window_size(numbers[2]),
    first=lambda numbers: numbers[0] + numbers[1] + numbers[2] - 2,
    definition=(
        "`k` is where `rsi` over `span` stands between its lowest and highest of the last `k_span` bars, in percent, 0 where "
        "they are equal; `d` is the mean of `k` over `signal` bars. Both begin together. TA-Lib `STOCHRSI`."
    ),
    levels=(20.0, 80.0),
)
WILLR: Final = IndicatorSpec(
    id="willr",
    title="Williams' percent range",
    inputs=_BARS,
    params={"span": span_of(14)},
    outputs=("willr",),
    overlay=False,
    step=willr_step,
    n_state=lambda numbers: 2 * extreme_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="`-100 * (highest - close) / (highest - lowest)` of the last `span` bars, 0 where they are equal. TA-Lib `WILLR`.",
    levels=(-80.0, -20.0),
)
CCI: Final = IndicatorSpec(
    id="cci",
    title="Commodity channel index",
    inputs=_BARS,
    params={"span": span_of(20, 2)},
    outputs=("cci",),
    overlay=False,
    step=cci_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition=(
        "`(x - mean) / (0.015 * deviation)` with `x = (high + low + close) / 3`, its mean over `span` bars and their mean absolute "
        "distance from it; 0 where that is 0. TA-Lib `CCI`."
    ),
    levels=(-100.0, 100.0),
)

STOCHASTICS: Final = (STOCH, STOCHRSI, WILLR, CCI)
