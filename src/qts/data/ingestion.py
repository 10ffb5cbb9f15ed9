"""Import of price files: recognise, read in blocks, judge every row, store the sound ones, and report on the rest.

A file is one atomic commit up to ``ROWS_PER_COMMIT`` rows, and one commit per so many rows beyond; a run that was killed is simply run
again. What is decided about a file (bar length, adjusted or raw, order of day and month) is decided on its first block.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from qts.core import Bars, Clock, Exchange, Ints, discover
from qts.core.errors import BadFile, BadParameter, BadPath, NotPrices, QtsError, StoreBusy, StoreFull
from qts.data import formats as builtin
from qts.data.checks import judge, mark_seen
from qts.data.intake import Block, Names, join, parse_batch
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.names import series_symbol
from qts.data.reports import FileReport, ImportReport, Tally
from qts.data.shape import Shape, shape_of
from qts.data.storage import BarStore, Provenance, SeriesBars, SeriesKey
from qts.data.tables import Container, Table, open_table
from qts.data.unpack import Member, members_of, unreadable

ROWS_PER_COMMIT: Final = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """Where an import stands: the file at hand, its rows read so far, and how many files are done."""

    path: str
    rows_read: int
    files_done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Who imports where: the store, the clock, and the options that hold for all files."""

    store: BarStore
    clock: Clock
    options: ImportOptions = field(default_factory=ImportOptions)
    rows_per_commit: int = ROWS_PER_COMMIT
    on_progress: Callable[[ImportProgress], None] = lambda _progress: None


@cache
def formats() -> dict[str, Format]:
    """Return the file formats by id."""
    return discover(builtin, "FORMAT", Format)


def import_paths(paths: Sequence[Path], importer: Importer) -> ImportReport:
    """Import files and folders, and return a report per file; a bad file stops no other.

    A folder is searched with all below it; what is no price data there is skipped with the reason. When the disk is full, the files
    that come later are reported as not tried.

    Raises
    ------
    BadParameter
        If an option makes no sense.
    """
    _check_options(importer.options)
    reports: list[FileReport] = []
    full: StoreFull | None = None
    for report in _import_all(paths, importer):
        reports.append(report)
        if isinstance(report.error, StoreFull):
            full = report.error
            break
    if full is not None:
        done = {report.path for report in reports}
        reports.extend(
            FileReport(path=str(path), skipped=True, notes=("Not tried: the disk is full.",))
            for path, _ in _files(paths)
            if isinstance(path, Path) and not any(name == str(path) or name.startswith(f"{path}/") for name in done)
        )
    # What did not work now is done after the next import: nothing waits for it.
    with suppress(StoreFull, StoreBusy):
        importer.store.compact(at=importer.clock.now())
    return ImportReport(files=tuple(reports), snapshot=importer.store.snapshot())


def _check_options(options: ImportOptions) -> None:
    if options.format != "auto" and _format_id(options) not in formats():
        known = ", ".join(["auto", *(name.replace("_", "-") for name in formats())])
        raise BadParameter("format", options.format, "there is no such format", hint=f"Use one of {known}.")


def _format_id(options: ImportOptions) -> str:
    return options.format.strip().lower().replace("-", "_")


def _import_all(paths: Sequence[Path], importer: Importer) -> Iterator[FileReport]:
    n_done = 0
    for path, found in _files(paths):
        if isinstance(found, QtsError):
            yield FileReport(path=str(path), error=found)
            continue
        yield from _import_file(path, importer, is_in_folder=found, n_done=n_done)
        n_done += 1


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool | QtsError]]:
    """Yield each file with whether it was found in a folder, or a path with its error."""
    for path in paths:
        try:
            is_folder = path.is_dir()
        except OSError as error:
            yield path, unreadable(str(path), error)
            continue
        if is_folder:
            yield from _files_below(path)
        else:
            yield path, False


def _files_below(folder: Path) -> Iterator[tuple[Path, bool | QtsError]]:
    locked: list[OSError] = []
    inside = [Path(root, name) for root, _, names in os.walk(folder, onerror=locked.append) for name in names if not name.startswith(".")]
    for error in locked:
        yield Path(error.filename), unreadable(str(error.filename), error)
    files = sorted(path for path in inside if path.is_file())
    if not files and not locked:
        yield folder, BadPath(str(folder), "is a folder without files", hint="Name the folder that holds the price files.")
    for file in files:
        yield file, True


def _import_file(path: Path, importer: Importer, *, is_in_folder: bool, n_done: int) -> Iterator[FileReport]:
    try:
        members = members_of(path, str(path))
    except QtsError as error:
        yield FileReport(path=str(path), error=error)
        return
    for member in members:
        tally = Tally(path=member.label)
        try:
            _import_member(member, importer, tally, n_done=n_done)
        except NotPrices as error:
            if is_in_folder or len(members) > 1:
                tally.tell(f"Skipped: {error.reason}.")
                yield tally.report(is_skipped=True)
            else:
                yield tally.report(error=error)
        except QtsError as error:
            yield tally.report(error=error)
        else:
            yield tally.report()


