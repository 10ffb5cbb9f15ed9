"""``qts instruments``: what brokers listed by date, found and shown."""

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

    from qts.app.instrument_documents import ChangeDocument, DumpDocument, InstrumentDocument, ListingDocument

_SHOWN_REJECTS = 20
On = Annotated[datetime | None, typer.Option("--on", formats=DATE_FORMATS, help="Date in India; today when absent.")]
Underlying = Annotated[str, typer.Argument(help="Underlying, such as NIFTY.")]
OfExchange = Annotated[str | None, typer.Option("--exchange", help="Only contracts of this exchange, such as NFO.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Instruments by date: dumps of brokers, search, lots and ticks, expiries, chains.")
    group.command("import")(import_)
    group.command("search")(search)
    group.command("show")(show)
    group.command("token")(token_)
    group.command("expiries")(expiries)
    group.command("chain")(chain)
    group.command("renames")(renames)
    group.command("dumps")(dumps)
    app.add_typer(group, name="instruments")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Kite's CSV of instruments, plain or gzipped.")],
    *,
    on: Annotated[
        datetime | None, typer.Option(formats=DATE_FORMATS, help="Date the dump was made for; that in the file's name when absent.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take a dump that has fewer than half the rows of the one before.")] = False,
    as_json: Json = False,
) -> None:
    """Read a broker's dump of instruments, in any order of dates. Reading it again changes nothing."""
    from qts.app.instrument_documents import DumpRequest
    from qts.app.instruments import import_dump
    from qts.app.requests import build

    request = build(DumpRequest, path=file, on=as_date(on), force=force)
    with opened(context) as workspace:
        document = import_dump(workspace, request)
    write_json(document) if as_json else _draw_dump(document)


def search(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(help="Beginnings of words, such as NIFTY 24500 CE; NSE: before them keeps to one exchange.")],
    *,
    on: On = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Find instruments by symbol and name; also those that are stored and in no dump."""
    from qts.app.instrument_documents import SearchRequest
    from qts.app.instruments import search_instruments
    from qts.app.requests import build

    request = build(SearchRequest, text=" ".join(text), on=as_date(on), limit=limit)
    with opened(context) as workspace:
        hits = search_instruments(workspace, request)
    if as_json:
        write_json(hits)
    elif hits:
        write_table(("Instrument", "Name", "Kind", "Expiry"), [(hit.instrument, hit.name, hit.kind, hit.expiry or "") for hit in hits])
    else:
        say("Nothing is found. `qts instruments import FILE` reads a broker's dump.")


def show(
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="Instrument, as EXCHANGE:SYMBOL, under any name it had.")],
    *,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Show the lot, tick, token and expiry of an instrument as of a date, and its history under all its names."""
    from qts.app.instrument_documents import InstrumentRequest
    from qts.app.instruments import show_instrument
    from qts.app.requests import build

    request = build(InstrumentRequest, instrument=instrument, on=as_date(on))
    with opened(context) as workspace:
        document = show_instrument(workspace, request)
    write_json(document) if as_json else _draw_instrument(document)


