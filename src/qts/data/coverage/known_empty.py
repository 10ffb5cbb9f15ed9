"""Days of which it is known that a source has nothing: remembered, so that nobody asks for them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from qts.core import InstrumentId, Interval
from qts.data.storage import PriceBasis, SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware

_EPOCH: Final = date(1970, 1, 1)

_EMPTY: Final = sa.Table(
    "known_empty",
    sa.MetaData(),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("interval", sa.String(8), primary_key=True),
    sa.Column("basis", sa.String(10), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("reason", sa.String(10), nullable=False),
    sa.Column("asked_at", sa.String(40), nullable=False),
)


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
        name = {"instrument": str(key.instrument), "interval": str(key.interval), "basis": str(key.basis), "source": source}
        rows = [name | {"day": day, "reason": str(reason), "asked_at": asked_at.isoformat()} for day in wanted]
        with self._database.writing() as connection:
            connection.execute(sa.delete(_EMPTY).where(_is_of(key), _EMPTY.c.source == source, _EMPTY.c.day.in_(wanted)))
            connection.execute(sa.insert(_EMPTY), rows)

    def contains(self, key: SeriesKey, day: date, *, source: str | None = None) -> bool:
        """Return whether a source, or any, has nothing on this day."""
        query = sa.select(sa.func.count()).select_from(_EMPTY).where(_is_of(key), _EMPTY.c.day == day)
        if source is not None:
            query = query.where(_EMPTY.c.source == source)
        with self._database.reading() as connection:
            return bool(connection.execute(query).scalar_one())

    def days(self, key: SeriesKey, *, source: str | None = None) -> tuple[EmptyDay, ...]:
        """Return the empty days of a series, oldest first, as one source or all of them said."""
        query = sa.select(_EMPTY).where(_is_of(key)).order_by(_EMPTY.c.day, _EMPTY.c.source)
        if source is not None:
            query = query.where(_EMPTY.c.source == source)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            EmptyDay(day=row.day, source=row.source, reason=EmptyReason(row.reason), asked_at=datetime.fromisoformat(row.asked_at))
            for row in rows
        )

    def all_days(self, reason: EmptyReason | None = None) -> Mapping[SeriesKey, frozenset[int]]:
        """Return the empty days of every series, as days since 1970-01-01, of one reason or of both."""
        query = sa.select(_EMPTY.c.instrument, _EMPTY.c.interval, _EMPTY.c.basis, _EMPTY.c.day)
        if reason is not None:
            query = query.where(_EMPTY.c.reason == str(reason))
        found: dict[SeriesKey, set[int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                key = SeriesKey(instrument=InstrumentId(row.instrument), interval=Interval(row.interval), basis=PriceBasis(row.basis))
                found.setdefault(key, set()).add((row.day - _EPOCH).days)
        return {key: frozenset(days) for key, days in found.items()}

    def forget(self, key: SeriesKey, days: Collection[date] | None = None) -> int:
        """Forget these days of a series, or all of them, so that they are asked for again; return how many."""
        query = sa.delete(_EMPTY).where(_is_of(key))
        if days is not None:
            query = query.where(_EMPTY.c.day.in_(sorted(days)))
        with self._database.writing() as connection:
            return connection.execute(query).rowcount


def _is_of(key: SeriesKey) -> sa.ColumnElement[bool]:
    return sa.and_(_EMPTY.c.instrument == str(key.instrument), _EMPTY.c.interval == str(key.interval), _EMPTY.c.basis == str(key.basis))
