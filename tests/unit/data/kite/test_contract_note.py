from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qts.core import InstrumentId
from qts.core.errors import AuthExpired, BadReply
from qts.data.kite import BrokerOrder, BrokerTrade, Reply, executed_orders, read_contract_note

ROW = {
    "exchange": "NSE", "tradingsymbol": "SBIN", "transaction_type": "BUY", "product": "CNC", "quantity": 1, "price": 560,
    "charges": {
        "transaction_tax": 0.56, "exchange_turnover_charge": 0.01876, "sebi_turnover_charge": 0.00056, "brokerage": 0, "stamp_duty": 0,
        "gst": {"total": 0.0033768}, "total": 0.5826968,
    },
}  # fmt: skip


def reply(data: Any, status: int = 200, **more: Any) -> Reply:
    return Reply(status=status, body=json.dumps({"status": "success", "data": data} | more).encode())


def trade(order_id: str, quantity: int, price: float) -> BrokerTrade:
    name = InstrumentId("NSE:SBIN")
    return BrokerTrade(
        trade_id="1", order_id=order_id, instrument=name, side="buy", product="CNC", quantity=quantity, price=price, filled_at=None
    )


def order(order_id: str) -> BrokerOrder:
    return BrokerOrder(
        order_id=order_id, variety="amo", instrument=InstrumentId("NSE:SBIN"), status="COMPLETE", side="buy", kind="MARKET", product="CNC",
        quantity=4, filled_quantity=4, price=0.0, trigger_price=0.0, average_price=0.0, ordered_at=None, message="", tag="",
    )  # fmt: skip


def test_fills_of_one_order_are_billed_together_at_their_average_price() -> None:
    found = executed_orders([trade("7", 1, 100.0), trade("8", 5, 10.0), trade("7", 3, 101.0)], [order("7")])
    assert [(one.order_id, one.quantity, one.average_price, one.variety, one.kind) for one in found] == [
        ("7", 4, 100.75, "amo", "MARKET"),
        ("8", 5, 10.0, "regular", "LIMIT"),
    ]
    assert found[0].row() == {
        "order_id": "7", "exchange": "NSE", "tradingsymbol": "SBIN", "transaction_type": "BUY", "variety": "amo", "product": "CNC",
        "order_type": "MARKET", "quantity": 4, "average_price": 100.75,
    }  # fmt: skip


def test_a_note_keeps_the_lines_and_the_text_they_came_in() -> None:
    note = read_contract_note(reply([ROW]), n_orders=1)
    (found,) = note.orders
    assert (found.instrument, found.side, found.quantity, found.price) == ("NSE:SBIN", "buy", 1, 560.0)
    assert (found.charges.stt, found.charges.gst, found.charges.total) == (0.56, 0.0033768, 0.5826968)
    assert '"total": 0.5826968' in note.text


def test_the_brokers_example_is_read(realdata: Path) -> None:
    body = (realdata / "kite_mocks_more" / "virtual_contract_note.json").read_bytes()
    note = read_contract_note(Reply(status=200, body=body), n_orders=3)
    assert [str(one.instrument) for one in note.orders] == ["NSE:SBIN", "MCX:GOLDPETAL23JULFUT", "NFO:NIFTY2371317900PE"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([], id="no order of one"),
        pytest.param([ROW, ROW], id="two orders of one"),
        pytest.param({"orders": [ROW]}, id="no list"),
        pytest.param([ROW | {"charges": {}}], id="no charges"),
        pytest.param([ROW | {"price": "high"}], id="a word for a price"),
    ],
)
def test_what_is_no_note_is_refused(data: Any) -> None:
    with pytest.raises(BadReply):
        read_contract_note(reply(data), n_orders=1)


def test_an_error_of_the_broker_is_told_as_one() -> None:
    body = json.dumps({"status": "error", "error_type": "TokenException", "message": "dead"}).encode()
    with pytest.raises(AuthExpired):
        read_contract_note(Reply(status=403, body=body), n_orders=1)