def token_(
    context: typer.Context,
    token: Annotated[int, typer.Argument(help="Token of the broker.")],
    *,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Show what a broker's token stood for on a date; tokens are given to others in time."""
    from qts.app.instruments import show_token

    with opened(context) as workspace:
        document = show_token(workspace, token, as_date(on))
    write_json(document) if as_json else _draw_instrument(document)


def expiries(context: typer.Context, underlying: Underlying, *, on: On = None, exchange: OfExchange = None, as_json: Json = False) -> None:
    """Show when the contracts on an underlying end, and its futures in order."""
    from qts.app.instrument_documents import UnderlyingRequest
    from qts.app.instruments import list_expiries
    from qts.app.requests import build

    request = build(UnderlyingRequest, underlying=underlying, on=as_date(on), exchange=exchange)
    with opened(context) as workspace:
        document = list_expiries(workspace, request)
    if as_json:
        write_json(document)
        return
    say(f"{document.underlying} on {document.on}: {', '.join(document.expiries)}")
    _draw_listings(document.futures)


def chain(
    context: typer.Context,
    underlying: Underlying,
    *,
    expiry: Annotated[datetime | None, typer.Option(formats=DATE_FORMATS, help="Day of expiry; the nearest when absent.")] = None,
    on: On = None,
    exchange: OfExchange = None,
    as_json: Json = False,
) -> None:
    """Show the options of one expiry by strike."""
    from qts.app import format as shown
    from qts.app.instrument_documents import ChainRequest
    from qts.app.instruments import option_chain
    from qts.app.requests import build

    request = build(ChainRequest, underlying=underlying, expiry=as_date(expiry), on=as_date(on), exchange=exchange)
    with opened(context) as workspace:
        document = option_chain(workspace, request)
    if as_json:
        write_json(document)
        return
    rows = [(row.call or "", shown.number(row.strike, places=2), row.put or "", str(row.lot or "")) for row in document.rows]
    title = f"{document.underlying}, options of {document.expiry} as listed on {document.on}"
    write_table(("Call", "Strike", "Put", "Lot"), rows, title=title, numeric=("Strike", "Lot"))


def renames(
    context: typer.Context,
    *,
    file: Annotated[Path | None, typer.Option("--import", help="CSV of old,new,on[,source] to confirm.")] = None,
    confirm: Annotated[str | None, typer.Option(help="Symbol whose proposed change is one, as EXCHANGE:SYMBOL.")] = None,
    dismiss: Annotated[str | None, typer.Option(help="Symbol whose proposed change is none.")] = None,
    as_json: Json = False,
) -> None:
    """Show, confirm or dismiss changes of symbols. Those that dumps suggest are only proposed."""
    from qts.app.instruments import decide_rename, import_renames, list_renames
    from qts.core.instrument import parse_instrument

    with opened(context) as workspace:
        if file is not None:
            import_renames(workspace, file)
        if confirm is not None:
            decide_rename(workspace, parse_instrument(confirm), confirmed=True)
        if dismiss is not None:
            decide_rename(workspace, parse_instrument(dismiss), confirmed=False)
        changes = list_renames(workspace)
    write_json(changes) if as_json else _draw_changes(changes)


def dumps(context: typer.Context, *, as_json: Json = False) -> None:
    """Show which dumps were read."""
    from qts.app.instruments import list_dumps

    with opened(context) as workspace:
        found = list_dumps(workspace)
    if as_json:
        write_json(found)
    elif found:
        rows = [(one.exchange, one.on, f"{one.rows:,}", str(one.rejected), one.source) for one in found]
        write_table(("Exchange", "Date", "Rows", "Rejected", "Source"), rows, numeric=("Rows", "Rejected"))
    else:
        say("No dump was read. `qts instruments import FILE` reads one.")


def _draw_dump(document: DumpDocument) -> None:
    held = ", ".join(f"{exchange} {count:,}" for exchange, count in sorted(document.exchanges.items()))
    say(f"{document.path}, as of {document.on}: {document.rows_read:,} rows read; {held}.")
    say("Nothing has changed." if document.unchanged else f"{document.new:,} listings are new, {document.ended:,} have ended.")
    for one in document.rejected[:_SHOWN_REJECTS]:
        note(f"  row {one.row}: {one.reason}")
    if document.rejected_count > _SHOWN_REJECTS:
        note(f"  {document.rejected_count:,} rows were rejected in all.")
    for text in document.notes:
        note(f"Note: {text}")
    if document.renames:
        _draw_changes(document.renames)
        say("`qts instruments renames --confirm SYMBOL` takes one over.")


def _draw_instrument(document: InstrumentDocument) -> None:
    say(f"{document.instrument} on {document.on}")
    if document.listing is None:
        say("It was not listed on that date.")
    if len(document.names) > 1:
        say("Names: " + "; ".join(f"{name.instrument} until {name.until}" if name.until else name.instrument for name in document.names))
    _draw_listings(document.history)


def _draw_listings(listings: Sequence[ListingDocument]) -> None:
    columns = ("Instrument", "Name", "Kind", "Lot", "Tick", "Expiry", "Token", "From", "Until")
    rows = [
        (
            one.instrument,
            one.name,
            one.kind,
            str(one.lot or ""),
            "" if one.tick is None else f"{one.tick:g}",
            one.expiry or "",
            str(one.token),
            one.start,
            one.until or "",
        )
        for one in listings
    ]
    write_table(columns, rows, numeric=("Lot", "Tick", "Token"))
    for one in (one for one in listings if one.price_band is not None):
        band = f"{one.price_band:.4g} of the previous close" if one.price_band else "none"
        say(f"Price band from {one.start}: {band}.")


def _draw_changes(changes: Sequence[ChangeDocument]) -> None:
    if not changes:
        say("No change of a symbol is known or proposed.")
        return
    rows = [(one.old, one.new, one.on, one.state, one.evidence) for one in changes]
    write_table(("Old", "New", "From", "State", "Evidence"), rows)
