"""When an exchange trades and when not: its sessions and holidays over a span of dates, and the session that comes next."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from qts.app.requests import CalendarRequest
from qts.core.clock import IST, Clock
from qts.core.errors import BadParameter
from qts.core.instrument import Exchange
from qts.core.session import Session
from qts.market.sessions import Holiday, holidays, next_session, session_on, sessions, venue

_DEFAULT_SPAN: Final = timedelta(days=30)
_MAX_SPAN: Final = timedelta(days=366 * 60)


class WindowDocument(BaseModel):
    """A stretch of a session; instants in IST."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    opens_at: str
    closes_at: str
    kind: str


class SessionDocument(BaseModel):
    """One trading day. ``note`` names what is special about it; ``is_estimate`` marks days beyond the known holidays."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    date: str
    weekday: str
    windows: tuple[WindowDocument, ...]
    note: str
    source: str
    is_estimate: bool


class HolidayDocument(BaseModel):
    """A weekday without a session. ``name`` is empty where no reason is on record."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    date: str
    weekday: str
    name: str
    source: str
    is_estimate: bool


class CalendarDocument(BaseModel):
    """The sessions and holidays of a span, and the session that trades now or next, whatever the span."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    exchange: str
    segment: str
    start: str
    end: str
    sessions: tuple[SessionDocument, ...]
    holidays: tuple[HolidayDocument, ...]
    next_session: SessionDocument


def parse_exchange(text: str) -> Exchange:
    """Return the exchange of this name.

    Raises
    ------
    BadParameter
        If there is none.
    """
    try:
        return Exchange(text.strip().upper())
    except ValueError as error:
        raise BadParameter("exchange", text, "there is no such exchange", hint=f"Use one of {', '.join(Exchange)}.") from error


def list_sessions(request: CalendarRequest, clock: Clock) -> CalendarDocument:
    """Return the sessions and holidays of a span, today's date and the thirty days after it where no span is given.

    Raises
    ------
    BadParameter
        If the exchange is unknown or the span is turned round or longer than sixty years.
    """
    exchange = parse_exchange(request.exchange)
    start, end = _span(request, clock)
    found = sessions(exchange, start, end, segment=request.segment)
    return CalendarDocument(
        exchange=exchange,
        segment=request.segment,
        start=start.isoformat(),
        end=end.isoformat(),
        sessions=tuple(_document(session) for session in found),
        holidays=tuple(_holiday(holiday) for holiday in holidays(exchange, start, end, segment=request.segment)),
        next_session=_document(_next(exchange, request.segment, clock.now())),
    )


def _span(request: CalendarRequest, clock: Clock) -> tuple[date, date]:
    if request.start is not None:
        start = request.start
    elif request.end is not None:
        start = max(request.end, date.min + _DEFAULT_SPAN) - _DEFAULT_SPAN
    else:
        start = clock.now().astimezone(IST).date()
    end = request.end or min(start, date.max - _DEFAULT_SPAN) + _DEFAULT_SPAN
    if end < start:
        raise BadParameter("to", end, f"is before {start}", hint="Turn the two dates round.")
    if end - start > _MAX_SPAN:
        raise BadParameter("to", end, f"is more than sixty years after {start}", hint="Ask for a shorter span.")
    return start, end


def _next(exchange: Exchange, segment: str, now: datetime) -> Session:
    """Return the session of today where it has not ended, or the next one."""
    place, today = venue(exchange, segment), now.astimezone(IST).date()
    session = session_on(place, today, segment=segment)
    if session is not None and (not session.windows or now < max(window.closes_at for window in session.windows)):
        return session
    following = session_on(place, next_session(place, today), segment=segment)
    if following is None:
        raise LookupError("the next session is none")
    return following


def _holiday(holiday: Holiday) -> HolidayDocument:
    return HolidayDocument(
        date=holiday.date.isoformat(),
        weekday=f"{holiday.date:%A}",
        name=holiday.name,
        source=holiday.source,
        is_estimate=holiday.is_estimate,
    )


def _document(session: Session) -> SessionDocument:
    return SessionDocument(
        date=session.date.isoformat(),
        weekday=f"{session.date:%A}",
        windows=tuple(
            WindowDocument(opens_at=window.opens_at.isoformat(), closes_at=window.closes_at.isoformat(), kind=window.kind.value)
            for window in session.windows
        ),
        note=session.note,
        source=session.source,
        is_estimate=session.is_estimate,
    )
