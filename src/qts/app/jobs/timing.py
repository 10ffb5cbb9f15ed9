"""When something is due again and again, in Indian time: every day, on trading days, on a weekday, or some while after the close."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from qts.core.clock import IST
from qts.core.errors import BadParameter
from qts.core.instrument import Exchange
from qts.market.sessions import is_session, session_on

DAILY: Final = "daily"
TRADING: Final = "trading"
CLOSE: Final = "close"
LEAST_MINUTES: Final = 30
"""How long after the close at the earliest: until then the last bars of the day are not settled."""
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MOST_MINUTES: Final = 720
_AT: Final = re.compile(r"([a-z]+)@([01]?\d|2[0-3]):([0-5]\d)")
_AFTER: Final = re.compile(r"close\+(\d{1,4})m?")
_DAY: Final = timedelta(days=1)
# No exchange rests longer, and nobody wants to know what was missed before.
_LOOKS_AHEAD: Final = 60
_LOOKS_BACK: Final = timedelta(days=400)
_HINT: Final = "Write daily@02:00, trading@08:30, sunday@03:00 or close+45, in Indian time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a schedule is due. ``days`` is daily, trading, close or a weekday; ``at`` a time in India, or ``minutes`` after the close."""

    days: str
    at: time = time()
    minutes: int = 0

    @property
    def text(self) -> str:
        """Return it as it is written."""
        return f"{CLOSE}+{self.minutes}" if self.days == CLOSE else f"{self.days}@{self.at:%H:%M}"

    @property
    def words(self) -> str:
        """Return it as it is said."""
        if self.days == CLOSE:
            return f"{self.minutes} minutes after the close of each session"
        named = {DAILY: "every day", TRADING: "on trading days"}.get(self.days, f"every {self.days.capitalize()}")
        return f"{named} at {self.at:%H:%M} IST"


def parse_timing(text: str) -> Timing:
    """Return what a text says.

    Raises
    ------
    BadParameter
        If it says nothing of the kind, or comes too soon after the close.

    >>> parse_timing("trading@8:30").text
    'trading@08:30'
    """
    plain = text.strip().lower()
    after = _AFTER.fullmatch(plain)
    if after is not None:
        minutes = int(after[1])
        if not LEAST_MINUTES <= minutes <= _MOST_MINUTES:
            reason = f"is not {LEAST_MINUTES} to {_MOST_MINUTES} minutes after the close"
            raise BadParameter("when", text, reason, hint="The last bars of a day are settled half an hour after it: close+45.")
        return Timing(days=CLOSE, minutes=minutes)
    found = _AT.fullmatch(plain)
    if found is None or found[1] not in {DAILY, TRADING, *_WEEKDAYS}:
        raise BadParameter("when", text, "says no time that comes again", hint=_HINT)
    return Timing(days=found[1], at=time(int(found[2]), int(found[3])))


def due_between(timing: Timing, exchange: Exchange, *, after: datetime, until: datetime) -> tuple[datetime, ...]:
    """Return the instants at which something was due, ``after`` excluded and ``until`` included, oldest first; of 400 days at most."""
    after = max(after, until - _LOOKS_BACK)
    # What is due after midnight belongs to the session of the day before.
    first, last = after.astimezone(IST).date() - _DAY, until.astimezone(IST).date()
    days = (first + i * _DAY for i in range((last - first).days + 1))
    found = (_due_of(timing, exchange, day) for day in days)
    return tuple(due for due in found if due is not None and after < due <= until)


def next_due(timing: Timing, exchange: Exchange, *, after: datetime) -> datetime | None:
    """Return the next instant at which something is due; None where the calendar names none in the next weeks."""
    first = after.astimezone(IST).date() - _DAY
    found = (_due_of(timing, exchange, first + i * _DAY) for i in range(_LOOKS_AHEAD))
    return next((due for due in found if due is not None and due > after), None)


def _due_of(timing: Timing, exchange: Exchange, day: date) -> datetime | None:
    """Return when something is due for a day, if it is."""
    if timing.days == CLOSE:
        session = session_on(exchange, day)
        if session is None or not session.windows:
            return None
        return max(window.closes_at for window in session.windows) + timedelta(minutes=timing.minutes)
    if timing.days == TRADING and not is_session(exchange, day):
        return None
    is_due = timing.days in {DAILY, TRADING, _WEEKDAYS[day.weekday()]}
    return datetime.combine(day, timing.at, IST) if is_due else None
