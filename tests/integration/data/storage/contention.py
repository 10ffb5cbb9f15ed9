"""Two writers, four readers, a compactor and a collector at one store for some seconds, each a process of its own.

``FOLDER SECONDS`` are the arguments; what each did is printed as one line of JSON. A process that meets an error says it and ends with 1.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from qts.core import Bars, InstrumentId, Interval
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.retention import Retention

KEYS = tuple(SeriesKey(instrument=InstrumentId(f"NSE:S{i:02}"), interval=Interval.MINUTE_1) for i in range(12))
N_DAYS = 30
N_BARS = 6
OPENING = 1_704_166_500_000_000
KEEP = Retention(younger_than=timedelta(seconds=8), grace=timedelta(seconds=8))


def day_of(writer: int, commit: int) -> int:
    """Return which day a commit stores: each writer has every other one, and comes round to it again."""
    return 2 * (commit % N_DAYS) + writer


def batches(writer: int, commit: int) -> list[SeriesBars]:
    """Return the same bars for every series: a reader that sees two of them differ has seen half a commit."""
    ts = OPENING + day_of(writer, commit) * 86_400_000_000 + np.arange(N_BARS, dtype=np.int64) * 60_000_000
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), np.full(N_BARS, commit + 1.0))
    return [SeriesBars(key=key, bars=Bars(instrument=key.instrument, interval=key.interval, ts=ts, **columns)) for key in KEYS]


def now() -> datetime:
    """Return the present instant."""
    return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - a program of its own, beside real file times


def write(store: ParquetStore, until: float, writer: int) -> int:
    """Store commit after commit."""
    commit = 0
    while time.monotonic() < until:
        report = store.upsert(batches(writer, commit), Provenance(source=f"writer:{writer}"), at=now())
        if report.stored != N_BARS * len(KEYS):
            raise AssertionError(f"commit {commit} of writer {writer} stored {report.stored} bars")
        commit += 1
    return commit


def read(store: ParquetStore, until: float, reader: int) -> int:
    """Compare series of one snapshot with one another, again and again."""
    rng, n_reads = np.random.default_rng(reader), 0
    while time.monotonic() < until:
        snapshot = store.snapshot()
        infos = {info.key: info for info in store.series(as_of=snapshot)}
        if infos:
            left, right = (store.read(KEYS[i], as_of=snapshot) for i in rng.choice(len(KEYS), 2, replace=False))
            np.testing.assert_array_equal(left.ts, right.ts)
            np.testing.assert_array_equal(left.close, right.close)
            if not np.all(np.diff(left.ts) > 0) or infos[KEYS[0]].n_bars != len(left):
                raise AssertionError(f"{len(left)} bars, of which some are doubled or not counted")
            if np.any(left.close.reshape(-1, N_BARS) != left.close[::N_BARS, np.newaxis]):
                raise AssertionError("a day of two commits")
            n_reads += 1
    return n_reads


def compact(store: ParquetStore, until: float, _number: int) -> int:
    """Compact all the time."""
    n_done = 0
    while time.monotonic() < until:
        n_done += sum(report.files_written > 0 for report in store.compact(at=now(), everything=True))
        time.sleep(0.05)
    return n_done


def collect(store: ParquetStore, until: float, _number: int) -> int:
    """Collect all the time."""
    n_done = 0
    while time.monotonic() < until:
        n_done += len(store.collect(at=now(), keep=KEEP).files)
        time.sleep(0.2)
    return n_done


def forked(home: Path, until: float, work: Callable[[ParquetStore, float, int], int], number: int) -> tuple[int, int]:
    """Start one of them and return its process id and where its count can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        store = ParquetStore.open(home)
        os.write(writing, str(work(store, until, number)).encode())
        store.close()
        os._exit(0)
    os.close(writing)
    return child, reading


def main(home: Path, seconds: float) -> int:
    """Run all of them and print their counts."""
    ParquetStore.open(home).close()
    until = time.monotonic() + seconds
    works = [(write, 0), (write, 1), (read, 0), (read, 1), (read, 2), (read, 3), (compact, 0), (collect, 0)]
    started = [(work.__name__, *forked(home, until, work, number)) for work, number in works]
    counts: dict[str, list[int]] = {}
    is_well = True
    for name, child, reading in started:
        is_well &= os.waitpid(child, 0)[1] == 0
        counts.setdefault(name, []).append(int(os.read(reading, 100) or b"-1"))
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0 if is_well else 1


if __name__ == "__main__":
    for part in ("manifest", "upserting", "compaction", "retention", "encoding"):
        importlib.import_module(f"qts.data.storage.{part}")
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
