"""``qts series``, ``qts export``, ``qts delete`` and ``qts undo``: the archive of bars, its history, and what leaves it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, progress_bars, say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.deleting import DeletionDocument
    from qts.app.series_archive import SeriesHistoryDocument

_SHOWN_LETTERS = 40
_HASH_LETTERS = 12


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("series")(series)
    app.command("export")(export)
    app.command("delete")(delete)
    app.command("undo")(undo)


def series(
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="Instrument, as EXCHANGE:SYMBOL.")],
    *,
    interval: Annotated[str | None, typer.Option(help="Length of the bars; all when absent.")] = None,
    prices: Annotated[str | None, typer.Option(help="Price basis: raw or adjusted; both when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Show what is known of an instrument's series: each commit that touched them, and the files that hold them."""
    from qts.app.requests import build
    from qts.app.series_archive import SeriesRequest, show_series

    request = build(SeriesRequest, instrument=instrument, interval=interval, prices=prices)
    with opened(context) as workspace:
        documents = show_series(workspace, request)
    if as_json:
        write_json(documents)
        return
    for position, document in enumerate(documents):
        if position:
            say()
        _draw_series(document)


def export(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="A file that ends with .csv, .parquet or .duckdb, or a folder for a file per series.")],
    instruments: Annotated[list[str] | None, typer.Argument(help="Instruments, as EXCHANGE:SYMBOL; all when absent.")] = None,
    *,
    interval: Annotated[list[str] | None, typer.Option(help="Length of the bars, repeatable; all when absent.")] = None,
    start: Annotated[datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Snapshot of the store to read.")] = None,
    prices: Annotated[str | None, typer.Option(help="Price basis: raw or adjusted; both, as stored, when absent.")] = None,
    layout: Annotated[
        str | None, typer.Option("--format", help="Kind of files: csv, parquet or duckdb; told by the name when absent.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Write stored bars into files for other programs. A file is whole, or is not there."""
    from qts.app.exporting import ExportRequest, export_bars
    from qts.app.requests import build

    request = build(
        ExportRequest,
        target=target,
        instruments=instruments or None,
        intervals=tuple(interval) if interval else None,
        start=as_date(start),
        end=as_date(end),
        as_of=as_of,
        prices=prices,
        format=layout,
        overwrite=overwrite,
    )
    with opened(context) as workspace, progress_bars(quiet=as_json) as on_progress:
        document = export_bars(workspace, request, on_progress)
    if as_json:
        write_json(document)
        return
    from qts.app import format as shown

    place = document.target if len(document.files) == 1 else f"{len(document.files):,} files in {document.target}"
    bars = shown.number(document.bars, places=0)
    say(f"{bars} bars of {document.series:,} series, snapshot {document.snapshot}: {place} ({document.bytes / 1e6:,.1f} MB).")
    if document.label:
        note(document.label)


def delete(
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="Instrument, as EXCHANGE:SYMBOL.")],
    *,
    interval: Annotated[str | None, typer.Option(help="Length of the bars; needed where several are stored.")] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date; from the beginning when absent.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included; to the end when absent.")] = None,
    prices: Annotated[str | None, typer.Option(help="Price basis: raw or adjusted; needed where both are stored.")] = None,
    why: Annotated[str, typer.Option("--note", help="Why, for the history of the series.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete stored bars. `qts undo` brings them back until they are collected."""
    from qts.app.deleting import DeleteRequest, delete_bars
    from qts.app.requests import build

    request = build(
        DeleteRequest, instrument=instrument, interval=interval, start=as_date(start), end=as_date(end), prices=prices, note=why
    )
    with opened(context) as workspace:
        planned = delete_bars(workspace, request, dry_run=True)
    if dry_run:
        write_json(planned) if as_json else say(f"Would be deleted: {_described(planned)}.")
        return
    if not yes:
        _ask(planned)
    with opened(context) as workspace:
        done = delete_bars(workspace, request)
    if as_json:
        write_json(done)
        return
    say(f"Deleted: {_described(done)}.")
    say(f"`qts undo {done.snapshot}` brings them back, until their snapshot is collected.")


def undo(
    context: typer.Context,
    snapshot: Annotated[str | None, typer.Argument(help="The snapshot that a deletion reported; the last deletion when absent.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Bring back what a deletion took, except where there are bars again."""
    from qts.app import format as shown
    from qts.app.deleting import undo_deletion

    with opened(context) as workspace:
        document = undo_deletion(workspace, snapshot)
    if as_json:
        write_json(document)
        return
    say(f"{shown.number(document.bars, places=0)} bars are back, snapshot {document.snapshot}.")
    if not document.bars:
        note(f"All that the deletion {document.undone} took is there again. `qts snapshots list` shows earlier deletions,")
        note("each of which `qts undo SNAPSHOT` brings back.")


def _ask(planned: DeletionDocument) -> None:
    from qts.core.errors import InputError

    if not sys.stdin.isatty():
        raise InputError("A deletion is confirmed at a terminal.", hint="Give --yes where nobody can answer; --dry-run only tells.")
    typer.confirm(f"Delete {_described(planned)}?", abort=True, err=True)


def _described(document: DeletionDocument) -> str:
    from qts.app import format as shown

    bars, left = (shown.number(n, places=0) for n in (document.bars, document.left))
    name = f"{document.instrument} {document.interval} {document.prices}"
    return f"{bars} bars of {name}, {shown.day(document.first)} to {shown.day(document.last)}; {left} are left"


def _draw_series(document: SeriesHistoryDocument) -> None:
    from qts.app import format as shown

    name = f"{document.instrument} {document.interval} {document.prices}"
    if document.first is None or document.last is None:
        say(f"{name}: deleted")
    else:
        span = f"{shown.day(document.first)} to {shown.day(document.last)}"
        say(f"{name}: {shown.number(document.bars, places=0)} bars, {span}{', SIMULATED' if document.simulated else ''}")
    rows = [
        (
            shown.ist(commit.at),
            commit.kind,
            _cut(commit.source),
            shown.number(commit.added, places=0),
            shown.number(commit.bars, places=0),
            commit.snapshot if commit.readable else "collected",
            _cut(commit.note if commit.note != commit.source else ""),
        )
        for commit in document.history
    ]
    numeric = ("Added", "Bars after")
    write_table(("Made at", "By", "Source", *numeric, "Snapshot", "Note"), rows, numeric=numeric)
    _draw_downloads(document)
    files = [
        (
            file.path,
            shown.number(file.bars, places=0),
            shown.number(file.rows, places=0),
            shown.number(file.bytes, places=0),
            shown.day(file.first),
            shown.day(file.last),
            file.sha256[:_HASH_LETTERS],
            shown.ist(file.since_at),
            "hot" if file.hot else "shared" if file.shared else "",
        )
        for file in document.files
    ]
    if files:
        say()
        counts = ("Bars", "Rows", "Bytes")
        write_table(("File", *counts, "First", "Last", "SHA-256", "Since", ""), files, numeric=counts)


def _draw_downloads(document: SeriesHistoryDocument) -> None:
    from qts.app import format as shown

    rows = [
        (one.source, str(one.year), shown.number(one.days, places=0), shown.number(one.bars, places=0), shown.ist(one.asked_at))
        for one in document.downloads
    ]
    if rows:
        say()
        write_table(("Downloaded from", "Year", "Days", "Bars", "Last asked at"), rows, numeric=("Year", "Days", "Bars"))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 3]}..."
