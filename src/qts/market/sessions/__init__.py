"""Sessions: which days an exchange trades, at which hours, how many bars they hold, and when intraday positions are closed."""

from qts.market.sessions.bar_counts import bars_expected, bars_per_year
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
from qts.market.sessions.square_off import SquareOff, square_off, square_off_at
from qts.market.sessions.verdict import SessionVerdict, accepts

__all__ = [
    "NOT_ON_RECORD",
    "OverlayKind",
    "OverlayRow",
    "Segment",
    "SessionVerdict",
    "SquareOff",
    "accepts",
    "bars_expected",
    "bars_per_year",
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
    "square_off",
    "square_off_at",
]
