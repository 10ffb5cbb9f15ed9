"""Moving averages: simple, exponential, weighted. TA-Lib's definitions; NaN until defined."""

from __future__ import annotations

import math

import numpy as np

from qts.core.arrays import Floats
from qts.core.errors import BadParameter
from qts.kernels.twins import Column, as_input, prefers_compiled, twin


def sma(values: Floats, span: int) -> Floats:
    """Return the mean of the last ``span`` values.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
        Oldest first; NaN is allowed.
    span : int
        Number of bars, at least 1.

    Returns
    -------
    ndarray of shape (n_bars,)
        NaN on the first ``span - 1`` bars and wherever the window holds a NaN.

    Notes
    -----
    Each window is summed afresh, oldest first, so that no rounding is carried along: equal windows have equal means. O(n_bars * span)
    additions in cache-sized blocks, one temporary. Definition: TA-Lib ``SMA``.
    """
    _check_span(span)
    return _weighted(values, np.ones(span), float(span))


def wma(values: Floats, span: int) -> Floats:
    """Return the mean of the last ``span`` values weighted 1, 2, … ``span``, the latest most.

    Parameters, warm-up, NaN policy and cost as :func:`sma`. Definition: TA-Lib ``WMA``.
    """
    _check_span(span)
    return _weighted(values, np.arange(1.0, span + 1.0), span * (span + 1) / 2)


def ema(values: Floats, span: int, *, seed: str = "sma") -> Floats:
    """Return the exponential average with ``alpha = 2 / (span + 1)``.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
        Oldest first; NaN is allowed.
    span : int
        At least 1.
    seed : {"sma", "first"}
        ``"sma"`` starts with the mean of the first ``span`` values (TA-Lib), ``"first"`` with the first value (pandas ``adjust=False``).

    Returns
    -------
    ndarray of shape (n_bars,)
        With ``"sma"`` NaN on the first ``span - 1`` bars. A NaN bar does not exist for the average: it is NaN there, does not count for the
        seed, and the next value carries on from the last average.

    Notes
    -----
    ``e[t] = e[t-1] + alpha * (x[t] - e[t-1])``. O(n_bars), one pass. Definition: TA-Lib ``EMA``.
    """
    _check_span(span)
    if seed not in {"sma", "first"}:
        raise BadParameter("seed", seed, "there is no such seed", hint='Use "sma" or "first".')
    needed = 1 if seed == "first" else span
    out = np.full(len(values), np.nan)
    if prefers_compiled(len(values)):
        twin("ema")(as_input(values), out, span, needed)
        return out
    filled: list[float] = out.tolist()
    ema_loop(values.tolist(), filled, span, needed)
    return np.array(filled, dtype=np.float64)


def ema_loop(values: Column, out: Column, span: int, needed: int) -> None:
    """Fill ``out`` with the average, seeded by the mean of the first ``needed`` values; plain Python, also compiled."""
    alpha = 2.0 / (span + 1.0)
    total = 0.0
    average = 0.0
    seen = 0
    for i in range(len(values)):
        value = values[i]
        if math.isnan(value):
            continue
        seen += 1
        if seen > needed:
            average += alpha * (value - average)
        else:
            total += value
            average = total / needed
        if seen >= needed:
            out[i] = average


def _weighted(values: Floats, weights: Floats, divisor: float) -> Floats:
    span = len(weights)
    out = np.full(len(values), np.nan)
    # A block and its sum stay in the first cache levels, whatever the length of the series.
    block = 4096
    for start in range(span - 1, len(values), block):
        stop = min(start + block, len(values))
        total = np.zeros(stop - start)
        for k in range(span):
            total += weights[k] * values[start - span + 1 + k : stop - span + 1 + k]
        out[start:stop] = total / divisor
    return out


def _check_span(span: int) -> None:
    if span < 1:
        raise BadParameter("span", span, "an average needs at least one bar")
