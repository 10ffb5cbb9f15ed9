"""Rows of the control database that belong to series: which series a row that is not what was written may be of, and which it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from qts.core import InstrumentId, Interval
from qts.data.storage.row_seals import damaged_row, with_seal
from qts.data.storage.series import PriceBasis, SeriesKey

V = TypeVar("V")
_NAMES: Final = ("instrument", "interval", "basis")


def name_of(key: SeriesKey) -> dict[str, str]:
    """Return the columns that name a series."""
    return {"instrument": str(key.instrument), "interval": key.interval.value, "basis": key.basis.value}


def is_of(table: sa.Table, key: SeriesKey) -> sa.ColumnElement[bool]:
    """Return the condition that a row is named as one of a series."""
    return sa.and_(*(table.c[column] == value for column, value in name_of(key).items()))


def key_of(row: Mapping[str, Any] | sa.RowMapping) -> SeriesKey:
    """Return the series that a row names; a ValueError where it names what cannot be one."""
    return SeriesKey(instrument=InstrumentId(row["instrument"]), interval=Interval(row["interval"]), basis=PriceBasis(row["basis"]))


def may_be_of(table: sa.Table, row: Mapping[str, Any] | sa.RowMapping, key: SeriesKey) -> bool:
    """Return whether a row that is not what was written may be one of a series: by its name, or because its hash is right under that name.

    So no row hides from its series under the name of another, and the other series go on serving.
    """
    name = name_of(key)
    if all(row[column] == value for column, value in name.items()):
        return True
    try:
        mended = with_seal(table, {**row, **name})
    except (TypeError, ValueError):  # not only its name was changed
        return False
    return all(row[column] == value for column, value in mended.items() if column not in name)


def require_series_sound(table: sa.Table, unsound: Iterable[Mapping[str, Any] | sa.RowMapping], key: SeriesKey) -> None:
    """Raise if one of the rows that are not what was written may be of a series.

    Raises
    ------
    DamagedFile
        Naming the first.
    """
    for row in unsound:
        if may_be_of(table, row, key):
            raise damaged_row(table, row)


class BySeries(Mapping[SeriesKey, V]):
    """What a table holds of each series. To ask for a series of which a row was changed is an error, and so is to go through all of them.

    Parameters
    ----------
    table : Table
        What the rows are of.
    sound : Mapping of SeriesKey to V
        What the rows say that are what was written.
    unsound : iterable of rows
        The others.
    """

    __slots__ = ("_table", "_unsound", "sound")

    def __init__(self, table: sa.Table, sound: Mapping[SeriesKey, V], unsound: Iterable[Mapping[str, Any] | sa.RowMapping] = ()) -> None:
        self._table = table
        self._unsound = tuple(dict(row) for row in unsound)
        self.sound: Final = sound

    def __getitem__(self, key: SeriesKey) -> V:
        require_series_sound(self._table, self._unsound, key)
        return self.sound[key]

    def __iter__(self) -> Iterator[SeriesKey]:
        self._require_sound()
        return iter(self.sound)

    def __len__(self) -> int:
        self._require_sound()
        return len(self.sound)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BySeries):
            return self._unsound == other._unsound and self.sound == other.sound
        return not self._unsound and self.sound == other

    __hash__ = None  # type: ignore[assignment]

    def with_values(self, sound: Mapping[SeriesKey, V]) -> BySeries[V]:
        """Return other values of the series, of which the same rows were changed."""
        return BySeries(self._table, sound, self._unsound)

    def _require_sound(self) -> None:
        for row in self._unsound:
            raise damaged_row(self._table, row)
