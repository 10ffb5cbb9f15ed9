"""The store: immutable Parquet files, and a manifest in which a commit is one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from qts.core import Bars, InstrumentId
from qts.data.storage.layout import FileGroup
from qts.data.storage.lookup import absent, require_aware, sort_key, span_of
from qts.data.storage.records import Commit, FileFinding, Hole, Quarantine, StoredFile
from qts.data.storage.reserve import Reserve
from qts.data.storage.rows import join, require_sound
from qts.data.storage.series import Provenance, SeriesBars, SeriesInfo, SeriesKey, Snapshot, UpsertReport
from qts.data.storage.vault import Vault, disk_faults

if TYPE_CHECKING:  # a database library is imported when a store is opened, not when its types are named
    import duckdb

    from qts.data.storage.drafting import Built
    from qts.data.storage.integrity import Inspector
    from qts.data.storage.manifest import Manifest, ManifestCopy

_TRIES: Final = 4
_RESERVE: Final = Reserve()
_Groups: TypeAlias = Mapping[FileGroup, Sequence[tuple[InstrumentId, Bars]]]


class ParquetStore:
    """A ``BarStore`` in a folder. Any number of processes and threads may read and write at once.

    Files are never changed; superseded ones stay, so that every snapshot can be read (nothing is collected yet). A writer builds its
    files first and then, in one transaction, checks that what it merged with is still live, and swaps; if not, it merges again.
    """

    def __init__(self, root: Path, manifest: Manifest, *, reserve: Reserve) -> None:
        self._root = root
        self._manifest = manifest
        self._reserve = reserve
        self._vault = Vault(root)

    @classmethod
    def open(cls, root: Path, *, reserve: Reserve = _RESERVE) -> ParquetStore:
        """Return the store in a folder, made if there is none; no commit is begun where less than the reserve is free.

        Raises
        ------
        BadPath
            If the folder cannot be made, read or written.
        StoreFull
            If there is no room to make it.
        DamagedFile
            If the manifest is not one.
        """
        from qts.data.storage.manifest import Manifest  # noqa: PLC0415 - see the imports above

        with disk_faults(root):
            root.mkdir(parents=True, exist_ok=True)
        return cls(root, Manifest.open(root / "manifest.sqlite"), reserve=reserve)

    def close(self) -> None:
        """Close the manifest's connections."""
        self._manifest.close()

    def upsert(self, batches: Sequence[SeriesBars], provenance: Provenance, *, at: datetime) -> UpsertReport:
        """Store all batches in one atomic commit; per series and instant the last bar given wins."""
        from qts.data.storage.drafting import grouped  # noqa: PLC0415 - see the imports above

        require_aware("at", at)
        for batch in batches:
            require_sound(batch.bars)
        groups = grouped(batches)
        with disk_faults(self._root):
            self._reserve.require(self._root, self._root / "data" / "bars")
            numbers = self._numbers({instrument for parts in groups.values() for instrument, _ in parts})
            for _ in range(_TRIES):
                with self._manifest.reading() as ledger:
                    live = ledger.live(group.label for group in groups)
                with self._built(groups, live, numbers) as built:
                    commit = _commit_of(built, numbers, provenance, at=at)
                    if not commit.drafts:
                        return _report(built, commit, self.snapshot())
                    with self._manifest.writing() as ledger:
                        if ledger.live(group.label for group in groups) == live:
                            return _report(built, commit, ledger.record(commit))
            # Others were faster every time: build once more while they wait.
            with self._manifest.writing() as ledger, self._built(groups, ledger.live(group.label for group in groups), numbers) as built:
                commit = _commit_of(built, numbers, provenance, at=at)
                return _report(built, commit, ledger.record(commit) if commit.drafts else ledger.snapshot()[1])

    def read(self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, as_of: str | None = None) -> Bars:
        """Return the bars that open in ``[start, end)``."""
        span = span_of(start, end)
        with self._manifest.reading() as ledger:
            seq = ledger.seq_of(as_of)
            number, files = ledger.files_of(key, span, seq)
        with disk_faults(self._root):
            parts = [self._vault.read(file, number=number, span=span) for file in files]
        parts = [part for part in parts if len(part)]
        if not parts:
            raise absent(key, span, self.series(as_of=as_of))
        return join(parts).bars(instrument=key.instrument, interval=key.interval)

    def series(self, *, as_of: str | None = None) -> tuple[SeriesInfo, ...]:
        """Return all series, sorted by instrument, interval length and basis, without reading a bar."""
        with self._manifest.reading() as ledger:
            return tuple(sorted(ledger.series(ledger.seq_of(as_of)), key=sort_key))

    def info(self, key: SeriesKey) -> SeriesInfo | None:
        """Return what is stored of a series, or None."""
        with self._manifest.reading() as ledger:
            return next((info for info in ledger.series(None, [key.instrument]) if info.key == key), None)

    def bars_per_day(self, *, as_of: str | None = None) -> Mapping[SeriesKey, Mapping[int, int]]:
        """Return, for every series, how many bars each date in India holds, in one pass over the files."""
        from qts.data.storage.sql import count_days  # noqa: PLC0415 - see the imports above

        with self.sql(as_of=as_of) as connection:
            return count_days(connection)

    def content_ids(self, *, as_of: str | None = None) -> Mapping[SeriesKey, str]:
        """Return, for every series, an id that changes whenever one of its bars does."""
        with self._manifest.reading() as ledger:
            return ledger.content_ids(ledger.seq_of(as_of))

    def snapshot(self) -> str:
        """Return the id of the present state."""
        with self._manifest.reading() as ledger:
            return ledger.snapshot()[1]

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every commit, oldest first."""
        with self._manifest.reading() as ledger:
            return ledger.snapshots()

    def verify(self, *, quick: bool = False) -> tuple[FileFinding, ...]:
        """Return what every file of every snapshot is like, sorted by path, read afresh (``quick``: by its size); foreign ones too."""
        with disk_faults(self._root):
            return self._inspector().inspect(quick=quick)

    def database_findings(self, *, quick: bool = False) -> tuple[str, ...]:
        """Return what is wrong with the pages of the manifest, nothing where they are sound."""
        return self._manifest.database.findings(quick=quick)

    def set_aside(self, findings: Sequence[FileFinding], *, at: datetime) -> Quarantine:
        """Move damaged files out of the way and put back those whose bytes are found elsewhere; ``refill`` lists what is then missing."""
        with disk_faults(self._root):
            return self._inspector().set_aside(findings, at=at)

    def refill(self) -> tuple[Hole, ...]:
        """Return the spans whose bars were lost to damage: storing them again, the same or newer, closes the hole."""
        with disk_faults(self._root):
            return self._inspector().refill()

    def copy_manifest(self, target: Path) -> ManifestCopy:
        """Write the manifest of this moment into a new file, while others write, and return what it tells of."""
        with disk_faults(target.parent):
            return self._manifest.copy_to(target)

    def _inspector(self) -> Inspector:
        from qts.data.storage.integrity import Inspector  # noqa: PLC0415 - see the imports above

        return Inspector(self._root, self._manifest, self._vault)

    def sql(self, *, as_of: str | None = None, threads: int = 2, memory: str = "1GB") -> duckdb.DuckDBPyConnection:
        """Return a connection of its own with the views ``bars`` and ``series`` of one snapshot, which can reach nothing else.

        Parameters
        ----------
        as_of : str, optional
            A snapshot; the present state by default. Later commits do not show.
        threads : int
            How many threads a query may use.
        memory : str
            How much memory a query may use, such as ``"1GB"``.

        Raises
        ------
        DamagedFile
            If a file of the snapshot is missing or is not what was written.
        """
        from qts.data.storage.sql import FileOfBars, connect  # noqa: PLC0415 - see the imports above

        with self._manifest.reading() as ledger:
            seq = ledger.seq_of(as_of)
            files, names, infos = ledger.live_series_files(seq), ledger.instruments(), ledger.series(seq)
        with disk_faults(self._root):
            checked = [
                FileOfBars(path=str(self._root / file.path), interval=interval, basis=basis, footer=self._vault.footer(file))
                for file, interval, basis in files
            ]
        return connect(checked, names, sorted(infos, key=sort_key), threads=threads, memory=memory)

    def _numbers(self, instruments: set[InstrumentId]) -> Mapping[InstrumentId, int]:
        with self._manifest.reading() as ledger:
            numbers = ledger.numbers(instruments)
        if len(numbers) < len(instruments):
            with self._manifest.writing() as ledger:
                ledger.add_instruments(instruments)
                numbers = ledger.numbers(instruments)
        return numbers

    @contextmanager
    def _built(self, groups: _Groups, live: Mapping[str, StoredFile], numbers: Mapping[InstrumentId, int]) -> Iterator[list[Built]]:
        from qts.data.storage.drafting import Given, build_all  # noqa: PLC0415 - see the imports above

        given = [
            Given(
                group=group,
                parts=[(numbers[instrument], bars) for instrument, bars in parts],
                live=live.get(group.label),
                versions=self._versions,
            )
            for group, parts in groups.items()
        ]
        # A file that several instruments share names all of them, not only those given now.
        with self._manifest.reading() as ledger:
            names = ledger.instruments()
        built = build_all(self._vault, given, names)
        drafts = [one.draft for one in built if one.draft is not None]
        try:
            self._vault.settle(drafts)
            yield built
        finally:
            self._vault.discard(drafts)

    def _versions(self, label: str) -> list[StoredFile]:
        with self._manifest.reading() as ledger:
            return ledger.versions(label)


def _commit_of(built: Sequence[Built], numbers: Mapping[InstrumentId, int], provenance: Provenance, *, at: datetime) -> Commit:
    n_stored = sum(one.n_stored for one in built)
    return Commit(
        drafts=[one.draft for one in built if one.draft is not None],
        numbers=numbers,
        provenance=provenance,
        at=at,
        n_stored=n_stored,
        n_changed=sum(one.n_changed for one in built),
        n_unchanged=sum(one.n_given for one in built) - n_stored,
    )


def _report(built: Sequence[Built], commit: Commit, snapshot: str) -> UpsertReport:
    return UpsertReport(
        stored=commit.n_stored,
        unchanged=commit.n_unchanged,
        changed=commit.n_changed,
        snapshot=snapshot,
        files_written=sum(draft.temporary is not None for draft in commit.drafts) + sum(one.is_healed for one in built),
    )
