"""How a database on a PostgreSQL server is opened, and what its errors mean. The driver (psycopg) is installed by whoever wants it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from qts.core.errors import BadPath, DamagedFile, QtsError, StoreBusy, StoreFull

_ANY_WRITER: Final = 7_148_113
_FULL: Final = frozenset({"53100"})
_HELD: Final = frozenset({"55P03", "40001", "40P01", "57014"})
_DAMAGED: Final = frozenset({"XX001", "XX002", "42P01", "42703"})
_REFUSED: Final = ("08", "28", "3D", "42501", "53300", "57P")


def engine(url: URL, *, wait_seconds: float) -> Engine:
    """Return an engine whose writers wait so long for one another.

    Raises
    ------
    BadPath
        If the URL is of another kind of database, or the driver is not installed.
    """
    if url.get_backend_name() != "postgresql":
        raise BadPath(url.render_as_string(hide_password=True), "it is no PostgreSQL database", hint="Write postgresql://user@host/name.")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        made = create_engine(url, max_overflow=-1, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        reason = f"the driver {error.name} is not installed"
        raise BadPath(url.render_as_string(hide_password=True), reason, hint="Run: pip install 'psycopg[binary]'") from error

    def wait(connection: object, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection
        cursor.execute(f"SET lock_timeout = {int(wait_seconds * 1000)}")
        cursor.close()
        connection.commit()  # type: ignore[attr-defined]  # a DB-API connection

    event.listen(made, "connect", wait)
    return made


def begin(connection: Connection, *, writes: bool) -> None:
    """Begin a transaction; a writer takes its lock now, a reader sees one state."""
    if writes:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ANY_WRITER})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def translated(error: DBAPIError, place: str) -> QtsError | None:
    """Return an error of the server in the words of the domain, or None where it is a mistake of ours."""
    code = getattr(error.orig, "sqlstate", None)
    text = str(error.orig).splitlines()[0] if error.orig is not None and str(error.orig) else "no reason was given"
    if code is None or code.startswith(_REFUSED):
        return BadPath(place, f"the server refuses ({text})", hint="Check that the server runs and that the URL is right.")
    if code in _FULL:
        return StoreFull(place)
    if code in _HELD:
        return StoreBusy(place)
    return DamagedFile(place, text) if code in _DAMAGED else None
