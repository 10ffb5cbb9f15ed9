from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qts.app.notes import read_table
from qts.core import Exchange, Side
from qts.core.errors import BadFile
from qts.market.charges import ChargeSegment, RoundingMode
from qts.market.reconciliation import Family, Statement

TODAY = date(2026, 11, 22)
ON = date(2026, 10, 5)
CONSOLE = (
    "symbol,isin,trade_date,exchange,segment,series,trade_type,auction,quantity,price,trade_id,order_id,order_execution_time,expiry_date"
)
SHARE = "INFY,INE009A01021,2026-10-05,NSE,EQ,EQ,buy,false,10.000000,1500.500000,1,11,2026-10-05T09:20:00,"
OPTION = "NIFTY26OCT25000CE,,2026-10-05,NSE,FO,,sell,false,75,120.5,2,12,2026-10-05T09:21:00,2026-10-27"
FUTURE = "USDINR26OCTFUT,,2026-10-05,NSE,CDS,,buy,false,1000,84.5,3,13,2026-10-05T09:22:00,2026-10-28"
COMMODITY = "GOLDM26NOVFUT,,2026-10-05,MCX,COM,,buy,false,1,121000,4,14,2026-10-05T19:22:00,2026-11-05"


def read(*lines: str) -> Statement:
    return read_table("book.csv", "\n".join(lines), today=TODAY)


def reasons(statement: Statement) -> dict[int, str]:
    return {one.row: one.reason for one in statement.unpriced}


def test_a_tradebook_of_the_console_is_read_in_all_its_segments() -> None:
    found = read(CONSOLE, SHARE, OPTION, FUTURE, COMMODITY)
    assert (found.format, found.mode, found.unpriced, found.stated) == ("tradebook", RoundingMode.CONTRACT_NOTE, (), ())
    assert [(one.row, one.exchange, one.segment, one.side, one.order_id) for one in found.trades] == [
        (2, Exchange.NSE, ChargeSegment.EQUITY_DELIVERY, Side.BUY, "11"),
        (3, Exchange.NFO, ChargeSegment.EQUITY_OPTIONS, Side.SELL, "12"),
        (4, Exchange.CDS, ChargeSegment.CURRENCY_FUTURES, Side.BUY, "13"),
        (5, Exchange.MCX, ChargeSegment.COMMODITY_FUTURES, Side.BUY, "14"),
    ]
    assert (found.trades[0].quantity, found.trades[0].price, found.trades[0].on) == (Decimal(10), Decimal("1500.5"), ON)
    assert any("multiplier" in note for note in found.notes)


def test_older_column_orders_capitals_and_names_are_read() -> None:
    found = read("Trade Date,Trade Type,Tradingsymbol,Exchange,Qty,Avg. Price,Order No,Product", "05-10-2026,S,infy,NSE,10,1500,7,MIS")
    (one,) = found.trades
    assert (one.symbol, one.side, one.segment, one.is_product_known) == ("INFY", Side.SELL, ChargeSegment.EQUITY_INTRADAY, True)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_found(separator: str) -> None:
    found = read(CONSOLE.replace(",", separator), SHARE.replace(",", separator))
    assert len(found.trades) == 1


def test_a_multiplier_or_a_value_gives_what_lots_are_worth() -> None:
    head = "symbol,trade_date,exchange,trade_type,quantity,price,order_id"
    by_multiplier = read(f"{head},multiplier", "CRUDEOIL26NOVFUT,2026-10-05,MCX,buy,2,6000,1,100").trades[0]
    by_value = read(f"{head},value", 'CRUDEOIL26NOVFUT,2026-10-05,MCX,buy,2,6000,1,"12,00,000"').trades[0]
    assert by_multiplier.notional == by_value.notional == Decimal(1_200_000)


def test_charges_beside_trades_are_added_up_per_security_and_day() -> None:
    found = read(
        f"{CONSOLE},brokerage,CGST,SGST,STT",
        f"{SHARE},₹1.00,0.09,0.09,5",
        SHARE.replace("buy", "sell").replace(",1,11,", ",9,19,") + ",2.00,0.18,0.18,6",
        f"{OPTION},20,,,3",
    )
    assert found.format == "contract note"
    assert [(one.rows, dict(one.amounts), one.pieces) for one in found.stated] == [
        ((2, 3), {"brokerage": Decimal(3), "gst": Decimal("0.54"), "stt": Decimal(11)}, 2),
        ((4,), {"brokerage": Decimal(20), "stt": Decimal(3)}, 1),
    ]


