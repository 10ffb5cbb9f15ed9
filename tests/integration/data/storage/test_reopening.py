"""A store that was killed is open again at once, however much it holds: what opening does is counted, not timed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.data.storage import operations

from qts.data.storage import ParquetStore

SCRIPT = Path(__file__).parent / "reopening.py"
N_COMMITS = 400 if os.environ.get("QTS_STRESS") else 30
MOST_STATEMENTS = 12
MOST_LOG_BYTES = 8 << 20


def opening(home: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, str(SCRIPT), str(home)], capture_output=True, text=True, check=True, timeout=120)
    counts: dict[str, float] = json.loads(done.stdout)
    return counts


@pytest.mark.crash
def test_opening_after_a_kill_looks_at_no_file_of_bars_and_asks_as_little_of_a_large_store_as_of_a_small_one(tmp_path: Path) -> None:
    home, small, large = (tmp_path / name for name in ("home", "small", "large"))
    store = ParquetStore.open(home)
    for i in range(2):
        operations.carry_out(store, i)
    # What a kill leaves is what is on the disk while the store is open: the log of the database with it.
    shutil.copytree(home, small)
    for i in range(2, N_COMMITS):
        operations.carry_out(store, i)
    shutil.copytree(home, large)
    n_files = len(list((large / "data").rglob("*.parquet")))
    store.close()
    assert 0 < (large / "manifest.sqlite-wal").stat().st_size < MOST_LOG_BYTES, "what is read through again is bounded"
    few, many = opening(small), opening(large)
    sys.stdout.write(f"opened {n_files} files of {N_COMMITS} commits in {many['seconds']:.3f} s: {many}\n")
    assert n_files > len(list((small / "data").rglob("*.parquet")))
    assert (few["files"], many["files"]) == (0, 0)
    assert many["statements"] == few["statements"] <= MOST_STATEMENTS
