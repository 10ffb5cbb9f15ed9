"""``qts watchlist`` and ``qts index``: a person's lists of instruments, and the members of indices by date."""

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

    from qts.app.watching import IndexDocument, WatchlistDocument

Name = Annotated[str, typer.Argument(help="Name of the watchlist; capital and small letters are the same.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    lists = typer.Typer(no_args_is_help=True, help="Your own lists of instruments; a run takes one as --instruments @NAME.")
    lists.command("list")(list_)
    lists.command("show")(show)
    lists.command("add")(add)
    lists.command("remove")(remove)
    lists.command("import")(import_)
    app.add_typer(lists, name="watchlist")
    indices = typer.Typer(no_args_is_help=True, help="Members of indices by date; a run takes those of its first day: --instruments @NAME.")
    indices.command("list")(list_indices_)
    indices.command("members")(members)
    indices.command("import")(import_members_)
    app.add_typer(indices, name="index")


def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the watchlists."""
    from qts.app.watching import list_watchlists

    with opened(context) as workspace:
        found = list_watchlists(workspace)
    if as_json:
        write_json(found)
    elif found:
        write_table(("Name", "Instruments"), [(one.name, str(len(one.instruments))) for one in found], numeric=("Instruments",))
    else:
        say("There is no watchlist. `qts watchlist add NAME INSTRUMENT` makes one.")


def show(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Show the instruments of a watchlist."""
    from qts.app.watching import show_watchlist

    with opened(context) as workspace:
        found = show_watchlist(workspace, name)
    _draw(found, as_json=as_json)


def add(
    context: typer.Context,
    name: Name,
    instruments: Annotated[list[str], typer.Argument(help="Instruments to add, as EXCHANGE:SYMBOL.")],
    *,
    as_json: Json = False,
) -> None:
    """Add instruments to a watchlist, which is made where there is none."""
    from qts.app.requests import build
    from qts.app.watching import WatchlistRequest, add_to_watchlist

    request = build(WatchlistRequest, name=name, instruments=instruments)
    with opened(context) as workspace:
        found = add_to_watchlist(workspace, request)
    _draw(found, as_json=as_json)


def remove(
    context: typer.Context,
    name: Name,
    instruments: Annotated[list[str] | None, typer.Argument(help="Instruments to take out; the whole list goes when absent.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Take instruments out of a watchlist, or remove it."""
    from qts.app.watching import remove_from_watchlist
    from qts.core.instrument import parse_instrument

    chosen = tuple(parse_instrument(one) for one in instruments) if instruments else None
    with opened(context) as workspace:
        left = remove_from_watchlist(workspace, name, chosen)
    if left is not None:
        _draw(left, as_json=as_json)
    elif as_json:
        write_json({"removed": name})
    else:
        say(f"The watchlist {name} is removed.")


def import_(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="File with one instrument per line, or a CSV whose first column names them.")],
    *,
    as_json: Json = False,
) -> None:
    """Add the instruments of a file to a watchlist."""
    from qts.app.watching import import_watchlist

    with opened(context) as workspace:
        found = import_watchlist(workspace, name, file)
    _draw(found, as_json=as_json)


def list_indices_(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the indices whose members are known."""
    from qts.app.watching import list_indices

    with opened(context) as workspace:
        found = list_indices(workspace)
    write_json(found) if as_json else _draw_indices(found)


def members(
    context: typer.Context,
    index: Annotated[str, typer.Argument(help="Name of the index, such as NIFTY50 or 'NIFTY 50'.")],
    *,
    on: Annotated[datetime | None, typer.Option(formats=DATE_FORMATS, help="Date in India; today when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Show the members of an index on a date, and whether they are those of the date."""
    from qts.app.watching import index_members

    with opened(context) as workspace:
        found = index_members(workspace, index, as_date(on))
    if as_json:
        write_json(found)
        return
    say(f"{found.index} on {found.on}: {len(found.members)} members (source: {', '.join(found.sources)})")
    for one in found.members:
        say(f"  {one}")
    if found.warning is not None:
        note(f"Warning: {found.warning}.")


def import_members_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV of index,instrument,from,to,source; an empty `to` is still a member.")],
    *,
    as_json: Json = False,
) -> None:
    """Keep the members that a file lists as all that is known of its indices."""
    from qts.app.watching import import_members

    with opened(context) as workspace:
        document = import_members(workspace, file)
    if as_json:
        write_json(document)
        return
    say(f"{document.path}: {document.rows} rows, {document.changed} changed.")
    _draw_indices(document.indices)


def _draw(found: WatchlistDocument, *, as_json: bool) -> None:
    if as_json:
        write_json(found)
        return
    say(f"{found.name}: {len(found.instruments)} instruments")
    for one in found.instruments:
        say(f"  {one}")


def _draw_indices(found: Sequence[IndexDocument]) -> None:
    if not found:
        say("The members of no index are known. `qts index import FILE` reads them.")
        return
    rows = [(one.index, str(one.members), one.first, ", ".join(one.sources)) for one in found]
    write_table(("Index", "Members now", "Known from", "Source"), rows, numeric=("Members now",))