def test_a_second_section_of_names_and_amounts_is_the_charges_of_the_day() -> None:
    found = read(
        CONSOLE,
        SHARE,
        "",
        "Charges,Amount",
        "Taxable value of Supply (Brokerage),(3.62)",
        "Exchange Transaction charges,(1.11)",
        "Clearing charges,",
        '"CGST (@9% of Brok, SEBI, Trans & Clearing Charges)",(0.43)',
        '"SGST (@9% of Brok, SEBI, Trans & Clearing Charges)",(0.43)',
        "Securities Transaction Tax,(15)",
        "SEBI turnover Fees,(0.02)",
        "Stamp Duty,(2)",
    )
    (one,) = found.stated
    assert dict(one.amounts) == {
        "brokerage": Decimal("3.62"),
        "exchange": Decimal("1.11"),
        "gst": Decimal("0.86"),
        "stt": Decimal(15),
        "sebi": Decimal("0.02"),
        "stamp": Decimal(2),
    }
    assert found.unpriced == ()


def test_amounts_under_the_names_of_segments_are_those_segments() -> None:
    found = read(
        "Trade Date: 05/10/2026",
        CONSOLE,
        SHARE,
        OPTION,
        ",NSE - Capital,NSE - F&O,NET TOTAL",
        "Brokerage,0.00,20.00,20.00",
        "Stamp duty,2,0,2",
        "Net amount receivable/(payable by client),(15010),9000,(6010)",
    )
    assert [(one.exchange, one.family, one.on, one.amounts["brokerage"]) for one in found.stated] == [
        (Exchange.NSE, Family.EQ, ON, Decimal(0)),
        (Exchange.NFO, Family.FO, ON, Decimal(20)),
    ]
    assert found.stated[0].amounts["net"] == Decimal(-15010)


def test_a_table_of_charges_per_day_and_segment_is_read() -> None:
    found = read(
        CONSOLE,
        SHARE,
        OPTION,
        "date,segment,brokerage,exchange transaction charges,STT,total",
        "05/10/2026,EQ,0,0.46,15,15.46",
        "05/10/2026,F&O,20,3.2,14,37.2",
        "Total,,20,3.66,29,52.66",
        "05/10/2026,Moon,1,1,1,3",
    )
    assert [(one.on, one.family, one.amounts["total"]) for one in found.stated] == [
        (ON, Family.EQ, Decimal("15.46")),
        (ON, Family.FO, Decimal("37.2")),
    ]
    assert list(reasons(found)) == [8]
    assert any("line 7" in note for note in found.notes)


def test_a_long_list_of_charges_with_dates_is_read() -> None:
    found = read(
        CONSOLE,
        SHARE,
        "date,segment,charge,amount",
        "2026-10-05,EQ,Stamp duty,2",
        "2026-10-05,EQ,STT,15",
        "2026-10-05,EQ,Wizardry,15",
        "2026-10-05,EQ,SEBI turnover fee,x",
    )
    assert [dict(one.amounts) for one in found.stated] == [{"stamp": Decimal(2), "stt": Decimal(15)}]
    assert set(reasons(found)) == {6, 7}


def test_charges_over_several_days_without_a_date_are_for_all_of_them() -> None:
    found = read(CONSOLE, SHARE, SHARE.replace("2026-10-05", "2026-10-06"), "Stamp duty,4")
    assert (found.stated[0].on, found.stated[0].pieces) == (None, 2)


def test_totals_and_text_are_left_out_and_said() -> None:
    found = read("Tradebook of a client", CONSOLE, SHARE, "Total,,,,,,,,10,15005", "", "This is computer generated")
    assert len(found.trades) == 1
    assert found.unpriced == ()
    assert any("line 4" in note for note in found.notes)
    assert any("line 1, 6" in note for note in found.notes)


def test_a_share_named_like_a_sum_or_a_charge_is_a_share() -> None:
    found = read(CONSOLE, SHARE.replace("INFY", "TOTAL"), SHARE.replace("INFY", "STT").replace(",1,11,", ",9,19,"), "Total,,,,,,,,20,")
    assert [one.symbol for one in found.trades] == ["TOTAL", "STT"]
    assert any("line 4" in note for note in found.notes)


def test_a_title_between_trades_ends_nothing() -> None:
    found = read(CONSOLE, "Equity", SHARE, "Futures and Options,,,", OPTION, "Stamp duty,2", FUTURE)
    assert [one.row for one in found.trades] == [3, 5, 7]
    assert found.unpriced == ()


