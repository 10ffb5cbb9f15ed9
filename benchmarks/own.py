"""What only we are measured in: start-up, costs, callbacks, large runs and sweeps, stopping, indicators."""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.agreement import differences
from benchmarks.contest import ROOT, Entry, contest
from benchmarks.matches import C_PLAIN, C_SWEEP, EMA_12_26, SWEEP_PAIRS, Plan, limits, mine
from benchmarks.ours import minute_stamps, minutes, rule_strategy, settings
from benchmarks.peers.worker import Spec
from benchmarks.table import ABSENT, Figure, Section, megabytes, seconds, shown
from benchmarks.walk import DAY_STEP, MINUTE_STEP, many, saved, walk
from qts.backtest import sweep

WIDE_PAIRS: Final = tuple((fast, slow) for fast in range(5, 45) for slow in range(50, 250, 2))
FLAT: Final = "percent:0.0003"
RUN_HEADS: Final = ("what", "CPU", "per CPU-second", "memory added", "how")


def start_up(plan: Plan) -> Section:
    """Measure whole commands that need no data."""
    command = str(Path(sys.executable).with_name("qts"))
    calls = {
        "`qts --help`": [command, "--help"],
        "`qts costs`": [command, "costs", "--on", "2026-02-27", "--segment", "equity_intraday", "--quantity", "500", "--price", "1000"],
        "`qts calendar`": [command, "calendar", "--from", "2026-11-01", "--to", "2026-11-30"],
    }
    rows = []
    for name, call in calls.items():
        try:
            spent = min(child_cpu_seconds(call) for _ in range(2 if plan.quick else 5))
        except (OSError, subprocess.CalledProcessError) as error:
            rows.append([name, ABSENT, f"failed: {type(error).__name__}"])
        else:
            rows.append([name, f"{spent:.2f} CPU-s", "whole process"])
    return Section(title="Start-up of commands", rows=rows)


def child_cpu_seconds(command: Sequence[str]) -> float:
    """Return the CPU time of a whole process, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def costs(plan: Plan) -> tuple[list[Figure], Section]:
    """Measure what the Indian schedule takes over a flat percentage, and a flat percentage over nothing."""
    n_bars = 1_000_000
    prices = walk(n_bars, start=100.0, step=MINUTE_STEP)
    kinds = ("none", FLAT, "zerodha")
    field = [mine(f"{case}, costs {kind}", case, kind) for case in ("single", "run") for kind in kinds]
    path = saved(plan.folder, "costs", prices)
    entries = contest(field, path, Spec(pairs=EMA_12_26), rounds=plan.rounds(7))
    figures = [
        slower(
            entries,
            "single",
            what="exact Indian costs, over a flat percentage",
            marks=(10.0, 3.0),
            how="measures of one run of 1,000,000 minute bars",
        ),
        slower(
            entries,
            "run",
            what="the same with the ledger of a whole run",
            marks=(math.nan, math.nan),
            how="every fill's charges as exact decimals",
        ),
    ]
    names = {"single": "measures only", "run": "with fills, trades and exact ledger"}
    labels = {f"{case}, costs {kind}": f"EMA 12/26, 1,000,000 minute bars, costs `{kind}`" for case in names for kind in kinds}
    hows = {f"{case}, costs {kind}": how for case, how in names.items() for kind in kinds}
    rows = [row_of(entries[name], labels[name], work=n_bars, unit="bars", how=hows[name]) for name in labels]
    return figures, Section(title="Costs", heads=RUN_HEADS, rows=rows)


def slower(entries: dict[str, Entry], case: str, *, what: str, marks: tuple[float, float], how: str) -> Figure:
    """Return by how many per cent the schedule is slower than the flat percentage."""
    exact, flat = entries[f"{case}, costs zerodha"], entries[f"{case}, costs {FLAT}"]
    seen = 100.0 * (exact.cpu / flat.cpu - 1.0)
    doubt = exact.failure or flat.failure
    return Figure(what=what, seen=seen, floor=marks[0], aim=marks[1], unit=" %", more_is_better=False, how=how, doubt=doubt)


def large(plan: Plan) -> tuple[list[Figure], Section]:
    """Measure long runs and wide sweeps, with the C limit beside them where it can do the same."""
    rows, figures = [], []
    n_bars = 2_000_000 if plan.quick else 10_000_000
    path = saved(plan.folder, "long", walk(n_bars, start=100.0, step=MINUTE_STEP / 2))
    spec = Spec(pairs=EMA_12_26, capital=100_000_000.0)
    found = contest([mine("qts", "single"), *limits(plan, (C_PLAIN, "single"))], path, spec, rounds=plan.rounds(2))
    rows += [
        row_of(entry, f"{name}: one run of {n_bars:,} bars", work=n_bars, unit="bars", how="measures only") for name, entry in found.items()
    ]
    path.unlink()
    path = saved(plan.folder, "wide", walk(100_000, start=100.0, step=MINUTE_STEP))
    pairs = WIDE_PAIRS[::10] if plan.quick else WIDE_PAIRS
    found = contest([mine("qts", "sweep"), *limits(plan, (C_SWEEP, "sweep"))], path, Spec(pairs=pairs), rounds=plan.rounds(2))
    rows += [
        row_of(entry, f"{name}: {len(pairs):,} pairs x 100,000 bars", work=len(pairs) * 100_000, unit="cells")
        for name, entry in found.items()
    ]
    n_bars = 200_000 if plan.quick else 1_000_000
    path = saved(plan.folder, "tall", walk(n_bars, start=100.0, step=MINUTE_STEP))
    found = contest([mine("qts", "sweep"), *limits(plan, (C_SWEEP, "sweep"))], path, Spec(pairs=SWEEP_PAIRS), rounds=plan.rounds(1))
    cells = n_bars * len(SWEEP_PAIRS)
    rows += [row_of(entry, f"{name}: 400 pairs x {n_bars:,} bars", work=cells, unit="cells") for name, entry in found.items()]
    ours, label = found["qts"], f"400 pairs x {n_bars:,} bars"
    share = n_bars / 1e6
    figures += [
        Figure(what=label, seen=ours.cpu, floor=2.0 * share, aim=0.6 * share, unit=" CPU-s", more_is_better=False, doubt=ours.failure),
        Figure(what=f"memory added by {label}", seen=ours.added_mb, floor=150.0, unit=" MB", more_is_better=False, doubt=ours.failure),
    ]
    return figures, Section(title="Large runs and sweeps", heads=RUN_HEADS, rows=rows)


def account_of_500(plan: Plan) -> tuple[list[Figure], Section]:
    """Measure 500 symbols on one account over ten years of days, with the schedule's costs, cash that limits, and stops."""
    prices = many(500, 2_500, start=200.0, step=DAY_STEP)
    path = saved(plan.folder, "account", prices)
    spec = Spec(pairs=EMA_12_26, option="zerodha")
    found = contest([mine("qts", "account"), mine("qts, whole run", "account_run")], path, spec, rounds=plan.rounds(3))
    entry, whole = found["qts"], found["qts, whole run"]
    what = "500 symbols on one account, ten years of days"
    how = "cash that limits, a stop-loss on every position, costs of the schedule; measures, after a warm-up"
    doubt = entry.failure
    if entry.outcome is not None and whole.outcome is not None:
        apart = differences(entry.outcome, whole.outcome)
        doubt = f"does not count, differs from the whole run: {'; '.join(apart)}" if apart else ""
    figure = Figure(what=what, seen=entry.cpu, floor=2.0, unit=" CPU-s", more_is_better=False, how=how, doubt=doubt)
    cells = prices.shape[0] * prices.shape[2]
    rows = [row_of(each, name, work=cells, unit="cells") for name, each in found.items()]
    return [figure], Section(title=f"Portfolio with limits: {what}", words=how.capitalize() + ".", heads=RUN_HEADS, rows=rows)


