"""A disk without room: nothing half-stored, a clear word, and everything that was there is still read."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import BadPath, StoreFull
from qts.data.storage import FileState, ParquetStore, Provenance, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")


def minutes(symbol: str, *, seed: int, n_bars: int = 5_000) -> SeriesBars:
    key = SeriesKey(instrument=InstrumentId(f"NSE:{symbol}"), interval=Interval.MINUTE_1)
    rng = np.random.default_rng(seed)
    price = np.round(rng.uniform(1, 9_000_000, n_bars), 2)  # noise, so that nothing packs well
    bars = Bars(
        instrument=key.instrument,
        interval=key.interval,
        ts=1_704_166_500_000_000 + np.arange(n_bars, dtype=np.int64) * 60_000_000,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=price * 100,
        oi=price,
    )
    return SeriesBars(key=key, bars=bars)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB; skips where one cannot be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root; the limit on file size is tested in any case")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk but for some bytes."""
    ballast = folder / "ballast"
    free = shutil.disk_usage(folder).free
    with ballast.open("wb") as file:
        file.write(bytes(max(0, free - leave)))
    return ballast


def temporaries(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.suffix == ".tmp"]


@pytest.mark.parametrize("leave", [0, 8_192, 40_960, 131_072, 262_144, 400_000])
def test_a_full_disk_stores_all_of_a_commit_or_nothing(small_disk: Path, leave: int) -> None:
    home = small_disk / "home"
    store = ParquetStore.open(home)
    old = minutes("OLD", seed=0)
    first = store.upsert([old], SOURCE, at=AT)
    ballast = fill(small_disk, leave)
    batches = [minutes(f"NEW{i}", seed=i + 1) for i in range(8)]
    with pytest.raises(StoreFull) as caught:
        store.upsert(batches, SOURCE, at=AT)
    assert str(home) in caught.value.message
    assert store.snapshot() == first.snapshot
    assert [info.key.instrument for info in store.series()] == ["NSE:OLD"]
    assert temporaries(home) == []
    np.testing.assert_array_equal(store.read(old.key).close, old.bars.close)
    assert FileState.DAMAGED not in {finding.state for finding in store.verify()}
    store.close()
    ballast.unlink()
    reopened = ParquetStore.open(home)
    assert reopened.upsert([*batches[:3]], SOURCE, at=AT).stored == 15_000
    np.testing.assert_array_equal(reopened.read(batches[2].key).volume, batches[2].bars.volume)
    reopened.close()


def test_a_store_on_a_full_disk_can_be_opened_and_read(small_disk: Path) -> None:
    home = small_disk / "home"
    store = ParquetStore.open(home)
    given = minutes("OLD", seed=0)
    store.upsert([given], SOURCE, at=AT)
    store.close()
    fill(small_disk, 0)
    reopened = ParquetStore.open(home)
    np.testing.assert_array_equal(reopened.read(given.key).close, given.bars.close)
    assert len(reopened.series()) == 1
    with pytest.raises(StoreFull):
        reopened.upsert([minutes("NEW", seed=1)], SOURCE, at=AT)
    np.testing.assert_array_equal(reopened.read(given.key).close, given.bars.close)
    reopened.close()


def test_a_store_cannot_be_made_on_a_full_disk(small_disk: Path) -> None:
    fill(small_disk, 0)
    with pytest.raises(StoreFull):
        ParquetStore.open(small_disk / "home")


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_limit_on_file_size_is_met_like_a_full_disk(tmp_path: Path) -> None:
    store = ParquetStore.open(tmp_path)
    given = minutes("OLD", seed=0, n_bars=50)
    store.upsert([given], SOURCE, at=AT)
    with largest_file(400_000), pytest.raises(StoreFull):
        store.upsert([minutes("NEW", seed=1, n_bars=20_000), minutes("TINY", seed=2, n_bars=5)], SOURCE, at=AT)
    assert temporaries(tmp_path) == []
    assert [info.key.instrument for info in store.series()] == ["NSE:OLD"]
    assert store.upsert([minutes("NEW", seed=1)], SOURCE, at=AT).stored == 5_000
    store.close()


def test_a_folder_in_the_place_of_the_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(BadPath, match="home"):
        ParquetStore.open(tmp_path / "home")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(BadPath):
            ParquetStore.open(tmp_path / "home")
    finally:
        tmp_path.chmod(0o700)
