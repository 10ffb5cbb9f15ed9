from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.app.notes import read_statement
from qts.core.errors import BadFile
from qts.market.reconciliation import Statement, reconcile

TODAY = date(2026, 11, 22)
HEAD = (
    "symbol,isin,trade_date,exchange,segment,series,trade_type,auction,quantity,price,trade_id,order_id,order_execution_time,brokerage,stt"
)
TRADES = (
    "INFY,INE1,2026-10-05,NSE,EQ,EQ,buy,false,10,1500,1,11,2026-10-05T09:20:00,1,15",
    "TCS,INF1,05/10/2026,BSE,EQ,A,sell,false,10,1500,2,12,x,1,15",
    "NIFTY26OCT25000CE,,2026-10-05,NSE,FO,,sell,false,75,120.5,3,12,t,20,3",
    "USDINR26OCTFUT,,2026-10-05,NSE,CDS,,buy,false,1000,84.5,4,13,t,1,0",
    "GOLDM26NOVFUT,,2026-10-05,MCX,COM,,buy,false,1,121000,5,14,t,1,2",
)
OTHERS = (
    ",NSE - Capital,NSE - F&O,NET TOTAL",
    "Brokerage,1,2,3",
    "Total,,,,,,,,10,20",
    "Stamp duty,2",
    "Charges,Amount",
    "CGST (@9%),₹1.5",
    "date,segment,brokerage,stt",
    "2026-10-05,EQ,1,2",
    "Net amount receivable,(12)",
    "Equity",
    "",
    HEAD,
)
ODD = (
    "",
    "-",
    "1e400",
    "NaN",
    "inf",
    "0",
    "-1",
    "9" * 30,
    '"',
    "=1+1",
    "₹",
    "1,23",
    "buy",
    "F&O",
    "2026-02-30",
    "99/99/9999",
    "X" * 500,
    "٣",
)


@st.composite
def tables(draw: st.DrawFn) -> list[str]:
    lines = [HEAD, *draw(st.lists(st.sampled_from(TRADES + OTHERS), min_size=1, max_size=10))]
    for _ in range(draw(st.integers(0, 4))):
        i_line = draw(st.integers(1, len(lines) - 1))
        cells = lines[i_line].split(",")
        cells[draw(st.integers(0, len(cells) - 1))] = draw(st.sampled_from(ODD))
        lines[i_line] = ",".join(cells)
    return lines


def told(statement: Statement) -> set[int]:
    """Return the lines that a statement uses, refuses, or names as left out."""
    named = (int(text) for note in statement.notes if ": line " in note for text in re.findall(r"\d+", note.rsplit(": line ", 1)[1]))
    return {one.row for one in statement.trades} | {one.row for one in statement.unpriced} | set(named)


@settings(max_examples=200)
@given(lines=tables())
def test_every_trade_of_a_file_is_used_or_told_whatever_else_stands_there(lines: list[str]) -> None:
    try:
        statement = read_statement("note.csv", "\n".join(lines).encode(), today=TODAY)
    except BadFile as error:
        assert "no trade below" in error.message  # noqa: PT017 - any other refusal of this table is wrong
        return
    rows = {number for number, line in enumerate(lines, start=1) if line in TRADES}
    assert rows <= told(statement)
    found = reconcile(statement, on=TODAY)
    priced = {row for bill in found.bills for row in bill.rows}
    assert {one.row for one in statement.trades} <= priced | {one.row for one in found.unpriced}


@settings(max_examples=200)
@given(
    content=st.one_of(
        st.binary(max_size=300), st.text(max_size=300).map(str.encode), st.text(max_size=200).map(lambda text: f"[{text}".encode())
    )
)
def test_any_bytes_are_read_or_refused_in_a_sentence(content: bytes) -> None:
    try:
        statement = read_statement("odd", content, today=TODAY)
    except BadFile as error:
        assert error.hint  # noqa: PT017 - both outcomes are right
    else:
        assert statement.trades or statement.stated or statement.unpriced


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_json_and_tables_are_told_apart(mark: bytes) -> None:
    assert read_statement("a", mark + f"{HEAD}\n{TRADES[0]}".encode(), today=TODAY).trades
    with pytest.raises(BadFile, match="no list of orders"):
        read_statement("a", mark + b' {"data": []}', today=TODAY)
