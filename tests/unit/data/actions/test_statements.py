"""Files of corporate actions: our own columns, an exchange's list, and what is refused with row and reason."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core.errors import BadFile, BadPath
from qts.data.actions import Statements, read_statements

OWN = """instrument,ex_date,kind,ratio,cash,price,factor,source
NSE:RELIANCE,2017-09-07,bonus,1:1,,,,board meeting
NSE:HDFCBANK,19-Sep-2019,split,2->1,,,,
infy,04/09/2018,bonus,,,,0.5,
NSE:KTKBANK,2016-10-24,rights,1:2,,70,,
NSE:RELIANCE,2023-07-20,demerger,,,,0.8993,
NSE:ITC,2016-05-30,dividend,,"8.50",,,
"""
LIST = """\ufeff"SYMBOL","COMPANY NAME","SERIES","PURPOSE","FACE VALUE","EX-DATE","RECORD DATE"
"RELIANCE","Reliance Industries Limited","EQ","BONUS 1:1","10","07-SEP-2017","09-SEP-2017"
"BAJFINANCE","Bajaj Finance","EQ","BONUS 1:1/FACE VALUE SPLIT - FROM RS 10/- PER SHARE TO RS 2/- PER SHARE","10","08-SEP-2016","-"
"RELIANCE","Reliance Industries Limited","EQ","RIGHTS 1:15 @ PREMIUM RS 1247/-","10","13-MAY-2020","-"
"ITC","ITC Limited","EQ","ANNUAL GENERAL MEETING","1","01-JUL-2016","-"
"NHAI","Highways","N6","INTEREST PAYMENT","1000","01-JUL-2016","-"
"STRTECH","Sterlite","EQ","DEMERGER","2","15-JUN-2016","-"
"""


def read(folder: Path, text: str, name: str = "actions.csv") -> Statements:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_statements(path)


def terms(statements: Statements) -> dict[str, tuple[str, str]]:
    return {action.id: (f"{action.ratio.normalize():f}", f"{action.cash.normalize():f}") for action in statements.actions}


def test_our_own_columns_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, OWN)
    assert terms(found) == {
        "NSE:RELIANCE/2017-09-07/bonus": ("2", "0"),
        "NSE:HDFCBANK/2019-09-19/split": ("2", "0"),
        "NSE:INFY/2018-09-04/bonus": ("2", "0"),
        "NSE:KTKBANK/2016-10-24/rights": ("1.5", "0"),
        "NSE:RELIANCE/2023-07-20/demerger": ("1", "0"),
        "NSE:ITC/2016-05-30/dividend": ("1", "8.5"),
    }
    assert (found.refused, found.n_rows, found.n_other) == ((), 6, 0)
    records = {record.action.id: record for record in found.records("file:actions.csv")}
    assert records["NSE:RELIANCE/2017-09-07/bonus"].source == "board meeting"
    assert records["NSE:INFY/2018-09-04/bonus"].source == "file:actions.csv"
    assert records["NSE:RELIANCE/2023-07-20/demerger"].action.factor == Decimal("0.8993")
    assert records["NSE:KTKBANK/2016-10-24/rights"].action.price == 70


def test_an_exchanges_list_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, LIST)
    assert set(terms(found)) == {
        "NSE:RELIANCE/2017-09-07/bonus",
        "NSE:BAJFINANCE/2016-09-08/bonus",
        "NSE:BAJFINANCE/2016-09-08/split",
        "NSE:RELIANCE/2020-05-13/rights",
    }
    assert found.n_other == 2
    assert [(refusal.row, "demerger takes away" in refusal.reason) for refusal in found.refused] == [(7, True)]
    assert next(action.price for action in found.actions if action.kind == "rights") == 1257


def test_json_is_read_as_the_same_columns(tmp_path: Path) -> None:
    rows = [{"symbol": "TCS", "exDate": "31-May-2018", "subject": "Bonus 1:1", "series": "EQ", "faceVal": 1}]
    assert terms(read(tmp_path, json.dumps(rows), "list.json")) == {"NSE:TCS/2018-05-31/bonus": ("2", "0")}
    assert terms(read(tmp_path, json.dumps({"actions": rows}), "list.json")) == {"NSE:TCS/2018-05-31/bonus": ("2", "0")}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("NSE:A,2020-01-01,gift,1:1,,,,", "no such kind"),
        ("NSE:A,2020-02-30,bonus,1:1,,,,", "not a date"),
        ("NSE:A,,bonus,1:1,,,,", "not a date"),
        ("NSE:A,2020-01-01,bonus,,,,,", "changes nothing"),
        ("NSE:A,2020-01-01,split,1:5,,,,", "split or a consolidation"),
        ("NSE:A,2020-01-01,split,2,,,0.4,", "contradicts"),
        ("NSE:A,2020-01-01,dividend,,free,,,", "not a number"),
        ("XYZ:A,2020-01-01,dividend,,5,,,", "no exchange XYZ"),
        (",2020-01-01,dividend,,5,,,", "is empty"),
        ("NSE:A,2020-01-01,demerger,,,,-0.4,", "not above zero"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_with_its_number_and_the_rest_taken(tmp_path: Path, row: str, said: str) -> None:
    head, first, *_ = OWN.splitlines()
    found = read(tmp_path, f"{head}\n{first}\n{row}\n")
    assert len(found.actions) == 1
    assert [refusal.row for refusal in found.refused] == [3]
    assert said in found.refused[0].reason


def test_two_dividends_of_a_day_are_added_and_the_same_row_again_is_not(tmp_path: Path) -> None:
    head = "symbol,ex_date,purpose,series"
    rows = ["A,2020-01-01,DIVIDEND RS 5,EQ", "A,2020-01-01,SPECIAL DIVIDEND RS 2,EQ", "A,2020-01-01,DIVIDEND RS 5,EQ"]
    assert terms(read(tmp_path, "\n".join([head, *rows]))) == {"NSE:A/2020-01-01/dividend": ("1", "7")}


def test_a_contradiction_keeps_the_first_and_refuses_the_second(tmp_path: Path) -> None:
    rows = ["symbol,ex_date,kind,ratio", "A,2020-01-01,bonus,1:1", "A,2020-01-01,bonus,1:1", "A,2020-01-01,bonus,1:2"]
    found = read(tmp_path, "\n".join(rows))
    assert terms(found) == {"NSE:A/2020-01-01/bonus": ("2", "0")}
    assert [(refusal.row, "on other terms" in refusal.reason) for refusal in found.refused] == [(4, True)]


def test_a_rounded_factor_of_a_split_is_taken_as_the_ratio_it_means(tmp_path: Path) -> None:
    rows = ["symbol,ex_date,kind,factor", "A,2020-01-01,bonus,0.6667", "B,2020-01-01,split,0.4321"]
    found = {action.instrument: action for action in read(tmp_path, "\n".join(rows)).actions}
    assert found["NSE:A"].ratio == Decimal("1.5")  # type: ignore[index]
    assert found["NSE:B"].price_factor() == pytest.approx(0.4321, rel=1e-12)  # type: ignore[index]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "lacks the column", id="empty"),
        pytest.param(b"date,open,high,low,close\n2020-01-01,1,1,1,1\n", "lacks the column instrument", id="a table of prices"),
        pytest.param(b"PK\x03\x04\xff\xfe", "not text", id="a zip file"),
        pytest.param(b'[{"symbol": "A"', "no sound JSON", id="cut JSON"),
        pytest.param(b'{"rows": 3}', "no list of actions", id="JSON of something else"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=said):
        read_statements(path)


PIECES = [
    *["BONUS", "1:1", "0:0", "9999999:1", "RIGHTS", "@", "PREMIUM RS", "247/-", "FACE VALUE SPLIT", "FROM RS 10/-", "TO RE 1/-"],
    *["DIVIDEND", "- RS 5", "50%", "DEMERGER", "/", "split", "dividend", "rights", "demerger", "2017-09-07", "07-SEP-2017"],
    *["31/02/2020", "0001-01-01", "NSE:INFY", "M&M", "EQ", "", "-", "1e999999", "-5", "nan", "10->2", "0.5", '"', "₹", "\x00"],
]


@given(
    header=st.permutations(["instrument", "ex_date", "kind", "ratio", "cash", "price", "factor", "purpose", "series", "face value"]),
    rows=st.lists(st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map(" ".join), max_size=10), max_size=5),
)
def test_whatever_a_file_holds_each_row_is_taken_left_or_refused(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("file") / "actions.csv"
    path.write_text("\n".join(",".join(cells) for cells in [header, *rows]), encoding="utf-8")
    try:
        found = read_statements(path)
    except BadFile:
        return
    assert len(found.refused) + found.n_other <= found.n_rows <= len(rows)
    for action in found.actions:
        assert action.needs_close or 0.0 < action.price_factor() <= 10_000.0


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPath, match="nowhere"):
        read_statements(tmp_path / "nowhere.csv")