def _import_member(member: Member, importer: Importer, tally: Tally, *, n_done: int) -> None:
    table = open_table(member)
    name, chosen = _choose(table, importer.options)
    layout = chosen.layout(table, importer.options)
    tally.format = name
    layout = _with_symbol(layout, table, importer.options, tally)
    names = Names(exchange=layout.exchange or importer.options.exchange)
    for note in layout.notes:
        tally.tell(note)
    shape: Shape | None = None
    seen: list[Ints] = []
    for block in _blocks(table, layout, names, importer.rows_per_commit):
        if shape is None:
            shape = shape_of(block, names, layout=layout, options=importer.options, label=table.label)
            tally.interval, tally.basis = shape.interval, shape.basis
            tally.notes.extend(shape.notes)
        for note in judge(block, names, shape, now=importer.clock.now()):
            tally.tell(note)
        mark_seen(block, seen)
        _store(block, names, importer=importer, shape=shape, tally=tally)
        importer.on_progress(ImportProgress(path=tally.path, rows_read=tally.rows_read, files_done=n_done))
    for note in table.notes:
        tally.tell(note)
    if shape is None:
        raise BadFile(table.label, "has a header but no rows", hint="Import the file that has the prices.")


def _choose(table: Table, options: ImportOptions) -> tuple[str, Format]:
    if options.format != "auto":
        name = _format_id(options)
        if formats()[name].sniff(table) is Fit.NONE:
            raise BadFile(
                table.label, f"is not {formats()[name].title}: its columns are {', '.join(table.columns[:20])}", hint="Try --format auto."
            )
        return name, formats()[name]
    if options.mapping and table.container is not Container.JSON:
        return table.container.value, formats()[table.container.value]
    name = max(formats(), key=lambda name: formats()[name].sniff(table))
    return name, formats()[name]


def _with_symbol(layout: Layout, table: Table, options: ImportOptions, tally: Tally) -> Layout:
    if Field.SYMBOL in layout.columns or layout.derive_symbols is not None:
        if options.symbol is not None:
            tally.tell("The file names its instruments; --symbol was not used.")
        return layout
    exchange: Exchange = layout.exchange or options.exchange
    symbol = series_symbol(options.symbol, table.name, exchange)
    if symbol is None:
        raise BadFile(table.label, "does not say which instrument it is of", hint="Say it: --symbol INFY; or name the file INFY.csv.")
    if Names(exchange=exchange).code(symbol) < 0:
        raise BadParameter("symbol", symbol, "is not an instrument's name", hint="Write it like INFY or NSE:INFY.")
    if options.symbol is None:
        tally.tell(f"The instrument {exchange}:{symbol} is taken from the file's name.")
    return replace(layout, symbol=symbol)


def _blocks(table: Table, layout: Layout, names: Names, limit: int) -> Iterator[Block]:
    waiting: list[Block] = []
    n_waiting = 0
    for batch in table.batches(layout.needed):
        block = parse_batch(batch, layout, names)
        waiting.append(block)
        n_waiting += len(block)
        if n_waiting >= limit:
            yield _emptied(waiting)
            n_waiting = 0
    if n_waiting:
        yield _emptied(waiting)


def _emptied(waiting: list[Block]) -> Block:
    block = join(waiting)
    waiting.clear()
    return block


def _store(block: Block, names: Names, *, importer: Importer, shape: Shape, tally: Tally) -> None:
    batches = list(_series(block, names, shape))
    if batches:
        # Prices under SIM are simulated whoever delivers them.
        provenance = Provenance(source=f"file:{Path(tally.path).name}", simulated=Exchange.SIM in names.exchanges)
        tally.commit(importer.store.upsert(batches, provenance, at=importer.clock.now()))
    for batch in batches:
        tally.add(batch.bars)
    tally.count(block, names)


def _series(block: Block, names: Names, shape: Shape) -> Iterator[SeriesBars]:
    good = np.flatnonzero(block.is_good)
    order = good[np.lexsort((block.ts[good], block.codes[good]))]
    codes = block.codes[order]
    for start, stop in _runs(codes):
        part = order[start:stop]
        instrument = names.instruments[int(codes[start])]
        open_, high, low, close, volume, oi = (np.ascontiguousarray(column[part]) for column in block.values)
        bars = Bars(
            instrument=instrument,
            interval=shape.interval,
            ts=block.ts[part],
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            oi=oi,
        )
        yield SeriesBars(key=SeriesKey(instrument=instrument, interval=shape.interval, basis=shape.basis), bars=bars)


def _runs(codes: Ints) -> Iterator[tuple[int, int]]:
    if len(codes) == 0:
        return
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    yield from pairwise(bounds)
