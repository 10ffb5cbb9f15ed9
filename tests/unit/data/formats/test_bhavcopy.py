from __future__ import annotations

import gzip
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from qts.core import InstrumentId, Interval
from qts.data.intake import Skip, Verdict
from qts.data.reports import FileReport
from qts.data.storage import SeriesKey
from qts.data.testing import MemoryStore

HEADER = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"


def row(symbol: str, series: str, *, close: float = 101.5, on: str = "01-DEC-2017", volume: int = 500) -> str:
    return f"{symbol},{series},100,102,99,{close},101,{close},{volume},50750.5,{on},12,INE000A01010,\n"


def close_of(store: MemoryStore, symbol: str) -> list[float]:
    closes: list[float] = store.read(SeriesKey(instrument=InstrumentId(f"NSE:{symbol}"), interval=Interval.DAY)).close.tolist()
    return closes


def test_shares_are_stored_once_a_day_and_other_series_counted(bring: Callable[..., FileReport], store: MemoryStore) -> None:
    text = HEADER + "".join(
        [
            row("ABC", "BE", close=101.0),
            row("ABC", "EQ"),
            row("ABC", "N1", close=99.5),
            row("TRADE2TRADE", "BE"),
            row("SMALL", "SM"),
            row("GOLDBOND", "GB"),
            row("ABC", "EQ", on="04-DEC-2017", close=100.5),
            row("ABC", "XX"),
        ]
    )
    report = bring("cm01DEC2017bhav.csv.gz", gzip.compress(text.encode()))
    assert (report.format, report.interval, report.error) == ("bhavcopy", Interval.DAY, None)
    assert report.skip_counts == {Skip.SERIES: 3, Skip.LESSER_SERIES: 1}
    assert (report.rows_read, report.stored, report.skipped_count) == (8, 4, 4)
    assert report.instruments == ("NSE:ABC", "NSE:SMALL", "NSE:TRADE2TRADE")
    assert close_of(store, "ABC") == [101.5, 100.5]
    assert "3 rows skipped: a series other than shares." in report.notes


def test_a_listed_share_without_a_trade_is_skipped_and_a_zero_price_with_one_refused(bring: Callable[..., FileReport]) -> None:
    zero = "DEAD,EQ,0,0,0,55,55,55,{},0,01-DEC-2017,0,INE000A01010,\n"
    report = bring("x.csv", HEADER + zero.format(0) + zero.replace("DEAD", "ODD").format(7))
    assert report.skip_counts == {Skip.NO_TRADE: 1}
    assert report.reject_counts == {Verdict.NOT_POSITIVE: 1}


def test_stacked_days_in_parquet_are_known_too(bring: Callable[..., FileReport], store: MemoryStore) -> None:
    text = HEADER.replace(",\n", "\n") + row("ABC", "EQ").replace(",\n", "\n") + row("ABC", "EQ", on="04-DEC-2017").replace(",\n", "\n")
    table = pacsv.read_csv(pa.BufferReader(text.encode()))
    sink = io.BytesIO()
    pq.write_table(table.append_column("FILE_DATE", pa.array([0, 1], pa.timestamp("us"))), sink)
    report = bring("stacked.parquet", sink.getvalue())
    assert (report.format, report.stored) == ("bhavcopy", 2)
    assert close_of(store, "ABC") == [101.5, 101.5]
