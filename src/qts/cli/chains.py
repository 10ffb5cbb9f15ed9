"""``qts chains``: option chains as they were quoted when they were kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import DATE_FORMATS, Json, as_date
from qts.cli.output import note, say, write_json, write_table
from qts.cli.shell import opened
from qts.core.clock import IST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qts.app.chain_document import ChainQuote, ChainRecord, ChainSnapshotDocument

_TIMES = ["%H:%M", "%H:%M:%S"]
_COLUMNS = ("Expiry", "Call OI", "Call bid", "Call ask", "Call last", "Strike", "Put last", "Put bid", "Put ask", "Put OI")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("chains")(chains)


def chains(
    context: typer.Context,
    underlying: Annotated[str | None, typer.Argument(help="Underlying, such as NIFTY, whose quotes are shown; a list when absent.")] = None,
    *,
    on: Annotated[datetime | None, typer.Option("--on", formats=DATE_FORMATS, help="Date in India; the last one when absent.")] = None,
    at: Annotated[
        datetime | None, typer.Option("--at", formats=_TIMES, help="Show the last one of that date up to this time in India.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show option chains that were kept: which there are, or the quotes of one."""
    from qts.app.chains import list_chains, show_chain

    if underlying is None:
        with opened(context) as workspace:
            records = list_chains(workspace)
        write_json(records) if as_json else _draw_list(records)
        return
    with opened(context) as workspace:
        document = show_chain(workspace, underlying, on=as_date(on), until=None if at is None else at.time())
    write_json(document) if as_json else _draw(document)


def _draw_list(records: Sequence[ChainRecord]) -> None:
    from qts.app import format as shown

    if not records:
        say("No option chain is kept. `qts jobs submit chain underlying=NIFTY` keeps one now, by the next `qts worker`.")
        return
    rows = [
        (one.underlying, one.exchange, shown.ist(one.asked_at), ", ".join(one.expiries), f"{one.n_quoted} of {one.n_contracts}", one.source)
        for one in records
    ]
    write_table(("Underlying", "Exchange", "Asked", "Expiries", "Quoted", "Source"), rows)


def _draw(document: ChainSnapshotDocument) -> None:
    from qts.app import format as shown

    record, spot = document.record, document.spot
    simulated = ", SIMULATED PRICES" if document.simulated else ""
    say(f"{record.underlying} at {record.exchange}, quoted {shown.ist(record.asked_at)} by {record.source}{simulated}")
    if spot is None:
        note("No instrument is listed under the underlying's name: its own price was not asked for (`spot=` of the job names one).")
    else:
        say(f"{spot.instrument}: {shown.number(spot.last_price)}" if spot.quoted else f"{spot.instrument}: no quote")
    write_table(_COLUMNS, _rows(document.contracts), numeric=_COLUMNS[1:])
    if record.n_quoted < record.n_contracts:
        note(
            f"{record.n_contracts - record.n_quoted} of {record.n_contracts} contracts had no quote: unknown to the source or never traded."
        )
    if len(document.same_day) > 1:
        others = ", ".join(datetime.fromisoformat(one).astimezone(IST).strftime("%H:%M:%S") for one in document.same_day)
        note(f"Kept of that day: {others}; `--on DATE --at TIME` shows an earlier one.")


def _rows(contracts: Sequence[ChainQuote]) -> list[tuple[str, ...]]:
    from qts.app import format as shown

    strikes: dict[tuple[str, float], dict[str, ChainQuote]] = {}
    for one in contracts:
        strikes.setdefault((one.expiry or "", one.strike or 0.0), {})[one.side] = one

    def price(one: ChainQuote | None, name: str) -> str:
        return "" if one is None else shown.number(getattr(one, name))

    def count(one: ChainQuote | None) -> str:
        return "" if one is None else shown.number(one.oi, places=0)

    return [
        (
            expiry,
            count(both.get("call")),
            *(price(both.get("call"), name) for name in ("bid", "ask", "last_price")),
            shown.number(strike),
            *(price(both.get("put"), name) for name in ("last_price", "bid", "ask")),
            count(both.get("put")),
        )
        for (expiry, strike), both in strikes.items()
    ]
