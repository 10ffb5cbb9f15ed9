"""Time: an aware clock passed as an argument, and India's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Protocol

# India has had no daylight saving since 1945: a fixed offset is exact and needs no zone database.
IST: Final = timezone(timedelta(hours=5, minutes=30), "IST")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_INDIA: Final = _EPOCH.astimezone(IST)
_MICROSECOND: Final = timedelta(microseconds=1)


class Clock(Protocol):
    """Whoever knows what time it is."""

    def now(self) -> datetime:
        """Return the present instant, aware."""
        ...


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: for tests and for replays."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant it stands at."""
        return self.at


def micros_of(at: datetime) -> int:
    """Return microseconds since the epoch of an aware instant, exactly.

    >>> micros_of(datetime(1970, 1, 1, 5, 30, tzinfo=IST))
    0
    """
    return (at - _EPOCH) // _MICROSECOND


def instant_of(micros: int) -> datetime:
    """Return the instant in IST; the inverse of :func:`micros_of`."""
    # A fixed offset needs no conversion: the epoch as India saw it, and so many microseconds on.
    return _EPOCH_IN_INDIA + timedelta(microseconds=int(micros))


def session_date_of(micros: int) -> date:
    """Return the calendar date in India at this instant."""
    return instant_of(micros).date()
