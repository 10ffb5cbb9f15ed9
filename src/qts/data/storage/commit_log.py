"""What the manifest says of commits, their names, and what each brought; every row is believed only if its hash is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select

from qts.core.errors import BadParameter, DamagedFile
from qts.data.storage.row_seals import sealed_rows
from qts.data.storage.schema import INGEST_LOG, SNAPSHOT, SNAPSHOT_NAME
from qts.data.storage.seals import RESTORE_HINT

_HEAD: Final = select(SNAPSHOT).order_by(SNAPSHOT.c.seq.desc()).limit(1)
_NOTHING: Final = dict.fromkeys(column.name for column in INGEST_LOG.c)
# The kinds of commits that bring bars from somewhere, which the log says.
_LOGGED: Final = frozenset({"import", "undo"})
# More numbers than this are not asked for one by one: the table is read whole.
_MOST_NUMBERS: Final = 5_000


def head_of(connection: Connection) -> RowMapping | None:
    """Return the row of the last commit, None before the first.

    Raises
    ------
    DamagedFile
        If it is not what was written.
    """
    return next(sealed_rows(connection, SNAPSHOT, _HEAD), None)


def commits(connection: Connection, *conditions: ColumnElement[bool]) -> list[RowMapping]:
    """Return the rows of commits, collected ones too, oldest first.

    Raises
    ------
    DamagedFile
        If one is not what was written.
    """
    return list(sealed_rows(connection, SNAPSHOT, select(SNAPSHOT).where(*conditions).order_by(SNAPSHOT.c.seq)))


def names_given(connection: Connection) -> list[RowMapping]:
    """Return the names of snapshots, in alphabetical order.

    Raises
    ------
    DamagedFile
        If one is not what was written.
    """
    return list(sealed_rows(connection, SNAPSHOT_NAME, select(SNAPSHOT_NAME).order_by(SNAPSHOT_NAME.c.name)))


def states_called(connection: Connection, as_of: str) -> list[RowMapping]:
    """Return the commits with this id, or else the one of this name.

    Raises
    ------
    DamagedFile
        If one of them, or the name, is not what was written.
    """
    found = commits(connection, SNAPSHOT.c.id == as_of)
    if found:
        return found
    named = list(sealed_rows(connection, SNAPSHOT_NAME, select(SNAPSHOT_NAME).where(SNAPSHOT_NAME.c.name == as_of)))
    return list(commits_of(connection, (row["snapshot"] for row in named)).values())


def no_commit(connection: Connection, error: BadParameter) -> BadParameter:
    """Return the error of a commit that is not there, unless a row that is not what was written may have been its.

    Raises
    ------
    DamagedFile
        If there is such a row.
    """
    _require_sound(connection, SNAPSHOT, SNAPSHOT_NAME)
    return error


def commits_of(connection: Connection, seqs: Iterable[int]) -> dict[int, RowMapping]:
    """Return the rows of the commits of these numbers.

    Raises
    ------
    DamagedFile
        If one is not there, or not what was written.
    """
    wanted = set(seqs)
    found = _numbered(connection, SNAPSHOT, "seq", wanted)
    if lost := wanted - found.keys():
        _require_sound(connection, SNAPSHOT)
        raise DamagedFile("manifest.sqlite", f"there is no record of commit {min(lost)}", hint=RESTORE_HINT)
    return found


def logged_commits(connection: Connection, seqs: Iterable[int]) -> dict[int, Mapping[str, Any]]:
    """Return the commits of these numbers, each with what the log says that it brought: None of everything where it brought nothing.

    Raises
    ------
    DamagedFile
        If a row of them is not there, or not what was written.
    """
    rows = commits_of(connection, seqs)
    log = _numbered(connection, INGEST_LOG, "snapshot", set(rows))
    if any(row["kind"] in _LOGGED for seq, row in rows.items() if seq not in log):
        # A row whose number was changed is of no commit, or of another one.
        _require_sound(connection, INGEST_LOG)
    return {seq: {**log.get(seq, _NOTHING), **row} for seq, row in rows.items()}


def _numbered(connection: Connection, table: Table, number: str, wanted: set[int]) -> dict[int, RowMapping]:
    if not wanted:
        return {}
    query = select(table).order_by(table.c[number])
    if len(wanted) <= _MOST_NUMBERS:
        query = query.where(table.c[number].in_(sorted(wanted)))
    return {row[number]: row for row in sealed_rows(connection, table, query) if row[number] in wanted}


def _require_sound(connection: Connection, *tables: Table) -> None:
    for table in tables:
        for _ in sealed_rows(connection, table):
            pass
