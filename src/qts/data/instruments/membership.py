"""Which instruments an index had on a date, and whether what is known of it can be trusted for that date.

The members of today, taken for the past, are those that did well enough to be there today: a backtest on them is flattered. So every
answer says whether its members are those of the date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from qts.core import InstrumentId, parse_instrument
from qts.core.errors import BadFile, BadParameter
from qts.data.instruments.csv_file import read_rows
from qts.data.instruments.tables import INDEX_MEMBERS
from qts.data.storage.database import Database
from qts.data.storage.row_seals import require_sound, sealed_rows, unsound_rows, with_seal

_HINT: Final = "Write columns index,instrument,from,to,source: NIFTY 50,NSE:INFY,1996-04-22,,NSE circular. An empty `to` is still a member."
_NAME: Final = re.compile(r"[A-Z0-9][A-Z0-9 &._-]{0,59}")
BIASED: Final = "a result on them is survivorship-biased"
"""What is to be said of members that are known to have stayed."""
# Indices are reviewed every half year: one that nobody left for longer is a list of those that stayed.
_REVIEWED_WITHIN: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexMember:
    """An instrument in an index from one day to another, both included; ``to`` None: still."""

    index: str
    instrument: InstrumentId
    start: date
    end: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The members of an index on a date. ``doubt`` says why they may not be those of the date, empty where they are."""

    index: str
    on: date
    instruments: tuple[InstrumentId, ...]
    sources: tuple[str, ...]
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """An index whose members are known: since when, and how many there are now."""

    index: str
    first: date
    members: int
    rows: int
    sources: tuple[str, ...]


def index_key(name: str) -> str:
    """Return what two spellings of an index have in common.

    >>> index_key("Nifty 50") == index_key("NIFTY50")
    True
    """
    return re.sub(r"[^A-Z0-9&]", "", name.upper())


def read_members(path: Path) -> list[IndexMember]:
    """Return the members a CSV lists.

    Raises
    ------
    BadPath
        If it cannot be read.
    BadFile
        Naming the first row that does not fit.
    """
    return [_member(path, number, row) for number, row in read_rows(path, ("index", "instrument", "from", "to"), hint=_HINT)]


