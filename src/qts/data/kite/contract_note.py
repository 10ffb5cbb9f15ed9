"""The virtual contract note: what the broker says that executed orders cost. Asking for it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from qts.core import InstrumentId
from qts.core.errors import BadReply
from qts.core.instrument import exchange_of, symbol_of
from qts.data.kite.account import BrokerOrder, BrokerTrade
from qts.data.kite.fields import Amount, Count, Price, checked
from qts.data.kite.reply import Reply, data_of

PATH: Final = "/charges/orders"
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedOrder:
    """An order to be billed: what was filled of it, at which average price in rupees."""

    order_id: str
    instrument: InstrumentId
    side: str
    product: str
    variety: str
    kind: str
    quantity: int
    average_price: float

    def row(self) -> dict[str, object]:
        """Return it as the interface asks for it."""
        return {
            "order_id": self.order_id,
            "exchange": str(exchange_of(self.instrument)),
            "tradingsymbol": symbol_of(self.instrument),
            "transaction_type": self.side.upper(),
            "variety": self.variety,
            "product": self.product,
            "order_type": self.kind,
            "quantity": self.quantity,
            "average_price": self.average_price,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCharges:
    """The lines of one order in rupees, by our names; ``exchange`` has what goes to the investor protection fund in it."""

    stt: float
    exchange: float
    sebi: float
    brokerage: float
    stamp: float
    gst: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteOrder:
    """One order of the note."""

    instrument: InstrumentId
    side: str
    product: str
    quantity: int
    price: float
    charges: NoteCharges


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractNote:
    """A virtual contract note. ``text`` is the reply as it came: its decimals are exact."""

    orders: tuple[NoteOrder, ...]
    text: str


class _Gst(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    total: Amount


class _Charges(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    transaction_tax: Amount
    exchange_turnover_charge: Amount
    sebi_turnover_charge: Amount
    brokerage: Amount
    stamp_duty: Amount
    gst: _Gst
    total: Amount


class _Order(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    exchange: str = Field(min_length=1)
    tradingsymbol: str = Field(min_length=1)
    transaction_type: str
    product: str
    quantity: Count
    price: Price
    charges: _Charges


def executed_orders(trades: Sequence[BrokerTrade], orders: Sequence[BrokerOrder]) -> tuple[ExecutedOrder, ...]:
    """Return the orders that fills belong to, with their average prices; the order book tells their kinds.

    Parameters
    ----------
    trades : sequence of BrokerTrade
        The fills of the day.
    orders : sequence of BrokerOrder
        The orders of the day. An order that is not among them is taken for a regular one with a limit: charges do not depend on it.
    """
    known = {order.order_id: order for order in orders}
    found = []
    for order_id in dict.fromkeys(trade.order_id for trade in trades):
        fills = [trade for trade in trades if trade.order_id == order_id and trade.quantity > 0]
        quantity = sum(fill.quantity for fill in fills)
        if not quantity:
            continue
        order = known.get(order_id)
        found.append(
            ExecutedOrder(
                order_id=order_id,
                instrument=fills[0].instrument,
                side=fills[0].side,
                product=fills[0].product,
                variety="regular" if order is None else order.variety,
                kind="LIMIT" if order is None else order.kind,
                quantity=quantity,
                average_price=round(sum(fill.quantity * fill.price for fill in fills) / quantity, _DECIMALS),
            )
        )
    return tuple(found)


def read_contract_note(reply: Reply, *, n_orders: int) -> ContractNote:
    """Return the virtual contract note of a reply.

    Raises
    ------
    SourceError
        What the reply says has happened; BadReply if it bills another number of orders than were asked for.
    """
    data: Any = data_of(reply)
    if not isinstance(data, list) or len(data) != n_orders:
        raise BadReply(f"it does not bill the {n_orders} orders that were asked for")
    return ContractNote(orders=tuple(_order(checked(_Order, row)) for row in data), text=reply.body.decode(errors="replace"))


def _order(row: _Order) -> NoteOrder:
    lines = row.charges
    return NoteOrder(
        instrument=InstrumentId(f"{row.exchange}:{row.tradingsymbol}"),
        side=row.transaction_type.lower(),
        product=row.product,
        quantity=row.quantity,
        price=row.price,
        charges=NoteCharges(
            stt=lines.transaction_tax,
            exchange=lines.exchange_turnover_charge,
            sebi=lines.sebi_turnover_charge,
            brokerage=lines.brokerage,
            stamp=lines.stamp_duty,
            gst=lines.gst.total,
            total=lines.total,
        ),
    )
