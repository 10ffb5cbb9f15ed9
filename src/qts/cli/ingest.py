"""``qts ingest``: download history, and only what is missing of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DATA, DONE, OUTSIDE
from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, progress_bars, say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.ingest_document import IngestDocument, IngestRequest

_MOST_WINDOWS = 20
_MINUTE = 60.0
_MEGABYTE = 1_000_000
_FILES = "files"
_INSTRUMENTS = "Instruments, as EXCHANGE:SYMBOL, with commas between; @NAME for an index or a watchlist, @fo for shares with futures."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ingest")(ingest)


def ingest(
    context: typer.Context,
    *,
    instruments: Annotated[str, typer.Option(help=_INSTRUMENTS)] = "",
    start: Annotated[datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date; none for files.")] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included; the last session that is over when absent.")
    ] = None,
    interval: Annotated[str, typer.Option(help="Length of the bars.")] = "1d",
    source: Annotated[str, typer.Option(help="Where from: kite, sandbox, yahoo (days only), or files (the watch folder).")] = "kite",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be asked for, and ask for nothing.")] = False,
    background: Annotated[bool, typer.Option("--background", help="Leave it to a worker, and end at once with the id of the job.")] = False,
    as_json: Json = False,
) -> int:
    """Download what is missing of these series, or take in new files. What was stopped goes on with the same command."""
    from qts.app.ingest_document import IngestRequest
    from qts.app.ingesting import ingest as ingest_history
    from qts.app.requests import build

    request = build(
        IngestRequest,
        **({"instruments": instruments} if instruments else {}),
        interval=interval,
        start=as_date(start),
        end=as_date(end),
        source=source,
        dry_run=dry_run,
    )
    if background:
        return _submit(context, request, as_json=as_json)
    with opened(context) as workspace, progress_bars(quiet=as_json) as on_progress:
        document = ingest_history(workspace, request, on_progress)
    if as_json:
        write_json(document)
    else:
        _draw_plan(document) if document.dry_run else _draw(document)
    return _code(document)


def _submit(context: typer.Context, request: IngestRequest, *, as_json: bool) -> int:
    from qts.app.jobs.asking import NO_WORKER, submit, worker_is_missing

    with opened(context) as workspace:
        job, is_new = submit(workspace, "ingest", request)
        is_missing = worker_is_missing(workspace, [job])
    if as_json:
        write_json(job)
    else:
        say(f"Job {job.id} is queued." if is_new else f"Job {job.id} is at this already; nothing was queued.")
        say(f"Follow it with `qts jobs watch {job.id}`.")
    if is_missing:
        note(NO_WORKER)
    return DONE


def _code(document: IngestDocument) -> int:
    if document.complete:
        return DONE
    # A broker that could not be asked outweighs a series that was refused.
    outside = {"AuthExpired", "AccessDenied", "SourceDown", "RateLimited", "BadReply", "RequestRefused", "SourceError"}
    return OUTSIDE if any(one.kind in outside for one in document.series) else DATA


def _draw_plan(document: IngestDocument) -> None:
    from qts.app import format as shown

    if document.source == _FILES:
        _draw_files(document)
        return
    for warning in document.warnings:
        note(warning)
    if not document.windows:
        say("Nothing is missing: no request would be made.")
        return
    rows = [(window.instrument, window.start, window.end) for window in document.windows[:_MOST_WINDOWS]]
    write_table(
        ("Instrument", "From", "To"), rows, title=f"{shown.number(document.requests, places=0)} requests for {document.interval} bars"
    )
    if len(document.windows) > _MOST_WINDOWS:
        say(f"... and {shown.number(len(document.windows) - _MOST_WINDOWS, places=0)} more; --json lists all.")
    say(f"About {_duration(document.eta_seconds)} at the source's pace, and {document.disk_bytes / _MEGABYTE:.1f} MB on the disk.")


def _draw_files(document: IngestDocument) -> None:
    from qts.app import format as shown

    known = sum(file.outcome == "known" for file in document.files)
    fresh = [file for file in document.files if file.outcome in {"new", "taken"}]
    if fresh:
        rows = [
            (
                file.path,
                file.format or "",
                file.prices or "",
                *(shown.number(count, places=0) for count in (file.stored, file.changed, file.rejected_count)),
                f"{file.first or ''} {file.last or ''}".strip(),
            )
            for file in fresh
        ]
        numeric = ("Stored", "Changed", "Refused rows")
        write_table(("File", "Layout", "Prices", *numeric, "Dates"), rows, numeric=numeric)
    else:
        say("There is no new file.")
    if known:
        say(f"{shown.number(known, places=0)} files were taken in before.")
    for file in document.files:
        for reason, count in file.reject_counts.items():
            note(f"{file.path}: {shown.number(count, places=0)} rows refused: {reason}")
        if file.outcome in {"left", "refused", "refused_before"}:
            told = {"left": "Left", "refused": "Refused", "refused_before": "Refused before"}[file.outcome]
            note(f"{told}: {file.path}: {file.reason}" + (f"\n  {file.hint}" if file.hint else ""))


def _draw(document: IngestDocument) -> None:
    from qts.app import format as shown

    if document.source == _FILES:
        _draw_files(document)
        say(f"Snapshot {document.snapshot}.")
        return
    rows = [
        (
            one.instrument,
            *(shown.number(count, places=0) for count in (one.requests, one.stored, one.changed, one.refused_count)),
            _remark(one),
        )
        for one in document.series
    ]
    numeric = ("Requests", "Stored", "Changed", "Refused")
    write_table(("Instrument", *numeric, "Remarks"), rows, numeric=numeric)
    for one in document.series:
        for refused in one.refused:
            note(f"{one.instrument}, {refused.window}: candle {refused.row} {refused.reason}")
    for sentence in dict.fromkeys(f"Error: {one.error}\n  {one.hint}" for one in document.series if one.error):
        note(sentence)
    for warning in (*document.warnings, *(document.notes if document.source == "yahoo" else ())):
        note(warning)
    if not document.requests and document.complete:
        say("Nothing was missing: no candles were asked for.")
    say(f"Snapshot {document.snapshot}.")


def _remark(one: object) -> str:
    rewritten, error = getattr(one, "rewritten", None), getattr(one, "error", None)
    parts = [f"its past had been rewritten ({rewritten}); all of it was fetched again"] if rewritten else []
    return "; ".join([*parts, *(["not finished"] if error else [])])


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE else f"{seconds / _MINUTE:.0f} min"
