"""What somebody else's bill says: the trades it lists, the charges it states for them, and the rows that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from qts.core import Exchange, Side
from qts.market.charges import ChargeSegment, RoundingMode


class Family(StrEnum):
    """A segment as the broker's files name it: shares, derivatives on them, currency, commodity."""

    EQ = "EQ"
    FO = "FO"
    CDS = "CDS"
    COM = "COM"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """One executed trade of a file. ``row`` is its line there; ``on`` is None where the file carries no dates.

    ``segment`` of shares is delivery where the file does not tell the product. ``value`` replaces quantity times price where the file
    gives it. Trades with the same ``order_id`` are one order; an empty one is an order of its own. ``group`` is BSE's group of the share,
    or NSE's series.
    """

    row: int
    on: date | None
    exchange: Exchange
    symbol: str
    segment: ChargeSegment
    side: Side
    quantity: Decimal
    price: Decimal
    value: Decimal | None = None
    order_id: str = ""
    is_product_known: bool = False
    group: str = ""
    isin: str = ""

    @property
    def notional(self) -> Decimal:
        """Return the trade's value in rupees."""
        return self.quantity * self.price if self.value is None else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedCharges:
    """Charges as a file states them, and for what.

    ``amounts`` has the lines of ``CHARGE_LINES``, ``total`` for their sum, and ``net`` for what the client gets for the trades after
    charges, or pays if negative.
    ``rows`` are the lines of the trades they are for; where it is None they are for the trades that fit ``on``, ``exchange`` and
    ``family``, as far as those are given. ``pieces`` is how many rounded amounts each line is the sum of. ``unsized`` marks charges of
    an order whose size the file does not give: its value is read from SEBI's fee.
    """

    row: int
    amounts: Mapping[str, Decimal]
    rows: tuple[int, ...] | None = None
    on: date | None = None
    exchange: Exchange | None = None
    family: Family | None = None
    pieces: int = 1
    unsized: UnsizedOrder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsizedOrder:
    """An order of which only the instrument is known, with the segments it may have been traded in."""

    exchange: Exchange
    symbol: str
    segments: tuple[ChargeSegment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """A row that no charge could be computed for, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A file as read: its trades, the charges it states, and the rows that could not be used."""

    format: str
    mode: RoundingMode
    trades: tuple[TradeRow, ...] = ()
    stated: tuple[StatedCharges, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
    notes: tuple[str, ...] = field(default=())


def family_of(exchange: Exchange) -> Family:
    """Return the family of what is traded at an exchange's segment.

    >>> family_of(Exchange.NFO).value
    'FO'
    """
    match exchange:
        case Exchange.NSE | Exchange.BSE | Exchange.SIM | Exchange.INDEX:
            return Family.EQ
        case Exchange.NFO | Exchange.BFO:
            return Family.FO
        case Exchange.CDS | Exchange.BCD:
            return Family.CDS
        case Exchange.MCX | Exchange.NCO:
            return Family.COM
        case _:
            assert_never(exchange)


_FUTURES: Final = {
    Family.FO: ChargeSegment.EQUITY_FUTURES,
    Family.CDS: ChargeSegment.CURRENCY_FUTURES,
    Family.COM: ChargeSegment.COMMODITY_FUTURES,
}
_OPTIONS: Final = {
    Family.FO: ChargeSegment.EQUITY_OPTIONS,
    Family.CDS: ChargeSegment.CURRENCY_OPTIONS,
    Family.COM: ChargeSegment.COMMODITY_OPTIONS,
}


def segment_of(exchange: Exchange, symbol: str) -> ChargeSegment | None:
    """Return the segment a symbol is charged in; shares as delivery; None where a derivative's symbol tells neither future nor option.

    >>> segment_of(Exchange.NFO, "NIFTY23JUL20600CE").value
    'equity_options'
    """
    family = family_of(exchange)
    if family is Family.EQ:
        return ChargeSegment.EQUITY_DELIVERY
    if symbol.endswith("FUT"):
        return _FUTURES[family]
    return _OPTIONS[family] if symbol.endswith(("CE", "PE")) else None
