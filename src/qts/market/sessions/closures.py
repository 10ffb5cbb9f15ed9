"""On which weekdays an exchange does not trade, why, and who says so."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from qts.core import Exchange
from qts.market.sessions.calendar import Segment, is_session, venue
from qts.market.sessions.hours import good_friday
from qts.market.sessions.overlay import OverlayKind
from qts.market.sessions.tables import corrections_of, overlay_of

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_TABLE: Final = "calendar XBOM of exchange_calendars"
_FIXED: Final = {
    (1, 26): "Republic Day",
    (4, 14): "Ambedkar Jayanti",
    (5, 1): "Maharashtra Day",
    (8, 15): "Independence Day",
    (10, 2): "Mahatma Gandhi Jayanti",
    (12, 25): "Christmas",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """A weekday without a session. ``name`` is empty where nobody on record says why; ``source`` tells who says that there was none."""

    date: date
    name: str
    source: str
    is_estimate: bool


def holidays(exchange: Exchange, start: date, end: date, *, segment: Segment | str = Segment.CASH) -> tuple[Holiday, ...]:
    """Return the weekdays from ``start`` to ``end``, both included, on which an exchange does not trade, oldest first.

    Nothing is said of years whose holidays are not on record. ``INDEX`` has none.
    """
    place = venue(exchange, segment)
    days = (start + i * _DAY for i in range((end - start).days + 1))
    return tuple(_holiday(place, on) for on in days if on.weekday() < _SATURDAY and not is_session(place, on))


def holiday_name(on: date) -> str:
    """Return why the Indian equity market is shut on a weekday; empty where no name is on record."""
    if on in _names():
        return _names()[on]
    if on == good_friday(on.year):
        return "Good Friday"
    return _FIXED.get((on.month, on.day), "")


def _holiday(exchange: Exchange, on: date) -> Holiday:
    row = overlay_of(exchange).get(on)
    if row is not None and row.kind is OverlayKind.REMOVE:
        return Holiday(date=on, name=row.note, source=row.source, is_estimate=row.is_estimate)
    year = corrections_of(exchange).years.get(on.year)
    if year is not None and on in year.days:
        return Holiday(date=on, name=year.days[on], source=year.source, is_estimate=False)
    return Holiday(date=on, name=holiday_name(on), source=_TABLE, is_estimate=False)


@cache
def _names() -> dict[date, str]:
    text = Path(__file__).with_name("holiday_names.toml").read_text(encoding="utf-8")
    return {date.fromisoformat(on): str(name) for group in tomllib.loads(text)["names"] for on, name in group["days"].items()}
