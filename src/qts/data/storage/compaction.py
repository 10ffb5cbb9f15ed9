"""Hot files put into the files of their groups: the same bars in fewer and better sorted places."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from qts.core import IST, InstrumentId, micros_of, session_date_of
from qts.core.errors import DamagedFile, DataError
from qts.data.storage.committing import Prepared, commit
from qts.data.storage.contents import Content, total
from qts.data.storage.drafting import ALWAYS, Built, build_all, group_draft
from qts.data.storage.layout import Dataset, FileGroup
from qts.data.storage.leases import acquire, release
from qts.data.storage.records import Commit, Draft, StoredFile
from qts.data.storage.rows import Rows, merge, overlay
from qts.data.storage.vault import Vault

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from qts.data.storage.ledger import Base, Ledger
    from qts.data.storage.manifest import Manifest

MOST_FILES: Final = 5
MOST_BYTES: Final = 64 << 20
_LEASE_TIME: Final = timedelta(minutes=30)
_MOST_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What was done with the hot files of one dataset (``1m/NSE/raw``). ``reason`` says why nothing was, where nothing was."""

    dataset: str
    hot_files: int
    files_written: int = 0
    bars: int = 0
    reason: str = ""


def compact(manifest: Manifest, vault: Vault, *, at: datetime, everything: bool) -> tuple[Compacted, ...]:
    """Put the hot files of each dataset where they are due (``everything``: of all) into the files of their groups.

    One dataset is one commit of kind ``compaction``; the state keeps its id. A damaged file stops its own dataset only.
    """
    with manifest.reading() as ledger:
        hot = ledger.datasets()
    return tuple(_compacted(manifest, vault, dataset, files, at=at, everything=everything) for dataset, files in hot.items())


def is_due(files: Sequence[StoredFile]) -> bool:
    """Return whether so many hot files, or so large ones, make reading slow."""
    return len(files) > MOST_FILES or sum(file.n_bytes for file in files) > MOST_BYTES


