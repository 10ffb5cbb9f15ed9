"""Sessions: which days an exchange trades, at which hours, how many bars they hold, and when intraday positions are closed."""

from qts.market.sessions.bar_counts import BarRange, bar_range, bars_expected, bars_per_year
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
    venue,
)
from qts.market.sessions.closures import Holiday, holiday_name, holidays
from qts.market.sessions.overlay import OverlayKind, OverlayRow, load_overlay, parse_overlay
from qts.market.sessions.square_off import SquareOff, square_off, square_off_at
from qts.market.sessions.tables import calendar_version, known_span, remembered, use_calendar
from qts.market.sessions.user_calendar import UserCalendar, YearOfHolidays, parse_user_calendar
from qts.market.sessions.verdict import SessionVerdict, accepts

__all__ = [
    "NOT_ON_RECORD",
    "BarRange",
    "Holiday",
    "OverlayKind",
    "OverlayRow",
    "Segment",
    "SessionVerdict",
    "SquareOff",
    "UserCalendar",
    "YearOfHolidays",
    "accepts",
    "bar_range",
    "bars_expected",
    "bars_per_year",
    "calendar_version",
    "daily_stamp",
    "holiday_name",
    "holidays",
    "is_session",
    "known_span",
    "load_overlay",
    "next_session",
    "nominal_open",
    "parse_overlay",
    "parse_segment",
    "parse_user_calendar",
    "previous_session",
    "remembered",
    "session_on",
    "sessions",
    "square_off",
    "square_off_at",
    "use_calendar",
    "venue",
]
