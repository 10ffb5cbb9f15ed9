"""Which files of a watch folder were taken in, by content: the memory that keeps a file from being read twice, whatever its name.

Each row carries a hash of what it says. What a row that differs from what was written stands for counts as never read: to read a file twice
stores nothing twice, and writes the row anew, whereas a file that is passed over is missed by nobody.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware
from qts.data.storage.row_seals import marked_rows, with_seal

_METADATA: Final = sa.MetaData()
CONTENTS: Final = sa.Table(
    "inbox_contents",
    _METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("refused", sa.Text),
    sa.Column("release", sa.String(40), nullable=False),
    sa.Column("taken_at", sa.String(40), nullable=False),
    sa.Column("row_seal", sa.String(16)),
)
# Spares the reading of files that have not changed since they were read.
PATHS: Final = sa.Table(
    "inbox_paths",
    _METADATA,
    sa.Column("path", sa.String(64), primary_key=True),
    sa.Column("mark", sa.String(120), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("row_seal", sa.String(16)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A content that was read: under which name first, and why it was refused where it was."""

    sha256: str
    name: str
    refused: str | None


class TakenFiles:
    """The contents that were read, in the control database.

    Parameters
    ----------
    database : Database
        The control database.
    release : str
        Of this program: what another one refused is read again, for this one may know its layout.
    """

    def __init__(self, database: Database, *, release: str) -> None:
        self._database = database
        self._release = release

    def hash_of(self, path: Path, mark: str) -> str | None:
        """Return the hash of an unchanged file that was read before, None for any other."""
        row = self._sound(PATHS, sa.select(PATHS).where(PATHS.c.path == _key(path), PATHS.c.mark == mark))
        return None if row is None else str(row["sha256"])

    def find(self, sha256: str) -> TakenFile | None:
        """Return what became of a content, None where it is to be read."""
        row = self._sound(CONTENTS, sa.select(CONTENTS).where(CONTENTS.c.sha256 == sha256))
        if row is None or (row["refused"] is not None and row["release"] != self._release):
            return None
        return TakenFile(sha256=row["sha256"], name=row["name"], refused=row["refused"])

    def note(self, path: Path, mark: str, taken: TakenFile, *, at: datetime) -> None:
        """Remember what became of a file.

        Raises
        ------
        BadParameter
            If ``at`` has no zone.
        StoreFull, StoreBusy
            If nothing could be written.
        """
        require_aware("at", at)
        values = {"name": taken.name, "refused": taken.refused, "release": self._release, "taken_at": at.isoformat()}
        row = with_seal(CONTENTS, {"sha256": taken.sha256, **values})
        with self._database.writing() as connection:
            connection.execute(sa.delete(CONTENTS).where(CONTENTS.c.sha256 == taken.sha256))
            connection.execute(sa.insert(CONTENTS).values(row))
            _put_path(connection, path, mark, taken.sha256)

    def note_path(self, path: Path, mark: str, sha256: str) -> None:
        """Remember which content a file holds that was read under another name; raises StoreFull, StoreBusy."""
        with self._database.writing() as connection:
            _put_path(connection, path, mark, sha256)

    def _sound(self, table: sa.Table, query: sa.Select[Any]) -> sa.RowMapping | None:
        with self._database.reading() as connection:
            return next((row for row, is_sound in marked_rows(connection, table, query) if is_sound), None)


def _put_path(connection: sa.Connection, path: Path, mark: str, sha256: str) -> None:
    connection.execute(sa.delete(PATHS).where(PATHS.c.path == _key(path)))
    connection.execute(sa.insert(PATHS).values(with_seal(PATHS, {"path": _key(path), "mark": mark, "sha256": sha256})))


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()
