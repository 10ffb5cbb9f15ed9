"""Which days an exchange trades, and during which windows.

Weekday holidays come from a generated table, special sessions from the overlay, hours from dated rows. Beyond the table every weekday is
assumed to be a session and marked as an estimate, so that no date ever raises.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from qts.core import IST, Exchange, Session, Window, WindowKind
from qts.core.errors import BadParameter
from qts.market.sessions.holidays import holidays_by_year, known_span
from qts.market.sessions.hours import Market, RegularHours, Span, good_friday, hours_on, is_us_summer
from qts.market.sessions.overlay import Overlay, OverlayKind, load_overlay

NOT_ON_RECORD: Final = "holidays of this year are not on record: each weekday is assumed to be a session; a newer release extends the table"

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)
_NEW_YORK: Final = "America/New_York"
_TABLE: Final = "weekday holidays: XBOM of exchange_calendars"
_EVENING: Final = time(17, 0)
# Republic Day, Independence Day, Gandhi Jayanti, Christmas; Good Friday is computed.
_COMMODITY_SHUT: Final = frozenset({(1, 26), (8, 15), (10, 2), (12, 25)})


class Segment(StrEnum):
    """A part of an equity exchange with hours of its own. Other exchanges have one segment, whichever is asked for."""

    CASH = "cash"
    FO = "fo"


def nominal_open(exchange: Exchange) -> time:
    """Return the time of day that stamps daily bars, in the exchange's own zone; it never follows special sessions."""
    match exchange:
        case Exchange.NSE | Exchange.BSE | Exchange.NFO | Exchange.BFO | Exchange.SIM:
            return time(9, 15)
        case Exchange.CDS | Exchange.BCD | Exchange.MCX | Exchange.NCO:
            return time(9, 0)
        case Exchange.INDEX:
            return time(9, 30)
        case _:
            assert_never(exchange)


def daily_stamp(exchange: Exchange, on: date) -> datetime:
    """Return the instant that stamps the daily bar of a session date, aware, in IST.

    It is the nominal open also on special days such as Muhurat: a stable key that no correction of the calendar moves.

    >>> daily_stamp(Exchange.NSE, date(2024, 11, 1)).isoformat()
    '2024-11-01T09:15:00+05:30'
    """
    if exchange is Exchange.INDEX:
        return datetime.combine(on, nominal_open(exchange), ZoneInfo(_NEW_YORK)).astimezone(IST)
    return datetime.combine(on, nominal_open(exchange), IST)


def parse_segment(text: str) -> Segment:
    """Return the segment of this name.

    Raises
    ------
    BadParameter
        If no segment has the name.
    """
    try:
        return Segment(text.strip().lower())
    except ValueError as error:
        raise BadParameter("segment", text, "there is no such segment", hint=f"Use one of {', '.join(Segment)}.") from error


def is_session(exchange: Exchange, on: date) -> bool:
    """Return whether the exchange trades on this date, be it for an hour."""
    if exchange is Exchange.INDEX:
        return on.weekday() < _SATURDAY
    row = _overlay(exchange).get(on)
    if row is not None and row.kind is not OverlayKind.ALTER:
        return row.kind is OverlayKind.ADD
    if on.weekday() >= _SATURDAY:
        return False
    if on not in holidays_by_year().get(on.year, frozenset()):
        return True
    return market_of(exchange) is Market.COMMODITY and not _is_commodity_shut(on)


def session_on(
    exchange: Exchange, on: date, *, segment: Segment | str = Segment.CASH, has_derivatives: bool | None = None
) -> Session | None:
    """Return the session of a date, or None where the exchange does not trade. Parameters as of :func:`sessions`."""
    if not is_session(exchange, on):
        return None
    return _session(exchange, on, parse_segment(segment), has_derivatives=has_derivatives)


def sessions(
    exchange: Exchange, start: date, end: date, *, segment: Segment | str = Segment.CASH, has_derivatives: bool | None = None
) -> tuple[Session, ...]:
    """Return the sessions from ``start`` to ``end``, both included, oldest first.

    Parameters
    ----------
    exchange : Exchange
        ``SIM`` keeps NSE's sessions; ``INDEX`` has every weekday and no windows, for its hours are not on record.
    start, end : date
        Any dates; those beyond :func:`known_span` give estimates.
    segment : Segment
        Cash, or futures and options, of NSE, BSE and SIM; other exchanges have one segment.
    has_derivatives : bool or None
        Whether the security has derivatives: from 2026-08-03 such a one stops continuous trading at 15:15 for the closing auction.
        None gives the windows of both kinds, disjoint where they are of the same sort.
    """
    part = parse_segment(segment)
    n_days = (end - start).days + 1
    days = (start + i * _DAY for i in range(n_days))
    return tuple(_session(exchange, on, part, has_derivatives=has_derivatives) for on in days if is_session(exchange, on))


