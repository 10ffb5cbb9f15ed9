from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qts.core import InstrumentId, Interval, instant_of
from qts.core.errors import NotPrices
from qts.data.formats.parquet import FORMAT
from qts.data.layout import Fit
from qts.data.reports import FileReport
from qts.data.storage import SeriesKey
from qts.data.tables import Container, Table
from qts.data.testing import MemoryStore


def parquet(columns: dict[str, pa.Array]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


PRICES = {name: pa.array([1.0, 2.0]) for name in ("open", "high", "low", "close")}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_naive_instants_are_indias_and_zoned_ones_are_converted(
    bring: Callable[..., FileReport], store: MemoryStore, pack: Callable[[bytes], bytes]
) -> None:
    naive = pa.array([1704186900_000_000, 1704186960_000_000], pa.timestamp("us"))  # 09:15 and 09:16 on the wall
    zoned = pa.array([1704167100_000_000, 1704167160_000_000], pa.timestamp("us", tz="Asia/Kolkata"))
    for symbol, stamps in (("A1", naive), ("B1", zoned)):
        report = bring(f"{symbol}.parquet", pack(parquet({"ts": stamps, **PRICES})))
        assert (report.format, report.interval, report.stored) == ("parquet", Interval.MINUTE_1, 2)
    first, second = (store.read(SeriesKey(instrument=InstrumentId(f"NSE:{name}"), interval=Interval.MINUTE_1)) for name in ("A1", "B1"))
    assert first.ts.tolist() == second.ts.tolist()
    assert instant_of(int(first.ts[0])).isoformat() == "2024-01-02T09:15:00+05:30"


def test_rows_are_numbered_from_one_and_nulls_refused(bring: Callable[..., FileReport]) -> None:
    columns = {"date": pa.array([date(2024, 1, 2), None]), **PRICES}
    report = bring("INFY.parquet", parquet(columns))
    assert [(rejection.row, rejection.reason) for rejection in report.rejected] == [(2, "missing value")]


def test_ticks_are_no_bars_and_the_hint_says_what_to_do(bring: Callable[..., FileReport]) -> None:
    report = bring("t.parquet", parquet({"symbol": pa.array(["A"]), "timestamp": pa.array(["x"]), "ltp": pa.array([1.0])}))
    assert isinstance(report.error, NotPrices)
    assert "Resample" in report.error.hint


def test_only_parquet_fits() -> None:
    tables = [
        Table(label="x", name="x", container=container, columns=(), sample=(), batches=lambda _names: iter(())) for container in Container
    ]
    assert [FORMAT.sniff(table) for table in tables] == [Fit.NONE, Fit.GENERIC, Fit.NONE]
