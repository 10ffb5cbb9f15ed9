from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qts.data.kite import read_holdings, read_margins, read_orders, read_positions, read_trades

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Trader

ROW = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "variety": "regular", "product": "CNC", "order_type": "LIMIT"}


def shape(value: Any) -> Any:
    """Return which fields a document has, all the way down; of a list the first one speaks."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_everything_has_the_shape_of_the_brokers_examples(trader: Trader, make_trader: Callable[..., Trader], realdata: Path) -> None:
    def example(name: str) -> Any:
        path = next(
            realdata / folder / f"{name}.json"
            for folder in ("kite-mocks", "kite_mocks_more")
            if (realdata / folder / f"{name}.json").exists()
        )
        return shape(json.loads(path.read_text())["data"])

    made = trader.place("BUY", 10)[1]
    assert shape(made) == example("order_response")
    assert shape(trader.ask("GET", "/orders")[1]) == example("orders")
    assert shape(trader.ask("GET", "/trades")[1]) == example("trades")
    assert shape(trader.ask("GET", f"/orders/{made['order_id']}/trades")[1]) == example("order_trades")
    assert example("order_info")[0].keys() <= shape(trader.ask("GET", f"/orders/{made['order_id']}")[1])[0].keys()
    assert shape(trader.ask("GET", "/portfolio/positions")[1]) == example("positions")
    assert shape(trader.ask("GET", "/user/margins")[1]) == example("margins")
    assert shape(trader.ask("GET", "/user/margins/equity")[1]) == example("margins_equity")
    note = trader.ask("POST", "/charges/orders", rows=[ROW | {"order_id": "1", "quantity": 1, "average_price": 560}])[1]
    assert shape(note) == example("virtual_contract_note")
    margin = [ROW | {"quantity": 1, "price": 1498}]
    assert shape(trader.ask("POST", "/margins/orders", rows=margin)[1]) == example("order_margins")
    assert shape(trader.ask("POST", "/margins/basket", rows=margin)[1]) == example("basket_margins")
    later = make_trader("2026-01-06T10:00:00+05:30")
    later.place("BUY", 1)
    later.clock.advance(timedelta(days=1))
    assert shape(later.ask("GET", "/portfolio/holdings")[1]) == example("holdings")


def test_charges_are_those_of_the_schedule(trader: Trader) -> None:
    rows = [
        ROW | {"order_id": "1", "quantity": 100, "average_price": 1500},
        ROW | {"order_id": "2", "quantity": 100, "average_price": 1500, "product": "MIS", "transaction_type": "SELL"},
    ]
    bought, sold = (one["charges"] for one in trader.ask("POST", "/charges/orders", rows=rows)[1])
    assert (bought["brokerage"], bought["transaction_tax"], bought["stamp_duty"]) == (0, 150, 23)  # the duty is in whole rupees
    assert (sold["brokerage"], sold["transaction_tax"], sold["stamp_duty"]) == (20, 37.5, 0)
    for one in (bought, sold):
        lines = ("transaction_tax", "exchange_turnover_charge", "sebi_turnover_charge", "brokerage", "stamp_duty")
        assert one["total"] == pytest.approx(sum(one[line] for line in lines) + one["gst"]["total"])


def test_a_margin_says_what_an_order_takes(trader: Trader) -> None:
    rows = [ROW | {"quantity": 10, "price": 1500}, ROW | {"quantity": 10, "price": 1500, "product": "MIS"}]
    assert [one["total"] for one in trader.ask("POST", "/margins/orders", rows=rows)[1]] == [15_000, 3_000]
    basket = trader.ask("POST", "/margins/basket", rows=rows)[1]
    assert (basket["initial"]["total"], basket["final"]["total"], len(basket["orders"])) == (18_000, 18_000, 2)
    assert basket["charges"]["total"] == pytest.approx(sum(one["charges"]["total"] for one in basket["orders"]))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(None, id="no body"),
        pytest.param([], id="no orders"),
        pytest.param({"quantity": 1}, id="no list"),
        pytest.param([ROW | {"quantity": 0, "average_price": 1}], id="nothing bought"),
        pytest.param([ROW | {"quantity": 1}], id="no price"),
        pytest.param([ROW | {"quantity": 1, "average_price": 1, "product": "MTF"}], id="a product without charges"),
        pytest.param([ROW | {"quantity": 1, "average_price": 1, "tradingsymbol": "NOBODY"}], id="what is not listed"),
    ],
)
def test_what_cannot_be_billed_is_refused(trader: Trader, rows: object) -> None:
    assert trader.ask("POST", "/charges/orders", rows=rows)[0] == 400


def test_our_readers_take_it_all(trader: Trader) -> None:
    trader.place("BUY", 10)
    assert read_orders(trader.ask("GET", "/orders")[1])[0].filled_quantity == 10
    assert read_trades(trader.ask("GET", "/trades")[1])[0].quantity == 10
    assert read_positions(trader.ask("GET", "/portfolio/positions")[1])[0].quantity == 10
    assert read_margins(trader.ask("GET", "/user/margins")[1])["equity"].net < 1_000_000
    trader.clock.advance(timedelta(days=1))
    assert read_holdings(trader.ask("GET", "/portfolio/holdings")[1])[0].arriving == 10


def test_a_route_that_is_none_is_said_to_be_none(trader: Trader) -> None:
    assert trader.ask("GET", "/gtt/triggers") == (404, "Route not found")
    assert trader.ask("DELETE", "/orders") == (404, "Route not found")
