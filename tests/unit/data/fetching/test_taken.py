from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.data.fetching.taken import TakenFile, TakenFiles

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOUND = TakenFile(sha256="a" * 64, name="a.csv", refused=None)
BAD = TakenFile(sha256="b" * 64, name="b.csv", refused="is no table")


def test_a_content_is_remembered_whatever_the_path_and_a_path_while_its_mark_holds(tmp_path: Path) -> None:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    taken = TakenFiles(control.database, release="1")
    assert taken.find(SOUND.sha256) is None
    taken.note(Path("a.csv"), "4/1", SOUND, at=AT)
    assert taken.find(SOUND.sha256) == SOUND
    assert (taken.hash_of(Path("a.csv"), "4/1"), taken.hash_of(Path("a.csv"), "4/2")) == (SOUND.sha256, None)
    taken.note_path(Path("copy.csv"), "4/9", SOUND.sha256)
    assert taken.hash_of(Path("copy.csv"), "4/9") == SOUND.sha256
    control.close()


def test_what_was_refused_is_read_again_by_another_release_only(tmp_path: Path) -> None:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    TakenFiles(control.database, release="1").note(Path("b.csv"), "4/1", BAD, at=AT)
    TakenFiles(control.database, release="1").note(Path("a.csv"), "4/1", SOUND, at=AT)
    assert TakenFiles(control.database, release="1").find(BAD.sha256) == BAD
    later = TakenFiles(control.database, release="2")
    assert later.find(BAD.sha256) is None
    assert later.find(SOUND.sha256) == SOUND
    later.note(Path("b.csv"), "4/1", TakenFile(sha256=BAD.sha256, name="b.csv", refused=None), at=AT)
    assert TakenFiles(control.database, release="1").find(BAD.sha256) is not None
    control.close()


@pytest.mark.parametrize(
    "change",
    [
        "inbox_contents SET refused = 'is no tablf'",
        "inbox_contents SET refused = NULL",
        "inbox_contents SET release = '2'",
        "inbox_contents SET name = CAST(x'ff' AS TEXT)",
        "inbox_contents SET sha256 = 'c'",
        "inbox_contents SET row_seal = NULL",
        "inbox_paths SET sha256 = 'c'",
        "inbox_paths SET mark = '4/2'",
        "inbox_paths SET path = 'd'",
    ],
)
def test_what_a_damaged_row_remembers_is_read_again_and_remembered_anew(tmp_path: Path, change: str) -> None:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    taken = TakenFiles(control.database, release="1")
    taken.note(Path("b.csv"), "4/1", BAD, at=AT)
    with sqlite3.connect(tmp_path / "control.sqlite") as connection:
        connection.execute(f"UPDATE {change}")
    connection.close()
    for mark in ("4/1", "4/2"):
        sha256 = taken.hash_of(Path("b.csv"), mark)
        assert sha256 is None or taken.find(sha256) is None
    assert taken.find("c") is None
    taken.note(Path("b.csv"), "4/1", BAD, at=AT)
    assert taken.find(taken.hash_of(Path("b.csv"), "4/1") or "") == BAD
    control.close()
