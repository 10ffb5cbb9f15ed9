from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qts.core.errors import BadReply
from qts.data.kite import read_holdings, read_margins, read_orders, read_positions, read_profile, read_trades

READERS: dict[str, Callable[[Any], Any]] = {
    "profile": read_profile,
    "margins": read_margins,
    "holdings": read_holdings,
    "positions": read_positions,
    "orders": read_orders,
    "trades": read_trades,
}


def test_a_position_keeps_what_a_point_is_worth() -> None:
    row = {
        "tradingsymbol": "LEADMINI17DECFUT", "exchange": "MCX", "instrument_token": 1, "product": "NRML", "quantity": -1,
        "multiplier": 1000, "average_price": 161.05, "last_price": 161.05, "pnl": -3.5,
    }  # fmt: skip
    (position,) = read_positions({"net": [row], "day": []})
    assert (position.instrument, position.quantity, position.multiplier, position.pnl) == ("MCX:LEADMINI17DECFUT", -1, 1000.0, -3.5)


def test_a_cancelled_order_tells_what_filled() -> None:
    row = {
        "order_id": "1", "exchange": "NSE", "tradingsymbol": "SBIN", "status": "CANCELLED", "transaction_type": "BUY",
        "order_type": "LIMIT",
        "product": "CNC", "quantity": 10, "filled_quantity": 4, "tag": None, "status_message": None, "order_timestamp": None,
    }  # fmt: skip
    (order,) = read_orders([row])
    assert (order.side, order.filled_quantity, order.message, order.ordered_at) == ("buy", 4, "", None)


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize(
    "data", [pytest.param(5, id="a number"), pytest.param([[]], id="a list of lists"), pytest.param({"net": 1}, id="an object")]
)
def test_data_of_another_shape_is_a_bad_reply(name: str, data: Any) -> None:
    with pytest.raises(BadReply):
        READERS[name](data)


def test_a_price_that_is_none_is_a_bad_reply() -> None:
    row = {
        "trade_id": "1",
        "order_id": "2",
        "exchange": "NSE",
        "tradingsymbol": "SBIN",
        "transaction_type": "BUY",
        "product": "CNC",
        "quantity": 1,
    }
    with pytest.raises(BadReply, match="average_price"):
        read_trades([row | {"average_price": "NaN"}])


@pytest.mark.parametrize("name", list(READERS))
def test_the_brokers_own_examples_are_read(realdata: Path, name: str) -> None:
    data = json.loads((realdata / "kite-mocks" / f"{name}.json").read_text())["data"]
    found = READERS[name](data)
    if isinstance(data, list):
        assert len(found) == len(data)
    elif name == "positions":
        assert [row.pnl for row in found] == [row["pnl"] for row in data["net"]]
    elif name == "margins":
        assert found["equity"].net == data["equity"]["net"]
    else:
        assert found.user_id == data["user_id"]
