"""The scores of whole series, kept until something that they depend on changes."""

from __future__ import annotations

from collections.abc import Mapping
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


class Scores:
    """The last score of each series, with its document as text."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, key: SeriesKey, *, fingerprint: str, score: float | None, document: str, scored_at: datetime) -> None:
        """Keep a score in place of the one before.

        Raises
        ------
        BadParameter
            If ``scored_at`` has no zone.
        """
        require_aware("scored_at", scored_at)
        row = {
            "instrument": str(key.instrument),
            "interval": str(key.interval),
            "basis": str(key.basis),
            "fingerprint": fingerprint,
            "score": score,
            "document": document,
            "scored_at": scored_at.isoformat(),
        }
        with self._database.writing() as connection:
            connection.execute(sa.delete(_SCORES).where(_is_of(key)))
            connection.execute(sa.insert(_SCORES), row)

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
