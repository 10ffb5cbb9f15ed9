"""When an intraday product may trade: from the square-off time on nothing is entered, and a session's last bar closes the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qts.backtest.inputs import Timeline
from qts.backtest.settings import BacktestSettings, FillTiming
from qts.core.arrays import Ints
from qts.core.clock import micros_of, session_date_of
from qts.core.errors import BadParameter
from qts.core.instrument import Exchange, exchange_of
from qts.core.interval import Interval
from qts.core.trading import Product
from qts.kernels.state import CLOSED, LAST
from qts.market.sessions import square_off_at

_DAY = 86_400_000_000
_IST = 19_800_000_000

Phases = NDArray[np.int8]


def session_phases(timeline: Timeline, interval: Interval, settings: BacktestSettings) -> Phases:
    """Return the phase of each bar as bits, shape ``(n_instruments, n_bars)``; empty for products that may be held overnight.

    Raises
    ------
    BadParameter
        If an intraday product could never trade on such bars.
    """
    if settings.product is not Product.MIS:
        return np.zeros((0, 0), dtype=np.int8)
    if interval in {Interval.WEEK, Interval.MONTH}:
        raise BadParameter("product", settings.product, f"cannot be traded on {interval} bars", hint="Use bars of a day or less.")
    if settings.fill is FillTiming.CLOSE and not interval.is_intraday:
        reason = "would be bought and squared off at the same close"
        raise BadParameter("fill", settings.fill, reason, hint="Use next_open, or bars shorter than a day.")
    phases = np.zeros(timeline.close.shape, dtype=np.int8)
    for i, instrument in enumerate(timeline.instruments):
        own = np.flatnonzero(~np.isnan(timeline.close[i]))
        phases[i, own] = _phases(timeline.ts[own], exchange_of(instrument), is_intraday=interval.is_intraday)
    return phases


def _phases(ts: Ints, exchange: Exchange, *, is_intraday: bool) -> NDArray[Any]:
    days = (ts + _IST) // _DAY
    is_last = np.ones(len(ts), dtype=np.bool_)
    is_last[:-1] = days[1:] != days[:-1]
    phases = np.where(is_last, LAST, 0).astype(np.int8)
    # Index levels have no broker, so no square-off time but the session's end.
    if is_intraday and exchange is not Exchange.INDEX:
        firsts = np.flatnonzero(np.concatenate(([True], days[1:] != days[:-1]))) if len(ts) else np.empty(0, dtype=np.int64)
        limits = np.array([micros_of(square_off_at(exchange, session_date_of(int(ts[at])))) for at in firsts], dtype=np.int64)
        lengths = np.diff(np.concatenate((firsts, [len(ts)])))
        phases[ts >= np.repeat(limits, lengths)] |= CLOSED
    return phases
