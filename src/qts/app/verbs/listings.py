"""Instruments by date, their contracts and chains from a notebook."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from qts.app.chain_document import ChainRecord, ChainSnapshotDocument, KeptChainRequest
from qts.app.chains import list_chains, show_chain
from qts.app.continuous import ContinuousDocument, ContinuousRequest, continuous_bars
from qts.app.instrument_documents import (
    ChainDocument,
    ChainRequest,
    ChangeDocument,
    DumpDocument,
    DumpRequest,
    ExpiriesDocument,
    HitDocument,
    InstrumentDocument,
    InstrumentRequest,
    LoadedDocument,
    SearchRequest,
    UnderlyingRequest,
)
from qts.app.instruments import (
    decide_rename,
    import_dump,
    list_dumps,
    list_expiries,
    list_renames,
    option_chain,
    search_instruments,
    show_instrument,
    show_token,
)
from qts.app.instruments import import_renames as import_rename_list
from qts.app.requests import build
from qts.app.verbs.opening import Home, opened
from qts.core.instrument import parse_instrument


def import_instruments(file: Path | str, *, home: Home = None, **options: object) -> DumpDocument:
    """Read a broker's dump of instruments; ``on`` is the date it was made for, where its name does not tell."""
    with opened(home) as workspace:
        return import_dump(workspace, build(DumpRequest, path=file, **options))


def instruments(text: str, *, home: Home = None, **options: object) -> tuple[HitDocument, ...]:
    """Return the instruments that a person may mean who has typed so far, best first."""
    with opened(home) as workspace:
        return search_instruments(workspace, build(SearchRequest, text=text, **options))


def instrument(name: str, *, home: Home = None, **options: object) -> InstrumentDocument:
    """Return the lot, tick, token and expiry of an instrument as of a date, and its history under all its names."""
    with opened(home) as workspace:
        return show_instrument(workspace, build(InstrumentRequest, instrument=name, **options))


def expiries(underlying: str, *, home: Home = None, **options: object) -> ExpiriesDocument:
    """Return when the contracts on an underlying end, and its futures in order."""
    with opened(home) as workspace:
        return list_expiries(workspace, build(UnderlyingRequest, underlying=underlying, **options))


def chain(underlying: str, *, home: Home = None, **options: object) -> ChainDocument:
    """Return the options of one expiry by strike."""
    with opened(home) as workspace:
        return option_chain(workspace, build(ChainRequest, underlying=underlying, **options))


def continuous(underlying: str, *, home: Home = None, **options: object) -> ContinuousDocument:
    """Return one series from the stored futures on an underlying, each bar with the contract it is of."""
    with opened(home) as workspace:
        return continuous_bars(workspace, build(ContinuousRequest, underlying=underlying, **options))


def instrument_dumps(*, home: Home = None) -> tuple[LoadedDocument, ...]:
    """Return which dumps of instruments were read, oldest first."""
    with opened(home) as workspace:
        return list_dumps(workspace)


def instrument_of_token(token: int, *, on: date | None = None, home: Home = None) -> InstrumentDocument:
    """Return what a broker's token stood for on a date; tokens are given to others in time."""
    with opened(home) as workspace:
        return show_token(workspace, token, on)


def renames(*, home: Home = None) -> tuple[ChangeDocument, ...]:
    """Return the changes of symbols that are known or proposed, latest first."""
    with opened(home) as workspace:
        return list_renames(workspace)


def import_renames(file: Path | str, *, home: Home = None) -> tuple[ChangeDocument, ...]:
    """Confirm the changes of symbols that a file states, and return them."""
    with opened(home) as workspace:
        return import_rename_list(workspace, Path(file))


def confirm_rename(symbol: str, *, home: Home = None) -> tuple[ChangeDocument, ...]:
    """Confirm that a symbol has changed as it is proposed."""
    with opened(home) as workspace:
        return decide_rename(workspace, parse_instrument(symbol), confirmed=True)


def dismiss_rename(symbol: str, *, home: Home = None) -> tuple[ChangeDocument, ...]:
    """Dismiss a change of a symbol that is proposed and is none."""
    with opened(home) as workspace:
        return decide_rename(workspace, parse_instrument(symbol), confirmed=False)


def chains(*, home: Home = None) -> tuple[ChainRecord, ...]:
    """Return which option chains were kept, oldest first."""
    with opened(home) as workspace:
        return list_chains(workspace)


def kept_chain(underlying: str, *, home: Home = None, **options: object) -> ChainSnapshotDocument:
    """Return the last option chain that was kept of an underlying: of all, of ``on`` a date, or of that date up to ``at`` a time."""
    request = build(KeptChainRequest, underlying=underlying, **options)
    with opened(home) as workspace:
        return show_chain(workspace, request.underlying, on=request.on, until=request.at)
