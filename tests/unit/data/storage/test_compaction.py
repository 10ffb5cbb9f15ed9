from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.compaction import MOST_FILES
from qts.data.storage.layout import Dataset, dataset_of
from qts.data.testing import MemoryStore

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
N_SERIES = 12
DAY = 86_400_000_000


def key_of(i: int, interval: Interval = Interval.MINUTE_1) -> SeriesKey:
    return SeriesKey(instrument=InstrumentId(f"NSE:S{i:03}"), interval=interval)


def session(day: int, *, price: float = 100.0, interval: Interval = Interval.MINUTE_1) -> list[SeriesBars]:
    """Return the first five bars of a day of twelve series, counted from 29 December 2023."""
    opening = micros_of(datetime(2023, 12, 29, 9, 15, tzinfo=IST) + timedelta(days=day))
    ts = opening + np.arange(5 if interval.is_intraday else 1, dtype=np.int64) * 60_000_000
    batches = []
    for i in range(N_SERIES):
        key, close = key_of(i, interval), price + i + np.arange(len(ts), dtype=np.float64)
        columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), close)
        batches.append(SeriesBars(key=key, bars=Bars(instrument=key.instrument, interval=interval, ts=ts, **columns)))
    return batches


def filler(i: int, offsets: np.ndarray, interval: Interval) -> SeriesBars:
    instrument = InstrumentId(f"NSE:Z{i}")
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), np.full(len(offsets), 7.0))
    opening = micros_of(datetime(2024, 1, 1, 9, 15, tzinfo=IST))
    bars = Bars(instrument=instrument, interval=interval, ts=opening + offsets.astype(np.int64), **columns)
    return SeriesBars(key=SeriesKey(instrument=instrument, interval=interval), bars=bars)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path)
    yield opened
    opened.close()


def live(store: ParquetStore) -> list[str]:
    return [finding.path for finding in store.verify() if finding.is_live]


@pytest.mark.parametrize("interval", [Interval.MINUTE_1, Interval.DAY])
def test_hot_files_become_files_of_groups_with_the_same_bars(store: ParquetStore, interval: Interval) -> None:
    memory, ids = MemoryStore(), []
    # Much of one year, so that rewriting it each time would not be little.
    if interval.is_intraday:
        many = [filler(i, np.arange(5) * 60_000_000, interval) for i in range(40)]
    else:
        many = [filler(i, np.arange(360) * DAY, interval) for i in range(220)]
    for batches in [many, *(session(day, interval=interval) for day in range(6)), session(3, price=55.0, interval=interval)]:
        memory.upsert(batches, SOURCE, at=AT)
        ids.append(store.upsert(batches, SOURCE, at=AT).snapshot)
    assert any("/hot/" in path for path in live(store))
    before = {(snapshot, i): store.read(key_of(i, interval), as_of=snapshot) for snapshot in ids[1:] for i in (0, 7)}
    days, infos = store.bars_per_day(), store.series()
    (done,) = store.compact(at=AT, everything=True)
    assert (done.dataset, done.reason) == (f"{interval}/NSE/raw", "")
    assert done.hot_files > 0
    assert not any("/hot/" in path for path in live(store))
    assert store.snapshot() == ids[-1] == memory.snapshot()
    assert store.snapshots()[-1].kind == "compaction"
    assert (store.bars_per_day(), store.series()) == (days, infos)
    for i in range(N_SERIES):
        left, right = store.read(key_of(i, interval)), memory.read(key_of(i, interval))
        np.testing.assert_array_equal(left.ts, right.ts)
        np.testing.assert_array_equal(left.close, right.close)
    for (snapshot, i), bars in before.items():
        np.testing.assert_array_equal(store.read(key_of(i, interval), as_of=snapshot).close, bars.close)
    assert store.compact(at=AT, everything=True) == ()


def test_a_few_hot_files_are_left_alone_until_they_are_many(store: ParquetStore) -> None:
    for day in range(MOST_FILES):
        store.upsert(session(day), SOURCE, at=AT)
        (report,) = store.compact(at=AT)
        assert (report.files_written, report.reason) == (0, "few and small: left as they are")
    store.upsert(session(MOST_FILES), SOURCE, at=AT)
    (report,) = store.compact(at=AT)
    assert (report.hot_files, report.files_written, report.bars) == (MOST_FILES + 1, 2 * N_SERIES, 5 * N_SERIES * (MOST_FILES + 1))
    years = {date.fromordinal(719_163 + day).year for days in store.bars_per_day().values() for day in days}
    assert years == {2023, 2024}


def test_only_one_compacts_a_dataset_at_a_time(store: ParquetStore) -> None:
    store.upsert(session(0), SOURCE, at=AT)
    assert store.acquire("compact 1m/NSE/raw", "another", at=AT, until=AT + timedelta(minutes=5))
    (report,) = store.compact(at=AT, everything=True)
    assert (report.files_written, report.reason) == (0, "another process is at it")
    (late,) = store.compact(at=AT + timedelta(minutes=6), everything=True)
    assert late.files_written == N_SERIES, "the lease of a process that died ends by itself"


def test_bars_that_come_while_compacting_stay_on_top(store: ParquetStore, tmp_path: Path) -> None:
    for day in range(3):
        store.upsert(session(day), SOURCE, at=AT)
    other = ParquetStore.open(tmp_path)
    from qts.data.storage.compaction import _Compaction  # noqa: PLC0415 - the moment between building and committing

    manifest, vault = store._manifest, store._vault  # noqa: SLF001 - see above
    change = _Compaction(session_dataset(), at=AT, vault=vault, manifest=manifest)
    with manifest.reading() as ledger:
        seen = change.base(ledger)
    with change.prepared(seen) as prepared:
        other.upsert(session(1, price=900.0), SOURCE, at=AT)
        snapshot = other.snapshot()
        with manifest.writing() as ledger:
            assert change.is_same(seen, change.base(ledger))
            assert ledger.record(prepared.commit) == snapshot
    assert store.read(key_of(0)).close.tolist() == [*range(100, 105), *range(900, 905), *range(100, 105)]
    other.close()


def session_dataset() -> Dataset:
    return dataset_of(key_of(0))


def test_damage_in_one_dataset_stops_that_one_only(store: ParquetStore, tmp_path: Path) -> None:
    store.upsert(session(0), SOURCE, at=AT)
    (harmed,) = live(store)
    store.upsert(
        [SeriesBars(key=SeriesKey(instrument=b.key.instrument, interval=Interval.MINUTE_5), bars=b.bars) for b in session(0)], SOURCE, at=AT
    )
    (tmp_path / harmed).unlink()
    reports = {report.dataset: report for report in store.compact(at=AT, everything=True)}
    assert harmed in reports["1m/NSE/raw"].reason
    assert reports["5m/NSE/raw"].files_written == N_SERIES
