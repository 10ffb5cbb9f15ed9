from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Trader

TEN = "2026-01-06T10:00:00+05:30"
AFTER = ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN"]


def test_a_market_order_fills_at_the_last_price_and_its_life_is_told(trader: Trader) -> None:
    last = trader.ask("GET", "/quote/ltp")[1]
    assert last == {}
    status, data = trader.place("BUY", 3, tag="mine7")
    assert status == 200
    order = trader.order()
    assert (order["order_id"], order["status"], order["filled_quantity"], order["tag"]) == (data["order_id"], "COMPLETE", 3, "mine7")
    assert order["average_price"] == trader.minute(TEN).open[0]
    stages = trader.ask("GET", f"/orders/{data['order_id']}")[1]
    assert [stage["status"] for stage in stages] == [*AFTER, "COMPLETE"]
    assert [stage["filled_quantity"] for stage in stages] == [0, 0, 0, 0, 3]
    (trade,) = trader.ask("GET", f"/orders/{data['order_id']}/trades")[1]
    assert (trade["quantity"], trade["average_price"], trade["order_timestamp"]) == (3, order["average_price"], "10:00:00")
    assert trader.ask("GET", "/trades")[1] == [trade]


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_limit_order_waits_until_a_minute_reaches_it_and_fills_no_worse(trader: Trader, side: str) -> None:
    sign = 1 if side == "BUY" else -1
    last = float(trader.minute(TEN).open[0])
    limit = round(round((last - sign * 2) / 0.05) * 0.05, 2)
    trader.place(side, order_type="LIMIT", price=limit, product="MIS")
    assert trader.order()["status"] == "OPEN"
    trader.clock.advance(timedelta(minutes=340))
    order = trader.order()
    assert order["status"] == "COMPLETE"
    filled = trader.ask("GET", "/trades")[1][0]
    minute = trader.minute(filled["fill_timestamp"].replace(" ", "T") + "+05:30")
    assert sign * (limit - order["average_price"]) >= 0
    assert minute.low[0] <= order["average_price"] <= minute.high[0]


def test_an_order_is_told_of_in_the_running_minute_too(trader: Trader) -> None:
    limit = round(float(trader.minute(TEN).open[0]) - 0.5, 1)
    trader.place("BUY", order_type="LIMIT", price=limit)
    for _ in range(20 * 60):
        trader.clock.advance(timedelta(seconds=17))
        if trader.order()["status"] == "COMPLETE":
            break
    assert trader.order()["average_price"] <= limit


def test_a_stop_wakes_at_its_trigger(trader: Trader) -> None:
    last = float(trader.minute(TEN).open[0])
    trigger = round(round((last - 1) / 0.05) * 0.05, 2)
    trader.place("BUY", 5)
    trader.place("SELL", 3, order_type="SL-M", trigger_price=trigger)
    trader.place("SELL", 2, order_type="SL", trigger_price=trigger, price=round(trigger - 5, 2))
    assert trader.order()["status"] == "TRIGGER PENDING"
    trader.clock.advance(timedelta(minutes=340))
    _, at_trigger, at_limit = trader.ask("GET", "/orders")[1]
    assert (at_trigger["status"], at_trigger["average_price"] <= trigger) == ("COMPLETE", True)
    assert (at_limit["status"], at_limit["average_price"] >= trigger - 5) == ("COMPLETE", True)
    # The limit order that it became waits for the minute after the one that woke it.
    assert at_limit["exchange_timestamp"] > at_trigger["exchange_timestamp"]


def test_what_is_left_when_the_session_ends_is_cancelled_and_the_book_is_emptied_overnight(trader: Trader) -> None:
    trader.place("BUY", order_type="LIMIT", price=1)
    trader.clock.advance(timedelta(hours=6))
    order = trader.order()
    assert (order["status"], order["cancelled_quantity"], order["pending_quantity"]) == ("CANCELLED", 1, 0)
    assert order["exchange_update_timestamp"] == "2026-01-06 15:30:00"
    trader.clock.advance(timedelta(hours=18))
    assert trader.ask("GET", "/orders")[1] == []


def test_an_order_that_may_not_wait_is_cancelled_at_once_or_after_its_minutes(trader: Trader) -> None:
    trader.place("BUY", order_type="LIMIT", price=1, validity="IOC")
    assert trader.order()["status"] == "CANCELLED"
    trader.place("BUY", order_type="LIMIT", price=1, validity="TTL", validity_ttl=2)
    assert trader.order()["status"] == "OPEN"
    trader.clock.advance(timedelta(minutes=3))
    assert trader.order()["status"] == "CANCELLED"


def test_outside_the_session_only_an_order_for_the_next_one_is_taken(make_trader: Callable[..., Trader]) -> None:
    trader = make_trader("2026-01-06T16:00:00+05:30")
    assert trader.place("BUY") == (400, "Markets are closed right now. Use the variety `amo` for an order of the next session.")
    trader.place("BUY", variety="amo")
    assert trader.order()["status"] == "AMO REQ RECEIVED"
    trader.clock.advance(timedelta(hours=17, minutes=20))
    trader.ask("GET", "/orders")
    assert trader.ask("GET", "/trades")[1][0]["fill_timestamp"] == "2026-01-07 09:20:00"


def test_an_open_order_can_be_changed_and_cancelled_a_finished_one_cannot(trader: Trader) -> None:
    order_id = trader.place("BUY", order_type="LIMIT", price=1)[1]["order_id"]
    assert trader.ask("PUT", f"/orders/regular/{order_id}", price=2, quantity=4) == (200, {"order_id": order_id})
    order = trader.order()
    assert (order["price"], order["quantity"], order["modified"], order["status"]) == (2, 4, True, "OPEN")
    assert trader.ask("DELETE", f"/orders/regular/{order_id}")[0] == 200
    assert trader.order()["status"] == "CANCELLED"
    assert trader.ask("DELETE", f"/orders/regular/{order_id}")[0] == 400
    assert trader.ask("PUT", "/orders/regular/42", price=2)[0] == 404
