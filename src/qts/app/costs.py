"""What a broker and the state take: an order or a round trip priced line by line, or a file of examples compared with what they expect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict

from qts.app.calendar import parse_exchange
from qts.app.errors import ErrorDocument
from qts.app.requests import CostsRequest, OrderCostsRequest
from qts.app.run_document import ChargesPart
from qts.core.clock import IST, Clock
from qts.core.errors import BadFile, BadParameter, BadPath
from qts.core.trading import Charges, Side
from qts.market.charges import (
    LINES,
    ChargeableOrder,
    ChargeSegment,
    PricedExample,
    RateClasses,
    RoundingMode,
    RoundTripTerms,
    Settlement,
    SttClass,
    price_example,
    price_orders,
    price_round_trip,
    unconfirmed,
)
from qts.market.charges.segments import OPTION_SEGMENTS

_MAX_FILE_BYTES: Final = 20_000_000
_STAND_IN: Final = ("exchange", "segment", "mode")
E = TypeVar("E", ChargeSegment, RoundingMode, Settlement, SttClass)


class OrderCosts(ChargesPart):
    """One order and, beside it, the lines of its charges."""

    side: str
    quantity: float | None
    price: float | None
    value: float


class RoundTripCosts(BaseModel):
    """What an order and the one that closes it earn and cost together, in rupees.

    ``total`` is everything debited, ``dp`` the depository's part of it. ``break_even_move`` is how far the price must go in the trade's
    favour, per share or unit, for a net of zero; None where no price earns the costs. ``exit_on`` is None for delivery closed on some later
    day, at the entry's rates.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    exit_on: str | None
    exit_price: float
    gross: float
    total: float
    dp: float
    net: float
    break_even_move: float | None
    break_even_price: float | None


class CostsDocument(BaseModel):
    """The charges of some orders of one day, or of a round trip. ``warnings`` name the rates that are estimates."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    on: str
    exchange: str
    segment: str
    mode: str
    orders: tuple[OrderCosts, ...]
    total: ChargesPart
    round_trip: RoundTripCosts | None = None
    warnings: tuple[str, ...]


class Difference(BaseModel):
    """A line that came out other than expected; ``computed`` is None where it is no line of a bill."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    line: str
    expected: float
    computed: float | None


