"""Files of prices into the store, with a report per file that a program can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from qts.app.calendar import parse_exchange
from qts.app.errors import ErrorDocument
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.requests import ImportRequest
from qts.app.workspace import Workspace
from qts.core.errors import BadFile, BadPath, QtsError, StoreFull
from qts.core.instrument import InstrumentId
from qts.data.ingestion import Importer, ImportProgress, import_paths
from qts.data.layout import ImportOptions
from qts.data.quality import Refusal
from qts.data.reports import FileReport
from qts.data.storage import SeriesKey


class RejectionDocument(BaseModel):
    """A refused row: its line in the file, why, and what stands there."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    row: int
    reason: str
    detail: str = ""


class FileDocument(BaseModel):
    """What became of one file. ``rows_read = stored + unchanged + rejected_count + skipped_count`` unless ``error`` stopped it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    path: str
    format: str | None
    interval: str | None
    prices: str | None
    rows_read: int
    stored: int
    unchanged: int
    changed: int
    rejected: tuple[RejectionDocument, ...]
    rejected_count: int
    reject_counts: dict[str, int]
    skipped_count: int
    instruments: tuple[str, ...]
    first: str | None
    last: str | None
    notes: tuple[str, ...]
    skipped: bool
    error: ErrorDocument | None


class ImportDocument(BaseModel):
    """What became of all files, and the state of the store afterwards."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    files: tuple[FileDocument, ...]
    snapshot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """The report, and the errors of paths that were named and gave not a single bar."""

    document: ImportDocument
    failures: tuple[QtsError, ...]


def import_files(workspace: Workspace, request: ImportRequest, on_progress: OnProgress = ignore_progress) -> ImportOutcome:
    """Store what is sound in these files and folders; a bad file stops no other.

    Raises
    ------
    BadParameter
        If an option makes no sense.
    """
    importer = Importer(
        store=workspace.store,
        clock=workspace.clock,
        options=ImportOptions(
            format=request.format,
            interval=request.interval,
            exchange=parse_exchange(request.exchange),
            symbol=request.symbol,
            adjusted=request.adjusted,
            mapping=request.mapping,
        ),
        on_progress=lambda progress: on_progress(_progress(progress)),
    )
    report = import_paths(request.paths, importer)
    for file in report.files:
        _remember_refused(workspace, file)
    return ImportOutcome(
        document=ImportDocument(files=tuple(_document(file) for file in report.files), snapshot=report.snapshot),
        failures=tuple(_failures(request.paths, report.files)),
    )


def _remember_refused(workspace: Workspace, file: FileReport) -> None:
    """Keep what was refused of a file by series: it tells what the source is worth."""
    if file.interval is None or file.basis is None:
        return
    source = f"file:{Path(file.path).name}"
    keys = {name: SeriesKey(instrument=InstrumentId(name), interval=file.interval, basis=file.basis) for name in file.instruments}
    refusals = [
        Refusal(
            key=SeriesKey(instrument=InstrumentId(rows.instrument), interval=file.interval, basis=file.basis),
            source=source,
            reason=rows.reason,
            days=rows.days,
            examples=rows.examples,
        )
        for rows in file.refused
    ]
    workspace.refusals.replace(source, keys.values(), refusals, seen_at=workspace.clock.now())


def _progress(progress: ImportProgress) -> Progress:
    name = Path(progress.path).name
    return Progress(step=f"Importing {name}", done=progress.rows_read, total=0, detail="rows")


def _failures(paths: Sequence[Path], files: Sequence[FileReport]) -> list[QtsError]:
    found: list[QtsError] = [file.error for file in files if isinstance(file.error, StoreFull)]
    for path in paths:
        parts = [file for file in files if file.path.startswith(str(path))]
        errors = [file.error for file in parts if file.error is not None]
        if any(file.stored or file.unchanged for file in parts) or any(isinstance(error, StoreFull) for error in errors):
            continue
        found.append(errors[0] if errors else _nothing(path, parts))
    return found


def _nothing(path: Path, parts: Sequence[FileReport]) -> QtsError:
    reasons = {reason: n for file in parts for reason, n in file.reject_counts.items()}
    if reasons:
        worst = max(reasons, key=lambda reason: reasons[reason])
        return BadFile(str(path), f"no row could be stored ({worst})", hint="The rows and reasons are in the report.")
    return BadPath(str(path), "holds no prices", hint="Name the file or folder that holds the price files.")


def _document(file: FileReport) -> FileDocument:
    error = file.error
    return FileDocument(
        path=file.path,
        format=None if file.format is None else file.format.replace("_", "-"),
        interval=file.interval,
        prices=file.basis,
        rows_read=file.rows_read,
        stored=file.stored,
        unchanged=file.unchanged,
        changed=file.changed,
        rejected=tuple(RejectionDocument(row=row.row, reason=row.reason, detail=row.detail) for row in file.rejected),
        rejected_count=file.rejected_count,
        reject_counts=dict(file.reject_counts),
        skipped_count=file.skipped_count,
        instruments=file.instruments,
        first=file.first,
        last=file.last,
        notes=file.notes,
        skipped=file.skipped,
        error=None if error is None else ErrorDocument(kind=error.kind, message=error.message, hint=error.hint),
    )
