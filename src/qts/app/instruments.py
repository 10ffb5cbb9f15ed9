"""Instruments for programs and people: dumps read, instruments found and shown by date, expiries, chains, changed symbols."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from qts.app.instrument_documents import (
    ChainDocument,
    ChainRequest,
    ChainRow,
    ChangeDocument,
    DumpDocument,
    DumpRequest,
    ExpiriesDocument,
    HitDocument,
    InstrumentDocument,
    InstrumentRequest,
    KindName,
    ListingDocument,
    LoadedDocument,
    NameDocument,
    RejectedRowDocument,
    SearchRequest,
    UnderlyingRequest,
)
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter, InputError
from qts.core.instrument import InstrumentId, symbol_of
from qts.data.instruments import (
    ChangeState,
    DumpInfo,
    Hit,
    Listing,
    LoadReport,
    SymbolChange,
    date_in_name,
    read_dump,
    read_renames,
)
from qts.data.instruments.dump import Dump
from qts.data.storage.lookup import near_matches

_NEAR_CANDIDATES: Final = 50
_DATE_HINT: Final = "Say the date it was made for: --on 2026-11-20."


Names = tuple[tuple[InstrumentId, date | None, date | None], ...]


class NotListed(InputError):
    """No dump lists this instrument, or not on this date."""

    def __init__(self, instrument: str, *, on: date, near: Sequence[str] = (), known: str = "") -> None:
        self.instrument = instrument
        self.on = on
        self.near = tuple(near)
        hint = known or (f"Did you mean {', '.join(self.near)}?" if self.near else "`qts instruments import FILE` reads a broker's dump.")
        super().__init__(f"{instrument} is not listed on {on}.", hint=hint)


def import_dump(workspace: Workspace, request: DumpRequest) -> DumpDocument:
    """Read a broker's dump into the master, wholly or not at all.

    Raises
    ------
    BadParameter
        If its date is not known, or lies in the future.
    BadPath, BadFile
        If it cannot be read, is no such dump, or looks cut.
    """
    now = workspace.clock.now()
    on = request.on or date_in_name(request.path)
    if on is None:
        raise BadParameter("on", "", f"the name of {request.path.name} does not tell the date of the dump", hint=_DATE_HINT)
    if on > now.astimezone(IST).date():
        raise BadParameter("on", on, "lies in the future", hint=_DATE_HINT)
    dump = read_dump(request.path, on=on)
    report = workspace.instruments.load(dump, on=on, source=request.path.name, at=now, force=request.force)
    return _dump_document(request.path, on, dump, report)


def list_dumps(workspace: Workspace) -> tuple[LoadedDocument, ...]:
    """Return the dumps that were read, oldest first."""
    return tuple(_loaded(one) for one in workspace.instruments.dumps())


def search_instruments(workspace: Workspace, request: SearchRequest) -> tuple[HitDocument, ...]:
    """Return what a person may mean who has typed so far, best first; what is stored is found without any dump, too."""
    index = workspace.finder.index(workspace.instruments, workspace.store, _day(workspace, request.on))
    return tuple(_hit(hit) for hit in index.find(request.text, limit=request.limit))


def prepare_search(workspace: Workspace) -> None:
    """Make the index of today's searches ready, so that the first key is answered as soon as the next."""
    workspace.finder.index(workspace.instruments, workspace.store, _day(workspace, None))


def show_instrument(workspace: Workspace, request: InstrumentRequest) -> InstrumentDocument:
    """Return what is known of an instrument on a date, and all that is known of it under the names it had.

    Raises
    ------
    NotListed
        If no dump lists it under any of its names.
    """
    on, asked = _day(workspace, request.on), InstrumentId(request.instrument)
    names = _names(workspace, asked, on)
    history: list[Listing] = []
    for name, start, until in names:
        history += [one for one in workspace.instruments.listings(name) if _within(one, start, until)]
    if not history:
        raise NotListed(asked, on=on, near=_near(workspace, asked, on))
    held = [one for one in history if one.holds_on(on)]
    return InstrumentDocument(
        instrument=next(name for name, start, until in names if (start is None or start <= on) and (until is None or on < until)),
        on=on.isoformat(),
        listing=_listing(held[-1]) if held else None,
        names=tuple(NameDocument(instrument=name, start=_text(start), until=_text(until)) for name, start, until in names),
        history=tuple(_listing(one) for one in history),
    )


