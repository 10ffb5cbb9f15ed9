from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from qts.app.reconciling import ReconcileRequest, ReconcileTextRequest, ReconciliationDocument, reconcile_file, reconcile_text
from qts.core import FixedClock
from qts.core.errors import BadFile, BadParameter, BadPath

CLOCK = FixedClock(datetime(2026, 11, 22, 6, 0, tzinfo=UTC))
HEAD = "symbol,trade_date,exchange,segment,trade_type,quantity,price,order_id"
MOCKS = ("kite_mocks_more/virtual_contract_note.json", "kite-mocks/order_margins.json", "kite-mocks/basket_margins.json")


def reconciled(tmp_path: Path, *lines: str, mode: str | None = None, on: date | None = None) -> ReconciliationDocument:
    file = tmp_path / "note.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return reconcile_file(ReconcileRequest(file=file, mode=mode, on=on), CLOCK)


def test_a_note_is_compared_line_by_line_with_hand_made_numbers(tmp_path: Path) -> None:
    # 1,000 x 1,000 of delivery at NSE: STT 0.1 %, 0.00307 %, Rs 10 a crore, duty 0.015 %, GST 18 % of 30.70 and 1.00.
    document = reconciled(
        tmp_path,
        HEAD,
        "INFY,2026-10-05,NSE,EQ,buy,1000,1000,1",
        "Brokerage,0",
        "STT,1000",
        "Exchange transaction charges,30.70",
        "SEBI turnover fees,1.00",
        "Stamp duty,150",
        "IGST,5.71",
        "Total charges,1187.41",
        "Net amount receivable,(1001187.41)",
    )
    assert [(line.line, line.theirs, line.ours, line.verdict) for line in document.bills[0].lines] == [
        ("brokerage", 0, 0, "agrees"),
        ("stt", 1000, 1000, "agrees"),
        ("exchange", 30.7, 30.7, "agrees"),
        ("sebi", 1, 1, "agrees"),
        ("stamp", 150, 150, "agrees"),
        ("gst", 5.71, 5.71, "agrees"),
        ("total", 1187.41, 1187.41, "agrees"),
        ("net", -1001187.41, -1001187.41, "agrees"),
    ]
    assert (document.agreeing, document.differing, document.not_compared) == (1, 0, 0)


def test_a_rate_that_bills_contradict_is_said_in_one_sentence(tmp_path: Path) -> None:
    document = reconciled(
        tmp_path,
        f"{HEAD},STT",
        "INFY,2026-10-05,NSE,EQ,buy,1000,1000,1,1000",
        "INFY,2026-10-06,NSE,EQ,buy,1000,1000,2,1250",
        "INFY,2026-10-07,NSE,EQ,sell,1000,2000,3,2500",
    )
    (one,) = document.out_of_date
    assert (one.line, one.our_rate, one.implied_rate, one.since, one.bills) == ("stt", "0.1", "0.125", "2026-10-06", 2)
    assert "our 0.1 %, valid from 2016-06-01 (Finance Act 2016: unchanged); 2 bills since 2026-10-06 imply 0.125 %" in one.sentence
    assert 'component "stt", valid_from 2026-10-06' in one.sentence
    assert (document.agreeing, document.differing) == (1, 2)


def test_a_charge_that_holds_the_protection_funds_part_is_corrected_without_it(tmp_path: Path) -> None:
    rows = [f"INFY,2025-10-0{day},NSE,EQ,buy,1000,1000,{day},40.00" for day in (6, 7)]
    (one,) = reconciled(tmp_path, f"{HEAD},exchange transaction charges", *rows).out_of_date
    assert (one.our_rate, one.implied_rate) == ("0.00307", "0.004")
    assert "both with 0.0001 % for the investor protection fund" in one.sentence
    assert 'percent "0.0039"' in one.sentence


def test_an_estimate_among_our_rates_is_named(tmp_path: Path) -> None:
    document = reconciled(tmp_path, HEAD, "INFY,2020-06-15,NSE,EQ,buy,100,100,1")
    assert any("SEBI" in warning or "sebi" in warning for warning in document.warnings)
    assert document.not_compared == 1


