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
from qts.market.charges.example_words import segment_named, segment_told, settlement_named, side_named, stt_class_named, texts_of
from qts.market.charges.funds import stt_class_of
from qts.market.charges.orders import ChargeableOrder, RoundingMode
from qts.market.charges.segments import EQUITY_SEGMENTS, ChargeSegment, RateClasses, Settlement, SttClass
from qts.market.listing.settlement import trade_to_trade_series

# The letters before a contract's expiry; the digits of SENSEX50 are no year.
_UNDERLYING: Final = re.compile(r"SENSEX50(?=\d)|[A-Z][A-Z&\-]*")
_CURRENCY: Final = re.compile(r"^(₹|rs\.?|inr)\s*", re.IGNORECASE)
_GROUPED: Final = re.compile(r"-?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?")
_SIDES: Final = ("side", "transaction_type", "action")
_PRICES: Final = ("price", "average_price", "premium", "intrinsic_value")
# What an example may say once for all of its orders.
_SHARED: Final = frozenset(
    {
        *("mode", "stamp_state_rate_pct_both_sides", "trade_date", "trade_date_range", "date"),
        *("exchange", "segment", "product", "symbol", "tradingsymbol", "stt_class", "group", "underlying"),
        *("multiplier", "lot_size", "slices", "auto_square_off", "settlement_price", "settlement", *Settlement),
    }
)
_LONGEST_DATE: Final = 10
# Beyond these powers of ten a number is a slip, and decimals of its size cost memory.
_MOST_DIGITS: Final = 40

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolOrders:
    """The orders of an example in one symbol, segment and day, with their places among all of its orders.

    Of a symbol that names a trade-to-trade series they are of one side only: what is bought and sold is never netted.
    """

    on: date
    exchange: Exchange
    segment: ChargeSegment
    classes: RateClasses
    places: tuple[int, ...]
    orders: tuple[ChargeableOrder, ...]

    @property
    def is_two_sided(self) -> bool:
        """Return whether some was bought and some sold."""
        return len({order.side for order in self.orders}) > 1

    @property
    def net_bought(self) -> Decimal:
        """Return the quantity bought less that sold."""
        return sum((order.quantity if order.side is Side.BUY else -order.quantity for order in self.orders), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleTerms:
    """What an example says: orders by symbol, and whose bill is meant. ``stamp`` is a state's duty as a fraction.

    ``on`` is the day of its first order; ``mode`` is None where it does not say.
    """

    on: date
    mode: RoundingMode | None
    orders: tuple[ChargeableOrder, ...]
    symbols: tuple[SymbolOrders, ...]
    stamp: Decimal | None


def terms_of(example: Mapping[str, object], default_on: date, usual_segment: str = "") -> ExampleTerms:
    """Return what an example says. What an order does not say itself holds for it as the example says it.

    Parameters
    ----------
    example : mapping
        The example as loaded.
    default_on : date
        The trade date where none is named.
    usual_segment : str
        The segment where none is named and product and symbol do not tell it either.

    Raises
    ------
    BadParameter
        Naming the field that cannot be read.
    """
    shared = {name: value for name, value in example.items() if value is not None and name in _SHARED}
    raw = [{**shared, **{name: value for name, value in order.items() if value is not None}} for order in _raw_orders(example)]
    places: dict[tuple[date, Exchange, ChargeSegment, str, Side | None], list[int]] = {}
    orders = tuple(_order(said) for said in raw)
    for place, said in enumerate(raw):
        exchange = _choice(Exchange, "exchange", said.get("exchange", Exchange.NSE))
        symbol = _text(said, "symbol") or _text(said, "tradingsymbol")
        segment = _segment(said, symbol, exchange, usual_segment)
        apart = orders[place].side if _is_trade_to_trade(InstrumentId(f"{exchange}:{symbol}"), segment) else None
        places.setdefault((_trade_date(said, default_on), exchange, segment, symbol, apart), []).append(place)
    percent = shared.get("stamp_state_rate_pct_both_sides")
    return ExampleTerms(
        on=next(iter(places))[0],
        mode=None if "mode" not in shared else _choice(RoundingMode, "mode", shared["mode"]),
        orders=orders,
        symbols=tuple(
            SymbolOrders(
                on=on,
                exchange=exchange,
                segment=segment,
                classes=_classes(raw[own[0]], symbol, segment, exchange),
                places=tuple(own),
                orders=tuple(orders[place] for place in own),
            )
            for (on, exchange, segment, symbol, _), own in places.items()
        ),
        stamp=None if percent is None else number_of("stamp_state_rate_pct_both_sides", percent).scaleb(-2),
    )


def number_of(name: str, value: object) -> Decimal:
    """Return a JSON number, or one written out like ``Rs 1,498.50``, as the decimal it was written as.

    Raises
    ------
    BadParameter
        If it is no finite number, or one of more digits than an amount has.
    """
    text = _CURRENCY.sub("", str(value).strip())
    try:
        number = Decimal(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except InvalidOperation as error:
        raise BadParameter(name, value, "is not a number") from error
    if not number.is_finite():
        raise BadParameter(name, value, "is not a finite number")
    if number and abs(number.adjusted()) > _MOST_DIGITS:
        raise BadParameter(name, value, "is no amount of anything", hint="Check its power of ten.")
    return number


def _segment(said: Mapping[str, object], symbol: str, exchange: Exchange, usual: str) -> ChargeSegment:
    text = _text(said, "segment")
    if text:
        return segment_named(text, exchange)
    found = segment_told(_text(said, "product"), symbol, exchange)
    if found is None and not usual:
        raise BadParameter("segment", None, "is not named", hint=f"Use one of {', '.join(ChargeSegment)}.")
    return found or segment_named(usual, exchange)


def _classes(said: Mapping[str, object], symbol: str, segment: ChargeSegment, exchange: Exchange) -> RateClasses:
    underlying, is_cash = _text(said, "underlying"), segment in EQUITY_SEGMENTS
    if not underlying and not is_cash and (match := _UNDERLYING.match(symbol)):
        underlying = match[0]
    usual = _usual_class(said, InstrumentId(f"{exchange}:{symbol}")) if is_cash else SttClass.SHARE
    text = _text(said, "stt_class")
    stt_class = (stt_class_named(text) or _choice(SttClass, "stt_class", text)) if text else usual
    return RateClasses(stt_class=stt_class, group=_text(said, "group"), underlying=underlying)


def _is_trade_to_trade(instrument: InstrumentId, segment: ChargeSegment) -> bool:
    """Return whether the symbol names a series in which each order is delivered; its orders cannot be called intraday."""
    series = trade_to_trade_series(instrument) if segment in EQUITY_SEGMENTS else ""
    if series and segment is ChargeSegment.EQUITY_INTRADAY:
        reason = f"{instrument} is for delivery only: series {series} is trade-to-trade"
        raise BadParameter("segment", segment, reason, hint="Use equity_delivery.")
    return series != ""


def _usual_class(said: Mapping[str, object], instrument: InstrumentId) -> SttClass:
    """Return the class that the symbol tells, or a segment such as ``etf_delivery``."""
    told = stt_class_of(instrument)
    return told if told is not SttClass.SHARE else stt_class_named(_text(said, "segment")) or told


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    if isinstance(value, (Mapping, list, bool)):
        raise BadParameter(name, value, "is not a text")
    return "" if value is None else str(value).strip().upper()


def _raw_orders(example: Mapping[str, object]) -> list[Mapping[str, object]]:
    raw = example.get("orders")
    if not isinstance(raw, list) or not raw or not all(isinstance(order, Mapping) for order in raw):
        raise BadParameter("orders", raw, "is not a list of orders", hint="Give each order a side, and qty and price, or a value.")
    return raw


def _order(said: Mapping[str, object]) -> ChargeableOrder:
    settlement = _settlement(said)
    value = None if "value" not in said else number_of("value", said["value"])
    qty, price = _quantity(said), _price(said)
    if value is None:
        missing = [name for name, given in (("qty", qty), ("price", price)) if given is None]
        if missing:
            raise BadParameter("orders", dict(said), f"an order lacks {' and '.join(missing)}", hint="Give it qty and price, or a value.")
    if settlement is None and not number_of("value" if "value" in said else "price", price if value is None else value):
        hint = "Only a contract that ends may be worth 0: name its settlement."
        raise BadParameter("price", 0, "nothing is traded for nothing", hint=hint)
    at = said.get("settlement_price")
    return ChargeableOrder(
        side=_side(said, settlement),
        quantity=number_of("qty", 1 if qty is None else qty) * number_of("multiplier", said.get("multiplier", 1)),
        price=number_of("price", 0 if price is None else price),
        value=value,
        slices=_whole("slices", said.get("slices", 1)),
        auto_square_off=said.get("auto_square_off") is True,
        settlement=settlement,
        settlement_price=None if at is None else number_of("settlement_price", at),
    )


def _side(said: Mapping[str, object], settlement: Settlement | None) -> Side:
    text = next(texts_of(said, *_SIDES), "")
    side = side_named(text)
    if side is None and settlement not in (None, Settlement.DELIVERED) and (not text or settlement_named(text)):
        # Cash alone is settled, and it costs the same on either side.
        return Side.SELL
    return side or _choice(Side, "side", said.get("side", text))


def _settlement(said: Mapping[str, object]) -> Settlement | None:
    text = next(texts_of(said, "settlement"), "")
    if "settlement" in said:
        return settlement_named(text) or _choice(Settlement, "settlement", said["settlement"])
    flags = (end for end in Settlement if said.get(end) is True)
    return next(flags, None) or next((end for word in texts_of(said, *_SIDES, "segment") if (end := settlement_named(word))), None)


def _quantity(said: Mapping[str, object]) -> object:
    qty = said.get("qty", said.get("quantity"))
    lots, lot_size = said.get("lots"), said.get("lot_size")
    if qty is not None or lots is None or lot_size is None:
        return qty
    return number_of("lots", lots) * number_of("lot_size", lot_size)


def _price(said: Mapping[str, object]) -> object:
    return next((said[name] for name in _PRICES if name in said), None)


def _whole(name: str, value: object) -> int:
    number = number_of(name, value)
    if number != int(number):
        raise BadParameter(name, value, "is not a whole number")
    return int(number)


def _trade_date(said: Mapping[str, object], default_on: date) -> date:
    value = said.get("trade_date") or _first_day(said.get("trade_date_range")) or said.get("date")
    if value is None:
        return default_on
    if isinstance(value, date):
        return value
    text = str(value).strip()
    try:
        # A time of day may follow.
        return date.fromisoformat(text[:_LONGEST_DATE] if text[_LONGEST_DATE : _LONGEST_DATE + 1] in ("T", " ") else text)
    except ValueError as error:
        raise BadParameter("trade_date", text, "is not a date", hint="Write it like 2026-02-27.") from error


def _first_day(span: object) -> object:
    if span is None or isinstance(span, list):
        return next((day for day in span or () if day is not None), None)
    raise BadParameter("trade_date_range", span, "is not a list of two dates", hint='Write it like ["2022-07-18", "2023-03-31"].')


def _choice(kind: type[_Choice], name: str, value: object) -> _Choice:
    try:
        return kind(str(value).strip().lower().replace("-", "_").replace(" ", "_") if kind is not Exchange else str(value).strip().upper())
    except ValueError as error:
        raise BadParameter(name, value, f"there is no such {name}", hint=f"Use one of {', '.join(kind)}.") from error
