from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import BadParameter, QueryStopped
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.query import run_query

KEY = SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY)
ENDLESS = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(1000000) b"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    column = np.array([10.0, 11.0, 12.0])
    bars = Bars(
        instrument=KEY.instrument,
        interval=KEY.interval,
        ts=1_704_166_500_000_000 + np.arange(3) * 86_400_000_000,
        open=column,
        high=column,
        low=column,
        close=column,
        volume=column,
        oi=np.full(3, np.nan),
    )
    store = ParquetStore.open(tmp_path / "home")
    store.upsert([SeriesBars(key=KEY, bars=bars)], Provenance(source="file:a"), at=datetime(2026, 1, 5, tzinfo=UTC))
    with store.sql(memory="100MB") as opened:
        yield opened
    store.close()


def test_a_query_returns_its_rows(connection: duckdb.DuckDBPyConnection) -> None:
    answer = run_query(connection, "SELECT close FROM bars ORDER BY ts", max_rows=3, seconds=10)
    assert (answer.table.column("close").to_pylist(), answer.is_cut) == ([10.0, 11.0, 12.0], False)


def test_more_rows_than_wanted_are_cut_and_said(connection: duckdb.DuckDBPyConnection) -> None:
    answer = run_query(connection, "SELECT * FROM range(1000000)", max_rows=7, seconds=10)
    assert (answer.table.num_rows, answer.is_cut) == (7, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("DROP TABLE series", "kind DROP", id="drop"),
        pytest.param("COPY bars TO '/tmp/stolen.csv'", "kind COPY", id="copy out"),
        pytest.param("ATTACH 'other.db'", "kind ATTACH", id="attach"),
        pytest.param("INSTALL httpfs", "kind LOAD", id="install"),
        pytest.param("SET threads = 64", "kind SET", id="set"),
        pytest.param("PRAGMA enable_profiling", "kind", id="pragma"),
        pytest.param("INSERT INTO series SELECT * FROM series", "kind INSERT", id="insert"),
        pytest.param("SELECT 1; DROP TABLE series", "2 statements", id="a second statement"),
        pytest.param("", "0 statements", id="nothing"),
        pytest.param("SELEC 1", "syntax error", id="no SQL"),
        pytest.param("SELECT nope FROM bars", '"nope" not found', id="an unknown column"),
        pytest.param("SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration", id="a file"),
        pytest.param("SELECT * FROM read_parquet('https://example.org/a.parquet')", "disabled by configuration", id="the network"),
        pytest.param("SELECT * FROM glob('/*')", "disabled by configuration", id="a list of files"),
        pytest.param("FROM '/etc/passwd'", "/etc/passwd", id="a file as a table"),
        pytest.param("WITH x AS (INSERT INTO series SELECT * FROM series RETURNING *) FROM x", "read-only", id="an insert within"),
        pytest.param("EXPLAIN ANALYZE DELETE FROM series", "read-only", id="a deletion explained"),
        pytest.param("SELECT error('boom')", "boom", id="an error of its own"),
    ],
)
def test_what_is_no_reading_is_refused(connection: duckdb.DuckDBPyConnection, text: str, reason: str) -> None:
    with pytest.raises(BadParameter, match=reason):
        run_query(connection, text, max_rows=10, seconds=10)


def test_a_query_that_takes_too_long_is_stopped(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryStopped, match=r"longer than 0\.1 s"):
        run_query(connection, ENDLESS, max_rows=10, seconds=0.1)


def test_a_query_that_streams_for_too_long_is_stopped(connection: duckdb.DuckDBPyConnection) -> None:
    endless_rows = "SELECT a.range FROM range(100000000) a, range(1000000) b"
    with pytest.raises(QueryStopped, match=r"longer than 0\.2 s"):
        run_query(connection, endless_rows, max_rows=10**12, seconds=0.2)


def test_a_query_that_needs_too_much_memory_is_stopped(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryStopped, match="more memory"):
        run_query(connection, "SELECT list(range) FROM range(100000000)", max_rows=10, seconds=20)
