"""Every file of the folder of real data, with its quirks, counted independently by DuckDB on the file itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qts.core import IST, FixedClock, InstrumentId, Interval, micros_of
from qts.core.errors import BadFile, NotPrices
from qts.data.ingestion import Importer, import_paths
from qts.data.intake import Skip, Verdict
from qts.data.layout import ImportOptions
from qts.data.reports import FileReport
from qts.data.storage import ParquetStore, PriceBasis, SeriesKey
from qts.data.testing import MemoryStore

pytestmark = pytest.mark.realdata

NOW = FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=IST))
BROKEN = "high < greatest(open, close) OR low > least(open, close)"
Bring = Callable[..., FileReport]
# Rows read, stored, held already, refused and left out of each file, in the order of their names: what two files both have is held once.
COUNTS = {
    "BhavCopy_NSE_FO_0_0_0_20250203_F_0000.csv.zip": (34_304, 12_726, 0, 2, 21_576),
    "cm01DEC2017bhav.csv.gz": (1_813, 1_686, 0, 0, 127),
    "cm02012025bhav.csv.gz": (2_775, 2_667, 0, 0, 108),
    "cm04JAN2016bhav.csv.gz": (1_623, 1_537, 0, 0, 86),
    "cm07SEP2017bhav.csv.gz": (1_771, 1_631, 0, 0, 140),
    "fo14112025.csv": (632, 630, 0, 2, 0),
    "op14112025.csv": (15_130, 15_130, 0, 0, 0),
    "nifty50_1min_2024_jan_aug.parquet": (58_127, 57_960, 0, 167, 0),
    "niftybank_15min_2018_2020.parquet": (18_325, 17_948, 0, 377, 0),
    "nse_1min_from_ticks_2021.parquet": (64_798, 64_798, 0, 0, 0),
    "nse_bhavcopy_2016_top300.parquet": (68_786, 68_513, 273, 0, 0),
    "nse_daily_adjusted.parquet": (160_068, 159_967, 0, 101, 0),
    "nse_daily_raw_2017_2022.parquet": (33_202, 33_150, 52, 0, 0),
    "nse_sec_bhavdata_2025_jan_apr_top400.parquet": (31_392, 31_003, 389, 0, 0),
}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bring(realdata: Path, store: MemoryStore) -> Bring:
    def bring_one(name: str, **options: Any) -> FileReport:
        (report,) = import_paths([realdata / name], Importer(store=store, clock=NOW, options=ImportOptions(**options))).files
        assert report.error is not None or report.rows_read == (
            report.stored + report.unchanged + report.rejected_count + report.skipped_count
        )
        return report

    return bring_one


def ask(sql: str, folder: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql.replace("@", f"{folder.as_posix()}/")).fetchall()


def held(store: MemoryStore, *, interval: Interval = Interval.DAY, basis: PriceBasis = PriceBasis.RAW) -> set[tuple[Any, ...]]:
    """Return (symbol, µs, open, high, low, close) of everything stored."""
    rows: set[tuple[Any, ...]] = set()
    for info in store.series():
        assert (info.key.interval, info.key.basis) == (interval, basis)
        bars = store.read(info.key)
        columns = (bars.ts.tolist(), bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist())
        rows.update((info.key.instrument.partition(":")[2], *values) for values in zip(*columns, strict=True))
    return rows


def at_open(rows: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Return rows (symbol, date, …) with the date as 09:15 in India, in microseconds."""
    return {(symbol, micros_of(datetime(on.year, on.month, on.day, 3, 45, tzinfo=UTC)), *values) for symbol, on, *values in rows}


def test_raw_days_are_all_stored_with_muhurat_and_budget_saturday(bring: Bring, store: MemoryStore, realdata: Path) -> None:
    report = bring("nse_daily_raw_2017_2022.parquet")
    assert (report.format, report.interval, report.basis) == ("parquet", Interval.DAY, PriceBasis.RAW)
    assert (report.rows_read, report.stored, report.rejected_count, len(report.instruments)) == (33_202, 33_202, 0, 26)
    assert (report.first, report.last) == ("2017-01-02", "2022-02-28")
    rows = ask("SELECT symbol, date, open, high, low, close FROM '@nse_daily_raw_2017_2022.parquet'", realdata)
    assert held(store) == at_open(rows)
    special = {micros_of(datetime(*on, 3, 45, tzinfo=UTC)) for on in [(2019, 10, 27), (2020, 2, 1), (2020, 11, 14), (2021, 11, 4)]}
    bars = store.read(SeriesKey(instrument=InstrumentId("NSE:RELIANCE"), interval=Interval.DAY))
    assert special <= set(bars.ts.tolist())


