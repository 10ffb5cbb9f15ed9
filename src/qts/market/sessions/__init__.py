"""Sessions: which days an exchange trades, at which hours, how many bars they hold, and when intraday positions are closed."""

from qts.market.sessions.calendar import (
    NOT_ON_RECORD,
    Segment,
    daily_stamp,
    is_session,
    next_session,
    nominal_open,
    parse_segment,
    previous_session,
    session_on,
    sessions,
)
from qts.market.sessions.holidays import known_span
from qts.market.sessions.overlay import OverlayKind, OverlayRow, load_overlay, parse_overlay

__all__ = [
    "NOT_ON_RECORD",
    "OverlayKind",
    "OverlayRow",
    "Segment",
    "daily_stamp",
    "is_session",
    "known_span",
    "load_overlay",
    "next_session",
    "nominal_open",
    "parse_overlay",
    "parse_segment",
    "previous_session",
    "session_on",
    "sessions",
]
