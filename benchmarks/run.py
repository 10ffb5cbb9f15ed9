"""Measure what this machine does and write ``RESULTS.md`` beside this file: start-up, the engine, the store.

CPU seconds are user plus system time, so that a busy machine disturbs less. Every figure is the best of several tries unless it says
otherwise. The prices are a geometric random walk with a fixed seed. Other engines are not measured here yet.
"""

from __future__ import annotations

import gc
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np

import qts
from qts.backtest import BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.core import Bars, Exchange, InstrumentId, Interval, micros_of
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.market.sessions import sessions
from qts.strategies.library import ema_cross

HERE = Path(__file__).resolve().parent
SEED = 20_260_101
BARS_PER_SESSION = 375
MICROS_PER_MINUTE = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the results."""

    what: str
    figure: str
    note: str = ""


def main() -> None:
    """Measure everything and write the results."""
    parts = {"Start-up": start_up(), "Engine": engine(), "Store": store()}
    (HERE / "RESULTS.md").write_text(report(parts), encoding="utf-8")
    print((HERE / "RESULTS.md").read_text(encoding="utf-8"))


def report(parts: dict[str, list[Row]]) -> str:
    """Return the results as a page."""
    lines = [
        "# Results",
        "",
        "Written by `make bench`. Measured on one machine on one day: compare figures of the same run only.",
        "",
        f"qts {qts.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}.",
        "Other engines are not in this table yet; they come with a later release, in an environment of their own.",
    ]
    for title, rows in parts.items():
        lines += ["", f"## {title}", "", "| what | figure | how |", "|---|---|---|"]
        lines += [f"| {row.what} | {row.figure} | {row.note} |" for row in rows]
    return "\n".join(lines) + "\n"


def cpu_seconds(action: Callable[[], object]) -> float:
    """Return the CPU time of one call in this process."""
    gc.collect()
    began = time.process_time()
    action()
    return time.process_time() - began


def child_cpu_seconds(command: list[str]) -> float:
    """Return the CPU time of a whole process, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def start_up() -> list[Row]:
    """Measure how long commands take that need no data."""
    command = str(Path(sys.executable).with_name("qts"))
    calls = {
        "`qts --help`": [command, "--help"],
        "`qts costs`": [command, "costs", "--on", "2026-02-27", "--segment", "equity_intraday", "--quantity", "500", "--price", "1000"],
        "`qts calendar`": [command, "calendar", "--from", "2026-11-01", "--to", "2026-11-30"],
    }
    rows = [
        Row(what=name, figure=f"{best(partial(child_cpu_seconds, call)):.2f} CPU-s", note="whole process") for name, call in calls.items()
    ]
    cold = "import sys; sys.path.insert(0, sys.argv[1]); import run as bench; bench.first_result()"
    seconds = best(lambda: child_cpu_seconds([sys.executable, "-c", cold, str(HERE)]))
    return [
        *rows,
        Row(
            what="first backtest of a fresh process",
            figure=f"{seconds:.2f} CPU-s",
            note="10,000 daily bars, EMA 12/26, costs of the schedule",
        ),
    ]


def best(measure: Callable[[], float], tries: int = 5) -> float:
    """Return the smallest of several measurements."""
    return min(measure() for _ in range(tries))


def first_result() -> None:
    """Run one backtest in this process; called in a fresh one."""
    run(ema_cross.STRATEGY, {}, [random_walk("NSE:WALK", 10_000, Interval.DAY)], settings("zerodha"))


def settings(costs: str) -> BacktestSettings:
    """Return the settings of the measured runs."""
    return BacktestSettings(
        capital=Decimal(1_000_000), size=parse_size("shares:100"), costs=parse_costs(costs), slippage=parse_slippage("none")
    )


def random_walk(name: str, n_bars: int, interval: Interval) -> Bars:
    """Return bars of a geometric random walk on the tick of 0.05, stamped at the sessions' minutes or days."""
    rng = np.random.default_rng([SEED, sum(name.encode()), n_bars])
    step = 0.01 if interval is Interval.DAY else 0.0004
    close = ticks(500.0 * np.exp(np.cumsum(rng.normal(0.0, step, n_bars))))
    open_ = ticks(np.concatenate([close[:1], close[:-1]]) * np.exp(rng.normal(0.0, step / 4, n_bars)))
    reach = np.abs(rng.normal(0.0, step / 2, (2, n_bars)))
    high = ticks(np.maximum(open_, close) * np.exp(reach[0]))
    low = ticks(np.minimum(open_, close) * np.exp(-reach[1]))
    return Bars(
        instrument=InstrumentId(name),
        interval=interval,
        ts=stamps(n_bars, interval),
        open=open_,
        high=np.maximum(high, np.maximum(open_, close)),
        low=np.minimum(low, np.minimum(open_, close)),
        close=close,
        volume=np.floor(rng.lognormal(8.0, 1.0, n_bars)),
        oi=np.full(n_bars, np.nan),
    )


