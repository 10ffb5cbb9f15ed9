"""Which bars stand where the exchange did not trade."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

from qts.core import Bars, Bools, Exchange, Interval, WindowKind, exchange_of, instant_of, micros_of
from qts.data.coverage import expected_days
from qts.data.quality.findings import Finding, Issue, IssueKind, found_at
from qts.market.sessions import is_session, remembered, session_on

_DAY_MICROS: Final = 86_400_000_000
_IST_MICROS: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)
_TRADING: Final = (WindowKind.CONTINUOUS, WindowKind.CLOSING_AUCTION)


def session_findings(bars: Bars) -> Finding:
    """Return the bars on dates that are no session, and minutes outside a session's windows where its hours are certain.

    A bar counts as inside that overlaps a window of trading or of the closing auction. ``INDEX`` has no hours on record.
    """
    exchange = exchange_of(bars.instrument)
    is_outside = np.zeros(len(bars), np.bool_)
    if exchange is not Exchange.INDEX and bars.interval not in {Interval.WEEK, Interval.MONTH}:
        is_outside = _outside(bars, exchange)

    def describe(i: int) -> Issue:
        at = instant_of(int(bars.ts[i]))
        why = "outside the session's hours" if is_session(exchange, at.date()) else "not a session"
        return Issue(kind=IssueKind.SESSION_MISMATCH, ts=int(bars.ts[i]), value=float(bars.close[i]), text=f"{at:%A}: {why}")

    return found_at(np.flatnonzero(is_outside), len(bars), IssueKind.SESSION_MISMATCH, describe)


def _outside(bars: Bars, exchange: Exchange) -> Bools:
    days = (bars.ts + _IST_MICROS) // _DAY_MICROS
    if not bars.interval.is_intraday:
        expected = expected_days(exchange, Interval.DAY, int(days[0]), int(days[-1]))
        return np.zeros(len(bars), np.bool_) if expected is None else np.asarray(~np.isin(days, expected.days))
    distinct, place = np.unique(days, return_inverse=True)
    opens, closes = np.zeros(len(distinct), np.int64), np.full(len(distinct), np.iinfo(np.int64).max)
    broken_up: list[tuple[int, tuple[tuple[int, int], ...]]] = []
    for i, day in enumerate(distinct.tolist()):
        spans = _spans(exchange, _EPOCH + timedelta(days=day))
        if spans is not None:
            opens[i] = min((start for start, _ in spans), default=np.iinfo(np.int64).max)
            closes[i] = max((stop for _, stop in spans), default=0)
            if len(spans) > 1:
                broken_up.append((i, spans))
    length = (bars.interval.minutes or 1) * 60_000_000
    is_outside = (bars.ts >= closes[place]) | (bars.ts + length <= opens[place])
    for i, spans in broken_up:
        mine = np.flatnonzero(place == i)
        ts = bars.ts[mine]
        is_inside = np.zeros(len(mine), np.bool_)
        for start, stop in spans:
            is_inside |= (ts < stop) & (ts + length > start)
        is_outside[mine] = ~is_inside
    return np.asarray(is_outside)


@remembered
def _spans(exchange: Exchange, on: date) -> tuple[tuple[int, int], ...] | None:
    """Return the trading windows in microseconds, joined where they touch; None where every bar of the date is as good as another."""
    if not is_session(exchange, on):
        return ()
    session = session_on(exchange, on)
    if session is None or session.is_estimate or not session.windows:
        return None
    joined: list[tuple[int, int]] = []
    for window in session.windows:
        if window.kind in _TRADING:
            start, stop = micros_of(window.opens_at), micros_of(window.closes_at)
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
            else:
                joined.append((start, stop))
    return tuple(joined)
