"""What the store looked like before: its snapshots, and what is different between two of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from qts.app.workspace import Workspace
from qts.core.clock import instant_of
from qts.data.storage import SeriesInfo, SeriesKey


class SnapshotDocument(BaseModel):
    """One commit: the id of the state that it made, its instant, and what it was."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: str
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


def list_snapshots(workspace: Workspace) -> tuple[SnapshotDocument, ...]:
    """Return the snapshots of the store, the latest first."""
    found = workspace.store.snapshots()
    return tuple(
        SnapshotDocument(id=snapshot.id, at=snapshot.at.isoformat(), kind=snapshot.kind, note=snapshot.note) for snapshot in reversed(found)
    )


def compare_snapshots(workspace: Workspace, before: str, after: str | None = None) -> ComparisonDocument:
    """Return which series changed between two snapshots, ``after`` being the present by default.

    Raises
    ------
    BadParameter
        If there is no such snapshot.
    """
    store = workspace.store
    after = after or store.snapshot()
    old, new = ({info.key: info for info in store.series(as_of=snapshot)} for snapshot in (before, after))
    old_ids, new_ids = store.content_ids(as_of=before), store.content_ids(as_of=after)
    keys = [*old, *(key for key in new if key not in old)]
    changed = [key for key in keys if old_ids.get(key) != new_ids.get(key)]
    return ComparisonDocument(
        before=before,
        after=after,
        changes=tuple(_change(key, old.get(key), new.get(key)) for key in changed),
        unchanged=len(keys) - len(changed),
    )


def _change(key: SeriesKey, before: SeriesInfo | None, after: SeriesInfo | None) -> SeriesChange:
    return SeriesChange(
        instrument=key.instrument, interval=str(key.interval), prices=str(key.basis), before=_state(before), after=_state(after)
    )


def _state(info: SeriesInfo | None) -> SeriesState | None:
    if info is None:
        return None
    return SeriesState(bars=info.n_bars, first=instant_of(info.first_ts).isoformat(), last=instant_of(info.last_ts).isoformat())
