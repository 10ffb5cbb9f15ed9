"""What new bars change, and how the new version of one file is built: read what is live, lay the new bars over it, write the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qts.core import Bars, Bools, InstrumentId, session_date_of
from qts.core.errors import DamagedFile
from qts.data.storage.contents import Content, content_of, content_of_rows, row_hashes
from qts.data.storage.coverage import Coverage, coverage_of
from qts.data.storage.encoding import HOT_ROW_GROUP, ROW_GROUP, encode
from qts.data.storage.layout import Dataset, FileGroup
from qts.data.storage.lookup import Growth, Span
from qts.data.storage.records import Draft, StoredFile
from qts.data.storage.rows import CLOSE, Merge, Rows, earlier_content, merge, rows_of, without
from qts.data.storage.series import SeriesKey
from qts.data.storage.vault import Vault

ALWAYS: Final = Span(start=None, end=None)
BUILDERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of the new bars of one file: counts of bars, and a draft unless nothing changed. ``is_healed`` where damage was mended."""

    draft: Draft | None
    n_given: int
    n_stored: int = 0
    n_changed: int = 0
    growth: Mapping[SeriesKey, Growth]
    is_healed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The new bars of one group by instrument number, and its live file.

    ``versions`` fetches all files it ever had, the newest first; ``coverage`` the counts of days of files. ``only_new`` leaves bars
    alone that are there.
    """

    group: FileGroup
    parts: Sequence[tuple[int, Bars]]
    live: StoredFile | None
    versions: Callable[[str], Sequence[StoredFile]]
    only_new: bool
    coverage: Callable[[Sequence[StoredFile]], Sequence[Coverage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What new rows of a dataset change: the ``rows`` that are new or differ, and what they come to.

    ``is_new`` marks those of the rows that replace nothing; ``net`` is what they add to the content of the store.
    """

    rows: Rows
    is_new: Bools
    net: Content
    growth: Mapping[SeriesKey, Growth]
    n_given: int

    @property
    def n_changed(self) -> int:
        """Return how many bars were replaced by different ones."""
        return len(self.rows) - int(self.is_new.sum())


def delta_of(merged: Merge, new: Rows, dataset: Dataset, names: Mapping[int, InstrumentId]) -> Delta:
    """Return what a merge changes, and by how much each series grows."""
    is_stored = merged.is_stored
    rows = new if is_stored.all() else new.take(is_stored)
    hashes = row_hashes(rows, names, interval=dataset.interval, basis=dataset.basis)
    lost = row_hashes(merged.replaced, names, interval=dataset.interval, basis=dataset.basis)
    is_new = merged.is_new[is_stored]
    minus = {number: content_of(lost[:, start:stop]) for number, start, stop in merged.replaced.parts()}
    growth = {}
    net = Content()
    for number, start, stop in rows.parts():
        content = content_of(hashes[:, start:stop]) - minus.get(number, Content())
        net += content
        growth[dataset.key(names[number])] = Growth(
            first_ts=int(rows.ts[start]),
            last_ts=int(rows.ts[stop - 1]),
            last_close=float(rows.values[CLOSE, stop - 1]),
            n_new=int(np.count_nonzero(is_new[start:stop])),
            content=content,
        )
    return Delta(rows=rows, is_new=is_new, net=net, growth=growth, n_given=len(new))


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What a new file is beside its rows: whose it is, which layer, and what it adds to the store."""

    dataset: Dataset
    year: int
    content: Content
    net: Content
    coverage: Coverage
    group: FileGroup | None = None
    layer: int | None = 0
    n_over: int = 0
    supersedes: tuple[StoredFile, ...] = ()


def draft_of(vault: Vault, rows: Rows, extent: Extent) -> Draft:
    """Return rows as a file that is written but not yet named."""
    instrument = None if extent.group is None else extent.group.instrument
    number = None if instrument is None else int(rows.numbers[0])
    if extent.group is None:
        placed = vault.place(encode(rows, row_group=HOT_ROW_GROUP), folder=f"{extent.dataset.folder}/hot", stem=str(extent.year))
    else:
        placed = vault.place(encode(rows, row_group=ROW_GROUP), folder=extent.group.folder(number), stem=str(extent.year))
    return Draft(
        dataset=extent.dataset,
        instrument=instrument,
        number=number,
        year=extent.year,
        layer=extent.layer,
        path=placed.path,
        temporary=placed.temporary,
        n_rows=len(rows),
        n_bytes=placed.n_bytes,
        sha256=placed.sha256,
        content=extent.content,
        ts_min=int(rows.ts.min()),
        ts_max=int(rows.ts.max()),
        number_min=int(rows.numbers[0]),
        number_max=int(rows.numbers[-1]),
        n_over=extent.n_over,
        net=extent.net,
        counts=extent.coverage.pack(),
        supersedes=extent.supersedes,
    )


def build(vault: Vault, given: Given, names: Mapping[int, InstrumentId]) -> Built:
    """Return the next version of a group's file, written but not yet named.

    Raises
    ------
    DamagedFile
        If the live file is damaged and the new bars, alone or over an older version, leave something out of what it held.
    """
    new, live, dataset = rows_of(given.parts), given.live, given.group.dataset
    try:
        old = None if live is None else vault.read(live, number=None, span=ALWAYS)
    except DamagedFile:
        return _healed(vault, given, new=new, names=names)
    if given.only_new:
        new = without(new, old)
    merged = merge(old, new)
    if not merged.is_stored.any():
        return Built(draft=None, n_given=len(new), growth={})
    delta = delta_of(merged, new, dataset, names)
    extent = _extent(given.group, merged.rows, supersedes=live)
    if live is None or live.is_counted:
        content = delta.net if live is None else Content.parse(live.content) + delta.net
    else:
        content = content_of_rows(merged.rows, names, interval=dataset.interval, basis=dataset.basis)
    draft = draft_of(vault, merged.rows, replace(extent, content=content, net=content))
    return Built(draft=draft, n_given=len(new), n_stored=len(delta.rows), n_changed=delta.n_changed, growth=delta.growth)


def group_draft(vault: Vault, group: FileGroup, rows: Rows, *, names: Mapping[int, InstrumentId], supersedes: StoredFile | None) -> Draft:
    """Return a group's file that holds exactly these rows."""
    content = content_of_rows(rows, names, interval=group.interval, basis=group.basis)
    return draft_of(vault, rows, replace(_extent(group, rows, supersedes=supersedes), content=content, net=content))


