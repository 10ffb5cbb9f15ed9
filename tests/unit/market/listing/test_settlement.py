"""Settlement: the cycle by date, delivery of contracts, trade-to-trade series, and the sale of shares not yet delivered."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange, InstrumentId
from qts.core.errors import BadParameter
from qts.market.listing import btst_warning, contract_of, is_physically_settled, is_trade_to_trade, settlement_cycle, settles_on
from qts.market.listing.settlement import trade_to_trade_series
from qts.market.sessions import is_session


@pytest.mark.parametrize(
    ("exchange", "on", "n_sessions", "is_estimate"),
    [
        pytest.param(Exchange.NSE, "1996-01-02", 5, True, id="before rolling settlement"),
        pytest.param(Exchange.NSE, "2002-06-03", 3, True, id="T+3"),
        pytest.param(Exchange.NSE, "2003-04-01", 2, False, id="T+2"),
        pytest.param(Exchange.BSE, "2022-02-25", 2, True, id="while shares moved to T+1"),
        pytest.param(Exchange.NSE, "2023-01-27", 1, False, id="T+1 for all"),
        pytest.param(Exchange.SIM, "2026-11-02", 1, False, id="the simulated market has NSE's"),
        pytest.param(Exchange.NFO, "2010-01-04", 1, False, id="contracts are marked daily"),
    ],
)
def test_cycle(exchange: Exchange, on: str, n_sessions: int, *, is_estimate: bool) -> None:
    cycle = settlement_cycle(exchange, date.fromisoformat(on))
    assert (cycle.sessions, cycle.is_estimate, cycle.note != "") == (n_sessions, is_estimate, is_estimate)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param("2022-01-13", "2022-01-17", id="two sessions over a weekend"),
        pytest.param("2024-03-28", "2024-04-01", id="over a holiday and a weekend"),
        pytest.param("2026-01-30", "2026-02-01", id="a Sunday session counts"),
    ],
)
def test_a_trade_is_settled_on(on: str, expected: str) -> None:
    assert settles_on(Exchange.NSE, date.fromisoformat(on)) == date.fromisoformat(expected)


@given(st.dates(date(1995, 1, 1), date(2027, 12, 31)))
def test_a_trade_is_settled_later_and_on_a_session(on: date) -> None:
    day = settles_on(Exchange.NSE, on)
    assert day > on
    assert is_session(Exchange.NSE, day)


def test_index_levels_settle_nothing() -> None:
    with pytest.raises(BadParameter, match="exchange = INDEX"):
        settles_on(Exchange.INDEX, date(2026, 11, 2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("NFO:NIFTY26NOVFUT", False, id="an index is settled in cash"),
        pytest.param("NFO:TCS26NOVFUT", True, id="shares are delivered"),
        pytest.param("NFO:TCS19OCT2000CE", True, id="from the contracts of October 2019"),
        pytest.param("NFO:TCS19SEPFUT", None, id="while they moved in groups"),
        pytest.param("NFO:TCS18JUNFUT", False, id="before that in cash"),
        pytest.param("CDS:USDINR26NOVFUT", False, id="currencies in cash"),
        pytest.param("MCX:GOLD26DECFUT", None, id="commodities as the contract says"),
    ],
)
def test_physical_settlement(text: str, *, expected: bool | None) -> None:
    contract = contract_of(InstrumentId(text))
    assert contract is not None
    assert is_physically_settled(contract, date(2018, 6, 1)) is expected


@pytest.mark.parametrize(
    ("series", "exchange", "expected"),
    [("BE", "NSE", True), (" bz ", "SIM", True), ("EQ", "NSE", False), ("T", "BSE", True), ("T", "NSE", False), ("A", "BSE", False)],
)
def test_trade_to_trade(series: str, exchange: str, *, expected: bool) -> None:
    assert is_trade_to_trade(series, Exchange(exchange)) is expected


@pytest.mark.parametrize(
    ("bought_on", "sold_on", "is_warned"),
    [
        pytest.param("2026-11-02", "2026-11-02", False, id="the same day is intraday"),
        pytest.param("2026-11-02", "2026-11-03", True, id="the day of settlement, before delivery"),
        pytest.param("2026-11-02", "2026-11-04", False, id="after delivery"),
        pytest.param("2020-06-01", "2020-06-02", True, id="T+2: the day after"),
        pytest.param("2020-06-01", "2020-06-03", True, id="T+2: two days after"),
        pytest.param("2020-06-01", "2020-06-04", False, id="T+2: three days after"),
    ],
)
def test_a_sale_before_delivery_is_warned_of(bought_on: str, sold_on: str, *, is_warned: bool) -> None:
    sentence = btst_warning(Exchange.NSE, bought_on=date.fromisoformat(bought_on), sold_on=date.fromisoformat(sold_on))
    assert (sentence is not None) is is_warned
    if sentence is not None:
        assert bought_on in sentence
        assert "auction" in sentence


def test_a_sale_before_the_purchase_is_refused() -> None:
    with pytest.raises(BadParameter, match="is before bought_on"):
        btst_warning(Exchange.NSE, bought_on=date(2026, 11, 3), sold_on=date(2026, 11, 2))


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("NSE:XYZ-BE", "BE"),
        ("NSE:M&M-BZ", "BZ"),
        ("NSE:BAJAJ-AUTO", ""),
        ("NSE:XYZ", ""),
        ("NSE:BE", ""),
        ("NSE:XYZBE", ""),
        ("NSE:XYZ-SM", ""),
        ("BSE:XYZ-BE", ""),
        ("SIM:XYZ-BE", ""),
    ],
)
def test_only_the_end_of_a_symbol_of_nse_names_its_trade_to_trade_series(name: str, series: str) -> None:
    assert trade_to_trade_series(InstrumentId(name)) == series
