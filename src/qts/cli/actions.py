"""``qts actions``: splits, bonuses, demergers, rights and dividends."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qts.app.actions import ActionDocument, ActionsImportDocument

_SHOWN_REFUSALS = 20
Ids = Annotated[list[str], typer.Argument(metavar="ID", help="Ids of actions, such as NSE:INFY/2018-09-04/split.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Corporate actions: splits, bonuses, demergers, rights and dividends.")
    group.command("list")(list_)
    group.command("suspected")(suspected)
    group.command("import")(import_)
    group.command("confirm")(confirm)
    group.command("reject")(reject)
    app.add_typer(group, name="actions")


def list_(
    context: typer.Context,
    instruments: Annotated[list[str] | None, typer.Argument(help="Only those of these instruments, as EXCHANGE:SYMBOL.")] = None,
    *,
    state: Annotated[str | None, typer.Option(help="Only those in this state: confirmed, suspected or rejected.")] = None,
    known_on: Annotated[datetime | None, typer.Option(formats=DATE_FORMATS, help="What was known at the end of this date.")] = None,
    as_json: Json = False,
) -> None:
    """Show what is known of corporate actions, or was known on a date."""
    from qts.app.actions import ActionsRequest, list_actions
    from qts.app.requests import build

    request = build(ActionsRequest, instruments=instruments or None, state=state, known_on=as_date(known_on))
    with opened(context) as workspace:
        documents = list_actions(workspace, request)
    _show(documents, as_json=as_json, empty="No corporate action is known. `qts actions import FILE` reads a list of them.")


def suspected(
    context: typer.Context,
    instruments: Annotated[list[str] | None, typer.Argument(help="Look at these instruments only, as EXCHANGE:SYMBOL.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Look for corporate actions in the stored raw prices. What is found is told, and applied only once it is confirmed."""
    from qts.app.actions import ActionsRequest, suspect_actions
    from qts.app.requests import build

    request = build(ActionsRequest, instruments=instruments or None)
    with opened(context) as workspace:
        documents = suspect_actions(workspace, request)
    _show(documents, as_json=as_json, empty="Nothing is suspected.")
    if documents and not as_json:
        say("`qts actions confirm ID` applies one from now on, `qts actions reject ID` lets it rest.")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="File to read, CSV or JSON.")],
    *,
    exchange: Annotated[str, typer.Option(help="Exchange of symbols that do not name one.")] = "NSE",
    as_json: Json = False,
) -> None:
    """Confirm the corporate actions that a file states: our own columns, or an exchange's list. Importing it again changes nothing."""
    from qts.app.actions import ActionsImportRequest, import_actions
    from qts.app.requests import build

    request = build(ActionsImportRequest, path=file, exchange=exchange)
    with opened(context) as workspace:
        document = import_actions(workspace, request)
    write_json(document) if as_json else _draw_import(document)


def confirm(
    context: typer.Context,
    ids: Ids,
    *,
    kind: Annotated[str | None, typer.Option(help="What it was: split, bonus, rights, demerger or dividend.")] = None,
    ratio: Annotated[str | None, typer.Option(help="New to held of a bonus or rights, as 1:2; face values of a split, as 10->2.")] = None,
    cash: Annotated[str | None, typer.Option(help="Dividend in rupees a share.")] = None,
    price: Annotated[str | None, typer.Option(help="Price of a new share of a rights issue.")] = None,
    factor: Annotated[str | None, typer.Option(help="What prices before are multiplied by, of a demerger or rights.")] = None,
    as_json: Json = False,
) -> None:
    """Confirm suspected actions, or one on better terms: from now on they are applied."""
    from qts.app.actions import ConfirmRequest, confirm_action
    from qts.app.requests import build

    terms = {"kind": kind, "ratio": ratio, "cash": cash, "price": price, "factor": factor}
    requests = [build(ConfirmRequest, id=one, **terms) for one in ids]
    with opened(context) as workspace:
        documents = [confirm_action(workspace, request) for request in requests]
    _show(documents, as_json=as_json)


def reject(context: typer.Context, ids: Ids, *, as_json: Json = False) -> None:
    """Reject actions: they are neither applied nor told of again."""
    from qts.app.actions import RejectRequest, reject_action
    from qts.app.requests import build

    requests = [build(RejectRequest, id=one) for one in ids]
    with opened(context) as workspace:
        documents = [reject_action(workspace, request) for request in requests]
    _show(documents, as_json=as_json)


def _show(documents: Sequence[ActionDocument], *, as_json: bool, empty: str = "") -> None:
    from qts.app import format as shown

    if as_json:
        write_json(list(documents))
        return
    if not documents:
        say(empty)
        return
    rows = [
        (
            one.id,
            _terms(one),
            "" if one.factor is None else shown.number(one.factor, places=4),
            one.state,
            "" if one.confidence is None else shown.number(one.confidence, places=2),
            one.source,
        )
        for one in documents
    ]
    write_table(("Id", "Terms", "Factor", "State", "Confidence", "Source"), rows, numeric=("Factor", "Confidence"))


def _terms(one: ActionDocument) -> str:
    if one.kind == "dividend":
        return f"{one.cash:g} rupees a share"
    if one.kind in {"split", "bonus"}:
        return f"{one.ratio:.6g} shares for one"
    if one.kind == "rights" and one.price is not None:
        return f"{one.ratio:.6g} shares for one, new ones at {one.price:g}"
    return "by the price factor"


def _draw_import(document: ActionsImportDocument) -> None:
    counts = f"{document.new} new, {document.changed} changed, {document.unchanged} known already"
    say(f"{Path(document.path).name}: {document.rows_read} rows, {document.actions} actions: {counts}.")
    if document.ended:
        say(f"{document.ended} that were only found in prices gave way to them.")
    if document.other:
        say(f"{document.other} rows are about other things than shares and dividends.")
    for refusal in document.rejected[:_SHOWN_REFUSALS]:
        note(f"Row {refusal.row} refused: {refusal.reason}")
    if document.rejected_count > _SHOWN_REFUSALS:
        note(f"{document.rejected_count - _SHOWN_REFUSALS} more rows were refused; --json lists them.")
