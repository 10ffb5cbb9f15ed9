"""How a file of SQLite is opened, and what its errors mean: the one place that knows its pragmas and its codes."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from qts.core.errors import BadPath, DamagedFile, QtsError, StoreBusy, StoreFull
from qts.data.storage.seals import RESTORE_HINT

_LITTLE_ROOM: Final = 1 << 20
_NOT_A_DATABASE: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
_FOR_WANT_OF_ROOM: Final = frozenset({"SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY"})
_REFUSED: Final = frozenset({"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_IOERR"})
_HELD: Final = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})


class _Frozen(sqlite3.Connection):
    """A connection that takes the file as unchangeable, for one transaction."""


def connect(path: Path, *, wait_seconds: float) -> sqlite3.Connection:
    """Return a connection that writes through a log, flushes every commit and waits so long for other writers.

    On a full disk the connection can at least read, for one transaction.
    """
    path = path.resolve()  # of a link, the log stands beside the file that it leads to
    connection = sqlite3.connect(path, timeout=wait_seconds, check_same_thread=False, isolation_level=None)
    try:
        # We begin transactions ourselves: a writer must take its lock before it looks.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        is_complete = path.exists() and path.stat().st_size > 0 and not (log.exists() and log.stat().st_size)
        if not (is_complete and _is_full(path.parent)):
            raise
        # Reading takes a shared file of 32 kB, for which a full disk has no room. While there is no log, the file alone is complete.
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False, isolation_level=None, factory=_Frozen
        )
    return connection


def copy(source: Path, target: Path) -> None:
    """Write the committed state of a database into a new file that needs no log beside it."""
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.backup(writer)
    settle(target)


def settle(path: Path) -> None:
    """Make a database that nobody has open one file without a log, flushed to the disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def renew_frozen(connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Let the pool hand out a frozen connection once only."""
    if isinstance(connection, _Frozen) and record.info.setdefault("uses", 0):
        raise DisconnectionError
    record.info["uses"] = 1


def begin(connection: Connection, *, writes: bool) -> None:
    """Begin a transaction; a writer takes its lock now."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def translated(error: sqlite3.Error, path: Path) -> QtsError | None:
    """Return an error of SQLite in the words of the domain, or None where it is a mistake of ours."""
    folder = path.resolve().parent  # of a link, the disk that is full is that of the file
    name = getattr(error, "sqlite_errorname", "")
    family = "_".join(name.split("_")[:2])
    if family == "SQLITE_FULL" or (family in _FOR_WANT_OF_ROOM and _is_full(folder)):
        return StoreFull(str(folder))
    if family in _NOT_A_DATABASE:
        return DamagedFile(path.name, str(error), hint=RESTORE_HINT)
    if family in _HELD:
        return StoreBusy(str(path.parent))
    if family in _REFUSED:
        return BadPath(str(path), str(error))
    # A text that does not decode has no code; a table or column that is not there has the general one.
    return DamagedFile(path.name, str(error), hint=RESTORE_HINT) if family in {"", "SQLITE_ERROR"} else None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LITTLE_ROOM
    except OSError:
        return False
