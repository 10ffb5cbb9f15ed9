"""The contests: which engine does which work on which prices, what the right numbers are, and what becomes of it in the tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import oracle
from benchmarks.agreement import differences, judged
from benchmarks.contest import OURS, Contestant, Entry, cold_starts, contest
from benchmarks.peers.worker import Outcome, Spec
from benchmarks.table import ABSENT, Figure, Section, megabytes, ratio, seconds, shown
from benchmarks.walk import DAY_STEP, MINUTE_STEP, many, saved, walk

EMA_12_26: Final = ((12, 26),)
SWEEP_PAIRS: Final = tuple((fast, slow) for fast in range(5, 25) for slow in range(30, 130, 5))
SAMPLED: Final = (0, 19, 133, 399)
SAME: Final = "same"
OWN: Final = "qts"
NO_CURVE, WITH_CURVE = "qts, no curve", "qts, with curve"
VECTORBT, ARRAYS, RAPTORBT, BACKTESTING = "vectorbt, as documented", "vectorbt, on arrays", "raptorbt", "backtesting.py"
ON_BAR, ON_BAR_RUN = "qts, on_bar, measures only", "qts, on_bar, whole run"
PEERS: Final = (VECTORBT, ARRAYS, RAPTORBT, BACKTESTING)
C_PLAIN, C_CURVE, C_SWEEP = "C limit, no curve", "C limit, with curve", "C limit"
PEER_HEADS: Final = ("engine", "CPU", "per CPU-second", "memory added", "our speed over it", "numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where files go, whether in a hurry, the library of the C limit, and how many minute bars stores are given (0: by hurry)."""

    folder: Path
    quick: bool
    limit: Path | None
    store_bars: int = 0

    def rounds(self, n_rounds: int) -> int:
        """Return the rounds to take."""
        return min(n_rounds, 1) if self.quick else n_rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A contest that was held."""

    entries: dict[str, Entry]
    numbers: dict[str, str]
    work: int  # bars, or bars times pairs

    def doubt(self, *names: str) -> str:
        """Return why a figure made of these engines does not count; nothing where it does."""
        for name in names:
            entry = self.entries.get(name)
            if entry is None or entry.failure:
                return f"not measured: {name}"
            if self.numbers[name] != SAME:
                return f"does not count, numbers differ: {name}"
        return ""

    def faster(self, ours: str, theirs: str) -> float:
        """Return how many times faster we are; no number where one of the two is missing."""
        if ours not in self.entries or theirs not in self.entries:
            return math.nan
        return ratio(self.entries[ours].cpu, self.entries[theirs].cpu)

    def rows(self, ours: str, unit: str) -> list[list[str]]:
        """Return one line for each engine."""
        lines = []
        for name, entry in self.entries.items():
            if entry.failure:
                lines.append([name, ABSENT, ABSENT, ABSENT, ABSENT, entry.failure])
                continue
            pace = f"{shown(self.work / entry.cpu)} {unit}"
            faster = self.faster(ours, name)
            times = "" if name.startswith(OWN) or math.isnan(faster) else f"{shown(faster)}x"
            label = f"{name} {entry.version}" if name in PEERS else name
            lines.append([label, seconds(entry.cpu), pace, megabytes(entry.added_mb), times, self.numbers[name]])
        return lines


def mine(name: str, case: str, option: str = "") -> Contestant:
    """Return one of our own contestants."""
    return Contestant(name=name, module="benchmarks.ours", case=case, option=option, python=OURS)


def theirs(name: str, module: str, case: str) -> Contestant:
    """Return another engine's."""
    return Contestant(name=name, module=f"benchmarks.peers.{module}", case=case)


def limits(plan: Plan, *cases: tuple[str, str]) -> list[Contestant]:
    """Return the C limit's, where there is one."""
    if plan.limit is None:
        return []
    return [Contestant(name=name, module="benchmarks.peers.limit", case=case, option=str(plan.limit), python=OURS) for name, case in cases]


def single_run(plan: Plan, n_bars: int, *, slow_peers: bool) -> Played:
    """Hold W1: one EMA 12/26 run."""
    prices = walk(n_bars, start=100.0, step=MINUTE_STEP)
    spec = Spec(pairs=EMA_12_26)
    field = [
        mine(WITH_CURVE, "curve"),
        mine(NO_CURVE, "single"),
        mine("qts, whole run", "run"),
        *limits(plan, (C_CURVE, "curve"), (C_PLAIN, "single")),
        theirs(VECTORBT, "vectorbt", "documented"),
        theirs(ARRAYS, "vectorbt", "single"),
        theirs(RAPTORBT, "raptorbt", "single"),
    ]
    if slow_peers:
        field += [theirs(BACKTESTING, "backtesting", "single"), mine(ON_BAR, "on_bar"), mine(ON_BAR_RUN, "on_bar_run")]
    right = oracle.single(prices.tolist(), EMA_12_26[0], spec)
    entries = contest(field, saved(plan.folder, f"single-{n_bars}", prices), spec, rounds=plan.rounds(5))
    return Played(entries=entries, numbers=judged(entries, right), work=n_bars)


