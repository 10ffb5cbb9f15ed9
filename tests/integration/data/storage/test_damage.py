"""Files cut, changed, removed or swapped behind the store's back: never read as bars."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import BadPath, DamagedFile
from qts.data.storage import FileState, ParquetStore, PriceBasis, Provenance, SeriesBars, SeriesKey
from qts.data.storage.query import run_query

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
PAISE = SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.MINUTE_1)
FLOATS = SeriesKey(instrument=InstrumentId("NSE:BBB"), interval=Interval.MINUTE_1, basis=PriceBasis.ADJUSTED)
DAILY = SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.DAY)
KEYS = (PAISE, FLOATS, DAILY)
N_TRIALS = 40 if os.environ.get("QTS_STRESS") else 5


def walk(key: SeriesKey, *, seed: int, first: int = 0, n_bars: int = 400) -> SeriesBars:
    rng = np.random.default_rng(seed)
    step = 60_000_000 if key.interval.is_intraday else 86_400_000_000
    price = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.001, n_bars)))
    price = price if key is FLOATS else np.round(price, 2)
    ts = 1_704_166_500_000_000 + (first + np.arange(n_bars, dtype=np.int64)) * step
    bars = Bars(
        instrument=key.instrument,
        interval=key.interval,
        ts=ts,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=rng.integers(0, 9_999, n_bars).astype(np.float64),
        oi=np.full(n_bars, np.nan),
    )
    return SeriesBars(key=key, bars=bars)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store = ParquetStore.open(tmp_path / "home")
    store.upsert([walk(key, seed=i, n_bars=300) for i, key in enumerate(KEYS)], SOURCE, at=AT)
    store.close()
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(home)
    yield opened
    opened.close()


def file_of(home: Path, key: SeriesKey) -> Path:
    (path,) = (home / "data" / "bars" / key.interval / "NSE" / key.basis).rglob("*.parquet")
    path.chmod(0o644)
    return path


def flip(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


def cut(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(path.read_bytes()[: int(rng.integers(path.stat().st_size))])


def zero(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    start = int(rng.integers(len(content) - 8))
    content[start : start + 8] = bytes(8) if any(content[start : start + 8]) else b"\xff" * 8
    path.write_bytes(content)


def remove(path: Path, _rng: np.random.Generator) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [flip, cut, zero, remove])
@pytest.mark.parametrize("key", KEYS, ids=["minutes in paise", "minutes in floats", "days"])
def test_a_harmed_file_is_named_and_never_read(home: Path, key: SeriesKey, harm: Callable[[Path, np.random.Generator], None]) -> None:
    rng = np.random.default_rng(7)
    path = file_of(home, key)
    sound = path.read_bytes()
    relative = path.relative_to(home).as_posix()
    for _ in range(N_TRIALS):
        harm(path, rng)
        store = ParquetStore.open(home)
        with pytest.raises(DamagedFile) as caught:
            store.read(key)
        assert caught.value.path == relative
        with store.sql() as connection, pytest.raises(DamagedFile) as caught:
            run_query(connection, "SELECT sum(close) FROM bars", max_rows=1, seconds=60)
        assert caught.value.path == relative
        for other in KEYS:
            if other is not key:
                assert len(store.read(other)) == 300, "the other series still serve"
        store.close()
        path.write_bytes(sound)


def test_a_file_in_the_place_of_another_is_named(home: Path, store: ParquetStore) -> None:
    shutil.copyfile(file_of(home, PAISE), file_of(home, FLOATS))
    with pytest.raises(DamagedFile):
        store.read(FLOATS)


def test_a_file_changed_after_it_was_read_is_checked_again(home: Path, store: ParquetStore) -> None:
    assert len(store.read(PAISE)) == 300
    path = file_of(home, PAISE)
    flip(path, np.random.default_rng(1))
    with pytest.raises(DamagedFile):
        store.read(PAISE)


def test_a_check_of_everything_finds_each_kind_of_harm(home: Path, store: ParquetStore) -> None:
    assert {finding.state for finding in store.verify()} == {FileState.OK}
    flip(file_of(home, PAISE), np.random.default_rng(1))
    file_of(home, FLOATS).unlink()
    (home / "data" / "bars" / "1d" / "NSE" / "raw" / "note.txt").write_text("mine")
    states = {finding.path.split("/")[2] + "/" + finding.path.split("/")[4]: finding for finding in store.verify() if finding.is_live}
    assert {name: finding.state for name, finding in states.items()} == {
        "1m/raw": FileState.DAMAGED,
        "1m/adjusted": FileState.MISSING,
        "1d/raw": FileState.OK,
    }
    foreign = [finding.path for finding in store.verify() if finding.state is FileState.FOREIGN]
    assert foreign == ["data/bars/1d/NSE/raw/note.txt"]


@pytest.mark.parametrize("key", KEYS, ids=["minutes in paise", "minutes in floats", "days"])
def test_importing_the_source_again_heals_a_harmed_file(home: Path, store: ParquetStore, key: SeriesKey) -> None:
    given = walk(key, seed=KEYS.index(key), n_bars=300)
    path = file_of(home, key)
    flip(path, np.random.default_rng(3))
    report = store.upsert([given], SOURCE, at=AT)
    assert (report.stored, report.unchanged, report.files_written) == (0, 300, 1)
    assert len(store.snapshots()) == 1, "the bars are what they were: no new state"
    np.testing.assert_array_equal(store.read(key).close, given.bars.close)


def test_a_file_of_two_imports_is_healed_by_the_later_one(home: Path, store: ParquetStore) -> None:
    later = walk(PAISE, seed=9, first=300, n_bars=50)
    store.upsert([later], SOURCE, at=AT)
    live = next(finding.path for finding in store.verify() if finding.is_live and "/1m/NSE/raw/" in finding.path)
    (home / live).unlink()
    assert store.upsert([walk(PAISE, seed=5, n_bars=3)], SOURCE, at=AT).waiting == 3
    with pytest.raises(DamagedFile):
        store.read(PAISE)
    store.upsert([later], SOURCE, at=AT)
    assert len(store.read(PAISE)) == 350


def test_a_manifest_with_a_flipped_bit_is_never_believed(home: Path) -> None:
    """Either the change is named, or it sits where nothing is read from and every answer is as before."""
    sqlite3.connect(home / "manifest.sqlite").execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    path = home / "manifest.sqlite"
    sound, rng = path.read_bytes(), np.random.default_rng(14)
    store = ParquetStore.open(home)
    truth = [store.read(key).close for key in KEYS]
    infos, snapshot = store.series(), store.snapshot()
    store.close()
    n_named = 0
    for _ in range(150):
        for leftover in home.glob("manifest.sqlite-*"):
            leftover.unlink(missing_ok=True)  # a connection that failed may end, and take it along, only now
        content = bytearray(sound)
        used = np.flatnonzero(np.frombuffer(sound, dtype=np.uint8))
        content[int(rng.choice(used))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        opened: ParquetStore | None = None
        try:
            opened = ParquetStore.open(home)
            assert opened.snapshot() == snapshot
            assert opened.series() == infos
            for key, closes in zip(KEYS, truth, strict=True):
                np.testing.assert_array_equal(opened.read(key).close, closes)
        except (DamagedFile, BadPath):
            n_named += 1
        finally:
            if opened is not None:
                opened.close()
    assert n_named > 50


def test_a_file_that_is_no_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.sqlite").write_bytes(b"this is not a database, whatever its name says " * 100)
    with pytest.raises(DamagedFile, match="manifest"):
        ParquetStore.open(tmp_path)