def test_adjusted_days_lose_only_broken_rows_and_dead_holidays(bring: Bring, store: MemoryStore, realdata: Path) -> None:
    report = bring("nse_daily_adjusted.parquet")
    assert (report.rows_read, report.basis, len(report.instruments)) == (160_068, PriceBasis.ADJUSTED, 27)
    counts = dict(
        ask(f"SELECT symbol, count(*) FROM '@nse_daily_adjusted.parquet' WHERE {BROKEN} GROUP BY symbol", realdata)  # noqa: S608 - a constant
    )
    assert counts == {"HINDUNILVR": 28, "INFY": 40}
    refused = {reason: report.reject_counts[reason] for reason in (Verdict.HIGH, Verdict.LOW)}
    assert sum(refused.values()) == 68
    assert set(report.reject_counts) == {Verdict.HIGH, Verdict.LOW, Verdict.NO_SESSION}
    file = ask("SELECT symbol, volume, high - low FROM '@nse_daily_adjusted.parquet'", realdata)
    dead = [file[rejection.row - 1] for rejection in report.rejected if rejection.reason == Verdict.NO_SESSION]
    assert dead == [("WIPRO", 0.0, 0.0)] * len(dead)
    sound = ask(
        f"SELECT symbol, date, open, high, low, close FROM '@nse_daily_adjusted.parquet' WHERE NOT ({BROKEN})",  # noqa: S608 - a constant
        realdata,
    )
    stored = held(store, basis=PriceBasis.ADJUSTED)
    assert stored <= at_open(sound)
    assert len(stored) == 160_068 - 68 - len(dead)


def test_raw_and_adjusted_prices_never_share_a_series(realdata: Path, store: MemoryStore) -> None:
    names = ("nse_daily_raw_2017_2022.parquet", "nse_daily_adjusted.parquet")
    import_paths([realdata / name for name in names], Importer(store=store, clock=NOW))
    reliance = [info for info in store.series() if info.key.instrument == "NSE:RELIANCE"]
    assert sorted(info.key.basis for info in reliance) == [PriceBasis.ADJUSTED, PriceBasis.RAW]


def test_minutes_of_a_drill_are_kept_and_those_past_the_close_refused(bring: Bring, store: MemoryStore, realdata: Path) -> None:
    report = bring("nifty50_1min_2024_jan_aug.parquet")  # 1705744800 is 2024-01-20 15:30 in India
    assert (report.rows_read, report.interval, report.instruments) == (58_127, Interval.MINUTE_1, ("NSE:NIFTY 50",))
    assert report.reject_counts == {Verdict.OFF_HOURS: 167}
    sql = "FROM '@nifty50_1min_2024_jan_aug.parquet' WHERE NOT (epoch_us(ts) BETWEEN 1705744800000000 AND 1705786200000000)"
    assert held(store, interval=Interval.MINUTE_1) == set(ask(f"SELECT symbol, epoch_us(ts), open, high, low, close {sql}", realdata))
    last = {rejection.row: rejection.detail for rejection in report.rejected}
    assert "2024-01-20 18:16" in list(last.values())[-1]


def test_quarter_hours_with_an_open_from_elsewhere_are_refused(bring: Bring, store: MemoryStore, realdata: Path) -> None:
    report = bring("niftybank_15min_2018_2020.parquet")
    assert (report.rows_read, report.stored, report.rejected_count, report.interval) == (18_325, 17_948, 377, Interval.MINUTE_15)
    assert set(report.reject_counts) == {Verdict.HIGH, Verdict.LOW}
    sql = f"SELECT symbol, epoch_us(ts), open, high, low, close FROM '@niftybank_15min_2018_2020.parquet' WHERE NOT ({BROKEN})"  # noqa: S608 - a constant
    assert held(store, interval=Interval.MINUTE_15) == set(ask(sql, realdata))


