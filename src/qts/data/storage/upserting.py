"""How new bars become a commit: which go to the files of their groups and which to a hot file, built first and swapped in at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from qts.core import Bars, InstrumentId
from qts.core.errors import DamagedFile
from qts.data.storage.committing import Prepared
from qts.data.storage.coverage import Coverage
from qts.data.storage.drafting import Built, Given, build, build_all, leaves_nothing_out
from qts.data.storage.healing import Refills, parted
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
class Parts:
    """New bars of one group, by the number of their instrument."""

    group: FileGroup
    bars: Sequence[tuple[int, Bars]]
    n_bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """All files of an upsert, built. ``n_healed`` lost ones were mended, and ``n_waiting`` bars wait until theirs can be."""

    built: Sequence[Built]
    n_healed: int
    n_waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """New bars by dataset and the label of their group, on their way into the store."""

    groups: Mapping[Dataset, Mapping[str, Parts]]
    numbers: Mapping[InstrumentId, int]
    provenance: Provenance
    at: datetime
    vault: Vault
    manifest: Manifest
    kind: str = "import"
    restored: Mapping[SeriesKey, SeriesInfo] | None = None

    def base(self, ledger: Ledger) -> Base:
        """Return the live files that it stands on."""
        return ledger.base([label for groups in self.groups.values() for label in groups], self.groups)

    def is_same(self, seen: Base, now: Base) -> bool:
        """Return whether what was built on is still so: hot files with none of our bars may have come meanwhile."""
        return seen.cold == now.cold and all(self._relevant(seen, dataset) == self._relevant(now, dataset) for dataset in seen.hot)

    @contextmanager
    def prepared(self, base: Base) -> Iterator[Prepared]:
        """Yield the commit, its files written and named."""
        # A file that several instruments share names all of them, not only those given now.
        with self.manifest.reading() as ledger:
            names = ledger.instruments()
        whole = self._built(base, names)
        commit = self._commit(whole.built)
        try:
            self.vault.settle(commit.drafts)
            n_healed = whole.n_healed + sum(one.is_healed for one in whole.built)
            yield Prepared(commit=commit, n_healed=n_healed, n_waiting=whole.n_waiting)
        finally:
            self.vault.discard(commit.drafts)

    def _built(self, base: Base, names: Mapping[int, InstrumentId]) -> _Whole:
        """Build all files; bars of one that is lost wait until it can be mended, and the others go in without them."""
        given, refills = self, Refills(self.vault)
        tried: set[str] = set()
        n_healed, n_waiting = 0, 0
        while True:
            try:
                tasks = [task for dataset in base.hot for task in given._tasks(dataset, base, names)]
                return _Whole(built=build_all(self.vault, tasks), n_healed=n_healed, n_waiting=n_waiting)
            except DamagedFile as damage:
                file = None if self._is_undo or damage.path in tried else _live_file(base, damage.path)
                coverage = [] if file is None else self._coverage([file])
                if file is None or not coverage:
                    raise
                tried.add(file.path)
                rest, n_inside = given._keep_for(file, coverage[0], refills)
                if n_inside == 0:
                    raise
                if refills.mend(file, self._versions, names):
                    n_healed += 1
                elif (together := given._all_that_waits(file, coverage[0], refills)) is not None:
                    given = together
                else:
                    given, n_waiting = rest, n_waiting + n_inside

    def _keep_for(self, file: StoredFile, coverage: Coverage, refills: Refills) -> tuple[Upsert, int]:
        """Keep the bars of a lost file, and return what is left to do and how many they are."""
        left: dict[str, Parts] = {}
        inside: list[tuple[int, Bars]] = []
        for label, one in self.groups[file.dataset].items():
            if not file.is_hot and label != file.label:
                left[label] = one
                continue
            given = parted(one.bars, coverage)
            inside += given.inside
            if given.outside:
                left[label] = Parts(group=one.group, bars=given.outside, n_bars=sum(len(bars) for _, bars in given.outside))
        if inside:
            refills.add(file, inside)
        return replace(self, groups={**self.groups, file.dataset: left}), sum(len(bars) for _, bars in inside)

    def _all_that_waits(self, file: StoredFile, coverage: Coverage, refills: Refills) -> Upsert | None:
        """Return this with all that waits for a lost file of one instrument, if that leaves nothing of it out: later bars may take over."""
        held, one = refills.held(file), self.groups[file.dataset].get(file.label)
        if held is None or one is None or one.group.instrument is None or not leaves_nothing_out(held, file, coverage):
            return None
        bars = held.bars(instrument=one.group.instrument, interval=file.dataset.interval)
        parts = [(int(held.numbers[0]), bars), *one.bars]
        groups = {**self.groups[file.dataset], file.label: Parts(group=one.group, bars=parts, n_bars=sum(len(part) for _, part in parts))}
        return replace(self, groups={**self.groups, file.dataset: groups})

    def _tasks(self, dataset: Dataset, base: Base, names: Mapping[int, InstrumentId]) -> Iterator[Callable[[], Built]]:
        groups, hot = self.groups[dataset], base.hot[dataset]
        sizes = {label: (one.n_bars, base.cold[label].n_rows if label in base.cold else 0) for label, one in groups.items()}
        warm = goes_hot(sizes)
        if hot:
            # A file of a group lies below every hot one: bars that a hot file has too would never be seen.
            warm |= {label for label, one in groups.items() if label not in warm and holds_any(self.vault, hot, one.bars)}
        warm |= {label for label, one in groups.items() if label not in warm and self._is_beside_a_hole(base.cold.get(label), one.bars)}
        for label, one in groups.items():
            if label not in warm:
                live = base.cold.get(label)
                given = Given(
                    group=one.group, parts=one.bars, live=live, versions=self._versions, coverage=self._coverage, only_new=self._is_undo
                )
                yield partial(build, self.vault, given, names)
        if warm:
            given_hot = GivenHot(
                dataset=dataset,
                parts=[part for label, one in groups.items() if label in warm for part in one.bars],
                cold=[base.cold[label] for label in groups if label in warm and label in base.cold],
                hot=hot,
                absorbed=self._absorbed(dataset, base),
                coverage=self._coverage,
                only_new=self._is_undo,
            )
            yield partial(build_hot, self.vault, given_hot, names)

    @property
    def _is_undo(self) -> bool:
        return self.kind == "undo"

    def _is_beside_a_hole(self, live: StoredFile | None, parts: Sequence[tuple[int, Bars]]) -> bool:
        """Return whether the file of the group is lost and the new bars are of another time: they need not wait until it is mended."""
        if live is None or self.vault.is_in_place(live):
            return False
        return all(int(bars.ts[0]) > live.ts_max or int(bars.ts[-1]) < live.ts_min for _, bars in parts)

    def _absorbed(self, dataset: Dataset, base: Base) -> list[StoredFile]:
        return absorbed_by(sum(one.n_bars for one in self.groups[dataset].values()), base.hot[dataset])

    def _relevant(self, base: Base, dataset: Dataset) -> list[int]:
        if not base.hot[dataset]:
            return []
        parts = [part for one in self.groups[dataset].values() for part in one.bars]
        bounds = {
            "first": min(number for number, _ in parts),
            "last": max(number for number, _ in parts),
            "ts_first": min(int(bars.ts[0]) for _, bars in parts),
            "ts_last": max(int(bars.ts[-1]) for _, bars in parts),
        }
        touched = {file.id for file in base.hot[dataset] if file.may_hold(**bounds)}
        return sorted(touched | {file.id for file in self._absorbed(dataset, base)})

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


def _live_file(base: Base, path: str) -> StoredFile | None:
    files = [*base.cold.values(), *(file for hot in base.hot.values() for file in hot)]
    return next((file for file in files if file.path == path), None)


def grouped(batches: Iterable[SeriesBars], numbers: Mapping[InstrumentId, int]) -> dict[Dataset, dict[str, Parts]]:
    """Return the bars by dataset and the label of the group that they belong to, in the order given."""
    found: dict[FileGroup, list[tuple[int, Bars]]] = {}
    for batch in batches:
        for group, bars in groups_of(batch.key, batch.bars):
            found.setdefault(group, []).append((numbers[batch.key.instrument], bars))
    datasets: dict[Dataset, dict[str, Parts]] = {}
    for group, parts in found.items():
        one = Parts(group=group, bars=parts, n_bars=sum(len(bars) for _, bars in parts))
        datasets.setdefault(group.dataset, {})[group.label] = one
    return datasets


def total_growth(growths: Iterable[Mapping[SeriesKey, Growth]]) -> dict[SeriesKey, Growth]:
    """Return what several files add to the series, together."""
    total: dict[SeriesKey, Growth] = {}
    for growths_of_file in growths:
        for key, growth in growths_of_file.items():
            total[key] = total[key].plus(growth) if key in total else growth
    return total
