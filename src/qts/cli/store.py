"""``qts import``, ``qts bars`` and ``qts catalog``: what goes into the store and what comes out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DONE, exit_code_of
from qts.cli.options import DATE_FORMATS, Json, as_date, pairs
from qts.cli.output import note, progress_bars, say, write_bytes, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.bars import BarsAnswer
    from qts.app.importing import ImportDocument

_EDGE_ROWS = 20


class BarsFormat(StrEnum):
    """How ``qts bars`` writes its answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_)
    app.command("bars")(bars)
    app.command("catalog")(catalog)


def import_(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files and folders to read.")],
    *,
    layout: Annotated[
        str, typer.Option("--format", help="Layout: auto, csv, parquet, kite, bhavcopy, udiff, sec-full or fo-report.")
    ] = "auto",
    interval: Annotated[str | None, typer.Option(help="Length of the bars; found from the stamps when absent.")] = None,
    exchange: Annotated[str, typer.Option(help="Exchange of symbols that do not name one.")] = "NSE",
    symbol: Annotated[str | None, typer.Option(help="Symbol of a file that does not hold one.")] = None,
    adjusted: Annotated[
        bool | None, typer.Option("--adjusted/--no-adjusted", help="Whether prices are adjusted for splits; found when absent.")
    ] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="Our column and the file's, as close=LTP; repeatable.")] = None,
    as_json: Json = False,
) -> int:
    """Check files of prices and store what is sound."""
    from qts.app.importing import import_files
    from qts.app.requests import ImportRequest, build

    request = build(
        ImportRequest,
        paths=paths,
        format=layout,
        interval=interval,
        exchange=exchange,
        symbol=symbol,
        adjusted=adjusted,
        mapping=pairs(mapping, "map"),
    )
    with opened(context) as workspace, progress_bars(quiet=as_json) as on_progress:
        outcome = import_files(workspace, request, on_progress)
    write_json(outcome.document) if as_json else _draw_import(outcome.document)
    return max((exit_code_of(error) for error in outcome.failures), default=DONE)


def bars(
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="Instrument, as EXCHANGE:SYMBOL.")],
    *,
    interval: Annotated[str, typer.Option(help="Length of the bars.")] = "1d",
    start: Annotated[datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Snapshot of the store to read.")] = None,
    prices: Annotated[str, typer.Option(help="Price basis: auto, raw, adjusted, or total-return with dividends put back.")] = "auto",
    adjusted_to: Annotated[
        datetime | None,
        typer.Option(
            formats=DATE_FORMATS, help="Show prices as they were seen adjusted on this date, the last one shown; today when absent."
        ),
    ] = None,
    layout: Annotated[BarsFormat, typer.Option("--format", help="How to write them.")] = BarsFormat.TABLE,
    as_json: Json = False,
) -> None:
    """Show or export bars. A table shows the first and last of them; the other formats all.

    What is not stored is made of what is, and says so: longer bars of shorter ones, adjusted prices of raw ones and the confirmed
    corporate actions.
    """
    from qts.app.bars import ExportFormat, export, read_bars
    from qts.app.requests import BarsRequest, build

    request = build(
        BarsRequest,
        instrument=instrument,
        interval=interval,
        start=as_date(start),
        end=as_date(end),
        as_of=as_of,
        prices=prices,
        adjusted_to=as_date(adjusted_to),
    )
    with opened(context) as workspace:
        answer = read_bars(workspace, request)
    chosen = BarsFormat.JSON if as_json else layout
    if chosen is BarsFormat.TABLE:
        _draw_bars(answer)
    else:
        write_bytes(export(answer, ExportFormat(chosen.value)))


def catalog(context: typer.Context, *, as_json: Json = False) -> None:
    """Show what is stored, and what is missing in it."""
    from qts.app import format as shown
    from qts.app.catalog import list_series

    with opened(context) as workspace:
        series = list_series(workspace)
        snapshot = workspace.store.snapshot()
    if as_json:
        write_json({"series": series, "snapshot": snapshot})
        return
    if not series:
        say("Nothing is stored yet. `qts import FILE` adds prices, `qts demo` a simulated market.")
        return
    rows = [
        (
            info.instrument,
            info.interval,
            info.prices,
            shown.day(info.first),
            shown.day(info.last),
            shown.number(info.bars, places=0),
            shown.number(info.missing, places=0),
            shown.number(info.quality, places=1),
            "SIMULATED" if info.simulated else "",
        )
        for info in series
    ]
    columns = ("Instrument", "Bars of", "Prices", "First", "Last", "Bars", "Missing", "Quality", "")
    write_table(columns, rows, title=f"{len(rows)} series, snapshot {snapshot}", numeric=("Bars", "Missing", "Quality"))


def _draw_import(document: ImportDocument) -> None:
    from qts.app import format as shown

    rows = []
    for file in document.files:
        outcome = file.error.message if file.error is not None else "; ".join(file.notes)
        counts = (shown.number(count, places=0) for count in (file.rows_read, file.stored, file.unchanged, file.rejected_count))
        rows.append((Path(file.path).name, file.format or "", *counts, outcome))
    numeric = ("Rows", "Stored", "Unchanged", "Refused")
    write_table(("File", "Format", *numeric, "Remarks"), rows, numeric=numeric)
    for file in document.files:
        for reason, count in file.reject_counts.items():
            note(f"{Path(file.path).name}: {shown.number(count, places=0)} rows refused: {reason}")
        if file.error is not None:
            note(f"Error: {file.error.message}\n  {file.error.hint}")
    say(f"Snapshot {document.snapshot}.")


def _draw_bars(answer: BarsAnswer) -> None:
    from qts.app import format as shown
    from qts.app.bars import SIMULATED_NOTE, records

    held = answer.bars
    n_hidden = max(0, len(held) - 2 * _EDGE_ROWS)
    edges = records(answer, edge=_EDGE_ROWS)
    rows = []
    for position, bar in enumerate(edges):
        if n_hidden and position == _EDGE_ROWS:
            rows.append(("...", *[""] * 5))
        numbers = (_shown(bar[name], shown.number) for name in ("open", "high", "low", "close"))
        rows.append((_shown(bar["ts"], shown.ist), *numbers, _shown(bar["volume"], shown.quantity)))
    derived = ", derived" if answer.derived else ""
    title = f"{held.instrument} {held.interval}, {answer.basis} prices{derived}, {shown.number(len(held), places=0)} bars"
    columns = ("Opened at", "Open", "High", "Low", "Close", "Volume")
    write_table(columns, rows, title=title, numeric=columns[1:])
    if n_hidden:
        say(f"{shown.number(n_hidden, places=0)} bars between are not shown; --format csv writes all.")
    if answer.derived:
        say(f"Derived: {answer.derived}.")
    if answer.simulated:
        say(SIMULATED_NOTE)


def _shown(value: object, how: object) -> str:
    return str(how(value)) if callable(how) else str(value)
