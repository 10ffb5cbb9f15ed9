from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import DamagedFile, QtsError
from qts.data.storage import BarStore, FileState, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.committing import commit
from qts.data.storage.upserting import Upsert, grouped
from qts.data.testing import MemoryStore

AT = datetime(2026, 1, 5, tzinfo=UTC)
FIRST = datetime(2024, 1, 2, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
OPENING = 1_704_166_500_000_000
KEYS = [SeriesKey(instrument=InstrumentId(f"NSE:S{i:02}"), interval=Interval.MINUTE_1) for i in range(12)]


def batch(key: SeriesKey, day: int, price: float) -> SeriesBars:
    ts = OPENING + day * 86_400_000_000 + np.arange(4, dtype=np.int64) * 60_000_000
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), price + np.arange(4, dtype=np.float64))
    return SeriesBars(key=key, bars=Bars(instrument=key.instrument, interval=key.interval, ts=ts, **columns))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path)
    yield opened
    opened.close()


def deleted(store: BarStore, key: SeriesKey, day: int, n_days: int) -> str:
    start = FIRST + timedelta(days=day)
    try:
        return store.delete(key, start=start, end=start + timedelta(days=n_days), at=AT).snapshot
    except QtsError as error:
        return error.kind


@pytest.mark.parametrize("seed", range(3))
def test_any_history_of_what_can_be_done_is_that_of_the_store_in_memory(store: ParquetStore, seed: int) -> None:
    """Bars in files of groups, in hot files, in both, replaced, deleted, brought back and compacted, in any order."""
    rng, memory, undone = np.random.default_rng(seed), MemoryStore(), []
    for step in range(22):
        kind = rng.choice(["session", "history", "delete", "undo", "compact"], p=[0.4, 0.15, 0.25, 0.1, 0.1])
        day, i_key = int(rng.integers(6)), int(rng.integers(len(KEYS)))
        if kind == "session":
            batches = [batch(key, day + extra, 100.0 + step) for key in KEYS[: int(rng.integers(9, 13))] for extra in range(2)]
            assert store.upsert(batches, SOURCE, at=AT).changed == memory.upsert(batches, SOURCE, at=AT).changed
        elif kind == "history":
            batches = [batch(KEYS[i_key], each, 300.0 + step) for each in range(8)]
            assert store.upsert(batches, SOURCE, at=AT).stored == memory.upsert(batches, SOURCE, at=AT).stored
        elif kind == "delete":
            n_days = int(rng.integers(1, 9))
            found = deleted(store, KEYS[i_key], day, n_days)
            assert found == deleted(memory, KEYS[i_key], day, n_days)
            undone += [found] if len(found) == 16 else []
        elif kind == "undo" and undone:
            assert store.undo(undone[-1], at=AT).stored == memory.undo(undone.pop(), at=AT).stored
        elif kind == "compact":
            store.compact(at=AT, everything=bool(rng.integers(2)))
        assert store.snapshot() == memory.snapshot()
    assert [info.key for info in store.series()] == [info.key for info in memory.series()]
    assert [(info.n_bars, info.last_close, info.content) for info in store.series()] == [
        (info.n_bars, info.last_close, info.content) for info in memory.series()
    ]
    assert store.bars_per_day() == memory.bars_per_day()
    n_bars = 0
    for info in memory.series():
        left, right = store.read(info.key), memory.read(info.key)
        np.testing.assert_array_equal(left.ts, right.ts)
        np.testing.assert_array_equal(left.close, right.close)
        n_bars += len(left)
    with store.sql() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT (instrument, ts)) FROM bars").fetchone() == (n_bars, n_bars)
    assert {finding.state for finding in store.verify()} <= {FileState.OK, FileState.FOREIGN}


def test_a_deletion_leaves_the_other_series_of_its_file_alone(store: ParquetStore) -> None:
    store.upsert([batch(key, 0, 100.0) for key in KEYS], SOURCE, at=AT)
    store.delete(KEYS[3], at=AT)
    assert [info.key for info in store.series()] == KEYS[:3] + KEYS[4:]
    assert store.read(KEYS[4]).close.tolist() == [100.0, 101.0, 102.0, 103.0]
    for key in KEYS[:3] + KEYS[4:]:
        store.delete(key, at=AT)
    assert store.series() == ()
    assert [finding for finding in store.verify() if finding.is_live] == []


def test_bars_in_a_damaged_file_are_not_deleted(store: ParquetStore, tmp_path: Path) -> None:
    store.upsert([batch(KEYS[0], 0, 100.0)], SOURCE, at=AT)
    (path,) = (tmp_path / "data").rglob("*.parquet")
    path.unlink()
    before = store.snapshot()
    with pytest.raises(DamagedFile):
        store.delete(KEYS[0], at=AT)
    assert store.snapshot() == before


@pytest.mark.parametrize("n_series", [1, 12], ids=["in files of groups", "in a hot file"])
def test_bars_that_come_while_a_deletion_is_undone_stay(store: ParquetStore, n_series: int) -> None:
    """Even where they come after the undo has looked and before it commits."""
    store.upsert([batch(key, day, 100.0) for key in KEYS[:n_series] for day in range(3)], SOURCE, at=AT)
    before = store.read(KEYS[0])
    store.delete(KEYS[0], at=AT)
    store.upsert([batch(key, 1, 700.0) for key in KEYS[:n_series]], SOURCE, at=AT)
    numbers = {key.instrument: i for i, key in enumerate(KEYS, 1)}
    vault, manifest = store._vault, store._manifest  # noqa: SLF001 - the moment between looking and committing
    groups = grouped([SeriesBars(key=KEYS[0], bars=before)], numbers)
    change = Upsert(groups=groups, numbers=numbers, provenance=SOURCE, at=AT, vault=vault, manifest=manifest, kind="undo")
    prepared, _ = commit(change, manifest, vault)
    assert (prepared.commit.n_stored, prepared.commit.n_changed) == (8, 0)
    assert store.read(KEYS[0]).close.tolist() == [*range(100, 104), *range(700, 704), *range(100, 104)]
