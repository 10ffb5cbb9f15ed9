"""A writer killed at any instant: what it was told is stored is stored, whole and once."""

from __future__ import annotations

import importlib.util
import os
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

from qts.data.storage import FileState, ParquetStore

SCRIPT = Path(__file__).parent / "writer_until_killed.py"
N_KILLS = 50 if os.environ.get("QTS_STRESS") else 20


def writer_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("writer_until_killed", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def writers() -> Iterator[Forks]:
    server = Forks(SCRIPT)
    yield server
    server.close()


def acknowledged(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split("\n")[:-1]] if log.exists() else []


def wait_for_growth(log: Path) -> None:
    before = len(acknowledged(log))
    give_up = time.monotonic() + 30
    while len(acknowledged(log)) == before:
        assert time.monotonic() < give_up, "the writer stores nothing"
        time.sleep(0.002)


def expected_closes(n_commits: int, n_bars: int) -> np.ndarray:
    """Return the closes after commits 0..n-1, in the plainest way."""
    closes = np.zeros((n_commits + 1) * n_bars // 2)
    for commit in range(n_commits):
        closes[commit * n_bars // 2 :][:n_bars] = commit + 1
    return closes


@pytest.mark.crash
def test_a_kill_loses_doubles_and_tears_nothing_that_was_acknowledged(tmp_path: Path, writers: Forks) -> None:
    module, home, log = writer_module(), tmp_path / "home", tmp_path / "log"
    rng = np.random.default_rng(20_260_105)
    ParquetStore.open(home).close()
    n_stored = 0
    for i_kill in range(N_KILLS):
        child = writers.start(home, log, n_stored)
        if i_kill % 3:  # one in three dies early, the others somewhere after their first commit
            wait_for_growth(log)
        time.sleep(float(rng.uniform(0.0, 0.1)))
        assert writers.kill(child) == -signal.SIGKILL, "the writer ended by itself"
        store = ParquetStore.open(home)
        n_acknowledged = len(acknowledged(log))
        n_stored = len(store.snapshots())
        # The last commit may have been stored without the answer arriving; its log line is then missing for good.
        assert n_stored >= (acknowledged(log)[-1] + 1 if n_acknowledged else 0)
        for key in module.SERIES if n_stored else ():
            np.testing.assert_array_equal(store.read(key).close, expected_closes(n_stored, module.N_BARS))
        store.close()
    store = ParquetStore.open(home)
    assert {finding.state for finding in store.verify()} <= {FileState.OK, FileState.FOREIGN}
    store.close()
    assert n_stored > N_KILLS / 2, "the writers were killed before they wrote anything"


@pytest.mark.crash
def test_what_a_killed_writer_left_behind_hinders_nobody(tmp_path: Path) -> None:
    """A writer that stops before each rename leaves its files; the next one stores the same bars beside or through them."""
    module, home = writer_module(), tmp_path / "home"
    store = ParquetStore.open(home)
    batches = [module.batch(key, 0) for key in module.SERIES]
    first = store.upsert(batches, module.Provenance(source="file:a"), at=module.datetime(2026, 1, 1, tzinfo=module.UTC))
    store.close()
    (home / "manifest.sqlite").unlink()
    for leftover in home.glob("manifest.sqlite-*"):
        leftover.unlink()
    files = sorted((home / "data").rglob("*.parquet"))
    files[0].chmod(0o644)
    files[0].write_bytes(files[0].read_bytes()[:-10])
    for folder in {file.parent for file in files}:
        (folder / ".2023-0123456789abcdef.tmp").write_bytes(b"half a file")
    again = ParquetStore.open(home)
    assert all(finding.state is FileState.FOREIGN for finding in again.verify())
    report = again.upsert(batches, module.Provenance(source="file:a"), at=module.datetime(2026, 1, 1, tzinfo=module.UTC))
    assert report.snapshot == first.snapshot
    assert report.files_written == 1, "whole files that are there already are taken as they are"
    for given in batches:
        np.testing.assert_array_equal(again.read(given.key).close, given.bars.close)
    again.close()


def test_a_second_interpreter_reads_what_the_first_one_stored(tmp_path: Path) -> None:
    module = writer_module()
    store = ParquetStore.open(tmp_path)
    batches = [module.batch(key, 3) for key in module.SERIES]
    snapshot = store.upsert(batches, module.Provenance(source="file:a"), at=module.datetime(2026, 1, 1, tzinfo=module.UTC)).snapshot
    store.close()
    program = (
        "import sys; from pathlib import Path; from qts.data.storage import ParquetStore\n"
        "store = ParquetStore.open(Path(sys.argv[1]))\n"
        "print(store.snapshot(), sum(store.read(info.key).close.sum() for info in store.series()))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [snapshot, str(4.0 * module.N_BARS * len(module.SERIES))]
