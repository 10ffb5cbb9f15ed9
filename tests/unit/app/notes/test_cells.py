from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.app.notes import cells
from qts.app.notes.cells import NotRead
from qts.core import Exchange, Side
from qts.market.reconciliation import Family

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("1234.50", "1234.50", id="plain"),
        pytest.param("₹ 1,23,456.50", "123456.50", id="rupee sign and lakh commas"),
        pytest.param("Rs. 1,234", "1234", id="Rs with a dot"),
        pytest.param("INR 5", "5", id="INR"),
        pytest.param("1,234,567.8", "1234567.8", id="commas by thousands"),
        pytest.param("(1,234.50)", "-1234.50", id="brackets mean minus"),
        pytest.param("-5.5", "-5.5", id="minus"),
        pytest.param("\u22125.5", "-5.5", id="typographic minus"),
        pytest.param("12.30 Dr", "-12.30", id="debit"),
        pytest.param("12.30 Cr", "12.30", id="credit"),
        pytest.param(".5", "0.5", id="no leading zero"),
        pytest.param("1e3", "1000", id="exponent"),
    ],
)
def test_an_amount_is_read_as_files_write_it(text: str, number: str) -> None:
    assert cells.amount(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "-", "--", " NA ", "nil", "₹"])
def test_no_figure_is_none(text: str) -> None:
    assert cells.amount(text) is None


@pytest.mark.parametrize("text", ["1,50", "1.234,50", "12,34", "abc", "1.2.3", "0x10", "inf", "1e999", "9" * 40, "1e400", "٣"])
def test_what_is_no_amount_is_refused_and_never_guessed(text: str) -> None:
    with pytest.raises(NotRead, match=r"number|larger"):
        cells.amount(text)


@given(number=st.decimals(min_value=0, max_value=10**12, places=2))
def test_reading_what_was_written_gives_it_back(number: Decimal) -> None:
    assert cells.amount(f"₹{number:,}") == number


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04",
        "04/03/2026",
        "04-03-2026",
        "04.03.2026",
        "04-Mar-2026",
        "4 March 2026",
        "2026-03-04T09:20:00",
        "04/03/2026 09:20",
        "20260304",
    ],
)
def test_a_date_has_its_day_before_its_month(text: str) -> None:
    assert cells.day(text, TODAY) == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("03/25/2026", "no date"),
        ("yesterday", "no date"),
        ("2027-01-01", "future"),
        ("1970-01-01", "before"),
        ("2026-02-30", "no date"),
        ("", "no date"),
    ],
)
def test_what_is_no_date_of_a_trade_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotRead, match=why):
        cells.day(text, TODAY)


@pytest.mark.parametrize(("text", "side"), [("buy", Side.BUY), ("B", Side.BUY), ("SELL", Side.SELL), ("s", Side.SELL)])
def test_a_side_is_read(text: str, side: Side) -> None:
    assert cells.side(text) is side


def test_a_side_that_is_none_is_refused() -> None:
    with pytest.raises(NotRead, match="neither buy nor sell"):
        cells.side("hold")


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("EQ", Family.EQ),
        ("F&O", Family.FO),
        ("NSE - Capital", Family.EQ),
        ("NSE-FO", Family.FO),
        ("Futures and Options", Family.FO),
        ("Currency", Family.CDS),
        ("Commodity", Family.COM),
        ("MCX", Family.COM),
        ("BSE", Family.EQ),
        ("NCL-Cash", Family.EQ),
        ("moon", None),
    ],
)
def test_a_segment_is_known_by_its_names(text: str, family: Family | None) -> None:
    assert cells.family(text) is family


@pytest.mark.parametrize(
    ("text", "family", "exchange"),
    [
        ("NSE", Family.FO, Exchange.NFO),
        ("BSE", Family.FO, Exchange.BFO),
        ("nse", None, Exchange.NSE),
        ("NSE", Family.CDS, Exchange.CDS),
        ("BSE", Family.CDS, Exchange.BCD),
        ("NSE", Family.COM, Exchange.NCO),
        ("MCX", Family.COM, Exchange.MCX),
        ("NFO", Family.FO, Exchange.NFO),
    ],
)
def test_the_exchange_is_the_houses_market_for_the_segment(text: str, family: Family | None, exchange: Exchange) -> None:
    assert cells.exchange(text, family) is exchange


@pytest.mark.parametrize(("text", "family"), [("NYSE", None), ("SIM", None), ("INDEX", None), ("MCX", Family.EQ), ("", None)])
def test_an_exchange_that_bills_nothing_is_refused(text: str, family: Family | None) -> None:
    with pytest.raises(NotRead):
        cells.exchange(text, family)


@pytest.mark.parametrize("text", ["2.2e-17", "1e-400", "-3E-15", "0.0000000000001"])
def test_noise_of_floats_is_zero(text: str) -> None:
    assert cells.amount(text) == 0
    assert cells.amount("1e-12") == Decimal("1e-12")
