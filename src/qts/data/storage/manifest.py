"""The manifest: which files hold which bars at which snapshot. A commit is one transaction here, or did not happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from qts.core.errors import DamagedFile, QtsError
from qts.data.storage import sqlite_file
from qts.data.storage.commit_watch import Version
from qts.data.storage.database import Database
from qts.data.storage.ledger import Ledger
from qts.data.storage.migration import Migrations
from qts.data.storage.records import StoredFile
from qts.data.storage.row_seals import row_harms
from qts.data.storage.schema import FORMAT, INGEST_LOG, INSTRUMENT, SNAPSHOT, SNAPSHOT_NAME
from qts.data.storage.seals import RESTORE_HINT

_WAIT_SECONDS: Final = 10.0
_MOST_CHECKED: Final = 32 << 20
SEALED: Final = (SNAPSHOT, SNAPSHOT_NAME, INGEST_LOG, INSTRUMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestCopy:
    """What a copy of a manifest tells of: the id of its present state, and the files of all its snapshots."""

    snapshot: str
    files: tuple[StoredFile, ...]


class Manifest:
    """The transactional database beside the files. Threads and processes may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path, *, wait_seconds: float = _WAIT_SECONDS) -> Manifest:
        """Return the manifest of a store, made if it is not there; a writer waits so long for another.

        Raises
        ------
        BadPath
            If the file cannot be opened, or was made by a later release.
        DamagedFile
            If it is no manifest.
        """
        manifest = cls(Database.open(path, migrations=MANIFEST, wait_seconds=wait_seconds))
        try:
            manifest._require_sound()
        except QtsError:
            manifest.close()
            raise
        return manifest

    @property
    def database(self) -> Database:
        """Return the database that it is kept in."""
        return self._database

    def version(self) -> Version | None:
        """Return what changes with every commit by anybody, or None where that costs as much as asking for something."""
        return self._database.version()

    def row_findings(self) -> tuple[str, ...]:
        """Return what is wrong with rows that the opening does not look at: of commits the first few, of other rows the first."""
        found: list[str] = []
        try:
            with self.reading() as ledger:
                found += (error.reason for error in row_harms(ledger.connection, SEALED))
                ledger.require_recorded()
        except DamagedFile as error:
            found.append(error.reason)
        return tuple(found)

    @contextmanager
    def reading(self) -> Iterator[Ledger]:
        """Yield one consistent view."""
        with self._database.reading() as connection:
            yield Ledger(connection)

    @contextmanager
    def writing(self) -> Iterator[Ledger]:
        """Yield the one writer's view; what it did is committed at the end, or undone by an exception."""
        with self._database.writing() as connection:
            yield Ledger(connection)

    def copy_to(self, target: Path) -> ManifestCopy:
        """Write the present state into a new file, while others write, and return what it tells of."""
        self._database.copy_to(target)
        copied = Manifest(Database.open(target, migrations=MANIFEST))
        try:
            with copied.reading() as ledger:
                ledger.require_whole()
                copy = ManifestCopy(snapshot=ledger.snapshot()[1], files=tuple(ledger.files()))
        finally:
            copied.close()
        sqlite_file.settle(target)
        return copy

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def _require_sound(self) -> None:
        with self._database.reading() as connection:
            _require_sound_pages(connection, self._database.path)
            Ledger(connection).require_whole()


def _require_sound_pages(connection: Connection, path: Path | None) -> None:
    # Seals show that rows are right; only this shows that an index still finds them all. It takes some 3 ms a megabyte.
    if path is None or path.stat().st_size > _MOST_CHECKED:
        return
    finding = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if finding != "ok":
        raise DamagedFile(path.name, str(finding).splitlines()[-1].lower(), hint=RESTORE_HINT)


def _first_version(connection: Connection) -> int | None:
    if not connection.dialect.has_table(connection, FORMAT.name):
        return None
    return connection.execute(FORMAT.select()).scalar()


def _mark(connection: Connection, number: int) -> None:
    connection.execute(FORMAT.update().values(version=number))


MANIFEST: Final = Migrations(folder=Path(__file__).parent / "migrations", first_version=_first_version, mark=_mark)
