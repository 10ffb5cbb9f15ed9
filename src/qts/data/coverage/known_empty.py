"""Days of which it is known that a source has nothing: remembered, so that nobody asks for them again.

There may be hundreds of thousands, and a page reads them all: each row carries a checksum. One that is not what was written is an error
of its series, of a page over all series, too: without it, the day would be a hole that nobody ever fills, since its source was asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from qts.data.storage import SeriesKey
from qts.data.storage.commit_watch import Version
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware
from qts.data.storage.row_seals import ROW_CRC, any_text, crc_columns, crc_of, damaged_row, require_read
from qts.data.storage.series_rows import BySeries, is_of, key_of, name_of, require_series_sound

_EPOCH: Final = date(1970, 1, 1)

TABLE: Final = sa.Table(
    "known_empty",
    sa.MetaData(),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("interval", sa.String(8), primary_key=True),
    sa.Column("basis", sa.String(10), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("reason", sa.String(10), nullable=False),
    sa.Column("asked_at", sa.String(40), nullable=False),
    sa.Column(ROW_CRC, sa.BigInteger),
)
_NAMES: Final = crc_columns(TABLE)
# Dates as the texts that SQLite holds of them, so that a date is made of each day once, not of each row.
_AS_HELD: Final = sa.select(*(sa.type_coerce(TABLE.c[name], sa.String).label(name) for name in _NAMES), TABLE.c[ROW_CRC])


class EmptyReason(StrEnum):
    """Why there is nothing: the answer was empty, or the exchange's own record says that nothing traded."""

    EMPTY = "empty"
    NO_TRADE = "no_trade"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDay:
    """A day without bars: who was asked, when, and why there is nothing."""

    day: date
    source: str
    reason: EmptyReason
    asked_at: datetime


