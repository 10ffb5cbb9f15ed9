"""The instrument master: what was listed on which date, from the dumps of a broker, and under which token, lot, tick and expiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from qts.core import InstrumentId, exchange_of, symbol_of
from qts.core.collection import collection_paused
from qts.core.errors import BadFile
from qts.data.instruments.dump import Dump
from qts.data.instruments.listing import OPEN_END, DumpRow, Listing, ListingKind, listing_of
from qts.data.instruments.listing_rows import change_periods, drop_rows, dump_rows, insert_rows, listed_rows
from qts.data.instruments.renames import SymbolChange, changes_between, record_proposed
from qts.data.instruments.tables import DUMPS, LISTINGS
from qts.data.instruments.timeline import Changes, HeldRow, changes_of
from qts.data.storage.database import Database
from qts.data.storage.row_seals import sealed_rows, with_seal

TORN_SHARE: Final = 0.5
"""A dump with fewer rows of an exchange than this share of the dump before it is taken to be cut."""
_FEW_ROWS: Final = 20
# Between dumps further apart a token may have been given to another company.
_CONSECUTIVE: Final = timedelta(days=10)
_OPTIONS: Final = (ListingKind.CALL.value, ListingKind.PUT.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a dump changed. ``unchanged`` where it was loaded before or lists just what was known; ``renames`` are proposed only.

    ``new`` leaves out the ``earlier`` listings, which were known from a later dump on and now hold from this one.
    """

    unchanged: bool
    exchanges: Mapping[str, int]
    new: int
    ended: int
    renames: tuple[SymbolChange, ...] = ()
    notes: tuple[str, ...] = ()
    earlier: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpInfo:
    """A dump that was loaded, of one exchange."""

    exchange: str
    on: date
    source: str
    sha256: str
    n_rows: int
    n_rejected: int