def _compacted(
    manifest: Manifest, vault: Vault, dataset: Dataset, files: Sequence[StoredFile], *, at: datetime, everything: bool
) -> Compacted:
    left = Compacted(dataset=dataset.label, hot_files=len(files))
    if not (everything or is_due(files)):
        return replace(left, reason="few and small: left as they are")
    name, holder = f"compact {dataset.label}", f"{os.getpid()}-{secrets.token_hex(4)}"
    with manifest.writing() as ledger:
        is_ours = acquire(ledger.connection, name, holder, at=at, until=at + _LEASE_TIME)
    if not is_ours:
        return replace(left, reason="another process is at it")
    try:
        prepared, _ = commit(_Compaction(dataset, at=at, vault=vault, manifest=manifest), manifest, vault)
    except DamagedFile as damage:
        return replace(left, reason=damage.message)
    finally:
        with manifest.writing() as ledger:
            release(ledger.connection, name, holder)
    drafts = prepared.commit.drafts
    return Compacted(
        dataset=dataset.label,
        hot_files=len(prepared.commit.ended),
        files_written=len(drafts),
        bars=sum(draft.n_rows for draft in drafts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Hot bars of one group."""

    group: FileGroup
    rows: Rows


class _Compaction:
    """The change of one dataset."""

    def __init__(self, dataset: Dataset, *, at: datetime, vault: Vault, manifest: Manifest) -> None:
        self._dataset = dataset
        self._at = at
        self._vault = vault
        self._manifest = manifest
        self._touched: set[str] = set()

    def base(self, ledger: Ledger) -> Base:
        """Return the hot files of the dataset and the files of all its groups."""
        return ledger.dataset_base(self._dataset)

    def is_same(self, seen: Base, now: Base) -> bool:
        """Return whether all that was put together is still live; hot files may have come on top."""
        still = {file.id for file in now.hot[self._dataset]}
        return all(file.id in still for file in seen.hot[self._dataset]) and all(
            seen.cold.get(label) == now.cold.get(label) for label in self._touched
        )

    @contextmanager
    def prepared(self, base: Base) -> Iterator[Prepared]:
        """Yield the commit, its files written and named."""
        with self._manifest.reading() as ledger:
            names = ledger.instruments()
        hot = base.hot[self._dataset]
        self._touched.clear()
        drafts: list[Draft] = []
        try:
            for parts in self._batches(hot, names):
                built = build_all(self._vault, [partial(self._build, part, base, names) for part in parts])
                drafts += [one.draft for one in built if one.draft is not None]
            self._require_same(hot, drafts)
            self._vault.settle(drafts)
            note = f"{len(hot)} hot files of {self._dataset.label} into {len(drafts)}"
            yield Prepared(commit=Commit(drafts=drafts, ended=hot, at=self._at, kind="compaction", note=note))
        finally:
            self._vault.discard(drafts)

    def _batches(self, hot: Sequence[StoredFile], names: Mapping[int, InstrumentId]) -> Iterator[list[_Part]]:
        # What is large is read instrument by instrument, if its files are.
        if sum(file.n_rows for file in hot) <= _MOST_AT_ONCE or not self._dataset.interval.is_intraday:
            layers = [self._vault.read(file, number=None, span=ALWAYS) for file in hot]
            if layers:
                yield list(self._parts(overlay(layers), names))
            return
        first, last = min(file.number_min for file in hot), max(file.number_max for file in hot)
        for number in range(first, last + 1):
            layers = [self._vault.read(file, number=number, span=ALWAYS) for file in hot if file.number_min <= number <= file.number_max]
            rows = [layer for layer in layers if len(layer)]
            if rows:
                yield list(self._parts(overlay(rows), names))

    def _parts(self, rows: Rows, names: Mapping[int, InstrumentId]) -> Iterator[_Part]:
        years = _years(rows)
        if not self._dataset.interval.is_intraday:
            for year in np.unique(years).tolist():
                yield _Part(group=self._group(None, year), rows=rows.take(years == year))
            return
        for number, start, stop in rows.parts():
            for year in np.unique(years[start:stop]).tolist():
                chosen = start + np.flatnonzero(years[start:stop] == year)
                yield _Part(group=self._group(names[number], year), rows=rows.take(chosen))

    def _group(self, instrument: InstrumentId | None, year: int) -> FileGroup:
        one = self._dataset
        return FileGroup(interval=one.interval, exchange=one.exchange, basis=one.basis, instrument=instrument, year=year)

    def _build(self, part: _Part, base: Base, names: Mapping[int, InstrumentId]) -> Built:
        label = part.group.label
        self._touched.add(label)
        live = base.cold.get(label)
        old = None if live is None else self._vault.read(live, number=None, span=ALWAYS)
        draft = group_draft(self._vault, part.group, merge(old, part.rows).rows, names=names, supersedes=live)
        return Built(draft=draft, n_given=len(part.rows), growth={})

    def _require_same(self, hot: Sequence[StoredFile], drafts: Sequence[Draft]) -> None:
        before = total(Content.parse(file.net) for file in hot)
        for draft in drafts:
            before += total(Content.parse(file.net) for file in draft.supersedes)
        if before != total(draft.net for draft in drafts):
            raise DataError(
                f"Compacting {self._dataset.label} would have changed its bars: nothing was done.",
                hint="Run `qts verify`; if it finds nothing, this is a fault of the program: please report it.",
            )


def _years(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if len(rows) == 0:
        return np.empty(0, dtype=np.int64)
    first, last = session_date_of(int(rows.ts.min())).year, session_date_of(int(rows.ts.max())).year
    cuts = np.array([micros_of(datetime(year, 1, 1, tzinfo=IST)) for year in range(first + 1, last + 1)], dtype=np.int64)
    years: np.ndarray[tuple[int], np.dtype[np.int64]] = first + np.searchsorted(cuts, rows.ts, side="right").astype(np.int64)
    return years
