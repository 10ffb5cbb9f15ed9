"""Stored bars as files for others: any series and span, as CSV, Parquet or one DuckDB database."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from qts.app.bars import SIMULATED_NOTE, BarsAnswer, ExportFormat, export, instants, is_simulated
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.requests import InstrumentTexts, IntervalName, Request
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import session_date_of
from qts.core.errors import BadParameter, BadPath, EmptySpan, InputError
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.data.exports import CSV, DUCKDB, PARQUET, ExportedSeries, exporting, unfinished
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey
from qts.data.storage.lookup import Span, absent, span_of

_KINDS: Final = {".csv": CSV, ".parquet": PARQUET, ".duckdb": DUCKDB}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9&._-]")


def _intervals(value: object) -> object:
    return tuple(part for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class ExportSelection(Request):
    """Stored series to be given to other programs."""

    instruments: InstrumentTexts | None = Field(default=None, description="Instruments, as EXCHANGE:SYMBOL; all when absent.")
    intervals: Annotated[tuple[IntervalName, ...] | None, BeforeValidator(_intervals)] = Field(
        default=None, description="Lengths of the bars; all when absent."
    )
    start: date | None = Field(default=None, alias="from", description="First date in India; from the beginning when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date in India, included; to the end when absent.")
    as_of: str | None = Field(default=None, description="Snapshot of the store to read; the present one when absent.")
    prices: PriceBasis | None = Field(default=None, description="Price basis, raw or adjusted; both, as stored, when absent.")


class ExportRequest(ExportSelection):
    """Stored series to be written into files."""

    target: Path = Field(description="A file that ends with .csv, .parquet or .duckdb, or a folder for one file per series.")
    format: Literal["csv", "parquet", "duckdb"] | None = Field(
        default=None, description="Kind of files; that of the name's ending when absent, and csv in a folder."
    )
    overwrite: bool = Field(default=False, description="Whether files that are there may be replaced.")


class ExportDocument(BaseModel):
    """What was written. ``label`` is what must be said of the prices, empty where all are real."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    target: str
    format: str
    files: tuple[str, ...]
    series: int
    bars: int
    bytes: int
    snapshot: str
    label: str


def export_bars(workspace: Workspace, request: ExportRequest, on_progress: OnProgress = ignore_progress) -> ExportDocument:
    """Write stored bars into one file, or into a folder with a file per series; a file has its name only when it is whole.

    Series are read and written one after the other, so that any number needs little memory.

    Raises
    ------
    UnknownInstrument, EmptySpan
        If nothing is stored of an instrument, or nothing in the span.
    BadPath
        If a file is there already, or cannot be written.
    BadParameter
        If the kind of file does not fit its name.
    StoreFull
        If the disk is full.
    """
    target, kind, is_folder = _target(request)
    # A name may be taken away or given to another snapshot: what is written cites the id.
    snapshot = workspace.snapshot_id(request.as_of) or workspace.store.snapshot()
    infos = _chosen(workspace, request, snapshot)
    work = _Work(workspace, request, snapshot, on_progress)
    paths = _paths(target, kind, infos) if is_folder else [target]
    if not request.overwrite and (there := next((path for path in paths if path.exists()), None)) is not None:
        raise BadPath(str(there), "is there already", hint="Choose another name, or replace it with --overwrite.")
    written = work.into_folder(infos, paths, kind) if is_folder else work.into_file(infos, target, kind)
    if not work.n_bars:
        raise InputError("None of these series has bars in the span: nothing was written.", hint="`qts catalog` shows what is stored.")
    return ExportDocument(
        target=str(target),
        format=kind,
        files=tuple(path.name for path in written),
        series=work.n_series,
        bars=work.n_bars,
        bytes=sum(path.stat().st_size for path in written),
        snapshot=snapshot,
        label=work.label,
    )


def estimate_export(workspace: Workspace, request: ExportSelection) -> int:
    """Return about how many bars would be written, without reading one: of each series the share of its days.

    Raises
    ------
    UnknownInstrument, EmptySpan
        If nothing is stored of an instrument.
    BadParameter
        If the dates are turned round, or there is no such snapshot.
    """
    instants(request.start, request.end)
    infos = _chosen(workspace, request, request.as_of or workspace.store.snapshot())
    return sum(_share(info, request) for info in infos)


def _share(info: SeriesInfo, request: ExportSelection) -> int:
    first, last = session_date_of(info.first_ts), session_date_of(info.last_ts)
    start, end = max(request.start or first, first), min(request.end or last, last)
    n_days = max(0, (end - start).days + 1)
    return math.ceil(info.n_bars * n_days / ((last - first).days + 1))