def test_every_row_is_priced_or_listed(tmp_path: Path) -> None:
    rows = [f"INFY,2026-10-05,{exchange},EQ,buy,10,100,{i}" for i, exchange in enumerate(["NSE", "NYSE", "BSE", "", "MCX"])]
    document = reconciled(tmp_path, HEAD, *rows)
    seen = {row for bill in document.bills for row in bill.rows} | {one.row for one in document.unpriced}
    assert seen == set(range(2, 7))
    assert {one.row for one in document.unpriced} == {3, 6}


@pytest.mark.parametrize(
    ("mode", "on", "name"), [("loud", None, "mode"), (None, date(2030, 1, 1), "on")], ids=["unknown mode", "a date in the future"]
)
def test_a_bad_choice_is_refused(tmp_path: Path, mode: str | None, on: date | None, name: str) -> None:
    with pytest.raises(BadParameter) as caught:
        reconciled(tmp_path, HEAD, "INFY,2026-10-05,NSE,EQ,buy,1,100,1", mode=mode, on=on)
    assert caught.value.name == name


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPath):
        reconcile_file(ReconcileRequest(file=tmp_path / "absent.csv"), CLOCK)
    with pytest.raises(BadPath):
        reconcile_file(ReconcileRequest(file=tmp_path), CLOCK)


def test_the_document_is_plain_json(tmp_path: Path) -> None:
    document = reconciled(tmp_path, HEAD, "INFY,2026-10-05,NSE,EQ,buy,1,100,1", "STT,0")
    plain = json.loads(document.model_dump_json())
    assert list(plain) == [
        "file",
        "format",
        "mode",
        "bills",
        "out_of_date",
        "unpriced",
        "agreeing",
        "differing",
        "not_compared",
        "fit",
        "warnings",
    ]
    assert list(plain["bills"][0]["lines"][0]) == ["line", "theirs", "ours", "difference", "verdict", "remark"]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("path", "on"),
    [(MOCKS[0], date(2023, 7, 10)), (MOCKS[1], date(2023, 1, 10)), (MOCKS[2], date(2023, 7, 10))],
    ids=["note", "order", "basket"],
)
def test_the_brokers_own_examples_agree_on_their_dates_in_every_line(realdata: Path, path: str, on: date) -> None:
    document = reconcile_file(ReconcileRequest(file=realdata / path, on=on), CLOCK)
    verdicts = [(line.line, line.verdict) for bill in document.bills for line in bill.lines]
    assert [line for line, verdict in verdicts if not verdict.startswith("agrees")] == []
    assert (document.unpriced, document.differing, document.fit) == ((), 0, None)


@pytest.mark.realdata
@pytest.mark.parametrize("path", MOCKS)
def test_the_brokers_own_examples_name_their_time_where_no_date_is_given(realdata: Path, path: str) -> None:
    document = reconcile_file(ReconcileRequest(file=realdata / path), CLOCK)
    assert document.differing == len(document.bills)
    assert document.fit is not None
    assert document.fit.differing_lines == 0
    start, end = "2022-07-18" if "order_margins" in path else "2023-04-01", document.fit.end
    assert document.fit.start == start
    assert end is not None
    assert end < "2024-10-01"
    assert document.out_of_date == ()


@pytest.mark.realdata
def test_the_true_charges_of_the_examples_agree(realdata: Path, tmp_path: Path) -> None:
    cases = json.loads((realdata / "truth" / "kite_charges_mock.json").read_text(encoding="utf-8"), parse_float=Decimal)["cases"]
    orders = [{**case, "transaction_type": case["side"], "quantity": case["qty"]} for case in cases]
    file = tmp_path / "orders.json"
    file.write_text(json.dumps({"data": orders}, default=float))
    document = reconcile_file(ReconcileRequest(file=file, on=date(2023, 7, 10)), CLOCK)
    assert (document.agreeing, document.differing) == (len(cases), 0)


def test_text_that_is_no_bill_is_a_bad_parameter_and_a_file_a_bad_file(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match=r"text = note\.csv: is a web page") as caught:
        reconcile_text(ReconcileTextRequest(text="<html>", name="note.csv"), CLOCK)
    assert caught.value.hint
    with pytest.raises(BadFile, match="web page"):
        reconciled(tmp_path, "<html>")
