from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qts.core import IST, InstrumentId
from qts.core.errors import BadReply
from qts.data.kite import read_quotes

INFY = InstrumentId("NSE:INFY")
WHOLE: dict[str, Any] = {
    "instrument_token": 408065,
    "timestamp": "2021-06-08 15:45:56",
    "last_trade_time": "0001-01-01 00:00:00",
    "last_price": 1412.95,
    "volume": 7360198,
    "average_price": 0,
    "oi": 0,
    "lower_circuit_limit": 1250.7,
    "upper_circuit_limit": 1528.6,
    "ohlc": {"open": 1396, "high": 1421.75, "low": 1395.55, "close": 1389.65},
    "depth": {"buy": [{"price": 1412.9, "quantity": 10, "orders": 2}], "sell": []},
    "a field of the future": 1,
}
BAD_BIDS = [{"price": price, "quantity": 1, "orders": 1} for price in (1400, 1412)]
FAR_ASKS = [{"price": price, "quantity": 1, "orders": 1} for price in (1413, 141_300)]


def test_a_whole_quote() -> None:
    quote = read_quotes({"NSE:INFY": WHOLE})[INFY]
    assert (quote.last_price, quote.open, quote.close, quote.volume, quote.upper_limit) == (1412.95, 1396.0, 1389.65, 7360198, 1528.6)
    assert quote.at == datetime(2021, 6, 8, 15, 45, 56, tzinfo=IST)
    assert (quote.average_price, quote.traded_at) == (None, None)
    assert [(level.price, level.quantity, level.orders) for level in quote.bids] == [(1412.9, 10, 2)]


def test_a_last_price_alone() -> None:
    quote = read_quotes({"NSE:INFY": {"instrument_token": 408065, "last_price": 1074.35}})[INFY]
    assert (quote.token, quote.last_price, quote.open, quote.bids) == (408065, 1074.35, None, ())


def test_one_that_has_never_traded_is_absent_and_the_others_are_not() -> None:
    assert list(read_quotes({"NFO:NEW": {"instrument_token": 258, "last_price": 0}, "NSE:INFY": WHOLE})) == [INFY]


def test_an_unknown_instrument_is_absent() -> None:
    assert read_quotes({}) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"last_price": -1}, "last_price", id="a negative price"),
        pytest.param({"last_price": None}, "last_price", id="no price"),
        pytest.param({"volume": -5}, "volume", id="a negative volume"),
        pytest.param({"ohlc": {"open": 5, "high": 3, "low": 2, "close": 1}}, "does not hold its prices", id="an open outside the range"),
        pytest.param({"last_price": 1500}, "does not hold its prices", id="a last price above the day's high"),
        pytest.param({"average_price": 14}, "does not hold its prices", id="an average far below the day's low"),
        pytest.param({"depth": {"buy": BAD_BIDS, "sell": []}}, "begin with the best", id="bids that rise"),
        pytest.param({"depth": {"buy": [], "sell": FAR_ASKS}}, "out of all proportion", id="an order at a hundred times the price"),
        pytest.param({"timestamp": "yesterday"}, "timestamp", id="a date in words"),
        pytest.param({"instrument_token": "408065x"}, "instrument_token", id="a token with letters"),
    ],
)
def test_a_quote_that_cannot_be_is_a_bad_reply(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadReply, match=reason):
        read_quotes({"NSE:INFY": WHOLE | change})


def test_data_of_another_shape_is_a_bad_reply() -> None:
    with pytest.raises(BadReply, match="no table"):
        read_quotes([])


@pytest.mark.parametrize("name", ["kite-mocks/quote.json", "kite-mocks/ltp.json", "kite_mocks_more/ohlc.json"])
def test_the_brokers_own_examples_are_read(realdata: Path, name: str) -> None:
    data = json.loads((realdata / name).read_text())["data"]
    assert read_quotes(data)[INFY].last_price == data["NSE:INFY"]["last_price"]
