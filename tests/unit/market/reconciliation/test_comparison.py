from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qts.core import Exchange, Side
from qts.market.charges import ChargeSegment, RoundingMode
from qts.market.reconciliation import ComparedLine, PricedBill, StatedCharges, TradeRow, Verdict, compare, price_bill

ON = date(2026, 10, 5)
NOTE, API = RoundingMode.CONTRACT_NOTE, RoundingMode.API


def row(side: Side, quantity: int, price: str, **given: object) -> TradeRow:
    fields = {
        "row": 1,
        "on": ON,
        "exchange": Exchange.NSE,
        "symbol": "INFY",
        "segment": ChargeSegment.EQUITY_DELIVERY,
        "side": side,
        "quantity": Decimal(quantity),
        "price": Decimal(price),
    }
    return TradeRow(**{**fields, **given})  # type: ignore[arg-type]


def compared(priced: PricedBill, mode: RoundingMode = NOTE, pieces: int = 1, /, **amounts: str) -> dict[str, ComparedLine]:
    stated = StatedCharges(row=1, amounts={line: Decimal(text) for line, text in amounts.items()}, pieces=pieces)
    return {line.line: line for line in compare(stated, priced, mode).lines}


@pytest.fixture
def bought() -> PricedBill:
    """Return a purchase of 7 x 123.45 = 864.15: STT 0.86, exchange 0.0265, SEBI 0.00086, duty 0.13, GST 0.005."""
    return price_bill([row(Side.BUY, 7, "123.45")], mode=NOTE, on=ON)


@pytest.mark.parametrize(
    ("line", "theirs", "verdict"),
    [
        pytest.param("stt", "1", Verdict.AGREES, id="STT to the rupee"),
        pytest.param("stt", "0.86", Verdict.ROUNDING, id="STT to the paisa"),
        pytest.param("stt", "0", Verdict.DIFFERS, id="STT forgotten"),
        pytest.param("stt", "2", Verdict.DIFFERS, id="a rupee of STT too much"),
        pytest.param("stamp", "0", Verdict.AGREES, id="duty to the rupee"),
        pytest.param("stamp", "0.13", Verdict.ROUNDING, id="duty to the paisa"),
        pytest.param("stamp", "1", Verdict.DIFFERS, id="a rupee of duty"),
        pytest.param("exchange", "0.03", Verdict.AGREES, id="the exchange's charge to the paisa"),
        pytest.param("exchange", "0.0265", Verdict.AGREES, id="the exchange's charge with more places"),
        pytest.param("exchange", "0.04", Verdict.DIFFERS, id="a paisa too much"),
        pytest.param("brokerage", "0", Verdict.AGREES, id="no brokerage"),
        pytest.param("brokerage", "20", Verdict.DIFFERS, id="brokerage on delivery"),
        pytest.param("clearing", "0", Verdict.AGREES, id="no clearing fee"),
        pytest.param("clearing", "1.5", Verdict.DIFFERS, id="a clearing fee"),
        pytest.param("gst", "0.01", Verdict.AGREES, id="GST of a paisa"),
        pytest.param("gst", "1", Verdict.DIFFERS, id="GST of a rupee"),
        pytest.param("dp", "0", Verdict.AGREES, id="no depository charge on a purchase"),
        pytest.param("dp", "15.34", Verdict.DIFFERS, id="a depository charge on a purchase"),
    ],
)
def test_a_line_of_a_note_agrees_as_far_as_rounding_can_tell(bought: PricedBill, line: str, theirs: str, verdict: Verdict) -> None:
    found = compared(bought, **{line: theirs})[line]
    assert found.verdict is verdict
    assert found.difference == Decimal(theirs) - found.ours


def test_a_line_summed_from_several_rounded_amounts_may_be_off_by_each_of_them(bought: PricedBill) -> None:
    assert compared(bought, NOTE, 1, exchange="0.04")["exchange"].verdict is Verdict.DIFFERS
    assert compared(bought, NOTE, 3, exchange="0.04")["exchange"].verdict is Verdict.ROUNDING
    assert compared(bought, NOTE, 3, exchange="0.05")["exchange"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        ("0.86415", Verdict.AGREES),
        ("0.8642", Verdict.AGREES),
        ("0.8643", Verdict.DIFFERS),
        ("0.86", Verdict.AGREES),
        ("1", Verdict.DIFFERS),
    ],
)
def test_an_unrounded_line_agrees_to_half_of_its_last_place(theirs: str, verdict: Verdict) -> None:
    priced = price_bill([row(Side.BUY, 7, "123.45")], mode=API, on=ON)
    assert compared(priced, API, stt=theirs)["stt"].verdict is verdict


