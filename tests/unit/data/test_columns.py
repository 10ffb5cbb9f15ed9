from __future__ import annotations

import pytest

from qts.core.errors import BadFile, BadParameter, NotPrices
from qts.data.columns import detect_columns, shown
from qts.data.layout import Field
from qts.data.tables import Container, Table


def table(*columns: str) -> Table:
    return Table(label="x.csv", name="x.csv", container=Container.CSV, columns=columns, sample=(), batches=lambda _names: iter(()))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param("Date Open High Low Close Volume", "Date Open High Low Close Volume", id="plain"),
        pytest.param("<DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <VOL>", "<DATE> <OPEN> <HIGH> <LOW> <CLOSE> <VOL> <TIME>", id="brackets"),
        pytest.param("timestamp o h l c v", "timestamp o h l c v", id="single letters"),
        pytest.param("#1 Open High Low Close Volume", "#1 Open High Low Close Volume", id="an index of pandas without a name"),
        pytest.param("Date Open High Low Close Adj_Close Volume", "Date Open High Low Close Volume", id="close and not adjusted close"),
        pytest.param("time open high low close", "time open high low close", id="time alone is the date"),
        pytest.param(
            "ts symbol open high low close cum_volume volume", "ts open high low close volume symbol", id="volume and not its sum"
        ),
    ],
)
def test_columns_are_known_by_the_names_vendors_use(columns: str, expected: str) -> None:
    assert sorted(detect_columns(table(*columns.split()), {}).values()) == sorted(expected.split())


def test_names_of_several_words_are_known() -> None:
    found = detect_columns(
        table("Trade Date", "Open Price", "High Price", "Low Price", "Close Price", "Total Traded Quantity", "OI", "Scrip"), {}
    )
    assert found[Field.DATE] == "Trade Date"
    assert found[Field.VOLUME] == "Total Traded Quantity"
    assert found[Field.SYMBOL] == "Scrip"
    assert found[Field.OI] == "OI"


@pytest.mark.parametrize("mapping", [{"close": "Settle"}, {"Settle": "close"}, {"CLOSE": "settle "}])
def test_a_mapping_goes_before_names_in_either_direction(mapping: dict[str, str]) -> None:
    found = detect_columns(table("date", "open", "high", "low", "close", "Settle"), mapping)
    assert found[Field.CLOSE] == "Settle"


def test_a_mapped_column_is_not_taken_twice() -> None:
    found = detect_columns(table("date", "open", "high", "low", "close", "last"), {"open": "close"})
    assert (found[Field.OPEN], found[Field.CLOSE]) == ("close", "last")


def test_a_mapping_to_nothing_names_what_there_is() -> None:
    with pytest.raises(BadFile, match="has no column 'Settle'") as caught:
        detect_columns(table("date", "open"), {"close": "Settle"})
    assert "date, open" in caught.value.hint
    with pytest.raises(BadParameter, match="names no field"):
        detect_columns(table("date", "open"), {"shut": "Settle"})


@pytest.mark.parametrize(
    ("columns", "message", "hint"),
    [
        pytest.param("day first_price", "none for open, high, low, close", "--map open='day'", id="wrong columns"),
        pytest.param("timestamp ltp volume", "holds ticks", "Resample", id="ticks"),
        pytest.param("instrument_token tradingsymbol last_price", "list of instruments", "price files", id="instruments"),
        pytest.param("2024-01-02 1 2 0.5 1.5", "has no column names", "line such as date,open", id="no header"),
    ],
)
def test_what_is_missing_is_named_with_the_way_out(columns: str, message: str, hint: str) -> None:
    with pytest.raises(NotPrices, match=message) as caught:
        detect_columns(table(*columns.split()), {})
    assert hint in caught.value.hint


def test_many_and_long_names_are_shortened() -> None:
    assert shown(tuple("abcdefghijklmnopqrstuvw")).endswith("t and 3 more")
    assert len(shown(("x" * 300,))) == 38
