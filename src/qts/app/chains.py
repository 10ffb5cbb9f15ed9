"""Option chains kept: quotes asked for of all contracts of the next expiries, and shown again as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from qts.app.chain_document import ChainQuote, ChainRecord, ChainSnapshotDocument, KeepChainRequest, Side
from qts.app.chain_files import ChainTaken, KeptChains
from qts.app.instruments import NotListed
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter, InputError
from qts.core.instrument import InstrumentId, exchange_of
from qts.data.instruments.listing import Listing, ListingKind
from qts.data.kite.client import KiteClient
from qts.data.kite.quotes import DepthLevel, Quote

# Contracts name an index otherwise than its own row of the broker's list does. A name is used only where that list has it.
_INDICES: Final = {
    "NIFTY": "NSE:NIFTY 50",
    "BANKNIFTY": "NSE:NIFTY BANK",
    "FINNIFTY": "NSE:NIFTY FIN SERVICE",
    "MIDCPNIFTY": "NSE:NIFTY MID SELECT",
    "NIFTYNXT50": "NSE:NIFTY NEXT 50",
    "SENSEX": "BSE:SENSEX",
    "BANKEX": "BSE:BANKEX",
}
_HOME_OF: Final = {"NFO": "NSE", "BFO": "BSE"}
_LAST_DAYS: Final = 5
_SIDES: Final[dict[ListingKind, Side]] = {ListingKind.CALL: "call", ListingKind.PUT: "put"}


class NoChain(InputError):
    """No option chain of this underlying is kept, or none of this day."""

    def __init__(self, underlying: str, *, on: date | None, until: time | None = None, days: Sequence[str] = ()) -> None:
        self.underlying = underlying
        self.on = on
        when = "" if on is None else f" of {on}" + ("" if until is None else f" until {until}")
        make = f'`qts jobs submit chain "underlying={underlying}"` keeps one now, by the next `qts worker`.'
        hint = f"There are some of {', '.join(days[-_LAST_DAYS:])}." if days else make
        super().__init__(f"No option chain of {underlying}{when} is kept.", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What to ask for."""

    exchange: str
    listed_on: date
    expiries: tuple[date, ...]
    contracts: tuple[Listing, ...]
    spot: InstrumentId | None


def keep_chain(workspace: Workspace, request: KeepChainRequest, client: KiteClient, *, check: Callable[[], object]) -> ChainRecord:
    """Ask for the quotes of an underlying's options and keep them, with those that had none named as such.

    Parameters
    ----------
    workspace : Workspace
        The home.
    request : KeepChainRequest
        What to ask for.
    client : KiteClient
        Who is asked.
    check : callable
        Called before anything is kept; raises where the job is to be left.

    Raises
    ------
    NotListed
        If the list of instruments has no options on the underlying.
    BadParameter
        If several exchanges list them and none is named.
    SourceError
        If quotes could not be had; nothing is kept then.
    StoreFull
        If there is no room.
    """
    asked_at = workspace.clock.now()
    plan = _planned(workspace, request, asked_at.astimezone(IST).date())
    names = [one.instrument for one in plan.contracts]
    found = client.quotes([*names, *([plan.spot] if plan.spot is not None else [])])
    check()
    quotes = [] if plan.spot is None else [_quote(plan.spot, "underlying", found.get(plan.spot))]
    quotes += [_quote(one.instrument, _SIDES[one.kind], found.get(one.instrument), listing=one) for one in plan.contracts]
    return KeptChains(workspace.settings.home, workspace.control.database).keep(
        ChainTaken(
            underlying=request.underlying,
            exchange=plan.exchange,
            asked_at=asked_at,
            source=request.source,
            listed_on=plan.listed_on.isoformat(),
            expiries=tuple(expiry.isoformat() for expiry in plan.expiries),
            quotes=tuple(quotes),
        )
    )


def list_chains(workspace: Workspace) -> tuple[ChainRecord, ...]:
    """Return the chains that are kept, oldest first."""
    return KeptChains(workspace.settings.home, workspace.control.database).records()