@dataclass(slots=True, kw_only=True)  # adds up while the exchanges of a dump are loaded
class _Tally:
    new: int = 0
    ended: int = 0
    earlier: int = 0
    renames: list[SymbolChange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class InstrumentMaster:
    """What brokers listed, by date: rows that hold from one dump to another, in the control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, dump: Dump, *, on: date, source: str, at: datetime, force: bool = False) -> LoadReport:
        """Put a dump in its place, wholly or not at all; one that was loaded before changes nothing.

        A dump of a date between two others changes what held between them and nothing else. A second one of a date replaces the first.

        Parameters
        ----------
        dump : Dump
            What it lists.
        on : date
            The date it was made for.
        source : str
            Where it came from, as reports name it.
        at : datetime
            The present instant, aware.
        force : bool
            Whether a dump is taken that has fewer than half the rows of the one before it.

        Raises
        ------
        BadFile
            If it has fewer than half the rows of the one before it, or of the one after it where it is the first.
        StoreFull, StoreBusy
            If nothing could be written.
        """
        parts = dump.by_exchange()
        tally = _Tally()
        with self._database.writing() as connection, collection_paused():
            for exchange, rows in parts.items():
                around = _dumps(connection, exchange)
                if any(one.on == on and one.sha256 == dump.sha256 for one in around):
                    continue
                if not force:
                    _check_whole(around, exchange, n_rows=len(rows), on=on, source=source)
                changes = _put(connection, exchange, rows, on=on, around=around)
                tally.new += len(changes.new) - changes.n_earlier
                tally.earlier += changes.n_earlier
                tally.ended += len(changes.gone)
                before = max((one.on for one in around if one.on < on), default=None)
                if before is not None and on - before <= _CONSECUTIVE:
                    tally.renames += record_proposed(connection, changes_between(changes.gone, changes.new, on=on), source=source)
                after = next((one for one in around if one.on > on), None)
                if after is not None and after.on - on <= _CONSECUTIVE:
                    tally.renames += record_proposed(connection, _changes_at(connection, exchange, after.on), source=after.source)
                _note_dump(connection, exchange, on=on, source=source, dump=dump, n_rows=len(rows), at=at)
            tally.notes += [*_missing_exchanges(connection, parts, on=on), *_told_earlier(tally.earlier, on=on)]
        return LoadReport(
            unchanged=not (tally.new or tally.ended or tally.earlier),
            exchanges={exchange: len(rows) for exchange, rows in parts.items()},
            new=tally.new,
            ended=tally.ended,
            renames=tuple(tally.renames),
            notes=tuple(tally.notes),
            earlier=tally.earlier,
        )

    def revision(self) -> int:
        """Return a number that grows with every dump loaded; 0 before the first."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.max(DUMPS.c.id))).scalar() or 0

    def dumps(self, exchange: str | None = None) -> tuple[DumpInfo, ...]:
        """Return the dumps that were loaded, of one exchange or of all, oldest first."""
        with self._database.reading() as connection:
            return tuple(_dumps(connection, exchange))

    def listing(self, instrument: InstrumentId, on: date) -> Listing | None:
        """Return an instrument as the last dump up to a date lists it, or None where that one does not, or it had expired."""
        return next((one for one in self.listings(instrument) if one.holds_on(on)), None)

    def listings(self, instrument: InstrumentId) -> tuple[Listing, ...]:
        """Return all that is known of an instrument under this name, oldest first."""
        found = self._select(LISTINGS.c.exchange == exchange_of(instrument).value, LISTINGS.c.symbol == symbol_of(instrument))
        return tuple(sorted(found, key=lambda one: one.first_on))

    def by_token(self, token: int, on: date) -> Listing | None:
        """Return what a broker's token stood for on a date: tokens of expired contracts are given to others."""
        return next((one for one in self._select(LISTINGS.c.token == token, *_at(on)) if one.holds_on(on)), None)

    def futures(self, underlying: str, on: date, *, exchange: str | None = None) -> tuple[Listing, ...]:
        """Return the futures of an underlying that a date's dump lists and that had not expired, nearest first."""
        return tuple(sorted(self._select(LISTINGS.c.kind == ListingKind.FUTURE.value, *_on(underlying, on, exchange)), key=_by_expiry))

    def expiries(self, underlying: str, on: date, *, exchange: str | None = None) -> tuple[date, ...]:
        """Return the days of expiry of an underlying's contracts that a date's dump lists, nearest first."""
        return tuple(sorted({one.expiry for one in self._rows(*_on(underlying, on, exchange)) if one.expiry is not None}))

    def chain(self, underlying: str, expiry: date, on: date, *, exchange: str | None = None) -> tuple[Listing, ...]:
        """Return the options of one expiry that a date's dump lists, by strike, the call before the put."""
        found = self._select(LISTINGS.c.expiry == expiry, LISTINGS.c.kind.in_(_OPTIONS), *_on(underlying, on, exchange))
        return tuple(sorted(found, key=lambda one: (one.strike or 0, one.kind)))

    def underlyings(self, on: date) -> tuple[str, ...]:
        """Return the names that contracts are on, sorted."""
        return tuple(sorted({one.name for one in self._rows(LISTINGS.c.kind != ListingKind.EQUITY.value, *_at(on))}))

    def contract_spans(self, underlying: str) -> Mapping[str, tuple[date, date]]:
        """Return by exchange the first and the last date on which dumps list contracts on an underlying that had not expired."""
        found: dict[str, tuple[date, date]] = {}
        with self._database.reading() as connection, collection_paused():
            where = (
                LISTINGS.c.name == underlying.strip().upper(),
                LISTINGS.c.kind != ListingKind.EQUITY.value,
                LISTINGS.c.expiry.is_not(None),
            )
            for one in listed_rows(connection, *where):
                last = min(one.valid_to - timedelta(days=1), one.row.expiry or OPEN_END)
                first, latest = found.get(one.row.exchange, (one.valid_from, last))
                found[one.row.exchange] = min(first, one.valid_from), max(latest, last)
        return found

    def names_of_futures(self, exchange: str, first: date, last: date) -> tuple[str, ...]:
        """Return the names that an exchange's futures were on, on any day from one date to another, both included; sorted."""
        during = LISTINGS.c.valid_from <= last, LISTINGS.c.valid_to > first
        found = self._rows(LISTINGS.c.exchange == exchange, LISTINGS.c.kind == ListingKind.FUTURE.value, *during)
        return tuple(sorted({one.name for one in found}))

    def rows(self, on: date) -> list[DumpRow]:
        """Return everything that was listed on a date, as plain rows."""
        return self._rows(*_at(on))

    def _rows(self, *where: sa.ColumnElement[bool]) -> list[DumpRow]:
        with self._database.reading() as connection, collection_paused():
            return dump_rows(connection, *where)

    def _select(self, *where: sa.ColumnElement[bool]) -> list[Listing]:
        with self._database.reading() as connection:
            return [listing_of(one.row, first_on=one.valid_from, until=one.valid_to) for one in listed_rows(connection, *where)]


def _at(on: date) -> tuple[sa.ColumnElement[bool], ...]:
    return LISTINGS.c.valid_from <= on, LISTINGS.c.valid_to > on


def _on(underlying: str, on: date, exchange: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for contracts on an underlying that a date's dump lists and that had not expired."""
    where = (LISTINGS.c.name == underlying.strip().upper(), LISTINGS.c.kind != ListingKind.EQUITY.value, LISTINGS.c.expiry >= on, *_at(on))
    return where if exchange is None else (*where, LISTINGS.c.exchange == exchange)


def _by_expiry(one: Listing) -> tuple[date, InstrumentId]:
    return one.expiry or OPEN_END, one.instrument


def _dumps(connection: sa.Connection, exchange: str | None) -> list[DumpInfo]:
    query = sa.select(DUMPS).order_by(DUMPS.c.dumped_on, DUMPS.c.exchange)
    if exchange is not None:
        query = query.where(DUMPS.c.exchange == exchange)
    return [
        DumpInfo(
            exchange=row["exchange"],
            on=row["dumped_on"],
            source=row["source"],
            sha256=row["sha256"],
            n_rows=row["n_rows"],
            n_rejected=row["n_rejected"],
        )
        for row in sealed_rows(connection, DUMPS, query)
    ]


def _check_whole(around: Sequence[DumpInfo], exchange: str, *, n_rows: int, on: date, source: str) -> None:
    """Raise where a dump has far fewer rows than its neighbour: the download ended early."""
    before = [one for one in around if one.on <= on]
    neighbour = before[-1] if before else next(iter(around), None)
    if neighbour is None or neighbour.n_rows < _FEW_ROWS or n_rows >= TORN_SHARE * neighbour.n_rows:
        return
    reason = f"it lists {n_rows} instruments of {exchange}, and the dump of {neighbour.on} lists {neighbour.n_rows}: it looks cut"
    raise BadFile(source, reason, hint="Fetch it again, or take it as it is with --force; nothing was changed.")


def _put(connection: sa.Connection, exchange: str, rows: Sequence[DumpRow], *, on: date, around: Sequence[DumpInfo]) -> Changes:
    next_on = min((one.on for one in around if one.on > on), default=None)
    near = LISTINGS.c.valid_to >= on, LISTINGS.c.valid_from <= (next_on or OPEN_END)
    listed = set(rows)
    kept = set()
    held = []
    for one in listed_rows(connection, LISTINGS.c.exchange == exchange, *near):
        # Of two days nearly everything is the same: it is set aside before anything is made of it.
        if one.row in listed and one.valid_from <= on < one.valid_to:
            kept.add(one.row)
        else:
            held.append(HeldRow(id=one.id, valid_from=one.valid_from, valid_to=one.valid_to, row=one.row))
    changes = changes_of(held, [row for row in rows if row not in kept], on=on, next_on=next_on)
    _carry_out(connection, changes)
    return changes


def _changes_at(connection: sa.Connection, exchange: str, on: date) -> list[SymbolChange]:
    """Return the symbols that may have changed with a dump that is there already, now that the one before it is known."""
    edges = list(listed_rows(connection, LISTINGS.c.exchange == exchange, sa.or_(LISTINGS.c.valid_to == on, LISTINGS.c.valid_from == on)))
    return changes_between([one.row for one in edges if one.valid_to == on], [one.row for one in edges if one.valid_from == on], on=on)


def _carry_out(connection: sa.Connection, changes: Changes) -> None:
    drop_rows(connection, changes.dropped)
    change_periods(connection, changes.periods)
    insert_rows(connection, changes.arrivals)


def _note_dump(connection: sa.Connection, exchange: str, *, on: date, source: str, dump: Dump, n_rows: int, at: datetime) -> None:
    connection.execute(sa.delete(DUMPS).where(DUMPS.c.exchange == exchange, DUMPS.c.dumped_on == on))
    row = {
        "exchange": exchange,
        "dumped_on": on,
        "source": source[:200],
        "sha256": dump.sha256,
        "n_rows": n_rows,
        "n_rejected": dump.n_rejected,
        "loaded_at": at.isoformat(),
    }
    connection.execute(sa.insert(DUMPS).values(with_seal(DUMPS, row)))


def _missing_exchanges(connection: sa.Connection, parts: Iterable[str], *, on: date) -> list[str]:
    """Tell of exchanges that the dump before has and one of several exchanges lacks: it may have been cut between them."""
    here = set(parts)
    if len(here) < 2:
        return []
    query = sa.select(DUMPS.c.exchange, sa.func.max(DUMPS.c.dumped_on)).where(DUMPS.c.dumped_on < on).group_by(DUMPS.c.exchange)
    absent = sorted((exchange, last) for exchange, last in connection.execute(query) if exchange not in here)
    return [
        f"It lists nothing of {exchange}, which the dump of {last} has: what was known of {exchange} goes on." for exchange, last in absent
    ]


def _told_earlier(n_earlier: int, *, on: date) -> list[str]:
    return [f"{n_earlier:,} of its listings were known from a later date already: they hold from {on} now."] if n_earlier else []
