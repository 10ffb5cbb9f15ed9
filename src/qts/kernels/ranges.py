"""Ranges: how wide bars are.

Each function takes arrays of shape ``(n_bars,)``, oldest first, and returns one. A bar with a NaN in any of them does not exist: it is NaN
in the output. O(n_bars). Definitions are TA-Lib's.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, span_of
from qts.kernels.smoothing import SMOOTHING, wilder
from qts.kernels.twins import Column

# Whether there is a bar before, and its close.
RANGE: Final = 2
_BARS: Final = ("high", "low", "close")


def trange(high: Floats, low: Floats, close: Floats) -> Floats:
    """Return the true range, in the prices' unit; NaN on the first bar, as there is no close before it."""
    return TRANGE.batch((high, low, close))[0]


def atr(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return the average true range, in the prices' unit; NaN on the first ``span`` bars."""
    return ATR.batch((high, low, close), {"span": span})[0]


def natr(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return the average true range in percent of the close; NaN on the first ``span`` bars."""
    return NATR.batch((high, low, close), {"span": span})[0]


def true_range(state: Column, at: int, row: Row) -> float:
    """Return the true range of a bar's high, low and close; memory of a range."""
    last = state[at + 1] if state[at] > 0.0 else math.nan
    state[at] = 1.0
    state[at + 1] = row[2]
    above = max(row[0], last)
    below = min(row[1], last)
    return above - below if last == last else math.nan  # noqa: PLR0124 - a NaN, told without a call


def trange_step(state: Column, numbers: Numbers, row: Row) -> Row:  # noqa: ARG001 - a step takes three
    """Take high, low and close; memory of a range."""
    return (true_range(state, 0, row),)


def atr_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of a range and an average."""
    return (wilder(state, RANGE, numbers[0], true_range(state, 0, row)),)


def natr_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take high, low and close; memory of a range and an average."""
    average = wilder(state, RANGE, numbers[0], true_range(state, 0, row))
    return (100.0 * average / row[2] if row[2] != 0.0 else math.nan,)


PARTS: Final = (true_range,)

TRANGE: Final = IndicatorSpec(
    id="trange",
    title="True range",
    inputs=_BARS,
    params={},
    outputs=("trange",),
    overlay=False,
    step=trange_step,
    n_state=lambda _: RANGE,
    first=lambda _: 1,
    definition="`max(high, last close) - min(low, last close)`. TA-Lib `TRANGE`.",
)
ATR: Final = IndicatorSpec(
    id="atr",
    title="Average true range",
    inputs=_BARS,
    params={"span": span_of(14)},
    outputs=("atr",),
    overlay=False,
    step=atr_step,
    n_state=lambda _: RANGE + SMOOTHING,
    first=lambda numbers: numbers[0],
    definition="The mean of the first `span` true ranges, then Wilder's `(a * (span - 1) + x) / span`. TA-Lib `ATR`.",
)
NATR: Final = IndicatorSpec(
    id="natr",
    title="Average true range in percent",
    inputs=_BARS,
    params={"span": span_of(14)},
    outputs=("natr",),
    overlay=False,
    step=natr_step,
    n_state=lambda _: RANGE + SMOOTHING,
    first=lambda numbers: numbers[0],
    definition="`100 * atr / close`. TA-Lib `NATR`.",
)

RANGES: Final = (TRANGE, ATR, NATR)
