"""Fakes for tests: they keep the same promises as the real thing, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from qts.core import Bars
from qts.data.storage.contents import Content, content_of_rows, total
from qts.data.storage.lookup import Growth, absent, grown, no_snapshot, require_aware, sort_key, span_of
from qts.data.storage.rows import CLOSE, Merge, Rows, merge, require_sound, rows_of
from qts.data.storage.series import Provenance, SeriesBars, SeriesInfo, SeriesKey, Snapshot, UpsertReport


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    id: str
    rows: Mapping[SeriesKey, Rows] = field(default_factory=dict)
    infos: Mapping[SeriesKey, SeriesInfo] = field(default_factory=dict)


class MemoryStore:
    """A ``BarStore`` in memory: what tests use where the real one is not the subject. It writes no files."""

    def __init__(self) -> None:
        self._states: list[_State] = [_State(id=Content().state_id)]
        self._snapshots: list[Snapshot] = []

    def upsert(self, batches: Sequence[SeriesBars], provenance: Provenance, *, at: datetime) -> UpsertReport:
        """Store all batches at once; the last bar given wins."""
        require_aware("at", at)
        for batch in batches:
            require_sound(batch.bars)
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
                infos[key] = grown(infos.get(key), key, _growth(key, new, merged), provenance)
        if n_stored:
            self._commit(_State(id=_id_of(infos), rows=rows, infos=infos), provenance, at=at)
        return UpsertReport(stored=n_stored, unchanged=n_given - n_stored, changed=n_changed, snapshot=self.snapshot(), files_written=0)

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

    def info(self, key: SeriesKey) -> SeriesInfo | None:
        """Return what is stored of a series, or None."""
        return self._states[-1].infos.get(key)

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
        return tuple(self._snapshots)

    def _state(self, as_of: str | None) -> _State:
        if as_of is None:
            return self._states[-1]
        for state in reversed(self._states):
            if state.id == as_of:
                return state
        raise no_snapshot(as_of)

    def _commit(self, state: _State, provenance: Provenance, *, at: datetime) -> None:
        self._states.append(state)
        seq = len(self._snapshots) + 1
        self._snapshots.append(Snapshot(seq=seq, id=state.id, at=at, kind="import", note=provenance.note or provenance.source))


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
