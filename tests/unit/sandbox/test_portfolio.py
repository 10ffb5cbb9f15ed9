from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Trader


def test_delivery_is_a_position_then_arrives_then_is_held(trader: Trader) -> None:
    trader.place("BUY", 10)
    (position,) = trader.ask("GET", "/portfolio/positions")[1]["net"]
    assert (position["quantity"], position["product"], position["day_buy_quantity"], position["overnight_quantity"]) == (10, "CNC", 10, 0)
    assert trader.ask("GET", "/portfolio/holdings")[1] == []
    trader.clock.advance(timedelta(days=1))
    assert trader.ask("GET", "/portfolio/positions")[1] == {"net": [], "day": []}
    (holding,) = trader.ask("GET", "/portfolio/holdings")[1]
    assert (holding["quantity"], holding["t1_quantity"]) == (0, 10)
    assert holding["average_price"] == position["average_price"]
    assert holding["pnl"] == pytest.approx((holding["last_price"] - holding["average_price"]) * 10, abs=0.01)
    trader.place("SELL", 4)
    (holding,) = trader.ask("GET", "/portfolio/holdings")[1]
    assert (holding["t1_quantity"], holding["used_quantity"]) == (10, 4)
    trader.clock.advance(timedelta(days=1))
    (holding,) = trader.ask("GET", "/portfolio/holdings")[1]
    assert holding["quantity"] + holding["t1_quantity"] == 6


def test_profit_is_what_was_sold_and_is_left_less_what_was_bought(trader: Trader) -> None:
    trader.place("BUY", 10, product="MIS")
    trader.clock.advance(timedelta(minutes=30))
    trader.place("SELL", 4, product="MIS")
    (position,) = trader.ask("GET", "/portfolio/positions")[1]["day"]
    assert position["quantity"] == 6
    assert position["pnl"] == pytest.approx(position["sell_value"] - position["buy_value"] + 6 * position["last_price"], abs=0.01)
    trader.clock.advance(timedelta(days=1))
    (position,) = trader.ask("GET", "/portfolio/positions")[1]["net"]
    assert (position["quantity"], position["overnight_quantity"], position["day_buy_quantity"]) == (6, 6, 0)


def test_money_is_spent_on_delivery_blocked_in_part_by_the_rest_and_by_what_waits(trader: Trader) -> None:
    assert trader.ask("GET", "/user/margins/equity")[1]["net"] == 1_000_000
    trader.place("BUY", 10)
    paid = 10 * trader.order()["average_price"]
    assert trader.ask("GET", "/user/margins")[1]["equity"]["net"] == pytest.approx(1_000_000 - paid)
    trader.place("SELL", 10, product="MIS")
    assert trader.ask("GET", "/user/margins")[1]["equity"]["net"] == pytest.approx(1_000_000 - paid * 1.2)
    trader.place("BUY", 10, order_type="LIMIT", price=100)
    money = trader.ask("GET", "/user/margins")[1]
    assert money["equity"]["net"] == pytest.approx(1_000_000 - paid * 1.2 - 1000)
    assert money["equity"]["utilised"]["debits"] == pytest.approx(paid * 1.2 + 1000)
    assert money["commodity"]["enabled"] is False


def test_what_cannot_be_paid_or_delivered_is_rejected_with_the_reason(trader: Trader) -> None:
    assert trader.place("BUY", 100_000)[0] == 200
    order = trader.order()
    assert order["status"] == "REJECTED"
    assert "Insufficient funds" in order["status_message"]
    trader.place("SELL", 1)
    assert "Insufficient holdings" in trader.order()["status_message"]
    assert trader.ask("GET", "/trades")[1] == []
    trader.place("BUY", 2)
    trader.place("SELL", 2, order_type="LIMIT", price=5000)
    trader.place("SELL", 1)
    assert trader.order()["status"] == "REJECTED"