def sweep(plan: Plan) -> Played:
    """Hold W2: 400 pairs on 100,000 bars; all of them against one another, a sample against plain Python."""
    prices = walk(100_000, start=100.0, step=MINUTE_STEP)
    spec = Spec(pairs=SWEEP_PAIRS)
    field = [
        mine("qts", "sweep"),
        *limits(plan, (C_SWEEP, "sweep")),
        theirs(VECTORBT, "vectorbt", "documented"),
        theirs(ARRAYS, "vectorbt", "sweep"),
        theirs(RAPTORBT, "raptorbt", "sweep"),
    ]
    entries = contest(field, saved(plan.folder, "sweep", prices), spec, rounds=plan.rounds(3))
    numbers = judged_sample(entries, prices, spec)
    return Played(entries=entries, numbers=numbers, work=prices.shape[1] * len(SWEEP_PAIRS))


def judged_sample(entries: dict[str, Entry], prices: NDArray[np.float64], spec: Spec) -> dict[str, str]:
    """Hold each engine to plain Python in four pairs, and to the first engine that passes in all of them."""
    rows = prices.tolist()
    sample = [oracle.single(rows, spec.pairs[at], spec) for at in SAMPLED]
    verdicts: dict[str, str] = {}
    right: Outcome | None = None
    for name in sorted(entries, key=lambda name: name == "qts"):
        outcome = entries[name].outcome
        if outcome is None:
            verdicts[name] = entries[name].failure
            continue
        found = [text for at, known in zip(SAMPLED, sample, strict=True) for text in differences(one_of(outcome, at), known)]
        if not found and right is not None:
            found = differences(outcome, right)
        verdicts[name] = f"differs: {'; '.join(found[:3])}" if found else SAME
        if right is None and not found:
            right = outcome
    return verdicts


def one_of(outcome: Outcome, at: int) -> Outcome:
    """Return one pair's outputs."""
    if at >= len(outcome.final_equity):
        return Outcome(final_equity=[], max_drawdown=[], entries=[], sharpe=[])
    return Outcome(
        final_equity=[outcome.final_equity[at]],
        max_drawdown=[outcome.max_drawdown[at]],
        entries=[outcome.entries[at]],
        sharpe=[outcome.sharpe[at]],
    )


def portfolio(plan: Plan) -> Played:
    """Hold W3: 500 symbols on one account; prices so low that cash never limits, and the order of fills does not matter."""
    prices = many(500, 2_500, start=10.0, step=DAY_STEP)
    spec = Spec(pairs=EMA_12_26)
    field = [
        mine("qts", "portfolio"),
        theirs(VECTORBT, "vectorbt", "documented_portfolio"),
        theirs(ARRAYS, "vectorbt", "portfolio"),
        theirs(RAPTORBT, "raptorbt", "portfolio"),
    ]
    right = oracle.portfolio(prices.tolist(), EMA_12_26[0], spec)
    entries = contest(field, saved(plan.folder, "portfolio", prices), spec, rounds=plan.rounds(5))
    return Played(entries=entries, numbers=judged(entries, right), work=prices.shape[0] * prices.shape[2])


def cold(plan: Plan) -> Played:
    """Hold the cold start: whole processes to their first result on 10,000 bars."""
    prices = walk(10_000, start=100.0, step=MINUTE_STEP)
    spec = Spec(pairs=EMA_12_26)
    field = [
        mine("qts", "single"),
        *limits(plan, (C_SWEEP, "single")),
        theirs(VECTORBT, "vectorbt", "documented"),
        theirs(RAPTORBT, "raptorbt", "single"),
        theirs(BACKTESTING, "backtesting", "single"),
    ]
    right = oracle.single(prices.tolist(), EMA_12_26[0], spec)
    entries = cold_starts(field, saved(plan.folder, "cold", prices), spec, rounds=1 if plan.quick else 3)
    return Played(entries=entries, numbers=judged(entries, right), work=prices.shape[1])


def cold_section(played: Played) -> Section:
    """Return the table of cold starts."""
    rows = []
    for name, entry in played.entries.items():
        if entry.failure:
            rows.append([name, ABSENT, ABSENT, ABSENT, entry.failure])
        else:
            rows.append([name, seconds(entry.cpu), seconds(entry.wall), megabytes(entry.process_mb), played.numbers[name]])
    words = (
        "A new process, from its start to its end: imports, 10,000 bars from a file, one run. Compiled code of earlier processes is used."
    )
    return Section(title="Cold start", words=words, heads=("engine", "CPU", "wall", "peak memory", "numbers"), rows=rows)


def against(played: Played, ours: str, other: str, *, what: str, marks: tuple[float, float], how: str = "") -> Figure:
    """Return a ratio to reach."""
    seen = played.faster(ours, other)
    return Figure(what=what, seen=seen, floor=marks[0], aim=marks[1], unit="x", how=how, doubt=played.doubt(ours, other))


def memory_of(played: Played, ours: str, what: str, *, aim: float, how: str = "") -> Figure:
    """Return an amount of memory to stay below."""
    entry = played.entries[ours]
    return Figure(what=what, seen=entry.added_mb, aim=aim, unit=" MB", more_is_better=False, how=how, doubt=played.doubt(ours))


def engine_section(played: Played, ours: str, *, title: str, words: str, unit: str) -> Section:
    """Return the table of one contest."""
    return Section(title=title, words=words, heads=PEER_HEADS, rows=played.rows(ours, unit))


def share_of_limit(played: Played, ours: str, limit: str, *, what: str, marks: tuple[float, float]) -> Sequence[Figure]:
    """Return how much of the C limit we reach, where it was measured."""
    if limit not in played.entries:
        return []
    seen = 100.0 * played.faster(ours, limit)
    return [Figure(what=what, seen=seen, floor=marks[0], aim=marks[1], unit=" %", doubt=played.doubt(ours, limit))]
