"""Run the tests of changed sources in one process: pytest's plugin of ``mutate.py``.

All tests run once on the unchanged code, which tells how long each takes and which functions it reaches. Then each change has a fork of
the process to itself, in which the tests that reach its function run until one fails: first those that noticed other changes of the
function, then quick ones before slow ones. Nothing is imported or collected twice, so a change that is noticed costs some milliseconds.
What functions remember is forgotten before each change, or a table read before the change would hide it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import hypothesis
import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

CHANGES: Final = Path("changes.json").resolve()
FATES: Final = Path("fates.txt").resolve()
# A test of a change may take this much of the processor's time, in seconds and in times of what it took before.
PATIENCE: Final = (1.0, 10.0)
KILLED, SURVIVED = 1, 0
# From so many seconds on a test is slow: those of other modules that are not go before it.
SLOW: Final = 0.1

tomllib.loads = cache(tomllib.loads)  # files do not change: only what is made of them is forgotten
failed: list[str] = []
# By function, how often a test noticed a change of it; and where the processes tell which test did.
noticed: dict[str, Counter[int]] = {}
told, telling = os.pipe()
os.set_blocking(told, False)


def pytest_collection() -> None:
    """Stop at the first failing example: which one is simplest does not matter here."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutated", parent=hypothesis.settings.get_profile("ci"), phases=phases, max_examples=40)
    hypothesis.settings.load_profile("mutated")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what failed."""
    if report.failed:
        failed.append(report.nodeid)


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the tests once as they are, then for each change those that reach it."""
    set_mutant_under_test("stats")
    reached: dict[str, list[tuple[float, int]]] = {}
    hits = state()._stats  # noqa: SLF001 - where mutmut notes what is called; it has no other door
    for i, item in enumerate(session.items):
        hits.clear()
        forget()
        began = time.process_time()
        run(item, None)
        took = time.process_time() - began
        for function in hits:
            reached.setdefault(function, []).append((took, i))
    if failed or session.testsfailed:
        pytest.exit(f"the tests fail without a change: {', '.join(failed)}", returncode=2)
    gc.collect()
    gc.freeze()  # or each fork copies what it only looks at
    names = json.loads(CHANGES.read_text(encoding="utf-8"))
    with FATES.open("w", encoding="utf-8") as fates:
        for name, fate in fates_of(names, reached, session.items, children=int(os.environ["MUTATED_CHILDREN"])):
            fates.write(f"{name} {fate}\n")
            fates.flush()
    return True


def in_order(name: str, tests: Sequence[tuple[float, int]], items: Sequence[pytest.Item]) -> list[tuple[float, int]]:
    """Return the tests that reach a changed function: those that noticed most, its module's own, quick ones before slow ones."""
    own = f"test_{name.rpartition('.')[0].rpartition('.')[2]}"
    best = noticed.get(function_of(name), Counter())
    return sorted(tests, key=lambda test: (-best[test[1]], test[0] > SLOW, not items[test[1]].path.stem.startswith(own), test))


def function_of(name: str) -> str:
    """Return the function that a change is one of."""
    return name.partition("__mutmut_")[0]


def run(item: pytest.Item, following: pytest.Item | None) -> None:
    """Run one test."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def forget() -> None:
    """Empty what functions remember."""
    for name, module in list(sys.modules.items()):
        if name.startswith("qts."):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear") and not isinstance(value, type):
                    value.cache_clear()


def fates_of(
    names: Sequence[str], reached: Mapping[str, list[tuple[float, int]]], items: Sequence[pytest.Item], *, children: int
) -> Iterator[tuple[str, str]]:
    """Return what became of each change, some at a time."""
    running: dict[int, str] = {}
    for name in names:
        if function_of(name) not in reached:
            yield name, "no tests"
            continue
        while len(running) >= children:
            yield reap(running)
        sys.stdout.flush()
        sys.stderr.flush()
        tests = in_order(name, reached[function_of(name)], items)
        child = os.fork()
        if child == 0:
            try_change(name, tests, items)
        running[child] = name
    while running:
        yield reap(running)


def reap(running: dict[int, str]) -> tuple[str, str]:
    """Wait for a change to be done with, and remember which tests noticed."""
    child, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    fate = {KILLED: "killed", SURVIVED: "survived", -signal.SIGPROF: "timeout"}.get(code, f"ended with {code}")
    with contextlib.suppress(BlockingIOError):
        for line in os.read(told, 1 << 16).decode().splitlines():
            function, i = line.split(" ")
            noticed.setdefault(function, Counter())[int(i)] += 1
    return running.pop(child), fate


def try_change(name: str, tests: Sequence[tuple[float, int]], items: Sequence[pytest.Item]) -> None:
    """Run the tests of one change, and end the process with what came of it."""
    code = KILLED  # also where the change breaks pytest itself
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        set_mutant_under_test(name)
        forget()
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        following = [items[i] for _, i in tests[1:]]
        for (took, i), after in zip(tests, [*following, None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, PATIENCE[0] + PATIENCE[1] * took)
            run(items[i], after)
            if failed:
                os.write(telling, f"{function_of(name)} {i}\n".encode())
                break
        else:
            code = SURVIVED
    finally:
        os._exit(code)
