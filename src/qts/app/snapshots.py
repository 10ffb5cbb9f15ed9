"""What the store looked like before: its snapshots, and what is different between two of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from qts.app.run_files import run_ids
from qts.app.run_store import KeptRun
from qts.app.workspace import Workspace
from qts.core.clock import instant_of
from qts.core.errors import BadParameter, InputError
from qts.data.storage import SeriesInfo, SeriesKey, Snapshot
from qts.data.storage.retention import Retention

KEEP_DAYS: Final = 30
_MOST_DAYS: Final = 36_500


class SnapshotDocument(BaseModel):
    """One commit: the id of the state that it made, the names that it was given, its instant, and what it was."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: str
    names: tuple[str, ...]
    at: str
    kind: str
    note: str


class SeriesState(BaseModel):
    """A series at a snapshot. ``first`` and ``last`` are the instants of its bars in IST."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    bars: int
    first: str
    last: str


class SeriesChange(BaseModel):
    """A series that two snapshots hold differently; None where one of them does not hold it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    instrument: str
    interval: str
    prices: str
    before: SeriesState | None
    after: SeriesState | None


class ComparisonDocument(BaseModel):
    """What changed from one snapshot to another, by series; ``unchanged`` counts the others."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    before: str
    after: str
    changes: tuple[SeriesChange, ...]
    unchanged: int


class CollectionDocument(BaseModel):
    """What was given back, or with ``dry_run`` would be: snapshots that can no longer be read, files, and their bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    dry_run: bool
    snapshots: tuple[str, ...]
    files: int
    bytes: int


class CompactionDocument(BaseModel):
    """What became of the lately imported files of one dataset, such as ``1m/NSE/raw``; ``left_because`` says why they were left."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    dataset: str
    hot_files: int
    files_written: int
    bars: int
    left_because: str | None


def list_snapshots(workspace: Workspace) -> tuple[SnapshotDocument, ...]:
    """Return the snapshots of the store, the latest first."""
    return tuple(_document(snapshot) for snapshot in reversed(workspace.store.snapshots()))


def compare_snapshots(workspace: Workspace, before: str, after: str | None = None) -> ComparisonDocument:
    """Return which series changed between two snapshots, named by id or name, ``after`` being the present by default.

    Raises
    ------
    BadParameter
        If there is no such snapshot.
    """
    store = workspace.store
    after = after or store.snapshot()
    old, new = ({info.key: info for info in store.series(as_of=snapshot)} for snapshot in (before, after))
    found = store.compare(before, after)
    keys = [change.key for change in (*found.added, *found.removed, *found.changed)]
    return ComparisonDocument(
        before=workspace.snapshot_id(before) or before,
        after=workspace.snapshot_id(after) or after,
        changes=tuple(_change(key, old.get(key), new.get(key)) for key in sorted(keys, key=str)),
        unchanged=len(old.keys() | new.keys()) - len(keys),
    )


def name_snapshot(workspace: Workspace, name: str, snapshot: str | None = None) -> SnapshotDocument:
    """Call a snapshot, the present one by default, by a name; it is kept as long as it has one.

    Raises
    ------
    BadParameter
        If there is no such snapshot, the name cannot be one, or another snapshot has it.
    InputError
        If nothing was ever stored, so that there is no snapshot to name.
    """
    store = workspace.store
    if snapshot is None and not store.snapshots():
        raise InputError("There is no snapshot yet, as nothing was stored.", hint="`qts import FILE` makes the first one.")
    store.name_snapshot(snapshot or store.snapshot(), name, at=workspace.clock.now())
    return _document(next(found for found in store.snapshots() if name in found.names))


def forget_name(workspace: Workspace, name: str) -> SnapshotDocument:
    """Take a name away from its snapshot, which is then kept no longer than others, and return what the snapshot is.

    Raises
    ------
    BadParameter
        If no snapshot has it.
    """
    store = workspace.store
    named = next((found for found in store.snapshots() if name in found.names), None)
    store.forget_name(name)
    assert named is not None  # noqa: S101 - a name that nobody has is refused above
    return _document(replace(named, names=tuple(one for one in named.names if one != name)))


def collect_snapshots(workspace: Workspace, *, keep_days: int = KEEP_DAYS, dry_run: bool = False) -> CollectionDocument:
    """Give back the room of old snapshots that nothing holds: no name, no stored run, no other process.

    Raises
    ------
    BadParameter
        If the number of days is negative or more than a hundred years.
    DamagedFile
        If a stored run cannot be read: then nobody can say which snapshot it was made from, and nothing is collected.
    """
    if not 0 <= keep_days <= _MOST_DAYS:
        hint = "Give a snapshot a name to keep it for good." if keep_days > 0 else "Give 0 to keep none for its age."
        raise BadParameter("keep_days", keep_days, f"is not between 0 and {_MOST_DAYS:,}", hint=hint)
    keep = Retention(younger_than=timedelta(days=keep_days), cited=_cited(workspace))
    done = workspace.files.collect(at=workspace.clock.now(), keep=keep, dry_run=dry_run)
    return CollectionDocument(dry_run=dry_run, snapshots=done.snapshots, files=len(done.files), bytes=done.n_bytes)


def compact_store(workspace: Workspace, *, everything: bool = False) -> tuple[CompactionDocument, ...]:
    """Put what imports brought lately into the files of their years, which are read faster."""
    done = workspace.files.compact(at=workspace.clock.now(), everything=everything)
    return tuple(
        CompactionDocument(
            dataset=one.dataset, hot_files=one.hot_files, files_written=one.files_written, bars=one.bars, left_because=one.reason or None
        )
        for one in done
    )


def _cited(workspace: Workspace) -> frozenset[str]:
    folder = workspace.settings.runs_folder
    seals = workspace.control.seals()
    kept = (KeptRun(folder, run_id, seal=seals.get(run_id)) for run_id in run_ids(folder))
    return frozenset(run.document().data.snapshot for run in kept)


def _document(snapshot: Snapshot) -> SnapshotDocument:
    return SnapshotDocument(id=snapshot.id, names=snapshot.names, at=snapshot.at.isoformat(), kind=snapshot.kind, note=snapshot.note)


def _change(key: SeriesKey, before: SeriesInfo | None, after: SeriesInfo | None) -> SeriesChange:
    return SeriesChange(
        instrument=key.instrument, interval=str(key.interval), prices=str(key.basis), before=_state(before), after=_state(after)
    )


def _state(info: SeriesInfo | None) -> SeriesState | None:
    if info is None:
        return None
    return SeriesState(bars=info.n_bars, first=instant_of(info.first_ts).isoformat(), last=instant_of(info.last_ts).isoformat())
