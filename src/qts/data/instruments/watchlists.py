"""Named lists of instruments that a person keeps."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from qts.core import InstrumentId
from qts.core.errors import BadParameter
from qts.data.instruments.tables import WATCHLIST_ITEMS, WATCHLISTS
from qts.data.storage.database import Database
from qts.data.storage.row_seals import sealed_rows, with_seal

MAX_LISTS: Final = 200
MAX_ITEMS: Final = 1_000

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """A list under the name it was made with, in the order things were added."""

    name: str
    instruments: tuple[InstrumentId, ...]
    made_at: datetime


class Watchlists:
    """The watchlists of one home folder; names are the same whatever their case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Watchlist, ...]:
        """Return every list, by name."""
        with self._database.reading() as connection:
            return tuple(_lists(connection))

    def get(self, name: str) -> Watchlist:
        """Return a list.

        Raises
        ------
        BadParameter
            If there is none of this name, with the names that are like it.
        """
        with self._database.reading() as connection:
            return _get(connection, name)

    def add(self, name: str, instruments: Sequence[InstrumentId], *, at: datetime) -> Watchlist:
        """Add instruments to a list, which is made where there is none; those that are in it already stay where they are.

        Raises
        ------
        BadParameter
            If the name does not fit, or a limit is reached.
        """
        if _NAME.fullmatch(name) is None:
            hint = "Use up to 40 letters, digits, dots, dashes and underscores."
            raise BadParameter("watchlist", name, "is no name of a watchlist", hint=hint)
        with self._database.writing() as connection:
            held = {watchlist.name.lower(): watchlist for watchlist in _lists(connection)}
            mine = held.get(name.lower())
            if mine is None and len(held) >= MAX_LISTS:
                raise BadParameter("watchlist", name, f"there are {MAX_LISTS} already", hint="Remove one that is no longer used.")
            if mine is None:
                row = {"key": name.lower(), "name": name, "made_at": at.isoformat()}
                connection.execute(sa.insert(WATCHLISTS).values(with_seal(WATCHLISTS, row)))
            known = () if mine is None else mine.instruments
            fresh = [one for one in dict.fromkeys(instruments) if one not in known]
            if len(known) + len(fresh) > MAX_ITEMS:
                raise BadParameter("watchlist", name, f"would have more than {MAX_ITEMS} instruments", hint="Divide it in two.")
            if fresh:
                place = connection.execute(
                    sa.select(sa.func.coalesce(sa.func.max(WATCHLIST_ITEMS.c.place), 0)).where(WATCHLIST_ITEMS.c.key == name.lower())
                ).scalar_one()
                rows = [{"key": name.lower(), "instrument": one, "place": place + i} for i, one in enumerate(fresh, start=1)]
                connection.execute(sa.insert(WATCHLIST_ITEMS), [with_seal(WATCHLIST_ITEMS, row) for row in rows])
            return _get(connection, name)

    def remove(self, name: str, instruments: Sequence[InstrumentId] | None = None) -> Watchlist | None:
        """Take instruments out of a list, or without any remove the list; return what is left of it.

        Raises
        ------
        BadParameter
            If there is no such list, or an instrument is not in it.
        """
        with self._database.writing() as connection:
            mine = _get(connection, name)
            key = mine.name.lower()
            if instruments is None:
                connection.execute(sa.delete(WATCHLIST_ITEMS).where(WATCHLIST_ITEMS.c.key == key))
                connection.execute(sa.delete(WATCHLISTS).where(WATCHLISTS.c.key == key))
                return None
            for one in instruments:
                if one not in mine.instruments:
                    hint = f"`qts watchlist show {mine.name}` lists what is."
                    raise BadParameter("instrument", one, f"is not in the watchlist {mine.name}", hint=hint)
            where = WATCHLIST_ITEMS.c.key == key, WATCHLIST_ITEMS.c.instrument.in_(list(instruments))
            connection.execute(sa.delete(WATCHLIST_ITEMS).where(*where))
            return _get(connection, name)


def _get(connection: sa.Connection, name: str) -> Watchlist:
    held = _lists(connection)
    found = next((one for one in held if one.name.lower() == name.strip().lower()), None)
    if found is not None:
        return found
    near = difflib.get_close_matches(name.lower(), [one.name.lower() for one in held], n=3, cutoff=0.6)
    names = [one.name for one in held if one.name.lower() in near]
    hint = (
        f"Did you mean {', '.join(names)}?" if names else "`qts watchlist list` lists them; `qts watchlist add NAME INSTRUMENT…` makes one."
    )
    raise BadParameter("watchlist", name, "there is none of this name", hint=hint)


def _lists(connection: sa.Connection) -> list[Watchlist]:
    items: dict[str, list[InstrumentId]] = {}
    query = sa.select(WATCHLIST_ITEMS).order_by(WATCHLIST_ITEMS.c.key, WATCHLIST_ITEMS.c.place)
    for row in sealed_rows(connection, WATCHLIST_ITEMS, query):
        items.setdefault(row["key"], []).append(InstrumentId(row["instrument"]))
    lists = sealed_rows(connection, WATCHLISTS, sa.select(WATCHLISTS).order_by(WATCHLISTS.c.key))
    return [
        Watchlist(name=row["name"], instruments=tuple(items.get(row["key"], ())), made_at=datetime.fromisoformat(row["made_at"]))
        for row in lists
    ]
