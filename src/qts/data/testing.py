"""Fakes for tests: they keep the same promises as the real thing, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from qts.core import Bars
from qts.data.storage.archive import SeriesCommit
from qts.data.storage.contents import Content, content_of_rows, total
from qts.data.storage.history import Comparison, compared, name_taken, no_name, require_name
from qts.data.storage.lookup import Growth, absent, grown, no_deletion, no_snapshot, require_aware, returning, sort_key, span_of
from qts.data.storage.rows import CLOSE, Merge, Rows, merge, picked, require_sound, rows_of
from qts.data.storage.series import DeleteReport, LatestBar, Provenance, SeriesBars, SeriesInfo, SeriesKey, Snapshot, UpsertReport

if TYPE_CHECKING:  # what compacts brings a database library
    from qts.data.storage.compaction import Compacted


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    id: str
    rows: Mapping[SeriesKey, Rows] = field(default_factory=dict)
    infos: Mapping[SeriesKey, SeriesInfo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Brought:
    provenance: Provenance
    n_stored: int
    n_changed: int
    n_unchanged: int


class MemoryStore:
    """A ``BarStore`` in memory: what tests use where the real one is not the subject. It writes no files."""

    def __init__(self) -> None:
        self._states: list[_State] = [_State(id=Content().state_id)]
        self._snapshots: list[Snapshot] = []
        self._log: list[SeriesCommit] = []

    def upsert(self, batches: Sequence[SeriesBars], provenance: Provenance, *, at: datetime) -> UpsertReport:
        """Store all batches at once; the last bar given wins."""
        return self._store(batches, provenance, at=at)

    def _store(
        self,
        batches: Sequence[SeriesBars],
        provenance: Provenance,
        *,
        at: datetime,
        kind: str = "import",
        restored: Mapping[SeriesKey, SeriesInfo] | None = None,
    ) -> UpsertReport:
        require_aware("at", at)
        require_sound([batch.bars for batch in batches])
        given: dict[SeriesKey, list[Bars]] = {}
        for batch in batches:
            given.setdefault(batch.key, []).append(batch.bars)
        before = self._states[-1]
        rows, infos = dict(before.rows), dict(before.infos)
        n_stored = n_changed = n_given = 0
        for key, parts in given.items():
            new = rows_of([(0, part) for part in parts])
            merged = merge(rows.get(key), new)
            is_stored = merged.is_stored
            n_given += len(new)
            n_changed += int(merged.is_changed.sum())
            n_stored += int(is_stored.sum())
            if is_stored.any():
                rows[key] = merged.rows
                growth = _growth(key, new, merged)
                infos[key] = grown(infos.get(key) or returning(restored, key, growth), key, growth, provenance)
        if n_stored:
            note = provenance.note or provenance.source
            brought = _Brought(provenance=provenance, n_stored=n_stored, n_changed=n_changed, n_unchanged=n_given - n_stored)
            self._commit(_State(id=_id_of(infos), rows=rows, infos=infos), note, at=at, kind=kind, brought=brought)
        return UpsertReport(stored=n_stored, unchanged=n_given - n_stored, changed=n_changed, snapshot=self.snapshot(), files_written=0)

    def delete(
        self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, at: datetime, note: str = ""
    ) -> DeleteReport:
        """Take bars of a series out."""
        require_aware("at", at)
        gone = self.read(key, start=start, end=end)
        before = self._states[-1]
        rows, infos = dict(before.rows), dict(before.infos)
        is_left = ~np.isin(rows[key].ts, gone.ts)
        left, info = rows[key].take(is_left), infos.pop(key)
        lost = _content(key, rows.pop(key).take(~is_left))
        if len(left):
            rows[key] = left
            infos[key] = replace(
                info,
                first_ts=int(left.ts[0]),
                last_ts=int(left.ts[-1]),
                last_close=float(left.values[CLOSE, -1]),
                n_bars=len(left),
                content=str(Content.parse(info.content) - lost),
            )
        text = note or f"{key.instrument} {key.interval} {key.basis}"
        self._commit(_State(id=_id_of(infos), rows=rows, infos=infos), text, at=at, kind="delete")
        return DeleteReport(deleted=len(gone), snapshot=self.snapshot())

    def undo(self, snapshot: str, *, at: datetime) -> UpsertReport:
        """Bring back what a deletion took."""
        seqs = [one.seq for one in self._snapshots if one.id == snapshot and one.kind == "delete"]
        if not seqs:
            raise no_deletion(snapshot)
        before, after, now = self._states[seqs[-1] - 1], self._states[seqs[-1]], self._states[-1]
        (key,) = (key for key, info in before.infos.items() if after.infos.get(key) != info)
        there = np.concatenate([state.rows[key].ts for state in (after, now) if key in state.rows] or [np.empty(0, dtype=np.int64)])
        bars = before.rows[key].bars(instrument=key.instrument, interval=key.interval)
        lost, info = picked(bars, ~np.isin(bars.ts, there)), before.infos[key]
        provenance = Provenance(source=info.sources[-1], simulated=info.simulated, note=f"undo of {snapshot}")
        return self._store([SeriesBars(key=key, bars=lost)], provenance, at=at, kind="undo", restored={key: info})

    def name_snapshot(self, snapshot: str, name: str, *, at: datetime) -> None:
        """Call a snapshot by a name."""
        require_name(name)
        require_aware("at", at)
        i_last = max((i for i, one in enumerate(self._snapshots) if snapshot in {one.id, *one.names}), default=-1)
        if i_last < 0:
            raise no_snapshot(snapshot)
        for i, one in enumerate(self._snapshots):
            if name in one.names and i != i_last:
                raise name_taken(name, one.id)
        names = tuple(sorted({*self._snapshots[i_last].names, name}))
        self._snapshots[i_last] = replace(self._snapshots[i_last], names=names)

    def forget_name(self, name: str) -> None:
        """Take a name away."""
        if not any(name in one.names for one in self._snapshots):
            raise no_name(name)
        self._snapshots = [replace(one, names=tuple(other for other in one.names if other != name)) for one in self._snapshots]

    def compare(self, before: str, after: str | None = None) -> Comparison:
        """Return which series were added, removed or changed between two snapshots."""
        return compared(self._state(before).infos, self._state(after).infos)

    def compact(self, *, at: datetime, everything: bool = False) -> tuple[Compacted, ...]:  # noqa: ARG002 - a promise of the protocol
        """Do nothing: in memory no place is better than another."""
        require_aware("at", at)
        return ()

    def latest(self, keys: Iterable[SeriesKey]) -> Mapping[SeriesKey, LatestBar]:
        """Return the last stored bar of each of these series that has one."""
        infos = self._states[-1].infos
        return {key: LatestBar(infos[key].last_ts, infos[key].last_close) for key in keys if key in infos}

    def read(self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, as_of: str | None = None) -> Bars:
        """Return the bars that open in ``[start, end)``."""
        state, span = self._state(as_of), span_of(start, end)
        rows = state.rows.get(key)
        if rows is None:
            raise absent(key, span, state.infos.values())
        i_start = 0 if span.start is None else int(np.searchsorted(rows.ts, span.start))
        i_end = len(rows) if span.end is None else int(np.searchsorted(rows.ts, span.end))
        if i_start >= i_end:
            raise absent(key, span, state.infos.values())
        return rows.bars(instrument=key.instrument, interval=key.interval).window(i_start, i_end)

    def series(self, *, as_of: str | None = None) -> tuple[SeriesInfo, ...]:
        """Return all series."""
        return tuple(sorted(self._state(as_of).infos.values(), key=sort_key))

    def info(self, key: SeriesKey, *, as_of: str | None = None) -> SeriesInfo | None:
        """Return what is stored of a series, or None."""
        return self._state(as_of).infos.get(key)

    def history(self, key: SeriesKey) -> tuple[SeriesCommit, ...]:
        """Return the commits that touched a series."""
        found = []
        for log, before, after in zip(self._log, self._states, self._states[1:], strict=False):
            old, new = before.infos.get(key), after.infos.get(key)
            if old != new:
                n_old, n_new = (0 if info is None else info.n_bars for info in (old, new))
                found.append(replace(log, n_bars=n_new, n_added=n_new - n_old))
        return tuple(found)

    def bars_per_day(self, *, as_of: str | None = None) -> Mapping[SeriesKey, Mapping[int, int]]:
        """Return, for every series, how many bars each date in India holds."""
        counted = {}
        for key, rows in self._state(as_of).rows.items():
            days, counts = np.unique((rows.ts + 19_800_000_000) // 86_400_000_000, return_counts=True)
            counted[key] = dict(zip(days.tolist(), counts.tolist(), strict=True))
        return counted

    def content_ids(self, *, as_of: str | None = None) -> Mapping[SeriesKey, str]:
        """Return, for every series, an id that changes whenever one of its bars does."""
        return {key: info.content for key, info in self._state(as_of).infos.items()}

    def snapshot(self) -> str:
        """Return the id of the present state."""
        return self._states[-1].id

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every commit, oldest first."""
        ends = [*(one.at for one in self._snapshots[1:]), None]
        replaced = dict(zip((one.id for one in self._snapshots), ends, strict=False))
        return tuple(replace(one, replaced_at=replaced[one.id]) for one in self._snapshots)

    def _state(self, as_of: str | None) -> _State:
        if as_of is None:
            return self._states[-1]
        for state in reversed(self._states):
            if state.id == as_of:
                return state
        for one in self._snapshots:
            if as_of in one.names:
                return self._states[one.seq]
        raise no_snapshot(as_of)

    def _commit(self, state: _State, note: str, *, at: datetime, kind: str, brought: _Brought | None = None) -> None:
        self._states.append(state)
        snapshot = Snapshot(seq=len(self._snapshots) + 1, id=state.id, at=at, kind=kind, note=note)
        self._snapshots.append(snapshot)
        log = SeriesCommit(
            seq=snapshot.seq,
            snapshot=snapshot.id,
            at=at,
            kind=kind,
            source="" if brought is None else brought.provenance.source,
            simulated=brought is not None and brought.provenance.simulated,
            note=note,
            n_bars=0,
            n_added=0,
            n_stored=None if brought is None else brought.n_stored,
            n_changed=None if brought is None else brought.n_changed,
            n_unchanged=None if brought is None else brought.n_unchanged,
        )
        self._log.append(log)


def _growth(key: SeriesKey, new: Rows, merged: Merge) -> Growth:
    stored = new.take(merged.is_stored)
    content = _content(key, stored) - _content(key, merged.replaced)
    n_new = int(merged.is_new.sum())
    return Growth(
        first_ts=int(stored.ts[0]), last_ts=int(stored.ts[-1]), last_close=float(stored.values[CLOSE, -1]), n_new=n_new, content=content
    )


def _content(key: SeriesKey, rows: Rows) -> Content:
    return content_of_rows(rows, {0: key.instrument}, interval=key.interval, basis=key.basis)


def _id_of(infos: Mapping[SeriesKey, SeriesInfo]) -> str:
    return total(Content.parse(info.content) for info in infos.values()).state_id
