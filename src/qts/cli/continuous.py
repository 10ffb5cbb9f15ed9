"""``qts continuous``: one series from the futures on an underlying, contract after contract."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, say, write_bytes, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.continuous import ContinuousDocument

_EDGE_ROWS = 10


class SeriesFormat(StrEnum):
    """How ``qts continuous`` writes its answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("continuous")(continuous)


def continuous(
    context: typer.Context,
    underlying: Annotated[str, typer.Argument(help="Exchange and underlying of the futures, such as NFO:NIFTY.")],
    *,
    interval: Annotated[str, typer.Option(help="Length of the bars.")] = "1d",
    start: Annotated[datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    roll: Annotated[
        str, typer.Option(help="When to go over to the next contract: last-day, days:N (sessions before the last day) or open-interest.")
    ] = "last-day",
    adjust: Annotated[str, typer.Option(help="How jumps at rolls are taken out of older prices: none, difference or ratio.")] = "none",
    as_of: Annotated[str | None, typer.Option(help="Snapshot of the store to read.")] = None,
    layout: Annotated[SeriesFormat, typer.Option("--format", help="How to write it.")] = SeriesFormat.TABLE,
    as_json: Json = False,
) -> None:
    """Join the stored futures on an underlying; each bar tells which contract it is of."""
    from qts.app.continuous import ContinuousRequest, continuous_bars, continuous_csv
    from qts.app.requests import build

    request = build(
        ContinuousRequest,
        underlying=underlying,
        interval=interval,
        start=as_date(start),
        end=as_date(end),
        roll=roll,
        adjust=adjust,
        as_of=as_of,
    )
    with opened(context) as workspace:
        document = continuous_bars(workspace, request)
    if as_json or layout is SeriesFormat.JSON:
        write_json(document)
    elif layout is SeriesFormat.CSV:
        write_bytes(continuous_csv(document))
    else:
        _draw(document)


def _draw(document: ContinuousDocument) -> None:
    from qts.app import format as shown

    legs = [
        (leg.contract, leg.start, leg.end, leg.expiry + ("*" if leg.expiry_is_estimate else ""), f"{leg.factor:.6g}", f"{leg.offset:.6g}")
        for leg in document.legs
    ]
    title = (
        f"{document.underlying} {document.interval}, rolled by {document.roll}, adjusted by {document.adjust}: {len(document.bars):,} bars"
    )
    write_table(("Contract", "From", "To", "Expiry", "Times", "Plus"), legs, title=title, numeric=("Times", "Plus"))
    say()
    names = ("open", "high", "low", "close", "volume", "oi")
    edge = document.bars if len(document.bars) <= 2 * _EDGE_ROWS else (*document.bars[:_EDGE_ROWS], *document.bars[-_EDGE_ROWS:])
    rows = [(str(bar["ts"])[:16], *(shown.number(_figure(bar[name])) for name in names), str(bar["contract"])) for bar in edge]
    figures = ("Open", "High", "Low", "Close", "Volume", "OI")
    write_table(("Opened (IST)", *figures, "Contract"), rows, numeric=figures)
    for text in document.warnings:
        note(f"Note: {text}")


def _figure(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
