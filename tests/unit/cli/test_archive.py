from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]


@pytest.fixture
def stored(home: Path, tmp_path: Path, qts: Qts) -> Path:
    file = tmp_path / "WALK.csv"
    file.write_text("date,open,high,low,close,volume\n2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n")
    assert qts("import", file, "--exchange", "SIM").code == 0
    return home


@pytest.mark.usefixtures("stored")
def test_bars_are_deleted_when_that_is_confirmed_and_come_back(tmp_path: Path, qts: Qts) -> None:
    planned = qts("delete", "SIM:WALK", "--from", "2024-01-03", "--dry-run")
    assert (planned.code, planned.out) == (0, "Would be deleted: 1 bars of SIM:WALK 1d raw, 2024-01-03 to 2024-01-03; 1 are left.\n")
    asked = qts("delete", "SIM:WALK")
    assert (asked.code, "--yes" in asked.err) == (2, True), "nobody sits at a terminal here"
    done = qts("delete", "SIM:WALK", "--from", "2024-01-03", "--note", "wrong", "--yes", "--json").document
    assert (done["bars"], done["left"], done["dry_run"]) == (1, 1, False)
    assert len(qts("bars", "SIM:WALK", "--json").document) == 1
    back = qts("undo", "--json").document
    assert (back["undone"], back["bars"]) == (done["snapshot"], 1)
    assert len(qts("bars", "SIM:WALK", "--json").document) == 2
    again = qts("undo")
    assert (again.code, "no deletion" in again.err) == (2, True)
    assert "`qts undo " in qts("delete", "SIM:WALK", "--yes").out
    assert "2 bars are back" in qts("undo").out
    assert qts("delete", "SIM:WALK", "--yes").code == 0
    assert qts("import", tmp_path / "WALK.csv", "--exchange", "SIM").code == 0
    nothing = qts("undo")
    assert (nothing.code, "0 bars are back" in nothing.out, "is there again" in nothing.err) == (0, True, True)


@pytest.mark.usefixtures("stored")
def test_a_series_shows_its_commits_and_files(qts: Qts) -> None:
    (told,) = qts("series", "SIM:WALK", "--json").document
    assert [commit["source"] for commit in told["history"]] == ["file:WALK.csv"]
    shown = qts("series", "SIM:WALK").out
    assert "SIM:WALK 1d raw: 2 bars, 2024-01-02 to 2024-01-03, SIMULATED" in shown
    assert told["files"][0]["path"] in shown
    near = qts("series", "SIM:WALT")
    assert (near.code, "SIM:WALK" in near.err) == (2, True)
    qts("delete", "SIM:WALK", "--yes")
    assert "SIM:WALK 1d raw: deleted" in qts("series", "SIM:WALK").out


@pytest.mark.usefixtures("stored")
def test_bars_are_exported_with_their_label(qts: Qts, tmp_path: Path) -> None:
    target = tmp_path / "out" / "walk.csv"
    done = qts("export", target, "SIM:WALK", "--interval", "1d", "--to", "2024-01-02")
    assert (done.code, "1 bars of 1 series" in done.out, "SIMULATED" in done.err) == (0, True, True)
    assert target.read_text().splitlines()[1:] == ['"SIM:WALK","1d","raw","2024-01-02T09:15:00+05:30",10,12,9,11,100,,true']
    assert qts("export", target).code == 2
    told = qts("export", tmp_path / "walk.duckdb", "--json").document
    assert (told["bars"], told["format"], told["files"]) == (2, "duckdb", ["walk.duckdb"])
