from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Trader


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"tradingsymbol": "NOBODY"}, "tradingsymbol", id="what is not listed"),
        pytest.param({"tradingsymbol": "NIFTY 50"}, "tradingsymbol", id="an index"),
        pytest.param({"transaction_type": "HOLD"}, "transaction_type", id="a side that is none"),
        pytest.param({"order_type": "STOP"}, "order_type", id="a kind that is none"),
        pytest.param({"product": "NRML"}, "product", id="a product of contracts"),
        pytest.param({"quantity": 0}, "quantity", id="nothing"),
        pytest.param({"quantity": "many"}, "quantity", id="a word for a number"),
        pytest.param({"order_type": "LIMIT", "price": 1.02}, "price", id="a price between two ticks"),
        pytest.param({"order_type": "LIMIT"}, "price", id="a limit without a price"),
        pytest.param({"order_type": "SL-M"}, "trigger_price", id="a stop without a trigger"),
        pytest.param({"market_protection": 0}, "market protection", id="a market order without protection"),
        pytest.param({"market_protection": 101}, "market protection", id="more protection than all"),
        pytest.param({"tag": "not a tag"}, "tag", id="a tag with blanks"),
        pytest.param({"validity": "GTC"}, "validity", id="a validity that is none"),
        pytest.param({"validity": "TTL", "validity_ttl": 0}, "validity_ttl", id="no time to live"),
        pytest.param({"variety": "co"}, "not simulated", id="a variety that is not simulated"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_enters_no_book(trader: Trader, changes: dict[str, str], message: str) -> None:
    status, said = trader.place("BUY", **changes)  # type: ignore[arg-type]  # fields of the form
    assert (status, message in said) == (400, True), said
    assert trader.ask("GET", "/orders")[1] == []