class ExampleCosts(BaseModel):
    """One example of a file: what we compute beside what it expects, or why it could not be priced."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    on: str | None = None
    mode: str | None = None
    orders: tuple[OrderCosts, ...] = ()
    total: dict[str, float] = {}
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


def charges_part(charges: Charges) -> ChargesPart:
    """Return the lines as JSON numbers."""
    return ChargesPart(**{line: float(getattr(charges, line)) for line in LINES})


def price_costs(request: OrderCostsRequest, clock: Clock) -> CostsDocument:
    """Return the charges of one order, or of it and the order that closes it.

    Raises
    ------
    BadParameter
        If a word of the request is unknown, its parts do not go together, or there is no schedule for the segment.
    """
    on = request.on or clock.now().astimezone(IST).date()
    if request.round_trip:
        return _round_trip(request, on)
    for name in ("exit_price", "exit_on"):
        if getattr(request, name) is not None:
            raise BadParameter(name, getattr(request, name), "belongs to a round trip", hint="Ask for the round trip as well.")
    settlement = _settlement(request)
    order = ChargeableOrder(
        side=Side(request.side),
        quantity=request.quantity,
        price=request.price,
        slices=request.slices,
        auto_square_off=request.auto_square_off,
        settlement=settlement,
        settlement_price=request.settlement_price,
    )
    _check_price("price", order.price, settlement)
    segment, mode, exchange = _segment(request), _member(RoundingMode, "mode", request.mode), parse_exchange(request.exchange)
    priced = price_orders((order,), on=on, exchange=exchange, segment=segment, mode=mode, classes=_classes(request))
    return CostsDocument(
        on=on.isoformat(),
        exchange=exchange,
        segment=segment,
        mode=mode,
        orders=_order_costs((order,), priced.orders),
        total=charges_part(priced.total),
        warnings=_warnings(on, priced.warnings),
    )


def _round_trip(request: OrderCostsRequest, on: date) -> CostsDocument:
    entry = ChargeableOrder(side=Side(request.side), quantity=request.quantity, price=request.price, slices=request.slices)
    segment, settlement = _segment(request), _settlement(request)
    exit_price = request.exit_price
    if exit_price is None:
        is_worthless = settlement is Settlement.EXPIRED and segment in OPTION_SEGMENTS
        exit_price = Decimal(0) if is_worthless else request.price
    _check_price("price", entry.price, None)
    _check_price("exit_price", exit_price, settlement)
    terms = RoundTripTerms(
        entry_on=on,
        exchange=parse_exchange(request.exchange),
        segment=segment,
        mode=_member(RoundingMode, "mode", request.mode),
        exit_on=request.exit_on,
        settlement=settlement,
        settlement_price=request.settlement_price,
        auto_square_off=request.auto_square_off,
        classes=_classes(request),
    )
    trip = price_round_trip(entry, exit_price, terms)
    return CostsDocument(
        on=on.isoformat(),
        exchange=terms.exchange,
        segment=terms.segment,
        mode=terms.mode,
        orders=_order_costs((trip.entry, trip.exit), trip.charges),
        total=charges_part(trip.total),
        round_trip=RoundTripCosts(
            exit_on=None if trip.exit_on is None else trip.exit_on.isoformat(),
            exit_price=float(trip.exit.price),
            gross=float(trip.gross),
            total=float(trip.total.total),
            dp=float(trip.total.dp),
            net=float(trip.net),
            break_even_move=None if trip.break_even_move is None else float(trip.break_even_move),
            break_even_price=None if trip.break_even_price is None else float(trip.break_even_price),
        ),
        warnings=_warnings(request.exit_on or on, trip.warnings),
    )


def _warnings(on: date, warnings: tuple[str, ...]) -> tuple[str, ...]:
    note = unconfirmed(on)
    return (*warnings, note) if note else warnings


def _check_price(name: str, price: Decimal, settlement: Settlement | None) -> None:
    if price == 0 and settlement is None:
        raise BadParameter(
            name, price, "nothing is traded for nothing", hint="Only a contract that ends may be worth 0: name its settlement."
        )


def _segment(request: OrderCostsRequest) -> ChargeSegment:
    return _member(ChargeSegment, "segment", request.segment)


def _settlement(request: OrderCostsRequest) -> Settlement | None:
    return None if request.settlement is None else _member(Settlement, "settlement", request.settlement)


def _classes(request: OrderCostsRequest) -> RateClasses:
    stt_class = _member(SttClass, "stt_class", request.stt_class)
    return RateClasses(stt_class=stt_class, group=request.group.strip().upper(), underlying=request.underlying.strip().upper())


def price_examples(request: CostsRequest, clock: Clock) -> ExamplesDocument:
    """Return every example of a file, priced on its own date in its own mode and compared with what it expects.

    A line agrees when it lies within half a paisa; where nothing is rounded, within half a unit of the last decimal written. An example's
    own date, mode, exchange and segment hold; the request's stand in for what it does not name.

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
    default_on = request.on or clock.now().astimezone(IST).date()
    # What nobody asked for is no default: an example that names no mode is exact, and its orders may tell their segment.
    defaults: dict[str, object] = {name: getattr(request, name) for name in _STAND_IN if name in request.model_fields_set}
    examples = tuple(
        _document(price_example({"id": str(position), **defaults, **_present(example)}, default_on, usual_segment=request.segment))
        for position, example in enumerate(_examples(path), start=1)
    )
    not_priced = sum(example.error is not None for example in examples)
    differing = sum(bool(example.differences) for example in examples)
    return ExamplesDocument(examples=examples, agreeing=len(examples) - not_priced - differing, differing=differing, not_priced=not_priced)


def _present(example: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in example.items() if value is not None}


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


def _document(priced: PricedExample) -> ExampleCosts:
    error = priced.error
    return ExampleCosts(
        id=priced.id,
        on=priced.on.isoformat() if priced.on is not None else None,
        mode=priced.mode,
        orders=_order_costs(priced.orders, priced.charges),
        total={line: float(amount) for line, amount in priced.total.items()},
        expected={line: float(amount) for line, amount in priced.expected.items()},
        differences=tuple(
            Difference(line=one.field, expected=float(one.expected), computed=None if one.computed is None else float(one.computed))
            for one in priced.differences
        ),
        warnings=priced.warnings,
        error=None if error is None else ErrorDocument(kind=error.kind, message=error.message, hint=error.hint),
    )


def _order_costs(orders: Sequence[ChargeableOrder], priced: Sequence[Charges]) -> tuple[OrderCosts, ...]:
    return tuple(
        OrderCosts(
            side=order.side,
            quantity=None if order.value is not None else float(order.quantity),
            price=None if order.value is not None else float(order.price),
            value=float(order.value if order.value is not None else order.quantity * order.price),
            **charges_part(charges).model_dump(),
        )
        for order, charges in zip(orders, priced, strict=True)
    )


def _member(kind: type[E], name: str, text: str) -> E:
    try:
        return kind(text.strip().lower().replace("-", "_"))
    except ValueError as error:
        raise BadParameter(name, text, f"there is no such {name}", hint=f"Use one of {', '.join(kind)}.") from error
