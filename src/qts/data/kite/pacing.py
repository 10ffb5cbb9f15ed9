"""How fast we may ask: one pace per key and kind of call, kept by all threads and processes that share a database, and across restarts.

Beside the pace there are as many slots as the broker allows requests in a second. A request has one from before it is sent until a second
after its answer: it arrived at some time between the two, so that no second can hold more arrivals than there are slots, however long
anything was held up on its way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from qts.core import Clock, micros_of
from qts.data.storage.database import Database

_SECOND: Final = 1_000_000
_METADATA: Final = sa.MetaData()
# When the last request of a kind was let go, and until when the broker wants to be left alone; microseconds since the epoch.
# Of a slot, whose kind ends in a number, until when it is taken.
_PACE: Final = sa.Table(
    "pace",
    _METADATA,
    sa.Column("key", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("sent_us", sa.BigInteger, nullable=False),
    sa.Column("held_until_us", sa.BigInteger, nullable=False),
)
# A clock that was put back must not stop us for as long as it was wrong.
_LONGEST_HOLD: Final = 3600 * _SECOND


class CallKind(StrEnum):
    """Kinds of calls that the broker counts apart."""

    QUOTE = "quote"
    HISTORICAL = "historical"
    OTHER = "other"


# Seconds between two calls. The broker's limits are 1, 3 and 10 a second; the rest keeps them from coming in a burst.
SPACING: Final[Mapping[CallKind, float]] = {CallKind.QUOTE: 1.05, CallKind.HISTORICAL: 0.36, CallKind.OTHER: 0.11}
SLOTS: Final[Mapping[CallKind, int]] = {CallKind.QUOTE: 1, CallKind.HISTORICAL: 3, CallKind.OTHER: 10}
"""Requests a second that the broker allows. Source: staff on its forum, 2026."""
_USUAL: Final = dict(SPACING)
# Seconds for which a slot is taken after the answer, where the pace is the usual one: with it other limits are kept in proportion.
_WINDOW: Final = 1.01
# A request that was not answered has arrived by then, or never will; whoever held the slot may have been killed.
_LEASE: Final = 8 * _SECOND
_POLL: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """A request that may go: its slot, and until when that is taken."""

    slot: str
    until: int


class Pacer:
    """Lets requests go one by one, so far apart as the broker wants.

    Parameters
    ----------
    database : Database
        The control database; whoever shares it shares the pace.
    key : str
        The API key, which is stored as a hash only.
    clock : Clock
        The machine's clock: processes have no other in common.
    sleep : callable
        Waits for so many seconds.
    spacing : Mapping of CallKind to float
        Seconds between two calls of a kind.
    """

    def __init__(
        self,
        database: Database,
        key: str,
        *,
        clock: Clock,
        sleep: Callable[[float], object],
        spacing: Mapping[CallKind, float] = SPACING,
    ) -> None:
        self._database = database
        self._key = hashlib.sha256(f"pace/{key}".encode()).hexdigest()[:32]
        self._clock = clock
        self._sleep = sleep
        self._spacing = spacing

    @contextmanager
    def going(self, kind: CallKind) -> Iterator[Callable[[], None]]:
        """Wait until a request of this kind may go, which it should then at once; call what it yields when the answer begins."""
        while isinstance(found := self._let_go(kind), float):
            self._sleep(found)
        left = [found]

        def answered() -> None:
            while left:
                self._give_back(kind, left.pop())

        try:
            yield answered
        finally:
            answered()

    def hold(self, kind: CallKind, seconds: float) -> None:
        """Let no request of this kind go for a while, in any process: the broker asked for it."""
        now = micros_of(self._clock.now())
        until = now + min(int(seconds * _SECOND), _LONGEST_HOLD)
        with self._database.writing() as connection:
            row = connection.execute(self._row(kind)).first()
            self._write(
                connection, kind, sent=0 if row is None else row.sent_us, held=until if row is None else max(until, row.held_until_us)
            )

    def _let_go(self, kind: CallKind) -> _Passage | float:
        """Enter the present as the time of a request, or return how many seconds to wait before asking again."""
        spacing = int(self._spacing[kind] * _SECOND)
        with self._database.writing() as connection:
            row = connection.execute(self._row(kind)).first()
            # Asked while the lock is held: of two who come at once the later one sees the earlier one's time.
            now = micros_of(self._clock.now())
            taken = self._taken(connection, kind, now=now)
            if row is not None:
                held = row.held_until_us if row.held_until_us - now <= _LONGEST_HOLD else 0
                if row.sent_us > now:  # the clock was put back since: when that was cannot be told, at worst just now
                    self._write(connection, kind, sent=now, held=held)
                next_at = max(min(row.sent_us, now) + spacing, held)
                if next_at > now:
                    return float(next_at - now) / _SECOND
            free = [slot for slot, until in taken.items() if until <= now]
            if not free:  # the first to be free may be so sooner, when its answer comes
                return min(float(min(taken.values()) - now) / _SECOND, _POLL)
            passage = _Passage(slot=free[0], until=now + _LEASE + self._window(kind))
            self._write(connection, kind, sent=now, held=0)
            self._write(connection, passage.slot, sent=now, held=passage.until)
        return passage

    def _taken(self, connection: sa.Connection, kind: CallKind, *, now: int) -> dict[str, int]:
        """Return until when each slot is taken."""
        slots = [f"{kind.value}/{place}" for place in range(SLOTS[kind])]
        query = sa.select(_PACE.c.kind, _PACE.c.held_until_us).where(_PACE.c.key == self._key, _PACE.c.kind.in_(slots))
        taken = dict.fromkeys(slots, 0) | {row.kind: row.held_until_us for row in connection.execute(query)}
        for slot, until in taken.items():
            if until - now > _LEASE + self._window(kind):  # the clock was put back: at worst it was answered just now
                taken[slot] = now + self._window(kind)
                self._write(connection, slot, sent=now, held=taken[slot])
        return taken

    def _give_back(self, kind: CallKind, passage: _Passage) -> None:
        """Let the slot of a request that was answered be free after a second."""
        with self._database.writing() as connection:
            row = connection.execute(self._row(passage.slot)).first()
            if row is not None and row.held_until_us == passage.until:
                now = micros_of(self._clock.now())
                self._write(connection, passage.slot, sent=row.sent_us, held=min(now + self._window(kind), passage.until))

    def _window(self, kind: CallKind) -> int:
        return int(_WINDOW * _SECOND * self._spacing[kind] / _USUAL[kind])

    def _row(self, kind: str) -> sa.Select[tuple[int, int]]:
        return sa.select(_PACE.c.sent_us, _PACE.c.held_until_us).where(_PACE.c.key == self._key, _PACE.c.kind == str(kind))

    def _write(self, connection: sa.Connection, kind: str, *, sent: int, held: int) -> None:
        mine = {"key": self._key, "kind": str(kind)}
        values = {"sent_us": sent, "held_until_us": held}
        where = (_PACE.c.key == self._key) & (_PACE.c.kind == str(kind))
        if connection.execute(sa.update(_PACE).where(where).values(values)).rowcount == 0:
            connection.execute(sa.insert(_PACE).values(mine | values))
