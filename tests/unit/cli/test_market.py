from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]


def test_a_calendar_is_a_table_or_a_document(qts: Qts) -> None:
    span = "--from", "2022-10-24", "--to", "2022-10-28"
    done = qts("calendar", *span)
    assert done.code == 0
    assert "2022-10-24" in done.out
    document = qts("calendar", *span, "--json").document
    assert document["exchange"] == "NSE"
    assert [session["date"] for session in document["sessions"]] == ["2022-10-24", "2022-10-25", "2022-10-27", "2022-10-28"]
    assert set(document["sessions"][0]) >= {"date", "windows", "note"}
    assert set(document["sessions"][0]["windows"][0]) == {"opens_at", "closes_at", "kind"}


def test_2027_can_be_asked_for(qts: Qts) -> None:
    done = qts("calendar", "--from", "2027-03-01", "--to", "2027-03-05")
    assert (done.code, "(estimate)" in done.out) == (0, True)


def test_holidays_are_named_with_their_source(qts: Qts) -> None:
    span = "--from", "2026-04-01", "--to", "2026-04-03"
    done = qts("calendar", "--holidays", *span)
    assert "Good Friday" in done.out
    assert "Annual closing of the banks" not in done.out
    assert "Annual closing of the banks" in qts("calendar", "--holidays", "--segment", "currency", *span).out


def test_windows_of_every_kind_and_the_next_session_are_shown(qts: Qts) -> None:
    done = qts("calendar", "--from", "2026-08-03", "--to", "2026-08-04")
    assert "closing auction 15:15-15:35" in done.out
    assert done.out.count("securities with derivatives stop") == 1
    assert "Next session: " in done.out


def test_the_file_of_the_home_corrects_the_calendar(qts: Qts, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    row = '[[session]]\ndate = 2025-03-08\nkind = "add"\nnote = "a Saturday of ours"\nsource = "me"\n'
    (home / "calendar.toml").write_text(row, encoding="utf-8")
    span = "--from", "2025-03-08", "--to", "2025-03-08"
    assert "a Saturday of ours" in qts("calendar", *span).out
    (home / "calendar.toml").write_text(row.replace("add", "ad"), encoding="utf-8")
    failed = qts("calendar", *span, "--json")
    assert failed.code == 3
    assert "line 1" in failed.document["error"]["message"]
    (home / "calendar.toml").unlink()
    assert qts("calendar", *span, "--json").document["sessions"] == []


def test_one_order_is_priced_with_its_lines(qts: Qts) -> None:
    words = "costs", "--on", "2026-02-27", "--segment", "equity_intraday", "--side", "SELL", "--quantity", "500", "--price", "1000"
    document = qts(*words, "--mode", "exact", "--json").document
    assert set(document["total"]) == {"brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp", "total"}
    # 0.025 % of securities transaction tax on an intraday sale; brokerage is capped at 20 rupees.
    assert (document["total"]["stt"], document["total"]["brokerage"], document["total"]["stamp"]) == (125.0, 20.0, 0.0)
    assert "₹5,00,000.00" in qts(*words).out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--segment", "moon"], "segment"),
        (["--quantity", "-1"], "quantity"),
        (["--price", "nan"], "price"),
        (["--side", "hold"], "side"),
        (["--exchange", "NYSE"], "exchange"),
        (["--price", "0"], "price"),
        (["--slices", "0"], "slices"),
        (["--exit-price", "5"], "exit_price"),
        (["--settlement", "lost"], "settlement"),
        (["--group", "A"], "group"),
        (["--slices", "100001"], "slices"),
        (["--settlement-price", "1e400"], "settlement_price"),
    ],
)
def test_bad_values_are_named(qts: Qts, words: list[str], named: str) -> None:
    done = qts("costs", *words, "--json")
    assert done.code == 2
    assert named in done.document["error"]["message"]


