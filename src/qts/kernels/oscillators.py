"""Wilder's indicators: relative strength and average true range. TA-Lib's definitions; NaN until defined."""

from __future__ import annotations

import math

import numpy as np

from qts.core.arrays import Floats
from qts.core.errors import BadParameter
from qts.kernels.twins import Column, as_input, prefers_compiled, twin


def rsi(values: Floats, span: int) -> Floats:
    """Return the relative strength index, in [0, 100].

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
        Oldest first; NaN is allowed.
    span : int
        At least 2.

    Returns
    -------
    ndarray of shape (n_bars,)
        NaN on the first ``span`` bars. A NaN bar does not exist for it: NaN there, and the next change is measured from the last value.

    Notes
    -----
    Average gain and loss start as the mean of the first ``span`` changes and follow Wilder's ``(a * (span - 1) + x) / span``; the index is
    ``100 * gain / (gain + loss)``, and 0 while nothing has moved. O(n_bars). Definition: TA-Lib ``RSI``.
    """
    if span < 2:
        raise BadParameter("span", span, "relative strength needs at least two bars")
    out = np.full(len(values), np.nan)
    if prefers_compiled(len(values)):
        twin("rsi")(as_input(values), out, span)
        return out
    filled: list[float] = out.tolist()
    rsi_loop(values.tolist(), filled, span)
    return np.array(filled, dtype=np.float64)


def atr(high: Floats, low: Floats, close: Floats, span: int) -> Floats:
    """Return the average true range, in the prices' unit.

    Parameters
    ----------
    high, low, close : ndarray of shape (n_bars,)
        Oldest first; a bar with a NaN in any of them does not exist for it.
    span : int
        At least 1.

    Returns
    -------
    ndarray of shape (n_bars,)
        NaN on the first ``span`` bars: the first bar has no true range, as there is no close before it.

    Notes
    -----
    True range is ``max(high, last close) - min(low, last close)``; the average starts as the mean of the first ``span`` of them and follows
    Wilder's ``(a * (span - 1) + x) / span``. O(n_bars). Definition: TA-Lib ``ATR``.
    """
    if span < 1:
        raise BadParameter("span", span, "an average range needs at least one bar")
    out = np.full(len(close), np.nan)
    if prefers_compiled(len(close)):
        twin("atr")((as_input(high), as_input(low), as_input(close)), out, span)
        return out
    filled: list[float] = out.tolist()
    atr_loop((high.tolist(), low.tolist(), close.tolist()), filled, span)
    return np.array(filled, dtype=np.float64)


def rsi_loop(values: Column, out: Column, span: int) -> None:
    """Fill ``out`` with the index; plain Python, also compiled."""
    last = math.nan
    gain = 0.0
    loss = 0.0
    seen = 0
    for i in range(len(values)):
        value = values[i]
        if math.isnan(value):
            continue
        change = value - last
        last = value
        if math.isnan(change):
            continue
        seen += 1
        up = max(change, 0.0)
        down = max(-change, 0.0)
        if seen <= span:
            gain += up / span
            loss += down / span
        else:
            gain = (gain * (span - 1) + up) / span
            loss = (loss * (span - 1) + down) / span
        if seen >= span:
            moved = gain + loss
            out[i] = 100.0 * gain / moved if moved > 0.0 else 0.0


def atr_loop(prices: tuple[Column, Column, Column], out: Column, span: int) -> None:
    """Fill ``out`` with the average range of high, low and close; plain Python, also compiled."""
    high, low, close = prices
    last = math.nan
    average = 0.0
    seen = 0
    for i in range(len(close)):
        if math.isnan(high[i]) or math.isnan(low[i]) or math.isnan(close[i]):
            continue
        if not math.isnan(last):
            seen += 1
            true_range = max(high[i], last) - min(low[i], last)
            if seen <= span:
                average += true_range / span
            else:
                average = (average * (span - 1) + true_range) / span
            if seen >= span:
                out[i] = average
        last = close[i]
