"""The archive of bars from a notebook: how they come in, what is held, how good it is, and how they go out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qts.app.bars import read_bars
from qts.app.catalog import SeriesDocument, list_series
from qts.app.coverage import CoverageDocument, CoverageRequest
from qts.app.coverage import coverage as cover
from qts.app.deleting import DeleteRequest, DeletionDocument, UndoDocument, delete_bars, undo_deletion
from qts.app.exporting import ExportDocument, ExportRequest, export_bars
from qts.app.importing import ImportDocument
from qts.app.importing import import_files as import_into
from qts.app.ingest_document import IngestDocument, IngestRequest
from qts.app.ingesting import ingest as ingest_history
from qts.app.quality import QualityDocument, QualityRequest
from qts.app.quality import quality as judge
from qts.app.requests import BarsRequest, ImportRequest, SqlRequest, build
from qts.app.series_archive import SeriesHistoryDocument, SeriesRequest, show_series
from qts.app.sql import SqlDocument, run_sql
from qts.app.verbs.opening import Home, opened
from qts.core.bars import Bars


def import_files(paths: Sequence[Path | str] | Path | str, *, home: Home = None, **options: object) -> ImportDocument:
    """Store what is sound in these files and folders; raises if a path that was named gave not a single bar."""
    named = [paths] if isinstance(paths, (str, Path)) else list(paths)
    with opened(home) as workspace:
        outcome = import_into(workspace, build(ImportRequest, paths=named, **options))
    if outcome.failures:
        raise outcome.failures[0]
    return outcome.document


def ingest(instruments: Sequence[str] | str, *, home: Home = None, **options: object) -> IngestDocument:
    """Download what is missing of these series, from the broker or the simulated exchange."""
    with opened(home) as workspace:
        return ingest_history(workspace, build(IngestRequest, instruments=instruments, **options))


def bars(instrument: str, *, home: Home = None, **options: object) -> Bars:
    """Return the bars of one instrument as arrays."""
    with opened(home) as workspace:
        return read_bars(workspace, build(BarsRequest, instrument=instrument, **options)).bars


def catalog(*, home: Home = None) -> tuple[SeriesDocument, ...]:
    """Return what is stored, and what is missing in it."""
    with opened(home) as workspace:
        return list_series(workspace)


def series(instrument: str, *, home: Home = None, **options: object) -> tuple[SeriesHistoryDocument, ...]:
    """Return what is known of an instrument's series: each commit that touched them, and the files that hold them."""
    with opened(home) as workspace:
        return show_series(workspace, build(SeriesRequest, instrument=instrument, **options))


def export(target: Path | str, instruments: Sequence[str] | str | None = None, *, home: Home = None, **options: object) -> ExportDocument:
    """Write stored bars into a .csv, .parquet or .duckdb file, or into a folder with a file per series."""
    with opened(home) as workspace:
        return export_bars(workspace, build(ExportRequest, target=target, instruments=instruments, **options))


def delete(instrument: str, *, home: Home = None, dry_run: bool = False, **options: object) -> DeletionDocument:
    """Delete bars of a series; ``dry_run`` only tells which. Nobody is asked."""
    with opened(home) as workspace:
        return delete_bars(workspace, build(DeleteRequest, instrument=instrument, **options), dry_run=dry_run)


def undo(snapshot: str | None = None, *, home: Home = None) -> UndoDocument:
    """Bring back what a deletion took, the last one by default, except where there are bars again."""
    with opened(home) as workspace:
        return undo_deletion(workspace, snapshot)


def sql(query: str, *, home: Home = None, **options: object) -> SqlDocument:
    """Return what a query finds in the stored bars; it can only read."""
    with opened(home) as workspace:
        return run_sql(workspace, build(SqlRequest, sql=query, **options))


def coverage(instrument: str | None = None, *, home: Home = None, **options: object) -> CoverageDocument:
    """Return which days of the stored series are whole, and where the holes are."""
    with opened(home) as workspace:
        return cover(workspace, build(CoverageRequest, instrument=instrument, **options))


def quality(instruments: Sequence[str] | str | None = None, *, home: Home = None, **options: object) -> QualityDocument:
    """Return a score of stored series from 0 to 100, with its working and every issue."""
    with opened(home) as workspace:
        return judge(workspace, build(QualityRequest, instruments=instruments, **options))
