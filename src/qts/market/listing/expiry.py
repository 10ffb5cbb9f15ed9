"""When a monthly contract ends, by the dated rules of the exchanges: always an estimate, for the exchange may move a day.

The broker's list of instruments of the day names the true date; these rules are for symbols without one.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

from qts.core import Exchange
from qts.market.listing.rows import RuleRow, row_in_force, rule_rows
from qts.market.sessions import is_session, known_span, previous_session, remembered

_DAY: Final = timedelta(days=1)
_DECEMBER: Final = 12
# Beyond the table of holidays only those are known that fall on the same date in every year.
_NATIONAL: Final = frozenset({(1, 26), (8, 15), (10, 2), (12, 25)})


@cache
def index_names(exchange: Exchange) -> frozenset[str]:
    """Return the names of the indices that contracts of this exchange are or were on."""
    rows = (row for row in rule_rows("expiry", "index") if exchange in row.names("exchanges"))
    return frozenset(name for row in rows for name in row.names("names"))


@cache
def named_underlyings(exchange: Exchange) -> frozenset[str]:
    """Return the underlyings known by name: indices and currency pairs, the only ones with weekly contracts."""
    rows = (row for row in rule_rows("expiry", "rule") if exchange in row.names("exchanges"))
    return index_names(exchange) | {name for row in rows for name in row.names("underlyings")}


@remembered
def monthly_expiry(exchange: Exchange, underlying: str, month: date) -> date | None:
    """Return the last day of the monthly contract of an underlying, or None where no rule is on record (commodities, early years).

    ``month`` is any day of the contract's month. The weekday of the rule moves to the session before where it is a holiday.

    >>> monthly_expiry(Exchange.NFO, "NIFTY", date(2026, 11, 1))
    datetime.date(2026, 11, 23)
    """
    row = _rule(exchange, underlying, month.replace(day=1))
    if row is None:
        return None
    end = (date(month.year + 1, 1, 1) if month.month == _DECEMBER else date(month.year, month.month + 1, 1)) - _DAY
    if "weekday" in row.values:
        return _session_up_to(exchange, end - timedelta(days=(end.weekday() - int(row.number("weekday"))) % 7))
    day = _session_up_to(exchange, end)
    for _ in range(int(row.number("working_days_before_end"))):
        day = _session_up_to(exchange, day - _DAY)
    return day


def _rule(exchange: Exchange, underlying: str, month: date) -> RuleRow | None:
    rows = [row for row in rule_rows("expiry", "rule") if exchange in row.names("exchanges")]
    own = row_in_force((row for row in rows if underlying in row.names("underlyings")), month)
    return own or row_in_force((row for row in rows if not row.names("underlyings")), month)


def _session_up_to(exchange: Exchange, day: date) -> date:
    while not is_session(exchange, day) or (day > known_span()[1] and (day.month, day.day) in _NATIONAL):
        day = previous_session(exchange, day)
    return day
