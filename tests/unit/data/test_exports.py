from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import BadPath
from qts.data.exports import ExportedSeries, exporting
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey

VALUES = ("open", "high", "low", "close", "volume", "oi")
LABELS = {"snapshot": "0123456789abcdef", "label": "it's INVENTED"}


def series(name: str, *, label: str = "", n_bars: int = 4) -> ExportedSeries:
    rng = np.random.default_rng(n_bars)
    bars = Bars(
        instrument=InstrumentId(name),
        interval=Interval.MINUTE_1,
        ts=1_704_166_500_000_000 + np.arange(n_bars) * 60_000_000,
        **{value: rng.random(n_bars) * 1000 for value in VALUES[:4]},
        volume=np.where(np.arange(n_bars) % 2, np.nan, 7.0),
        oi=np.full(n_bars, np.nan),
    )
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval, basis=PriceBasis.RAW)
    info = SeriesInfo(
        key=key,
        first_ts=int(bars.ts[0]),
        last_ts=int(bars.ts[-1]),
        last_close=float(bars.close[-1]),
        n_bars=n_bars,
        simulated=bool(label),
        sources=("file:a", "kite"),
    )
    return ExportedSeries(info=info, bars=bars, label=label)


def renamed(one: ExportedSeries, i: int) -> ExportedSeries:
    key = replace(one.info.key, instrument=InstrumentId(f"NFO:C{i}"), basis=PriceBasis.ADJUSTED if i % 2 else PriceBasis.RAW)
    return replace(one, info=replace(one.info, key=key))


def rows_of(one: ExportedSeries) -> list[tuple[object, ...]]:
    columns = [[None if value != value else value for value in getattr(one.bars, name).tolist()] for name in VALUES]  # noqa: PLR0124 - NaN
    return list(zip([str(one.info.key.instrument)] * len(one.bars), one.bars.ts.tolist(), *columns, strict=True))


@pytest.mark.parametrize("kind", ["csv", "parquet", "duckdb"])
def test_every_bar_comes_out_bit_for_bit_with_its_label(kind: str, tmp_path: Path) -> None:
    both = [series("NSE:M&M"), series("SIM:WALK", label="INVENTED", n_bars=7)]
    target = tmp_path / "new" / f"bars.{kind}"
    with exporting(target, kind, LABELS) as sink:
        for one in both:
            sink.write(one)
        assert not target.exists()
    assert [path.name for path in target.parent.iterdir()] == [target.name], "nothing is left beside it"
    with duckdb.connect() as connection:
        match kind:
            case "csv":
                table = pyarrow.csv.read_csv(target)
                connection.register("read", table)
                text = "SELECT instrument, epoch_us(ts), open, high, low, close, volume, oi, simulated FROM read"
            case "parquet":
                table = pq.read_table(target)
                assert {name.decode(): value.decode() for name, value in table.schema.metadata.items() if b"ARROW" not in name} == LABELS
                connection.register("read", table)
                text = "SELECT instrument, epoch_us(ts), open, high, low, close, volume, oi, simulated FROM read"
            case _:
                connection.execute(f"ATTACH '{target}' AS it (READ_ONLY)")
                text = "SELECT instrument, epoch_us(ts), open, high, low, close, volume, oi, simulated FROM it.bars"
        rows = connection.execute(text).fetchall()
    expected = [(*row, bool(one.label)) for one in both for row in rows_of(one)]
    assert [row for row in rows if row[0] == "NSE:M&M"] == expected[:4]
    assert rows == expected


def test_a_database_tells_its_series_and_what_must_be_said(tmp_path: Path) -> None:
    one = series("SIM:WALK", label="INVENTED")
    with exporting(tmp_path / "bars.duckdb", "duckdb", LABELS) as sink:
        sink.write(one)
    with duckdb.connect(str(tmp_path / "bars.duckdb"), read_only=True) as connection:
        columns = (
            "instrument, interval, basis, epoch_us(first_ts), epoch_us(last_ts), last_close, n_bars, simulated, label, sources, snapshot"
        )
        (row,) = connection.execute(f"SELECT {columns} FROM series").fetchall()  # noqa: S608 - our own
        (said,) = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'bars'").fetchall()
    info = one.info
    assert row[:5] == ("SIM:WALK", "1m", "raw", info.first_ts, info.last_ts)
    assert row[5:] == (info.last_close, 4, True, "INVENTED", "file:a, kite", LABELS["snapshot"])
    assert said == ("snapshot: 0123456789abcdef; label: it's INVENTED",)


@pytest.mark.parametrize("kind", ["csv", "parquet", "duckdb"])
def test_thousands_of_short_series_keep_their_order_and_share_their_writes(kind: str, tmp_path: Path) -> None:
    target, shapes = tmp_path / f"bars.{kind}", [series(f"NFO:C{n}", label="INVENTED" if n else "", n_bars=n + 1) for n in range(3)]
    many = [renamed(shapes[i % 3], i) for i in range(5_000)]
    with exporting(target, kind, LABELS) as sink:
        for one in many:
            sink.write(one)
    expected = [
        (f"NFO:C{i}", str(many[i].info.key.basis), close, bool(i % 3)) for i in range(5_000) for close in many[i].bars.close.tolist()
    ]
    if kind == "duckdb":
        with duckdb.connect(str(target), read_only=True) as connection:
            rows = connection.execute("SELECT instrument, basis, close, simulated FROM bars ORDER BY rowid").fetchall()
            told = connection.execute("SELECT instrument, basis, n_bars, last_close, label FROM series ORDER BY rowid").fetchall()
        series_told = [(*(str(name) for name in (one.info.key.instrument, one.info.key.basis)), len(one.bars)) for one in many]
        assert [row[:3] for row in told] == series_told
        assert [row[3:] for row in told] == [(float(one.bars.close[-1]), one.label) for one in many]
    else:
        table = pyarrow.csv.read_csv(target) if kind == "csv" else pq.read_table(target)
        rows = list(zip(*(table.column(name).to_pylist() for name in ("instrument", "basis", "close", "simulated")), strict=True))
    assert rows == expected
    assert kind != "parquet" or pq.ParquetFile(target).num_row_groups == 2, "a group per series takes longer to read than its bars"


@pytest.mark.parametrize("kind", ["csv", "parquet", "duckdb"])
def test_what_was_there_stays_if_something_fails(kind: str, tmp_path: Path) -> None:
    target = tmp_path / f"bars.{kind}"
    target.write_text("before")

    def fail() -> None:
        with exporting(target, kind, LABELS) as sink:
            sink.write(series("NSE:INFY"))
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadPath, match="file"), exporting(tmp_path / "file" / "bars.csv", "csv", LABELS):
        pass
