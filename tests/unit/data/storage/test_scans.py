from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import DamagedFile
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.query import run_query

AT = datetime(2026, 1, 5, tzinfo=UTC)
NAMES = ("NSE:INFY", "NSE:M&M", "NSE:TCS")
MINUTE = 60_000_000
# The last minutes of 2024 and the first of 2025 in India.
NEW_YEAR = int((datetime(2025, 1, 1, tzinfo=UTC) - timedelta(hours=5, minutes=30)).timestamp()) * 1_000_000


def minutes(name: str, *, first: int = NEW_YEAR - 3 * MINUTE, n_bars: int = 6, price: float = 100.0) -> SeriesBars:
    column = price + np.arange(n_bars, dtype=np.float64)
    bars = Bars(
        instrument=InstrumentId(name),
        interval=Interval.MINUTE_1,
        ts=first + np.arange(n_bars) * MINUTE,
        open=column,
        high=column,
        low=column,
        close=column,
        volume=np.full(n_bars, 5.0),
        oi=np.full(n_bars, np.nan),
    )
    return SeriesBars(key=SeriesKey(instrument=bars.instrument, interval=bars.interval), bars=bars)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path)
    for i, name in enumerate(NAMES):
        opened.upsert([minutes(name, price=100.0 * (i + 1))], Provenance(source="file:a"), at=AT)
    yield opened
    opened.close()


def files_of(store: ParquetStore, name: str) -> list[Path]:
    number = NAMES.index(name) + 1
    return sorted((store.root / "data" / "bars" / "1m" / "NSE" / "raw" / str(number)).glob("*.parquet"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:7])


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
@pytest.mark.parametrize(
    "condition",
    [
        "instrument = 'NSE:INFY'",
        "instrument IN ('NSE:INFY', 'NSE:INFOSYS')",
        "interval = '1m' AND instrument < 'NSE:M'",
        "instrument = 'NSE:INFY' AND interval = '1m' AND ts >= TIMESTAMPTZ '2024-12-31'",
    ],
)
def test_a_query_needs_only_the_files_of_its_instruments(store: ParquetStore, condition: str, harm: object) -> None:
    for path in files_of(store, "NSE:M&M"):
        assert callable(harm)
        harm(path)
    with store.sql() as connection:
        assert connection.execute(f"SELECT count(*), avg(close) FROM bars WHERE {condition}").fetchall() == [(6, 102.5)]  # noqa: S608 - our own


def test_a_query_needs_only_the_files_of_its_years(store: ParquetStore) -> None:
    old, _ = files_of(store, "NSE:INFY")
    flip(old)
    with store.sql() as connection:
        rows = connection.execute(
            "SELECT count(*), min(close) FROM bars WHERE instrument = 'NSE:INFY' AND ts >= TIMESTAMPTZ '2025-01-01'"
        ).fetchall()
    assert rows == [(3, 103.0)]


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
def test_a_damaged_file_is_named_where_it_is_needed(store: ParquetStore, harm: object) -> None:
    path = files_of(store, "NSE:M&M")[0]
    assert callable(harm)
    harm(path)
    for text in ("SELECT avg(close) FROM bars", "SELECT count(*) FROM bars WHERE instrument = 'NSE:M&M'"):
        with store.sql() as connection, pytest.raises(DamagedFile, match=path.name):
            run_query(connection, text, max_rows=10, seconds=10)
        with store.sql() as connection, pytest.raises(duckdb.Error, match=path.name):
            connection.execute(text).fetchall()


def test_bars_that_were_corrected_show_whatever_is_asked_for(store: ParquetStore) -> None:
    # Many instruments at once, over what is there: kept apart, and laid over the files of the instruments.
    others = [minutes(f"NSE:X{i}") for i in range(40)]
    store.upsert([minutes("NSE:INFY", first=NEW_YEAR, n_bars=1, price=7.0), *others], Provenance(source="file:b"), at=AT)
    with store.sql() as connection:
        low = "SELECT min(close), count(*) FROM bars WHERE instrument = 'NSE:INFY'"
        assert connection.execute(low).fetchall() == [(7.0, 6)]
        assert connection.execute("SELECT count(*), count(DISTINCT instrument) FROM bars").fetchall() == [(3 * 6 + 40 * 6, 43)]
        by_series = "SELECT count(*) FROM bars JOIN series USING (instrument, interval, basis) WHERE series.instrument = 'NSE:X7'"
        assert connection.execute(by_series).fetchall() == [(6,)]
