from __future__ import annotations

from pathlib import Path

import pytest

from qts.data.storage.whole_files import content_of, flush_folder, put_file, size_of


def test_a_file_is_put_into_folders_that_are_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "list.json"
    put_file(path, b"one")
    put_file(path, b"another")
    assert content_of(path) == b"another"
    assert size_of(path) == len(b"another")
    assert [file.name for file in path.parent.iterdir()] == ["list.json"]


def test_a_file_that_cannot_be_put_leaves_nothing_and_harms_nothing(tmp_path: Path) -> None:
    taken = tmp_path / "list.json"
    (taken / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"list\.json"):
        put_file(taken, b"one")
    assert [file.name for file in tmp_path.iterdir()] == ["list.json"]
    assert (taken / "inside").is_dir()


def test_what_is_not_there_has_neither_content_nor_size(tmp_path: Path) -> None:
    assert content_of(tmp_path / "absent") is None
    assert size_of(tmp_path / "absent") == -1
    assert content_of(tmp_path) is None


def test_a_folder_that_is_gone_cannot_be_flushed(tmp_path: Path) -> None:
    flush_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        flush_folder(str(tmp_path / "absent"))
