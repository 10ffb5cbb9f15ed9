"""What a source gave when it was asked: bars per day, so that a download asks neither for what was had nor for what is not there.

Each row carries a hash of what it says, and one that differs from its own is an error of its series, for all its sources. It is not read
as never asked: it may have told of bars whose past the source has rewritten, and half of a series would then be of before, half of after.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import sqlalchemy as sa

from qts.core import IST, Bools, Ints
from qts.data.storage import SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware
from qts.data.storage.row_seals import ROW_SEAL, any_text, damaged_row, require_read, sealed_rows, unsound_rows, with_seal
from qts.data.storage.series_rows import is_of, name_of, require_series_sound

_EPOCH: Final = date(1970, 1, 1)
_DAYS: Final = 366
# Stands for a day that was not asked for; a day of minutes has some hundreds of bars.
_NEVER: Final = 65_535
STALE: Final = 65_534
"""Stands for a day whose bars the source has rewritten since they were had: more than can be held, so that it is asked for again."""
# From here on stand days on which nothing came when they were first asked for, by the date on which that was.
_EMPTY_ONCE: Final = 50_000
_FIRST_ASKED: Final = 18_000  # 2019-04-14, as days since 1970-01-01
TABLE: Final = sa.Table(
    "fetched",
    sa.MetaData(),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("interval", sa.String(8), primary_key=True),
    sa.Column("basis", sa.String(10), primary_key=True),
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("counts", sa.LargeBinary, nullable=False),
    sa.Column("asked_at", sa.String(40), nullable=False),
    sa.Column(ROW_SEAL, sa.String(16)),
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
    """Bars per day as sources gave them, a packed row for each series, source and year, in the control database.

    Whoever asks for a series of which a row is not what was written gets a :class:`~qts.core.errors.DamagedFile`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, key: SeriesKey, source: str) -> dict[int, int]:
        """Return how many bars the source gave on each day that it was asked for, as days since 1970-01-01."""
        found: dict[int, int] = {}
        for first, row in self._years(key, source):
            counts = np.where(_is_empty_once(row), 0, row)
            asked = np.flatnonzero(counts != _NEVER)
            found |= dict(zip((first + asked).tolist(), counts[asked].tolist(), strict=True))
        return found

    def empty_once(self, key: SeriesKey, source: str, *, before: datetime) -> frozenset[int]:
        """Return the days on which the source gave nothing, and of which it was asked once only, on an earlier date in India.

        Such an answer is not yet believed: candles come late, and a reply may be empty by mistake.
        """
        today = _date_number(before)
        found: set[int] = set()
        for first, row in self._years(key, source):
            is_old = _is_empty_once(row) & (row - _EMPTY_ONCE + _FIRST_ASKED < today)
            found.update((first + np.flatnonzero(is_old)).tolist())
        return frozenset(found)

    def empty(self, key: SeriesKey, source: str) -> frozenset[int]:
        """Return the days on which the source gave nothing whenever it was asked, on two dates at least."""
        years = self._years(key, source)
        return frozenset(day for first, row in years for day in (first + np.flatnonzero(row == 0)).tolist())

    def asked(self, key: SeriesKey) -> tuple[Asked, ...]:
        """Return which sources were asked for a series, year by year, the latest asked first."""
        found = []
        for row in self._rows(key):
            counts = _counts(row)
            counts[_is_empty_once(counts)] = 0
            given = counts[(counts != _NEVER) & (counts != STALE)]
            with require_read(TABLE):
                at = datetime.fromisoformat(row["asked_at"])
            found.append(Asked(source=row["source"], year=row["year"], n_days=len(given), n_bars=int(given.sum()), asked_at=at))
        return tuple(sorted(found, key=lambda one: (one.asked_at, one.year), reverse=True))

    def record(self, key: SeriesKey, source: str, counts: Mapping[int, int], *, asked_at: datetime) -> None:
        """Remember what the source gave on these days; what it gave before on them is forgotten, on others it is kept.

        Of a day on which it gave nothing it is remembered when that was said first: only said again on a later date it is believed.

        Raises
        ------
        BadParameter
            If ``asked_at`` has no zone.
        """
        require_aware("asked_at", asked_at)
        by_year: dict[int, dict[int, int]] = {}
        for day, count in counts.items():
            year = (_EPOCH + timedelta(days=day)).year
            by_year.setdefault(year, {})[day - _first_day(year)] = count if count == STALE else min(count, _EMPTY_ONCE - 1)
        name = name_of(key) | {"source": source}
        with self._database.writing() as connection:
            for year, given in by_year.items():
                where = is_of(TABLE, key) & (TABLE.c.source == source) & (TABLE.c.year == year)
                held = next(sealed_rows(connection, TABLE, sa.select(TABLE).where(where)), None)
                row = np.full(_DAYS, _NEVER, np.int64) if held is None else _counts(held)
                places, said = np.array(list(given)), np.array(list(given.values()))
                row[places] = np.where(said == 0, _emptiness(row[places], _date_number(asked_at)), said)
                values = {"year": year, "counts": zlib.compress(row.astype("<u2").tobytes()), "asked_at": asked_at.isoformat()}
                connection.execute(sa.delete(TABLE).where(where))
                connection.execute(sa.insert(TABLE).values(with_seal(TABLE, name | values)))

    def _years(self, key: SeriesKey, source: str) -> list[tuple[int, Ints]]:
        """Return the first day of each year that was asked for, and its row."""
        with require_read(TABLE):
            return [(_first_day(row["year"]), _counts(row)) for row in self._rows(key) if row["source"] == source]

    def _rows(self, key: SeriesKey) -> list[sa.RowMapping]:
        with self._database.reading() as connection:
            with any_text(connection):
                unsound = unsound_rows(self._database, connection, TABLE, once=True)
            require_series_sound(TABLE, unsound, key)
            return list(sealed_rows(connection, TABLE, sa.select(TABLE).where(is_of(TABLE, key))))


def _is_empty_once(row: Ints) -> Bools:
    return np.asarray((row >= _EMPTY_ONCE) & (row < STALE))


def _emptiness(before: Ints, today: int) -> Ints:
    """Return what to write of days on which nothing came: 0 where that was said on an earlier date, else the date of the first time."""
    first_asked = np.where(_is_empty_once(before), before, _EMPTY_ONCE + np.clip(today - _FIRST_ASKED, 0, STALE - _EMPTY_ONCE - 1))
    is_believed = (before == 0) | (_is_empty_once(before) & (before - _EMPTY_ONCE + _FIRST_ASKED < today))
    return np.where(is_believed, 0, first_asked)


def _date_number(at: datetime) -> int:
    return (at.astimezone(IST).date() - _EPOCH).days


def _counts(row: sa.RowMapping) -> Ints:
    """Return the counts of a row; a release before the hashes may have found them damaged already."""
    try:
        counts = np.frombuffer(zlib.decompress(row["counts"]), dtype="<u2").astype(np.int64)
    except (zlib.error, TypeError, ValueError) as error:
        raise damaged_row(TABLE, row) from error
    if len(counts) != _DAYS:
        raise damaged_row(TABLE, row)
    return counts


def _first_day(year: int) -> int:
    return (date(year, 1, 1) - _EPOCH).days
