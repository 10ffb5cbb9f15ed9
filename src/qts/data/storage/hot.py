"""Hot files: what one commit brings to many series goes into one file per dataset, and is put with the rest later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qts.core import Bars, InstrumentId, session_date_of
from qts.core.errors import DamagedFile
from qts.data.storage.contents import Content, content_of_rows
from qts.data.storage.coverage import Coverage, coverage_of, summed
from qts.data.storage.drafting import ALWAYS, Built, Delta, Extent, delta_of, draft_of, is_content_of
from qts.data.storage.encoding import HOT_ROW_GROUP, encode
from qts.data.storage.layout import Dataset
from qts.data.storage.lookup import Span
from qts.data.storage.records import StoredFile
from qts.data.storage.rows import Rows, merge, overlay, rows_of, without
from qts.data.storage.vault import Vault

MOST_HOT: Final = 8
FILE_COST: Final = 8_192
_MOST_GROWTH: Final = 4
_LITTLE: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenHot:
    """The new bars of a dataset by instrument number, and the live files that may hold some of the same.

    ``cold`` are files of groups; ``hot`` all hot files of the dataset, lowest layer first; ``absorbed`` those of them that the new file
    takes in, the highest ones. ``coverage`` fetches the counts of days of files.
    ``only_new`` leaves bars alone that are there.
    """

    dataset: Dataset
    parts: Sequence[tuple[int, Bars]]
    cold: Sequence[StoredFile]
    hot: Sequence[StoredFile]
    absorbed: Sequence[StoredFile]
    coverage: Callable[[Sequence[StoredFile]], Sequence[Coverage]]
    only_new: bool


def goes_hot(sizes: Mapping[str, tuple[int, int]]) -> set[str]:
    """Return which groups of a dataset are better not rewritten, given the number of new and of live bars of each touched group.

    Notes
    -----
    A group's own file costs writing all its bars and about ``FILE_COST`` bars more for the file itself. Where that is more than four
    times the new bars, they go to the hot file, unless all such groups together are little.
    """
    cost = {label: n_new + n_live + FILE_COST for label, (n_new, n_live) in sizes.items()}
    small = {label for label, (n_new, _) in sizes.items() if cost[label] > _MOST_GROWTH * n_new}
    return small if sum(cost[label] for label in small) > _LITTLE else set()


def absorbed_by(n_new: int, hot: Sequence[StoredFile]) -> list[StoredFile]:
    """Return which hot files (given lowest layer first) a new one takes in, so that never more than ``MOST_HOT`` are live.

    Notes
    -----
    The highest ones, as long as each is at most twice what was taken in so far: every bar is rewritten O(log n) times.
    """
    if len(hot) < MOST_HOT:
        return []
    taken: list[StoredFile] = []
    n_rows = n_new
    for file in reversed(hot):
        if len(taken) >= len(hot) - MOST_HOT + 2 and file.n_rows > 2 * n_rows:
            break
        taken.append(file)
        n_rows += file.n_rows
    return taken[::-1]


def live_rows(vault: Vault, files: Iterable[StoredFile], span: Span) -> Rows | None:
    """Return what these files, lowest layer first, hold together in a span."""
    layers = [rows for file in files if len(rows := vault.read(file, number=None, span=span))]
    return overlay(layers) if layers else None


def build_hot(vault: Vault, given: GivenHot, names: Mapping[int, InstrumentId]) -> Built:
    """Return the hot file of a commit, written but not yet named.

    Raises
    ------
    DamagedFile
        If a file that is needed is damaged and the new bars are not what it held.
    """
    new = rows_of(given.parts)
    try:
        below = _below(vault, given, new)
    except DamagedFile as damage:
        return _healed(vault, given, new=new, names=names, damage=damage)
    if given.only_new:
        new = without(new, below)
    merged = merge(below, new)
    if not merged.is_stored.any():
        return Built(draft=None, n_given=len(new), growth={})
    delta = delta_of(merged, new, given.dataset, names)
    rows, extent = _taken_in(vault, given, delta, names)
    draft = draft_of(vault, rows, extent)
    return Built(draft=draft, n_given=len(new), n_stored=len(delta.rows), n_changed=delta.n_changed, growth=delta.growth)


def _below(vault: Vault, given: GivenHot, new: Rows) -> Rows | None:
    """Return the live rows that may have the keys of the new ones."""
    first, last = int(new.ts.min()), int(new.ts.max())
    bounds = {"first": int(new.numbers[0]), "last": int(new.numbers[-1]), "ts_first": first, "ts_last": last}
    files = [file for file in (*given.cold, *given.hot) if file.may_hold(**bounds)]
    return live_rows(vault, files, Span(start=first, end=last + 1))


def _taken_in(vault: Vault, given: GivenHot, delta: Delta, names: Mapping[int, InstrumentId]) -> tuple[Rows, Extent]:
    own = coverage_of(delta.rows.numbers[delta.is_new], delta.rows.ts[delta.is_new])
    taken = [vault.read(file, number=None, span=ALWAYS) for file in given.absorbed]
    rows = overlay([*taken, delta.rows])
    n_doubled = sum(map(len, taken)) + len(delta.rows) - len(rows)
    net = delta.net
    for file in given.absorbed:
        net += Content.parse(file.net)
    coverage = summed([*given.coverage(given.absorbed), own]) if taken else own
    content = net
    n_over = sum(file.n_over for file in given.absorbed) + delta.n_changed - n_doubled
    if taken or n_over:
        content = content_of_rows(rows, names, interval=given.dataset.interval, basis=given.dataset.basis)
    return rows, Extent(
        dataset=given.dataset,
        year=session_date_of(int(rows.ts.min())).year,
        content=content,
        net=net,
        coverage=coverage,
        layer=None,
        n_over=n_over,
        supersedes=tuple(given.absorbed),
    )


def _healed(vault: Vault, given: GivenHot, *, new: Rows, names: Mapping[int, InstrumentId], damage: DamagedFile) -> Built:
    """Mend the damaged hot file if it held just what the new bars add to the others."""
    files = [file for file in (*given.cold, *given.hot) if file.path != damage.path]
    (harmed,) = [file for file in (*given.cold, *given.hot) if file.path == damage.path]
    below = live_rows(vault, files, ALWAYS)
    rows = new.take(merge(below, new).is_stored)
    if harmed.is_hot and len(rows) and is_content_of(harmed, rows, names):
        vault.replace(encode(rows, row_group=HOT_ROW_GROUP), harmed.path)
        vault.footer(harmed)
        return Built(draft=None, n_given=len(new), growth={}, is_healed=True)
    raise DamagedFile(damage.path, "and the bars given are not those that it held") from damage


def holds_any(vault: Vault, files: Iterable[StoredFile], parts: Sequence[tuple[int, Bars]]) -> bool:
    """Return whether hot files hold bars of these instruments between the first and the last of the new bars of each."""
    for number, bars in parts:
        first, last = int(bars.ts[0]), int(bars.ts[-1])
        span = Span(start=first, end=last + 1)
        for file in files:
            if file.may_hold(first=number, last=number, ts_first=first, ts_last=last) and len(vault.read(file, number=number, span=span)):
                return True
    return False
