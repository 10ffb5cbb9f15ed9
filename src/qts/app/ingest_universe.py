"""Which instruments a download is of: those named, and what ``@NIFTY50``, ``@mylist`` and ``@fo`` stand for.

A download is for backtests of any part of its span, so that a list is opened for all of it: whatever was on it on any day. Those that are
not there any more are what makes a result honest, and what a source often does not list: the document says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from qts.app.ingest_document import IngestRequest
from qts.app.instrument_lists import open_list
from qts.app.run_document import ListPart
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter
from qts.core.instrument import Exchange, InstrumentId
from qts.data.instruments.membership import BIASED
from qts.market.listing import index_names

FO: Final = "@fo"
"""The shares that have futures."""
_MAX_SHOWN: Final = 5
_RECENT: Final = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """The instruments of a download, each once, the lists that some came from, and which came from a list only."""

    instruments: tuple[InstrumentId, ...]
    lists: tuple[ListPart, ...] = ()
    members: frozenset[InstrumentId] = field(default_factory=frozenset)

    def without(self, missing: Sequence[InstrumentId]) -> tuple[ListPart, ...]:
        """Return the lists with those among their members that the source does not list."""
        found = []
        for part in self.lists:
            gone = set(part.left_out)
            found.append(part.model_copy(update={"left_out": tuple(name for name in missing if name in gone)}))
        return tuple(found)


def open_universe(workspace: Workspace, request: IngestRequest) -> Universe:
    """Return what a request names, with its lists opened for the dates of the request.

    Raises
    ------
    BadParameter
        If a list is unknown, or its name stands for two, or no list of contracts is stored.
    """
    if not any(name.startswith("@") for name in request.instruments):
        return Universe(instruments=tuple(InstrumentId(name) for name in request.instruments))
    until = request.end or workspace.clock.now().astimezone(IST).date()
    found: list[InstrumentId] = []
    lists: list[ListPart] = []
    named = {InstrumentId(name) for name in request.instruments if not name.startswith("@")}
    for name in request.instruments:
        if not name.startswith("@"):
            found.append(InstrumentId(name))
            continue
        is_fo = name.lower() == FO
        part, members = _contracts(workspace, request.first, until) if is_fo else open_list(workspace, name, request.first, until=until)
        # Which of them are missing is known once the source was asked; until then each may be.
        lists.append(part.model_copy(update={"left_out": members}))
        found += members
    return Universe(instruments=tuple(dict.fromkeys(found)), lists=tuple(lists), members=frozenset(found) - named)


def universe_warnings(lists: Sequence[ListPart], source: str) -> tuple[str, ...]:
    """Return what must be said of whatever is computed on these lists."""
    told: list[str] = []
    for one in lists:
        if one.doubt:
            told.append(f"{one.name}: {one.doubt}.")
        if one.left_out:
            more = len(one.left_out) - _MAX_SHOWN
            shown = ", ".join(one.left_out[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
            told.append(
                f"{one.name}: {len(one.left_out)} of its {one.members} members are not listed by {source} today ({shown}), so that their "
                f"bars cannot be had from there: where they are the ones that did badly, a result on the others is flattered."
            )
    return tuple(told)


def _contracts(workspace: Workspace, first: date, last: date) -> tuple[ListPart, tuple[InstrumentId, ...]]:
    """Return the shares that had futures on any day of a span, out of the stored lists of NSE's contracts."""
    dumps = workspace.instruments.dumps(Exchange.NFO.value)
    if not dumps:
        hint = "`qts instruments import FILE` reads a broker's list; a schedule of `instruments` keeps it every morning."
        raise BadParameter("instruments", FO, "no list of NSE's contracts (NFO) is stored", hint=hint)
    known_from, known_until = dumps[0].on, dumps[-1].on
    start = max(first, known_from)
    names = workspace.instruments.names_of_futures(Exchange.NFO.value, start, max(last, start))
    members = tuple(InstrumentId(f"{Exchange.NSE}:{name}") for name in names if name not in index_names(Exchange.NFO))
    doubt = ""
    if first < known_from:
        doubt = f"which shares had futures before {known_from} is not on record, and these are those of that day on: {BIASED}"
    elif last - known_until > _RECENT:
        doubt = f"no list of contracts after {known_until} is stored, so that shares that came later are missing"
    sources = tuple(dict.fromkeys(one.source for one in dumps if start <= one.on <= last)) or (dumps[0].source,)
    return ListPart(name=FO, on=start.isoformat(), members=len(members), left_out=(), sources=sources, doubt=doubt), members
