"""Which days an exchange trades, and during which windows.

Weekday holidays come from a generated table, special sessions from the overlay, hours from dated rows; a user's corrections stand on top
of each. Beyond the table every weekday is assumed to be a session and marked as an estimate, so that no date ever raises.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from qts.core import IST, Exchange, Session, Window, WindowKind
from qts.core.errors import BadParameter
from qts.market.sessions.hours import Market, RegularHours, Span, good_friday, is_us_summer
from qts.market.sessions.overlay import OverlayKind, OverlayRow
from qts.market.sessions.tables import corrections_of, is_holiday, is_on_record, overlay_of, regular_hours, remembered

NOT_ON_RECORD: Final = (
    "holidays of this year are not on record: each weekday is assumed to be a session; calendar.toml can say which are none"
)

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)
_NEW_YORK: Final = "America/New_York"
_TABLE: Final = "weekday holidays: XBOM of exchange_calendars"
_CORRECTED: Final = "weekday holidays: calendar.toml"
_EVENING: Final = time(17, 0)
# Republic Day, Independence Day, Gandhi Jayanti, Christmas; Good Friday is computed.
_COMMODITY_SHUT: Final = frozenset({(1, 26), (8, 15), (10, 2), (12, 25)})


class Segment(StrEnum):
    """A part of NSE or BSE with hours of its own. Other exchanges have one segment, whichever is asked for."""

    CASH = "cash"
    FO = "fo"
    CURRENCY = "currency"
    COMMODITY = "commodity"


# The currency and commodity segments have names of their own. Both exchanges publish the same days for commodities.
_VENUES: Final = {
    (Exchange.NSE, Segment.CURRENCY): Exchange.CDS,
    (Exchange.NSE, Segment.COMMODITY): Exchange.NCO,
    (Exchange.BSE, Segment.CURRENCY): Exchange.BCD,
    (Exchange.BSE, Segment.COMMODITY): Exchange.NCO,
}


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


def venue(exchange: Exchange, segment: Segment | str = Segment.CASH) -> Exchange:
    """Return the exchange whose days and hours a segment keeps.

    >>> venue(Exchange.NSE, "currency")
    <Exchange.CDS: 'CDS'>
    """
    return _VENUES.get((exchange, parse_segment(segment)), exchange)


def is_session(exchange: Exchange, on: date, *, segment: Segment | str = Segment.CASH) -> bool:
    """Return whether the exchange trades on this date, be it for an hour."""
    if segment is not Segment.CASH:
        exchange = venue(exchange, segment)
    if exchange is Exchange.INDEX:
        return on.weekday() < _SATURDAY
    row = overlay_of(exchange).get(on)
    if row is not None and row.kind is not OverlayKind.ALTER:
        return row.kind is OverlayKind.ADD
    if on.weekday() >= _SATURDAY:
        return False
    if not is_holiday(exchange, on):
        return True
    return market_of(exchange) is Market.COMMODITY and not _is_commodity_shut(on)


def session_on(
    exchange: Exchange, on: date, *, segment: Segment | str = Segment.CASH, has_derivatives: bool | None = None
) -> Session | None:
    """Return the session of a date, or None where the exchange does not trade. Parameters as of :func:`sessions`."""
    part = parse_segment(segment)
    exchange = venue(exchange, part)
    return _session(exchange, on, part, has_derivatives=has_derivatives) if is_session(exchange, on) else None


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
        Cash, futures and options, currency or commodity of NSE and BSE; cash, or futures and options, of SIM; other exchanges have one.
    has_derivatives : bool or None
        Whether the security has derivatives: from 2026-08-03 such a one stops continuous trading at 15:15 for the closing auction.
        None gives the windows of both kinds, disjoint where they are of the same sort.
    """
    part = parse_segment(segment)
    exchange = venue(exchange, part)
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


