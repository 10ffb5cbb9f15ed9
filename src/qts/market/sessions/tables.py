"""Which tables the calendar is read from: those that ship, and on top of them the corrections of the user whose home folder is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any, Final, Protocol, TypeVar

from qts.core import Exchange
from qts.market.sessions.holidays import holidays_by_year
from qts.market.sessions.hours import Market, RegularHours, hours_on
from qts.market.sessions.overlay import Overlay, load_overlay
from qts.market.sessions.user_calendar import UserCalendar

# The simulated market must give the same bars on every machine, and index levels keep no calendar of ours.
_UNCORRECTED: Final = frozenset({Exchange.SIM, Exchange.INDEX})
_NOTHING: Final = UserCalendar()


class _Remembering(Protocol):
    def cache_clear(self) -> None: ...


Answer = TypeVar("Answer", bound=Callable[..., Any])
_present: list[UserCalendar] = [_NOTHING]
_remembering: list[_Remembering] = []


def remembered(answer: Answer) -> Answer:
    """Return a function that remembers its answers until other corrections are in force."""
    remembering = cache(answer)
    _remembering.append(remembering)
    return remembering  # type: ignore[return-value]  # it takes and gives what the function does


def use_calendar(corrections: UserCalendar) -> None:
    """Let these corrections hold in this process from now on; they take the place of earlier ones.

    Whoever opens a home folder says so once, before anything is asked of the calendar; everything that asks follows.
    """
    if corrections.version == _present[0].version:
        return
    _present[0] = corrections
    for one in _remembering:
        one.cache_clear()


def calendar_version() -> str:
    """Return what tells the corrections in force apart from others; empty where there are none."""
    return _present[0].version


def corrections_of(exchange: Exchange) -> UserCalendar:
    """Return the corrections in force for an exchange."""
    return _NOTHING if exchange in _UNCORRECTED else _present[0]


@remembered
def overlay_of(exchange: Exchange) -> Overlay:
    """Return the sessions of an exchange that differ, by date; the simulated market keeps those of NSE as they ship."""
    if exchange is Exchange.SIM:
        return load_overlay(Exchange.NSE)
    return load_overlay(exchange, corrections_of(exchange).sessions)


def is_holiday(exchange: Exchange, on: date) -> bool:
    """Return whether a weekday is in the list of holidays of its year."""
    year = corrections_of(exchange).years.get(on.year)
    return on in (holidays_by_year().get(on.year, frozenset()) if year is None else year.days)


def is_on_record(exchange: Exchange, on: date) -> bool:
    """Return whether the holidays of the date's year are known."""
    return on.year in holidays_by_year() or on.year in corrections_of(exchange).years


def known_span() -> tuple[date, date]:
    """Return the first and last date whose holidays are on record; beyond them every weekday is assumed to be a session."""
    years = holidays_by_year().keys() | _present[0].years.keys()
    last = max(holidays_by_year())
    while last + 1 in years:
        last += 1
    return date(min(holidays_by_year()), 1, 1), date(last, 12, 31)


def regular_hours(exchange: Exchange, market: Market, on: date) -> RegularHours | None:
    """Return the regular hours of a market in force on a date, as the exchange keeps them."""
    return hours_on(market, on, corrections_of(exchange).hours)
