"""Orders, fills, positions and trades: a wish, what happened, the sum, and a round trip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from qts.core.instrument import InstrumentId


class Side(StrEnum):
    """The direction of an order or fill."""

    BUY = "buy"
    SELL = "sell"


class Direction(StrEnum):
    """The direction of a position or trade."""

    LONG = "long"
    SHORT = "short"


class Product(StrEnum):
    """The broker's product: delivery, intraday, or overnight derivatives."""

    CNC = "CNC"
    MIS = "MIS"
    NRML = "NRML"


class OrderKind(StrEnum):
    """How an order asks for its price: at once, at a limit, from a stop on, both, or from a stop that follows the price."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING = "trailing"


class FillReason(StrEnum):
    """Why a fill happened."""

    SIGNAL = "signal"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    SQUARE_OFF = "square_off"
    EXPIRY = "expiry"
    END = "end"
    RISK = "risk"
    ACTION = "action"


class OrderStatus(StrEnum):
    """What became of an order, other than its fills.

    ``cut`` and ``partial`` go on: an order cut to what the account can pay, one that waits with what a bar's volume did not take. The
    others end it: refused, cancelled, past its day, withdrawn by the engine. ``action`` tells of a corporate action on a position.
    """

    REJECTED = "rejected"
    CUT = "cut"
    PARTIAL = "partial"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    ACTION = "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A wish to trade, decided at the close of a bar."""

    decided_at: datetime
    instrument: InstrumentId
    side: Side
    quantity: Decimal
    product: Product
    kind: OrderKind = OrderKind.MARKET


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """The lines of a contract note for one order or a sum of them, in rupees. DP is debited on the ledger, not on the note."""

    brokerage: Decimal = Decimal(0)
    stt: Decimal = Decimal(0)
    exchange: Decimal = Decimal(0)
    ipft: Decimal = Decimal(0)
    sebi: Decimal = Decimal(0)
    stamp: Decimal = Decimal(0)
    gst: Decimal = Decimal(0)
    dp: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Return the sum of all lines."""
        return self.brokerage + self.stt + self.exchange + self.ipft + self.sebi + self.stamp + self.gst + self.dp

    def __add__(self, other: Charges) -> Charges:
        return Charges(
            brokerage=self.brokerage + other.brokerage,
            stt=self.stt + other.stt,
            exchange=self.exchange + other.exchange,
            ipft=self.ipft + other.ipft,
            sebi=self.sebi + other.sebi,
            stamp=self.stamp + other.stamp,
            gst=self.gst + other.gst,
            dp=self.dp + other.dp,
        )

    def __sub__(self, other: Charges) -> Charges:
        return Charges(
            brokerage=self.brokerage - other.brokerage,
            stt=self.stt - other.stt,
            exchange=self.exchange - other.exchange,
            ipft=self.ipft - other.ipft,
            sebi=self.sebi - other.sebi,
            stamp=self.stamp - other.stamp,
            gst=self.gst - other.gst,
            dp=self.dp - other.dp,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An executed order.

    ``price`` includes slippage, ``reference_price`` is the bar's price without it; ``slippage`` is in rupees over the whole
    quantity, positive when against us.
    """

    filled_at: datetime
    instrument: InstrumentId
    side: Side
    quantity: Decimal
    price: Decimal
    reference_price: Decimal
    slippage: Decimal
    charges: Charges
    product: Product
    order: OrderKind = OrderKind.MARKET
    reason: FillReason = FillReason.SIGNAL


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Something that happened to an order besides a fill: ``filled`` of ``quantity`` were done then, ``reason`` says why in one word.

    ``detail`` is a sentence with the numbers of the case, empty where the reason says it all.
    """

    at: datetime
    instrument: InstrumentId
    side: Side
    kind: OrderKind
    quantity: Decimal
    filled: Decimal
    status: OrderStatus
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held of an instrument: signed quantity (negative is short) and its average entry price."""

    instrument: InstrumentId
    quantity: Decimal
    average_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A round trip, entry to exit, or a position still open, marked at the last close.

    ``gross_pnl`` is before costs, with fill prices as they were; ``costs`` are its share of the charges; ``net_pnl = gross_pnl - costs``.
    ``return_`` is net P&L over entry notional. ``mae`` and ``mfe`` are the worst and best excursion while held, as fractions of
    the entry price: ≤ 0 and ≥ 0.
    """

    instrument: InstrumentId
    direction: Direction
    quantity: Decimal
    entry_at: datetime
    entry_price: Decimal
    exit_at: datetime
    exit_price: Decimal
    gross_pnl: Decimal
    costs: Decimal
    net_pnl: Decimal
    return_: float
    bars_held: int
    mae: float
    mfe: float
    exit_reason: FillReason | None
    open: bool
