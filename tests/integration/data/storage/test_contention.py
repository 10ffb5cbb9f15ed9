"""Two writers, four readers, a compactor and a collector at once: no errors, no half commits, nothing doubled, nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.integration.data.storage import contention

from qts.data.storage import FileState, ParquetStore
from qts.data.storage.retention import Retention

SECONDS = 60 if os.environ.get("QTS_STRESS") else 3


def closes_after(commits: list[int]) -> np.ndarray:
    """Return the closes of a series after so many commits of each writer, in the plainest way."""
    last = {contention.day_of(writer, n): n + 1.0 for writer, n_commits in enumerate(commits) for n in range(n_commits)}
    return np.repeat([price for _, price in sorted(last.items())], contention.N_BARS)


@pytest.mark.crash
def test_writers_readers_a_compactor_and_a_collector_get_along(tmp_path: Path) -> None:
    command = [sys.executable, contention.__file__, str(tmp_path / "home"), str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS + 120)
    assert (done.returncode, done.stderr) == (0, "")
    counts = json.loads(done.stdout)
    sys.stdout.write(f"{counts}\n")
    assert min(counts["write"]) > 0, counts
    assert sum(counts["read"]) > 0, counts
    store = ParquetStore.open(tmp_path / "home")
    for key in contention.KEYS:
        np.testing.assert_array_equal(store.read(key).close, closes_after(counts["write"]))
    with store.sql() as connection:
        query = "SELECT count(*), count(DISTINCT (instrument, ts)) FROM bars"
        assert connection.execute(query).fetchone() == (len(contention.KEYS) * len(closes_after(counts["write"])),) * 2
    states = {finding.state for finding in store.verify()}
    assert states <= {FileState.OK, FileState.FOREIGN}
    keep = Retention(younger_than=timedelta(0), grace=timedelta(0))
    store.collect(at=datetime(2100, 1, 1, tzinfo=UTC), keep=keep)
    assert {finding.state for finding in store.verify()} == {FileState.OK}, "no orphan is left"
    store.close()
