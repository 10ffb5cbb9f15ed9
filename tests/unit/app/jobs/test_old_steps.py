from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from qts.app.jobs.old_steps import shrink


def filled(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE kept (x BLOB)")
        connection.executemany("INSERT INTO kept VALUES (?)", [(bytes(1000),)] * 500)


def test_the_empty_half_of_a_file_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "steps.sqlite"
    filled(path)
    assert not shrink(path, least=1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM kept WHERE rowid > 100")
    assert not shrink(path)  # too little to be worth it
    before = path.stat().st_size
    assert shrink(path, least=1)
    assert path.stat().st_size < before / 2


def test_a_file_that_others_write_to_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "steps.sqlite"
    filled(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM kept")
        connection.execute("BEGIN IMMEDIATE")
        assert not shrink(path, least=1)
        connection.execute("ROLLBACK")
