from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qts.app.notes import read_reply
from qts.core import Exchange, Side
from qts.core.errors import BadFile
from qts.market.charges import ChargeSegment, RoundingMode

CHARGES = {
    "transaction_tax": 0.1,
    "exchange_turnover_charge": 0.02,
    "sebi_turnover_charge": 0.0001,
    "brokerage": 0,
    "stamp_duty": 0,
    "gst": {"igst": 0.0036, "cgst": 0, "sgst": 0, "total": 0.0036},
    "total": 0.1237,
}
ORDER = {
    "transaction_type": "BUY",
    "tradingsymbol": "SBIN",
    "exchange": "NSE",
    "product": "CNC",
    "quantity": 1,
    "price": 100,
    "charges": CHARGES,
}


def reply(*orders: Any) -> str:
    return json.dumps({"status": "success", "data": list(orders)})


def test_a_virtual_contract_note_is_read() -> None:
    found = read_reply("vcn.json", reply(ORDER, {**ORDER, "product": "MIS", "transaction_type": "SELL"}))
    assert (found.format, found.mode) == ("virtual contract note", RoundingMode.API)
    assert [(one.row, one.on, one.side, one.segment) for one in found.trades] == [
        (1, None, Side.BUY, ChargeSegment.EQUITY_DELIVERY),
        (2, None, Side.SELL, ChargeSegment.EQUITY_INTRADAY),
    ]
    assert found.stated[0].amounts == {
        "stt": Decimal("0.1"),
        "exchange": Decimal("0.02"),
        "sebi": Decimal("0.0001"),
        "brokerage": Decimal(0),
        "stamp": Decimal(0),
        "total": Decimal("0.1237"),
        "gst": Decimal("0.0036"),
    }


def test_the_parts_of_gst_are_added_up_where_the_reply_has_no_sum() -> None:
    gst = {"cgst": 0.0018, "sgst": 0.0018}
    found = read_reply("vcn.json", reply({**ORDER, "charges": {**CHARGES, "gst": gst}}))
    assert found.stated[0].amounts["gst"] == Decimal("0.0036")


def test_margins_say_neither_size_nor_side() -> None:
    order = {"tradingsymbol": "INFY", "exchange": "NSE", "type": "equity", "charges": CHARGES}
    found = read_reply("margins.json", reply(order))
    assert found.format == "order margins"
    unsized = found.stated[0].unsized
    assert unsized is not None
    assert unsized.segments == (ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY)


def test_a_baskets_orders_are_read_and_its_sum_is_said_to_be_left_out() -> None:
    order = {"tradingsymbol": "NIFTY23JUL20600CE", "exchange": "NFO", "charges": CHARGES}
    found = read_reply("basket.json", json.dumps({"data": {"initial": {}, "orders": [order], "charges": CHARGES}}))
    assert found.format == "basket margins"
    assert found.stated[0].unsized is not None
    assert found.stated[0].unsized.exchange is Exchange.NFO
    assert any("basket" in note for note in found.notes)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        pytest.param({**ORDER, "quantity": -1}, "quantity above zero", id="negative quantity"),
        pytest.param({**ORDER, "quantity": 0}, "quantity above zero", id="no quantity"),
        pytest.param({**ORDER, "price": None}, "price", id="no price"),
        pytest.param({**ORDER, "price": 1e14, "quantity": 1000}, "larger", id="huge"),
        pytest.param({**ORDER, "exchange": "NYSE"}, "no exchange", id="unknown exchange"),
        pytest.param({**ORDER, "transaction_type": "HOLD"}, "neither buy nor sell", id="no side"),
        pytest.param({**ORDER, "product": "MTF"}, "MTF", id="other fees"),
        pytest.param({**ORDER, "charges": {**CHARGES, "brokerage": "abc"}}, "not a number", id="text for a number"),
        pytest.param({**ORDER, "charges": {**CHARGES, "brokerage": True}}, "not a number", id="a truth for a number"),
        pytest.param({**ORDER, "charges": {}}, "no charge", id="no charges"),
        pytest.param({**ORDER, "charges": []}, "charges", id="a list for charges"),
        pytest.param({**ORDER, "tradingsymbol": "NIFTY23JUL", "exchange": "NFO"}, "FUT, CE nor PE", id="unknown contract"),
        pytest.param("text", "", id="no object"),
        pytest.param(None, "", id="null"),
    ],
)
def test_a_bad_order_is_listed_by_its_place_and_the_others_are_read(order: Any, why: str) -> None:
    found = read_reply("vcn.json", reply(ORDER, order, ORDER))
    assert [one.row for one in found.unpriced] == [2]
    assert why in found.unpriced[0].reason
    assert [one.row for one in found.trades] == [1, 3]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("{", "is not JSON", id="cut"),
        pytest.param("[" * 100_000, "is not JSON", id="deep"),
        pytest.param('{"status": "error", "message": "Incorrect api_key"}', "Incorrect api_key", id="the broker's error"),
        pytest.param('{"data": []}', "no list of orders", id="no orders"),
        pytest.param('{"data": {"a": 1}}', "no list of orders", id="another reply"),
        pytest.param("[1, 2]", "no list of orders", id="numbers"),
        pytest.param('{"data": null}', "no list of orders", id="null"),
    ],
)
def test_what_is_no_reply_with_charges_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadFile, match=why):
        read_reply("vcn.json", text)


@pytest.mark.realdata
@pytest.mark.parametrize(
    "path", ["kite_mocks_more/virtual_contract_note.json", "kite-mocks/order_margins.json", "kite-mocks/basket_margins.json"]
)
def test_the_brokers_own_examples_are_read_in_full(realdata: Path, path: str) -> None:
    found = read_reply(path, (realdata / path).read_text(encoding="utf-8"))
    assert found.unpriced == ()
    assert found.stated
