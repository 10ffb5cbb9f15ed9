"""A home of the first version, made by the release that had it: opened, it is of this release, and nothing in it is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qts.app.control import CONTROL, ControlDatabase, Trial
from qts.core import InstrumentId, Interval
from qts.data.storage import FileState, ParquetStore, SeriesKey
from qts.data.storage.manifest import MANIFEST

RECIPE = Path(__file__).parent / "version_1"
SCRIPT = Path(__file__).parent / "migrate_until_killed.py"
MINUTES = SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.MINUTE_1)
DAYS = SeriesKey(instrument=InstrumentId("NSE:BBB"), interval=Interval.DAY)
OPEN = """
import sys
from pathlib import Path
from qts.data.storage import ParquetStore
store = ParquetStore.open(Path(sys.argv[1]))
print(store.snapshot())
"""


def make(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript((RECIPE / f"{path.stem}.sql").read_text())
    connection.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    shutil.copytree(RECIPE / "data", folder / "data")
    for name in ("manifest", "control"):
        make(folder / f"{name}.sqlite")
    return folder


def require_all_bars(home: Path) -> None:
    store = ParquetStore.open(home)
    first, last = (snapshot.id for snapshot in store.snapshots())
    assert (first, last) == ("4e251a37e4ce4da1", "65ecb86be8a17310")
    assert store.snapshot() == last
    np.testing.assert_array_equal(store.read(MINUTES).close, 100.5 + np.arange(10))
    np.testing.assert_array_equal(store.read(MINUTES, as_of=first).close, 100.5 + np.arange(5))
    np.testing.assert_array_equal(store.read(DAYS).high, 101.0 + np.arange(5))
    assert [info.n_bars for info in store.series()] == [10, 5, 5]
    assert ({finding.state for finding in store.verify()}, store.database_findings()) == ({FileState.OK}, ())
    store.close()


def require_all_runs(home: Path) -> None:
    control = ControlDatabase.open(home / "control.sqlite")
    (run,) = control.runs()
    assert (run.run_id, run.made_at, run.instruments) == ("a1", datetime(2026, 11, 20, 12, tzinfo=UTC), ("NSE:A", "NSE:B"))
    assert control.trials("ema_cross") == (Trial(run_id="a1", interval="1d", sharpe=None), Trial(run_id="z9", interval="1d", sharpe=0.25))
    control.close()


def test_its_bars_and_runs_are_read_by_this_release(home: Path) -> None:
    require_all_bars(home)
    require_all_runs(home)


@pytest.mark.parametrize(
    ("name", "place", "head"),
    [("manifest", "SELECT version FROM format", MANIFEST.head), ("control", "PRAGMA user_version", CONTROL.head)],
)
def test_the_first_release_sees_by_its_own_mark_what_it_may_open(home: Path, name: str, place: str, head: str) -> None:
    require_all_bars(home)
    require_all_runs(home)
    connection = sqlite3.connect(home / f"{name}.sqlite")
    assert connection.execute(place).fetchone() == (int(head),)
    connection.close()


@pytest.mark.crash
@pytest.mark.parametrize("name", ["manifest", "control"])
def test_a_migration_killed_before_any_of_its_statements_is_done_by_the_next_to_come(home: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    command = [sys.executable, str(SCRIPT), str(home / f"{name}.sqlite"), str(folder)]
    n_kills = int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout)
    assert n_kills >= 6, "it was killed at every statement there is"
    # Each statement of the newest migrations and every fourth before; all of them with QTS_STRESS set.
    last = n_kills - 12
    for kill_at in (at for at in range(1, n_kills + 1) if at > last or at % 4 == 1 or os.environ.get("QTS_STRESS")):
        for left in (folder / str(kill_at)).iterdir():
            shutil.copyfile(left, home / left.name)
        require_all_bars(home) if name == "manifest" else require_all_runs(home)
        for left in home.glob(f"{name}.sqlite*"):
            left.unlink()


def test_several_processes_that_open_it_at_once_all_get_it(home: Path) -> None:
    def opened(_: int) -> str:
        return subprocess.run([sys.executable, "-c", OPEN, str(home)], capture_output=True, text=True, check=True, timeout=120).stdout

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(opened, range(3))) == {"65ecb86be8a17310\n"}
    require_all_bars(home)
