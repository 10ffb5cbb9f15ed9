"""Several processes and threads at one store: nobody is refused, nothing is lost, and nobody sees half a commit."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import StoreBusy
from qts.data.storage import FileState, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.manifest import Manifest

N_COMMITS = 25
N_WRITERS = 2
AT = datetime(2026, 1, 5, tzinfo=UTC)
KEYS = tuple(SeriesKey(instrument=InstrumentId(f"NSE:{symbol}"), interval=Interval.DAY) for symbol in ("AAA", "BBB"))

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
import test_writers as work
{call}
"""


def store_commits(home: Path, writer: int) -> None:
    """Store one day in each series, commit after commit, between the days of the other writer: all in the same file."""
    store = ParquetStore.open(home)
    for commit in range(N_COMMITS):
        store.upsert([day(key, commit * N_WRITERS + writer) for key in KEYS], Provenance(source=f"writer:{writer}"), at=AT)
    store.close()


def watch_commits(home: Path) -> int:
    """Read both series of the present state until all is stored; they must be the same length and have the same prices."""
    store = ParquetStore.open(home)
    n_reads = 0
    while len(store.snapshots()) < N_COMMITS * N_WRITERS:
        snapshot = store.snapshot()
        infos = store.series(as_of=snapshot)
        if infos:
            left, right = (store.read(key, as_of=snapshot) for key in KEYS)
            np.testing.assert_array_equal(left.ts, right.ts)
            np.testing.assert_array_equal(left.close, right.close)
            assert [info.n_bars for info in infos] == [len(left)] * 2
            n_reads += 1
    store.close()
    return n_reads


def day(key: SeriesKey, n: int) -> SeriesBars:
    """Return one bar whose price is its number."""
    price = np.array([n + 1.0])
    ts = np.array([1_704_166_500_000_000 + n * 86_400_000_000])
    bars = Bars(
        instrument=key.instrument, interval=key.interval, ts=ts, open=price, high=price, low=price, close=price, volume=price, oi=price
    )
    return SeriesBars(key=key, bars=bars)


def started(home: Path, call: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(call=call)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(Path(__file__).parent), str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def assert_complete(home: Path) -> None:
    store = ParquetStore.open(home)
    n_bars = N_COMMITS * N_WRITERS
    assert len(store.snapshots()) == n_bars
    for key in KEYS:
        np.testing.assert_array_equal(store.read(key).close, np.arange(n_bars) + 1.0)
        info = store.info(key)
        assert info is not None
        assert (info.n_bars, info.last_close) == (n_bars, float(n_bars))
    assert {finding.state for finding in store.verify()} <= {FileState.OK, FileState.FOREIGN}
    store.close()


def test_two_writing_processes_and_two_readers_get_along(tmp_path: Path) -> None:
    ParquetStore.open(tmp_path).close()
    writers = [started(tmp_path, f"work.store_commits(Path(sys.argv[2]), {writer})") for writer in range(N_WRITERS)]
    readers = [started(tmp_path, "print(work.watch_commits(Path(sys.argv[2])))") for _ in range(2)]
    outcomes = [process.communicate(timeout=120) for process in [*writers, *readers]]
    assert [process.returncode for process in [*writers, *readers]] == [0] * 4, [outcome[1] for outcome in outcomes]
    assert_complete(tmp_path)


def test_threads_share_one_store(tmp_path: Path) -> None:
    store = ParquetStore.open(tmp_path)

    def write(writer: int) -> None:
        for commit in range(N_COMMITS):
            store.upsert([day(key, commit * N_WRITERS + writer) for key in KEYS], Provenance(source="thread"), at=AT)

    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(write, writer) for writer in range(N_WRITERS)]:
            future.result()
    store.close()
    assert_complete(tmp_path)


def test_two_processes_may_make_a_store_at_once(tmp_path: Path) -> None:
    home = tmp_path / "new"
    processes = [started(home, "work.ParquetStore.open(Path(sys.argv[2])).close()") for _ in range(4)]
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, [outcome[1] for outcome in outcomes]
    store = ParquetStore.open(home)
    assert store.series() == ()
    store.close()


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path) -> None:
    holder, other = Manifest.open(tmp_path / "manifest.sqlite"), Manifest.open(tmp_path / "manifest.sqlite", wait_seconds=0.05)
    with holder.writing(), pytest.raises(StoreBusy, match="Another process"), other.writing():
        pass
    holder.close()
    other.close()
