"""The scores of whole series, kept until something that they depend on changes.

Each row carries a hash of what it says. They can all be computed again, so that one which differs from its own counts for nothing: its
series is as one that was never judged, and judging it again puts it right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from qts.data.storage import SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware
from qts.data.storage.row_seals import ROW_SEAL, any_text, marked_rows, require_read, unsound_rows, with_seal
from qts.data.storage.series_rows import is_of, key_of, may_be_of, name_of

TABLE: Final = sa.Table(
    "quality_scores",
    sa.MetaData(),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("interval", sa.String(8), primary_key=True),
    sa.Column("basis", sa.String(10), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("scored_at", sa.String(40), nullable=False),
    sa.Column(ROW_SEAL, sa.String(16)),
)
_NAMES: Final = ("instrument", "interval", "basis")
_OLD: Final = tuple(f"old_{name}" for name in _NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScore:
    """A score and the fingerprint of all that it was computed from."""

    fingerprint: str
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSeries:
    """The score of a series to be kept, with its document as text."""

    key: SeriesKey
    fingerprint: str
    score: float | None
    document: str


class Scores:
    """The last score of each series, with its document as text."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, judged: Sequence[JudgedSeries], *, scored_at: datetime) -> None:
        """Keep scores in place of the ones before, in one transaction.

        Raises
        ------
        BadParameter
            If ``scored_at`` has no zone.
        """
        require_aware("scored_at", scored_at)
        if not judged:
            return
        at = scored_at.isoformat()
        rows: list[dict[str, Any]] = [
            {**name_of(one.key), "fingerprint": one.fingerprint, "score": one.score, "document": one.document, "scored_at": at}
            for one in judged
        ]
        same = sa.and_(*(TABLE.c[name] == sa.bindparam(old) for name, old in zip(_NAMES, _OLD, strict=True)))
        with self._database.writing() as connection:
            old = [*map(_name_in, rows), *(_name_in(row) for row in self._unsound(connection) if _may_be_of_any(row, judged))]
            connection.execute(sa.delete(TABLE).where(same), [dict(zip(_OLD, name, strict=True)) for name in old])
            connection.execute(sa.insert(TABLE), [with_seal(TABLE, row) for row in rows])

    def latest(self) -> str:
        """Return when a series was last judged; empty where none was."""
        with self._database.reading() as connection:
            return max((row["scored_at"] for row in self._sound(connection, "scored_at")), default="")

    def document(self, key: SeriesKey, *, fingerprint: str) -> str | None:
        """Return the document of a series, or None where none was kept of this fingerprint."""
        query = sa.select(TABLE).where(is_of(TABLE, key), TABLE.c.fingerprint == fingerprint)
        with self._database.reading() as connection:
            return next((str(row["document"]) for row, is_sound in marked_rows(connection, TABLE, query) if is_sound), None)

    def all(self) -> Mapping[SeriesKey, StoredScore]:
        """Return the last score of every series."""
        with self._database.reading() as connection, require_read(TABLE):
            rows = self._sound(connection, "fingerprint", "score")
            return {key_of(row): StoredScore(fingerprint=row["fingerprint"], score=row["score"]) for row in rows}

    def _sound(self, connection: sa.Connection, *columns: str) -> list[sa.RowMapping]:
        """Return of every series its name and some more columns, where its row is what was written; a document may be long."""
        unsound = {_name_in(row) for row in self._unsound(connection)}
        query = sa.select(*(TABLE.c[name] for name in (*_NAMES, *columns)))
        with any_text(connection):
            return [row for row in connection.execute(query).mappings() if _name_in(row) not in unsound]

    def _unsound(self, connection: sa.Connection) -> tuple[sa.RowMapping, ...]:
        with any_text(connection):
            return unsound_rows(self._database, connection, TABLE)


def _name_in(row: Mapping[str, Any] | sa.RowMapping) -> tuple[str, ...]:
    return tuple(row[name] for name in _NAMES)


def _may_be_of_any(row: sa.RowMapping, judged: Iterable[JudgedSeries]) -> bool:
    return any(may_be_of(TABLE, row, one.key) for one in judged)