def test_a_file_of_examples_is_compared(qts: Qts, tmp_path: Path) -> None:
    order = {"side": "SELL", "qty": 500, "price": 1000}
    good = {
        "id": "good",
        "mode": "exact",
        "trade_date": "2026-02-27",
        "segment": "equity_intraday",
        "orders": [order],
        "expected": {"stt": 125},
    }
    file = tmp_path / "examples.json"
    file.write_text(json.dumps({"examples": [good, {**good, "id": "odd", "segment": "moon"}]}))
    done = qts("costs", "--file", file, "--json")
    assert done.code == 3
    assert [example["differences"] for example in done.document["examples"]] == [[], []]
    assert "1 agree, 0 differ, 1 could not be priced." in qts("costs", "--file", file).out
    file.write_text(json.dumps({"examples": [good]}))
    assert qts("costs", "--file", file).code == 0
    file.write_text(json.dumps({"examples": [{**good, "segment": "moon"}, {**good, "expected": {"stt": 124}}]}))
    assert qts("costs", "--file", file).code == 5


def test_a_file_tells_its_own_mode_and_segment_unless_asked(qts: Qts, tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    order = {"side": "SELL", "qty": 65, "price": 24800, "symbol": "NIFTY26MARFUT"}
    file.write_text(
        json.dumps({"examples": [{"exchange": "NFO", "trade_date": "2026-03-15", "orders": [order], "expected": {"stt": 322.4}}]})
    )
    assert qts("costs", "--file", file).code == 0
    assert qts("costs", "--file", file, "--mode", "calculator").code == 5


def test_a_round_trip_shows_both_orders_and_the_break_even(qts: Qts) -> None:
    words = "costs", "--round-trip", "--on", "2026-11-20"
    document = qts(*words, "--json").document
    assert [order["side"] for order in document["orders"]] == ["buy", "sell"]
    assert document["round_trip"]["break_even_move"] == 2.3783
    assert document["round_trip"]["dp"] == document["total"]["dp"] == 15.34
    shown = qts(*words).out
    assert "Entry" in shown
    assert "Break-even: the price must move ₹2.3783 in your favour, to ₹1,002.3783." in shown


def test_a_round_trip_that_cannot_earn_its_charges_says_so(qts: Qts) -> None:
    words = "--segment", "equity_options", "--side", "sell", "--quantity", "1", "--price", "0.05", "--exit-on", "2026-11-24"
    done = qts("costs", "--round-trip", "--on", "2026-11-20", *words)
    assert (done.code, "No exit price earns the charges." in done.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "line", "amount"),
    [
        (["--segment", "equity_futures", "--side", "sell"], "stt", 50.0),
        (["--segment", "commodity-options", "--exchange", "MCX", "--slices", "2"], "brokerage", 40.0),
        (["--exchange", "BSE", "--group", "XT"], "exchange", 100.0),
        (["--stt-class", "other_etf"], "stt", 0.0),
        (["--segment", "equity_options", "--underlying", "BANKEX", "--exchange", "BSE"], "exchange", 32.5),
        (["--segment", "equity_options", "--settlement", "exercised", "--settlement-price", "5000", "--on", "2019-08-30"], "stt", 625.0),
        (["--segment", "equity_intraday", "--auto-square-off"], "brokerage", 70.0),
    ],
)
def test_options_reach_the_schedule(qts: Qts, words: list[str], line: str, amount: float) -> None:
    document = qts("costs", "--on", "2026-11-20", "--mode", "exact", *words, "--json").document
    assert document["total"][line] == pytest.approx(amount)


def test_estimates_are_told_to_people_and_programs(qts: Qts) -> None:
    words = "costs", "--segment", "currency_options", "--exchange", "CDS", "--on", "2023-01-02"
    sentence = "exchange: NSE's charge on currency options before 2024-10-01 is one page's word"
    assert f"Note: {sentence}" in qts(*words).err
    assert sentence in qts(*words, "--json").document["warnings"]


@pytest.mark.realdata
def test_the_published_examples_come_out_to_the_paisa(qts: Qts, realdata: Path) -> None:
    file = realdata.parent / "reference" / "cost-examples.json"
    if not file.is_file():
        pytest.skip(f"the published examples are not at {file}")
    done = qts("costs", "--file", file, "--json")
    assert done.code == 0
    assert {example["id"]: example["differences"] for example in done.document["examples"] if example["differences"]} == {}
    assert (done.document["differing"], done.document["not_priced"]) == (0, 0)
    assert done.document["agreeing"] >= 9
