from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.data.storage import ParquetStore, PriceBasis, Provenance, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, tzinfo=UTC)
KEYS = [
    SeriesKey(instrument=InstrumentId("NSE:M&M"), interval=Interval.MINUTE_1),
    SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY),
    SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY, basis=PriceBasis.ADJUSTED),
    SeriesKey(instrument=InstrumentId("CDS:USDINR"), interval=Interval.DAY),
]
PRICES = [100.05, 1013.5, 1000 / 3, 83.2125]


def three_bars(key: SeriesKey, price: float) -> SeriesBars:
    column = np.array([price, price, price])
    bars = Bars(
        instrument=key.instrument,
        interval=key.interval,
        ts=1_704_166_500_000_000 + np.arange(3) * 86_400_000_000,
        open=column,
        high=column,
        low=column,
        close=column,
        volume=np.array([1.0, np.nan, 0.5]) if key is KEYS[1] else np.array([5.0, np.nan, 7.0]),
        oi=np.full(3, np.nan),
    )
    return SeriesBars(key=key, bars=bars)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path / "home")
    opened.upsert([three_bars(key, price) for key, price in zip(KEYS, PRICES, strict=True)], Provenance(source="file:a"), at=AT)
    yield opened
    opened.close()


def test_prices_come_out_as_they_went_in_whatever_file_keeps_them(store: ParquetStore) -> None:
    with store.sql() as connection:
        rows = connection.execute(
            "SELECT instrument, interval, basis, min(close), max(open), count(*), count(volume), sum(volume), count(oi) FROM bars"
            " GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert rows == [
        ("CDS:USDINR", "1d", "raw", 83.2125, 83.2125, 3, 2, 12.0, 0),
        ("NSE:INFY", "1d", "adjusted", 1000 / 3, 1000 / 3, 3, 2, 12.0, 0),
        ("NSE:INFY", "1d", "raw", 1013.5, 1013.5, 3, 2, 1.5, 0),
        ("NSE:M&M", "1m", "raw", 100.05, 100.05, 3, 2, 12.0, 0),
    ]


def test_the_series_are_a_table_too(store: ParquetStore) -> None:
    with store.sql() as connection:
        rows = connection.execute("SELECT instrument, interval, basis, last_close, n_bars, simulated FROM series ORDER BY ALL LIMIT 1")
        assert rows.fetchall() == [("CDS:USDINR", "1d", "raw", 83.2125, 3, False)]


def test_instants_are_shown_in_indian_time(store: ParquetStore) -> None:
    with store.sql() as connection:
        assert connection.execute("SELECT min(ts)::VARCHAR FROM bars").fetchone() == ("2024-01-02 09:05:00+05:30",)


def test_a_connection_stays_at_its_snapshot(store: ParquetStore) -> None:
    first = store.snapshot()
    with store.sql() as connection:
        store.upsert([three_bars(KEYS[1], 1.0)], Provenance(source="file:b"), at=AT)
        assert connection.execute("SELECT max(close) FROM bars WHERE basis = 'raw'").fetchone() == (1013.5,)
    with store.sql(as_of=first) as connection:
        assert connection.execute("SELECT max(close) FROM bars WHERE basis = 'raw'").fetchone() == (1013.5,)
    with store.sql() as connection:
        assert connection.execute("SELECT max(close) FROM bars WHERE basis = 'raw'").fetchone() == (100.05,)


def test_an_empty_store_has_empty_views(tmp_path: Path) -> None:
    store = ParquetStore.open(tmp_path)
    with store.sql() as connection:
        assert connection.execute("SELECT * FROM bars WHERE close > 1").fetchall() == []
        assert connection.execute("SELECT * FROM series").fetchall() == []
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_parquet('{file}')",
        "SELECT * FROM read_text('{file}')",
        "COPY bars TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
        "COPY bars TO '{folder}/stolen.csv'",
        "ATTACH '{folder}/manifest.sqlite' AS manifest",
        "EXPORT DATABASE '{folder}/export'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM 's3://bucket/file.parquet'",
    ],
)
def test_a_query_reaches_nothing_but_its_views(store: ParquetStore, tmp_path: Path, statement: str) -> None:
    file = next((tmp_path / "home").rglob("*.parquet"))
    before = {path: path.stat().st_size for path in (tmp_path / "home").rglob("*") if path.is_file()}
    with store.sql() as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(file=file, folder=tmp_path / "home"))
    assert {path: path.stat().st_size for path in (tmp_path / "home").rglob("*") if path.is_file()} == before


def test_threads_and_memory_are_what_was_asked_for(store: ParquetStore) -> None:
    with store.sql(threads=1, memory="200MB") as connection:
        assert connection.execute("SELECT current_setting('threads'), current_setting('memory_limit')").fetchone() == (1, "190.7 MiB")
