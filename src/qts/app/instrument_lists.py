"""Which instruments ``@NIFTY50`` or ``@mylist`` stands for in a run, and what must be said of a result on them.

The members of an index are those of the run's first day where they are on record. Everything else, a watchlist above all, was chosen by
somebody who knew how things went on: the run says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from qts.app.requests import BacktestRequest
from qts.app.run_document import ListPart
from qts.app.run_identity import text_hash
from qts.app.workspace import Workspace
from qts.core.clock import IST, session_date_of
from qts.core.errors import BadParameter
from qts.core.instrument import InstrumentId
from qts.data.instruments import Members, index_key
from qts.data.instruments.membership import BIASED
from qts.data.storage import SeriesInfo

_MAX_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The instruments of a run, each once, and the lists they came from."""

    instruments: tuple[InstrumentId, ...]
    lists: tuple[ListPart, ...]


def chosen_instruments(workspace: Workspace, request: BacktestRequest) -> Chosen:
    """Return the instruments that a request names, with its lists opened. Members of a list without bars are left out and told.

    Raises
    ------
    BadParameter
        If a list is unknown, its name stands for two, or none of its members has bars.
    """
    if not any(name.startswith("@") for name in request.instruments):
        return Chosen(instruments=tuple(InstrumentId(name) for name in request.instruments), lists=())
    stored = {info.key.instrument for info in workspace.store.series(as_of=request.as_of) if _serves(info, request)}
    found: list[InstrumentId] = []
    lists = []
    for name in request.instruments:
        if not name.startswith("@"):
            found.append(InstrumentId(name))
            continue
        part, members = open_list(workspace, name, request.start)
        held = [one for one in members if one in stored]
        if not held:
            hint = f"Import their prices, or choose another interval than {request.interval}."
            raise BadParameter(
                "instruments", name, f"none of its {len(members)} members on {part.on} has {request.interval} bars in the span", hint=hint
            )
        lists.append(part.model_copy(update={"left_out": tuple(one for one in members if one not in stored)}))
        found += held
    return Chosen(instruments=tuple(dict.fromkeys(found)), lists=tuple(lists))


def list_warnings(lists: Sequence[ListPart], interval: str) -> tuple[str, ...]:
    """Return what must be said of a result on instruments of lists."""
    return tuple(sentence for one in lists for sentence in _sentences(one, interval))


def lists_hash(lists: Sequence[ListPart]) -> str:
    """Return a short hash of the lists that instruments came from; empty where there are none."""
    return text_hash(json.dumps([one.model_dump() for one in lists], sort_keys=True)) if lists else ""


def open_list(
    workspace: Workspace, name: str, start: date | None, *, until: date | None = None
) -> tuple[ListPart, tuple[InstrumentId, ...]]:
    """Return what a name with its ``@`` stands for: the members of an index on a date, or on any day until another, or of a watchlist.

    Raises
    ------
    BadParameter
        If there is no such list, or its name stands for two.
    """
    kind, _, rest = name[1:].partition(":") if ":" in name else ("", "", name[1:])
    today = workspace.clock.now().astimezone(IST).date()
    index = _members(workspace, rest, start or today, until) if kind in {"", "index"} else None
    watched = [one for one in workspace.watchlists.all() if one.name.lower() == rest.lower()] if kind in {"", "list"} else []
    if index is not None and watched:
        hint = f"Write @index:{rest} or @list:{rest}."
        raise BadParameter("instruments", name, "is the name of an index and of a watchlist", hint=hint)
    if index is not None:
        doubt = index.doubt if start is not None else f"without a first date its members are those of {today}: {BIASED}"
        part = _part(f"@{index.index}", on=index.on, members=index.instruments, sources=index.sources, doubt=doubt)
        return part, index.instruments
    if watched:
        doubt = f"its instruments were chosen by {today}, in the knowledge of how they had done until then: {BIASED}"
        one = watched[0]
        return _part(f"@{one.name}", on=today, members=one.instruments, sources=("watchlist",), doubt=doubt), one.instruments
    raise _unknown(workspace, name, rest)


def _serves(info: SeriesInfo, request: BacktestRequest) -> bool:
    """Return whether a series has bars for the request."""
    if info.key.interval is not request.interval or request.prices not in {"auto", info.key.basis.value}:
        return False
    first, last = session_date_of(info.first_ts), session_date_of(info.last_ts)
    return (request.start is None or last >= request.start) and (request.end is None or first <= request.end)


def _sentences(one: ListPart, interval: str) -> Iterator[str]:
    if one.doubt:
        yield f"{one.name}: {one.doubt}."
    if one.left_out:
        more = len(one.left_out) - _MAX_SHOWN
        shown = ", ".join(one.left_out[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
        left_out = f"{len(one.left_out)} of its {one.members} members on {one.on} have no {interval} bars in the span"
        yield f"{one.name}: {left_out} ({shown}): where they are the ones that did badly, the result is flattered."


def _members(workspace: Workspace, name: str, start: date, until: date | None) -> Members | None:
    if until is None:
        return workspace.indices.members(name, start)
    return workspace.indices.members_between(name, start, until)


def _part(name: str, *, on: date, members: Sequence[InstrumentId], sources: Sequence[str], doubt: str) -> ListPart:
    return ListPart(name=name, on=on.isoformat(), members=len(members), left_out=(), sources=tuple(sources), doubt=doubt)


def _unknown(workspace: Workspace, name: str, rest: str) -> BadParameter:
    known = [f"@{info.index.replace(' ', '')}" for info in workspace.indices.indices()] + [
        f"@{one.name}" for one in workspace.watchlists.all()
    ]
    near = [one for one in known if index_key(one)[:3] == index_key(rest)[:3]] or known
    listed = f"There are {', '.join(near[:10])}. " if near else ""
    hint = f"{listed}`qts index import FILE` reads the members of an index, `qts watchlist add NAME INSTRUMENT` makes a list."
    return BadParameter("instruments", name, "there is no index and no watchlist of this name", hint=hint)