def test_minutes_made_of_ticks_keep_unknown_volume_unknown(bring: Bring, store: MemoryStore, realdata: Path) -> None:
    report = bring("nse_1min_from_ticks_2021.parquet")
    assert (report.rows_read, report.stored) == (64_798, 64_798)
    assert report.instruments == ("NSE:NIFTY", "NSE:RELIANCE", "NSE:SBIN", "NSE:TCS")
    ((expected,),) = ask("SELECT count(*) FROM '@nse_1min_from_ticks_2021.parquet' WHERE volume IS NULL", realdata)
    unknown = sum(int((bars.volume != bars.volume).sum()) for info in store.series() for bars in [store.read(info.key)])
    assert unknown == expected > 0


@pytest.mark.parametrize(
    ("name", "form", "rows", "instruments", "sql"),
    [
        pytest.param(
            "nse_bhavcopy_2016_top300.parquet",
            "bhavcopy",
            68_786,
            290,
            "SELECT SYMBOL, strptime(TIMESTAMP, '%d-%b-%Y'), OPEN, HIGH, LOW, CLOSE FROM '@nse_bhavcopy_2016_top300.parquet'",
            id="legacy bhavcopies of 2016",
        ),
        pytest.param(
            "nse_sec_bhavdata_2025_jan_apr_top400.parquet",
            "sec_full",
            31_392,
            395,
            "SELECT SYMBOL, strptime(DATE1, '%d-%b-%Y'), OPEN_PRICE, HIGH_PRICE, LOW_PRICE, CLOSE_PRICE"
            " FROM '@nse_sec_bhavdata_2025_jan_apr_top400.parquet'",
            id="sec_bhavdata_full of 2025 with the Budget Saturday",
        ),
    ],
)
def test_stacked_bhavcopies_are_stored_whole(
    bring: Bring, store: MemoryStore, realdata: Path, *, name: str, form: str, rows: int, instruments: int, sql: str
) -> None:
    report = bring(name)
    assert (report.format, report.rows_read, report.stored, len(report.instruments)) == (form, rows, rows, instruments)
    assert held(store) == at_open(ask(sql, realdata))


@pytest.mark.parametrize(
    ("name", "form", "rows", "stored", "close"),
    [
        ("cm04JAN2016bhav.csv.gz", "bhavcopy", 1_623, 1_537, "CLOSE"),
        ("cm07SEP2017bhav.csv.gz", "bhavcopy", 1_771, 1_631, "CLOSE"),
        ("cm01DEC2017bhav.csv.gz", "bhavcopy", 1_813, 1_686, "CLOSE"),
        ("cm02012025bhav.csv.gz", "sec_full", 2_775, 2_667, "CLOSE_PRICE"),
    ],
)
def test_one_days_bhavcopies_give_their_shares(
    bring: Bring, store: MemoryStore, realdata: Path, *, name: str, form: str, rows: int, stored: int, close: str
) -> None:
    report = bring(name)
    assert (report.format, report.rows_read, report.stored, report.rejected_count) == (form, rows, stored, 0)
    assert set(report.skip_counts) <= {Skip.SERIES, Skip.LESSER_SERIES}
    table = f"read_csv('@{name}', all_varchar = true, normalize_names = false)"
    trim = {column[0]: column[0].strip() for column in ask(f"DESCRIBE FROM {table}", realdata)}
    named = {short: f'"{column}"' for column, short in trim.items()}
    shares = ask(
        f"SELECT trim({named['SYMBOL']}), trim({named[close]})::DOUBLE FROM {table}"  # noqa: S608 - names of a known file
        f" WHERE trim({named['SERIES']}) IN ('EQ', 'BE', 'BZ', 'SM', 'ST', 'SZ')",
        realdata,
    )
    assert {(row[0], row[5]) for row in held(store)} == set(shares)


def test_the_bhavcopy_of_an_ex_date_keeps_the_traded_open(bring: Bring, store: MemoryStore) -> None:
    bring("cm07SEP2017bhav.csv.gz")
    bars = store.read(SeriesKey(instrument=InstrumentId("NSE:RELIANCE"), interval=Interval.DAY))
    assert bars.open.tolist() == [823.0]