@remembered
def _session(exchange: Exchange, on: date, segment: Segment, *, has_derivatives: bool | None) -> Session:
    if exchange is Exchange.INDEX:
        return Session(date=on, windows=(), note="no calendar on record: every weekday", source="assumed", is_estimate=True)
    hours = _regular(exchange, on, segment, has_derivatives=has_derivatives)
    row = overlay_of(exchange).get(on)
    beyond = not is_on_record(exchange, on)
    if row is not None:
        windows = _own_windows(row) or _regular_windows(exchange, hours, on)
        # A session that somebody wrote down is as certain as the row says, whatever is known of its year.
        return Session(date=on, windows=windows, note=row.note, source=row.source, is_estimate=row.is_estimate)
    note = NOT_ON_RECORD if beyond else _half_day_note(exchange, on)
    if len(hours) > 1 and not note:
        note = "securities with derivatives stop at 15:15 for the closing auction, others trade on to 15:30"
    return Session(
        date=on,
        windows=_regular_windows(exchange, hours, on),
        note=note,
        source="assumed" if beyond else f"{_CORRECTED if on.year in corrections_of(exchange).years else _TABLE}; hours: {hours[-1].source}",
        is_estimate=beyond or hours[-1].is_estimate or _is_half_day(exchange, on),
    )


def _regular(exchange: Exchange, on: date, segment: Segment, *, has_derivatives: bool | None) -> tuple[RegularHours, ...]:
    """Return the rows in force: two where it matters whether the security has derivatives and nobody said."""
    market = market_of(exchange, segment)
    plain = regular_hours(exchange, market, on)
    auction = regular_hours(exchange, Market.CASH_WITH_DERIVATIVES, on) if market is Market.CASH and has_derivatives is not False else None
    rows = (plain, auction) if has_derivatives is None or auction is None else (auction,)
    return tuple(row for row in rows if row is not None)


def _own_windows(row: OverlayRow) -> tuple[Window, ...]:
    windows = [_window(row.date, span, WindowKind.CONTINUOUS) for span in row.windows]
    named = (
        (WindowKind.PRE_OPEN, row.pre_open),
        (WindowKind.CLOSING_AUCTION, row.closing_auction),
        (WindowKind.POST_CLOSE, row.post_close),
    )
    windows.extend(_window(row.date, span, kind) for kind, span in named if span is not None)
    return tuple(sorted(windows, key=lambda window: (window.opens_at, window.kind)))


def _regular_windows(exchange: Exchange, rows: tuple[RegularHours, ...], on: date) -> tuple[Window, ...]:
    windows: list[Window] = []
    closes = rows[0].continuous.opens
    for row in sorted(rows, key=lambda row: row.continuous.closes):
        span = _continuous(exchange, row, on)
        windows.append(_window(on, Span(max(span.opens, closes), span.closes), WindowKind.CONTINUOUS))
        closes = span.closes
    named = ((WindowKind.PRE_OPEN, "pre_open"), (WindowKind.CLOSING_AUCTION, "closing_auction"), (WindowKind.POST_CLOSE, "post_close"))
    others = {(kind, span) for kind, name in named for row in rows if (span := getattr(row, name)) is not None}
    windows.extend(_window(on, span, kind) for kind, span in others)
    return tuple(sorted(windows, key=lambda window: (window.opens_at, window.kind)))


def _continuous(exchange: Exchange, row: RegularHours, on: date) -> Span:
    span = row.continuous
    if row.market is not Market.COMMODITY:
        return span
    if _is_morning_only(on):
        return Span(span.opens, _EVENING)
    closes = row.summer_close if row.summer_close is not None and is_us_summer(on) else span.closes
    return Span(_EVENING if is_holiday(exchange, on) else span.opens, closes)


def _window(on: date, span: Span, kind: WindowKind) -> Window:
    return Window(opens_at=datetime.combine(on, span.opens, IST), closes_at=datetime.combine(on, span.closes, IST), kind=kind)


def _is_half_day(exchange: Exchange, on: date) -> bool:
    return market_of(exchange) is Market.COMMODITY and (is_holiday(exchange, on) or _is_morning_only(on))


def _half_day_note(exchange: Exchange, on: date) -> str:
    if not _is_half_day(exchange, on):
        return ""
    return "New Year's Day: morning session only" if _is_morning_only(on) else "holiday of the equity market: evening session only"


def _is_commodity_shut(on: date) -> bool:
    return (on.month, on.day) in _COMMODITY_SHUT or on == good_friday(on.year)


def _is_morning_only(on: date) -> bool:
    # The exchanges abroad that set the prices are shut in the evening (commodity holidays of BSE for 2026, circular of 2025-12-15).
    return (on.month, on.day) == (1, 1)
