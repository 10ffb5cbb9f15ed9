"""The scores of whole series, kept until something that they depend on changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from qts.core import InstrumentId, Interval
from qts.data.storage import PriceBasis, SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware

_SCORES: Final = sa.Table(
    "quality_scores",
    sa.MetaData(),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("interval", sa.String(8), primary_key=True),
    sa.Column("basis", sa.String(10), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("scored_at", sa.String(40), nullable=False),
)


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
        names = [{"instrument": str(one.key.instrument), "interval": str(one.key.interval), "basis": str(one.key.basis)} for one in judged]
        rows: list[dict[str, object]] = [
            name | {"fingerprint": one.fingerprint, "score": one.score, "document": one.document, "scored_at": scored_at.isoformat()}
            for name, one in zip(names, judged, strict=True)
        ]
        same = sa.and_(*(_SCORES.c[name] == sa.bindparam(f"old_{name}") for name in ("instrument", "interval", "basis")))
        with self._database.writing() as connection:
            connection.execute(sa.delete(_SCORES).where(same), [{f"old_{field}": value for field, value in name.items()} for name in names])
            connection.execute(sa.insert(_SCORES), rows)

    def latest(self) -> str:
        """Return when a series was last judged; empty where none was."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.max(_SCORES.c.scored_at))).scalar() or ""

    def document(self, key: SeriesKey, *, fingerprint: str) -> str | None:
        """Return the document of a series, or None where none was kept of this fingerprint."""
        query = sa.select(_SCORES.c.document).where(_is_of(key), _SCORES.c.fingerprint == fingerprint)
        with self._database.reading() as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def all(self) -> Mapping[SeriesKey, StoredScore]:
        """Return the last score of every series."""
        columns = (_SCORES.c.instrument, _SCORES.c.interval, _SCORES.c.basis, _SCORES.c.fingerprint, _SCORES.c.score)
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(*columns)).all()
        return {
            SeriesKey(instrument=InstrumentId(row.instrument), interval=Interval(row.interval), basis=PriceBasis(row.basis)): StoredScore(
                fingerprint=row.fingerprint, score=row.score
            )
            for row in rows
        }


def _is_of(key: SeriesKey) -> sa.ColumnElement[bool]:
    return sa.and_(_SCORES.c.instrument == str(key.instrument), _SCORES.c.interval == str(key.interval), _SCORES.c.basis == str(key.basis))