def test_the_time_of_execution_dates_a_trade_that_has_no_date() -> None:
    found = read("symbol,exchange,trade_type,quantity,price,order_execution_time", "INFY,NSE,buy,1,100,2026-10-05T09:20:00")
    assert found.trades[0].on == ON


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("STT,abc", "not a number", id="text for an amount"),
        pytest.param("STT,1,2", "several amounts", id="amounts without segments"),
        pytest.param("Trade Date: someday", "no date", id="a date that is none"),
    ],
)
def test_a_line_of_charges_that_cannot_be_read_is_listed(line: str, why: str) -> None:
    found = read(CONSOLE, SHARE, line)
    assert why in reasons(found)[3]


def test_charges_of_a_house_are_those_of_its_market() -> None:
    found = read(
        CONSOLE,
        SHARE,
        OPTION,
        "date,segment,exchange,STT,stamp duty",
        "2026-10-05,FO,NSE,14,0",
        "2026-10-05,NSE - Capital,,15,2",
        "x,FO,NSE,1,1",
    )
    assert [(one.exchange, one.family) for one in found.stated] == [(Exchange.NFO, Family.FO), (Exchange.NSE, Family.EQ)]
    assert "no date" in reasons(found)[7]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(SHARE.replace("10.000000", "-10"), "not above zero", id="negative quantity"),
        pytest.param(SHARE.replace("10.000000", "0"), "not above zero", id="no quantity"),
        pytest.param(SHARE.replace("10.000000", ""), "quantity is empty", id="empty quantity"),
        pytest.param(SHARE.replace("1500.500000", ""), "neither a price nor a value", id="empty price"),
        pytest.param(SHARE.replace("1500.500000", "-3"), "negative", id="negative price"),
        pytest.param(SHARE.replace("1500.500000", "9e30"), "larger than anything", id="huge price"),
        pytest.param(SHARE.replace("10.000000,1500", "999999999999,99999999"), "larger than anything", id="huge value"),
        pytest.param(SHARE.replace("NSE", "XYZ"), "no exchange that bills", id="unknown exchange"),
        pytest.param(SHARE.replace(",EQ,EQ", ",ZZ,EQ"), "segment", id="unknown segment"),
        pytest.param(SHARE.replace("buy", "hold"), "neither buy nor sell", id="no side"),
        pytest.param(SHARE.replace("2026-10-05,", "10/25/2026,"), "no date", id="month first"),
        pytest.param(SHARE.replace("2026-10-05,", "2030-01-01,"), "future", id="future"),
        pytest.param(SHARE.replace("INFY", "   "), "no instrument", id="no symbol"),
        pytest.param(SHARE.replace("INFY", '"INFY'), "quote", id="open quote"),
        pytest.param("INFY,INE009A01021", "fewer", id="cut row"),
        pytest.param(OPTION.replace("25000CE", "25000XX"), "FUT, CE nor PE", id="unknown contract"),
    ],
)
def test_a_bad_row_is_listed_with_its_line_and_the_others_are_read(row: str, reason: str) -> None:
    found = read(CONSOLE, SHARE, row, OPTION)
    assert reason in reasons(found)[3]
    assert [one.row for one in found.trades] == [2, 4]


def test_a_repeated_trade_is_counted_once() -> None:
    found = read(CONSOLE, SHARE, SHARE, SHARE.replace("buy", "sell"))
    assert "already on line 2" in reasons(found)[3]
    assert [one.row for one in found.trades] == [2, 4]


def test_a_row_without_a_date_takes_the_given_one() -> None:
    head, row = "symbol,exchange,trade_type,quantity,price", "INFY,NSE,buy,1,100"
    assert "no date" in read_table("a.csv", f"{head}\n{row}", today=TODAY).unpriced[0].reason
    assert read_table("a.csv", f"{head}\n{row}", today=TODAY, on=ON).trades[0].on == ON


def test_a_product_with_fees_of_its_own_is_not_priced() -> None:
    found = read("symbol,trade_date,trade_type,quantity,price,product", "INFY,2026-10-05,buy,1,100,MTF")
    assert "MTF" in reasons(found)[2]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("a,b,c\n1,2,3", "no row of headings", id="other columns"),
        pytest.param("symbol,quantity,price\nINFY,1,2", "no column for side", id="a column is missing"),
        pytest.param(CONSOLE, "no trade below", id="headings only"),
        pytest.param("hello", "no row of headings", id="text"),
    ],
)
def test_a_file_that_is_no_table_of_trades_is_refused(text: str, what: str) -> None:
    with pytest.raises(BadFile, match=what) as caught:
        read_table("book.csv", text, today=TODAY)
    assert "book.csv" in caught.value.message
    assert caught.value.hint
