"""Rows that carry a hash of what they say: SQLite keeps no checksums, and believes a page with a bit turned.

They are of the control database unless the ``info`` of their table says what they are ``kept_in``. It may also name the columns that
are ``unsealed``, for rows that go on changing in those.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache
from hashlib import sha256
from itertools import islice
from typing import Any, Final
from weakref import WeakKeyDictionary
from zlib import crc32

import sqlalchemy as sa

from qts.core.errors import DamagedFile
from qts.data.storage.commit_watch import Version
from qts.data.storage.database import Database
from qts.data.storage.seals import RESTORE_HINT

ROW_SEAL: Final = "row_seal"
"""The column of the hash. A row that holds none is not what was written: the revision that brought the column sealed the rows it found."""

ROW_CRC: Final = "row_crc"
"""The column of the checksum that stands in its place where a table has hundreds of thousands of rows, and is read as a whole."""

_CONTROL: Final = "control.sqlite"
_SHOWN: Final = 10
_TOGETHER: Final = 10_000
# What was found of a table when nobody had committed since: a process looks at the whole of it once for each commit, not for each read.
_LOOKED_AT: Final[WeakKeyDictionary[Database, dict[str, tuple[Version, tuple[sa.RowMapping, ...]]]]] = WeakKeyDictionary()


def with_seal(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with the hash of what it says."""
    return {**row, _column(table): _seal(table, row)}


def crc_of(values: tuple[date | str | int | None, ...]) -> int:
    """Return the checksum of a row, from its values in the order of :func:`crc_columns`; a date counts as its text, which SQLite holds.

    A microsecond, where the hash of other tables takes six. It has 32 bits: enough to notice any one value that changed by itself.
    """
    return crc32(("%s\0" * len(values) % values).encode())


@cache
def crc_columns(table: sa.Table) -> tuple[str, ...]:
    """Return the names of the columns that are under the checksum of a row, in the order of the table."""
    names = {name for name, _ in _sealed(table)}
    return tuple(column.name for column in table.c if column.name in names)


def sealed_rows(connection: sa.Connection, table: sa.Table, query: sa.Select[Any] | None = None) -> Iterator[sa.RowMapping]:
    """Yield the rows of a query of all columns of a table, or the whole table.

    Raises
    ------
    DamagedFile
        If one is not what was written.
    """
    for row in _fetched(connection, table, query):
        if not _is_sound(table, row):
            raise damaged_row(table, row)
        yield row


def marked_rows(connection: sa.Connection, table: sa.Table, query: sa.Select[Any]) -> tuple[tuple[sa.RowMapping, bool], ...]:
    """Return the rows of a query of all columns of a table, each with whether it is what was written; none of them hides the others.

    For tables whose sound rows have to go on serving beside one that is not. Of a text that is none any more what can be read is read.
    """
    with any_text(connection):
        rows = connection.execute(query).mappings().all()
    return tuple((row, _is_sound(table, row)) for row in rows)


@contextmanager
def any_text(connection: sa.Connection, *, errors: str = "backslashreplace") -> Iterator[None]:
    """Let SQLite give texts whose bytes are none: otherwise one of them would keep all rows of its query from being read."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.text_factory = lambda text: text.decode("utf-8", errors)
    try:
        yield
    finally:
        driver.text_factory = str


def sound_rows(connection: sa.Connection, table: sa.Table) -> Iterator[sa.RowMapping]:
    """Yield those rows of a table that are what was written."""
    return (row for row in _fetched(connection, table) if _is_sound(table, row))


def unsound_rows(database: Database, connection: sa.Connection, table: sa.Table, *, once: bool = False) -> tuple[sa.RowMapping, ...]:
    """Return the rows of a table that are not what was written, wherever their values would place them.

    A read by an instrument does not find the row whose instrument was changed: this does. A server looks after its own pages, and has
    no versions to tell by: there the rows that are read are checked, and no others.

    Parameters
    ----------
    database : Database
        Where the table is.
    connection : Connection
        Reads it.
    table : Table
        One whose rows carry hashes.
    once : bool
        Whether a process that found all rows sound does not look again: for those who commit with every step, whose work would grow
        with the square of the rows. The rows that they read they check each time.
    """
    if database.path is None:
        return ()
    version = database.version()
    looked_at = _LOOKED_AT.setdefault(database, {})
    known = looked_at.get(table.name)
    if version is not None and known is not None and (known[0] == version or (once and not known[1])):
        return known[1]
    found = tuple(row for row in _fetched(connection, table) if not _is_sound(table, row))
    if version is not None:
        looked_at[table.name] = version, found
    return found


def require_sound(table: sa.Table, unsound: Iterable[sa.RowMapping]) -> None:
    """Raise if there is a row among those that are not what was written.

    Raises
    ------
    DamagedFile
        Naming the first.
    """
    for row in unsound:
        raise damaged_row(table, row)


def damaged_row(table: sa.Table, row: Mapping[str, Any] | sa.RowMapping) -> DamagedFile:
    """Return the error of a row that is not what was written; it holds at least what its table is named by."""
    names = table.info.get("named_by") or [column.name for column in table.primary_key]
    return _damaged(table, f"the record of {' '.join(str(row[name]) for name in names)} in {table.name} differs from what was written")


@contextmanager
def require_read(table: sa.Table) -> Iterator[None]:
    """Turn what a driver says of a value that cannot be read any more, such as a text that was a date, into the error of a damaged row.

    Raises
    ------
    DamagedFile
        Naming the table.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        raise _damaged(table, f"a row of {table.name} differs from what was written ({error})") from error


