"""Orders and bills in few words, for the tests of prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from qts.core import Charges, Exchange, Side
from qts.market.charges import ChargeableOrder, ChargeSegment, RateClasses, RoundingMode, lines_of, price_orders

TODAY = date(2026, 11, 20)


def buy(quantity: int | str, price: int | str, **more: Any) -> ChargeableOrder:
    return ChargeableOrder(side=Side.BUY, quantity=Decimal(quantity), price=Decimal(price), **more)


def sell(quantity: int | str, price: int | str, **more: Any) -> ChargeableOrder:
    return ChargeableOrder(side=Side.SELL, quantity=Decimal(quantity), price=Decimal(price), **more)


def bill(
    *orders: ChargeableOrder,
    on: date = TODAY,
    exchange: Exchange = Exchange.NSE,
    segment: ChargeSegment = ChargeSegment.EQUITY_INTRADAY,
    mode: RoundingMode = RoundingMode.EXACT,
    stamp: str | None = None,
    **classes: Any,
) -> Charges:
    """Return the total of a bill; ``stamp`` is the state's duty of both sides, ``classes`` are those of ``RateClasses``."""
    rate = None if stamp is None else Decimal(stamp)
    kind = RateClasses(**classes)
    return price_orders(orders, on=on, exchange=exchange, segment=segment, mode=mode, stamp_rate_both_sides=rate, classes=kind).total


def assert_lines(charges: Charges, **expected: str) -> None:
    """Compare the lines that are named; the others may be anything."""
    found = lines_of(charges)
    assert {name: found[name] for name in expected} == {name: Decimal(text) for name, text in expected.items()}
