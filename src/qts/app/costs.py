"""What a broker and the state take: one order priced line by line, or a file of examples compared with what they expect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from qts.app.calendar import parse_exchange
from qts.app.errors import ErrorDocument
from qts.app.requests import CostsRequest, OrderCostsRequest
from qts.app.run_document import ChargesPart
from qts.core.clock import IST, Clock
from qts.core.errors import BadFile, BadParameter, BadPath, InputError
from qts.core.instrument import Exchange
from qts.core.trading import Charges, Side
from qts.market.charges import ChargeableOrder, ChargeSegment, PricedOrders, RoundingMode, price_orders

LINES: Final = ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp", "total")
_MAX_FILE_BYTES: Final = 20_000_000
_PERCENT: Final = Decimal(100)
E = TypeVar("E", ChargeSegment, RoundingMode)


class OrderCosts(BaseModel):
    """One order and its charges."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    side: str
    quantity: float | None
    price: float | None
    value: float
    charges: ChargesPart


class CostsDocument(BaseModel):
    """The charges of some orders of one day. ``warnings`` name the rates that are estimates."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    on: str
    exchange: str
    segment: str
    mode: str
    orders: tuple[OrderCosts, ...]
    total: ChargesPart
    warnings: tuple[str, ...]


class Difference(BaseModel):
    """A line that came out other than expected."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    line: str
    expected: float
    computed: float


class ExampleCosts(BaseModel):
    """One example of a file: what we compute beside what it expects, or why it could not be priced."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    on: str
    mode: str
    orders: tuple[OrderCosts, ...] = ()
    total: ChargesPart | None = None
    expected: dict[str, float] = {}
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ErrorDocument | None = None


class ExamplesDocument(BaseModel):
    """All examples of a file."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    examples: tuple[ExampleCosts, ...]
    agreeing: int
    differing: int
    not_priced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    on: date
    exchange: Exchange
    segment: ChargeSegment
    mode: RoundingMode
    stamp_rate_both_sides: Decimal | None = None

    def price(self, orders: Sequence[ChargeableOrder]) -> PricedOrders:
        return price_orders(
            orders,
            on=self.on,
            exchange=self.exchange,
            segment=self.segment,
            mode=self.mode,
            stamp_rate_both_sides=self.stamp_rate_both_sides,
        )


def charges_part(charges: Charges) -> ChargesPart:
    """Return the lines as JSON numbers."""
    return ChargesPart(**{line: float(getattr(charges, line)) for line in LINES})


def price_costs(request: OrderCostsRequest, clock: Clock) -> CostsDocument:
    """Return the charges of one order.

    Raises
    ------
    BadParameter
        If exchange, segment or mode is unknown.
    InputError
        If there is no schedule for the segment or the date.
    """
    terms = _Terms(
        on=request.on or clock.now().astimezone(IST).date(),
        exchange=parse_exchange(request.exchange),
        segment=_member(ChargeSegment, "segment", request.segment),
        mode=_member(RoundingMode, "mode", request.mode),
    )
    orders = (ChargeableOrder(side=Side(request.side), quantity=request.quantity, price=request.price),)
    priced = terms.price(orders)
    return CostsDocument(
        on=terms.on.isoformat(),
        exchange=terms.exchange,
        segment=terms.segment,
        mode=terms.mode,
        orders=_order_costs(orders, priced),
        total=charges_part(priced.total),
        warnings=priced.warnings,
    )


def price_examples(request: CostsRequest, clock: Clock) -> ExamplesDocument:
    """Return every example of a file, priced on its own date in its own mode and compared with what it expects.

    A line agrees when it lies within half a paisa; where nothing is rounded, within half a unit of the last decimal written.

    Raises
    ------
    BadPath
        If the file cannot be read.
    BadFile
        If it is not of the shape ``{"examples": [{"id", "orders", "expected", …}]}``.
    """
    path = request.file
    if path is None:
        raise BadParameter("file", "", "is needed to price examples", hint="Name a JSON file of examples.")
    priced = tuple(
        _priced_example(example, request, clock, name=str(example.get("id", position)))
        for position, example in enumerate(_examples(path), start=1)
    )
    not_priced = sum(example.error is not None for example in priced)
    differing = sum(bool(example.differences) for example in priced)
    return ExamplesDocument(examples=priced, agreeing=len(priced) - not_priced - differing, differing=differing, not_priced=not_priced)


def _examples(path: Path) -> Sequence[Mapping[str, object]]:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise BadFile(str(path), "is larger than 20 MB", hint="Split the examples over several files.")
        document = json.loads(path.read_bytes(), parse_float=Decimal, parse_int=Decimal)
    except OSError as error:
        raise BadPath(str(path), (error.strerror or "cannot be read").lower()) from error
    except (ValueError, RecursionError) as error:
        raise BadFile(str(path), f"is not JSON ({error})", hint="Give a JSON file of examples.") from error
    examples = document.get("examples") if isinstance(document, dict) else None
    if not isinstance(examples, list) or not all(isinstance(example, dict) for example in examples):
        raise BadFile(str(path), 'holds no list "examples" of objects', hint='Write {"examples": [{"id": …, "orders": […]}]}.')
    return examples


