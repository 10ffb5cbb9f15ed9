from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from qts.app.bars import ExportFormat
from qts.app.importing import import_files
from qts.app.requests import ImportRequest, SqlRequest
from qts.app.settings import load_settings
from qts.app.sql import export_sql, run_sql
from qts.app.workspace import Workspace, open_workspace
from qts.core.errors import BadParameter, InputError

VALUES = (
    "SELECT 1 AS i, 2.5::DOUBLE AS f, 'nan'::DOUBLE AS n, 3::HUGEINT AS h, 1.25::DECIMAL(9, 2) AS d, NULL AS e, "
    "DATE '2024-01-02' AS day, TIME '09:15' AS t, TIMESTAMPTZ '2024-01-02 03:45:00+00' AS at, [1, 2] AS l, {'a': 1} AS s, 'x'::BLOB AS b"
)


@pytest.fixture
def filled(tmp_path: Path) -> Workspace:
    source = tmp_path / "INFY.csv"
    source.write_text("date,open,high,low,close,volume\n2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n")
    workspace = open_workspace(load_settings(home=tmp_path / "home"))
    assert not import_files(workspace, ImportRequest(paths=(source,))).failures
    return workspace


def test_a_query_over_the_bars(filled: Workspace) -> None:
    with filled:
        found = run_sql(filled, SqlRequest(sql="SELECT instrument, ts, close FROM bars ORDER BY ts"))
        assert found.rows == (("NSE:INFY", "2024-01-02T09:15:00+05:30", 11.0), ("NSE:INFY", "2024-01-03T09:15:00+05:30", 12.0))
        assert ([column.name for column in found.columns], found.cut) == (["instrument", "ts", "close"], False)
        assert (found.snapshot, found.notes) == (filled.store.snapshot(), ())


def test_every_kind_of_value_becomes_plain(filled: Workspace) -> None:
    with filled:
        (row,) = run_sql(filled, SqlRequest(sql=VALUES)).rows
    assert row[:6] == (1, 2.5, None, 3, 1.25, None)
    assert row[6:] == ("2024-01-02", "09:15:00", "2024-01-02T09:15:00+05:30", [1, 2], {"a": 1}, "78")


@pytest.mark.parametrize(
    ("sql", "text"),
    [("3 DAYS", "P3D"), ("'1 month 2 days 1.5 seconds'", "P1M2DT1.5S"), ("0 DAYS", "PT0S"), ("'-1 day -90 minutes'", "P-1DT-5400S")],
)
def test_a_stretch_of_time_is_a_text_in_every_form(filled: Workspace, sql: str, text: str) -> None:
    request = SqlRequest(sql=f"SELECT INTERVAL {sql} AS i UNION ALL SELECT NULL ORDER BY i")
    with filled:
        assert run_sql(filled, request).rows == ((text,), (None,))
        assert export_sql(filled, request, ExportFormat.CSV)[0] == f'"i"\n"{text}"\n\n'.encode()
        content, _ = export_sql(filled, request, ExportFormat.PARQUET)
    assert pyarrow.parquet.read_table(io.BytesIO(content)).column("i").to_pylist() == [text, None]


def test_an_instant_without_end_is_refused_in_words(filled: Workspace) -> None:
    with filled, pytest.raises(BadParameter, match="cannot be shown"):
        run_sql(filled, SqlRequest(sql="SELECT 'infinity'::TIMESTAMPTZ"))


def test_an_old_snapshot_is_asked_by_its_id(filled: Workspace) -> None:
    with filled:
        before = filled.store.snapshot()
        assert run_sql(filled, SqlRequest(sql="SELECT count(*) FROM bars", as_of=before)).rows == ((2,),)
        with pytest.raises(BadParameter, match="no such snapshot"):
            run_sql(filled, SqlRequest(sql="SELECT 1", as_of="feed"))


def test_an_answer_as_a_file_says_when_it_is_cut(filled: Workspace) -> None:
    request = SqlRequest(sql="SELECT ts, close FROM bars ORDER BY ts", max_rows=1)
    with filled:
        content, notes = export_sql(filled, request, ExportFormat.PARQUET)
        assert pyarrow.parquet.read_table(io.BytesIO(content)).column("close").to_pylist() == [11.0]
        assert notes == ("Only the first 1 rows are written; allow more with max_rows.",)
        text, _ = export_sql(filled, SqlRequest(sql="SELECT close, date_trunc('day', ts)::DATE AS day FROM bars"), ExportFormat.CSV)
    assert pyarrow.csv.read_csv(io.BytesIO(text)).column("day").to_pylist() == [date(2024, 1, 2), date(2024, 1, 3)]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        pytest.param("SELECT [1, 2] AS l", ExportFormat.CSV, id="a list as CSV"),
        pytest.param("SELECT [INTERVAL 1 DAY] AS l", ExportFormat.CSV, id="stretches of time in a list as CSV"),
        pytest.param("SELECT [INTERVAL 1 DAY] AS l", ExportFormat.PARQUET, id="and as Parquet"),
        pytest.param("SELECT 1", ExportFormat.JSON, id="a document as a file"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(filled: Workspace, sql: str, kind: ExportFormat) -> None:
    with filled, pytest.raises(BadParameter, match="format"):
        export_sql(filled, SqlRequest(sql=sql), kind)


def test_a_store_without_sql_says_so(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="cannot be asked in SQL"):
        run_sql(workspace, SqlRequest(sql="SELECT 1"))
