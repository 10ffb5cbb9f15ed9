"""The words of published examples, in the spellings that calculators, brokers and people use."""

from __future__ import annotations

import pytest

from qts.core import Exchange, Side
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment, Settlement, SttClass
from qts.market.charges.example_words import (
    is_gst_part,
    is_line_named,
    line_named,
    plain,
    segment_named,
    segment_told,
    settlement_named,
    side_named,
    stt_class_named,
    texts_of,
)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("stt", "stt"),
        ("STT", "stt"),
        ("transaction_tax", "stt"),
        ("exchange_turnover_charge", "exchange"),
        ("Exchange transaction charges", "exchange"),
        ("sebi_turnover_charge", "sebi"),
        ("stamp_duty", "stamp"),
        ("stamp_unrounded", "stamp_exact"),
        ("stt_exact", "stt_exact"),
        ("service tax", "gst"),
        ("DP charges", "dp"),
        ("Total tax and charges", "total"),
        ("Points to breakeven", "break_even"),
        ("net_pnl", "net"),
        ("swachh_bharat", "swachh_bharat"),
    ],
)
def test_line_is_known_by_its_usual_names(field: str, expected: str) -> None:
    assert line_named(field) == expected


@pytest.mark.parametrize(
    ("field", "expected"), [("stt", True), ("gst_exact", True), ("igst", True), ("stt_intraday", True), ("note", False)]
)
def test_names_of_figures_are_told_from_remarks(field: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_line_named(field) is expected


def test_parts_of_gst_are_its_three_taxes() -> None:
    assert [name for name in ("CGST", "sgst", "igst", "gst") if is_gst_part(name)] == ["CGST", "sgst", "igst"]


@pytest.mark.parametrize(
    ("text", "exchange", "expected"),
    [
        ("equity_futures", "NSE", "equity_futures"),
        ("Equity-Futures", "NFO", "equity_futures"),
        ("futures", "NFO", "equity_futures"),
        ("futures", "MCX", "commodity_futures"),
        ("options", "CDS", "currency_options"),
        ("index options", "BSE", "equity_options"),
        ("mcx_futures", "MCX", "commodity_futures"),
        ("currency futures", "NSE", "currency_futures"),
        ("FUT", "BFO", "equity_futures"),
        ("delivery", "NSE", "equity_delivery"),
        ("CNC", "BSE", "equity_delivery"),
        ("etf_delivery", "NSE", "equity_delivery"),
        ("etf_intraday", "NSE", "equity_intraday"),
        ("intraday", "NSE", "equity_intraday"),
        ("MIS", "NSE", "equity_intraday"),
    ],
)
def test_segment_is_known_by_its_usual_names(text: str, exchange: str, expected: str) -> None:
    assert segment_named(text, Exchange(exchange)) == expected


def test_segment_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadParameter, match="no such segment") as caught:
        segment_named("moon", Exchange.NSE)
    assert "equity_delivery" in caught.value.hint


@pytest.mark.parametrize(
    ("product", "symbol", "exchange", "expected"),
    [
        ("CNC", "SBIN", "NSE", ChargeSegment.EQUITY_DELIVERY),
        ("MIS", "SBIN", "BSE", ChargeSegment.EQUITY_INTRADAY),
        ("NRML", "GOLDPETAL23JULFUT", "MCX", ChargeSegment.COMMODITY_FUTURES),
        ("MIS", "NIFTY2371317900PE", "NFO", ChargeSegment.EQUITY_OPTIONS),
        ("NRML", "NIFTY23JUL20600CE", "NFO", ChargeSegment.EQUITY_OPTIONS),
        ("", "USDINR24NOVFUT", "CDS", ChargeSegment.CURRENCY_FUTURES),
        ("", "SBIN", "NSE", None),
        ("NRML", "RELIANCE", "NFO", None),
        ("", "", "NFO", None),
    ],
)
def test_segment_is_told_by_product_and_symbol(product: str, symbol: str, exchange: str, expected: ChargeSegment | None) -> None:
    assert segment_told(product, symbol, Exchange(exchange)) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("BUY", Side.BUY), ("b", Side.BUY), ("Bought", Side.BUY), ("sell", Side.SELL), ("S", Side.SELL), ("hold", None)]
)
def test_side_is_known_by_its_usual_names(text: str, expected: Side | None) -> None:
    assert side_named(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exercised", Settlement.EXERCISED),
        ("EXERCISE", Settlement.EXERCISED),
        ("equity_options_exercised", Settlement.EXERCISED),
        ("expired worthless", Settlement.EXPIRED),
        ("assignment", Settlement.ASSIGNED),
        ("physical delivery", Settlement.DELIVERED),
        ("netted-off", Settlement.NETTED),
        ("equity_delivery", None),
        ("weekly expiry", None),
    ],
)
def test_end_of_a_contract_is_known_by_its_usual_names(text: str, expected: Settlement | None) -> None:
    assert settlement_named(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("equity_etf", SttClass.EQUITY_ETF),
        ("Equity-oriented fund", SttClass.EQUITY_ETF),
        ("gold_etf", SttClass.OTHER_ETF),
        ("non-equity", SttClass.OTHER_ETF),
        ("share", SttClass.SHARE),
        ("equity_delivery", None),
    ],
)
def test_fund_is_known_by_its_usual_names(text: str, expected: SttClass | None) -> None:
    assert stt_class_named(text) is expected


def test_words_are_read_where_they_are_texts() -> None:
    assert list(texts_of({"a": " x ", "b": 1, "c": "", "d": None}, "d", "c", "b", "a", "e")) == ["x"]
    assert plain("  F&O / Futures ") == "f_o_futures"
