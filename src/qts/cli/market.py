"""``qts calendar`` and ``qts costs``: the rules of the market. They open no store and import no array library."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DONE, FOUND
from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, say, write_json, write_table

if TYPE_CHECKING:
    from qts.app.costs import CostsDocument, ExamplesDocument

_LINES = ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp", "total")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("calendar")(calendar)
    app.command("costs")(costs)


def calendar(
    *,
    exchange: Annotated[str, typer.Option(help="Exchange.")] = "NSE",
    segment: Annotated[str, typer.Option(help="Segment: cash or fo.")] = "cash",
    start: Annotated[datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date; today when absent.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    as_json: Json = False,
) -> None:
    """Show when an exchange trades."""
    from qts.app.calendar import list_sessions
    from qts.app.clock import SystemClock
    from qts.app.requests import CalendarRequest, build

    request = build(CalendarRequest, exchange=exchange, segment=segment, start=as_date(start), end=as_date(end))
    document = list_sessions(request, SystemClock())
    if as_json:
        write_json(document)
        return
    rows = []
    for session in document.sessions:
        windows = [f"{_time(window.opens_at)}-{_time(window.closes_at)}" for window in session.windows if window.kind == "continuous"]
        remark = session.note + (" (estimate)" if session.is_estimate else "")
        rows.append((session.date, session.weekday, ", ".join(windows), remark.strip()))
    write_table(("Date", "Day", "Trading (IST)", "Note"), rows, title=f"{document.exchange} {document.segment}: {len(rows)} sessions")


def costs(
    *,
    on: Annotated[datetime | None, typer.Option(formats=DATE_FORMATS, help="Trade date; today when absent.")] = None,
    exchange: Annotated[str, typer.Option(help="Exchange.")] = "NSE",
    segment: Annotated[str, typer.Option(help="Segment: equity_delivery or equity_intraday.")] = "equity_delivery",
    side: Annotated[str, typer.Option(help="Side: buy or sell.")] = "buy",
    quantity: Annotated[str, typer.Option(help="Quantity of the order.")] = "100",
    price: Annotated[str, typer.Option(help="Price in rupees.")] = "1000",
    mode: Annotated[str, typer.Option(help="Rounding: exact, contract_note, calculator or api.")] = "contract_note",
    file: Annotated[Path | None, typer.Option(help="JSON file of examples to price and compare.")] = None,
    as_json: Json = False,
) -> int:
    """Show what an order costs, line by line."""
    from qts.app.clock import SystemClock
    from qts.app.costs import price_costs, price_examples
    from qts.app.requests import CostsRequest, build

    request = build(
        CostsRequest,
        on=as_date(on),
        exchange=exchange,
        segment=segment,
        side=side.lower(),
        quantity=quantity,
        price=price,
        mode=mode,
        file=file,
    )
    if file is not None:
        examples = price_examples(request, SystemClock())
        write_json(examples) if as_json else _draw_examples(examples)
        return FOUND if examples.differing else DONE
    document = price_costs(request, SystemClock())
    write_json(document) if as_json else _draw_costs(document)
    return DONE


def _draw_costs(document: CostsDocument) -> None:
    from qts.app import format as shown

    order = document.orders[0]
    trade = f"{order.side.upper()} {shown.quantity(order.quantity)} x {shown.inr(order.price)} = {shown.inr(order.value)}"
    rows = []
    for line in _LINES:
        amount = getattr(document.total, line)
        rows.append((line.upper() if line in {"stt", "gst", "dp", "ipft", "sebi"} else line.capitalize(), shown.inr(amount)))
    rows.append(("Share of value", shown.bps(document.total.total / order.value if order.value else None)))
    write_table(
        ("Charge", "Amount"),
        rows,
        title=f"{trade}, {document.segment}, {document.exchange}, {document.on} ({document.mode})",
        numeric=("Amount",),
    )
    for warning in document.warnings:
        note(f"Note: {warning}")


def _draw_examples(document: ExamplesDocument) -> None:
    from qts.app import format as shown

    rows = []
    for example in document.examples:
        wrong = "; ".join(
            f"{part.line}: {'nothing' if part.computed is None else f'{part.computed:g}'} instead of {part.expected:g}"
            for part in example.differences
        )
        outcome = example.error.message if example.error is not None else wrong or "agrees"
        rows.append(
            (
                example.id,
                example.on or "",
                example.mode or "",
                shown.inr(example.total.get("total")),
                shown.inr(example.expected.get("total")),
                outcome,
            )
        )
    write_table(("Example", "Date", "Mode", "Total", "Expected", "Outcome"), rows, numeric=("Total", "Expected"))
    say(f"{document.agreeing} agree, {document.differing} differ, {document.not_priced} could not be priced.")


def _time(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%H:%M}"
