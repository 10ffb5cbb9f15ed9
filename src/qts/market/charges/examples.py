"""Compare published cost examples with the schedule: what differs, by more than half a paisa, from what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeVar

from qts.core import Charges, Exchange, Side
from qts.core.errors import BadParameter, InputError
from qts.market.charges.orders import ChargeableOrder, ChargeSegment, RoundingMode
from qts.market.charges.pricing import dp_charge, price_orders

LINES: Final = ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp", "total")
HALF_A_PAISA: Final = Decimal("0.005")
# Published numbers that went through binary floats end like 0.0033767999999999997.
FLOAT_NOISE: Final = Decimal("1e-9")

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A published number that the schedule does not give; ``computed`` is None where the field is not one of a bill."""

    field: str
    expected: Decimal
    computed: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedExample:
    """One example: the bill by our schedule, the published one, and where they differ.

    ``charges`` are those of ``orders``, one by one; ``total`` holds the lines of :data:`LINES` in rupees, and ``stt_exact``, ``net`` and,
    outside the exact mode, ``dp`` where the example states them: DP is debited on the ledger, so that such a ``dp`` is no part of the
    total's ``total``. Where the example cannot be priced, ``error`` says why and the rest is empty.
    """

    id: str
    on: date | None = None
    mode: RoundingMode | None = None
    orders: tuple[ChargeableOrder, ...] = ()
    charges: tuple[Charges, ...] = ()
    total: Mapping[str, Decimal] = field(default_factory=dict)
    expected: Mapping[str, Decimal] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()
    error: InputError | None = None


def price_example(example: Mapping[str, object], default_on: date) -> PricedExample:
    """Return the example priced by its own mode and date, compared with what it expects.

    Parameters
    ----------
    example : mapping
        One example as loaded from JSON or TOML: ``id``, ``mode`` (exact if absent), ``trade_date`` or ``trade_date_range`` (its first day
        counts), ``exchange``, ``segment``, ``orders`` of ``side`` and either ``qty`` and ``price`` or ``value``,
        ``stamp_state_rate_pct_both_sides`` in percent, and ``expected`` with any of :data:`LINES`, ``stt_exact`` and ``net``.
    default_on : date
        The trade date of an example that names none.

    Notes
    -----
    It never raises on a bad example: the sentence stands in ``error``, and the other examples of a file are not lost.
    """
    name = str(example.get("id", ""))
    expected: Mapping[str, Decimal] = {}
    try:
        expected = _expected(example)
        return _price(name, example, expected, default_on)
    except InputError as error:
        return PricedExample(id=name, expected=expected, error=error)


def lines_of(charges: Charges) -> dict[str, Decimal]:
    """Return the lines of a bill by name, the total last."""
    return {name: getattr(charges, name) for name in LINES}


def _price(name: str, example: Mapping[str, object], expected: Mapping[str, Decimal], default_on: date) -> PricedExample:
    on = _trade_date(example, default_on)
    exchange = _choice(Exchange, "exchange", example.get("exchange", Exchange.NSE))
    segment = _choice(ChargeSegment, "segment", example.get("segment"))
    mode = _choice(RoundingMode, "mode", example.get("mode", RoundingMode.EXACT))
    orders = _orders(example)
    percent = example.get("stamp_state_rate_pct_both_sides")
    stamp = None if percent is None else _number("stamp_state_rate_pct_both_sides", percent).scaleb(-2)
    priced = price_orders(orders, on=on, exchange=exchange, segment=segment, mode=mode, stamp_rate_both_sides=stamp)
    total = lines_of(priced.total)
    if "dp" in expected:
        total["dp"] = dp_charge(orders, on=on, exchange=exchange, segment=segment)
    if "stt_exact" in expected:
        exact = price_orders(orders, on=on, exchange=exchange, segment=segment, mode=RoundingMode.EXACT)
        total["stt_exact"] = exact.total.stt
    if "net" in expected:
        signed = (order.notional if order.side is Side.SELL else -order.notional for order in orders)
        total["net"] = sum(signed, Decimal(0)) - total["total"]
    return PricedExample(
        id=name,
        on=on,
        mode=mode,
        orders=orders,
        charges=priced.orders,
        total=total,
        expected=expected,
        differences=_differences(expected, total, mode),
        warnings=priced.warnings,
    )


def _differences(expected: Mapping[str, Decimal], total: Mapping[str, Decimal], mode: RoundingMode) -> tuple[Difference, ...]:
    found = []
    for line, number in expected.items():
        computed = total.get(line)
        if computed is None or abs(computed - number) >= _tolerance(number, mode):
            found.append(Difference(field=line, expected=number, computed=computed))
    return tuple(found)


def _tolerance(number: Decimal, mode: RoundingMode) -> Decimal:
    """Return half a paisa; where nothing is rounded, half of the published number's last place if that is finer."""
    exponent = number.as_tuple().exponent
    if mode not in (RoundingMode.EXACT, RoundingMode.API) or not isinstance(exponent, int):
        return HALF_A_PAISA
    return min(HALF_A_PAISA, max(FLOAT_NOISE, Decimal(5).scaleb(exponent - 1)))


def _expected(example: Mapping[str, object]) -> dict[str, Decimal]:
    raw = example.get("expected") or {}
    if not isinstance(raw, Mapping):
        raise BadParameter("expected", raw, "is not a table of published numbers")
    return {str(line): _number(f"expected.{line}", number) for line, number in raw.items()}


def _orders(example: Mapping[str, object]) -> tuple[ChargeableOrder, ...]:
    raw = example.get("orders")
    if not isinstance(raw, list) or not raw or not all(isinstance(order, Mapping) for order in raw):
        raise BadParameter("orders", raw, "is not a list of orders", hint="Give each order a side, and qty and price, or a value.")
    return tuple(_order(order) for order in raw)


def _order(raw: Mapping[str, object]) -> ChargeableOrder:
    side = _choice(Side, "side", str(raw.get("side", "")).lower())
    if "value" in raw:
        value = _number("value", raw["value"])
        quantity = _number("qty", raw.get("qty", 1))
        return ChargeableOrder(side=side, quantity=quantity, price=_number("price", raw.get("price", 0)), value=value)
    qty = raw.get("qty", raw.get("quantity"))
    missing = [name for name, given in (("qty", qty), ("price", raw.get("price"))) if given is None]
    if missing:
        raise BadParameter("orders", dict(raw), f"an order lacks {' and '.join(missing)}", hint="Give it qty and price, or a value.")
    return ChargeableOrder(side=side, quantity=_number("qty", qty), price=_number("price", raw["price"]))


def _trade_date(example: Mapping[str, object], default_on: date) -> date:
    span = example.get("trade_date_range")
    value = example.get("trade_date") or (span[0] if isinstance(span, list) and span else None)
    if value is None:
        return default_on
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError as error:
        raise BadParameter("trade_date", str(value), "is not a date", hint="Write it like 2026-02-27.") from error


def _choice(kind: type[_Choice], name: str, value: object) -> _Choice:
    try:
        return kind(str(value).strip().lower().replace("-", "_") if kind is not Exchange else str(value).strip().upper())
    except ValueError as error:
        raise BadParameter(name, value, f"there is no such {name}", hint=f"Use one of {', '.join(kind)}.") from error


def _number(name: str, value: object) -> Decimal:
    """Return a JSON number as the decimal it was written as: the shortest that reads back as the same float."""
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise BadParameter(name, value, "is not a number") from error
    if not number.is_finite():
        raise BadParameter(name, value, "is not a finite number")
    return number
