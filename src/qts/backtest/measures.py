"""What sizes are measured by: each instrument's average true range, or the volatility of its returns, known at each close."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from qts.backtest.corporate_actions import LocatedAction, shares_of
from qts.backtest.inputs import Timeline
from qts.backtest.settings import Sizing, SizingKind
from qts.core.arrays import Floats
from qts.core.clock import session_date_of
from qts.core.instrument import exchange_of
from qts.kernels import atr
from qts.market.sessions import bars_per_year

# How many windows are looked at together: enough to be fast, few enough to stay small.
_AT_ONCE: Final = 65_536


def measures_of_size(timeline: Timeline, size: Sizing, actions: Sequence[LocatedAction] = ()) -> Floats:
    """Return what the size is measured by at each bar, shape ``(n_instruments, n_bars)``; empty where it is not measured by anything.

    NaN where there is nothing yet: on the first bars, and where an instrument has no bar. Bars before a corporate action are measured in
    the shares after it: a split is no movement.
    """
    if size.kind not in {SizingKind.ATR_RISK, SizingKind.VOL_TARGET}:
        return np.zeros((0, 0))
    measures = np.full(timeline.close.shape, np.nan)
    first, last = (session_date_of(int(timeline.ts[at])) for at in (0, -1))
    for i, instrument in enumerate(timeline.instruments):
        own = np.flatnonzero(~np.isnan(timeline.close[i]))
        high, low, close = (np.ascontiguousarray(column[i, own]) for column in (timeline.high, timeline.low, timeline.close))
        shares = shares_of(actions, i, len(timeline.ts))
        if shares is not None:
            high, low, close = (column * shares[own] for column in (high, low, close))
        if size.kind is SizingKind.ATR_RISK:
            # A range of nothing would make the quantity endless: such a bar decides nothing.
            ranges = atr(high, low, close, size.span) if shares is None else atr(high, low, close, size.span) / shares[own]
            measures[i, own] = np.where(ranges > 0.0, ranges, np.nan)
        else:
            per_year = bars_per_year(exchange_of(instrument), timeline.interval, first, last)
            measures[i, own] = volatility(close, size.span) * math.sqrt(per_year)
    return measures


def volatility(close: Floats, span: int) -> Floats:
    """Return the sample standard deviation of the last ``span`` simple returns at each close, per bar; NaN before there are as many.

    Parameters
    ----------
    close : ndarray of shape (n_bars,)
        Closes, oldest first, without NaN.
    span : int
        At least 2.
    """
    found = np.full(len(close), np.nan)
    if len(close) <= span:
        return found
    returns = close[1:] / close[:-1] - 1.0
    windows = np.lib.stride_tricks.sliding_window_view(returns, span)
    for start in range(0, len(windows), _AT_ONCE):
        part = windows[start : start + _AT_ONCE]
        found[span + start : span + start + len(part)] = np.std(part, axis=1, ddof=1)
    return found
