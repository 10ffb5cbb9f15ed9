"""The store: immutable Parquet files, and a manifest in which a commit is one transaction."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from qts.core import Bars, InstrumentId
from qts.data.storage.admission import Admission
from qts.data.storage.answers import Answers
from qts.data.storage.archive import Partition, SeriesCommit, history_of, partitions_of
from qts.data.storage.coverage import coverage_of
from qts.data.storage.decoded import MOST_BYTES
from qts.data.storage.history import Comparison, compared, give_name, require_name, take_name
from qts.data.storage.lookup import Span, absent, no_snapshot, require_aware, sort_key, span_of
from qts.data.storage.records import FileFinding, Hole, Quarantine, StoredFile
from qts.data.storage.reserve import Reserve
from qts.data.storage.rows import gather, overlay, picked, require_sound
from qts.data.storage.series import DeleteReport, LatestBar, Provenance, SeriesBars, SeriesInfo, SeriesKey, Snapshot, UpsertReport
from qts.data.storage.vault import Vault, disk_faults

if TYPE_CHECKING:  # a database library is imported when a store is opened, not when its types are named
    import duckdb

    from qts.data.storage.compaction import Compacted
    from qts.data.storage.integrity import Inspector
    from qts.data.storage.ledger import Ledger
    from qts.data.storage.manifest import Manifest, ManifestCopy
    from qts.data.storage.retention import Collected, Retention

_ALWAYS: Final = Span(start=None, end=None)
_RESERVE: Final = Reserve()
_N_CORES: Final = os.cpu_count() or 1


class ParquetStore:
    """A ``BarStore`` in a folder. Any number of processes and threads may read and write at once.

    Files are never changed; superseded ones stay, so that every snapshot can be read (nothing is collected yet). A writer builds its
    files first and then, in one transaction, checks that what it merged with is still live, and swaps; if not, it merges again.
    """

    def __init__(self, root: Path, manifest: Manifest, *, reserve: Reserve, decoded_bytes: int = MOST_BYTES) -> None:
        self._root = root
        self._manifest = manifest
        self._reserve = reserve
        self._vault = Vault(root, decoded_bytes=decoded_bytes)
        self._is_renewed = False
        self._answers = Answers(manifest)
        self._readers = Admission(_N_CORES, most_waiting=None)
        self._catalogue: tuple[int, Mapping[SeriesKey, SeriesInfo]] | None = None

    @classmethod
    def open(cls, root: Path, *, reserve: Reserve = _RESERVE, decoded_bytes: int = MOST_BYTES) -> ParquetStore:
        """Return the store in a folder, made if there is none; no commit is begun where less than the reserve is free.

        Rows that were read last stay in memory for the next reader, up to so many bytes of them.

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
        return cls(root, Manifest.open(root / "manifest.sqlite"), reserve=reserve, decoded_bytes=decoded_bytes)

    @property
    def root(self) -> Path:
        """Return the folder of the store."""
        return self._root

    def close(self) -> None:
        """Close the manifest's connections."""
        self._manifest.close()

    def upsert(self, batches: Sequence[SeriesBars], provenance: Provenance, *, at: datetime) -> UpsertReport:
        """Store all batches in one atomic commit; per series and instant the last bar given wins."""
        require_aware("at", at)
        require_sound([batch.bars for batch in batches])
        return self._store(batches, provenance, at=at)

    def delete(
        self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, at: datetime, note: str = ""
    ) -> DeleteReport:
        """Take the bars of a series that open in ``[start, end)`` out of the store, as a commit; ``undo`` brings them back."""
        from qts.data.storage.committing import commit  # noqa: PLC0415 - see the imports above
        from qts.data.storage.deletion import Deletion  # noqa: PLC0415 - see the imports above

        require_aware("at", at)
        span = span_of(start, end)
        with disk_faults(self._root):
            self._renew(at)
            with self._manifest.reading() as ledger:
                number = ledger.numbers({key.instrument}).get(key.instrument, 0)
            text = note or f"{key.instrument} {key.interval} {key.basis}"
            change = Deletion(key=key, number=number, span=span, at=at, note=text, vault=self._vault, manifest=self._manifest)
            prepared, snapshot = commit(change, self._manifest, self._vault)
        if prepared.is_empty:
            raise absent(key, span, self.series())
        return DeleteReport(deleted=prepared.commit.n_stored, snapshot=snapshot)

    def undo(self, snapshot: str, *, at: datetime) -> UpsertReport:
        """Bring back what a deletion took, except where there are bars again; possible until it is collected."""
        require_aware("at", at)
        with self._manifest.reading() as ledger:
            seq, (info,) = ledger.deletion(snapshot)
            states = [ledger.files_of(info.key, at_) for at_ in (seq - 1, seq, None)]
        before, after, now = (self._bars(info.key, number, files) for number, files in states)
        assert before is not None  # noqa: S101 - the series had bars, or they could not have been deleted
        lost = ~np.isin(before.ts, np.concatenate([bars.ts for bars in (after, now) if bars is not None] or [before.ts[:0]]))
        batch = SeriesBars(key=info.key, bars=picked(before, lost))
        provenance = Provenance(source=info.sources[-1], simulated=info.simulated, note=f"undo of {snapshot}")
        return self._store([batch], provenance, at=at, kind="undo", restored={info.key: info})

    def read(self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, as_of: str | None = None) -> Bars:
        """Return the bars that open in ``[start, end)``."""
        span = span_of(start, end)
        with self._readers.turn():
            seq = None if as_of is None else self._answers.ask(("seq", as_of), lambda ledger: ledger.seq_of(as_of))
            number, files = self._answers.ask((key, seq), lambda ledger: ledger.files_of(key, seq))
            bars = self._bars(key, number, files, span)
        if bars is None:
            with self._manifest.reading() as ledger:  # to read all series takes long, and only an unknown name is compared with all
                held = ledger.series(ledger.seq_of(as_of), [key.instrument])
            raise absent(key, span, held or self.series(as_of=as_of))
        return bars

    def _bars(self, key: SeriesKey, number: int, files: Sequence[StoredFile], span: Span = _ALWAYS) -> Bars | None:
        """Return what these files, lowest first, hold of a series."""
        wanted = [file for file in files if span.meets(file.ts_min, file.ts_max)]
        with disk_faults(self._root):
            found = [(file.is_hot, part) for file in wanted for part in self._vault.parts(file, number=number, span=span) if len(part)]
        if not found:
            return None
        if all(before.ts[-1] < after.ts[0] for (_, before), (_, after) in pairwise(found)):
            rows = gather([part for _, part in found], number)
        else:
            cold = [part for is_hot, part in found if not is_hot]
            hot = [part.copy() for is_hot, part in found if is_hot]
            # What is hot is little: laid over one another first, it meets the rest once.
            rows = overlay([*([gather(cold, number)] if cold else []), *([overlay(hot)] if hot else [])])
        return rows.bars(instrument=key.instrument, interval=key.interval)

    def series(self, *, as_of: str | None = None) -> tuple[SeriesInfo, ...]:
        """Return all series, sorted by instrument, interval length and basis, without reading a bar."""
        if as_of is None:
            return tuple(self._present().values())
        with self._manifest.reading() as ledger:
            return tuple(sorted(ledger.series(ledger.seq_of(as_of)), key=sort_key))

    def info(self, key: SeriesKey, *, as_of: str | None = None) -> SeriesInfo | None:
        """Return what is stored of a series, or None."""
        if as_of is None and self._catalogue is not None:
            return self._present().get(key)
        with self._manifest.reading() as ledger:
            infos = ledger.series(ledger.seq_of(as_of), [key.instrument])
        return next((info for info in infos if info.key == key), None)

    def history(self, key: SeriesKey) -> tuple[SeriesCommit, ...]:
        """Return the commits that touched a series, oldest first; what was collected is told as far as it is kept."""
        with self._manifest.reading() as ledger:
            return history_of(ledger, key)

    def partitions(self, key: SeriesKey, *, as_of: str | None = None) -> tuple[Partition, ...]:
        """Return the files that hold bars of a series, those below first, without opening one."""
        with self._manifest.reading() as ledger:
            return partitions_of(ledger, key, ledger.seq_of(as_of))

    def latest(self, keys: Iterable[SeriesKey]) -> Mapping[SeriesKey, LatestBar]:
        """Return the last stored bar of each of these series that has one, without reading bars."""
        infos = self._present()
        return {key: LatestBar(info.last_ts, info.last_close) for key in keys if (info := infos.get(key)) is not None}

    def _present(self) -> Mapping[SeriesKey, SeriesInfo]:
        def find(ledger: Ledger) -> Mapping[SeriesKey, SeriesInfo]:
            # Not all that is written to the manifest changes the series.
            seq, _ = ledger.snapshot()
            known = self._catalogue
            if known is None or known[0] != seq:
                known = self._catalogue = (seq, {info.key: info for info in sorted(ledger.series(None), key=sort_key)})
            return known[1]

        return self._answers.ask("series", find)

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
        return self._answers.ask("snapshot", lambda ledger: ledger.snapshot()[1])

    def has_commits(self) -> bool:
        """Return whether anything was ever stored."""
        with self._manifest.reading() as ledger:
            return ledger.snapshot()[0] > 0

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every commit, oldest first."""
        with self._manifest.reading() as ledger:
            return ledger.snapshots()

    def name_snapshot(self, snapshot: str, name: str, *, at: datetime) -> None:
        """Call a snapshot by a name that ``as_of`` takes, too; a named snapshot is never collected."""
        require_name(name)
        with self._manifest.writing() as ledger:
            seq = ledger.seq_of(snapshot)
            if not seq:
                raise no_snapshot(snapshot)
            give_name(ledger.connection, seq, name, at=at)

    def forget_name(self, name: str) -> None:
        """Take a name away; its snapshot is kept no longer than others."""
        with self._manifest.writing() as ledger:
            take_name(ledger.connection, name)

    def compare(self, before: str, after: str | None = None) -> Comparison:
        """Return which series were added, removed or changed between two snapshots (None: the present), without reading a bar."""
        old, new = ({info.key: info for info in self.series(as_of=as_of)} for as_of in (before, after))
        return compared(old, new)

    def compact(self, *, at: datetime, everything: bool = False) -> tuple[Compacted, ...]:
        """Put the hot files of each dataset into instrument-years, or exchange-years for bars of a day and longer.

        Does nothing where they are few and small (up to 5 files and 64 MB), unless ``everything`` is asked for. The state and its id
        stay the same; earlier snapshots read as before. Any number of processes may call it at any time.
        """
        from qts.data.storage.compaction import compact  # noqa: PLC0415 - see the imports above

        require_aware("at", at)
        with disk_faults(self._root):
            self._reserve.require(self._root, self._root / "data" / "bars")
            self._renew(at)
            return compact(self._manifest, self._vault, at=at, everything=everything)

    def collect(self, *, at: datetime, keep: Retention | None = None, dry_run: bool = False) -> Collected:
        """Give back the room of snapshots that are not kept, and of what killed writers left; ``dry_run`` only tells."""
        from qts.data.storage.retention import Retention, collect  # noqa: PLC0415 - see the imports above

        require_aware("at", at)
        with disk_faults(self._root):
            return collect(self._manifest, self._vault, at=at, keep=keep or Retention(), dry_run=dry_run)

    def acquire(self, name: str, holder: str, *, at: datetime, until: datetime, pins: str | None = None) -> bool:
        """Take a lease: while it lasts nobody else gets one of this name, and the snapshot that it ``pins`` is not collected.

        Returns whether it is ours now. A backup pins the snapshot that it copies.
        """
        from qts.data.storage.leases import acquire  # noqa: PLC0415 - see the imports above

        with self._manifest.writing() as ledger:
            seq = None if pins is None else ledger.seq_of(pins)
            return acquire(ledger.connection, name, holder, at=at, until=until, snapshot=seq)

    def release(self, name: str, holder: str) -> None:
        """Give a lease back."""
        from qts.data.storage.leases import release  # noqa: PLC0415 - see the imports above

        with self._manifest.writing() as ledger:
            release(ledger.connection, name, holder)

    def verify(self, *, quick: bool = False) -> tuple[FileFinding, ...]:
        """Return what every file of every snapshot is like, sorted by path, read afresh (``quick``: by its size); foreign ones too."""
        with disk_faults(self._root):
            return self._inspector().inspect(quick=quick)

    def database_findings(self, *, quick: bool = False) -> tuple[str, ...]:
        """Return what is wrong with the manifest's pages, or else (not ``quick``) with its rows that are of the past or count days."""
        pages = self._manifest.database.findings(quick=quick)
        return pages if pages or quick else self._manifest.row_findings()

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

        Notes
        -----
        A file is checked when a query first needs it: conditions on ``instrument``, ``interval`` and ``ts`` leave out the others. Of a
        damaged one ``run_query`` raises ``DamagedFile``, and DuckDB itself an error of its own that names it.
        """
        from qts.data.storage.sql import connect, files_of_bars  # noqa: PLC0415 - see the imports above

        with self._manifest.reading() as ledger:
            seq = ledger.seq_of(as_of)
            files, names, infos = ledger.live_files(seq), ledger.instruments(), ledger.series(seq)
        with disk_faults(self._root):
            found = files_of_bars(self._root, self._vault, files, names)
        return connect(found, self._vault, names, sorted(infos, key=sort_key), threads=threads, memory=memory)

    def _store(
        self,
        batches: Sequence[SeriesBars],
        provenance: Provenance,
        *,
        at: datetime,
        kind: str = "import",
        restored: Mapping[SeriesKey, SeriesInfo] | None = None,
    ) -> UpsertReport:
        from qts.data.storage.committing import commit  # noqa: PLC0415 - see the imports above
        from qts.data.storage.upserting import Upsert, grouped  # noqa: PLC0415 - see the imports above

        with disk_faults(self._root):
            self._reserve.require(self._root, self._root / "data" / "bars")
            self._renew(at)
            numbers = self._numbers({batch.key.instrument for batch in batches if len(batch.bars)})
            change = Upsert(
                groups=grouped(batches, numbers),
                numbers=numbers,
                provenance=provenance,
                at=at,
                vault=self._vault,
                manifest=self._manifest,
                kind=kind,
                restored=restored,
            )
            prepared, snapshot = commit(change, self._manifest, self._vault)
        done = prepared.commit
        return UpsertReport(
            stored=done.n_stored,
            unchanged=done.n_unchanged + prepared.n_waiting,
            changed=done.n_changed,
            snapshot=snapshot,
            files_written=prepared.n_written,
            waiting=prepared.n_waiting,
        )

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