def _priced_example(example: Mapping[str, object], request: CostsRequest, clock: Clock, *, name: str) -> ExampleCosts:
    path = request.file or Path()
    wanted = str(example.get("trade_date") or _first(example.get("trade_date_range")) or request.on or "")
    mode = str(example.get("mode", request.mode))
    try:
        terms = _Terms(
            on=_date(wanted) if wanted else clock.now().astimezone(IST).date(),
            exchange=parse_exchange(str(example.get("exchange", request.exchange))),
            segment=_member(ChargeSegment, "segment", str(example.get("segment", request.segment))),
            mode=_member(RoundingMode, "mode", mode),
            stamp_rate_both_sides=_stamp(example),
        )
        orders = _orders(path, name, example.get("orders"))
        priced = terms.price(orders)
        expected = _expected(path, name, example.get("expected"))
    except InputError as error:
        return ExampleCosts(id=name, on=wanted, mode=mode, error=ErrorDocument(kind=error.kind, message=error.message, hint=error.hint))
    return ExampleCosts(
        id=name,
        on=terms.on.isoformat(),
        mode=terms.mode,
        orders=_order_costs(orders, priced),
        total=charges_part(priced.total),
        expected={line: float(value) for line, value in expected.items()},
        differences=_differences(priced.total, expected, terms.mode),
        warnings=priced.warnings,
    )


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


def _stamp(example: Mapping[str, object]) -> Decimal | None:
    value = example.get("stamp_state_rate_pct_both_sides")
    return value / _PERCENT if isinstance(value, Decimal) else None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadParameter("trade_date", text, "is not a date", hint="Write it like 2026-02-27.") from error


def _orders(path: Path, name: str, orders: object) -> tuple[ChargeableOrder, ...]:
    if not isinstance(orders, list) or not orders:
        raise BadFile(str(path), f"example {name} has no orders", hint='Each order needs "side" and "qty" and "price", or "value".')
    return tuple(_order(path, name, order) for order in orders)


def _order(path: Path, name: str, order: object) -> ChargeableOrder:
    fields: Mapping[str, Any] = order if isinstance(order, dict) else {}
    value = fields.get("value")
    try:
        return ChargeableOrder(
            side=Side(str(fields["side"]).lower()),
            quantity=Decimal(1) if value is not None else Decimal(fields["qty"] if "qty" in fields else fields["quantity"]),
            price=Decimal(fields["price"] if value is None else value),
            value=None if value is None else Decimal(value),
        )
    except (KeyError, ValueError, TypeError, InvalidOperation) as error:
        raise BadFile(
            str(path), f"example {name} has an order that cannot be read", hint='Write {"side": "BUY", "qty": 500, "price": 1000}.'
        ) from error


def _expected(path: Path, name: str, expected: object) -> dict[str, Decimal]:
    if expected is None:
        return {}
    if not isinstance(expected, dict):
        raise BadFile(str(path), f'example {name}: "expected" is not an object', hint='Write {"total": 224.61}.')
    return {line: value for line, value in expected.items() if line in LINES and isinstance(value, Decimal)}


def _differences(total: Charges, expected: Mapping[str, Decimal], mode: RoundingMode) -> tuple[Difference, ...]:
    # Where bills are rounded to the paisa, a published part of more decimals was derived by its publisher.
    is_unrounded = mode in (RoundingMode.EXACT, RoundingMode.API)
    found = []
    for line, value in expected.items():
        computed = getattr(total, line)
        exponent = value.as_tuple().exponent
        # More than nine decimals are the noise of a binary float.
        places = min(9, max(2, -exponent if is_unrounded and isinstance(exponent, int) else 2))
        if abs(computed - value) > Decimal("0.5").scaleb(-places):
            found.append(Difference(line=line, expected=float(value), computed=float(computed)))
    return tuple(found)


def _order_costs(orders: Sequence[ChargeableOrder], priced: PricedOrders) -> tuple[OrderCosts, ...]:
    return tuple(
        OrderCosts(
            side=order.side,
            quantity=None if order.value is not None else float(order.quantity),
            price=None if order.value is not None else float(order.price),
            value=float(order.value if order.value is not None else order.quantity * order.price),
            charges=charges_part(charges),
        )
        for order, charges in zip(orders, priced.orders, strict=True)
    )


def _member(kind: type[E], name: str, text: str) -> E:
    try:
        return kind(text.strip().lower().replace("-", "_"))
    except ValueError as error:
        raise BadParameter(name, text, f"there is no such {name}", hint=f"Use one of {', '.join(kind)}.") from error
