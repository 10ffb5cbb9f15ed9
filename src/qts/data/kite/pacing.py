"""How fast we may ask: one pace per key and kind of call, kept by all threads and processes that share a database, and across restarts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from qts.core import Clock, micros_of
from qts.data.storage.database import Database

_SECOND: Final = 1_000_000
_METADATA: Final = sa.MetaData()
# When the last request of a kind was let go, and until when the broker wants to be left alone; microseconds since the epoch.
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


# Seconds between two calls. The broker's limits are 1, 3 and 10 a second; the rest is for requests that overtake one another on the way.
SPACING: Final[Mapping[CallKind, float]] = {CallKind.QUOTE: 1.05, CallKind.HISTORICAL: 0.36, CallKind.OTHER: 0.11}


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

    def wait(self, kind: CallKind) -> None:
        """Return when a request of this kind may go, which it should then at once."""
        while (seconds := self._let_go(kind)) > 0:
            self._sleep(seconds)

    def hold(self, kind: CallKind, seconds: float) -> None:
        """Let no request of this kind go for a while, in any process: the broker asked for it."""
        now = micros_of(self._clock.now())
        until = now + min(int(seconds * _SECOND), _LONGEST_HOLD)
        with self._database.writing() as connection:
            row = connection.execute(self._row(kind)).first()
            self._write(
                connection, kind, sent=0 if row is None else row.sent_us, held=until if row is None else max(until, row.held_until_us)
            )

    def _let_go(self, kind: CallKind) -> float:
        """Enter the present as the time of a request, or return how many seconds to wait before asking again."""
        spacing = int(self._spacing[kind] * _SECOND)
        with self._database.writing() as connection:
            row = connection.execute(self._row(kind)).first()
            # Asked while the lock is held: of two who come at once the later one sees the earlier one's time.
            now = micros_of(self._clock.now())
            if row is not None:
                held = row.held_until_us if row.held_until_us - now <= _LONGEST_HOLD else 0
                if row.sent_us > now:  # the clock was put back since: when that was cannot be told, at worst just now
                    self._write(connection, kind, sent=now, held=held)
                next_at = max(min(row.sent_us, now) + spacing, held)
                if next_at > now:
                    return float(next_at - now) / _SECOND
            self._write(connection, kind, sent=now, held=0)
        return 0.0

    def _row(self, kind: CallKind) -> sa.Select[tuple[int, int]]:
        return sa.select(_PACE.c.sent_us, _PACE.c.held_until_us).where(_PACE.c.key == self._key, _PACE.c.kind == kind.value)

    def _write(self, connection: sa.Connection, kind: CallKind, *, sent: int, held: int) -> None:
        mine = {"key": self._key, "kind": kind.value}
        values = {"sent_us": sent, "held_until_us": held}
        where = (_PACE.c.key == self._key) & (_PACE.c.kind == kind.value)
        if connection.execute(sa.update(_PACE).where(where).values(values)).rowcount == 0:
            connection.execute(sa.insert(_PACE).values(mine | values))
