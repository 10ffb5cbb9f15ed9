"""Imports, deletions, compactions and collections killed at any instant: what was acknowledged is there, whole and once."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tests.integration.data.storage.forks import Forks

from qts.core.errors import UnknownInstrument
from qts.data.storage import FileState, ParquetStore
from qts.data.testing import MemoryStore

SCRIPT = Path(__file__).parent / "operations.py"
STRESS = int(os.environ.get("QTS_STRESS", "1"))
N_KILLS = 8 * STRESS
SYSTEM_CALLS = ("fsync", "fdatasync", "rename", "unlink")
FEW = (1,)


def operations_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("operations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OPERATIONS = operations_module()


class Truth:
    """The states of the sequence after each number of operations, as the store in memory has them."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self._ids = [self._store.snapshot()]

    def id_after(self, n_operations: int) -> str:
        while len(self._ids) <= n_operations:
            OPERATIONS.carry_out(self._store, len(self._ids) - 1)
            self._ids.append(self._store.snapshot())
        return self._ids[n_operations]

    def require_same_bars(self, store: ParquetStore) -> None:
        """Compare every bar with the state in memory of the same id: none lost, doubled or torn."""
        as_of = store.snapshot()
        assert [info.key for info in store.series()] == [info.key for info in self._store.series(as_of=as_of)]
        assert store.bars_per_day() == self._store.bars_per_day(as_of=as_of)
        for key in (*OPERATIONS.MINUTES, *OPERATIONS.DAYS):
            try:
                expected = self._store.read(key, as_of=as_of)
            except UnknownInstrument:
                continue
            found = store.read(key)
            np.testing.assert_array_equal(found.ts, expected.ts)
            np.testing.assert_array_equal(found.close, expected.close)


@pytest.fixture
def workers() -> Iterator[Forks]:
    server = Forks(SCRIPT)
    yield server
    server.close()


def acknowledged(log: Path) -> int:
    return int(log.read_text().split("\n")[-2]) + 1 if log.exists() and log.stat().st_size else 0


def wait_for_growth(log: Path) -> None:
    before, give_up = acknowledged(log), time.monotonic() + 120
    while acknowledged(log) == before:
        assert time.monotonic() < give_up, "the worker does nothing"
        time.sleep(0.005)


def require_sound(home: Path, truth: Truth, n_acknowledged: int) -> int:
    """Return how many operations the store has carried out: those acknowledged, or one more whose answer did not arrive."""
    store = ParquetStore.open(home)
    found = store.snapshot()
    may_be = [truth.id_after(n_acknowledged), truth.id_after(n_acknowledged + 1)]
    assert found in may_be
    truth.require_same_bars(store)
    assert {finding.state for finding in store.verify()} <= {FileState.OK, FileState.FOREIGN}
    store.close()
    return n_acknowledged + may_be.index(found)


@pytest.mark.crash
def test_a_kill_at_any_instant_loses_doubles_and_tears_nothing(tmp_path: Path, workers: Forks) -> None:
    home, log, truth = tmp_path / "home", tmp_path / "log", Truth()
    rng = np.random.default_rng(20_260_106)
    ParquetStore.open(home).close()
    n_done, longest = 0, 0.0
    for i_kill in range(N_KILLS):
        child = workers.start(home, log, n_done)
        if i_kill % 3:  # one in three dies early, the others somewhere after an operation, however slow the machine is
            wait_for_growth(log)
        time.sleep(float(rng.uniform(0.02, 0.6)))
        assert workers.kill(child) == -signal.SIGKILL, "the worker ended by itself"
        began = time.monotonic()
        ParquetStore.open(home).close()
        longest = max(longest, time.monotonic() - began)
        n_done = require_sound(home, truth, max(acknowledged(log), n_done))
    assert n_done > N_KILLS / 2, "the workers were killed before they did anything"
    sys.stdout.write(f"{N_KILLS} kills, {n_done} operations; the longest opening took {longest:.3f} s\n")
    store = ParquetStore.open(home)
    OPERATIONS.carry_out(store, len(OPERATIONS.KINDS) - 1)
    assert {finding.state for finding in store.verify()} == {FileState.OK}, "the collector leaves no orphan"
    truth.require_same_bars(store)
    store.close()


@pytest.mark.crash
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: no kill at a chosen system call")
@pytest.mark.parametrize("kind", ["session", "overlap", "delete", "compact", "collect"])
def test_a_kill_at_a_chosen_system_call_leaves_the_old_state_or_the_new(tmp_path: Path, kind: str) -> None:
    truth, before = Truth(), tmp_path / "before"
    # The second time that it comes: after sessions, overlaps and deletions.
    i_operation = [i for i in range(2 * len(OPERATIONS.KINDS)) if OPERATIONS.KINDS[i % len(OPERATIONS.KINDS)] == kind][-1]
    store = ParquetStore.open(before)
    for i in range(i_operation):
        OPERATIONS.carry_out(store, i)
    store.close()
    n_points = 0
    quick = ("unlink",) if kind == "collect" else ("fsync",)
    for call in SYSTEM_CALLS if STRESS > 1 else quick:
        for n in range(1, 400) if STRESS > 1 else FEW:
            home = tmp_path / "home"
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(before, home)
            inject = f"inject={call}:signal=SIGKILL:when={n}"
            command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
            done = subprocess.run(
                [*command, sys.executable, str(SCRIPT), "one", str(home), str(i_operation)], capture_output=True, text=True, check=False
            )
            if done.returncode != 0 and "ptrace" in done.stderr.lower():
                pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
            require_sound(home, truth, i_operation)
            if done.returncode == 0:
                break
            assert done.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}, done.stderr
            n_points += 1
    sys.stdout.write(f"{kind}: killed at {n_points} system calls\n")
    assert n_points > 0
