"""``qts reconcile``: a broker's bills beside ours. With a file it opens no store and imports no array library."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DATA, DONE, FOUND
from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.reconciling import BillDocument, ReconciliationDocument

_SHOWN_IN_CAPITALS = frozenset({"stt", "gst", "dp", "ipft", "sebi"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reconcile")(reconcile)


def reconcile(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Tradebook or contract note (CSV), or a reply of the broker's API (JSON).", show_default=False),
    ] = None,
    *,
    broker: Annotated[bool, typer.Option("--broker", help="Ask the broker what today's trades cost, instead of a file.")] = False,
    mode: Annotated[str | None, typer.Option(help="Rounding: exact, contract_note, calculator or api; the file's own when absent.")] = None,
    on: Annotated[datetime | None, typer.Option(formats=DATE_FORMATS, help="Trade date of what carries none; today when absent.")] = None,
    as_json: Json = False,
) -> int:
    """Check a broker's bills against the schedule of charges. Ends with 5 if they differ, with 3 if rows could not be priced."""
    from qts.core.errors import BadParameter

    if broker is (file is not None):
        raise BadParameter("file", file or "", "is needed, or --broker, but not both", hint="Give a file, or --broker after `qts login`.")
    document = _of_broker(context, mode, on) if file is None else _of_file(file, mode, on)
    write_json(document) if as_json else _draw(document)
    return DATA if document.unpriced else FOUND if document.differing else DONE


def _of_file(file: Path, mode: str | None, on: datetime | None) -> ReconciliationDocument:
    from qts.app.clock import SystemClock
    from qts.app.reconciling import ReconcileRequest, reconcile_file
    from qts.app.requests import build

    return reconcile_file(build(ReconcileRequest, file=file, mode=mode, on=as_date(on)), SystemClock())


def _of_broker(context: typer.Context, mode: str | None, on: datetime | None) -> ReconciliationDocument:
    from qts.app.broker_bills import reconcile_broker
    from qts.app.reconciling import ReconcileOptions
    from qts.app.requests import build

    with opened(context) as workspace:
        return reconcile_broker(workspace, build(ReconcileOptions, mode=mode, on=as_date(on)))


def _draw(document: ReconciliationDocument) -> None:
    say(f"{Path(document.file).name}: {document.format}, rounding as {document.mode}")
    for bill in document.bills:
        say()
        _draw_bill(bill)
    if document.out_of_date:
        say("\nWhere our schedule looks out of date:")
        for one in document.out_of_date:
            say(f"- {one.sentence}")
    if document.fit is not None:
        say(f"\n{document.fit.sentence}")
    if document.unpriced:
        say()
        write_table(("Row", "Not priced, because"), [(str(one.row), one.reason) for one in document.unpriced], numeric=("Row",))
    for warning in document.warnings:
        note(f"Note: {warning}")
    say(f"\n{_counts(document)}")


def _draw_bill(bill: BillDocument) -> None:
    from qts.app import format as shown

    where = " ".join(part for part in (bill.exchange, bill.segment if bill.segment != bill.exchange else None, bill.instrument) if part)
    orders = "1 order" if bill.orders == 1 else f"{bill.orders} orders"
    rows = [
        (
            line.line.upper() if line.line in _SHOWN_IN_CAPITALS else line.line.capitalize(),
            "" if line.theirs is None else _rupees(line.theirs),
            _rupees(line.ours),
            "" if line.difference is None else _rupees(line.difference),
            f"{line.verdict}: {line.remark}" if line.remark else line.verdict,
        )
        for line in bill.lines
    ]
    numeric = ("Theirs", "Ours", "Difference")
    write_table(("Charge", *numeric, "Verdict"), rows, title=f"{shown.day(bill.date)} {where}, {orders}", numeric=numeric)
    for remark in bill.remarks:
        say(f"  {remark}")


def _rupees(amount: float) -> str:
    from qts.app import format as shown

    # Replies of the API are not rounded: what is below the paisa would look equal where it differs.
    is_whole = abs(amount * 100 - round(amount * 100)) < 1e-7  # noqa: PLR2004 - a float's noise
    return shown.inr(amount) if is_whole else f"{amount:.6f}".rstrip("0")


def _counts(document: ReconciliationDocument) -> str:
    if not document.bills:
        return "Nothing could be priced."
    if not document.agreeing + document.differing:
        return "The file states no charges, so there is nothing to compare; shown is what they should have been."
    parts = [f"{document.agreeing} agree", f"{document.differing} differ"]
    if document.not_compared:
        parts.append(f"{document.not_compared} state no charges")
    lost = f" Rows that could not be priced: {len(document.unpriced)}." if document.unpriced else ""
    return f"Bills: {', '.join(parts)}.{lost}"
