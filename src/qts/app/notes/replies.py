"""What does a reply of the broker's API say? A virtual contract note, or the margins of orders with their charges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from qts.app.notes import cells
from qts.app.notes.cells import NotRead
from qts.app.notes.lines import unreadable
from qts.core import Exchange
from qts.market.charges import ChargeSegment, RoundingMode
from qts.market.reconciliation import Family, StatedCharges, Statement, TradeRow, Unpriced, UnsizedOrder, family_of, segment_of

_HINT: Final = "Give the reply of the virtual contract note (/charges/orders) or of order or basket margins."
_LINES: Final = {
    "transaction_tax": "stt",
    "exchange_turnover_charge": "exchange",
    "sebi_turnover_charge": "sebi",
    "brokerage": "brokerage",
    "stamp_duty": "stamp",
    "total": "total",
}


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise ValueError("is not a number")  # noqa: TRY004 - what the model turns into a finding
    try:
        return cells.amount(str(value))
    except NotRead as error:
        raise ValueError(str(error)) from error


Amount = Annotated[Decimal | None, BeforeValidator(_number)]


class _Gst(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    total: Amount = None
    igst: Amount = None
    cgst: Amount = None
    sgst: Amount = None


class _Charges(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    transaction_tax: Amount = None
    exchange_turnover_charge: Amount = None
    sebi_turnover_charge: Amount = None
    brokerage: Amount = None
    stamp_duty: Amount = None
    gst: _Gst | None = None
    total: Amount = None

    def amounts(self) -> dict[str, Decimal]:
        found = {line: number for name, line in _LINES.items() if (number := getattr(self, name)) is not None}
        if self.gst is not None:
            parts = [part for part in (self.gst.igst, self.gst.cgst, self.gst.sgst) if part is not None]
            gst = sum(parts, Decimal(0)) if self.gst.total is None and parts else self.gst.total
            if gst is not None:
                found["gst"] = gst
        return found


class _Order(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    tradingsymbol: str
    exchange: str
    charges: _Charges
    transaction_type: str = ""
    product: str = ""
    order_id: str = ""
    quantity: Amount = None
    price: Amount = None
    average_price: Amount = None


def read_reply(name: str, text: str) -> Statement:
    """Return what a reply says; orders are numbered from 1 in place of lines.

    Raises
    ------
    BadFile
        If it is no JSON, an error of the broker, or holds no list of orders.
    """
    try:
        document = json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise unreadable(name, f"is not JSON ({error})", _HINT) from error
    orders, kind = _orders(name, document)
    trades: list[TradeRow] = []
    stated: list[StatedCharges] = []
    unpriced: list[Unpriced] = []
    for row, raw in enumerate(orders, start=1):
        try:
            order = _Order.model_validate(raw)
            trade, charges = _read(row, order)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the order"
            unpriced.append(Unpriced(row=row, reason=f"{where}: {first['msg'].removeprefix('Value error, ')}."))
            continue
        except NotRead as error:
            unpriced.append(Unpriced(row=row, reason=f"{error}."))
            continue
        trades += [] if trade is None else [trade]
        stated.append(charges)
    return Statement(
        format=kind,
        mode=RoundingMode.API,
        trades=tuple(trades),
        stated=tuple(stated),
        unpriced=tuple(unpriced),
        notes=tuple(_notes(document)),
    )


def _orders(name: str, document: Any) -> tuple[list[Any], str]:  # noqa: ANN401 - JSON from outside
    """Return the orders of a reply and its kind."""
    if isinstance(document, dict) and document.get("status") == "error":
        raise unreadable(
            name, f"is the broker's error: {document.get('message', 'no message')}", "Ask the API again; a session lasts a day."
        )
    data = document.get("data", document) if isinstance(document, dict) else document
    is_basket = isinstance(data, dict) and isinstance(data.get("orders"), list)
    orders = data["orders"] if is_basket else [data] if isinstance(data, dict) and "charges" in data else data
    if not isinstance(orders, list) or not any(isinstance(order, dict) and "charges" in order for order in orders):
        raise unreadable(name, "holds no list of orders with charges", _HINT)
    first = next(order for order in orders if isinstance(order, dict) and "charges" in order)
    return orders, "basket margins" if is_basket else "virtual contract note" if "transaction_type" in first else "order margins"


def _read(row: int, order: _Order) -> tuple[TradeRow | None, StatedCharges]:
    exchange, symbol = cells.exchange(order.exchange, None), order.tradingsymbol.strip().upper()
    segments = _segments(exchange, symbol, order.product.strip().upper())
    amounts = order.charges.amounts()
    if not amounts:
        raise NotRead("the order states no charge")
    if not order.transaction_type:
        unsized = UnsizedOrder(exchange=exchange, symbol=symbol, segments=segments)
        return None, StatedCharges(row=row, amounts=amounts, rows=(), unsized=unsized)
    price = order.average_price or order.price
    if not order.quantity or order.quantity < 0 or price is None or price < 0:
        raise NotRead("the order has no quantity above zero, or no price")
    if order.quantity * price > cells.LARGEST:
        raise NotRead("quantity x price is larger than anything ever traded")
    trade = TradeRow(
        row=row, on=None, exchange=exchange, symbol=symbol, segment=segments[0], side=cells.side(order.transaction_type),
        quantity=order.quantity, price=price, order_id=f"{row} {order.order_id}", is_product_known=True,
    )  # fmt: skip
    return trade, StatedCharges(row=row, amounts=amounts, rows=(row,), exchange=exchange, family=family_of(exchange))


def _segments(exchange: Exchange, symbol: str, product: str) -> tuple[ChargeSegment, ...]:
    """Return the segment an order is charged in; both of shares where the reply does not tell the product."""
    if product == "MTF":
        raise NotRead("product: MTF has a brokerage of its own that the schedule does not hold")
    segment = segment_of(exchange, symbol)
    if segment is None:
        raise NotRead(f"{symbol!r} at {exchange} ends in neither FUT, CE nor PE, so its charges cannot be told")
    if family_of(exchange) is not Family.EQ or product == "CNC":
        return (segment,)
    return (ChargeSegment.EQUITY_INTRADAY,) if product else (segment, ChargeSegment.EQUITY_INTRADAY)


def _notes(document: Any) -> Iterator[str]:  # noqa: ANN401 - JSON from outside
    data = document.get("data") if isinstance(document, dict) else None
    if isinstance(data, dict) and "charges" in data and "orders" in data:
        yield "the basket's own sum of charges is not compared, only its orders"
