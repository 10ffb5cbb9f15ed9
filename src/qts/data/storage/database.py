"""A database, opened: one way to SQLite files and PostgreSQL servers, to transactions, and to what goes wrong with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from qts.core.errors import BadPath, DamagedFile, QtsError
from qts.data.storage import postgresql, sqlite_file
from qts.data.storage.commit_watch import CommitWatch, Version
from qts.data.storage.migration import Migrations
from qts.data.storage.seals import RESTORE_HINT

_WAIT_SECONDS: Final = 10.0
_WRITES: Final = "qts_writes"


class Database:
    """Transactions on one database, whose tables are those of this release. Threads and processes may share it.

    A reader sees one state for the length of its transaction; a writer takes its lock before it looks, so what it read is true until
    it has written.
    """

    def __init__(self, engine: Engine, *, place: str, path: Path | None, migrations: Migrations) -> None:
        self._engine = engine
        self._place = place
        self._path = path
        self._migrations = migrations
        self._commits = None if path is None else CommitWatch(path)

    @classmethod
    def open(cls, place: Path | str, *, migrations: Migrations, wait_seconds: float = _WAIT_SECONDS) -> Database:
        """Return a database, made where there is none and brought to this release's tables where they are older.

        Parameters
        ----------
        place : Path or str
            A file of SQLite, or the URL of a PostgreSQL database.
        migrations : Migrations
            The revisions of its tables.
        wait_seconds : float
            How long a writer waits for another, and an opener for one who brings the tables up to date.

        Raises
        ------
        BadPath
            If it cannot be opened, or was made by a later release.
        DamagedFile
            If the file is no database.
        StoreFull, StoreBusy
            If there is no room for it, or others do not let go of it.
        """
        url = None if isinstance(place, Path) or "://" not in place else _url(place)
        if url is None:
            path = Path(place)
            name = str(path)
            engine = _sqlite_engine(path, wait_seconds)
        else:
            path, name = None, url.render_as_string(hide_password=True)
            engine = postgresql.engine(url, wait_seconds=wait_seconds)
        event.listen(engine, "begin", _begin)
        database = cls(engine, place=name, path=path, migrations=migrations)
        try:
            database._bring_up_to_date()
        except QtsError:
            database.close()
            raise
        return database

    @property
    def path(self) -> Path | None:
        """Return the file, or None for a server."""
        return self._path

    @property
    def revision(self) -> str:
        """Return the revision of the tables."""
        return self._migrations.head

    def version(self) -> Version | None:
        """Return what changes with every commit by anybody, or None where that cannot be told without asking the database."""
        return None if self._commits is None else self._commits.version()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one state and must not write."""
        with self.faults(), self._begun(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield the one writer's connection; what it did is committed at the end, or undone by an exception.

        Raises
        ------
        BadPath
            If a later release changed the tables while this process ran.
        StoreFull, StoreBusy
            If there is no room, or other writers do not let this one in.
        """
        with self.faults(), self._begun(writes=True) as connection:
            self._migrations.require_head(connection, self._place)
            yield connection

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turn the errors of the database into ours, for work on a connection of one's own."""
        try:
            yield
        except DBAPIError as error:
            known = self._translated(error)
            if known is None:
                raise
            raise known from error
        except sqlite3.Error as error:
            known = None if self._path is None else sqlite_file.translated(error, self._path)
            if known is None:
                raise
            raise known from error
        except UnicodeDecodeError as error:
            raise DamagedFile(self._name, str(error), hint=RESTORE_HINT) from error

    def findings(self, *, quick: bool = False) -> tuple[str, ...]:
        """Return what is wrong with the file, nothing where it is sound; ``quick`` does not ask whether every index finds every row."""
        if self._path is None:
            return ()  # a server looks after its own pages
        try:
            with self.reading() as connection:
                answer = connection.exec_driver_sql("PRAGMA quick_check" if quick else "PRAGMA integrity_check").scalars().all()
                lost = [] if quick else connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        except DamagedFile as error:
            return (error.reason,)
        return (*(str(line) for line in answer if line != "ok"), *(f"a row of {row[0]} refers to nothing in {row[2]}" for row in lost))

    def copy_to(self, target: Path) -> None:
        """Write the committed state of this moment into a new file, flushed to the disk, while others read and write.

        Raises
        ------
        BadPath
            If it is on a server, which makes its own copies.
        StoreFull
            If there is no room for it.
        """
        if self._path is None:
            raise BadPath(self._place, "a server's database is not a file to copy", hint="Copy it with pg_dump.")
        with self.faults():
            sqlite_file.copy(self._path, target)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        if self._commits is not None:
            self._commits.close()

    def _bring_up_to_date(self) -> None:
        with self.faults():
            with self._begun(writes=False) as connection:
                if self._migrations.is_current(connection, self._place):
                    return
            # Of several who come at once one migrates; the others wait for the lock and find it done.
            with self._begun(writes=True) as connection:
                if not self._migrations.is_current(connection, self._place):
                    self._migrations.upgrade(connection)

    @contextmanager
    def _begun(self, *, writes: bool) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**{_WRITES: writes}) as connection, connection.begin():
            yield connection

    def _translated(self, error: DBAPIError) -> QtsError | None:
        if self._path is None:
            return postgresql.translated(error, self._place)
        return sqlite_file.translated(error.orig, self._path) if isinstance(error.orig, sqlite3.Error) else None

    @property
    def _name(self) -> str:
        return self._place if self._path is None else self._path.name


def _sqlite_engine(path: Path, wait_seconds: float) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), creator=lambda: sqlite_file.connect(path, wait_seconds=wait_seconds), max_overflow=-1
    )
    event.listen(engine, "checkout", sqlite_file.renew_frozen)
    return engine


def _url(text: str) -> URL:
    try:
        return make_url(text)
    except ArgumentError as error:
        raise BadPath("the database's URL", "it is no URL of a database", hint="Write postgresql://user@host/name.") from error


def _begin(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get(_WRITES))
    if connection.dialect.name == "sqlite":
        sqlite_file.begin(connection, writes=writes)
    else:
        postgresql.begin(connection, writes=writes)
