"""What a derivative's symbol says: underlying, expiry, strike and right, read back from ``NFO:NIFTY26NOVFUT`` and its like.

A monthly symbol (``RELIANCE26NOV1400CE``) has no day: its expiry is computed by :mod:`qts.market.listing.expiry` and is an estimate. A
weekly one has it as year, month and day, the month being 1-9, O, N or D (``NIFTY2371317900PE``: 13 July 2023, strike 17900).

The digits of a weekly symbol can be cut in more than one place. Of the cuts that give a date and a strike without a leading zero we
take that of an underlying known by name (index or currency pair), the longest one; else that of the shortest underlying which ends in
no digit; else the symbol is refused, for a wrong strike is worse than none. Only indices and currencies have weekly contracts, so the
first rule decides for every contract listed today.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from qts.core import Exchange, InstrumentId, exchange_of, symbol_of
from qts.core.errors import BadParameter
from qts.market.listing.expiry import index_names, monthly_expiry, named_underlyings

DERIVATIVE_EXCHANGES: Final = frozenset({Exchange.NFO, Exchange.BFO, Exchange.CDS, Exchange.BCD, Exchange.MCX, Exchange.NCO})

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LETTERS: Final = "123456789OND"
_CENTURY: Final = 2000
_STRIKE: Final = r"[1-9][0-9]*(?:\.[0-9]+)?|0\.[0-9]*[1-9][0-9]*"
_MONTHLY: Final = re.compile(rf"([A-Z0-9&._\-]+?)([0-9]{{2}})({'|'.join(_MONTHS)})(?:FUT|({_STRIKE})(CE|PE))")
_WEEKLY: Final = re.compile(rf"([0-9]{{2}})([{_LETTERS}])([0-9]{{2}})(?:FUT|({_STRIKE})(CE|PE))")
_NAME: Final = re.compile(r"[A-Z0-9][A-Z0-9&._\-]*")


class ContractKind(StrEnum):
    """Future or option."""

    FUTURE = "future"
    OPTION = "option"


class OptionRight(StrEnum):
    """What an option's holder may do: buy (call) or sell (put) at the strike."""

    CALL = "call"
    PUT = "put"


_RIGHTS: Final = {"CE": OptionRight.CALL, "PE": OptionRight.PUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A future or an option.

    ``month`` is the first day of the contract month. ``expiry`` is the last day of trading, None where no rule tells it (commodities);
    ``expiry_is_estimate`` where it was computed and not read. ``monthly`` is False where the symbol carries the day. ``strike`` (rupees)
    and ``right`` are None for futures. ``is_index`` tells an index from a share, a currency or a commodity.
    """

    exchange: Exchange
    underlying: str
    kind: ContractKind
    month: date
    monthly: bool
    expiry: date | None
    expiry_is_estimate: bool
    strike: Decimal | None
    right: OptionRight | None
    is_index: bool


def contract_of(instrument: InstrumentId) -> Contract | None:
    """Return the contract an instrument is, or None for shares and indices.

    Raises
    ------
    BadParameter
        If the exchange lists derivatives only and the symbol is not one of a contract.

    >>> found = contract_of(InstrumentId("NFO:NIFTY2371317900PE"))
    >>> found.underlying, found.expiry.isoformat(), found.strike, found.right.value
    ('NIFTY', '2023-07-13', Decimal('17900'), 'put')
    >>> contract_of(InstrumentId("NSE:INFY")) is None
    True
    """
    exchange = exchange_of(instrument)
    if exchange not in DERIVATIVE_EXCHANGES:
        return None
    symbol = symbol_of(instrument)
    match = _MONTHLY.fullmatch(symbol)
    if match is not None:
        month = date(_CENTURY + int(match[2]), _MONTHS.index(match[3]) + 1, 1)
        expiry = monthly_expiry(exchange, match[1], month)
        return _contract(exchange, match[1], month=month, expiry=expiry, strike=match[4], right=match[5])
    cut = min(_cuts(exchange, symbol), key=lambda found: _preference(exchange, found.underlying), default=None)
    if cut is None:
        hint = "Write a future like NIFTY26NOVFUT, an option like RELIANCE26NOV1400CE, a weekly one like NIFTY2371317900PE."
        raise BadParameter("instrument", instrument, f"{symbol!r} is not the symbol of a contract of {exchange}", hint=hint)
    return _contract(exchange, cut.underlying, month=None, expiry=cut.expiry, strike=cut.strike, right=cut.right)


def contract_symbol(contract: Contract) -> InstrumentId:
    """Return the instrument id of a contract: the inverse of :func:`contract_of`.

    Raises
    ------
    BadParameter
        If a weekly contract has no expiry, or an option no strike or right.
    """
    if contract.monthly:
        when = f"{contract.month:%y}{_MONTHS[contract.month.month - 1]}"
    elif contract.expiry is not None:
        when = f"{contract.expiry:%y}{_LETTERS[contract.expiry.month - 1]}{contract.expiry:%d}"
    else:
        raise BadParameter("expiry", contract.expiry, "a weekly contract has one")
    head = f"{contract.exchange}:{contract.underlying}{when}"
    if contract.kind is ContractKind.FUTURE:
        return InstrumentId(f"{head}FUT")
    if contract.strike is None or contract.right is None:
        raise BadParameter("contract", contract.underlying, "an option has a strike and a right")
    # A strike of 1400.00 is written 1400.
    strike = f"{contract.strike.normalize():f}"
    return InstrumentId(f"{head}{strike}{'CE' if contract.right is OptionRight.CALL else 'PE'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """One way to read a weekly symbol."""

    underlying: str
    expiry: date
    strike: str | None
    right: str | None


def _cuts(exchange: Exchange, symbol: str) -> Iterator[_Cut]:
    for i in range(1, len(symbol)):
        match, underlying = _WEEKLY.fullmatch(symbol, i), symbol[:i]
        is_name = _NAME.fullmatch(underlying) is not None and (not underlying[-1].isdigit() or underlying in named_underlyings(exchange))
        if match is None or not is_name:
            continue
        try:
            expiry = date(_CENTURY + int(match[1]), _LETTERS.index(match[2]) + 1, int(match[3]))
        except ValueError:  # no such day: a cut in the wrong place
            continue
        yield _Cut(underlying=underlying, expiry=expiry, strike=match[4], right=match[5])


def _preference(exchange: Exchange, underlying: str) -> tuple[bool, int]:
    is_named = underlying in named_underlyings(exchange)
    return not is_named, -len(underlying) if is_named else len(underlying)


def _contract(
    exchange: Exchange, underlying: str, *, month: date | None, expiry: date | None, strike: str | None, right: str | None
) -> Contract:
    first = month if month is not None else (expiry or date.min).replace(day=1)
    return Contract(
        exchange=exchange,
        underlying=underlying,
        kind=ContractKind.FUTURE if right is None else ContractKind.OPTION,
        month=first,
        monthly=month is not None,
        expiry=expiry,
        expiry_is_estimate=month is not None and expiry is not None,
        strike=None if strike is None else Decimal(strike),
        right=None if right is None else _RIGHTS[right],
        is_index=underlying in index_names(exchange),
    )
