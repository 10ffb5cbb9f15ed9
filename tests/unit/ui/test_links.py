from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qts.ui.links import RunLink, SeriesLink, run_link, run_query, series_query


@given(run=some.text("0123456789abcdef", min_size=1), trade=some.none() | some.integers(0, 10**9))
def test_a_run_link_survives_the_address(run: str, trade: int | None) -> None:
    link = RunLink(run=run, trade=trade)
    assert run_link(run_query(link)) == link


@pytest.mark.parametrize("query", [{}, {"run": ""}, {"run": "  "}, {"trade": "3"}])
def test_no_run_is_no_link(query: dict[str, str]) -> None:
    assert run_link(query) is None


@pytest.mark.parametrize("trade", ["x", "-1", "1.5", "", "\uff11"])
def test_a_trade_that_is_no_number_is_left_out(trade: str) -> None:
    assert run_link({"run": "abc", "trade": trade}) == RunLink(run="abc")


def test_a_series_link_names_instrument_and_interval() -> None:
    assert series_query(SeriesLink(instrument="NSE:M&M", interval="5m")) == {"instrument": "NSE:M&M", "interval": "5m"}
