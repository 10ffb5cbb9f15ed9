"""``qts sql``: a person's own question to the stored bars."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import Json
from qts.cli.output import note, write_bytes, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.sql import SqlDocument


class SqlFormat(StrEnum):
    """How ``qts sql`` writes its answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sql")(sql)


def sql(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT from the views bars and series; - reads it from stdin.")],
    *,
    as_of: Annotated[str | None, typer.Option(help="Snapshot of the store to read.")] = None,
    max_rows: Annotated[int, typer.Option(help="Most rows of the answer.")] = 1_000,
    seconds: Annotated[float | None, typer.Option(help="After how many seconds it is stopped; the setting when absent.")] = None,
    layout: Annotated[SqlFormat, typer.Option("--format", help="How to write the answer.")] = SqlFormat.TABLE,
    as_json: Json = False,
) -> None:
    """Ask the stored bars in SQL. It can only read, and reach nothing but the bars."""
    from qts.app.bars import ExportFormat
    from qts.app.requests import SqlRequest, build
    from qts.app.sql import export_sql, run_sql

    query = sys.stdin.read() if text == "-" else text
    request = build(SqlRequest, sql=query, as_of=as_of, max_rows=max_rows, seconds=seconds)
    chosen = SqlFormat.JSON if as_json else layout
    if chosen in {SqlFormat.TABLE, SqlFormat.JSON}:
        with opened(context) as workspace:
            document = run_sql(workspace, request)
        write_json(document) if chosen is SqlFormat.JSON else _draw(document)
        return
    with opened(context) as workspace:
        content, remarks = export_sql(workspace, request, ExportFormat(chosen.value))
    write_bytes(content)
    for remark in remarks:
        note(f"Note: {remark}")


def _draw(document: SqlDocument) -> None:
    names = [column.name for column in document.columns]
    numeric = [column.name for column in document.columns if column.type.startswith(("int", "uint", "double", "float", "decimal"))]
    rows = [[_shown(value) for value in row] for row in document.rows]
    write_table(names, rows, numeric=numeric)
    remarks = list(document.notes)
    if document.cut:
        remarks.insert(0, f"There are more rows than these {len(rows):,}; --max-rows shows more.")
    for remark in remarks:
        note(f"Note: {remark}")


def _shown(value: object) -> str:
    from qts.app import format as shown

    if isinstance(value, float):
        return shown.quantity(round(value, 4))
    return "" if value is None else str(value)
