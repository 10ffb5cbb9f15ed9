from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from qts.data.storage.commit_watch import CommitWatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE numbers (value INTEGER)")
        connection.commit()
    return path


def test_a_version_stays_until_somebody_commits(file: Path) -> None:
    watch = CommitWatch(file)
    with closing(sqlite3.connect(file)) as writer:
        before = watch.version()
        assert before is not None
        writer.execute("INSERT INTO numbers VALUES (1)")
        assert watch.version() == before
        writer.commit()
        after = watch.version()
    assert after not in {None, before}
    assert watch.version() == after
    watch.close()


def test_a_watch_that_was_closed_gives_no_version_twice(file: Path) -> None:
    watch = CommitWatch(file)
    before = watch.version()
    watch.close()
    assert watch.version() not in {None, before}
    watch.close()


def test_a_file_that_is_not_there_has_no_version_and_is_not_made(tmp_path: Path) -> None:
    watch = CommitWatch(tmp_path / "none.sqlite")
    assert watch.version() is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_bytes(b"no database, but long enough to be looked at" * 100)
    watch = CommitWatch(tmp_path / "text.sqlite")
    assert watch.version() is None
    watch.close()
