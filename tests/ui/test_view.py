from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest


def test_an_empty_store_offers_the_sample_market(empty_store: Any, open_page: Any) -> None:
    at = open_page(empty_store, "view")
    assert not at.exception
    assert [button.label for button in at.button] == ["Load the sample market"]


def test_a_series_shows_with_its_label_and_newest_bar_first(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "view", instrument=small.stock)
    assert not at.exception
    assert any(each.value.startswith(":orange-badge[SIMULATED]") and "times in IST" in each.value for each in at.markdown)
    table = at.dataframe[0].value
    info = next(each for each in small.workspace.store.series() if each.key.instrument == small.stock and each.key.interval == "1d")
    assert table["Date"].iloc[0] == "2026-11-20"
    assert table["Close"].iloc[0] == info.last_close


def test_the_address_names_interval_range_and_indicators(small: Any, open_page: Any) -> None:
    query = {"instrument": small.stock, "interval": "1m", "range": "1M", "ind": ["sma:50", "rsi:14"]}
    at = open_page(small.workspace, "view", **query)
    assert not at.exception
    assert at.multiselect(key="ind").value == ["sma:50", "rsi:14"]
    assert "Opened (IST)" in at.dataframe[0].value.columns
    assert any("Showing the last 5,000 of" in each.value for each in at.caption)


def test_another_interval_is_one_click_away(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "view", instrument=small.stock)
    at.get_by_key("interval").set_value("1m").run()
    assert not at.exception
    assert "Opened (IST)" in at.dataframe[0].value.columns


def test_an_indicator_that_is_none_is_named(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "view", instrument=small.stock, ind=["emma:9"])
    assert not at.exception
    assert any("Not an indicator" in each.value for each in at.warning)


def test_an_unknown_instrument_in_the_address_is_named(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "view", instrument="NSE:NOSUCH")
    assert not at.exception
    assert "Nothing is stored under NSE\\:NOSUCH" in at.error[0].value


@pytest.mark.parametrize("span", ["1M", "3M", "6M", "1Y", "3Y", "5Y", "Max"])
def test_every_range_draws(small: Any, open_page: Any, span: str) -> None:
    at = open_page(small.workspace, "view", instrument=small.stock, range=span)
    assert not at.exception
    assert not at.error


def test_exports_are_offered_and_say_simulated(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "view", instrument=small.stock)
    assert [each.proto.label for each in at.get("download_button")] == ["CSV", "PARQUET"]


def test_an_indicator_knows_what_came_before_the_range(small: Any, open_page: Any) -> None:
    lines: list[list[float]] = []
    for span in ("3M", "Max"):
        at = open_page(small.workspace, "view", instrument=small.stock, range=span, ind=["sma:50"])
        assert not at.exception
        blobs = at.get("bidi_component")[0].proto.mixed.arrow_blobs
        lines += [pa.ipc.open_stream(blob.data).read_all()["line0"].to_pylist() for blob in blobs.values() if b"line0" in blob.data]
    short, whole = lines
    assert short == whole[-len(short) :]
    assert not any(math.isnan(value) for value in short)


def test_outputs_of_one_indicator_are_drawn_in_one_pane(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "view", instrument=small.stock, ind=["macd:12:26:9", "rsi:14"])
    assert not at.exception
    lines = json.loads(at.get("bidi_component")[0].proto.mixed.json)["lines"]
    assert [line["pane"] for line in lines] == ["MACD 12 26 9"] * 3 + ["RSI 14"]
