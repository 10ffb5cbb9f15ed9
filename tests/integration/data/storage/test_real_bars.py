"""Real prices: they come back bit for bit, and take little room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.data.storage import ParquetStore, PriceBasis, Provenance, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, tzinfo=UTC)
COLUMNS = ("ts", "open", "high", "low", "close", "volume", "oi")
IST_OFFSET_US = 19_800_000_000


def batches_of(path: Path, *, instant: str, interval: Interval, basis: PriceBasis) -> Iterator[SeriesBars]:
    table = pq.read_table(path)
    for symbol in sorted(set(table.column("symbol").to_pylist())):
        part = table.filter(pc.equal(table.column("symbol"), symbol)).sort_by(instant)
        columns = {name: np.array(part.column(name).to_pylist(), dtype=np.float64) for name in COLUMNS[1:-1]}
        instants = part.column(instant)
        # A column without a zone is in Indian time.
        micros = instants.cast("int64").to_numpy() - (0 if getattr(instants.type, "tz", None) else IST_OFFSET_US)
        ts, first = np.unique(micros, return_index=True)
        instrument = InstrumentId(f"NSE:{symbol}")
        held = {name: column[first] for name, column in columns.items()}
        bars = Bars(instrument=instrument, interval=interval, ts=ts, **held, oi=np.full(len(ts), np.nan))
        yield SeriesBars(key=SeriesKey(instrument=instrument, interval=interval, basis=basis), bars=bars)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "instant", "interval", "basis", "most_bytes"),
    [
        pytest.param("nse_1min_from_ticks_2021", "ts", Interval.MINUTE_1, PriceBasis.RAW, 7.5, id="minutes of four instruments"),
        pytest.param("nse_daily_adjusted", "date", Interval.DAY, PriceBasis.ADJUSTED, 40.0, id="30 years of adjusted days"),
        pytest.param("nse_daily_raw_2017_2022", "date", Interval.DAY, PriceBasis.RAW, 12.0, id="days as traded"),
    ],
)
def test_real_bars_come_back_bit_for_bit(
    realdata: Path, tmp_path: Path, *, name: str, instant: str, interval: Interval, basis: PriceBasis, most_bytes: float
) -> None:
    given = list(batches_of(realdata / f"{name}.parquet", instant=instant, interval=interval, basis=basis))
    store = ParquetStore.open(tmp_path)
    report = store.upsert(given, Provenance(source=f"file:{name}.parquet"), at=AT)
    assert report.stored == sum(len(batch.bars) for batch in given)
    for batch in given:
        read = store.read(batch.key)
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(read, column), getattr(batch.bars, column))
    n_bytes = sum(path.stat().st_size for path in (tmp_path / "data").rglob("*.parquet"))
    assert n_bytes / report.stored <= most_bytes
    assert store.upsert(given, Provenance(source="again"), at=AT).files_written == 0
    store.close()
