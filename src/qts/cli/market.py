"""``qts calendar`` and ``qts costs``: the rules of the market. They open no store and import no array library."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DATA, DONE, FOUND
from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, say, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qts.app.calendar import CalendarDocument, WindowDocument
    from qts.app.costs import CostsDocument, ExamplesDocument, RoundTripCosts
    from qts.app.run_document import ChargesPart

_LINES = ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp", "total")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("calendar")(calendar)
    app.command("costs")(costs)


def calendar(
    context: typer.Context,
    *,
    exchange: Annotated[str, typer.Option(help="Exchange.")] = "NSE",
    segment: Annotated[str, typer.Option(help="Segment of NSE or BSE: cash, fo, currency or commodity.")] = "cash",
    start: Annotated[datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date; today when absent.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    shows_holidays: Annotated[bool, typer.Option("--holidays", help="Show the weekdays without a session, and why.")] = False,
    as_json: Json = False,
) -> None:
    """Show when an exchange trades.

    Corrections stand in calendar.toml of the home folder.
    """
    from qts.app.calendar import list_sessions
    from qts.app.calendar_file import use_calendar_of
    from qts.app.clock import SystemClock
    from qts.app.home import home_folder
    from qts.app.requests import CalendarRequest, build

    use_calendar_of(home_folder((context.obj or {}).get("home")))
    request = build(CalendarRequest, exchange=exchange, segment=segment, start=as_date(start), end=as_date(end))
    document = list_sessions(request, SystemClock())
    if as_json:
        write_json(document)
        return
    _draw_holidays(document) if shows_holidays else _draw_sessions(document)


def costs(
    *,
    on: Annotated[datetime | None, typer.Option(formats=DATE_FORMATS, help="Trade date; today when absent.")] = None,
    exchange: Annotated[
        str | None, typer.Option(help="Exchange; NSE and BSE also stand for those of their contracts. NSE when absent.")
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(
            help="Segment: equity_delivery (when absent), equity_intraday, or equity_, currency_ or commodity_ with futures or options."
        ),
    ] = None,
    side: Annotated[str, typer.Option(help="Side: buy or sell.")] = "buy",
    quantity: Annotated[str, typer.Option(help="Quantity of the order, in shares or units of the underlying.")] = "100",
    price: Annotated[str, typer.Option(help="Price in rupees; of an option its premium.")] = "1000",
    mode: Annotated[
        str | None,
        typer.Option(help="Rounding: exact, contract_note, calculator, api or api_margins. When absent contract_note; a file's own."),
    ] = None,
    round_trip: Annotated[bool, typer.Option("--round-trip", help="Close the order by a second one and price both.")] = False,
    exit_price: Annotated[str | None, typer.Option(help="Price of the closing order; that of the first when absent.")] = None,
    exit_on: Annotated[datetime | None, typer.Option(formats=DATE_FORMATS, help="Date of the closing order.")] = None,
    underlying: Annotated[str, typer.Option(help="Underlying of a contract, such as SENSEX or KAPAS.")] = "",
    group: Annotated[str, typer.Option(help="Group of a share at BSE, such as A or X.")] = "",
    stt_class: Annotated[str, typer.Option(help="For shares and funds: share, equity_etf or other_etf.")] = "share",
    settlement: Annotated[
        str | None, typer.Option(help="How a contract ended instead of a trade: expired, exercised, assigned, delivered or netted.")
    ] = None,
    settlement_price: Annotated[
        str | None, typer.Option(help="Settlement price of the underlying, for options exercised before 2019-09-01.")
    ] = None,
    slices: Annotated[str, typer.Option(help="Number of orders that the freeze quantity cuts this one into.")] = "1",
    auto_square_off: Annotated[bool, typer.Option("--auto-square-off", help="The broker placed the (closing) order itself.")] = False,
    file: Annotated[Path | None, typer.Option(help="JSON file of examples to price and compare.")] = None,
    as_json: Json = False,
) -> int:
    """Show what an order, or an order and the one that closes it, costs line by line.

    Of a file it ends with 5 if an example differs, else with 3 if one could not be priced.
    """
    from qts.app.clock import SystemClock
    from qts.app.costs import price_costs, price_examples
    from qts.app.requests import CostsRequest, build

    # A file's examples tell by themselves what is not asked for here.
    asked = {"exchange": exchange, "segment": segment, "mode": mode}
    request = build(
        CostsRequest,
        **{name: value for name, value in asked.items() if value is not None},
        on=as_date(on),
        side=side.lower(),
        quantity=quantity,
        price=price,
        round_trip=round_trip,
        exit_price=exit_price,
        exit_on=as_date(exit_on),
        underlying=underlying,
        group=group,
        stt_class=stt_class,
        settlement=settlement,
        settlement_price=settlement_price,
        slices=slices,
        auto_square_off=auto_square_off,
        file=file,
    )
    if file is not None:
        examples = price_examples(request, SystemClock())
        write_json(examples) if as_json else _draw_examples(examples)
        return FOUND if examples.differing else DATA if examples.not_priced else DONE
    document = price_costs(request, SystemClock())
    write_json(document) if as_json else _draw_costs(document)
    return DONE


def _draw_costs(document: CostsDocument) -> None:
    from qts.app import format as shown

    value = sum(order.value for order in document.orders)
    rows = []
    for line in _LINES:
        amounts = (shown.inr(getattr(part, line)) for part in _columns(document))
        rows.append((line.upper() if line in {"stt", "gst", "dp", "ipft", "sebi"} else line.capitalize(), *amounts))
    blanks = ("",) * (len(_columns(document)) - 1)
    rows.append(("Share of value", *blanks, shown.bps(document.total.total / value if value else None)))
    names = ("Entry", "Exit", "Together") if document.round_trip is not None else ("Amount",)
    trades = " and ".join(
        f"{order.side.upper()} {shown.quantity(order.quantity)} x {shown.inr(order.price)} = {shown.inr(order.value)}"
        for order in document.orders
    )
    write_table(
        ("Charge", *names),
        rows,
        title=f"{trades}, {document.segment}, {document.exchange}, {document.on} ({document.mode})",
        numeric=names,
    )
    if document.round_trip is not None:
        _draw_round_trip(document.round_trip)
    for warning in document.warnings:
        note(f"Note: {warning}")


def _columns(document: CostsDocument) -> tuple[ChargesPart, ...]:
    return (document.total,) if document.round_trip is None else (*document.orders, document.total)


def _draw_round_trip(trip: RoundTripCosts) -> None:
    from qts.app import format as shown

    when = f"on {trip.exit_on}" if trip.exit_on is not None else "on a later day, at the rates of the first"
    say(f"Closed {when}.")
    say(f"Gross {shown.inr(trip.gross)}, charges {shown.inr(trip.total)} (DP {shown.inr(trip.dp)}), net {shown.inr(trip.net)}.")
    if trip.break_even_move is None:
        say("No exit price earns the charges.")
        return
    move, price = shown.inr(trip.break_even_move, places=4), shown.inr(trip.break_even_price, places=4)
    say(f"Break-even: the price must move {move} in your favour, to {price}.")


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


def _draw_sessions(document: CalendarDocument) -> None:
    rows = []
    said = ""
    for session in document.sessions:
        remark = _remark(session.note, session.is_estimate)
        trading = [window for window in session.windows if window.kind == "continuous"]
        others = [window for window in session.windows if window.kind != "continuous"]
        # A remark that goes on for weeks is said once.
        rows.append((session.date, session.weekday, _spans(trading), _spans(others, named=True), "" if remark == said else remark))
        said = remark
    title = f"{document.exchange} {document.segment}: {len(rows)} sessions"
    write_table(("Date", "Day", "Trading (IST)", "Besides", "Note"), rows, title=title)
    coming = document.next_session
    trading = [window for window in coming.windows if window.kind == "continuous"]
    say(f"Next session: {coming.weekday} {coming.date} {_spans(trading)}".rstrip() + ".")


def _draw_holidays(document: CalendarDocument) -> None:
    rows = [(day.date, day.weekday, _remark(day.name or "not on record", day.is_estimate), day.source) for day in document.holidays]
    title = f"{document.exchange} {document.segment}: {len(rows)} weekdays without a session, {document.start} to {document.end}"
    write_table(("Date", "Day", "Holiday", "Source"), rows, title=title)


def _spans(windows: Sequence[WindowDocument], *, named: bool = False) -> str:
    spans = [(f"{_time(window.opens_at)}-{_time(window.closes_at)}", window.kind.replace("_", " ")) for window in windows]
    return ", ".join(f"{kind} {span}" if named else span for span, kind in spans)


def _remark(text: str, is_estimate: bool) -> str:
    return f"{text} (estimate)".strip() if is_estimate else text


def _time(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%H:%M}"
