"""When the broker closes intraday positions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from qts.core import IST, Exchange, WindowKind
from qts.core.errors import BadParameter
from qts.market.sessions.calendar import market_of, session_on
from qts.market.sessions.hours import RegularHours
from qts.market.sessions.tables import regular_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareOff:
    """The instant after which the broker closes intraday positions, in IST, and whether it is an estimate."""

    at: datetime
    source: str
    is_estimate: bool = False


def square_off_at(exchange: Exchange, on: date) -> datetime:
    """Return the instant from which intraday positions are closed; :func:`square_off` also tells whether it is an estimate."""
    return square_off(exchange, on).at


def square_off(exchange: Exchange, on: date) -> SquareOff:
    """Return when the broker closes intraday positions on a date.

    On a session of other hours than the regular ones, such as Muhurat, it is some minutes before the last close, as an estimate. A date
    without a session gives the regular time.

    Raises
    ------
    BadParameter
        For ``INDEX``, whose levels are not traded.
    """
    if exchange is Exchange.INDEX:
        raise BadParameter("exchange", exchange, "index levels are not traded and never squared off", hint="Use product CNC.")
    hours = regular_hours(exchange, market_of(exchange), on)
    if hours is None:
        raise LookupError("hours.toml lacks a market")
    session = session_on(exchange, on)
    closes = [] if session is None else [window.closes_at for window in session.windows if window.kind is WindowKind.CONTINUOUS]
    if not closes:
        return _regular(hours, on, datetime.combine(on, hours.continuous.closes, IST))
    is_regular = hours.summer_close is not None or max(closes).time() == hours.continuous.closes
    if is_regular:
        return _regular(hours, on, max(closes))
    at = max(closes) - timedelta(minutes=hours.square_off_lead)
    return SquareOff(at=at, source="some minutes before the close of a session of other hours", is_estimate=True)


def _regular(hours: RegularHours, on: date, closes_at: datetime) -> SquareOff:
    if hours.square_off is None:
        return SquareOff(
            at=closes_at - timedelta(minutes=hours.square_off_lead), source=hours.source, is_estimate=hours.is_square_off_estimate
        )
    at = datetime.combine(on, hours.square_off, IST)
    return SquareOff(at=at, source=hours.source, is_estimate=hours.is_square_off_estimate or hours.is_estimate)
