from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]


@pytest.fixture
def stored(home: Path, tmp_path: Path, qts: Qts) -> Path:
    file = tmp_path / "WALK.csv"
    file.write_text("date,open,high,low,close,volume\n2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12.123456,200\n")
    assert qts("import", file, "--exchange", "SIM").code == 0
    return home


@pytest.mark.usefixtures("stored")
def test_an_answer_is_a_table_with_the_label_of_invented_prices(qts: Qts) -> None:
    done = qts("sql", "SELECT instrument, close FROM bars ORDER BY ts", "--max-rows", "2")
    assert done.code == 0
    assert done.out.splitlines()[2:] == ["SIM:WALK         11", "SIM:WALK    12.1235"]
    assert "SIMULATED" in done.err


@pytest.mark.usefixtures("stored")
def test_an_answer_is_one_json_document(qts: Qts) -> None:
    done = qts("sql", "SELECT close FROM bars ORDER BY ts", "--max-rows", "1", "--json")
    assert (done.code, done.document["rows"], done.document["cut"]) == (0, [[11.0]], True)
    assert done.document["columns"] == [{"name": "close", "type": "double"}]


@pytest.mark.usefixtures("stored")
def test_an_answer_is_a_file(qts: Qts) -> None:
    done = qts("sql", "SELECT close FROM bars ORDER BY ts", "--format", "csv")
    assert (done.code, done.out.splitlines()) == (0, ['"close"', "11", "12.123456"])


@pytest.mark.usefixtures("stored")
def test_a_query_comes_from_stdin(qts: Qts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count(*) AS n FROM bars"))
    assert qts("sql", "-", "--json").document["rows"] == [[2]]


@pytest.mark.usefixtures("stored")
def test_a_query_that_would_change_something_is_refused(qts: Qts) -> None:
    done = qts("sql", "DROP TABLE series", "--json")
    assert (done.code, done.document["error"]["kind"]) == (2, "BadParameter")
    assert qts("catalog", "--json").document["series"]
