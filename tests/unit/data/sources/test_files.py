from __future__ import annotations

import os
from pathlib import Path

import pytest

from qts.core.errors import BadPath
from qts.data.sources.files import FoundFile, LeftFile, content_hash, find_files, look_at


def found(folder: Path) -> list[str]:
    return [one.path.name for one in find_files(folder) if isinstance(one, FoundFile)]


def left(folder: Path) -> dict[str, str]:
    return {one.path.name: one.reason for one in find_files(folder) if isinstance(one, LeftFile)}


def test_files_are_found_below_and_hidden_things_are_not(tmp_path: Path) -> None:
    for name in ("b.csv", "2026/a.csv", ".hidden/c.csv", ".d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert set(found(tmp_path)) == {"a.csv", "b.csv"}
    assert left(tmp_path) == {}


@pytest.mark.parametrize("ending", ["part", "crdownload", "TMP"])
def test_a_file_that_is_still_being_downloaded_is_left(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a.csv.{ending}").write_text("x")
    assert left(tmp_path) == {f"a.csv.{ending}": "is not whole yet, by the ending of its name"}


def test_what_is_no_file_or_empty_or_gone_is_left_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "dead.csv").symlink_to(tmp_path / "absent")
    assert left(tmp_path) == {
        "pipe.csv": "is no ordinary file",
        "empty.csv": "is empty so far",
        "dead.csv": "there is no such file or folder",
    }


def test_a_mark_changes_with_the_file_though_its_size_and_date_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1234")
    seen = path.stat()
    before = look_at(path)
    path.write_text("4321")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    after = look_at(path)
    assert isinstance(before, FoundFile)
    assert isinstance(after, FoundFile)
    assert before.mark != after.mark
    assert content_hash(path) == "fe2592b42a727e977f055947385b709cc82b16b9a87f88c6abf3900d65d0cdc3"


def test_a_folder_that_is_absent_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadPath, match="no such file or folder") as caught:
        list(find_files(tmp_path / "absent"))
    assert "setting inbox" in caught.value.hint
