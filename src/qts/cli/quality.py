"""``qts coverage`` and ``qts quality``: what is missing in the stored series, and how good they are."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qts.app.coverage import CoverageDocument, DayDocument, SeriesCoverage
    from qts.app.quality import SeriesQualityDocument

_STATES = ("complete", "partial", "missing", "no_trade", "known_empty", "unexpected")
_MOST_HOLES = 40


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("coverage")(coverage)
    app.command("quality")(quality)


def coverage(
    context: typer.Context,
    instrument: Annotated[
        str | None, typer.Argument(help="Instrument, as EXCHANGE:SYMBOL, whose days are listed; all series when absent.")
    ] = None,
    *,
    interval: Annotated[str | None, typer.Option(help="Only series of bars of this length.")] = None,
    prices: Annotated[str, typer.Option(help="Price basis: raw, adjusted, or auto for both.")] = "auto",
    start: Annotated[
        datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date; that of the first bar when absent.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Snapshot of the store to read.")] = None,
    as_json: Json = False,
) -> None:
    """Show which days are whole, and where the holes are."""
    from qts.app.coverage import CoverageRequest
    from qts.app.coverage import coverage as cover
    from qts.app.requests import build

    request = build(
        CoverageRequest, instrument=instrument, interval=interval, prices=prices, start=as_date(start), end=as_date(end), as_of=as_of
    )
    with opened(context) as workspace:
        document = cover(workspace, request)
    if as_json:
        write_json(document)
        return
    _draw_coverage(document)


def quality(
    context: typer.Context,
    instruments: Annotated[list[str] | None, typer.Argument(help="Instruments, as EXCHANGE:SYMBOL; all when absent.")] = None,
    *,
    interval: Annotated[str | None, typer.Option(help="Only series of bars of this length.")] = None,
    prices: Annotated[str, typer.Option(help="Price basis: raw, adjusted, or auto for both.")] = "auto",
    start: Annotated[
        datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date; the whole series when absent.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Snapshot of the store to read.")] = None,
    n_issues: Annotated[int, typer.Option("--issues", min=0, help="Issues of each kind to show; --json has all that are listed.")] = 10,
    as_json: Json = False,
) -> None:
    """Judge stored series: a score from 0 to 100, its working, and every issue. Nothing is repaired."""
    from qts.app.quality import QualityRequest
    from qts.app.quality import quality as judge
    from qts.app.requests import build

    request = build(
        QualityRequest,
        instruments=instruments or None,
        interval=interval,
        prices=prices,
        start=as_date(start),
        end=as_date(end),
        as_of=as_of,
    )
    with opened(context) as workspace:
        document = judge(workspace, request)
    if as_json:
        write_json(document)
        return
    _draw_scores(document.series)
    if document.note:
        note(document.note)
    if instruments:
        for one in document.series:
            _draw_working(one, n_issues)


def _draw_coverage(document: CoverageDocument) -> None:
    from qts.app import format as shown

    if not document.series:
        say("Nothing is stored yet. `qts import FILE` adds prices, `qts demo` a simulated market.")
        return
    rows = []
    for one in document.series:
        counts = one.counts or {}
        figures = (shown.number(counts.get(state), places=0) for state in _STATES)
        rows.append((one.instrument, one.interval, one.prices, one.start, one.end, *figures, shown.number(one.share, places=2)))
    numeric = ("Complete", "Partial", "Missing", "No trade", "Empty", "Unexpected", "Held %")
    write_table(("Instrument", "Bars of", "Prices", "From", "To", *numeric), rows, title=f"{len(rows)} series", numeric=numeric)
    for one, days in zip(document.series, document.days, strict=False):
        _draw_holes(one)
        _draw_days(one, days)


def _draw_holes(one: SeriesCoverage) -> None:
    from qts.app import format as shown

    rows = [(hole.first, hole.last, shown.number(hole.sessions, places=0), shown.number(hole.bars, places=0)) for hole in one.holes]
    if rows:
        title = f"{one.instrument} {one.interval}, {one.prices} prices: {len(rows)} holes"
        write_table(("First", "Last", "Sessions", "Bars"), rows[:_MOST_HOLES], title=title, numeric=("Sessions", "Bars"))
        _more(len(rows) - _MOST_HOLES, "holes")


def _draw_days(one: SeriesCoverage, days: Sequence[DayDocument]) -> None:
    told = [day for day in days if day.state not in {"complete", "holiday", "missing"}]
    rows = [(day.date, day.state.replace("_", " "), f"{day.held} of {day.at_least}", _gaps(day)) for day in told]
    if rows:
        title = f"{one.instrument} {one.interval}, {one.prices} prices: days that are not whole"
        write_table(("Date", "State", "Bars", "Not there"), rows[:_MOST_HOLES], title=title)
        _more(len(rows) - _MOST_HOLES, "days")


def _gaps(day: DayDocument) -> str:
    spans = [f"{_time(one.first)}-{_time(one.last)}" if one.bars > 1 else _time(one.first) for one in day.missing or ()]
    return ", ".join(spans[:6]) + (f", {len(spans) - 6} more" if len(spans) > 6 else "")


def _draw_scores(series: Sequence[SeriesQualityDocument]) -> None:
    from qts.app import format as shown

    if not series:
        say("Nothing is stored yet. `qts import FILE` adds prices, `qts demo` a simulated market.")
        return
    rows = []
    for one in series:
        worst = max(one.deductions, key=lambda deduction: deduction.points, default=None)
        why = f"{worst.kind.replace('_', ' ')}: {shown.number(worst.count, places=0)}" if worst is not None and worst.points else ""
        figures = (shown.number(one.bars, places=0), shown.number(one.score, places=2))
        rows.append((one.instrument, one.interval, one.prices, one.start, one.end, *figures, why))
    columns = ("Instrument", "Bars of", "Prices", "From", "To", "Bars", "Score", "Most points for")
    write_table(columns, rows, title=f"{len(rows)} series", numeric=("Bars", "Score"))


def _draw_working(one: SeriesQualityDocument, n_issues: int) -> None:
    from qts.app import format as shown

    rows = [
        (
            part.kind.replace("_", " "),
            shown.number(part.count, places=0),
            shown.number(part.of, places=0),
            shown.number(part.weight, places=1),
            shown.number(-part.points, places=2),
        )
        for part in one.deductions
    ]
    if not rows:
        say(f"{one.instrument} {one.interval}, {one.prices} prices: nothing found.")
        return
    title = f"{one.instrument} {one.interval}, {one.prices} prices: 100 less the points below"
    write_table(("Found", "Count", "Of", "Weight", "Points"), rows, title=title, numeric=("Count", "Of", "Weight", "Points"))
    for kind in dict.fromkeys(issue.kind for issue in one.issues):
        issues = [issue for issue in one.issues if issue.kind == kind]
        for issue in issues[:n_issues]:
            say(f"  {kind.replace('_', ' ')}: {_at(issue.at, one.interval)}{issue.text}")
        if n_issues:
            _more(len(issues) - n_issues, kind.replace("_", " "))


def _at(at: str | None, interval: str) -> str:
    if at is None:
        return ""
    return f"{at[:16].replace('T', ' ')} " if interval.endswith("m") else f"{at[:10]} "


def _more(n_more: int, what: str) -> None:
    if n_more > 0:
        note(f"{n_more} more {what} are in the answer of --json.")


def _time(at: str) -> str:
    return at[11:16]