class _Work:
    """One export under way, and what it came to so far."""

    def __init__(self, workspace: Workspace, request: ExportRequest, snapshot: str, on_progress: OnProgress) -> None:
        self._store = workspace.store
        self._span = instants(request.start, request.end)
        self._snapshot = snapshot
        self._on_progress = on_progress
        self._memory = workspace.settings.query_memory
        self.n_series = self.n_bars = 0
        self.label = ""

    def into_folder(self, infos: Sequence[SeriesInfo], paths: Sequence[Path], kind: str) -> list[Path]:
        written = []
        for i, (info, path) in enumerate(zip(infos, paths, strict=True)):
            self._tell(i, len(infos), info.key)
            bars = self._read(info)
            if bars is None:
                continue
            answer = BarsAnswer(
                bars=bars, basis=info.key.basis, simulated=is_simulated(info), snapshot=self._snapshot, sources=info.sources
            )
            with unfinished(path) as file:
                file.write_bytes(export(answer, ExportFormat(kind)))
            written.append(path)
        self._on_progress(Progress(step="Writing bars", done=len(infos), total=len(infos)))
        return written

    def into_file(self, infos: Sequence[SeriesInfo], target: Path, kind: str) -> list[Path]:
        labels = {"snapshot": self._snapshot}
        if any(is_simulated(info) for info in infos):
            labels["label"] = SIMULATED_NOTE
        with exporting(target, kind, labels, memory=self._memory) as sink:
            for i, info in enumerate(infos):
                self._tell(i, len(infos), info.key)
                if (bars := self._read(info)) is not None:
                    sink.write(ExportedSeries(info=info, bars=bars, label=SIMULATED_NOTE if is_simulated(info) else ""))
            if not self.n_bars:
                raise InputError("None of these series has bars in the span: nothing was written.", hint="`qts catalog` shows the spans.")
        self._on_progress(Progress(step="Writing bars", done=len(infos), total=len(infos)))
        return [target]

    def _read(self, info: SeriesInfo) -> Bars | None:
        start, end = self._span
        # Of the many series that ended before the span, or began after it, none needs to be looked for.
        if not span_of(start, end).meets(info.first_ts, info.last_ts):
            return None
        try:
            bars = self._store.read(info.key, start=start, end=end, as_of=self._snapshot)
        except EmptySpan:
            return None
        self.n_series += 1
        self.n_bars += len(bars)
        if is_simulated(info):
            self.label = SIMULATED_NOTE
        return bars

    def _tell(self, done: int, total: int, key: SeriesKey) -> None:
        self._on_progress(Progress(step="Writing bars", done=done, total=total, detail=f"{key.instrument} {key.interval}"))


def _target(request: ExportRequest) -> tuple[Path, str, bool]:
    target = request.target.expanduser()
    named = _KINDS.get(target.suffix.lower())
    if named is None:
        if request.format == DUCKDB:
            raise BadParameter("target", str(target), "is no name of a database", hint="Let it end with .duckdb.")
        return target, request.format or CSV, True
    if request.format not in {None, named}:
        hint = "Leave the format out, or let the name end as it does."
        raise BadParameter("format", request.format, f"does not fit the name {target.name}", hint=hint)
    if target.is_dir():
        raise BadPath(str(target), "is a folder", hint="Name a file in it.")
    return target, named, False


def _chosen(workspace: Workspace, request: ExportSelection, snapshot: str) -> list[SeriesInfo]:
    held = workspace.store.series(as_of=snapshot)
    names = None if request.instruments is None else set(request.instruments)
    found = [
        info
        for info in held
        if (names is None or info.key.instrument in names)
        and (request.intervals is None or info.key.interval in request.intervals)
        and request.prices in {None, info.key.basis}
    ]
    missing = sorted((names or set()) - {info.key.instrument for info in found})
    if missing:
        interval = request.intervals[0] if request.intervals else Interval.DAY
        key = SeriesKey(instrument=InstrumentId(missing[0]), interval=interval, basis=request.prices or PriceBasis.RAW)
        raise absent(key, Span(start=None, end=None), held)
    if not found:
        raise InputError("No stored series is of this kind: nothing was written.", hint="`qts catalog` shows what is stored.")
    return found


def _paths(folder: Path, kind: str, infos: Sequence[SeriesInfo]) -> list[Path]:
    taken: set[str] = set()
    paths = []
    for info in infos:
        stem = _UNSAFE.sub("_", f"{info.key.instrument}-{info.key.interval}-{info.key.basis}")
        name, n = stem, 1
        # Names that differ in a letter's case, or in one that no file may have, are one name somewhere.
        while name.lower() in taken:
            n += 1
            name = f"{stem}-{n}"
        taken.add(name.lower())
        paths.append(folder / f"{name}.{kind}")
    return paths