def ticks(prices: np.ndarray) -> np.ndarray:
    """Return prices on the tick of 0.05, at least one tick."""
    return np.maximum(np.round(prices / 0.05), 1.0) * 5.0 / 100.0


def stamps(n_bars: int, interval: Interval) -> np.ndarray:
    """Return opening instants: days in a row, or the minutes of real sessions of NSE from 2021 on and weekdays beyond."""
    if interval is Interval.DAY:
        first = micros_of(datetime(1990, 1, 1, 3, 45, tzinfo=UTC))
        return first + np.arange(n_bars, dtype=np.int64) * 86_400_000_000
    n_days = -(-n_bars // BARS_PER_SESSION)
    start = datetime(2021, 1, 1, tzinfo=UTC).date()
    held = [session.date for session in sessions(Exchange.NSE, start, start + timedelta(days=int(n_days * 1.6) + 30))][:n_days]
    opened = np.array([micros_of(datetime(day.year, day.month, day.day, 3, 45, tzinfo=UTC)) for day in held], dtype=np.int64)
    minutes = np.arange(BARS_PER_SESSION, dtype=np.int64) * MICROS_PER_MINUTE
    return (opened[:, None] + minutes[None, :]).ravel()[:n_bars].copy()


def engine() -> list[Row]:
    """Measure one run of an EMA crossover, signals to metrics-ready curves, from bars in memory."""
    rows = []
    for n_bars in (100_000, 1_000_000):
        bars = random_walk("NSE:WALK", n_bars, Interval.MINUTE_1)
        for costs in ("none", "percent:0.0003", "zerodha"):
            chosen = settings(costs)
            seconds = best(partial(cpu_seconds, partial(run, ema_cross.STRATEGY, {"fast": 12, "slow": 26}, [bars], chosen)))
            n_fills = len(run(ema_cross.STRATEGY, {"fast": 12, "slow": 26}, [bars], chosen).fills)
            note = f"{seconds * 1000:.0f} CPU-ms, {n_fills:,} fills with their ledger lines"
            rows.append(
                Row(
                    what=f"EMA 12/26 on {n_bars:,} minute bars, costs `{costs}`",
                    figure=f"{n_bars / seconds / 1e6:.1f} M bars/CPU-s",
                    note=note,
                )
            )
    return rows


@contextmanager
def scratch() -> Iterator[Path]:
    """Hand out a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="qts-bench-") as name:
        yield Path(name)


def store() -> list[Row]:
    """Measure writing, size and reading of minute bars."""
    n_symbols, n_sessions = 20, 250
    n_bars = n_sessions * BARS_PER_SESSION
    batches = []
    for i_symbol in range(n_symbols):
        bars = random_walk(f"NSE:WALK{i_symbol:02}", n_bars, Interval.MINUTE_1)
        batches.append(SeriesBars(key=SeriesKey(instrument=bars.instrument, interval=bars.interval), bars=bars))
    total = n_symbols * n_bars
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with scratch() as folder:
        kept = ParquetStore.open(folder)
        began = time.monotonic()
        kept.upsert(batches, Provenance(source="benchmark", simulated=True), at=at)
        loading = time.monotonic() - began
        began = time.monotonic()
        again = kept.upsert(batches, Provenance(source="benchmark", simulated=True), at=at)
        repeating = time.monotonic() - began
        if again.stored:
            raise RuntimeError(f"the same bars were stored twice: {again}")
        size = sum(path.stat().st_size for path in (folder / "data").rglob("*.parquet"))
        waits = sorted(symbol_months(kept, batches))
    how = f"{n_symbols} symbols x {n_bars:,} bars, one commit, synchronised"
    return [
        Row(
            what="bytes per minute bar on disk",
            figure=f"{size / total:.2f}",
            note="random walk on the tick of 0.05, with volumes; real prices differ",
        ),
        Row(what="bulk load", figure=f"{total / loading / 1e6:.2f} M rows/s", note=how),
        Row(what="the same again", figure=f"{total / repeating / 1e6:.2f} M rows/s", note="compared, nothing written"),
        Row(
            what="symbol-month into float64, p50",
            figure=f"{waits[len(waits) // 2] * 1000:.2f} ms",
            note="200 reads at random, one user, files in the page cache",
        ),
        Row(what="symbol-month into float64, p99", figure=f"{waits[int(len(waits) * 0.99)] * 1000:.2f} ms", note="same"),
    ]


def symbol_months(kept: ParquetStore, batches: list[SeriesBars]) -> Iterator[float]:
    """Yield the seconds of 200 reads of thirty days of one symbol."""
    rng = np.random.default_rng(SEED)
    for _ in range(200):
        key = batches[int(rng.integers(len(batches)))].key
        start = datetime(2021, 1, 4, tzinfo=UTC) + timedelta(days=int(rng.integers(300)))
        began = time.perf_counter()
        kept.read(key, start=start, end=start + timedelta(days=30))
        yield time.perf_counter() - began


if __name__ == "__main__":
    main()
