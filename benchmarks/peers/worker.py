"""The process in which one engine is measured: it reads prices, runs its case once, then again as often as it is asked.

The parent writes a line with a count for each round; the answer is a line of JSON with the least CPU and wall time of that many runs.
Python's own library and NumPy only, because this runs in the environments of all engines.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_WARM_UP_BARS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What to do with the prices; ``pairs`` are the spans (fast, slow)."""

    pairs: tuple[tuple[int, int], ...]
    capital: float = 1_000_000.0
    shares: int = 100
    fee: float = 0.0003
    option: str = ""  # what only one engine knows: the place of a library, a name of costs

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Return the spec of a line of JSON."""
        fields: dict[str, Any] = json.loads(text)
        pairs = tuple((int(fast), int(slow)) for fast, slow in fields.pop("pairs"))
        return cls(pairs=pairs, **fields)

    def text(self) -> str:
        """Return the spec as a line of JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The four outputs, one value for each pair."""

    final_equity: list[float]
    max_drawdown: list[float]
    entries: list[int]
    sharpe: list[float]


Run = Callable[[], Outcome]
Prepare = Callable[[NDArray[np.float64], Spec], Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine under test: its version and the cases it can do; ``prepare`` puts prices into its own containers, off the clock.

    ``load`` is called before a warm start, never before a cold one: what a process that has been at work for a while has loaded.
    """

    version: Callable[[], str]
    cases: Mapping[str, Prepare]
    load: Callable[[], object] = str


def serve(engine: Engine) -> None:
    """Do what the command line names: ``cold CASE PRICES SPEC`` or ``warm CASE PRICES SPEC``."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an engine prints is no answer
    temperature, case, path, text = sys.argv[1:5]
    prices: NDArray[np.float64] = np.load(Path(path))
    spec = Spec.parse(text)
    prepare = engine.cases[case]
    if temperature == "cold":
        outcome = prepare(prices, spec)()
        say(answers, {"outcome": asdict(outcome), "process_mb": peak() / 1e6})
        return
    engine.load()
    warm_up(prepare, prices, spec)
    run = prepare(prices, spec)
    gc.collect()
    before = reset_peak()
    began_wall, began = time.perf_counter(), time.process_time()
    outcome = run()
    times = {"cpu": time.process_time() - began, "wall": time.perf_counter() - began_wall}
    memory = {"added_mb": (peak() - before) / 1e6, "process_mb": peak() / 1e6}
    say(answers, {"version": engine.version(), "outcome": asdict(outcome), **times, **memory})
    for line in sys.stdin:
        say(answers, fastest(run, int(line)))


def joined(parts: list[Outcome]) -> Outcome:
    """Return the outputs of several runs as one."""
    return Outcome(
        final_equity=[value for part in parts for value in part.final_equity],
        max_drawdown=[value for part in parts for value in part.max_drawdown],
        entries=[value for part in parts for value in part.entries],
        sharpe=[value for part in parts for value in part.sharpe],
    )


def warm_up(prepare: Prepare, prices: NDArray[np.float64], spec: Spec) -> None:
    """Let the engine import and compile on a few bars, so that neither counts as memory of the run."""
    few = np.ascontiguousarray(prices[..., :N_WARM_UP_BARS])
    prepare(few, spec)()


def fastest(run: Run, n_runs: int) -> dict[str, float]:
    """Return the least CPU and wall time of so many runs."""
    cpu, wall = float("inf"), float("inf")
    gc.collect()
    for _ in range(n_runs):
        began_wall, began = time.perf_counter(), time.process_time()
        run()
        cpu = min(cpu, time.process_time() - began)
        wall = min(wall, time.perf_counter() - began_wall)
    return {"cpu": cpu, "wall": wall}


def say(answers: Any, document: Mapping[str, object]) -> None:  # noqa: ANN401 - a text file
    """Answer with one line."""
    answers.write(json.dumps(document) + "\n")
    answers.flush()


def reset_peak() -> int:
    """Set the high-water mark of memory to what is in use now, where the system can, and return it in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return peak()
    return status("VmRSS")


def peak() -> int:
    """Return the most memory this process has held since the mark was reset, in bytes."""
    held = status("VmHWM")
    return held or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def status(name: str) -> int:
    """Return a line of the process's status in bytes; 0 where the system has none."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