def test_the_common_bhavcopy_of_derivatives_gives_every_contract_that_traded(bring: Bring, store: MemoryStore, realdata: Path) -> None:
    report = bring("BhavCopy_NSE_FO_0_0_0_20250203_F_0000.csv.zip")
    assert (report.format, report.rows_read, report.stored, report.rejected_count) == ("udiff", 34_304, 12_726, 2)
    assert report.skip_counts == {Skip.NO_TRADE: 21_576}
    assert {rejection.detail.split()[0] for rejection in report.rejected} == {"NFO:OBEROIRLTY25APRFUT", "NFO:GRANULES25APRFUT"}
    # The turnover of a future is price x units: that is what says whether the volume is in lots.
    key = SeriesKey(instrument=InstrumentId("NFO:NIFTY25FEBFUT"), interval=Interval.DAY)
    bars = store.read(key)
    assert float(bars.low[0]) * float(bars.volume[0]) < _turnover(realdata, "NIFTY25FEBFUT") < float(bars.high[0]) * float(bars.volume[0])


def _turnover(folder: Path, name: str) -> float:
    import csv  # noqa: PLC0415 - a second, plain reader of the same archive
    import io  # noqa: PLC0415
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(folder / "BhavCopy_NSE_FO_0_0_0_20250203_F_0000.csv.zip") as archive:
        text = io.TextIOWrapper(archive.open(archive.namelist()[0]))
        return next(float(row["TtlTrfVal"]) for row in csv.DictReader(text) if row["FinInstrmNm"] == name)


def test_the_daily_derivatives_report_gives_two_tables_and_skips_nine_summaries(store: MemoryStore, realdata: Path) -> None:
    files = import_paths([realdata / "fo14112025.zip"], Importer(store=store, clock=NOW)).files
    read = {Path(file.path).name: (file.rows_read, file.stored, dict(file.reject_counts)) for file in files if not file.skipped}
    assert read == {"fo14112025.csv": (632, 630, {Verdict.LOW: 2}), "op14112025.csv": (15_130, 15_130, {})}
    assert len([file for file in files if file.skipped and file.notes]) == 9
    names = {info.key.instrument for info in store.series()}
    assert {"NFO:NIFTY25NOVFUT", "NFO:NIFTY25N1826000CE", "NFO:BANKNIFTY25NOV46500PE"} <= names
    assert len(names) == 630 + 15_130


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ticks_reliance_2021_06_10_11.parquet", "ticks"),
        ("ticks_nifty_2021_06_10_11.parquet", "ticks"),
        ("kite_instruments_nfo_2026_08.csv.gz", "list of instruments"),
        ("kite-mocks/instruments_all.csv", "list of instruments"),
        ("truth/ema_cross_nse.json", "holds no candles"),
        ("README.md", "none for date, open"),
    ],
)
def test_what_is_no_price_data_says_what_it_is(bring: Bring, name: str, message: str) -> None:
    report = bring(name)
    assert isinstance(report.error, NotPrices)
    assert message in report.error.message
    assert report.error.hint


def test_the_brokers_example_answers_are_read(bring: Bring, store: MemoryStore, realdata: Path) -> None:
    assert isinstance(bring("kite-mocks/historical_minute.json").error, BadFile)
    for name, symbol in (("kite-mocks/historical_minute.json", "NSE:PLAIN"), ("kite_mocks_more/historical_oi.json", "NSE:OI")):
        report = bring(name, symbol=symbol)
        candles = json.loads((realdata / name).read_text())["data"]["candles"]
        assert (report.format, report.rows_read, report.stored) == ("kite", len(candles), len(candles))
        bars = store.read(SeriesKey(instrument=InstrumentId(symbol), interval=Interval.MINUTE_1))
        assert bars.close.tolist() == [float(candle[4]) for candle in candles]


def test_the_whole_folder_twice_stores_nothing_new_and_makes_no_file(realdata: Path, tmp_path: Path) -> None:
    store = ParquetStore.open(tmp_path / "home")
    first = import_paths([realdata], Importer(store=store, clock=NOW))
    files = sorted(path for path in (tmp_path / "home").rglob("*.parquet"))
    again = import_paths([realdata], Importer(store=store, clock=NOW))
    found = {
        Path(file.path).name: (file.rows_read, file.stored, file.unchanged, file.rejected_count, file.skipped_count)
        for file in first.files
        if file.rows_read
    }
    assert found == COUNTS
    assert not any(file.changed for file in first.files)
    # Candles that do not say of which instrument they are.
    nameless = [Path(file.path).name for file in first.files if file.error is not None]
    assert nameless == ["historical_minute.json", "historical_oi.json"]
    assert sum(file.stored for file in again.files) == 0
    assert again.snapshot == first.snapshot
    assert sorted(path for path in (tmp_path / "home").rglob("*.parquet")) == files
