"""How the new version of one file is built: read what is live, lay the new bars over it, write the result beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from qts.core import Bars, InstrumentId
from qts.core.errors import DamagedFile
from qts.data.storage.encoding import encode
from qts.data.storage.layout import FileGroup, groups_of
from qts.data.storage.lookup import Growth, Span
from qts.data.storage.records import Draft, StoredFile
from qts.data.storage.rows import CLOSE, Merge, Rows, content_id, merge, rows_of
from qts.data.storage.series import PriceBasis, SeriesBars, SeriesKey
from qts.data.storage.vault import Vault

ALWAYS: Final = Span(start=None, end=None)
_BUILDERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of one group: counts of bars, and a draft unless nothing changed. ``is_healed`` where a damaged file was put right."""

    draft: Draft | None
    n_given: int
    n_stored: int
    n_changed: int
    is_healed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The new bars of one group by instrument number, and its live file. ``versions`` fetches all files it ever had, the newest first."""

    group: FileGroup
    parts: Sequence[tuple[int, Bars]]
    live: StoredFile | None
    versions: Callable[[str], Sequence[StoredFile]]


def grouped(batches: Iterable[SeriesBars]) -> dict[FileGroup, list[tuple[InstrumentId, Bars]]]:
    """Return the bars by the file that they belong to, in the order given."""
    groups: dict[FileGroup, list[tuple[InstrumentId, Bars]]] = {}
    for batch in batches:
        for group, bars in groups_of(batch.key, batch.bars):
            groups.setdefault(group, []).append((batch.key.instrument, bars))
    return groups


def build_all(vault: Vault, given: Sequence[Given], names: Mapping[int, InstrumentId]) -> list[Built]:
    """Return the next version of every group; if one fails, none is left on the disk."""
    futures: list[Future[Built]] = []
    with ExitStack() as undo:
        undo.callback(lambda: vault.discard(built.draft for built in _finished(futures) if built.draft is not None))
        # Threads, because packing and flushing wait outside the interpreter.
        with ThreadPoolExecutor(max_workers=min(_BUILDERS, max(1, len(given)))) as pool:
            futures += [pool.submit(build, vault, one, names) for one in given]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                pool.shutdown(cancel_futures=True)
        for future in futures:
            if not future.cancelled():
                future.result()
        undo.pop_all()
    return [future.result() for future in futures]


def build(vault: Vault, given: Given, names: Mapping[int, InstrumentId]) -> Built:
    """Return the next version of a group's file, written but not yet named.

    Raises
    ------
    DamagedFile
        If the live file is damaged and the new bars, alone or over an older version, are not what it held.
    """
    new = rows_of(given.parts)
    try:
        old = None if given.live is None else vault.read(given.live, number=None, span=ALWAYS)
    except DamagedFile:
        return _healed(vault, given, new=new, names=names)
    merged = merge(old, new)
    is_stored = merged.is_new | merged.is_changed
    n_stored = int(is_stored.sum())
    draft = _draft(vault, given, new=new, merged=merged, names=names) if n_stored else None
    return Built(draft=draft, n_given=len(new), n_stored=n_stored, n_changed=int(merged.is_changed.sum()))


def _draft(vault: Vault, given: Given, *, new: Rows, merged: Merge, names: Mapping[int, InstrumentId]) -> Draft:
    group, rows = given.group, merged.rows
    number = None if group.instrument is None else given.parts[0][0]
    placed = vault.place(encode(rows), folder=group.folder(number), year=group.year)
    return Draft(
        group=group,
        number=number,
        path=placed.path,
        temporary=placed.temporary,
        n_rows=len(rows),
        n_bytes=placed.n_bytes,
        sha256=placed.sha256,
        content=content_id(rows, names),
        ts_min=int(rows.ts.min()),
        ts_max=int(rows.ts.max()),
        supersedes=given.live,
        growth=_growth(group, new=new, merged=merged, names=names),
    )


def _growth(group: FileGroup, *, new: Rows, merged: Merge, names: Mapping[int, InstrumentId]) -> dict[SeriesKey, Growth]:
    growth: dict[SeriesKey, Growth] = {}
    is_stored = merged.is_new | merged.is_changed
    for number, start, stop in new.parts():
        if is_stored[start:stop].any():
            key = SeriesKey(instrument=names[number], interval=group.interval, basis=PriceBasis(group.basis))
            growth[key] = Growth(
                first_ts=int(new.ts[start]),
                last_ts=int(new.ts[stop - 1]),
                last_close=float(new.values[CLOSE, stop - 1]),
                n_new=int(merged.is_new[start:stop].sum()),
            )
    return growth


def _healed(vault: Vault, given: Given, *, new: Rows, names: Mapping[int, InstrumentId]) -> Built:
    live = given.live
    assert live is not None  # noqa: S101 - only a live file can be damaged
    older = [version for version in given.versions(live.label) if version.begin < live.begin]
    for base in (None, *older):
        try:
            old = None if base is None else vault.read(base, number=None, span=ALWAYS)
        except DamagedFile:
            continue
        rows = merge(old, new).rows
        if content_id(rows, names) == live.content:
            vault.replace(encode(rows), live.path)
            vault.footer(live)
            return Built(draft=None, n_given=len(new), n_stored=0, n_changed=0, is_healed=True)
    raise DamagedFile(live.path, "and the bars given are not those that it held")


def _finished(futures: Iterable[Future[Built]]) -> Iterator[Built]:
    for future in futures:
        if future.done() and not future.cancelled() and future.exception() is None:
            yield future.result()
