"""Volume: what was traded behind a move, and at what average price.

Each function takes arrays of shape ``(n_bars,)``, oldest first, and returns one. A bar with a NaN in any of them does not exist: it is NaN
in the output; so an index, which has no volumes, has none of these. O(n_bars), whatever the span.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats, Ints
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, span_of
from qts.kernels.twins import Column
from qts.kernels.windows import NOISE, rolling_sum, window_size

_BARS: Final = ("high", "low", "close", "volume")
# India's clock is this far ahead of the bars', in microseconds, and a day has so many.
_AHEAD: Final = 19_800_000_000.0
_DAY: Final = 86_400_000_000.0


def vwap(ts: Ints, high: Floats, low: Floats, close: Floats, *, volume: Floats) -> Floats:
    """Return the session's volume-weighted average of ``(high + low + close) / 3``, starting anew each day in India.

    ``ts`` are the bars' open instants in microseconds since the epoch, UTC. NaN until something has traded in the session.
    """
    return VWAP.batch((ts, high, low, close, volume))[0]


def obv(close: Floats, volume: Floats) -> Floats:
    """Return the on-balance volume, in shares, from the first bar on."""
    return OBV.batch((close, volume))[0]


def mfi(high: Floats, low: Floats, close: Floats, *, volume: Floats, span: int) -> Floats:
    """Return the money flow index, in [0, 100]; NaN on the first ``span`` bars."""
    return MFI.batch((high, low, close, volume), {"span": span})[0]


def ad(high: Floats, low: Floats, close: Floats, volume: Floats) -> Floats:
    """Return Chaikin's accumulation and distribution, in shares, from the first bar on."""
    return AD.batch((high, low, close, volume))[0]


def vwap_step(state: Column, numbers: Numbers, row: Row) -> Row:  # noqa: ARG001 - a step takes three
    """Take instant, high, low, close and volume; memory: the session's day, counted from 1970 and by one more; value, volume."""
    ts, high, low, close, volume = row
    day = (ts + _AHEAD) // _DAY + 1.0
    if state[0] != day:
        state[0], state[1], state[2] = day, 0.0, 0.0
    state[1] += (high + low + close) / 3.0 * volume
    state[2] += volume
    return (state[1] / state[2] if state[2] > 0.0 else math.nan,)


def obv_step(state: Column, numbers: Numbers, row: Row) -> Row:  # noqa: ARG001 - a step takes three
    """Take close and volume; memory: whether there is a bar before, its close, the balance."""
    close, volume = row
    last = state[1] if state[0] > 0.0 else -math.inf
    state[0], state[1] = 1.0, close
    if close != last:
        state[2] += volume if close > last else -volume
    return (state[2],)


def mfi_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low, close and volume; memory: whether there is a bar before, its price, two windows."""
    span = numbers[0]
    price = (row[0] + row[1] + row[2]) / 3.0
    last = state[1] if state[0] > 0.0 else math.nan
    state[0], state[1] = 1.0, price
    if math.isnan(last):
        return (math.nan,)
    flow = price * row[3]
    change = price - last if abs(price - last) > NOISE * price else 0.0
    rising = rolling_sum(state, 2, span, flow if change > 0.0 else 0.0)
    falling = rolling_sum(state, 2 + int(window_size(span)), span, flow if change < 0.0 else 0.0)
    return (0.0 if rising + falling < 1.0 else 100.0 * (rising / (rising + falling)),)


def ad_step(state: Column, numbers: Numbers, row: Row) -> Row:  # noqa: ARG001 - a step takes three
    """Take high, low, close and volume; memory: the balance."""
    high, low, close, volume = row
    if high > low:
        state[0] += ((close - low) - (high - close)) / (high - low) * volume
    return (state[0],)


VWAP: Final = IndicatorSpec(
    id="vwap",
    title="Volume-weighted average price of the session",
    inputs=("ts", *_BARS),
    params={},
    outputs=("vwap",),
    overlay=True,
    step=vwap_step,
    n_state=lambda _: 3,
    first=lambda _: 0,
    definition=(
        "The sum of `(high + low + close) / 3 * volume` over the sum of `volume`, from the first bar of the day in India on; undefined "
        "until something has traded."
    ),
)
OBV: Final = IndicatorSpec(
    id="obv",
    title="On-balance volume",
    inputs=("close", "volume"),
    params={},
    outputs=("obv",),
    overlay=False,
    step=obv_step,
    n_state=lambda _: 3,
    first=lambda _: 0,
    definition="Starts with the first bar's volume; a bar's volume is added if the close is higher, taken off if lower. TA-Lib `OBV`.",
)
MFI: Final = IndicatorSpec(
    id="mfi",
    title="Money flow index",
    inputs=_BARS,
    params={"span": span_of(14, 2)},
    outputs=("mfi",),
    overlay=False,
    step=mfi_step,
    n_state=lambda numbers: 2 + 2 * window_size(numbers[0]),
    first=lambda numbers: numbers[0],
    definition=(
        "`100 * rising / (rising + falling)`: sums over `span` bars of `price * volume` of the bars whose `price`, `(high + low + close) / "
        "3`, rose or fell; 0 where they come to less than one rupee. TA-Lib `MFI`."
    ),
    levels=(20.0, 80.0),
)
AD: Final = IndicatorSpec(
    id="ad",
    title="Accumulation and distribution",
    inputs=_BARS,
    params={},
    outputs=("ad",),
    overlay=False,
    step=ad_step,
    n_state=lambda _: 1,
    first=lambda _: 0,
    definition="The running sum of `((close - low) - (high - close)) / (high - low) * volume`, 0 for a bar without range. TA-Lib `AD`.",
)

VOLUMES: Final = (VWAP, OBV, MFI, AD)
