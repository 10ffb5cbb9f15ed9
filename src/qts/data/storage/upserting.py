"""How new bars become a commit: which go to the files of their groups and which to a hot file, built first and swapped in at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from qts.core import Bars, InstrumentId
from qts.data.storage.committing import Prepared
from qts.data.storage.coverage import Coverage
from qts.data.storage.drafting import Built, Given, build, build_all
from qts.data.storage.hot import GivenHot, absorbed_by, build_hot, goes_hot, holds_any
from qts.data.storage.layout import Dataset, FileGroup, groups_of
from qts.data.storage.lookup import Growth
from qts.data.storage.records import Commit, StoredFile
from qts.data.storage.series import Provenance, SeriesBars, SeriesInfo, SeriesKey
from qts.data.storage.vault import Vault

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from qts.data.storage.ledger import Base, Ledger
    from qts.data.storage.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """New bars by the group that they belong to and the number of their instrument, on their way into the store."""

    groups: Mapping[FileGroup, Sequence[tuple[int, Bars]]]
    numbers: Mapping[InstrumentId, int]
    provenance: Provenance
    at: datetime
    vault: Vault
    manifest: Manifest
    kind: str = "import"
    restored: Mapping[SeriesKey, SeriesInfo] | None = None

    def base(self, ledger: Ledger) -> Base:
        """Return the live files that it stands on."""
        return ledger.base([group.label for group in self.groups], {group.dataset for group in self.groups})

    def is_same(self, seen: Base, now: Base) -> bool:
        """Return whether what was built on is still so: hot files with none of our bars may have come meanwhile."""
        return seen.cold == now.cold and all(self._relevant(seen, dataset) == self._relevant(now, dataset) for dataset in seen.hot)

    @contextmanager
    def prepared(self, base: Base) -> Iterator[Prepared]:
        """Yield the commit, its files written and named."""
        # A file that several instruments share names all of them, not only those given now.
        with self.manifest.reading() as ledger:
            names = ledger.instruments()
        tasks = [task for dataset in base.hot for task in self._tasks(dataset, base, names)]
        built = build_all(self.vault, tasks)
        commit = self._commit(built)
        try:
            self.vault.settle(commit.drafts)
            yield Prepared(commit=commit, n_healed=sum(one.is_healed for one in built))
        finally:
            self.vault.discard(commit.drafts)

    def _tasks(self, dataset: Dataset, base: Base, names: Mapping[int, InstrumentId]) -> Iterator[Callable[[], Built]]:
        groups = {group: parts for group, parts in self.groups.items() if group.dataset == dataset}
        hot = base.hot[dataset]
        warm = self._hot_groups(groups, base, hot)
        for group, parts in groups.items():
            if group not in warm:
                live = base.cold.get(group.label)
                given = Given(group=group, parts=parts, live=live, versions=self._versions, coverage=self._coverage)
                yield partial(build, self.vault, given, names)
        if warm:
            given_hot = GivenHot(
                dataset=dataset,
                parts=[part for group in warm for part in groups[group]],
                cold=[base.cold[group.label] for group in warm if group.label in base.cold],
                hot=hot,
                absorbed=self._absorbed(groups, base, dataset),
                coverage=self._coverage,
            )
            yield partial(build_hot, self.vault, given_hot, names)

    def _hot_groups(self, groups: Mapping[FileGroup, Sequence[tuple[int, Bars]]], base: Base, hot: Sequence[StoredFile]) -> list[FileGroup]:
        sizes = {
            group.label: (_n_bars(parts), base.cold[group.label].n_rows if group.label in base.cold else 0)
            for group, parts in groups.items()
        }
        chosen = goes_hot(sizes)
        # A file of a group lies below every hot one: bars that a hot file has too would never be seen.
        return [
            group
            for group, parts in groups.items()
            if group.label in chosen
            or (hot and holds_any(self.vault, hot, parts))
            or self._is_beside_a_hole(base.cold.get(group.label), parts)
        ]

    def _is_beside_a_hole(self, live: StoredFile | None, parts: Sequence[tuple[int, Bars]]) -> bool:
        """Return whether the file of the group is lost and the new bars are of another time: they need not wait until it is mended."""
        if live is None or self.vault.is_in_place(live):
            return False
        return all(int(bars.ts[0]) > live.ts_max or int(bars.ts[-1]) < live.ts_min for _, bars in parts)

    def _absorbed(self, groups: Mapping[FileGroup, Sequence[tuple[int, Bars]]], base: Base, dataset: Dataset) -> list[StoredFile]:
        return absorbed_by(sum(map(_n_bars, groups.values())), base.hot[dataset])

    def _relevant(self, base: Base, dataset: Dataset) -> list[int]:
        parts = [part for group, parts in self.groups.items() if group.dataset == dataset for part in parts]
        bounds = {
            "first": min(number for number, _ in parts),
            "last": max(number for number, _ in parts),
            "ts_first": min(int(bars.ts[0]) for _, bars in parts),
            "ts_last": max(int(bars.ts[-1]) for _, bars in parts),
        }
        hot = base.hot[dataset]
        taken = absorbed_by(sum(len(bars) for _, bars in parts), hot)
        return sorted({file.id for file in hot if file.may_hold(**bounds)} | {file.id for file in taken})

    def _commit(self, built: Sequence[Built]) -> Commit:
        n_stored = sum(one.n_stored for one in built)
        return Commit(
            drafts=[one.draft for one in built if one.draft is not None],
            at=self.at,
            kind=self.kind,
            note=self.provenance.note or self.provenance.source,
            growth=total_growth(one.growth for one in built),
            numbers=self.numbers,
            provenance=self.provenance,
            restored=self.restored,
            n_stored=n_stored,
            n_changed=sum(one.n_changed for one in built),
            n_unchanged=sum(one.n_given for one in built) - n_stored,
        )

    def _versions(self, label: str) -> list[StoredFile]:
        with self.manifest.reading() as ledger:
            return ledger.versions(label)

    def _coverage(self, files: Sequence[StoredFile]) -> list[Coverage]:
        with self.manifest.reading() as ledger:
            return ledger.coverage(files)


def grouped(batches: Iterable[SeriesBars], numbers: Mapping[InstrumentId, int]) -> dict[FileGroup, list[tuple[int, Bars]]]:
    """Return the bars by the group that they belong to, in the order given."""
    groups: dict[FileGroup, list[tuple[int, Bars]]] = {}
    for batch in batches:
        for group, bars in groups_of(batch.key, batch.bars):
            groups.setdefault(group, []).append((numbers[batch.key.instrument], bars))
    return groups


def total_growth(growths: Iterable[Mapping[SeriesKey, Growth]]) -> dict[SeriesKey, Growth]:
    """Return what several files add to the series, together."""
    total: dict[SeriesKey, Growth] = {}
    for growths_of_file in growths:
        for key, growth in growths_of_file.items():
            total[key] = total[key].plus(growth) if key in total else growth
    return total


def _n_bars(parts: Sequence[tuple[int, Bars]]) -> int:
    return sum(len(bars) for _, bars in parts)
