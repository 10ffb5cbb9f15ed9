"""The manifest: which files hold which bars at which snapshot. A commit is one transaction here, or did not happen."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from qts.core.errors import BadPath, DamagedFile, QtsError, StoreBusy, StoreFull
from qts.data.storage.ledger import Ledger
from qts.data.storage.schema import FORMAT, METADATA, VERSION

_WAIT_SECONDS: Final = 10.0
_WRITES: Final = "qts_writes"
_LITTLE_ROOM: Final = 1 << 20
_MOST_CHECKED: Final = 32 << 20
_NOT_A_STORE: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
_FOR_WANT_OF_ROOM: Final = frozenset({"SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY"})
_REFUSED: Final = frozenset({"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"})


class Manifest:
    """The transactional database beside the files. Threads and processes may share it."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._engine = engine

    @classmethod
    def open(cls, path: Path, *, wait_seconds: float = _WAIT_SECONDS) -> Manifest:
        """Return the manifest of a store, made if it is not there; a writer waits so long for another.

        Raises
        ------
        BadPath
            If the file cannot be opened, or was written by a newer version.
        DamagedFile
            If it is no manifest.
        """
        engine = create_engine(URL.create("sqlite", database=str(path)), creator=lambda: _connected(path, wait_seconds), max_overflow=-1)
        event.listen(engine, "checkout", _renew_frozen)
        event.listen(engine, "begin", _begin)
        manifest = cls(path, engine)
        try:
            manifest._set_up()
        except QtsError:
            manifest.close()
            raise
        return manifest

    @contextmanager
    def reading(self) -> Iterator[Ledger]:
        """Yield one consistent view."""
        with self._faults(), self._begun(writes=False) as connection:
            yield Ledger(connection)

    @contextmanager
    def writing(self) -> Iterator[Ledger]:
        """Yield the one writer's view; what it did is committed at the end, or undone by an exception."""
        with self._faults(), self._begun(writes=True) as connection:
            yield Ledger(connection)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _set_up(self) -> None:
        with self._faults():
            if not self._has_tables():
                with self._begun(writes=True) as connection:
                    METADATA.create_all(connection)
                    if connection.execute(FORMAT.select()).first() is None:
                        connection.execute(FORMAT.insert().values(version=VERSION))
            with self._begun(writes=False) as connection:
                version = connection.execute(FORMAT.select()).scalar()
                if version == VERSION:
                    self._require_sound_pages(connection)
                    Ledger(connection).require_whole()
        if version != VERSION:
            reason = f"is of format {version}; this program reads format {VERSION}"
            raise BadPath(str(self._path), reason, hint="Use the version that wrote it.")

    def _require_sound_pages(self, connection: Connection) -> None:
        # Seals show that rows are right; only this shows that an index still finds them all. It takes some 3 ms a megabyte.
        if self._path.stat().st_size > _MOST_CHECKED:
            return
        finding = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if finding != "ok":
            raise DamagedFile(self._path.name, str(finding).splitlines()[-1].lower())

    def _has_tables(self) -> bool:
        with self._begun(writes=False) as connection:
            return bool(self._engine.dialect.has_table(connection, FORMAT.name))

    @contextmanager
    def _begun(self, *, writes: bool) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**{_WRITES: writes}) as connection, connection.begin():
            yield connection

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            known = self._translated(error)
            if known is None:
                raise
            raise known from error
        except UnicodeDecodeError as error:
            raise DamagedFile(self._path.name, str(error)) from error

    def _translated(self, error: DBAPIError) -> QtsError | None:
        original = error.orig
        if not isinstance(original, sqlite3.Error):
            return None
        name = getattr(original, "sqlite_errorname", "")
        family = "_".join(name.split("_")[:2])
        if family == "SQLITE_FULL" or (family in _FOR_WANT_OF_ROOM and _is_full(self._path.parent)):
            return StoreFull(str(self._path.parent))
        if family in _NOT_A_STORE:
            return DamagedFile(self._path.name, str(original))
        if family == "SQLITE_BUSY":
            return StoreBusy(str(self._path.parent))
        if family in _REFUSED or family == "SQLITE_IOERR":
            return BadPath(str(self._path), str(original))
        # A text that does not decode has no code; a table or column that is not there has the general one.
        return DamagedFile(self._path.name, str(original)) if family in {"", "SQLITE_ERROR"} else None


class _Frozen(sqlite3.Connection):
    """A connection that takes the file as unchangeable, for one transaction."""


def _connected(path: Path, wait_seconds: float) -> sqlite3.Connection:
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


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LITTLE_ROOM
    except OSError:
        return False


def _renew_frozen(connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
    if isinstance(connection, _Frozen) and record.info.setdefault("uses", 0):
        raise DisconnectionError
    record.info["uses"] = 1


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")
