from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]
HEAD = "date,open,high,low,close,volume\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "WALK.csv"
    file.write_text(f"{HEAD}2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n")
    return file


@pytest.fixture
def stored(home: Path, source: Path, qts: Qts) -> Path:
    assert qts("import", source, "--exchange", "SIM").code == 0
    return home


@pytest.mark.usefixtures("stored")
def test_snapshots_are_listed_and_compared(source: Path, qts: Qts) -> None:
    source.write_text(f"{source.read_text()}2024-01-04,12,14,11,13,300\n")
    assert qts("import", source, "--exchange", "SIM").code == 0
    listed = qts("snapshots", "list", "--json").document
    assert [snapshot["kind"] for snapshot in listed] == ["import", "import"]
    done = qts("snapshots", "compare", listed[1]["id"], "--json")
    (change,) = done.document["changes"]
    assert (change["instrument"], change["before"]["bars"], change["after"]["bars"]) == ("SIM:WALK", 2, 3)
    assert (done.document["after"], done.document["unchanged"]) == (listed[0]["id"], 0)
    assert "1 series changed" in qts("snapshots", "compare", listed[1]["id"], listed[0]["id"]).out
    same = qts("snapshots", "compare", listed[0]["id"], "--json").document
    assert (same["changes"], same["unchanged"]) == ([], 1)
    assert qts("snapshots", "compare", "nothing").code == 2


@pytest.mark.usefixtures("stored")
def test_a_named_snapshot_is_read_by_its_name_until_the_name_is_forgotten(source: Path, qts: Qts) -> None:
    named = qts("snapshots", "name", "before", "--json").document
    assert named["names"] == ["before"]
    source.write_text(f"{source.read_text()}2024-01-04,12,14,11,13,300\n")
    assert qts("import", source, "--exchange", "SIM").code == 0
    assert len(qts("bars", "SIM:WALK", "--as-of", "before", "--json").document) == 2
    assert qts("snapshots", "compare", "before", "--json").document["changes"][0]["after"]["bars"] == 3
    assert "before" in qts("snapshots", "list").out
    taken = qts("snapshots", "name", "before")
    assert (taken.code, "is called that" in taken.err) == (2, True)
    assert qts("snapshots", "forget", "before", "--json").document == named | {"names": []}
    assert qts("snapshots", "forget", "before").code == 2


@pytest.mark.usefixtures("home")
def test_without_a_commit_there_is_nothing_to_name(qts: Qts) -> None:
    asked = qts("snapshots", "name", "first")
    assert (asked.code, "There is no snapshot yet" in asked.err) == (2, True)


@pytest.mark.usefixtures("stored")
def test_what_came_later_is_not_in_an_earlier_snapshot(source: Path, qts: Qts) -> None:
    (before,) = (snapshot["id"] for snapshot in qts("snapshots", "list", "--json").document)
    source.write_text(source.read_text().replace("WALK", "RUN"))
    assert qts("import", source, "--exchange", "SIM", "--symbol", "RUN").code == 0
    asked = qts("bars", "SIM:RUN", "--as-of", before)
    assert asked.code == 3
    assert f"SIM:RUN has no 1d bars in the snapshot {before}; stored there: nothing of it." in asked.err
    assert "`qts series SIM:RUN` shows which" in asked.err


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("days", [36_501, 10**30])
def test_an_age_that_no_snapshot_has_is_refused(days: int, qts: Qts) -> None:
    asked = qts("snapshots", "collect", "--keep-days", str(days))
    assert (asked.code, "keep_days" in asked.err) == (2, True)


@pytest.mark.usefixtures("stored")
def test_old_snapshots_are_given_back_but_for_those_that_something_holds(source: Path, qts: Qts) -> None:
    for day in (4, 5, 8):
        source.write_text(f"{source.read_text()}2024-01-{day:02},12,14,11,13,300\n")
        assert qts("import", source, "--exchange", "SIM").code == 0
    ids = [snapshot["id"] for snapshot in reversed(qts("snapshots", "list", "--json").document)]
    assert qts("snapshots", "name", "kept", ids[0]).code == 0
    assert qts("backtest", "buy_and_hold", "--instruments", "SIM:WALK", "--costs", "none", "--json").code == 0
    source.write_text(f"{source.read_text()}2024-01-09,12,14,11,13,300\n")
    assert qts("import", source, "--exchange", "SIM").code == 0
    would = qts("snapshots", "collect", "--keep-days", "0", "--dry-run", "--json").document
    assert would["snapshots"] == ids[1:3], "the named one, the one of the run and the present one are kept"
    assert len(qts("snapshots", "list", "--json").document) == 5
    assert qts("snapshots", "collect", "--keep-days", "0", "--json").document["snapshots"] == ids[1:3]
    assert [snapshot["id"] for snapshot in qts("snapshots", "list", "--json").document][1:] == [ids[3], ids[0]]
    gone = qts("bars", "SIM:WALK", "--as-of", ids[1])
    assert gone.code == 2
    assert qts("snapshots", "collect").out.startswith("0 snapshots forgotten")
