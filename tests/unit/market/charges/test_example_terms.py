"""What examples say, in the shapes in which they are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qts.core.errors import BadParameter
from qts.market.charges import Settlement, SttClass
from qts.market.charges.example_terms import ExampleTerms, number_of, terms_of

DEFAULT = date(2026, 11, 20)
OPTION: dict[str, Any] = {"exchange": "NFO", "segment": "equity_options", "orders": [{"side": "SELL", "qty": 75, "price": 100}]}


def terms(**changes: Any) -> ExampleTerms:
    return terms_of(OPTION | changes, DEFAULT)


@pytest.mark.parametrize(
    ("exchange", "symbol", "expected"),
    [
        ("NFO", "NIFTY2371317900PE", "NIFTY"),
        ("NFO", "M&M26NOVFUT", "M&M"),
        ("NFO", "BAJAJ-AUTO26NOV9000CE", "BAJAJ-AUTO"),
        ("BFO", "SENSEX26N2085000CE", "SENSEX"),
        ("BFO", "SENSEX5026NOV27000CE", "SENSEX50"),
        ("NFO", "", ""),
    ],
)
def test_underlying_is_read_from_the_symbol(exchange: str, symbol: str, expected: str) -> None:
    (only,) = terms(exchange=exchange, orders=[{"side": "BUY", "qty": 1, "price": 1, "symbol": symbol}]).symbols
    assert only.classes.underlying == expected


def test_underlying_that_is_named_wins() -> None:
    order = {"side": "BUY", "qty": 1, "price": 1, "tradingsymbol": "NIFTY26NOVFUT"}
    assert terms(underlying="banknifty", orders=[order]).symbols[0].classes.underlying == "BANKNIFTY"


def test_shares_have_no_underlying() -> None:
    order = {"side": "BUY", "qty": 1, "price": 1, "symbol": "INFY"}
    (only,) = terms(exchange="BSE", segment="equity_delivery", stt_class="other_etf", group="b", orders=[order]).symbols
    assert (only.classes.underlying, only.classes.group, only.classes.stt_class) == ("", "B", SttClass.OTHER_ETF)


@pytest.mark.parametrize(("symbol", "expected"), [("NIFTYBEES", "equity_etf"), ("GOLDBEES", "other_etf"), ("INFY", "share"), ("", "share")])
def test_fund_is_told_by_its_symbol(symbol: str, expected: str) -> None:
    order = {"side": "BUY", "qty": 1, "price": 1, "symbol": symbol}
    (only,) = terms(exchange="NSE", segment="equity_delivery", orders=[order]).symbols
    assert only.classes.stt_class == expected


@pytest.mark.parametrize(
    ("order", "quantity", "notional"),
    [
        ({"qty": 75, "price": 100}, 75, 7500),
        ({"quantity": 75, "price": 100}, 75, 7500),
        ({"lots": 3, "lot_size": 25, "price": 100}, 75, 7500),
        ({"qty": 1, "price": 90, "multiplier": 1000}, 1000, 90000),
        ({"value": 7500}, 1, 7500),
        ({"value": 7500, "qty": 75}, 75, 7500),
        ({"qty": 75, "price": 100, "value": None}, 75, 7500),
    ],
)
def test_quantity_is_written_in_many_ways(order: dict[str, Any], quantity: int, notional: int) -> None:
    (read,) = terms(orders=[{"side": "BUY", **order}]).orders
    assert read.quantity == quantity
    assert read.notional == notional


def test_what_is_special_about_an_order_is_read() -> None:
    order = {"side": "SELL", "qty": 75, "price": 100, "slices": 3, "auto_square_off": True, "settlement_price": 11000, "order_id": "x"}
    (read,) = terms(settlement="exercised", orders=[order]).orders
    assert (read.slices, read.auto_square_off, read.settlement, read.settlement_price) == (3, True, Settlement.EXERCISED, Decimal(11000))


def test_orders_keep_their_places() -> None:
    orders = [{"side": "BUY", "qty": n, "price": 1, "symbol": symbol} for n, symbol in ((1, "A"), (2, "B"), (3, "A"))]
    read = terms(segment="equity_delivery", exchange="NSE", orders=orders)
    assert [symbol.places for symbol in read.symbols] == [(0, 2), (1,)]
    assert [order.quantity for order in read.orders] == [Decimal(1), Decimal(2), Decimal(3)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, DEFAULT),
        ({"trade_date": "2024-01-02"}, date(2024, 1, 2)),
        ({"trade_date_range": ["2024-01-02", "2024-03-01"]}, date(2024, 1, 2)),
        ({"trade_date": None, "trade_date_range": []}, DEFAULT),
    ],
)
def test_date_may_be_a_day_a_span_or_absent(changes: dict[str, Any], expected: date) -> None:
    assert terms(**changes).on == expected


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"slices": 1.5}, "slices"),
        ({"slices": "many"}, "slices"),
        ({"settlement": "lost"}, "settlement"),
        ({"settlement_price": "x"}, "settlement_price"),
        ({"multiplier": 0}, "quantity"),
        ({"price": "dear"}, "price"),
        ({"stt_class": "bond"}, "stt_class"),
    ],
)
def test_what_cannot_be_read_is_named(order: dict[str, Any], named: str) -> None:
    with pytest.raises(BadParameter) as caught:
        terms(orders=[{"side": "BUY", "qty": 1, "price": 1} | order])
    assert caught.value.name == named


@pytest.mark.parametrize("value", ["x", None, [], "inf", "nan"])
def test_number_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(BadParameter, match="price"):
        number_of("price", value)
