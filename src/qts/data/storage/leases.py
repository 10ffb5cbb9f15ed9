"""Words that one process gives the others: that nobody else does this until then, or that nothing of a snapshot is collected."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from qts.core import micros_of
from qts.data.storage.schema import LEASE


def acquire(connection: Connection, name: str, holder: str, *, at: datetime, until: datetime, snapshot: int | None = None) -> bool:
    """Take a lease, or renew one's own; return whether it is ours now. A lease of the past is anybody's."""
    held = connection.execute(select(LEASE).where(LEASE.c.name == name)).first()
    if held is not None and held.holder != holder and held.until_us > micros_of(at):
        return False
    connection.execute(delete(LEASE).where(LEASE.c.name == name))
    connection.execute(insert(LEASE).values(name=name, holder=holder, until_us=micros_of(until), snapshot=snapshot))
    return True


def release(connection: Connection, name: str, holder: str) -> None:
    """Give a lease back; somebody else's is left alone."""
    connection.execute(delete(LEASE).where(LEASE.c.name == name, LEASE.c.holder == holder))


def pinned(connection: Connection, at: datetime) -> set[int]:
    """Return the snapshots that leases keep at an instant, by sequence number."""
    query = select(LEASE.c.snapshot).where(LEASE.c.snapshot.is_not(None), LEASE.c.until_us > micros_of(at))
    return set(connection.execute(query).scalars())
