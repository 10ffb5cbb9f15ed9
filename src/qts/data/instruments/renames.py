"""Symbol changes: proposed where a token goes on under another symbol, confirmed by a person or a file, and followed by date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from qts.core import InstrumentId, exchange_of, parse_instrument
from qts.core.errors import BadFile, BadParameter
from qts.data.instruments.csv_file import read_rows
from qts.data.instruments.listing import DumpRow, ListingKind
from qts.data.instruments.tables import SYMBOL_CHANGES
from qts.data.storage.database import Database
from qts.data.storage.row_seals import sealed_rows, with_seal

_HINT: Final = "Write columns old,new,on[,source], such as NSE:ZOMATO,NSE:ETERNAL,2025-04-09."


class ChangeState(StrEnum):
    """Whether a change was only seen, or a person said that it is one, or is none."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChange:
    """From ``on``, what was traded as ``old`` is traded as ``new``. ``evidence`` tells what speaks for it and against it."""

    old: InstrumentId
    new: InstrumentId
    on: date
    state: ChangeState
    evidence: str
    source: str = ""


def changes_between(gone: Iterable[DumpRow], new: Iterable[DumpRow], *, on: date) -> list[SymbolChange]:
    """Return the symbols that may have changed from one dump to the next: the same token of the same exchange under another symbol.

    Contracts are left out, for their tokens are given to others as they expire.
    """
    ended = {(row.exchange, row.token): row for row in gone if row.kind == ListingKind.EQUITY}
    listed_again = {(row.exchange, row.symbol) for row in new}
    found = []
    for row in new:
        before = ended.get((row.exchange, row.token))
        if row.kind != ListingKind.EQUITY or before is None or before.symbol == row.symbol:
            continue
        if (row.exchange, before.symbol) in listed_again:
            continue
        kept = before.name == row.name and before.name != ""
        named = (
            f"the name {row.name!r} is kept" if kept else f"but the name was {before.name!r} and is {row.name!r}: perhaps another company"
        )
        found.append(
            SymbolChange(
                old=InstrumentId(f"{row.exchange}:{before.symbol}"),
                new=InstrumentId(f"{row.exchange}:{row.symbol}"),
                on=on,
                state=ChangeState.PROPOSED,
                evidence=f"the token {row.token} goes on, {named}"[:400],
            )
        )
    return found


def record_proposed(connection: sa.Connection, changes: Iterable[SymbolChange], *, source: str) -> list[SymbolChange]:
    """Keep changes that were seen, and return those that were not known before, whatever was said of them."""
    fresh = []
    for change in changes:
        named = replace(change, source=source[:200])
        if connection.execute(_one(named.old, named.new)).first() is None:
            connection.execute(sa.insert(SYMBOL_CHANGES).values(_values(named)))
            fresh.append(named)
    return fresh


def read_renames(path: Path) -> list[SymbolChange]:
    """Return the changes that a person's file states: a CSV with the columns old, new, on and perhaps source.

    Raises
    ------
    BadPath
        If it cannot be read.
    BadFile
        Naming the first row that does not fit.
    """
    found = []
    for number, row in read_rows(path, ("old", "new", "on"), hint=_HINT):
        try:
            old, new = parse_instrument(row["old"]), parse_instrument(row["new"])
            on = date.fromisoformat(row["on"])
        except (BadParameter, ValueError) as error:
            raise BadFile(str(path), f"row {number}: {str(error).rstrip('.')}", hint=_HINT) from error
        if old == new or exchange_of(old) is not exchange_of(new):
            raise BadFile(str(path), f"row {number}: {old} and {new} are not two names of one exchange", hint=_HINT)
        source = row.get("source") or path.name
        found.append(SymbolChange(old=old, new=new, on=on, state=ChangeState.CONFIRMED, evidence="stated by a file", source=source[:200]))
    return found