def show_token(workspace: Workspace, token: int, on: date | None) -> InstrumentDocument:
    """Return what a broker's token stood for on a date: tokens are given to others in time.

    Raises
    ------
    BadParameter
        If it stood for nothing.
    """
    day = _day(workspace, on)
    listing = workspace.instruments.by_token(token, day)
    if listing is None:
        raise BadParameter("token", token, f"stands for nothing that is listed on {day}", hint="Name the date on which it did: --on DATE.")
    return show_instrument(workspace, InstrumentRequest(instrument=listing.instrument, on=day))


def list_expiries(workspace: Workspace, request: UnderlyingRequest) -> ExpiriesDocument:
    """Return the days of expiry of an underlying's contracts that had not expired on a date, and its futures, nearest first.

    Raises
    ------
    NotListed
        If no contract on it is listed on the date.
    """
    on = _day(workspace, request.on)
    expiries = workspace.instruments.expiries(request.underlying, on, exchange=request.exchange)
    if not expiries:
        raise _no_contracts(workspace, request, on)
    futures = workspace.instruments.futures(request.underlying, on, exchange=request.exchange)
    return ExpiriesDocument(
        underlying=request.underlying.strip().upper(),
        on=on.isoformat(),
        expiries=tuple(expiry.isoformat() for expiry in expiries),
        futures=tuple(_listing(one) for one in futures),
    )


def option_chain(workspace: Workspace, request: ChainRequest) -> ChainDocument:
    """Return the options of one expiry by strike.

    Raises
    ------
    NotListed
        If no contract on the underlying is listed on the date.
    BadParameter
        If it has no options of this expiry.
    """
    on = _day(workspace, request.on)
    expiries = workspace.instruments.expiries(request.underlying, on, exchange=request.exchange)
    if not expiries:
        raise _no_contracts(workspace, request, on)
    expiry = request.expiry or expiries[0]
    options = workspace.instruments.chain(request.underlying, expiry, on, exchange=request.exchange)
    if not options:
        hint = f"Contracts on it end on {', '.join(str(one) for one in expiries[:8])}."
        raise BadParameter("expiry", expiry, f"{request.underlying.upper()} has no options of this expiry on {on}", hint=hint)
    return ChainDocument(underlying=options[0].name, on=on.isoformat(), expiry=expiry.isoformat(), rows=_chain_rows(options))


def list_renames(workspace: Workspace) -> tuple[ChangeDocument, ...]:
    """Return the changes of symbols that are known or proposed, latest first."""
    return tuple(_change(one) for one in workspace.symbol_changes.all())


def import_renames(workspace: Workspace, path: Path) -> tuple[ChangeDocument, ...]:
    """Confirm the changes of symbols that a file states, and return them.

    Raises
    ------
    BadPath, BadFile
        If the file cannot be read, or a row of it does not fit.
    """
    changes = read_renames(path)
    workspace.symbol_changes.put(changes)
    return tuple(_change(one) for one in changes)


def decide_rename(workspace: Workspace, symbol: InstrumentId, *, confirmed: bool) -> tuple[ChangeDocument, ...]:
    """Confirm or dismiss what is proposed of a symbol.

    Raises
    ------
    BadParameter
        If nothing is.
    """
    state = ChangeState.CONFIRMED if confirmed else ChangeState.DISMISSED
    return tuple(_change(one) for one in workspace.symbol_changes.decide(symbol, state))


def _day(workspace: Workspace, on: date | None) -> date:
    return on or workspace.clock.now().astimezone(IST).date()


def _names(workspace: Workspace, asked: InstrumentId, on: date) -> Names:
    """Return the names of what was traded under a name on a date; one that was given up may be another company's since."""
    names = workspace.symbol_changes.names(asked)
    # A name that was taken again counts from then on.
    given_up = [until for name, _, until in names if name == asked][-1]
    if given_up is None or on < given_up or workspace.instruments.listing(asked, on) is None:
        return names
    return ((asked, given_up, None),)


def _within(one: Listing, start: date | None, until: date | None) -> bool:
    return (until is None or one.first_on < until) and (start is None or one.until is None or one.until > start)


