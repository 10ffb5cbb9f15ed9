"""A person's own SQL over the stored bars: read-only, on one snapshot, within limits, each query in its turn."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from pydantic import BaseModel, ConfigDict

from qts.app.bars import SIMULATED_NOTE, ExportFormat, is_simulated
from qts.app.requests import SqlRequest
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter, InputError
from qts.data.storage.query import QueryAnswer, run_query

if TYPE_CHECKING:
    import duckdb


@runtime_checkable
class Queryable(Protocol):
    """A store that answers SQL."""

    def sql(self, *, as_of: str | None = None, threads: int = 2, memory: str = "1GB") -> duckdb.DuckDBPyConnection:
        """Return a connection of its own with the views ``bars`` and ``series`` of one snapshot."""
        ...


class SqlColumn(BaseModel):
    """A column of an answer and the type of its values."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str


class SqlDocument(BaseModel):
    """The answer to a query: a list of values for each row. ``cut`` where there are more rows than are shown."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[SqlColumn, ...]
    rows: tuple[tuple[object, ...], ...]
    cut: bool
    snapshot: str
    notes: tuple[str, ...]


def run_sql(workspace: Workspace, request: SqlRequest) -> SqlDocument:
    """Return what a query finds.

    Raises
    ------
    BadParameter
        If the statement is wrong or would do more than read, or there is no such snapshot.
    QueryStopped
        If it takes too long, needs too much memory, or waits too long for its turn.
    DamagedFile
        If a stored file is not what was written.
    """
    answer, snapshot = _answer(workspace, request)
    table = answer.table
    columns = tuple(SqlColumn(name=field.name, type=str(field.type)) for field in table.schema)
    rows = tuple(zip(*(_plain_column(column, request.sql) for column in table.columns), strict=True))
    return SqlDocument(columns=columns, rows=rows, cut=answer.is_cut, snapshot=snapshot, notes=_notes(workspace, request.as_of))


def export_sql(workspace: Workspace, request: SqlRequest, kind: ExportFormat) -> tuple[bytes, tuple[str, ...]]:
    """Return what a query finds as a CSV or Parquet file's content, and what must be said about it.

    Raises
    ------
    BadParameter, QueryStopped, DamagedFile
        As :func:`run_sql`; also for a column that CSV cannot hold, and for JSON, which is the document's own form.
    """
    answer, _ = _answer(workspace, request)
    table = _with_texts(answer.table)
    notes = list(_notes(workspace, request.as_of))
    if answer.is_cut:
        notes.append(f"Only the first {request.max_rows:,} rows are written; allow more with max_rows.")
    return _file_of(table, kind), tuple(notes)


def _answer(workspace: Workspace, request: SqlRequest) -> tuple[QueryAnswer, str]:
    settings, store = workspace.settings, workspace.store
    if not isinstance(store, Queryable):
        raise InputError("This store cannot be asked in SQL.", hint="Use a store of files.")
    seconds = request.seconds or settings.query_seconds
    with workspace.queries.turn(settings.query_seconds):
        snapshot = workspace.snapshot_id(request.as_of) or store.snapshot()
        connection = store.sql(as_of=request.as_of, threads=os.cpu_count() or 1, memory=settings.query_memory)
        with connection:
            return run_query(connection, request.sql, max_rows=request.max_rows, seconds=seconds), snapshot


def _notes(workspace: Workspace, as_of: str | None) -> tuple[str, ...]:
    invented = [info.key.instrument for info in workspace.store.series(as_of=as_of) if is_simulated(info)]
    if not invented:
        return ()
    return (f"{SIMULATED_NOTE}: that holds for {len(set(invented))} of the stored instruments; `series` marks them as simulated.",)


def _with_texts(table: pa.Table) -> pa.Table:
    """Return the table with stretches of time as texts, which no kind of file can hold otherwise."""
    for i, field in enumerate(table.schema):
        if field.type == pa.month_day_nano_interval():
            texts = [None if value is None else _stretch(value) for value in table.column(i).to_pylist()]
            table = table.set_column(i, field.name, pa.array(texts, pa.string()))
    return table


def _file_of(table: pa.Table, kind: ExportFormat) -> bytes:
    sink = io.BytesIO()
    match kind:
        case ExportFormat.PARQUET:
            try:
                pa.parquet.write_table(table, sink, compression="zstd")
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise BadParameter("format", kind, f"cannot hold a column ({error})", hint="Cast it to a text in the query.") from error
        case ExportFormat.CSV:
            try:
                pa.csv.write_csv(table, sink)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise BadParameter(
                    "format", kind, "cannot hold lists or structures", hint="Select plain columns, or use parquet."
                ) from error
        case ExportFormat.JSON:
            raise BadParameter("format", kind, "is the document's own form", hint="Ask for csv or parquet.")
    return sink.getvalue()


def _plain_column(column: pa.ChunkedArray, text: str) -> list[object]:
    try:
        return [_plain(value) for value in column.to_pylist()]
    except (OverflowError, ValueError) as error:
        raise BadParameter(
            "sql", text, f"gives an instant that cannot be shown ({error})", hint="Cast it to a text in the query."
        ) from error


def _plain(value: object) -> object:
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    return str(value)


def _itself(value: Any) -> object:  # noqa: ANN401 - of whatever kind
    return value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _instant(value: datetime) -> str:
    return (value if value.tzinfo is None else value.astimezone(IST)).isoformat()


def _text_of(value: date | time) -> str:
    return value.isoformat()


def _stretch(value: pa.MonthDayNano) -> str:
    """Return a stretch of time as ISO 8601 writes it: P1M3DT0.5S."""
    seconds = Decimal(value.nanoseconds).scaleb(-9).normalize()
    parts = f"{value.months}M" * bool(value.months) + f"{value.days}D" * bool(value.days) + f"T{seconds:f}S" * bool(seconds)
    return f"P{parts or 'T0S'}"


def _parts(value: list[object]) -> list[object]:
    return [_plain(part) for part in value]


def _fields(value: dict[str, object]) -> dict[str, object]:
    return {str(name): _plain(part) for name, part in value.items()}


# The first kind that fits decides: an instant is a date, too.
_CONVERSIONS: Final[tuple[tuple[Any, Callable[[Any], object]], ...]] = (
    ((str, int, type(None)), _itself),
    (float, _finite),
    (Decimal, _number),
    (pa.MonthDayNano, _stretch),
    (datetime, _instant),
    ((date, time), _text_of),
    (list, _parts),
    (dict, _fields),
    (bytes, bytes.hex),
)