def row_of(entry: Entry, what: str, *, work: int, unit: str, how: str = "") -> list[str]:
    """Return the line of one of our own runs."""
    if entry.failure:
        return [what, ABSENT, ABSENT, ABSENT, entry.failure]
    return [what, seconds(entry.cpu), f"{shown(work / entry.cpu)} {unit}", megabytes(entry.added_mb), how]


def stopping(plan: Plan) -> Section:
    """Measure how long a sweep of 4,000 pairs goes on after it was asked to stop."""
    series = [minutes(walk(20_000 if plan.quick else 100_000, start=100.0, step=MINUTE_STEP))]
    cells = [{"fast": fast, "slow": slow} for fast, slow in WIDE_PAIRS]
    spec = Spec(pairs=WIDE_PAIRS)
    sweep(rule_strategy(), cells[:20], series, settings(spec))
    waits = []
    for _ in range(3):
        asked = threading.Event()
        timer = Asked(asked)
        timer.start()
        found = sweep(rule_strategy(), cells, series, settings(spec), threads=2, is_cancelled=asked.is_set)
        ended = time.monotonic()
        timer.join()
        if not found.is_complete:
            waits.append(ended - timer.at)
    if not waits:
        return Section(title="Stopping a sweep", words="Every sweep was done before it could be stopped.")
    how = f"4,000 pairs x {len(series[0]):,} bars, two threads; the longest of {len(waits)} tries, wall time"
    return Section(title="Stopping a sweep", rows=[["from the request to the end", seconds(max(waits)), how]])


class Asked(threading.Thread):
    """Asks for the end of a sweep a moment after it began, and notes when."""

    def __init__(self, event: threading.Event, *, after: float = 0.1) -> None:
        super().__init__(daemon=True)
        self.at = math.inf
        self._event = event
        self._after = after

    def run(self) -> None:
        time.sleep(self._after)
        self.at = time.monotonic()
        self._event.set()


def indicators(plan: Plan) -> Section:
    """Measure every indicator at its defaults."""
    n_bars = 1_000_000
    prices = walk(n_bars, start=100.0, step=MINUTE_STEP)
    names = ("open", "high", "low", "close", "volume")
    columns = dict(zip(names, prices, strict=True)) | {"ts": minute_stamps(n_bars).astype(np.float64)}
    rows = []
    for spec in registry():
        given = [columns[name] for name in spec.inputs]

        def once(spec: Any = spec, given: Any = given) -> None:  # noqa: ANN401 - the registry's own types
            spec.batch(given, {})

        spent = least(once, 1 if plan.quick else 4)
        rows.append((spent, [f"`{spec.id}`", seconds(spent), f"{shown(n_bars / spent)} bars"]))
    rows.sort(key=lambda row: row[0])
    words = f"At their defaults, all outputs, {n_bars:,} bars, after a first call that may compile."
    return Section(title="Indicators", words=words, heads=("indicator", "CPU", "per CPU-second"), rows=[row for _, row in rows])


def registry() -> Sequence[Any]:
    """Return the indicators there are."""
    from qts.kernels.indicators import INDICATORS  # noqa: PLC0415 - costs nothing where indicators are not measured

    return list(INDICATORS.values())


def least(action: Callable[[], object], n_times: int) -> float:
    """Return the least CPU time of several calls, after one that does not count."""
    action()
    spent = []
    for _ in range(n_times):
        began = time.process_time()
        action()
        spent.append(time.process_time() - began)
    return float(np.min(spent))