def row_harms(connection: sa.Connection, tables: Iterable[sa.Table]) -> Iterator[DamagedFile]:
    """Yield what is wrong with the rows of tables, of each table the first few."""
    for table in tables:
        try:
            with any_text(connection):
                unsound = (row for row in _fetched(connection, table) if not _is_sound(table, row))
                found = tuple(islice(unsound, _SHOWN))
            yield from (damaged_row(table, row) for row in found)
        except DamagedFile as error:
            yield error


def seal_all(connection: sa.Connection, table: sa.Table) -> None:
    """Give every row of a table its hash, as the revision that brings the column does; one that says what cannot be gets none."""
    keys = list(table.primary_key)
    found: list[tuple[Any, ...]] = []
    # A text whose bytes are none is read as one that cannot be written, and so gets no hash.
    with any_text(connection, errors="surrogateescape"):
        for row in connection.execute(sa.select(table)).mappings():
            with suppress(TypeError, ValueError):
                found.append((_seal(table, row), *(row[key.name] for key in keys)))
    statement = sa.update(table).where(*(key == sa.bindparam(f"_{key.name}", type_=key.type) for key in keys))
    names = (_column(table), *(f"_{key.name}" for key in keys))
    for first in range(0, len(found), _TOGETHER):
        connection.execute(statement, [dict(zip(names, values, strict=True)) for values in found[first : first + _TOGETHER]])


def _fetched(connection: sa.Connection, table: sa.Table, query: sa.Select[Any] | None = None) -> Iterator[sa.RowMapping]:
    rows = connection.execute(sa.select(table) if query is None else query).mappings()
    while True:
        with require_read(table):
            row = rows.fetchone()
        if row is None:
            return
        yield row


def _is_sound(table: sa.Table, row: sa.RowMapping) -> bool:
    try:
        return bool(_seal(table, row) == row[_column(table)])
    except (TypeError, ValueError):  # no number any more
        return False


def _column(table: sa.Table) -> str:
    return ROW_CRC if ROW_CRC in table.c else ROW_SEAL


def _seal(table: sa.Table, row: Mapping[str, Any] | sa.RowMapping) -> str | int:
    if ROW_CRC in table.c:
        return crc_of(tuple(row[name] for name in crc_columns(table)))
    # What is not there says nothing, so that a column of a later revision leaves the hashes of earlier rows right.
    said = [f"{name}={_said(row[name], kind)}" for name, kind in _sealed(table) if row[name] is not None and row[name] == row[name]]
    return sha256("\0".join(said).encode()).hexdigest()[:16]


def _said(value: Any, kind: type) -> str:  # noqa: ANN401 - whatever the column holds
    if kind is float:
        return float.__repr__(value + 0.0)
    return str(value + 0) if kind is int else str(value)


@cache
def _sealed(table: sa.Table) -> tuple[tuple[str, type], ...]:
    """Return the columns that are hashed: all but the number that the database gives as it takes a row, unless the table names others."""
    given = {column.name for column in table.primary_key if len(table.primary_key) == 1 and isinstance(column.type, sa.Integer)}
    unsealed = {*table.info.get("unsealed", given), ROW_SEAL, ROW_CRC}
    said = sorted((column for column in table.c if column.name not in unsealed), key=lambda column: column.name)
    return tuple((column.name, _kind(column.type)) for column in said)


def _kind(of: sa.types.TypeEngine[Any]) -> type:
    return float if isinstance(of, sa.Float) else int if isinstance(of, sa.Integer) else str


def _damaged(table: sa.Table, reason: str) -> DamagedFile:
    return DamagedFile(table.info.get("kept_in", _CONTROL), reason, hint=RESTORE_HINT)