def test_tax_and_total_follow_from_the_line_that_differs() -> None:
    priced = price_bill([row(Side.BUY, 1000, "1000")], mode=NOTE, on=ON)
    found = compared(
        priced, brokerage="20", stt="1000", exchange="30.70", sebi="1", stamp="150", gst="9.31", total="1211.01", net="-1001211.01"
    )
    assert {line: one.verdict for line, one in found.items()} == {
        "brokerage": Verdict.DIFFERS,
        "stt": Verdict.AGREES,
        "exchange": Verdict.AGREES,
        "sebi": Verdict.AGREES,
        "stamp": Verdict.AGREES,
        "gst": Verdict.FOLLOWS,
        "total": Verdict.FOLLOWS,
        "net": Verdict.FOLLOWS,
    }


def test_a_total_that_is_no_sum_of_its_lines_differs() -> None:
    priced = price_bill([row(Side.BUY, 1000, "1000")], mode=NOTE, on=ON)
    lines = {"brokerage": "0", "stt": "1000", "exchange": "30.70", "sebi": "1", "stamp": "150", "gst": "5.71"}
    assert compared(priced, **lines, total="1187.41")["total"].verdict is Verdict.AGREES
    assert compared(priced, **{**lines, "stt": "1000.40"}, total="1187.81")["total"].verdict is Verdict.ROUNDING
    assert compared(priced, **lines, total="1200")["total"].remark == "not the sum of the lines above"
    assert compared(priced, **lines, net="5")["net"].verdict is Verdict.DIFFERS
    assert compared(priced, **{**lines, "stt": "1000.40"}, net="1001187.81")["net"].verdict is Verdict.ROUNDING


def test_the_protection_funds_part_may_stand_apart_within_or_nowhere() -> None:
    then = date(2025, 10, 6)
    priced = price_bill([row(Side.BUY, 1000, "1000", on=then)], mode=NOTE, on=then)
    apart = compared(priced, exchange="29.70", ipft="1.00")
    assert (apart["exchange"].verdict, apart["ipft"].verdict) == (Verdict.AGREES, Verdict.AGREES)
    within = compared(priced, exchange="30.70")["exchange"]
    assert (within.verdict, within.remark, within.ours) == (Verdict.AGREES, "", Decimal("30.70"))
    nowhere = compared(priced, exchange="29.70")["exchange"]
    assert (nowhere.verdict, nowhere.difference, bool(nowhere.remark)) == (Verdict.AGREES, Decimal(0), True)
    assert "ipft" not in within.line
    assert [line.line for line in compare(None, priced, NOTE).lines].count("ipft") == 1


def test_a_sale_of_delivery_pays_the_depository_where_the_bill_states_it() -> None:
    sold = price_bill([row(Side.SELL, 10, "500")], mode=NOTE, on=ON)
    assert compared(sold, dp="15.34")["dp"].verdict is Verdict.AGREES
    assert compared(sold, stt="5", total="5")["total"].ours < 15
    same_day = price_bill([row(Side.BUY, 10, "500"), row(Side.SELL, 10, "500", row=2)], mode=NOTE, on=ON)
    assert compared(same_day, dp="15.34")["dp"].verdict is Verdict.DIFFERS


def test_what_a_bill_does_not_state_is_shown_and_never_counts_as_a_difference(bought: PricedBill) -> None:
    found = compare(StatedCharges(row=1, amounts={"stt": Decimal(1)}), bought, NOTE)
    assert found.n_differing == 0
    assert {line.line: line.verdict for line in found.lines}["stamp"] is Verdict.NOT_STATED
    assert [one.line for one in found.observations] == ["stt"]


def test_a_bill_without_any_trade_has_no_rates_to_speak_of() -> None:
    empty = price_bill([], mode=NOTE, on=ON)
    assert compare(StatedCharges(row=1, amounts={"stt": Decimal(1)}), empty, NOTE).observations == ()


@pytest.mark.parametrize("mode", [RoundingMode.EXACT, RoundingMode.CALCULATOR])
def test_other_roundings_can_be_compared_with(mode: RoundingMode) -> None:
    rows = [row(Side.BUY, 100, "100", order_id="a"), row(Side.SELL, 100, "101", row=2, order_id="b")]
    priced = price_bill(rows, mode=mode, on=ON)
    stt = compared(priced, mode, stt="2.525" if mode is RoundingMode.EXACT else "3")["stt"]
    assert stt.verdict is Verdict.AGREES  # bought and sold in full: intraday