class IndexMembership:
    """The dated members of indices of one home folder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, members: Sequence[IndexMember]) -> int:
        """Keep these as all that is known of their indices, and return how many rows that changed.

        Raises
        ------
        BadParameter
            If an instrument is in one index twice at a time.
        """
        _check_overlaps(members)
        wanted = {_identity(member): member for member in members}
        keys = sorted({index_key(member.index) for member in members})
        with self._database.writing() as connection:
            held = {_identity(member): member for member in _select(connection, INDEX_MEMBERS.c.index_key.in_(keys))}
            n_changed = sum(held.get(identity) != member for identity, member in wanted.items()) + len(held.keys() - wanted.keys())
            if n_changed:
                connection.execute(sa.delete(INDEX_MEMBERS).where(INDEX_MEMBERS.c.index_key.in_(keys)))
                connection.execute(sa.insert(INDEX_MEMBERS), [with_seal(INDEX_MEMBERS, _values(member)) for member in wanted.values()])
        return n_changed

    def indices(self) -> tuple[IndexInfo, ...]:
        """Return the indices whose members are known, by name."""
        with self._database.reading() as connection:
            held = _select(connection)
        grouped: dict[str, list[IndexMember]] = {}
        for member in held:
            grouped.setdefault(index_key(member.index), []).append(member)
        infos = (
            IndexInfo(
                index=rows[0].index,
                first=min(member.start for member in rows),
                members=sum(member.end is None for member in rows),
                rows=len(rows),
                sources=tuple(dict.fromkeys(member.source for member in rows)),
            )
            for rows in grouped.values()
        )
        return tuple(sorted(infos, key=lambda info: info.index))

    def members(self, index: str, on: date) -> Members | None:
        """Return the members of an index on a date, with what is doubtful about them; None where nothing is known of the index.

        Before the first date on record they are those of that first date.
        """
        with self._database.reading() as connection:
            rows = self._of(connection, index_key(index))
        if not rows:
            return None
        first = min(row.start for row in rows)
        taken_on = max(on, first)
        found = [row for row in rows if row.start <= taken_on and (row.end is None or taken_on <= row.end)]
        return Members(
            index=rows[0].index,
            on=on,
            instruments=tuple(sorted({row.instrument for row in found})),
            sources=tuple(dict.fromkeys(row.source for row in found)),
            doubt=_doubt(rows, on=on, first=first),
        )

    def members_between(self, index: str, first: date, last: date) -> Members | None:
        """Return whatever was a member of an index on any day from one date to another, both included; None where nothing is known of it.

        Where nothing is on record of the first dates, those of the first date on record stand for them.
        """
        with self._database.reading() as connection:
            rows = self._of(connection, index_key(index))
        if not rows:
            return None
        known_from = min(row.start for row in rows)
        start = max(first, known_from)
        found = [row for row in rows if row.start <= max(last, start) and (row.end is None or start <= row.end)]
        return Members(
            index=rows[0].index,
            on=first,
            instruments=tuple(sorted({row.instrument for row in found})),
            sources=tuple(dict.fromkeys(row.source for row in found)),
            doubt=_doubt(rows, on=first, first=known_from),
        )

    def _of(self, connection: sa.Connection, key: str) -> list[IndexMember]:
        # Its name tells its index a second time: a member whose key was changed does not go unmissed.
        unsound = unsound_rows(self._database, connection, INDEX_MEMBERS)
        require_sound(INDEX_MEMBERS, (row for row in unsound if key in {row["index_key"], index_key(str(row["index_name"]))}))
        return _select(connection, INDEX_MEMBERS.c.index_key == key)


def _doubt(rows: Sequence[IndexMember], *, on: date, first: date) -> str:
    name = rows[0].index
    if on < first:
        return f"the members of {name} on {on} are not on record, and these are those of {first}: {BIASED}"
    latest = max(row.start if row.end is None else row.end for row in rows)
    if latest - on > _REVIEWED_WITHIN and not any(row.end is not None and row.end >= on for row in rows):
        return f"no member of {name} is on record that left after {on}, so that these are only those that stayed: {BIASED}"
    if on - latest > _REVIEWED_WITHIN:
        return f"no change of {name} is on record after {latest}, so that its members on {on} may be others"
    return ""


def _member(path: Path, number: int, row: dict[str, str]) -> IndexMember:
    name = " ".join(row["index"].upper().split())
    if _NAME.fullmatch(name) is None:
        raise BadFile(str(path), f"row {number}: {row['index']!r} is no name of an index", hint=_HINT)
    try:
        instrument = parse_instrument(row["instrument"])
        start = date.fromisoformat(row["from"])
        end = date.fromisoformat(row["to"]) if row["to"] else None
    except (BadParameter, ValueError) as error:
        raise BadFile(str(path), f"row {number}: {str(error).rstrip('.')}", hint=_HINT) from error
    if end is not None and end < start:
        raise BadFile(str(path), f"row {number}: to = {end} is before from = {start}", hint=_HINT)
    return IndexMember(index=name, instrument=instrument, start=start, end=end, source=(row.get("source") or path.name)[:200])


def _check_overlaps(members: Iterable[IndexMember]) -> None:
    last: dict[tuple[str, InstrumentId], IndexMember] = {}
    for member in sorted(members, key=lambda one: one.start):
        key = index_key(member.index), member.instrument
        before = last.get(key)
        if before is not None and (before.end is None or before.end >= member.start):
            reason = f"is a member of {member.index} from {before.start} and from {member.start} at the same time"
            raise BadParameter("instrument", member.instrument, reason, hint="End the first membership before the second begins.")
        last[key] = member


def _identity(member: IndexMember) -> tuple[str, InstrumentId, date]:
    return index_key(member.index), member.instrument, member.start


def _select(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[IndexMember]:
    query = (
        sa.select(INDEX_MEMBERS).where(*where).order_by(INDEX_MEMBERS.c.index_key, INDEX_MEMBERS.c.member_from, INDEX_MEMBERS.c.instrument)
    )
    return [
        IndexMember(
            index=row["index_name"],
            instrument=InstrumentId(row["instrument"]),
            start=row["member_from"],
            end=row["member_to"],
            source=row["source"],
        )
        for row in sealed_rows(connection, INDEX_MEMBERS, query)
    ]


def _values(member: IndexMember) -> dict[str, object]:
    return {
        "index_key": index_key(member.index),
        "instrument": member.instrument,
        "member_from": member.start,
        "member_to": member.end,
        "index_name": member.index,
        "source": member.source,
    }
