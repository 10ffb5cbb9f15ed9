"""One instrument as a broker's dump lists it, and how long it was listed so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from qts.core import InstrumentId

PARTS: Final = 10_000
"""Parts of a rupee that strikes and ticks are kept in: a currency's tick is 25 of them."""
OPEN_END: Final = date.max
"""The end of what is listed still."""
INDICES: Final = "INDICES"
"""The segment of index levels, which are listed and cannot be traded."""


class ListingKind(StrEnum):
    """What a listed thing is, in the words of Kite's dump; ``EQ`` also stands for funds, bonds and indices."""

    EQUITY = "EQ"
    FUTURE = "FUT"
    CALL = "CE"
    PUT = "PE"


class DumpRow(NamedTuple):
    """One row of a dump, as plain values: a dump has a hundred thousand, and two are compared as sets.

    ``name`` is the company's, of a contract the underlying's. ``strike`` and ``tick`` are in ten-thousandths of a rupee; ``expiry``,
    ``strike``, ``tick`` and ``lot`` are None where the dump has none or zero. ``band`` is the day's price band in ten-thousandths of the
    previous close: 0 where the dump says that there is none, None where it says nothing.
    """

    exchange: str
    symbol: str
    token: int
    name: str
    expiry: date | None
    strike: int | None
    tick: int | None
    lot: int | None
    kind: str
    segment: str
    band: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument as it was listed from the dump of ``first_on`` until before that of ``until``; None: still is.

    ``name`` is the company's, of a contract the underlying's. ``strike`` and ``tick`` are in rupees. ``band`` is the day's price band, a
    fraction of the previous close: 0 where there is known to be none, None where nothing is known.
    """

    instrument: InstrumentId
    token: int
    name: str
    kind: ListingKind
    segment: str
    expiry: date | None
    strike: Decimal | None
    tick: Decimal | None
    lot: int | None
    first_on: date
    until: date | None
    band: Decimal | None = None

    def holds_on(self, on: date) -> bool:
        """Return whether it was listed so on a date: by the last dump up to it, and not after its expiry, which that dump may not know."""
        return self.first_on <= on and (self.until is None or on < self.until) and (self.expiry is None or on <= self.expiry)

    @property
    def is_index(self) -> bool:
        """Return whether it is an index level."""
        return self.segment == INDICES


def listing_of(row: DumpRow, *, first_on: date, until: date) -> Listing:
    """Return a row of a dump as a listing over a span of dumps."""
    return Listing(
        instrument=InstrumentId(f"{row.exchange}:{row.symbol}"),
        token=row.token,
        name=row.name,
        kind=ListingKind(row.kind),
        segment=row.segment,
        expiry=row.expiry,
        strike=rupees(row.strike),
        tick=rupees(row.tick),
        lot=row.lot,
        first_on=first_on,
        until=None if until == OPEN_END else until,
        band=rupees(row.band),
    )


def rupees(parts: int | None) -> Decimal | None:
    """Return ten-thousandths as rupees, without zeros at the end.

    >>> rupees(500), rupees(179000000)
    (Decimal('0.05'), Decimal('17900'))
    """
    if parts is None:
        return None
    whole, rest = divmod(parts, PARTS)
    return Decimal(whole) if rest == 0 else (Decimal(parts) / PARTS).normalize()