class KnownEmpty:
    """The days of which sources said that they have nothing. Bars that come later win; :meth:`forget` takes a day back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, key: SeriesKey, days: Iterable[date], *, source: str, asked_at: datetime, reason: EmptyReason = EmptyReason.EMPTY
    ) -> None:
        """Remember that a source has no bars of a series on these days; what it said last is kept.

        Raises
        ------
        BadParameter
            If ``asked_at`` has no zone.
        """
        require_aware("asked_at", asked_at)
        wanted = sorted(set(days))
        if not wanted:
            return
        said = name_of(key) | {"source": source, "reason": str(reason), "asked_at": asked_at.isoformat()}
        rows = [said | {"day": day, ROW_CRC: _crc(said | {"day": day})} for day in wanted]
        with self._database.writing() as connection:
            connection.execute(sa.delete(TABLE).where(is_of(TABLE, key), TABLE.c.source == source, TABLE.c.day.in_(wanted)))
            connection.execute(sa.insert(TABLE), rows)

    def contains(self, key: SeriesKey, day: date, *, source: str | None = None) -> bool:
        """Return whether a source, or any, has nothing on this day.

        Raises
        ------
        DamagedFile
            If a row that may be of the series is not what was written.
        """
        return any(one.day == day for one in self.days(key, source=source))

    def days(self, key: SeriesKey, *, source: str | None = None) -> tuple[EmptyDay, ...]:
        """Return the empty days of a series, oldest first, as one source or all of them said.

        Raises
        ------
        DamagedFile
            If a row that may be of the series is not what was written.
        """
        with self._database.reading() as connection:
            require_series_sound(TABLE, self._all(connection).unsound, key)
            rows = connection.execute(_AS_HELD.where(is_of(TABLE, key))).mappings()
            found = [_empty_day(row) for row in rows if source in {None, row["source"]}]
        return tuple(sorted(found, key=lambda one: (one.day, one.source)))

    def all_days(self, reason: EmptyReason | None = None, *, known_at: datetime | None = None) -> BySeries[frozenset[int]]:
        """Return the empty days of every series, as days since 1970-01-01, of one reason or of both.

        Of a series of which a row is not what was written they are an error when they are asked for.

        Parameters
        ----------
        reason : EmptyReason, optional
            Why they are empty.
        known_at : datetime, optional
            Only days that were last asked for before this instant; what an earlier answer said of those asked for again is not kept.
        """
        with self._database.reading() as connection:
            known = self._all(connection) if known_at is None else _look(connection, known_at)
        if reason is not None:
            return known.by_reason[reason]
        empty, told = (known.by_reason[one].sound for one in EmptyReason)
        both = {key: empty.get(key, frozenset()) | told.get(key, frozenset()) for key in {**empty, **told}}
        return known.by_reason[EmptyReason.EMPTY].with_values(both)

    def forget(self, key: SeriesKey, days: Collection[date] | None = None) -> int:
        """Forget these days of a series, or all of them, so that they are asked for again; return how many."""
        query = sa.delete(TABLE).where(is_of(TABLE, key))
        if days is not None:
            query = query.where(TABLE.c.day.in_(sorted(days)))
        with self._database.writing() as connection:
            return connection.execute(query).rowcount

    def _all(self, connection: sa.Connection) -> _Known:
        """Return all rows; a process looks at the table once for each commit of anybody."""
        version = self._database.version()
        known = _LOOKED_AT.get(self._database)
        if version is not None and known is not None and known[0] == version:
            return known[1]
        found = _look(connection)
        if version is not None:
            _LOOKED_AT[self._database] = version, found
        return found


_Name: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """All rows that are what was written, as days by series, and the others."""

    by_reason: Mapping[EmptyReason, BySeries[frozenset[int]]]
    unsound: tuple[Mapping[str, Any], ...]


# What was found when nobody had committed since.
_LOOKED_AT: Final[WeakKeyDictionary[Database, tuple[Version, _Known]]] = WeakKeyDictionary()


def _look(connection: sa.Connection, known_at: datetime | None = None) -> _Known:
    try:
        return _known(connection, known_at)
    except DBAPIError:  # a text may be none any more: read as far as it can be, it is of one series and no matter of the others
        with any_text(connection):
            return _known(connection, known_at)


def _known(connection: sa.Connection, known_at: datetime | None) -> _Known:
    groups: dict[str, dict[_Name, tuple[SeriesKey, set[int]]]] = {reason.value: {} for reason in EmptyReason}
    fetched = connection.execute(_AS_HELD)
    unsound = [row for row in fetched if not _is_taken(groups, row, known_at)]
    held = {reason: {key: frozenset(days) for key, days in groups[reason.value].values()} for reason in EmptyReason}
    rows = tuple(dict(zip((*_NAMES, ROW_CRC), row, strict=True)) for row in unsound)
    return _Known(by_reason={reason: BySeries(TABLE, held[reason], rows) for reason in EmptyReason}, unsound=rows)


def _is_taken(groups: dict[str, dict[_Name, tuple[SeriesKey, set[int]]]], row: Sequence[Any], known_at: datetime | None) -> bool:
    """Return whether a row is what was written and says what can be, and add its day to those of its series where it was known."""
    instrument, interval, basis, day, source, reason, asked_at, crc = row
    if crc_of((instrument, interval, basis, day, source, reason, asked_at)) != crc:
        return False
    try:
        if known_at is not None and datetime.fromisoformat(asked_at) >= known_at:
            return True
        group, name = groups[reason], (instrument, interval, basis)
        if name not in group:
            group[name] = key_of({"instrument": instrument, "interval": interval, "basis": basis}), set()
        group[name][1].add(_number(day))
    except (KeyError, ValueError):
        return False
    return True


@cache
def _number(day: str | date) -> int:
    return (date.fromisoformat(str(day)) - _EPOCH).days


def _crc(row: Mapping[str, Any] | sa.RowMapping) -> int:
    return crc_of(tuple(str(row[name]) for name in _NAMES))


def _empty_day(row: sa.RowMapping) -> EmptyDay:
    if _crc(row) != row[ROW_CRC]:
        raise damaged_row(TABLE, row)
    with require_read(TABLE):
        return EmptyDay(
            day=date.fromisoformat(str(row["day"])),
            source=row["source"],
            reason=EmptyReason(row["reason"]),
            asked_at=datetime.fromisoformat(row["asked_at"]),
        )
