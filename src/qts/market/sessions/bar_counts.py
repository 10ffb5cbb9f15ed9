"""How many bars a session holds, and how many there are in a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from qts.core import IST, Exchange, Interval, Session, WindowKind
from qts.market.sessions.calendar import daily_stamp, is_session, session_on, sessions
from qts.market.sessions.tables import remembered

_DAYS_PER_YEAR: Final = 365.25
_MINUTE: Final = timedelta(minutes=1)
# The United States have 252 sessions of 390 minutes in nearly every year; INDEX has no calendar of its own.
_INDEX_SESSIONS: Final = 252
_INDEX_MINUTES: Final = 390
_WEEKS_PER_YEAR: Final = _DAYS_PER_YEAR / 7
_MONTHS_PER_YEAR: Final = 12


def bars_expected(exchange: Exchange, on: date, interval: Interval, *, has_derivatives: bool | None = None) -> int | None:
    """Return the number of bars of continuous trading of a session, or None where it is not known.

    It is 0 where the exchange does not trade, and 1 for bars of a day. It is None for weeks and months, for intraday bars of ``INDEX``,
    and for shares on days with a closing auction if nobody says whether the security has derivatives: such a one stops at 15:15.
    Bars lie on a grid from the nominal open; the last one of a session may be shorter. How brokers show the auction's print is not
    known, so that a day may have bars beyond these.

    >>> bars_expected(Exchange.NSE, date(2024, 7, 3), Interval.MINUTE_60)
    7
    """
    if interval in (Interval.WEEK, Interval.MONTH):
        return None
    if not is_session(exchange, on):
        return 0
    if interval is Interval.DAY:
        return 1
    session = session_on(exchange, on, has_derivatives=has_derivatives)
    if session is None or not session.windows or (has_derivatives is None and _is_undecided(session)):
        return None
    return _count(session, daily_stamp(exchange, on), interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRange:
    """How many bars of continuous trading a session holds at least and at most; the two differ where it depends on the security."""

    at_least: int
    at_most: int
    is_estimate: bool


def bar_range(exchange: Exchange, on: date, interval: Interval, *, has_derivatives: bool | None = None) -> BarRange | None:
    """Return the bars that a session may hold, or None for weeks, months and intraday bars of ``INDEX``; both are 0 without a session.

    Where nobody says whether a share has derivatives, a day with a closing auction holds as many bars as one with (360 minutes) at least
    and as many as one without (375) at most.

    >>> bar_range(Exchange.NSE, date(2026, 8, 3), Interval.MINUTE_1)
    BarRange(at_least=360, at_most=375, is_estimate=False)
    """
    if interval in (Interval.WEEK, Interval.MONTH):
        return None
    session = session_on(exchange, on, has_derivatives=has_derivatives)
    if session is None:
        return BarRange(at_least=0, at_most=0, is_estimate=False)
    found = bars_expected(exchange, on, interval, has_derivatives=has_derivatives)
    if found is not None:
        return BarRange(at_least=found, at_most=found, is_estimate=session.is_estimate)
    if not session.windows:
        return None
    both = [_count(one, daily_stamp(exchange, on), interval) for one in _of_both_kinds(exchange, on)]
    return BarRange(at_least=min(both), at_most=max(both), is_estimate=session.is_estimate)


@remembered
def bars_per_year(exchange: Exchange, interval: Interval, start: date, end: date, *, has_derivatives: bool | None = None) -> float:
    """Return the number of bars in a year, counted on the calendar: the factor that annualises a series of bars.

    Parameters
    ----------
    exchange : Exchange
        ``INDEX`` has no calendar: 252 sessions of 390 minutes are taken.
    interval : Interval
        The length of a bar.
    start, end : date
        The span of the series. A span of a year or more counts its own sessions; a shorter one those of the calendar years it touches,
        for a few days say nothing about a year.
    has_derivatives : bool or None
        As of :func:`bars_expected`; None counts the longer sessions of securities without.
    """
    if interval is Interval.WEEK:
        return _WEEKS_PER_YEAR
    if interval is Interval.MONTH:
        return float(_MONTHS_PER_YEAR)
    if exchange is Exchange.INDEX:
        minutes = interval.minutes
        return float(_INDEX_SESSIONS if minutes is None else _INDEX_SESSIONS * -(-_INDEX_MINUTES // minutes))
    if (end - start).days < round(_DAYS_PER_YEAR):
        start, end = date(min(start, end).year, 1, 1), date(max(start, end).year, 12, 31)
    days = sessions(exchange, start, end, has_derivatives=has_derivatives is True)
    n_bars = len(days) if interval is Interval.DAY else sum(_count(day, daily_stamp(exchange, day.date), interval) for day in days)
    return n_bars / ((end - start).days + 1) * _DAYS_PER_YEAR


def _of_both_kinds(exchange: Exchange, on: date) -> list[Session]:
    found = (session_on(exchange, on, has_derivatives=has_derivatives) for has_derivatives in (True, False))
    return [session for session in found if session is not None]


def _count(session: Session, opened_at: datetime, interval: Interval) -> int:
    length = (interval.minutes or 1) * _MINUTE
    slots: set[int] = set()
    for window in session.windows:
        if window.kind is WindowKind.CONTINUOUS:
            first, last = (window.opens_at - opened_at) // length, (window.closes_at - _MINUTE - opened_at) // length
            slots.update(range(first, last + 1))
    return len(slots)


def _is_undecided(session: Session) -> bool:
    """Return whether the session shows the windows of both kinds of security: continuous trading beyond the auction's begin."""
    auctions = [window.opens_at for window in session.windows if window.kind is WindowKind.CLOSING_AUCTION]
    last = max(
        (window.closes_at for window in session.windows if window.kind is WindowKind.CONTINUOUS), default=datetime.min.replace(tzinfo=IST)
    )
    return any(last > opens_at for opens_at in auctions)
