"""Watchlists and members of indices from a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from qts.app.requests import build
from qts.app.verbs.opening import Home, opened
from qts.app.watching import (
    IndexDocument,
    IndexImportDocument,
    MembersDocument,
    WatchlistDocument,
    WatchlistRequest,
    import_members,
    list_indices,
    list_watchlists,
    show_watchlist,
)
from qts.app.watching import add_to_watchlist as add_to_list
from qts.app.watching import import_watchlist as import_list
from qts.app.watching import index_members as members_of_index
from qts.app.watching import remove_from_watchlist as remove_from_list
from qts.core.instrument import InstrumentId


def watchlists(*, home: Home = None) -> tuple[WatchlistDocument, ...]:
    """Return your own lists of instruments."""
    with opened(home) as workspace:
        return list_watchlists(workspace)


def add_to_watchlist(name: str, names: Sequence[str] | str, *, home: Home = None) -> WatchlistDocument:
    """Add instruments to a watchlist, which is made where there is none."""
    with opened(home) as workspace:
        return add_to_list(workspace, build(WatchlistRequest, name=name, instruments=names))


def import_index(file: Path | str, *, home: Home = None) -> IndexImportDocument:
    """Keep the members that a file lists as all that is known of its indices."""
    with opened(home) as workspace:
        return import_members(workspace, Path(file))


def index_members(index: str, *, on: date | None = None, home: Home = None) -> MembersDocument:
    """Return the members of an index on a date, and whether they are those of the date."""
    with opened(home) as workspace:
        return members_of_index(workspace, index, on)


def watchlist(name: str, *, home: Home = None) -> WatchlistDocument:
    """Return a watchlist."""
    with opened(home) as workspace:
        return show_watchlist(workspace, name)


def remove_from_watchlist(name: str, names: Sequence[str] | str | None = None, *, home: Home = None) -> WatchlistDocument | None:
    """Take instruments out of a watchlist and return what is left of it; without any the whole list goes."""
    chosen = None
    if names is not None:
        chosen = tuple(InstrumentId(one) for one in build(WatchlistRequest, name=name, instruments=names).instruments)
    with opened(home) as workspace:
        return remove_from_list(workspace, name, chosen)


def import_watchlist(name: str, file: Path | str, *, home: Home = None) -> WatchlistDocument:
    """Add the instruments of a file to a watchlist."""
    with opened(home) as workspace:
        return import_list(workspace, name, Path(file))


def indices(*, home: Home = None) -> tuple[IndexDocument, ...]:
    """Return the indices whose members are known."""
    with opened(home) as workspace:
        return list_indices(workspace)
