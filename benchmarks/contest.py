"""Engines side by side: each in a process of its own, their runs taken in turns, so that a busy moment of the machine meets all of them."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer
from typing import IO, Any, Final

from benchmarks.peers.worker import Outcome, Spec

ROOT: Final = Path(__file__).resolve().parents[1]
OURS: Final = Path(sys.executable)
THEIRS: Final = ROOT / ".venv-bench" / "bin" / "python"
ONE_THREAD: Final = dict.fromkeys(
    ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)
SLICE_SECONDS: Final = 0.2
MOST_RUNS: Final = 100
SLOW_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """An engine in one case: the module of its worker, run with the Python of its environment."""

    name: str
    module: str
    case: str
    option: str = ""
    python: Path = THEIRS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was measured of a contestant, or why it was not."""

    name: str
    version: str = ""
    cpu: float = float("nan")
    wall: float = float("nan")
    added_mb: float = float("nan")
    process_mb: float = float("nan")
    outcome: Outcome | None = None
    failure: str = ""


class WorkerFailed(Exception):
    """A worker ended, or did not answer in time; the text is the last it said."""


class Worker:
    """A running worker process, which answers each line with a line of JSON."""

    def __init__(self, command: Sequence[str], *, seconds: float) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._seconds = seconds
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )

    def answer(self) -> dict[str, Any]:
        """Wait for the next line, for so many seconds at most."""
        output = self._process.stdout
        if output is None:
            raise WorkerFailed("it has no output")
        ready, _, _ = select.select([output], [], [], self._seconds)
        line = output.readline() if ready else b""
        if not line:
            raise WorkerFailed(self._last_words() if ready else f"no answer within {self._seconds:.0f} s")
        document: dict[str, Any] = json.loads(line)
        return document

    def again(self, n_runs: int) -> dict[str, Any]:
        """Let it run its case so many times more."""
        self.tell(str(n_runs))
        return self.answer()

    def tell(self, line: str) -> None:
        """Give it a line, to be answered."""
        entry = self._process.stdin
        if entry is None:
            raise WorkerFailed("it has no input")
        try:
            entry.write(f"{line}\n".encode())
            entry.flush()
        except OSError as error:
            raise WorkerFailed(self._last_words()) from error

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def _last_words(self) -> str:
        self._process.wait()
        return last_words(self._said)


def command(temperature: str, contestant: Contestant, prices: Path, spec: Spec) -> list[str]:
    """Return the command of a worker."""
    told = replace(spec, option=contestant.option) if contestant.option else spec
    return [str(contestant.python), "-m", contestant.module, temperature, contestant.case, str(prices), told.text()]


def contest(contestants: Sequence[Contestant], prices: Path, spec: Spec, *, rounds: int, seconds: float = 240.0) -> dict[str, Entry]:
    """Measure all contestants on the same prices; one that fails is reported and stops nobody else.

    After a warm-up on a few bars and one run whose memory is measured, each round lets every contestant run for about a fifth of a second,
    at least once. What counts is the least time of all its runs.
    """
    entries: dict[str, Entry] = {}
    workers: dict[str, Worker] = {}
    try:
        for contestant in contestants:
            entries[contestant.name] = admitted(contestant, prices, spec, workers, seconds=seconds)
        for _ in range(rounds):
            for name, worker in list(workers.items()):
                if entries[name].cpu > SLOW_SECONDS:
                    continue  # once is enough: so long a run is not disturbed by much
                entries[name] = after_a_turn(entries[name], worker)
                if entries[name].failure:
                    workers.pop(name).stop()
    finally:
        for worker in workers.values():
            worker.stop()
    return entries


def admitted(contestant: Contestant, prices: Path, spec: Spec, workers: dict[str, Worker], *, seconds: float) -> Entry:
    """Start a worker and take its first answer."""
    if not contestant.python.exists():
        return Entry(name=contestant.name, failure="not installed")
    worker = Worker(command("warm", contestant, prices, spec), seconds=seconds)
    try:
        first = worker.answer()
    except WorkerFailed as error:
        worker.stop()
        return Entry(name=contestant.name, failure=str(error))
    workers[contestant.name] = worker
    return Entry(
        name=contestant.name,
        version=first["version"],
        cpu=first["cpu"],
        wall=first["wall"],
        added_mb=first["added_mb"],
        process_mb=first["process_mb"],
        outcome=Outcome(**first["outcome"]),
    )


def after_a_turn(entry: Entry, worker: Worker) -> Entry:
    """Return the entry with the times of one more turn."""
    n_runs = max(1, min(MOST_RUNS, int(SLICE_SECONDS / max(entry.cpu, 1e-6))))
    try:
        seen = worker.again(n_runs)
    except WorkerFailed as error:
        return replace(entry, failure=str(error))
    return replace(entry, cpu=min(entry.cpu, seen["cpu"]), wall=min(entry.wall, seen["wall"]))


def cold_starts(contestants: Sequence[Contestant], prices: Path, spec: Spec, *, rounds: int) -> dict[str, Entry]:
    """Measure whole processes from their start to the first result, in turns."""
    entries = {contestant.name: Entry(name=contestant.name) for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            before = entries[contestant.name]
            if not before.failure:
                entries[contestant.name] = least(before, cold_start(contestant, prices, spec))
    return entries


def least(before: Entry, now: Entry) -> Entry:
    """Return the faster of two measurements of one contestant; a failure stays."""
    return now if now.failure or not before.cpu <= now.cpu else before


def cold_start(contestant: Contestant, prices: Path, spec: Spec, *, seconds: float = 180.0) -> Entry:
    """Run one process to its first result."""
    if not contestant.python.exists():
        return Entry(name=contestant.name, failure="not installed")
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command("cold", contestant, prices, spec),
            cwd=ROOT,
            env=os.environ | ONE_THREAD | {"PYTHONDONTWRITEBYTECODE": ""},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=said,
        )
        killer = Timer(seconds, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            return Entry(name=contestant.name, failure=last_words(said))
        output.seek(0)
        told = json.loads(output.read())
        return Entry(
            name=contestant.name,
            cpu=usage.ru_utime + usage.ru_stime,
            wall=wall,
            process_mb=told["process_mb"],
            outcome=Outcome(**told["outcome"]),
        )


def last_words(said: IO[bytes]) -> str:
    """Return the last line a process wrote to its standard error, without paths of this machine."""
    said.seek(0)
    lines = [line.strip() for line in said.read().decode("utf-8", errors="replace").splitlines() if line.strip()]
    return without_folders(lines[-1])[:200] if lines else "it ended without a word"


def without_folders(text: str) -> str:
    """Return a text with the names of files, but not of the folders of this machine they are in."""
    return re.sub(r"(?<![\w.])/(?:[^\s/:'\"()]+/)+", "", text)
