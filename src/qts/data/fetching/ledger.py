"""What a source gave when it was asked: bars per day, so that a download asks neither for what was had nor for what is not there."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import sqlalchemy as sa

from qts.core import Ints
from qts.data.storage import SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware

_EPOCH: Final = date(1970, 1, 1)
_DAYS: Final = 366
# Stands for a day that was not asked for; a day of minutes has some hundreds of bars.
_NEVER: Final = 65_535
STALE: Final = 65_534
"""Stands for a day whose bars the source has rewritten since they were had: more than can be held, so that it is asked for again."""
_FETCHED: Final = sa.Table(
    "fetched",
    sa.MetaData(),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("interval", sa.String(8), primary_key=True),
    sa.Column("basis", sa.String(10), primary_key=True),
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("counts", sa.LargeBinary, nullable=False),
    sa.Column("asked_at", sa.String(40), nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a source gave of a year of a series: on how many days it was asked for, how many bars on them, and when it was last asked."""

    source: str
    year: int
    n_days: int
    n_bars: int
    asked_at: datetime


class FetchLedger:
    """Bars per day as sources gave them, a packed row for each series, source and year, in the control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, key: SeriesKey, source: str) -> dict[int, int]:
        """Return how many bars the source gave on each day that it was asked for, as days since 1970-01-01."""
        query = sa.select(_FETCHED.c.year, _FETCHED.c.counts).where(_is_of(key, source))
        found: dict[int, int] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                counts = _unpacked(row.counts)
                asked = np.flatnonzero(counts != _NEVER)
                found |= dict(zip((_first_day(row.year) + asked).tolist(), counts[asked].tolist(), strict=True))
        return found

    def asked(self, key: SeriesKey) -> tuple[Asked, ...]:
        """Return which sources were asked for a series, year by year, the latest asked first."""
        query = sa.select(_FETCHED).where(_is_series(key))
        found = []
        with self._database.reading() as connection:
            for row in connection.execute(query):
                counts = _unpacked(row.counts)
                given = counts[(counts != _NEVER) & (counts != STALE)]
                at = datetime.fromisoformat(row.asked_at)
                found.append(Asked(source=row.source, year=row.year, n_days=len(given), n_bars=int(given.sum()), asked_at=at))
        return tuple(sorted(found, key=lambda one: (one.asked_at, one.year), reverse=True))

    def record(self, key: SeriesKey, source: str, counts: Mapping[int, int], *, asked_at: datetime) -> None:
        """Remember what the source gave on these days; what it gave before on them is forgotten, on others it is kept.

        Raises
        ------
        BadParameter
            If ``asked_at`` has no zone.
        """
        require_aware("asked_at", asked_at)
        by_year: dict[int, dict[int, int]] = {}
        for day, count in counts.items():
            year = (_EPOCH + timedelta(days=day)).year
            by_year.setdefault(year, {})[day - _first_day(year)] = min(count, STALE)
        name = {"instrument": str(key.instrument), "interval": str(key.interval), "basis": str(key.basis), "source": source}
        with self._database.writing() as connection:
            for year, given in by_year.items():
                where = _is_of(key, source) & (_FETCHED.c.year == year)
                packed = connection.execute(sa.select(_FETCHED.c.counts).where(where)).scalar()
                row = np.full(_DAYS, _NEVER, np.uint16) if packed is None else _unpacked(packed)
                row[list(given)] = list(given.values())
                values = {"counts": zlib.compress(row.astype("<u2").tobytes()), "asked_at": asked_at.isoformat()}
                connection.execute(sa.delete(_FETCHED).where(where))
                connection.execute(sa.insert(_FETCHED).values(name | {"year": year} | values))


def _unpacked(packed: bytes) -> Ints:
    return np.frombuffer(zlib.decompress(packed), dtype="<u2").astype(np.int64)


def _first_day(year: int) -> int:
    return (date(year, 1, 1) - _EPOCH).days


def _is_of(key: SeriesKey, source: str) -> sa.ColumnElement[bool]:
    return sa.and_(_is_series(key), _FETCHED.c.source == source)


def _is_series(key: SeriesKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        _FETCHED.c.instrument == str(key.instrument),
        _FETCHED.c.interval == str(key.interval),
        _FETCHED.c.basis == str(key.basis),
    )
