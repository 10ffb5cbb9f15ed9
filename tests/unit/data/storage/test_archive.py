from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval, instant_of
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.retention import Retention

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
FROM_FILE = Provenance(source="file:a")
DAY = 86_400_000_000
MIDNIGHT_2024 = 1_704_047_400_000_000


def bars_of(name: str, first_day: int, prices: list[float], *, interval: Interval = Interval.DAY) -> SeriesBars:
    column = np.array(prices)
    key = SeriesKey(instrument=InstrumentId(name), interval=interval)
    bars = Bars(
        instrument=key.instrument,
        interval=interval,
        ts=MIDNIGHT_2024 + 33_300_000_000 + (first_day + np.arange(len(prices))) * DAY,
        open=column,
        high=column,
        low=column,
        close=column,
        volume=column,
        oi=np.full(len(prices), np.nan),
    )
    return SeriesBars(key=key, bars=bars)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path)
    yield opened
    opened.close()


def test_the_files_of_a_series_are_told_with_what_they_hold(store: ParquetStore) -> None:
    mine, other = bars_of("NSE:INFY", -2, [1.0, 2.0, 3.0]), bars_of("NSE:TCS", 0, [5.0] * 7)
    first = store.upsert([mine, other], FROM_FILE, at=AT).snapshot
    old, new = store.partitions(mine.key)
    assert [(one.n_rows, one.n_bars, one.is_hot, one.is_shared, one.since, one.since_at) for one in (old, new)] == [
        (2, 2, False, True, first, AT),
        (8, 1, False, True, first, AT),
    ]
    assert [instant_of(old.first_ts).year, instant_of(old.last_ts).year, instant_of(new.first_ts).year] == [2023, 2023, 2024]
    for one in (old, new):
        content = (store.root / one.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (one.n_bytes, one.sha256)
    assert [one.path for one in store.partitions(other.key)] == [new.path], "no bar of it is in the other file"
    store.delete(mine.key, at=AT)
    assert store.partitions(mine.key) == ()
    assert store.partitions(mine.key, as_of=first) == (old, new)


def test_bars_that_came_late_lie_in_a_file_over_the_others(store: ParquetStore) -> None:
    names = [f"NSE:X{i}" for i in range(40)]
    store.upsert([bars_of(name, 0, [1.0] * 300, interval=Interval.MINUTE_1) for name in names], FROM_FILE, at=AT)
    store.compact(at=AT, everything=True)
    late = store.upsert([bars_of(name, 300, [2.0], interval=Interval.MINUTE_1) for name in names], FROM_FILE, at=AT + timedelta(days=1))
    cold, hot = store.partitions(SeriesKey(instrument=InstrumentId("NSE:X7"), interval=Interval.MINUTE_1))
    assert (cold.n_rows, cold.n_bars, cold.is_hot, cold.is_shared) == (300, 300, False, False)
    assert (hot.n_rows, hot.n_bars, hot.is_hot, hot.is_shared, hot.since) == (40, 1, True, True, late.snapshot)


def test_what_was_collected_is_told_as_far_as_it_is_kept(store: ParquetStore) -> None:
    batch = bars_of("NSE:INFY", 0, [1.0])
    for day in range(4):
        store.upsert([bars_of("NSE:INFY", day, [1.0 + day])], FROM_FILE, at=AT + timedelta(days=day))
    store.collect(at=AT + timedelta(days=60), keep=Retention(younger_than=timedelta(days=30)))
    (last,) = store.history(batch.key)
    assert (last.seq, last.n_bars, last.n_added, last.is_collected) == (4, 4, None, False)
    deleted = store.delete(batch.key, at=AT + timedelta(days=60))
    assert [(one.n_bars, one.n_added) for one in store.history(batch.key)] == [(4, None), (0, -4)]
    assert store.history(batch.key)[-1].snapshot == deleted.snapshot
    # Another series makes the next commits: of this one only that something came and went is left.
    for day in range(2):
        store.upsert([bars_of("NSE:TCS", day, [1.0])], FROM_FILE, at=AT + timedelta(days=61 + day))
    store.collect(at=AT + timedelta(days=200), keep=Retention(younger_than=timedelta(days=30)))
    assert store.history(batch.key) == ()
