"""What a user knows better than the shipped calendar: sessions added, removed or altered, new regular hours, and the holidays of a year.

The text is TOML with three kinds of tables::

    [[session]]              # one date
    date = 2027-10-29
    kind = "add"             # or "remove", or "alter"
    windows = ["18:15-19:15"]
    note = "Muhurat"
    source = "circular of the exchange"

    [[hours]]                # regular hours of a market from a date on
    market = "cash"
    valid_from = 2027-01-04
    pre_open = "09:00-09:15"
    continuous = "09:15-15:30"
    source = "circular of the exchange"

    [[holidays]]             # the weekdays of a year without a session: with them the year is on record
    year = 2027
    source = "circular of the exchange"
    [holidays.days]
    2027-01-26 = "Republic Day"
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Final, TypeVar

from qts.core.errors import BadFile
from qts.market.sessions.hours import RegularHours, hours_row
from qts.market.sessions.overlay import OverlayRow, overlay_row

HINT: Final = "Correct the line, or remove the file; docs/reference/calendar.md shows what it may hold."
_TABLES: Final = ("session", "hours", "holidays")
_SATURDAY: Final = 5
_VERSION_LENGTH: Final = 12
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class YearOfHolidays:
    """The weekdays of a year without a session, with their names; it takes the place of the shipped list of that year."""

    year: int
    days: Mapping[date, str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCalendar:
    """A user's corrections of the calendar; empty where there are none."""

    sessions: tuple[OverlayRow, ...] = ()
    hours: tuple[RegularHours, ...] = ()
    years: Mapping[int, YearOfHolidays] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Return how many corrections there are."""
        return len(self.sessions) + len(self.hours) + len(self.years)

    @property
    def version(self) -> str:
        """Return what tells two such calendars apart, and is empty where nothing is corrected."""
        if not self.n_rows:
            return ""
        days = [(year, sorted(one.days.items()), one.source) for year, one in sorted(self.years.items())]
        # The order in which a set prints differs from process to process.
        rows = sorted(repr(asdict(row) | {"exchanges": sorted(row.exchanges)}) for row in self.sessions)
        hours = sorted(repr(row) for row in self.hours)
        return hashlib.sha256(repr((rows, hours, days)).encode()).hexdigest()[:_VERSION_LENGTH]


def parse_user_calendar(text: str, *, origin: str) -> UserCalendar:
    """Return the corrections written in a text.

    Raises
    ------
    BadFile
        If the text is no TOML, or a table in it lacks a field, has one too many or one that does not fit; the message names ``origin``
        and the line.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(origin, f"is not valid TOML: {error}", hint=HINT) from error
    unknown = [name for name in raw if name not in _TABLES]
    if unknown:
        line = _line_of_key(text, unknown[0])
        raise BadFile(origin, f"{line}{unknown[0]!r} is none of {', '.join(_TABLES)}", hint=HINT)
    reader = _Reader(text=text, origin=origin, raw=raw)
    sessions = tuple(reader.rows("session", overlay_row))
    hours = tuple(reader.rows("hours", hours_row))
    years = tuple(reader.rows("holidays", _year_of))
    reader.require_distinct("session", [{(row.date, exchange) for exchange in row.exchanges} for row in sessions])
    reader.require_distinct("hours", [{(row.market, row.valid_from)} for row in hours])
    reader.require_distinct("holidays", [{one.year} for one in years])
    return UserCalendar(sessions=sessions, hours=hours, years={one.year: one for one in years})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    text: str
    origin: str
    raw: Mapping[str, object]

    def rows(self, name: str, build: Callable[[Mapping[str, object]], Row]) -> Iterator[Row]:
        """Yield the tables of a name, each built by a function that raises KeyError, TypeError or ValueError if it does not fit."""
        tables = self.raw.get(name, [])
        if not isinstance(tables, list):
            raise BadFile(self.origin, f"{_line_of_key(self.text, name)}{name} is written [[{name}]], once for each row", hint=HINT)
        for i, table in enumerate(tables):
            try:
                yield build(table)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                reason = f"lacks the field {error}" if isinstance(error, KeyError) else str(error)
                raise BadFile(self.origin, f"{self.place(name, i)}{reason}", hint=HINT) from error

    def require_distinct(self, name: str, keys: Sequence[Iterable[object]]) -> None:
        """Raise if two rows of a table are about the same thing."""
        seen: dict[object, int] = {}
        for i, row_keys in enumerate(keys):
            for key in row_keys:
                if key in seen:
                    earlier = self.place(name, seen[key]).removesuffix(": ")
                    raise BadFile(self.origin, f"{self.place(name, i)}says the same as {earlier or 'an earlier row'}", hint=HINT)
                seen[key] = i

    def place(self, name: str, i_row: int) -> str:
        """Return ``line N: `` of the i-th table of a name, or nothing where the text writes its tables in another way."""
        lines = [i + 1 for i, line in enumerate(self.text.splitlines()) if _is_header(line, name)]
        return f"line {lines[i_row]}: " if i_row < len(lines) else ""


def _is_header(line: str, name: str) -> bool:
    return "".join(line.split("#", maxsplit=1)[0].split()) == f"[[{name}]]"


def _line_of_key(text: str, name: str) -> str:
    for i, line in enumerate(text.splitlines()):
        words = line.replace("[", " ").replace("]", " ").replace("=", " ").split()
        if words and words[0] == name:
            return f"line {i + 1}: "
    return ""


def _year_of(raw: Mapping[str, object]) -> YearOfHolidays:
    year, days, source = raw["year"], raw["days"], str(raw["source"])
    unknown = sorted(raw.keys() - {"year", "days", "source"})
    if unknown:
        raise ValueError(f"has a field that is not known: {unknown[0]}")
    if type(year) is not int or not isinstance(days, dict):
        raise ValueError("needs a year like 2027 and a table [holidays.days] of dates with names")
    dated = {date.fromisoformat(text): str(name) for text, name in days.items()}
    for on in dated:
        if on.year != year:
            raise ValueError(f"{on} is not in {year}")
        if on.weekday() >= _SATURDAY:
            raise ValueError(f"{on} is a {on:%A}, which has no session anyway: leave it out")
    if not dated:
        raise ValueError(f"{year} has no day: a year without holidays is none")
    return YearOfHolidays(year=year, days=dated, source=source)