class SymbolChanges:
    """The changes of symbols of one home folder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[SymbolChange, ...]:
        """Return every change, latest first."""
        query = sa.select(SYMBOL_CHANGES).order_by(SYMBOL_CHANGES.c.changed_on.desc(), SYMBOL_CHANGES.c.old, SYMBOL_CHANGES.c.new)
        with self._database.reading() as connection:
            return tuple(_change(row) for row in sealed_rows(connection, SYMBOL_CHANGES, query))

    def put(self, changes: Iterable[SymbolChange]) -> int:
        """Keep changes, in place of what was kept of the same two names; return how many differ from that."""
        n_changed = 0
        with self._database.writing() as connection:
            for change in changes:
                row = next(sealed_rows(connection, SYMBOL_CHANGES, _one(change.old, change.new)), None)
                if row is not None and _change(row) == change:
                    continue
                n_changed += 1
                connection.execute(sa.delete(SYMBOL_CHANGES).where(SYMBOL_CHANGES.c.old == change.old, SYMBOL_CHANGES.c.new == change.new))
                connection.execute(sa.insert(SYMBOL_CHANGES).values(_values(change)))
        return n_changed

    def decide(self, old: InstrumentId, state: ChangeState) -> tuple[SymbolChange, ...]:
        """Confirm or dismiss the proposed changes of a symbol, and return them as they are now.

        Raises
        ------
        BadParameter
            If none is proposed.
        """
        open_ = [change for change in self.all() if change.old == old and change.state is ChangeState.PROPOSED]
        if not open_:
            raise BadParameter("symbol", old, "no change of it is proposed", hint="`qts instruments renames` lists them.")
        decided = tuple(replace(change, state=state) for change in open_)
        self.put(decided)
        return decided

    def names(self, instrument: InstrumentId) -> tuple[tuple[InstrumentId, date | None, date | None], ...]:
        """Return the names that an instrument had, oldest first: each from a date until before another, None where it is open.

        One that was given up and taken again is there twice. Each step goes to a strictly earlier or later date, so that it ends.
        """
        confirmed = self._confirmed()
        names = [instrument]
        dates: list[date] = []
        while (change := _latest_to(confirmed, names[0], dates[0] if dates else None)) is not None:
            names.insert(0, change.old)
            dates.insert(0, change.on)
        while (change := _first_from(confirmed, names[-1], dates[-1] if dates else None)) is not None:
            names.append(change.new)
            dates.append(change.on)
        return tuple(zip(names, [None, *dates], [*dates, None], strict=True))

    def resolve(self, instrument: InstrumentId, on: date) -> InstrumentId:
        """Return the name that an instrument had on a date; itself where no change is known."""
        return next(name for name, start, end in self.names(instrument) if (start is None or start <= on) and (end is None or on < end))

    def _confirmed(self) -> list[SymbolChange]:
        return [change for change in self.all() if change.state is ChangeState.CONFIRMED]


def _latest_to(changes: Sequence[SymbolChange], name: InstrumentId, before: date | None) -> SymbolChange | None:
    found = [change for change in changes if change.new == name and (before is None or change.on < before)]
    return max(found, key=lambda change: change.on, default=None)


def _first_from(changes: Sequence[SymbolChange], name: InstrumentId, after: date | None) -> SymbolChange | None:
    found = [change for change in changes if change.old == name and (after is None or change.on > after)]
    return min(found, key=lambda change: change.on, default=None)


def _one(old: InstrumentId, new: InstrumentId) -> sa.Select[Any]:
    return sa.select(SYMBOL_CHANGES).where(SYMBOL_CHANGES.c.old == old, SYMBOL_CHANGES.c.new == new)


def _values(change: SymbolChange) -> dict[str, Any]:
    row = {
        "old": change.old,
        "new": change.new,
        "changed_on": change.on,
        "state": change.state.value,
        "evidence": change.evidence,
        "source": change.source,
    }
    return with_seal(SYMBOL_CHANGES, row)


def _change(row: sa.RowMapping) -> SymbolChange:
    return SymbolChange(
        old=InstrumentId(row["old"]),
        new=InstrumentId(row["new"]),
        on=row["changed_on"],
        state=ChangeState(row["state"]),
        evidence=row["evidence"],
        source=row["source"],
    )