def _near(workspace: Workspace, instrument: InstrumentId, on: date) -> list[InstrumentId]:
    index = workspace.finder.index(workspace.instruments, workspace.store, on)
    symbol = symbol_of(instrument)
    # The beginning of a long symbol still finds its neighbours when its end is wrong.
    found = [hit.instrument for typed in (symbol, symbol[:4]) for hit in index.find(typed, limit=_NEAR_CANDIDATES)]
    return near_matches(instrument, list(dict.fromkeys(found)))


def _no_contracts(workspace: Workspace, request: UnderlyingRequest, on: date) -> NotListed:
    name = request.underlying.strip().upper()
    asked = f"A contract on {name}"
    spans = workspace.instruments.contract_spans(name)
    if not spans:
        known = [InstrumentId(f"NFO:{one}") for one in workspace.instruments.underlyings(on)]
        return NotListed(asked, on=on, near=[symbol_of(one) for one in near_matches(InstrumentId(f"NFO:{name}"), known)])
    there = {exchange: span for exchange, span in spans.items() if request.exchange in {None, exchange}}
    if not there:
        return NotListed(f"{asked} at {request.exchange}", on=on, known=f"Dumps list contracts on {name} at {' and '.join(sorted(spans))}.")
    listed = "; ".join(f"from {first} to {last} at {exchange}" for exchange, (first, last) in sorted(there.items()))
    made = sorted(dump.on for dump in workspace.instruments.dumps() if dump.exchange in there)
    covering = [day for day in made if day <= on]
    told = f"The last dump up to it is of {covering[-1]}" if covering else f"No dump covers it: the first one is of {made[0]}"
    return NotListed(asked, on=on, known=f"{told}. Dumps list contracts on {name} {listed}: name such a date with --on.")


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


_KINDS: Final[dict[str, KindName]] = {"EQ": "equity", "FUT": "future", "CE": "call", "PE": "put"}


def _hit(hit: Hit) -> HitDocument:
    kind = "index" if hit.is_index else _KINDS[hit.kind.value]
    return HitDocument(instrument=hit.instrument, name=hit.name, kind=kind, expiry=_text(hit.expiry))


def _listing(one: Listing) -> ListingDocument:
    return ListingDocument(
        instrument=one.instrument,
        name=one.name,
        kind="index" if one.is_index else _KINDS[one.kind.value],
        segment=one.segment,
        token=one.token,
        lot=one.lot,
        tick=None if one.tick is None else float(one.tick),
        expiry=_text(one.expiry),
        strike=None if one.strike is None else float(one.strike),
        start=one.first_on.isoformat(),
        until=_text(one.until),
        price_band=None if one.band is None else float(one.band),
    )


def _chain_rows(options: Sequence[Listing]) -> tuple[ChainRow, ...]:
    sides: dict[float, dict[str, Listing]] = {}
    for one in options:
        sides.setdefault(float(one.strike or 0), {})[_KINDS[one.kind.value]] = one
    return tuple(
        ChainRow(
            strike=strike,
            call=both["call"].instrument if "call" in both else None,
            put=both["put"].instrument if "put" in both else None,
            lot=next(iter(both.values())).lot,
        )
        for strike, both in sides.items()
    )


def _change(one: SymbolChange) -> ChangeDocument:
    return ChangeDocument(old=one.old, new=one.new, on=one.on.isoformat(), state=one.state.value, evidence=one.evidence, source=one.source)


def _loaded(one: DumpInfo) -> LoadedDocument:
    return LoadedDocument(
        exchange=one.exchange, on=one.on.isoformat(), source=one.source, rows=one.n_rows, rejected=one.n_rejected, sha256=one.sha256
    )


def _dump_document(path: Path, on: date, dump: Dump, report: LoadReport) -> DumpDocument:
    return DumpDocument(
        path=str(path),
        on=on.isoformat(),
        rows_read=dump.n_read,
        rejected_count=dump.n_rejected,
        rejected=tuple(RejectedRowDocument(row=one.row, reason=one.reason) for one in dump.rejected),
        exchanges=dict(report.exchanges),
        unchanged=report.unchanged,
        new=report.new,
        ended=report.ended,
        renames=tuple(_change(one) for one in report.renames),
        notes=report.notes,
    )