def build_all(vault: Vault, tasks: Sequence[Callable[[], Built]]) -> list[Built]:
    """Carry out all tasks and return what came of each; if one fails, none of their files is left on the disk."""
    futures: list[Future[Built]] = []
    with ExitStack() as undo:
        undo.callback(lambda: vault.discard(built.draft for built in _finished(futures) if built.draft is not None))
        # Threads, because packing and flushing wait outside the interpreter.
        with ThreadPoolExecutor(max_workers=min(BUILDERS, max(1, len(tasks)))) as pool:
            futures += [pool.submit(task) for task in tasks]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                pool.shutdown(cancel_futures=True)
        for future in futures:
            if not future.cancelled():
                future.result()
        undo.pop_all()
    return [future.result() for future in futures]


def _extent(group: FileGroup, rows: Rows, *, supersedes: StoredFile | None) -> Extent:
    return Extent(
        dataset=group.dataset,
        year=group.year,
        group=group,
        content=Content(),
        net=Content(),
        coverage=coverage_of(rows.numbers, rows.ts),
        supersedes=() if supersedes is None else (supersedes,),
    )


def _healed(vault: Vault, given: Given, *, new: Rows, names: Mapping[int, InstrumentId]) -> Built:
    """Mend the damaged live file: with just what it held, or with later bars where those leave nothing of it out."""
    live = given.live
    assert live is not None  # noqa: S101 - only a live file can be damaged
    candidates = list(_over_versions(vault, given, live, new))
    for rows in candidates:
        if is_content_of(live, rows, names):
            vault.replace(encode(rows, row_group=ROW_GROUP), live.path)
            vault.footer(live)
            return Built(draft=None, n_given=len(new), growth={}, is_healed=True)
    counts = given.coverage([live])
    for rows in candidates:
        # What each of several series had in the file is not known without it, so only a file of one can be done without.
        if given.group.instrument is not None and live.is_counted and counts and leaves_nothing_out(rows, live, counts[0]):
            return _in_place_of(vault, given, live, new=new, rows=rows, names=names)
    first, last = session_date_of(live.ts_min), session_date_of(live.ts_max)
    raise DamagedFile(live.path, f"and the bars given are not those that it held; give all of {first}..{last} at once")


def _over_versions(vault: Vault, given: Given, live: StoredFile, new: Rows) -> Iterator[Rows]:
    """Yield the new bars, alone and laid over each earlier version of the file that is sound."""
    yield merge(None, new).rows
    for version in given.versions(live.label):
        if version.begin < live.begin:
            with suppress(DamagedFile):
                yield merge(vault.read(version, number=None, span=ALWAYS), new).rows


def leaves_nothing_out(rows: Rows, live: StoredFile, coverage: Coverage) -> bool:
    """Return whether rows hold, of every series and date, at least as many bars as a file did, and reach as far."""
    found = coverage_of(rows.numbers, rows.ts)
    counts = dict(zip(zip(found.numbers.tolist(), found.days.tolist(), strict=True), found.counts.tolist(), strict=True))
    wanted = zip(coverage.numbers.tolist(), coverage.days.tolist(), coverage.counts.tolist(), strict=True)
    is_within = int(rows.ts.min()) <= live.ts_min and int(rows.ts.max()) >= live.ts_max
    return is_within and all(counts.get((number, day), 0) >= n_bars for number, day, n_bars in wanted)


def _in_place_of(vault: Vault, given: Given, live: StoredFile, *, new: Rows, rows: Rows, names: Mapping[int, InstrumentId]) -> Built:
    draft = group_draft(vault, given.group, rows, names=names, supersedes=live)
    growth = Growth(
        first_ts=int(rows.ts[0]),
        last_ts=int(rows.ts[-1]),
        last_close=float(rows.values[CLOSE, -1]),
        n_new=len(rows) - live.n_rows,
        content=draft.content - Content.parse(live.content),
    )
    key = given.group.dataset.key(names[int(rows.numbers[0])])
    # How many of them differ from what was lost nobody can tell any more: all that took the place of one may.
    n_changed = min(len(new), live.n_rows)
    return Built(draft=draft, n_given=len(new), n_stored=len(new), n_changed=n_changed, growth={key: growth})


def is_content_of(file: StoredFile, rows: Rows, names: Mapping[int, InstrumentId]) -> bool:
    """Return whether these rows are what a file held."""
    if file.is_counted:
        dataset = file.dataset
        return str(content_of_rows(rows, names, interval=dataset.interval, basis=dataset.basis)) == file.content
    return earlier_content(rows, names) == file.content


def _finished(futures: Iterable[Future[Built]]) -> Iterator[Built]:
    for future in futures:
        if future.done() and not future.cancelled() and future.exception() is None:
            yield future.result()
