from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest


def texts(at: AppTest) -> str:
    return "\n".join(str(each.value) for each in [*at.markdown, *at.caption, *at.title, *at.subheader])


def test_an_empty_store_offers_the_sample_market_and_nothing_else(empty_store: Any, open_page: Any) -> None:
    at = open_page(empty_store, "")
    assert not at.exception
    assert [button.label for button in at.button] == ["Load the sample market"]
    assert "No prices are stored yet" in texts(at)
    assert not at.dataframe


def test_a_small_store_shows_its_series_with_what_is_simulated(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "")
    assert not at.exception
    table = at.dataframe[0].value
    assert len(table) == 5
    assert set(table["Origin"]) == {"SIMULATED", "real"}
    assert table.loc[table["Instrument"] == small.stock, "Last"].tolist() == ["2026-11-20", "2026-11-20"]
    assert "1 real and 3 simulated instruments are stored." in texts(at)


def test_the_latest_runs_are_there_with_their_result_and_label(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "")
    labels = [link.value for link in at.page_link]
    assert any(small.stock in label and "ema_cross" in label for label in labels)
    assert ":orange-badge[SIMULATED] :small[1d, 2021" in texts(at)


def test_the_header_says_the_time_in_india_and_what_the_market_does(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "")
    assert "Fri 20 Nov 2026, 12:00 IST" in at.markdown[0].value
    assert ":green-badge[NSE open] to 15:15" in at.markdown[0].value
    assert ":orange-badge[SIMULATED] data to 2026-11-20 15:29" in at.markdown[0].value


def test_loading_the_sample_market_fills_the_store(empty_store: Any, open_page: Any) -> None:
    at = open_page(empty_store, "")
    at.button(key="load_demo").click().run()
    assert not at.exception
    assert not at.button
    assert len(at.dataframe[0].value) > 20
    assert len(empty_store.control.runs()) == 2
