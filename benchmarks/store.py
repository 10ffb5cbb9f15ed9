"""What the store does with minute bars: writing, size, reading; measured in this process, wall time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from benchmarks.ours import BARS_PER_SESSION, bars_of, minute_stamps
from benchmarks.table import Figure
from benchmarks.walk import MINUTE_STEP, SEED, walk

from qts.core import Interval
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey

ORIGIN: Final = Provenance(source="benchmark", simulated=True)
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
N_READS: Final = 200


def figures(*, quick: bool) -> list[Figure]:
    """Measure the store and return its figures."""
    with tempfile.TemporaryDirectory(prefix="qts-bench-") as name:
        return [*loading(Path(name) / "load", n_symbols=8 if quick else 20), *daily(Path(name) / "daily")]


def series(number: int, n_bars: int) -> SeriesBars:
    """Return the minute bars of one symbol, on the tick of 0.05."""
    prices = walk(n_bars, start=500.0, step=MINUTE_STEP, number=number)
    prices[:4] = np.maximum(np.round(prices[:4] / 0.05), 1.0) * 5.0 / 100.0
    bars = bars_of(prices, f"NSE:WALK{number:03}", Interval.MINUTE_1, minute_stamps(n_bars))
    return SeriesBars(key=SeriesKey(instrument=bars.instrument, interval=bars.interval), bars=bars)


def loading(folder: Path, *, n_symbols: int) -> list[Figure]:
    """Measure a bulk load, the size on disk and the reading of symbol-months."""
    n_bars = 250 * BARS_PER_SESSION
    batches = [series(number, n_bars) for number in range(n_symbols)]
    total = n_symbols * n_bars
    folder.mkdir()
    kept = opened(folder)
    began, began_work = time.monotonic(), time.process_time()
    kept.upsert(batches, ORIGIN, at=AT)
    worked = time.process_time() - began_work
    loaded = time.monotonic() - began
    began = time.monotonic()
    if kept.upsert(batches, ORIGIN, at=AT).stored:
        raise RuntimeError("the same bars were stored twice")
    again = time.monotonic() - began
    size = sum(path.stat().st_size for path in (folder / "data").rglob("*.parquet"))
    waits = sorted(symbol_months(kept, batches))
    kept.close()
    how = f"{n_symbols} symbols x {n_bars:,} bars in one commit, synchronised to disk"
    reads = f"{N_READS} reads at random, one user, files in the page cache"
    return [
        Figure(
            what="bytes per minute bar",
            seen=size / total,
            floor=7.0,
            aim=5.5,
            more_is_better=False,
            how="random walk on the tick of 0.05, with volumes; real prices differ",
        ),
        Figure(what="bulk load", seen=total / loaded / 1e6, floor=3.0, aim=8.0, unit=" M rows/s", how=how),
        Figure(
            what="bulk load, a second of one core",
            seen=total / worked / 1e6,
            unit=" M rows",
            how="the time that the processors worked for it",
        ),
        Figure(what="the same again", seen=total / again / 1e6, unit=" M rows/s", how="compared, nothing written"),
        wait("symbol-month into float64, p50", waits[len(waits) // 2], (3.0, 1.0), reads),
        wait("symbol-month into float64, p99", waits[int(len(waits) * 0.99)], (8.0, 3.0), reads),
    ]


def opened(folder: Path) -> ParquetStore:
    """Return a new store after a first bar: what a process loads once is no part of what is measured."""
    kept = ParquetStore.open(folder)
    one = series(999, 1)
    kept.upsert([one], ORIGIN, at=AT)
    kept.delete(one.key, at=AT)
    return kept


def daily(folder: Path) -> list[Figure]:
    """Measure one more session of 500 symbols on top of four, and the latest bar of each."""
    whole = [series(number, 5 * BARS_PER_SESSION) for number in range(500)]
    cut = 4 * BARS_PER_SESSION
    folder.mkdir()
    kept = opened(folder)
    kept.upsert([SeriesBars(key=each.key, bars=each.bars.window(0, cut)) for each in whole], ORIGIN, at=AT)
    fresh = [SeriesBars(key=each.key, bars=each.bars.window(cut, cut + BARS_PER_SESSION)) for each in whole]
    began, began_work = time.monotonic(), time.process_time()
    kept.upsert(fresh, ORIGIN, at=AT)
    added, worked = time.monotonic() - began, time.process_time() - began_work
    began = time.monotonic()
    if kept.upsert(fresh, ORIGIN, at=AT).files_written:
        raise RuntimeError("the same session was written twice")
    again = time.monotonic() - began
    keys = [each.key for each in whole]
    waits = []
    for _ in range(50):
        began_read = time.perf_counter()
        latest = kept.latest(keys)
        waits.append(time.perf_counter() - began_read)
    began = time.monotonic()
    kept.compact(at=AT, everything=True)
    compacted = time.monotonic() - began
    if len(latest) != len(whole):
        raise RuntimeError(f"{len(latest)} latest bars for {len(whole)} symbols")
    kept.close()
    n_rows = len(whole) * BARS_PER_SESSION
    return [
        Figure(
            what="daily upsert of 500 symbols",
            seen=n_rows / added / 1e6,
            floor=0.7,
            aim=2.0,
            unit=" M rows/s",
            how=f"{n_rows:,} minute bars of a new session, one commit, synchronised to disk",
        ),
        Figure(
            what="daily upsert, a second of one core",
            seen=n_rows / worked / 1e6,
            unit=" M rows",
            how="the time that the processors worked for it",
        ),
        wait("the same session again", again, (300.0, 20.0), "compared with what is stored, nothing written"),
        Figure(
            what="compaction of that session", seen=compacted, unit=" s", how="one hot file into 500 files of a year", more_is_better=False
        ),
        wait("latest bar of 500 symbols, p50", sorted(waits)[25], (20.0, 1.0), "instant and close of each, asked by key"),
    ]


def wait(what: str, seconds: float, marks: tuple[float, float], how: str) -> Figure:
    """Return a waiting time to stay below."""
    return Figure(what=what, seen=seconds * 1000.0, floor=marks[0], aim=marks[1], unit=" ms", more_is_better=False, how=how)


def symbol_months(kept: ParquetStore, batches: Sequence[SeriesBars]) -> Iterator[float]:
    """Yield the seconds of reads of thirty days of one symbol."""
    rng = np.random.default_rng(SEED)
    for _ in range(N_READS):
        key = batches[int(rng.integers(len(batches)))].key
        start = datetime(2021, 1, 4, tzinfo=UTC) + timedelta(days=int(rng.integers(300)))
        began = time.perf_counter()
        kept.read(key, start=start, end=start + timedelta(days=30))
        yield time.perf_counter() - began
