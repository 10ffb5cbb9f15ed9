"""Whether a bar of a file can be one of a session: the calendar's word at import."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from qts.core import IST, Exchange, Interval
from qts.market.sessions.calendar import Segment, is_session, session_on


class SessionVerdict(StrEnum):
    """What the calendar says of a bar's instant."""

    SESSION = "session"
    PLAUSIBLE = "unknown session but plausible"
    NOT_A_SESSION = "not a session"


def accepts(exchange: Exchange, at: datetime, interval: Interval) -> SessionVerdict:
    """Return whether the exchange trades at a bar's open instant, as far as the calendar knows.

    ``SESSION``: within a window of a known session, of either segment; for bars of a day or longer, on its date. ``PLAUSIBLE``: on the
    date of a session but outside its windows, which may have been extended. ``NOT_A_SESSION``: on a weekend or holiday; whether a
    file's own evidence outweighs that is the importer's to decide. ``INDEX`` has no hours: every weekday is a session.
    """
    on = at.astimezone(IST).date()
    if not is_session(exchange, on):
        # A week or month is stamped by its first day, which may be a holiday.
        is_period = interval in (Interval.WEEK, Interval.MONTH)
        return SessionVerdict.PLAUSIBLE if is_period else SessionVerdict.NOT_A_SESSION
    if not interval.is_intraday or exchange is Exchange.INDEX:
        return SessionVerdict.SESSION
    found = (session_on(exchange, on, segment=segment) for segment in (Segment.CASH, Segment.FO))
    windows = (window for session in found if session is not None for window in session.windows)
    return SessionVerdict.SESSION if any(window.opens_at <= at < window.closes_at for window in windows) else SessionVerdict.PLAUSIBLE
