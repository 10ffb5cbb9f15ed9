"""What a published cost example says was traded, read from the shapes in which such examples are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeVar

from qts.core import Exchange, InstrumentId, Side
from qts.core.errors import BadParameter
from qts.market.charges.funds import stt_class_of
from qts.market.charges.orders import ChargeableOrder, RoundingMode
from qts.market.charges.segments import EQUITY_SEGMENTS, ChargeSegment, RateClasses, Settlement, SttClass

# The letters before a contract's expiry; the digits of SENSEX50 are no year.
_UNDERLYING: Final = re.compile(r"SENSEX50(?=\d)|[A-Z][A-Z&\-]*")

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolOrders:
    """The orders of an example in one symbol, with their places among all of its orders."""

    classes: RateClasses
    places: tuple[int, ...]
    orders: tuple[ChargeableOrder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleTerms:
    """What an example says: orders of one day, by symbol, and whose bill is meant. ``stamp`` is a state's duty as a fraction."""

    on: date
    exchange: Exchange
    segment: ChargeSegment
    mode: RoundingMode
    orders: tuple[ChargeableOrder, ...]
    symbols: tuple[SymbolOrders, ...]
    stamp: Decimal | None


def terms_of(example: Mapping[str, object], default_on: date) -> ExampleTerms:
    """Return what an example says.

    Raises
    ------
    BadParameter
        Naming the field that cannot be read.
    """
    exchange = _choice(Exchange, "exchange", example.get("exchange", Exchange.NSE))
    segment = _choice(ChargeSegment, "segment", example.get("segment"))
    raw = _raw_orders(example)
    orders = tuple(_order({"settlement": example.get("settlement"), **order}) for order in raw)
    percent = example.get("stamp_state_rate_pct_both_sides")
    return ExampleTerms(
        on=_trade_date(example, default_on),
        exchange=exchange,
        segment=segment,
        mode=_choice(RoundingMode, "mode", example.get("mode", RoundingMode.EXACT)),
        orders=orders,
        symbols=tuple(
            SymbolOrders(
                classes=_classes({**example, **raw[places[0]]}, symbol, segment, exchange),
                places=places,
                orders=tuple(orders[place] for place in places),
            )
            for symbol, places in _places(raw).items()
        ),
        stamp=None if percent is None else number_of("stamp_state_rate_pct_both_sides", percent).scaleb(-2),
    )


def number_of(name: str, value: object) -> Decimal:
    """Return a JSON number as the decimal it was written as: the shortest that reads back as the same float.

    Raises
    ------
    BadParameter
        If it is no finite number.
    """
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise BadParameter(name, value, "is not a number") from error
    if not number.is_finite():
        raise BadParameter(name, value, "is not a finite number")
    return number


def _places(raw: list[Mapping[str, object]]) -> dict[str, tuple[int, ...]]:
    """Return the orders by the symbol they name: taxes are rounded, and the depository's charge is taken, for each by itself."""
    places: dict[str, list[int]] = {}
    for place, order in enumerate(raw):
        places.setdefault(_text(order, "symbol") or _text(order, "tradingsymbol"), []).append(place)
    return {symbol: tuple(own) for symbol, own in places.items()}


def _classes(said: Mapping[str, object], symbol: str, segment: ChargeSegment, exchange: Exchange) -> RateClasses:
    underlying, is_cash = _text(said, "underlying"), segment in EQUITY_SEGMENTS
    if not underlying and not is_cash and (match := _UNDERLYING.match(symbol)):
        underlying = match[0]
    usual = stt_class_of(InstrumentId(f"{exchange}:{symbol}")) if is_cash else SttClass.SHARE
    return RateClasses(
        stt_class=_choice(SttClass, "stt_class", said.get("stt_class") or usual), group=_text(said, "group"), underlying=underlying
    )


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    return "" if value is None else str(value).strip().upper()


def _raw_orders(example: Mapping[str, object]) -> list[Mapping[str, object]]:
    raw = example.get("orders")
    if not isinstance(raw, list) or not raw or not all(isinstance(order, Mapping) for order in raw):
        raise BadParameter("orders", raw, "is not a list of orders", hint="Give each order a side, and qty and price, or a value.")
    return raw


def _order(raw: Mapping[str, object]) -> ChargeableOrder:
    side = _choice(Side, "side", str(raw.get("side", "")).lower())
    value = None if raw.get("value") is None else number_of("value", raw["value"])
    qty, price = _quantity(raw), raw.get("price")
    if value is None:
        missing = [name for name, given in (("qty", qty), ("price", price)) if given is None]
        if missing:
            raise BadParameter("orders", dict(raw), f"an order lacks {' and '.join(missing)}", hint="Give it qty and price, or a value.")
    multiplier = number_of("multiplier", 1 if raw.get("multiplier") is None else raw["multiplier"])
    settlement, at = raw.get("settlement"), raw.get("settlement_price")
    return ChargeableOrder(
        side=side,
        quantity=number_of("qty", 1 if qty is None else qty) * multiplier,
        price=number_of("price", 0 if price is None else price),
        value=value,
        slices=_whole("slices", raw.get("slices", 1)),
        auto_square_off=raw.get("auto_square_off") is True,
        settlement=None if settlement is None else _choice(Settlement, "settlement", settlement),
        settlement_price=None if at is None else number_of("settlement_price", at),
    )


def _quantity(raw: Mapping[str, object]) -> object:
    qty = raw.get("qty", raw.get("quantity"))
    lots, lot_size = raw.get("lots"), raw.get("lot_size")
    if qty is not None or lots is None or lot_size is None:
        return qty
    return number_of("lots", lots) * number_of("lot_size", lot_size)


def _whole(name: str, value: object) -> int:
    number = number_of(name, value)
    if number != int(number):
        raise BadParameter(name, value, "is not a whole number")
    return int(number)


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
