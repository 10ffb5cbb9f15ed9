"""Bars taken out of the store, and put back: each a commit like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from qts.core import Bools, InstrumentId
from qts.data.storage.committing import Prepared
from qts.data.storage.contents import Content, content_of_rows, total
from qts.data.storage.coverage import coverage_of, summed
from qts.data.storage.drafting import ALWAYS, Extent, draft_of, group_draft
from qts.data.storage.layout import FileGroup, dataset_of
from qts.data.storage.lookup import Span
from qts.data.storage.records import Commit, Draft, StoredFile
from qts.data.storage.rows import CLOSE, Merge, Rows, merge
from qts.data.storage.series import SeriesInfo, SeriesKey
from qts.data.storage.vault import Vault

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from qts.data.storage.ledger import Base, Ledger
    from qts.data.storage.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A file of the series: all it holds, which of that goes, and how what goes lay over the layers below."""

    file: StoredFile
    rows: Rows
    goes: Bools
    merged: Merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The bars of a series in a span, on their way out: every file that holds some is written anew without them."""

    key: SeriesKey
    number: int
    span: Span
    at: datetime
    note: str
    vault: Vault
    manifest: Manifest

    def base(self, ledger: Ledger) -> Base:
        """Return all files of the series."""
        return ledger.series_base(self.key)

    def is_same(self, seen: Base, now: Base) -> bool:
        """Return whether nobody touched the series meanwhile."""
        return seen == now

    @contextmanager
    def prepared(self, base: Base) -> Iterator[Prepared]:
        """Yield the commit, its files written and named; it is empty where the span holds no bars."""
        with self.manifest.reading() as ledger:
            names = ledger.instruments()
            info = next((one for one in ledger.series(None, [self.key.instrument]) if one.key == self.key), None)
        layers = self._layers([*base.cold.values(), *base.hot[dataset_of(self.key)]])
        gone = [layer for layer in layers if layer.goes.any()]
        drafts: list[Draft] = []
        try:
            drafts += [draft for layer in gone if (draft := self._draft(layer, names)) is not None]
            self.vault.settle(drafts)
            yield Prepared(commit=self._commit(layers, drafts, info, names))
        finally:
            self.vault.discard(drafts)

    def _layers(self, files: Sequence[StoredFile]) -> list[_Layer]:
        layers = []
        below: Rows | None = None
        for file in files:
            rows = self.vault.read(file, number=None, span=ALWAYS)
            goes = rows.numbers == self.number
            if self.span.start is not None:
                goes &= rows.ts >= self.span.start
            if self.span.end is not None:
                goes &= rows.ts < self.span.end
            merged = merge(below, rows.take(goes))
            below = merged.rows
            layers.append(_Layer(file=file, rows=rows, goes=goes, merged=merged))
        return layers

    def _draft(self, layer: _Layer, names: Mapping[int, InstrumentId]) -> Draft | None:
        file, rest = layer.file, layer.rows.take(~layer.goes)
        if len(rest) == 0:
            return None
        dataset = file.dataset
        if not file.is_hot:
            instrument = self.key.instrument if dataset.interval.is_intraday else None
            group = FileGroup(
                interval=dataset.interval, exchange=dataset.exchange, basis=dataset.basis, instrument=instrument, year=file.year
            )
            return group_draft(self.vault, group, rest, names=names, supersedes=file)
        gone = layer.rows.take(layer.goes)
        with self.manifest.reading() as ledger:
            before = ledger.coverage([file])
        extent = Extent(
            dataset=dataset,
            year=file.year,
            content=content_of_rows(rest, names, interval=dataset.interval, basis=dataset.basis),
            net=Content.parse(file.net) - self._net(layer, names),
            coverage=summed(before, less=coverage_of(gone.numbers[layer.merged.is_new], gone.ts[layer.merged.is_new])),
            layer=file.layer,
            n_over=file.n_over - int(np.count_nonzero(~layer.merged.is_new)),
            supersedes=(file,),
        )
        return draft_of(self.vault, rest, extent)

    def _net(self, layer: _Layer, names: Mapping[int, InstrumentId]) -> Content:
        # Of a bar that repeats the one below, nothing was added.
        stored = layer.rows.take(layer.goes).take(layer.merged.is_stored)
        dataset = layer.file.dataset
        added, lost = (
            content_of_rows(rows, names, interval=dataset.interval, basis=dataset.basis) for rows in (stored, layer.merged.replaced)
        )
        return added - lost

    def _commit(
        self, layers: Sequence[_Layer], drafts: Sequence[Draft], info: SeriesInfo | None, names: Mapping[int, InstrumentId]
    ) -> Commit:
        rewritten = {file.id for draft in drafts for file in draft.supersedes}
        ended = [layer.file for layer in layers if layer.goes.any() and layer.file.id not in rewritten]
        n_deleted = sum(int(layer.merged.is_new.sum()) for layer in layers)
        infos: dict[SeriesKey, SeriesInfo | None] = {}
        if info is not None and n_deleted:
            net = total(self._net(layer, names) for layer in layers)
            infos[self.key] = self._left(layers, info, n_deleted=n_deleted, net=net)
        return Commit(
            drafts=drafts,
            ended=ended,
            at=self.at,
            kind="delete",
            note=self.note,
            infos=infos,
            numbers={self.key.instrument: self.number},
            n_stored=n_deleted,
        )

    def _left(self, layers: Sequence[_Layer], info: SeriesInfo, *, n_deleted: int, net: Content) -> SeriesInfo | None:
        """Return what is known of the series without its bars, None where none is left."""
        if info.n_bars == n_deleted:
            return None
        rest = [rows for layer in layers if len(rows := layer.rows.take((layer.rows.numbers == self.number) & ~layer.goes))]
        last_ts = max(int(rows.ts[-1]) for rows in rest)
        last = [rows for rows in rest if int(rows.ts[-1]) == last_ts][-1]
        content = (Content.parse(info.content) if info.content else Content()) - net
        return replace(
            info,
            first_ts=min(int(rows.ts[0]) for rows in rest),
            last_ts=last_ts,
            last_close=float(last.values[CLOSE, -1]),
            n_bars=info.n_bars - n_deleted,
            content=str(content),
        )