def previous_session(exchange: Exchange, on: date) -> date:
    """Return the last session date before a date."""
    day = on - _DAY
    while not is_session(exchange, day):
        day -= _DAY
    return day


def next_session(exchange: Exchange, on: date) -> date:
    """Return the first session date after a date."""
    day = on + _DAY
    while not is_session(exchange, day):
        day += _DAY
    return day


def market_of(exchange: Exchange, segment: Segment = Segment.CASH) -> Market:
    """Return whose hours an exchange's segment keeps; ``INDEX`` counts as cash and has no hours on record."""
    match exchange:
        case Exchange.NFO | Exchange.BFO:
            return Market.FO
        case Exchange.CDS | Exchange.BCD:
            return Market.CURRENCY
        case Exchange.MCX | Exchange.NCO:
            return Market.COMMODITY
        case Exchange.NSE | Exchange.BSE | Exchange.SIM | Exchange.INDEX:
            return Market.FO if segment is Segment.FO else Market.CASH
        case _:
            assert_never(exchange)


@cache
def _overlay(exchange: Exchange) -> Overlay:
    return load_overlay(Exchange.NSE if exchange is Exchange.SIM else exchange)


@cache
def _session(exchange: Exchange, on: date, segment: Segment, *, has_derivatives: bool | None) -> Session:
    if exchange is Exchange.INDEX:
        return Session(date=on, windows=(), note="no calendar on record: every weekday", source="assumed", is_estimate=True)
    hours = _regular(exchange, on, segment, has_derivatives=has_derivatives)
    row = _overlay(exchange).get(on)
    first, last = known_span()
    beyond = not first <= on <= last
    if row is not None:
        windows = tuple(_window(on, span, WindowKind.CONTINUOUS) for span in row.windows) or _regular_windows(hours, on)
        return Session(date=on, windows=windows, note=row.note, source=row.source, is_estimate=row.is_estimate or beyond)
    note = NOT_ON_RECORD if beyond else _half_day_note(exchange, on)
    if len(hours) > 1 and not note:
        note = "securities with derivatives stop at 15:15 for the closing auction, others trade on to 15:30"
    return Session(
        date=on,
        windows=_regular_windows(hours, on),
        note=note,
        source="assumed" if beyond else f"{_TABLE}; hours: {hours[-1].source}",
        is_estimate=beyond or hours[-1].is_estimate or _is_half_day(exchange, on),
    )


def _regular(exchange: Exchange, on: date, segment: Segment, *, has_derivatives: bool | None) -> tuple[RegularHours, ...]:
    """Return the rows in force: two where it matters whether the security has derivatives and nobody said."""
    market = market_of(exchange, segment)
    plain = hours_on(market, on)
    auction = hours_on(Market.CASH_WITH_DERIVATIVES, on) if market is Market.CASH and has_derivatives is not False else None
    rows = (plain, auction) if has_derivatives is None or auction is None else (auction,)
    return tuple(row for row in rows if row is not None)


def _regular_windows(rows: tuple[RegularHours, ...], on: date) -> tuple[Window, ...]:
    windows: list[Window] = []
    closes = rows[0].continuous.opens
    for row in sorted(rows, key=lambda row: row.continuous.closes):
        span = _continuous(row, on)
        windows.append(_window(on, Span(max(span.opens, closes), span.closes), WindowKind.CONTINUOUS))
        closes = span.closes
    named = ((WindowKind.PRE_OPEN, "pre_open"), (WindowKind.CLOSING_AUCTION, "closing_auction"), (WindowKind.POST_CLOSE, "post_close"))
    others = {(kind, span) for kind, name in named for row in rows if (span := getattr(row, name)) is not None}
    windows.extend(_window(on, span, kind) for kind, span in others)
    return tuple(sorted(windows, key=lambda window: (window.opens_at, window.kind)))


def _continuous(row: RegularHours, on: date) -> Span:
    span = row.continuous
    if row.market is not Market.COMMODITY:
        return span
    closes = row.summer_close if row.summer_close is not None and is_us_summer(on) else span.closes
    is_holiday = on in holidays_by_year().get(on.year, frozenset())
    return Span(_EVENING if is_holiday else span.opens, closes)


def _window(on: date, span: Span, kind: WindowKind) -> Window:
    return Window(opens_at=datetime.combine(on, span.opens, IST), closes_at=datetime.combine(on, span.closes, IST), kind=kind)


def _is_half_day(exchange: Exchange, on: date) -> bool:
    return market_of(exchange) is Market.COMMODITY and on in holidays_by_year().get(on.year, frozenset())


def _half_day_note(exchange: Exchange, on: date) -> str:
    return "holiday of the equity market: evening session only" if _is_half_day(exchange, on) else ""


def _is_commodity_shut(on: date) -> bool:
    return (on.month, on.day) in _COMMODITY_SHUT or on == good_friday(on.year)
