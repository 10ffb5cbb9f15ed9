"""Watchlists and members of indices for programs and people."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from qts.app.requests import InstrumentTexts, Request
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadFile, BadParameter, BadPath
from qts.core.instrument import InstrumentId, parse_instrument
from qts.data.instruments import MAX_ITEMS, Watchlist, index_key, read_members

_FILE_HINT: Final = "Write one instrument per line, such as NSE:INFY; a first line `instrument` and more columns may stand there."
_MAX_BYTES: Final = 1 << 20


def _named(value: object) -> object:
    return value.strip().removeprefix("@") if isinstance(value, str) else value


ListName = Annotated[str, BeforeValidator(_named)]


class WatchlistRequest(Request):
    """A watchlist and instruments to put in or take out."""

    name: ListName = Field(description="Name of the watchlist.")
    instruments: InstrumentTexts = Field(description="Instruments, as EXCHANGE:SYMBOL.")


class WatchlistDocument(BaseModel):
    """A watchlist, in the order things were added."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    instruments: tuple[str, ...]
    made_at: str


class IndexDocument(BaseModel):
    """An index whose members are known: since when, how many there are now, and from where that is known."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    index: str
    first: str
    members: int
    rows: int
    sources: tuple[str, ...]


class MembersDocument(BaseModel):
    """The members of an index on a date. ``warning`` says why they may not be those of the date, null where they are."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    index: str
    on: str
    members: tuple[str, ...]
    sources: tuple[str, ...]
    warning: str | None


class IndexImportDocument(BaseModel):
    """What a file of members changed."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    path: str
    rows: int
    changed: int
    indices: tuple[IndexDocument, ...]


def list_watchlists(workspace: Workspace) -> tuple[WatchlistDocument, ...]:
    """Return every watchlist, by name."""
    return tuple(_watchlist(one) for one in workspace.watchlists.all())


def show_watchlist(workspace: Workspace, name: str) -> WatchlistDocument:
    """Return a watchlist.

    Raises
    ------
    BadParameter
        If there is none of this name.
    """
    return _watchlist(workspace.watchlists.get(name.strip().removeprefix("@")))


def add_to_watchlist(workspace: Workspace, request: WatchlistRequest) -> WatchlistDocument:
    """Add instruments to a watchlist, which is made where there is none.

    Raises
    ------
    BadParameter
        If its name does not fit or is that of an index, or a limit is reached.
    """
    if any(index_key(info.index) == index_key(request.name) for info in workspace.indices.indices()):
        raise BadParameter("watchlist", request.name, "is the name of an index whose members are known", hint="Choose another name.")
    names = tuple(InstrumentId(name) for name in request.instruments)
    return _watchlist(workspace.watchlists.add(request.name, names, at=workspace.clock.now()))


def remove_from_watchlist(workspace: Workspace, name: str, instruments: tuple[InstrumentId, ...] | None) -> WatchlistDocument | None:
    """Take instruments out of a watchlist, or without any remove it; return what is left of it.

    Raises
    ------
    BadParameter
        If there is no such list, or an instrument is not in it.
    """
    left = workspace.watchlists.remove(name.strip().removeprefix("@"), instruments)
    return None if left is None else _watchlist(left)


def import_watchlist(workspace: Workspace, name: str, path: Path) -> WatchlistDocument:
    """Add the instruments of a file to a watchlist.

    Raises
    ------
    BadPath, BadFile
        If the file cannot be read, or a line names no instrument.
    """
    found = tuple(dict.fromkeys(_instruments_in(path)))
    if not found:
        raise BadFile(str(path), "it names no instrument", hint=_FILE_HINT)
    return add_to_watchlist(workspace, WatchlistRequest(name=name, instruments=found))


def import_members(workspace: Workspace, path: Path) -> IndexImportDocument:
    """Keep the members that a file lists as all that is known of their indices.

    Raises
    ------
    BadPath, BadFile
        If the file cannot be read, or a row of it does not fit.
    BadParameter
        If an instrument is in an index twice at a time, or an index has the name of a watchlist.
    """
    members = read_members(path)
    if not members:
        raise BadFile(str(path), "it has no row", hint="Write columns index,instrument,from,to,source.")
    keys = {index_key(member.index): member.index for member in members}
    for one in workspace.watchlists.all():
        if index_key(one.name) in keys:
            raise BadParameter("index", keys[index_key(one.name)], "is the name of a watchlist", hint="Remove that watchlist first.")
    changed = workspace.indices.replace(members)
    return IndexImportDocument(
        path=str(path),
        rows=len(members),
        changed=changed,
        indices=tuple(one for one in list_indices(workspace) if index_key(one.index) in keys),
    )


def list_indices(workspace: Workspace) -> tuple[IndexDocument, ...]:
    """Return the indices whose members are known."""
    return tuple(
        IndexDocument(index=info.index, first=info.first.isoformat(), members=info.members, rows=info.rows, sources=info.sources)
        for info in workspace.indices.indices()
    )


def index_members(workspace: Workspace, name: str, on: date | None) -> MembersDocument:
    """Return the members of an index on a date, today without one, and whether they are those of the date.

    Raises
    ------
    BadParameter
        If nothing is known of the index.
    """
    on = on or workspace.clock.now().astimezone(IST).date()
    found = workspace.indices.members(name.removeprefix("@"), on)
    if found is None:
        known = ", ".join(info.index for info in workspace.indices.indices())
        hint = f"Known are {known}." if known else "`qts index import FILE` reads the members of an index."
        raise BadParameter("index", name, "its members are not known", hint=hint)
    return MembersDocument(
        index=found.index, on=on.isoformat(), members=found.instruments, sources=found.sources, warning=found.doubt or None
    )


def _instruments_in(path: Path) -> list[InstrumentId]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadFile(str(path), f"it is larger than a list of {MAX_ITEMS} instruments can be", hint=_FILE_HINT)
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise BadPath(str(path), (error.strerror or "cannot be read").lower()) from error
    except UnicodeDecodeError as error:
        raise BadFile(str(path), f"byte {error.start} is not UTF-8 text", hint=_FILE_HINT) from error
    found = []
    for number, fields in enumerate(csv.reader(lines), start=1):
        text = fields[0].strip() if fields else ""
        if not text or (number == 1 and text.lower() == "instrument"):
            continue
        try:
            found.append(parse_instrument(text))
        except BadParameter as error:
            raise BadFile(str(path), f"row {number}: {error.message.rstrip('.')}", hint=_FILE_HINT) from error
    return found


def _watchlist(one: Watchlist) -> WatchlistDocument:
    return WatchlistDocument(name=one.name, instruments=one.instruments, made_at=one.made_at.isoformat())
