"""Expiry of monthly contracts: the weekday of the time, moved back from a holiday."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange
from qts.market.listing.expiry import index_names, monthly_expiry, named_underlyings
from qts.market.sessions import is_session

NFO, BFO, CDS = Exchange.NFO, Exchange.BFO, Exchange.CDS


@pytest.mark.parametrize(
    ("exchange", "underlying", "expected"),
    [
        pytest.param(NFO, "NIFTY", "2023-07-27", id="NSE ended on the last Thursday"),
        pytest.param(NFO, "NIFTY", "2023-06-28", id="a Thursday that is a holiday moves to Wednesday"),
        pytest.param(NFO, "BANKNIFTY", "2024-04-24", id="BANKNIFTY ended on Wednesday in 2024"),
        pytest.param(NFO, "BANKNIFTY", "2025-01-30", id="and on Thursday again from 2025"),
        pytest.param(NFO, "RELIANCE", "2025-08-28", id="the last Thursday of shares"),
        pytest.param(NFO, "RELIANCE", "2025-09-30", id="Tuesday from September 2025"),
        pytest.param(NFO, "NIFTY", "2026-11-23", id="Tuesday 24 November 2026 is a holiday"),
        pytest.param(NFO, "NIFTY", "2029-12-24", id="Christmas is known beyond the table of holidays"),
        pytest.param(BFO, "SENSEX", "2024-11-29", id="SENSEX ended on Friday"),
        pytest.param(BFO, "BANKEX", "2024-11-25", id="BANKEX ended on Monday"),
        pytest.param(BFO, "SENSEX", "2025-03-25", id="BSE on Tuesday from 2025"),
        pytest.param(BFO, "BANKEX", "2026-08-27", id="BSE on Thursday from September 2025"),
        pytest.param(CDS, "USDINR", "2021-06-28", id="currencies two working days before the last one"),
    ],
)
def test_expiry_of_a_month(exchange: Exchange, underlying: str, expected: str) -> None:
    day = date.fromisoformat(expected)
    assert monthly_expiry(exchange, underlying, day.replace(day=1)) == day
    assert monthly_expiry(exchange, underlying, day) == day


def test_where_no_rule_is_on_record_the_expiry_is_not_known() -> None:
    assert monthly_expiry(Exchange.MCX, "CRUDEOIL", date(2024, 1, 1)) is None
    assert monthly_expiry(NFO, "NIFTY", date(1999, 1, 1)) is None


@given(st.dates(date(2001, 1, 1), date(2035, 12, 31)), st.sampled_from(["NIFTY", "BANKNIFTY", "RELIANCE", "MIDCPNIFTY"]))
def test_an_expiry_is_a_session_in_the_last_days_of_its_month(month: date, underlying: str) -> None:
    expiry = monthly_expiry(NFO, underlying, month)
    assert expiry is not None
    assert is_session(NFO, expiry)
    assert (expiry.year, expiry.month) == (month.year, month.month)
    assert (expiry + timedelta(days=14)).month != month.month


def test_indices_are_named_by_exchange() -> None:
    assert "NIFTY" in index_names(NFO)
    assert "SENSEX" not in index_names(NFO)
    assert {"SENSEX", "BANKEX"} <= index_names(BFO)
    assert "USDINR" in named_underlyings(CDS)
    assert "USDINR" not in index_names(CDS)
