"""Which snapshots are kept, and how what only the others need is given back: rows first, then files, and nothing that may be in use."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Table, delete, func, select, update

from qts.core import instant_of, micros_of
from qts.core.errors import DamagedFile
from qts.data.storage.commit_log import commits, names_given
from qts.data.storage.leases import pinned
from qts.data.storage.recording import CHUNK
from qts.data.storage.schema import COVERAGE, FILE, SERIES, SNAPSHOT
from qts.data.storage.seals import RESTORE_HINT
from qts.data.storage.vault import Vault

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from qts.data.storage.manifest import Manifest

_FILE: Final = re.compile(r"\d{4}-(?:[0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{64})\.parquet")
_TEMPORARY: Final = re.compile(r".*?(?:[-.](?P<pid>\d{1,9}))?[-.][0-9a-f]{16}\.tmp")
_AT_ONCE: Final = 500
LOST_MANIFEST: Final = "it tells of nothing, and yet there are files of bars: it was lost, and a new one made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Which snapshots are kept: the present one, those younger than this, those with a name, those cited, and those that leases pin.

    ``cited`` are ids that runs were made from. Files stay for the time of ``grace`` after they went out of use, for readers that
    began before, and so do files that no commit named yet.
    """

    younger_than: timedelta = timedelta(days=30)
    cited: frozenset[str] = frozenset()
    grace: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was given back, or would be: snapshots that can no longer be read, files removed, and their bytes."""

    snapshots: tuple[str, ...]
    files: tuple[str, ...]
    n_bytes: int


def collect(manifest: Manifest, vault: Vault, *, at: datetime, keep: Retention, dry_run: bool) -> Collected:
    """Give back what no kept snapshot needs.

    Rows go first, in one transaction. Files go afterwards, a few at a time while no commit can be made, and only those that no row
    names any more: what a killed collector leaves is an orphan for the next. Files of bars that were there before the first commit of
    this manifest are of one that was lost, and stay.

    Raises
    ------
    DamagedFile
        If there are files of bars, and the manifest never had a commit.
    """
    if dry_run:
        with manifest.reading() as ledger:
            plan = _plan(ledger.connection, at=at, keep=keep)
            known, born = _known(ledger.connection, but=plan.files), _born(ledger.connection)
        return _collected(plan, vault, _orphans(vault, known, born, at=at, grace=keep.grace))
    with manifest.writing() as ledger:
        plan = _plan(ledger.connection, at=at, keep=keep)
        _forget(ledger.connection, plan, at=at)
        known, born = _known(ledger.connection, but=()), _born(ledger.connection)
    orphans = _orphans(vault, known, born, at=at, grace=keep.grace)
    done = _collected(plan, vault, orphans)
    gone: list[str] = []
    for i_first in range(0, len(orphans), _AT_ONCE):
        some = orphans[i_first : i_first + _AT_ONCE]
        with manifest.writing() as ledger:
            # A commit may have named one of them, or a writer begun to use it, since we looked.
            named = _known(ledger.connection, but=())
            for path in some:
                if path not in named and is_old(vault.root / path, at=at, grace=keep.grace):
                    (vault.root / path).unlink(missing_ok=True)
                    gone.append(path)
    return Collected(snapshots=done.snapshots, files=tuple(gone), n_bytes=done.n_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    snapshots: Sequence[tuple[int, str]]
    files: Sequence[int]
    series: Sequence[int]


def _plan(connection: Connection, *, at: datetime, keep: Retention) -> _Plan:
    rows = commits(connection)
    if not rows:
        return _Plan(snapshots=(), files=(), series=())
    special = pinned(connection, at) | {row["snapshot"] for row in names_given(connection)} | {rows[-1]["seq"]}
    young = micros_of(at - keep.younger_than)
    held = [row for row in rows if row["collected_us"] is None]
    expired = [row for row in held if not (row["seq"] in special or row["id"] in keep.cited or row["at_us"] > young)]
    gone = {row["seq"] for row in expired}
    kept = [row["seq"] for row in held if row["seq"] not in gone]
    out_of_use = micros_of(at - keep.grace)
    old_ends = {row["seq"] for row in rows if row["at_us"] <= out_of_use}
    return _Plan(
        snapshots=[(row["seq"], row["id"]) for row in expired],
        files=_unneeded(connection, FILE, kept, old_ends),
        series=_unneeded(connection, SERIES, kept, old_ends),
    )


def _unneeded(connection: Connection, table: Table, kept: Sequence[int], old_ends: set[int]) -> list[int]:
    """Return the rows that were ended long enough ago and are of no kept snapshot."""
    query = select(table.c.id, table.c.begin_snapshot, table.c.end_snapshot).where(table.c.end_snapshot.is_not(None))
    unneeded = []
    for number, begin, end in connection.execute(query):
        i_kept = bisect_left(kept, begin)
        is_needed = i_kept < len(kept) and kept[i_kept] < end
        if not is_needed and end in old_ends:
            unneeded.append(number)
    return unneeded


def _forget(connection: Connection, plan: _Plan, *, at: datetime) -> None:
    for i_first in range(0, len(plan.files), CHUNK):
        ids = plan.files[i_first : i_first + CHUNK]
        connection.execute(delete(COVERAGE).where(COVERAGE.c.file_id.in_(ids)))
        connection.execute(delete(FILE).where(FILE.c.id.in_(ids)))
    for i_first in range(0, len(plan.series), CHUNK):
        connection.execute(delete(SERIES).where(SERIES.c.id.in_(plan.series[i_first : i_first + CHUNK])))
    for i_first in range(0, len(plan.snapshots), CHUNK):
        seqs = [seq for seq, _ in plan.snapshots[i_first : i_first + CHUNK]]
        connection.execute(update(SNAPSHOT).where(SNAPSHOT.c.seq.in_(seqs)).values(collected_us=micros_of(at)))


def _known(connection: Connection, *, but: Sequence[int]) -> set[str]:
    without = set(but)
    return {path for number, path in connection.execute(select(FILE.c.id, FILE.c.path)) if number not in without}


def _born(connection: Connection) -> datetime | None:
    """Return when the first commit of the manifest was made; collected ones keep their row."""
    first = connection.execute(select(func.min(SNAPSHOT.c.at_us))).scalar()
    return None if first is None else instant_of(first)


def _orphans(vault: Vault, known: set[str], born: datetime | None, *, at: datetime, grace: timedelta) -> list[str]:
    """Return the files that nobody needs: ours by their names, in no snapshot, old, and not of a living writer."""
    found = [path for path in vault.found() if path not in known and _is_ours(path) and is_old(vault.root / path, at=at, grace=grace)]
    bars = {path for path in found if _is_bars(path)}
    if born is None and bars:
        raise DamagedFile("manifest.sqlite", LOST_MANIFEST, hint=f"Nothing was removed. {RESTORE_HINT}")
    return [path for path in found if path not in bars or born is None or not is_old(vault.root / path, at=born, grace=timedelta(0))]


def _is_bars(path: str) -> bool:
    return _FILE.fullmatch(path.rsplit("/", 1)[-1]) is not None


def _is_ours(path: str) -> bool:
    if _is_bars(path):
        return True
    found = _TEMPORARY.fullmatch(path.rsplit("/", 1)[-1])
    return found is not None and not _is_alive(found["pid"])


def _is_alive(pid: str | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def is_old(path: Path, *, at: datetime, grace: timedelta) -> bool:
    """Return whether nobody wrote a file, or used it for a commit, within the time of grace."""
    try:
        written = instant_of(path.stat().st_mtime_ns // 1_000)
    except FileNotFoundError:
        return False
    return written <= at - grace


def _collected(plan: _Plan, vault: Vault, files: Sequence[str]) -> Collected:
    n_bytes = 0
    for path in files:
        with suppress(FileNotFoundError):
            n_bytes += (vault.root / path).stat().st_size
    return Collected(snapshots=tuple(snapshot for _, snapshot in plan.snapshots), files=tuple(files), n_bytes=n_bytes)
