"""The table of listings, row by row: each carries a checksum of what it says, and no row is believed that differs from its own.

SQLite keeps no checksums: a bit that turned in a lot or a tick would be a lot or a tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from qts.data.instruments.listing import DumpRow
from qts.data.instruments.tables import LISTINGS
from qts.data.instruments.timeline import Arrival, Period
from qts.data.storage.row_seals import ROW_CRC, crc_of, damaged_row, require_read

_FIELDS: Final = (*DumpRow._fields, "valid_from", "valid_to")
# Dates as the driver gives them: of SQLite the text that it holds, which is what the checksum is of, and few texts stand for all dates.
_SELECTED: Final = tuple(
    sa.type_coerce(column, sa.Text) if isinstance(column.type, sa.Date) else column
    for column in (LISTINGS.c[name] for name in ("id", ROW_CRC, *_FIELDS))
)


# Places among what is selected.
_EXPIRY: Final = 2 + DumpRow._fields.index("expiry")
_END: Final = 2 + len(DumpRow._fields)


class ListedRow(NamedTuple):
    """A row of the table: its id, what it lists, and from when until before when."""

    id: int
    row: DumpRow
    valid_from: date
    valid_to: date


def listed_rows(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[ListedRow]:
    """Return the rows that fulfil all conditions.

    Raises
    ------
    DamagedFile
        If one of them is not what was written.
    """
    with require_read(LISTINGS):
        return [ListedRow(one[0], _row(one), _date(one[-2]), _date(one[-1])) for one in _sound(connection, where)]


def dump_rows(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[DumpRow]:
    """Return what the rows list that fulfil all conditions; raises what :func:`listed_rows` does."""
    with require_read(LISTINGS):
        return [_row(one) for one in _sound(connection, where)]


def _sound(connection: sa.Connection, where: tuple[sa.ColumnElement[bool], ...]) -> Sequence[Sequence[Any]]:
    fetched = connection.execute(sa.select(*_SELECTED).where(*where)).all()
    for one in fetched:
        if crc_of(one[2:]) != one[1]:
            raise damaged_row(LISTINGS, dict(zip(_FIELDS, one[2:], strict=True)))
    return fetched


def _row(one: Sequence[Any]) -> DumpRow:
    return DumpRow._make((*one[2:_EXPIRY], one[_EXPIRY] and _date(one[_EXPIRY]), *one[_EXPIRY + 1 : _END]))


def drop_rows(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Remove rows."""
    if ids:
        connection.execute(sa.delete(LISTINGS).where(LISTINGS.c.id == sa.bindparam("_id")), [{"_id": id_} for id_ in ids])


def change_periods(connection: sa.Connection, periods: Sequence[Period]) -> None:
    """Let rows hold from and until other dates."""
    if not periods:
        return
    statement = sa.update(LISTINGS).where(LISTINGS.c.id == sa.bindparam("_id"))
    connection.execute(
        statement.values(valid_from=sa.bindparam("_from"), valid_to=sa.bindparam("_to"), row_crc=sa.bindparam("_crc")),
        [
            {
                "_id": one.id,
                "_from": one.valid_from,
                "_to": one.valid_to,
                "_crc": crc_of(_held(one.row, one.valid_from, one.valid_to)),
            }
            for one in periods
        ],
    )


def insert_rows(connection: sa.Connection, arrivals: Sequence[Arrival]) -> None:
    """Add rows; into SQLite as the tuples its driver takes, which halves the time of a first dump of 100,000."""
    if not arrivals:
        return
    tuples = [_held(one.row, one.valid_from, one.valid_to) for one in arrivals]
    crcs = [crc_of(one) for one in tuples]
    if connection.dialect.name != "sqlite":
        rows = [
            {**one.row._asdict(), "valid_from": one.valid_from, "valid_to": one.valid_to, ROW_CRC: crc}
            for one, crc in zip(arrivals, crcs, strict=True)
        ]
        connection.execute(sa.insert(LISTINGS), rows)
        return
    names = (*_FIELDS, ROW_CRC)
    statement = sa.insert(LISTINGS).compile(dialect=connection.dialect, column_keys=list(names))
    in_place = itemgetter(*(names.index(name) for name in statement.positiontup or ()))
    connection.exec_driver_sql(str(statement), [in_place((*one, crc)) for one, crc in zip(tuples, crcs, strict=True)])


@cache
def _date(held: str | date) -> date:
    return held if isinstance(held, date) else date.fromisoformat(held)


@cache
def _text(day: date) -> str:
    return day.isoformat()


def _held(row: DumpRow, valid_from: date, valid_to: date) -> tuple[Any, ...]:
    """Return the values of a row as SQLite holds them."""
    place = _EXPIRY - 2
    return (*row[:place], row.expiry and _text(row.expiry), *row[place + 1 :], _text(valid_from), _text(valid_to))
