"""A user's SQL on the bars of one snapshot: one statement that reads, within limits of rows and time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from qts.core.errors import BadParameter, QtsError, QueryStopped
from qts.data.storage.scans import faults_of

_BATCH: Final = 10_000
_READING: Final = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})
_HINT: Final = "Read from the views `bars` and `series`; `DESCRIBE bars` shows the columns."


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswer:
    """What a query found. ``is_cut`` where it found more rows than were asked for."""

    table: Any
    is_cut: bool


def run_query(connection: duckdb.DuckDBPyConnection, text: str, *, max_rows: int, seconds: float) -> QueryAnswer:
    """Return the first rows of a query.

    Parameters
    ----------
    connection : DuckDBPyConnection
        As ``ParquetStore.sql`` gives it; used for this query only.
    text : str
        One statement that reads.
    max_rows : int
        How many rows are wanted at most.
    seconds : float
        After how long the query is stopped.

    Raises
    ------
    BadParameter
        If the text is not SQL, is not one statement, would change something, reach for files or the network, or cannot be computed.
    QueryStopped
        If it took too long or needs more memory than it may use.
    DamagedFile
        If a stored file that it needs is not what was written.
    """
    _require_reading(text)
    # Belt and braces: what a SELECT writes would be gone with the connection anyway.
    connection.execute("BEGIN TRANSACTION READ ONLY")
    with _translated(text, seconds, faults_of(connection)), _stopped_after(connection, seconds):
        return _first_rows(connection.sql(text), max_rows)


def _require_reading(text: str) -> None:
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise BadParameter("sql", text, _sentence(error), hint="Correct the statement.") from error
    if len(statements) != 1:
        raise BadParameter("sql", text, f"holds {len(statements)} statements instead of one", hint="Give one SELECT.")
    if statements[0].type not in _READING:
        kind = statements[0].type.name
        raise BadParameter("sql", text, f"is a statement of the kind {kind}, and only reading is allowed", hint=_HINT)


def _first_rows(relation: Any, max_rows: int) -> QueryAnswer:  # noqa: ANN401 - duckdb carries no types here
    reader = relation.to_arrow_reader(_BATCH)
    batches, n_rows = [], 0
    for batch in reader:
        batches.append(batch)
        n_rows += batch.num_rows
        if n_rows > max_rows:
            break
    table = pa.Table.from_batches(batches, schema=reader.schema)
    return QueryAnswer(table=table.slice(0, max_rows), is_cut=n_rows > max_rows)


@contextmanager
def _stopped_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _translated(text: str, seconds: float, faults: Sequence[QtsError]) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:  # while rows stream, Arrow hands over DuckDB's errors as its own
        if faults:
            raise faults[-1] from error
        said = str(error)
        if isinstance(error, duckdb.InterruptException) or said.startswith("INTERRUPT"):
            hint = "Ask for fewer instruments or a shorter span, or allow more time."
            raise QueryStopped(f"it took longer than {seconds:g} s", hint=hint) from error
        if isinstance(error, duckdb.OutOfMemoryException) or said.startswith("Out of Memory"):
            hint = "Ask for fewer rows at a time, or allow more memory with the setting query_memory."
            raise QueryStopped("it needs more memory than a query may use", hint=hint) from error
        raise BadParameter("sql", text, _sentence(error), hint=_HINT) from error


def _sentence(error: Exception) -> str:
    """Return the first paragraph of what DuckDB says, without the drawing of where in the text it is."""
    first = str(error).strip().split("\n\n")[0]
    return " ".join(first.split()).rstrip(".")