def show_chain(workspace: Workspace, underlying: str, *, on: date | None = None, until: time | None = None) -> ChainSnapshotDocument:
    """Return the last chain of an underlying that is kept: of all, or of a day in India, or of that day up to a time.

    Raises
    ------
    NoChain
        If there is none.
    BadParameter
        If a time is given without its day.
    DamagedFile
        If its file is not what was written.
    """
    if until is not None and on is None:
        raise BadParameter("at", until, "is a time without its day", hint="Name the day, too: --on 2026-11-20.")
    kept = KeptChains(workspace.settings.home, workspace.control.database)
    name = underlying.strip().upper()
    records = kept.records(name)
    days = tuple(dict.fromkeys(_moment(one).date().isoformat() for one in records))
    asked = [one for one in records if on is None or _moment(one).date() == on]
    # The time has no fraction of a second, as it is shown: what was asked for within that second is meant.
    asked = [one for one in asked if until is None or _moment(one).time().replace(microsecond=0) <= until]
    if not asked:
        raise NoChain(name, on=on, until=until, days=days)
    record = asked[-1]
    quotes = kept.quotes(record)
    return ChainSnapshotDocument(
        record=record,
        simulated=record.is_simulated,
        same_day=tuple(one.asked_at for one in records if _moment(one).date() == _moment(record).date()),
        spot=next((one for one in quotes if one.side == "underlying"), None),
        contracts=tuple(one for one in quotes if one.side != "underlying"),
    )


def _moment(record: ChainRecord) -> datetime:
    return datetime.fromisoformat(record.asked_at).astimezone(IST)


def _planned(workspace: Workspace, request: KeepChainRequest, today: date) -> _Plan:
    master, name = workspace.instruments, request.underlying
    expiries: list[date] = []
    contracts: list[Listing] = []
    for expiry in master.expiries(name, today, exchange=request.exchange):
        options = master.chain(name, expiry, today, exchange=request.exchange)
        if options:  # of some days there are futures only
            expiries.append(expiry)
            contracts += options
        if len(expiries) == request.expiries:
            break
    if not contracts:
        hint = f"`qts jobs submit instruments source={request.source}` keeps today's list, by the next `qts worker`."
        raise NotListed(f"An option on {name}", on=today, known=hint)
    exchanges = sorted({exchange_of(one.instrument).value for one in contracts})
    if len(exchanges) > 1:
        hint = f"Name one of {', '.join(exchanges)}: exchange={exchanges[0]}."
        raise BadParameter("exchange", "", f"options on {name} are listed at {' and '.join(exchanges)}", hint=hint)
    listed_on = max(dump.on for dump in master.dumps(exchanges[0]) if dump.on <= today)
    spot = InstrumentId(request.spot) if request.spot is not None else _spot_of(workspace, name, exchanges[0], today)
    return _Plan(exchange=exchanges[0], listed_on=listed_on, expiries=tuple(expiries), contracts=tuple(contracts), spot=spot)


def _spot_of(workspace: Workspace, underlying: str, exchange: str, today: date) -> InstrumentId | None:
    """Return the instrument that contracts are on; None where the list has none under its name: another one's price would mislead."""
    name = InstrumentId(_INDICES.get(underlying) or f"{_HOME_OF.get(exchange, exchange)}:{underlying}")
    return name if workspace.instruments.listing(name, today) is not None else None


def _quote(instrument: InstrumentId, side: Side, quote: Quote | None, *, listing: Listing | None = None) -> ChainQuote:
    about = {
        "expiry": None if listing is None or listing.expiry is None else listing.expiry.isoformat(),
        "strike": None if listing is None or listing.strike is None else float(listing.strike),
        "lot": None if listing is None else listing.lot,
    }
    if quote is None:
        return ChainQuote(instrument=instrument, side=side, quoted=False, **about)
    bid, ask = _best(quote.bids), _best(quote.asks)
    return ChainQuote(
        instrument=instrument,
        side=side,
        quoted=True,
        last_price=quote.last_price,
        open=quote.open,
        high=quote.high,
        low=quote.low,
        close=quote.close,
        volume=quote.volume,
        oi=quote.oi,
        bid=None if bid is None else bid.price,
        bid_quantity=None if bid is None else bid.quantity,
        ask=None if ask is None else ask.price,
        ask_quantity=None if ask is None else ask.quantity,
        traded_at=None if quote.traded_at is None else quote.traded_at.isoformat(),
        at=None if quote.at is None else quote.at.isoformat(),
        **about,
    )


def _best(levels: Sequence[DepthLevel]) -> DepthLevel | None:
    """Return the best level; an empty book is told as levels at price 0."""
    return levels[0] if levels and levels[0].price else None
