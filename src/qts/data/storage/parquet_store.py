"""The store: immutable Parquet files, and a manifest in which a commit is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qts.core import Bars, InstrumentId
from qts.data.storage.coverage import coverage_of
from qts.data.storage.lookup import Span, absent, require_aware, sort_key, span_of
from qts.data.storage.records import FileFinding, Hole, Quarantine
from qts.data.storage.reserve import Reserve
from qts.data.storage.rows import join, overlay, require_sound
from qts.data.storage.series import Provenance, SeriesBars, SeriesInfo, SeriesKey, Snapshot, UpsertReport
from qts.data.storage.vault import Vault, disk_faults

if TYPE_CHECKING:  # a database library is imported when a store is opened, not when its types are named
    import duckdb

    from qts.data.storage.integrity import Inspector
    from qts.data.storage.manifest import Manifest, ManifestCopy

_ALWAYS: Final = Span(start=None, end=None)
_RESERVE: Final = Reserve()


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
        self._is_renewed = False

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

    @property
    def root(self) -> Path:
        """Return the folder of the store."""
        return self._root

    def close(self) -> None:
        """Close the manifest's connections."""
        self._manifest.close()

    def upsert(self, batches: Sequence[SeriesBars], provenance: Provenance, *, at: datetime) -> UpsertReport:
        """Store all batches in one atomic commit; per series and instant the last bar given wins."""
        from qts.data.storage.committing import commit  # noqa: PLC0415 - see the imports above
        from qts.data.storage.upserting import Upsert, grouped  # noqa: PLC0415 - see the imports above

        require_aware("at", at)
        for batch in batches:
            require_sound(batch.bars)
        with disk_faults(self._root):
            self._reserve.require(self._root, self._root / "data" / "bars")
            self._renew(at)
            numbers = self._numbers({batch.key.instrument for batch in batches if len(batch.bars)})
            groups = grouped(batches, numbers)
            change = Upsert(groups=groups, numbers=numbers, provenance=provenance, at=at, vault=self._vault, manifest=self._manifest)
            prepared, snapshot = commit(change, self._manifest, self._vault)
        done = prepared.commit
        return UpsertReport(
            stored=done.n_stored, unchanged=done.n_unchanged, changed=done.n_changed, snapshot=snapshot, files_written=prepared.n_written
        )

    def read(self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, as_of: str | None = None) -> Bars:
        """Return the bars that open in ``[start, end)``."""
        span = span_of(start, end)
        with self._manifest.reading() as ledger:
            seq = ledger.seq_of(as_of)
            number, files = ledger.files_of(key, span, seq)
        with disk_faults(self._root):
            parts = [self._vault.read(file, number=number, span=span) for file in files]
        cold = [part for part, file in zip(parts, files, strict=True) if not file.is_hot and len(part)]
        hot = [part for part, file in zip(parts, files, strict=True) if file.is_hot and len(part)]
        layers = ([join(cold)] if cold else []) + hot
        if not layers:
            raise absent(key, span, self.series(as_of=as_of))
        return overlay(layers).bars(instrument=key.instrument, interval=key.interval)

    def series(self, *, as_of: str | None = None) -> tuple[SeriesInfo, ...]:
        """Return all series, sorted by instrument, interval length and basis, without reading a bar."""
        with self._manifest.reading() as ledger:
            return tuple(sorted(ledger.series(ledger.seq_of(as_of)), key=sort_key))

    def info(self, key: SeriesKey) -> SeriesInfo | None:
        """Return what is stored of a series, or None."""
        with self._manifest.reading() as ledger:
            return next((info for info in ledger.series(None, [key.instrument]) if info.key == key), None)

    def bars_per_day(self, *, as_of: str | None = None) -> Mapping[SeriesKey, Mapping[int, int]]:
        """Return, for every series, how many bars each date in India holds, as the manifest counted them when they were stored."""
        from qts.data.storage.counting import days_held  # noqa: PLC0415 - see the imports above

        with self._manifest.reading() as ledger:
            seq = ledger.seq_of(as_of)
            packed, names = ledger.coverages(seq), ledger.instruments()
            files = ledger.live_files(seq) if any(one.packed is None for one in packed) else []
        uncounted = {one.path for one in packed if one.packed is None}
        with disk_faults(self._root):
            read = [(file.dataset, self._vault.read(file, number=None, span=_ALWAYS)) for file in files if file.path in uncounted]
        more = [(dataset.interval, dataset.basis, coverage_of(rows.numbers, rows.ts)) for dataset, rows in read]
        return days_held(packed, more, names)

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

    def set_aside(self, findings: Sequence[FileFinding], *, at: datetime, spare: Sequence[Path] = ()) -> Quarantine:
        """Move damaged files out of the way and put back those whose bytes are found elsewhere; ``refill`` lists what is then missing.

        ``spare`` are folders, such as backups, that hold copies of our files under the same paths.
        """
        with disk_faults(self._root):
            return self._inspector().set_aside(findings, at=at, spare=spare)

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
        from qts.data.storage.sql import connect, files_of_bars  # noqa: PLC0415 - see the imports above

        with self._manifest.reading() as ledger:
            seq = ledger.seq_of(as_of)
            files, names, infos = ledger.live_files(seq), ledger.instruments(), ledger.series(seq)
        with disk_faults(self._root):
            checked = files_of_bars(self._root, self._vault, files)
        return connect(checked, names, sorted(infos, key=sort_key), threads=threads, memory=memory)

    def _renew(self, at: datetime) -> None:
        from qts.data.storage.renewal import renew  # noqa: PLC0415 - see the imports above

        if not self._is_renewed:
            renew(self._manifest, self._vault, at=at)
            self._is_renewed = True

    def _numbers(self, instruments: set[InstrumentId]) -> Mapping[InstrumentId, int]:
        with self._manifest.reading() as ledger:
            numbers = ledger.numbers(instruments)
        if len(numbers) < len(instruments):
            with self._manifest.writing() as ledger:
                ledger.add_instruments(instruments)
                numbers = ledger.numbers(instruments)
        return numbers
