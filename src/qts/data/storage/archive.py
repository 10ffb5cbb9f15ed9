"""What is known of a series besides its bars: the commits that touched it, and the files that hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qts.core import instant_of
from qts.data.storage.series import SeriesKey

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from qts.data.storage.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesCommit:
    """A commit that touched a series.

    ``n_bars`` is how many bars the series had after it, ``n_added`` how many more than before (less than 0 where some were deleted);
    None where what would tell was collected. ``n_stored``, ``n_changed`` and ``n_unchanged`` are those of the whole commit, which may
    have brought other series, too; None for a commit that brought nothing. ``is_collected`` where its bars can no longer be read.
    """

    seq: int
    snapshot: str
    at: datetime
    kind: str
    source: str
    simulated: bool
    note: str
    n_bars: int | None
    n_added: int | None
    n_stored: int | None
    n_changed: int | None
    n_unchanged: int | None
    is_collected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A live file that holds bars of a series, its path relative to the store's root.

    ``n_rows``, ``n_bytes``, ``first_ts`` and ``last_ts`` are of the whole file, which other series may share; ``n_bars`` is how many
    bars it adds to this one (None: not counted when it was written). ``is_hot`` where it lies over the others until compaction.
    ``since`` is the snapshot that brought it, at ``since_at``.
    """

    path: str
    n_rows: int
    n_bars: int | None
    n_bytes: int
    first_ts: int
    last_ts: int
    sha256: str
    is_hot: bool
    is_shared: bool
    since: str
    since_at: datetime


def history_of(ledger: Ledger, key: SeriesKey) -> tuple[SeriesCommit, ...]:
    """Return the commits that touched a series, oldest first, as far as they are not forgotten."""
    rows = ledger.versions_of(key)
    begun = {row.begin_snapshot for row in rows}
    before = {row.end_snapshot: row for row in rows if row.end_snapshot is not None}
    snapshots, first_collected = ledger.logged_commits({*begun, *before}), ledger.first_collected()
    found = []
    for row in rows:
        earlier = before.get(row.begin_snapshot)
        is_first = earlier is None and (first_collected is None or first_collected > row.begin_snapshot)
        n_before = earlier.n_rows if earlier is not None else 0 if is_first else None
        n_added = None if n_before is None else row.n_rows - n_before
        found.append(_commit(snapshots[row.begin_snapshot], n_bars=row.n_rows, n_added=n_added))
    for seq in before.keys() - begun:
        snapshot = snapshots[seq]
        # What was left after it may have been forgotten with it.
        is_known = snapshot["kind"] == "delete" and snapshot["collected_us"] is None
        found.append(_commit(snapshot, n_bars=0 if is_known else None, n_added=-before[seq].n_rows if is_known else None))
    return tuple(sorted(found, key=lambda commit: commit.seq))


def partitions_of(ledger: Ledger, key: SeriesKey, seq: int | None) -> tuple[Partition, ...]:
    """Return the files that hold bars of a series at a snapshot (None: the present), lowest layer first."""
    number, files = ledger.files_of(key, seq)
    snapshots = ledger.commits_of({file.begin for file in files})
    found = []
    for file in files:
        counts = ledger.coverage([file])
        n_bars = int(counts[0].counts[counts[0].numbers == number].sum()) if counts else None
        if n_bars == 0 and not file.n_over:
            continue
        since = snapshots[file.begin]
        partition = Partition(
            path=file.path,
            n_rows=file.n_rows,
            n_bars=n_bars,
            n_bytes=file.n_bytes,
            first_ts=file.ts_min,
            last_ts=file.ts_max,
            sha256=file.sha256,
            is_hot=file.is_hot,
            is_shared=file.is_hot or not key.interval.is_intraday,
            since=since["id"],
            since_at=instant_of(since["at_us"]),
        )
        found.append(partition)
    return tuple(found)


def _commit(row: Mapping[str, Any], *, n_bars: int | None, n_added: int | None) -> SeriesCommit:
    return SeriesCommit(
        seq=row["seq"],
        snapshot=row["id"],
        at=instant_of(row["at_us"]),
        kind=row["kind"],
        source=row["source"] or "",
        simulated=bool(row["simulated"]),
        note=row["note"],
        n_bars=n_bars,
        n_added=n_added,
        n_stored=row["n_stored"],
        n_changed=row["n_changed"],
        n_unchanged=row["n_unchanged"],
        is_collected=row["collected_us"] is not None,
    )
