"""Published examples in the shapes that brokers, calculators and people write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qts.market.charges import price_example

DEFAULT = date(2026, 11, 20)


def example(**changes: Any) -> dict[str, Any]:
    base = {"id": "shape", "mode": "exact", "trade_date": "2026-02-27", "exchange": "NSE", "segment": "equity_intraday"}
    return {name: value for name, value in (base | changes).items() if value is not None}


REPLY = [
    {"transaction_type": "BUY", "tradingsymbol": "SBIN", "exchange": "NSE", "product": "CNC", "quantity": 1, "price": 560},
    {"transaction_type": "SELL", "tradingsymbol": "GOLDPETAL23JULFUT", "exchange": "MCX", "product": "NRML", "quantity": 1, "price": 5862},
    {"transaction_type": "BUY", "tradingsymbol": "NIFTY2371317900PE", "exchange": "NFO", "product": "NRML", "quantity": 100, "price": 1.5},
]


def test_orders_may_name_their_own_exchange_and_tell_their_segment() -> None:
    # The broker's virtual contract note of July 2023: 0.5826968 + 2.84811132 + 23.689427.
    note = {"id": "v", "mode": "api", "trade_date": "2023-07-10", "orders": REPLY, "expected": {"total": 27.12023512}}
    result = price_example(note, DEFAULT)
    assert (result.error, result.differences) == (None, ())


def test_orders_may_name_their_own_dates() -> None:
    orders = [
        {"side": "BUY", "qty": 10, "price": 500, "trade_date": "2024-09-30"},
        {"side": "SELL", "qty": 10, "price": 500, "trade_date": "2024-10-01T10:00:00"},
    ]
    bill = example(mode="exact", segment="equity_delivery", trade_date=None, orders=orders, expected={"dp": 15.34, "ipft": 0.01})
    result = price_example(bill, DEFAULT)
    assert (result.error, result.differences, result.on) == (None, (), date(2024, 9, 30))
    # 0.00322 and 0.00297 % of 5,000.
    assert result.total["exchange"] == Decimal("0.3095")


def test_what_all_orders_share_may_be_said_once() -> None:
    fund = example(mode="exact", segment="equity_delivery", symbol="NIFTYBEES", orders=[{"side": "S", "qty": 100, "price": 250}])
    assert price_example(fund | {"expected": {"stt": 0.25}}, DEFAULT).differences == ()
    gold = example(mode="exact", exchange="MCX", segment="futures", multiplier=100, orders=[{"side": "sell", "qty": 1, "price": "72,000"}])
    assert price_example(gold | {"expected": {"ctt": 720}}, DEFAULT).differences == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"settlement": "exercise", "orders": [{"qty": 75, "price": 200}]},
        {"exercised": True, "orders": [{"side": "BUY", "value": 15000}]},
        {"segment": "options_exercised", "orders": [{"qty": 75, "intrinsic_value": 200}]},
        {"orders": [{"side": "EXERCISE", "qty": 75, "price": 200}]},
    ],
)
def test_exercise_is_told_in_many_ways(changes: dict[str, Any]) -> None:
    base = {"mode": "exact", "trade_date": "2026-04-01", "exchange": "NFO", "segment": "equity_options", "expected": {"stt": 22.5}}
    result = price_example(example(**(base | changes)), DEFAULT)
    assert (result.error, result.differences) == (None, ())


def test_null_is_as_good_as_absent() -> None:
    bare = {"mode": None, "exchange": None, "trade_date": None, "settlement": None, "stt_class": None, "group": None}
    order = {"side": "BUY", "qty": 1, "price": 100, "value": None, "slices": None, "multiplier": None, "symbol": None}
    result = price_example({**bare, "segment": "equity_delivery", "orders": [order], "expected": {"stt": 0.1, "dp": None}}, DEFAULT)
    assert (result.error, result.differences, result.mode) == (None, (), "exact")
