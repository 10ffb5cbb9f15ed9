"""A home whose disk is full, as a whole or in one of its parts: a clear word, readers go on, and nothing that was stored is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qts.app.control import ControlDatabase, RunSummary
from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import StoreFull
from qts.data.storage import FileState, ParquetStore, Provenance, Reserve, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
READ = """
import sys
from pathlib import Path
from qts.app.control import ControlDatabase
from qts.core import InstrumentId, Interval
from qts.data.storage import ParquetStore, SeriesKey
home = Path(sys.argv[1])
bars = ParquetStore.open(home).read(SeriesKey(instrument=InstrumentId("NSE:OLD"), interval=Interval.MINUTE_1))
print(len(bars), len(ControlDatabase.open(home / "control.sqlite").runs()))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount disks of 48 MiB; skips where none can be mounted."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted: list[Path] = []

    def mount(where: str) -> Path:
        folder = tmp_path / where
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)


def minutes(symbol: str, *, n_bars: int = 5_000) -> SeriesBars:
    key = SeriesKey(instrument=InstrumentId(f"NSE:{symbol}"), interval=Interval.MINUTE_1)
    price = np.round(np.random.default_rng(len(symbol)).uniform(1, 9_000_000, n_bars), 2)  # noise, so that nothing packs well
    ts = 1_704_166_500_000_000 + np.arange(n_bars, dtype=np.int64) * 60_000_000
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), price)
    return SeriesBars(key=key, bars=Bars(instrument=key.instrument, interval=key.interval, ts=ts, **columns))


def run(run_id: str) -> RunSummary:
    return RunSummary(
        run_id=run_id,
        made_at=AT,
        strategy="ema_cross",
        instruments=("NSE:" + "A" * 40_000,),
        interval="1d",
        first="2020-01-01",
        last="2021-01-01",
        simulated=False,
        final_equity=None,
        total_return=None,
        sharpe=None,
        max_drawdown=None,
        n_trades=None,
    )


def record_many(control: ControlDatabase, recorded: list[str]) -> None:
    for number in range(100):
        control.record(run(f"b{number}"))
        recorded.append(f"b{number}")


def store_many(store: ParquetStore, stored: list[str], *, n_bars: int = 20_000) -> None:
    for number in range(1_000):
        symbol = "A" * (number + 1)
        store.upsert([minutes(symbol, n_bars=n_bars)], SOURCE, at=AT)
        stored.append(f"NSE:{symbol}")


def fill(folder: Path) -> Path:
    """Use up the disk to its last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return ballast


@pytest.mark.parametrize("full", ["home", "home/data"], ids=["all of it", "only the disk of the bars"])
@pytest.mark.parametrize("reserve", [Reserve(), Reserve(n_bytes=0)], ids=["with a reserve", "without"])
def test_a_full_disk_is_named_read_from_and_used_again_when_there_is_room(
    tmp_path: Path, small_disk: Callable[[str], Path], full: str, reserve: Reserve
) -> None:
    disk, home = small_disk(full), tmp_path / "home"
    store, control = ParquetStore.open(home, reserve=reserve), ControlDatabase.open(home / "control.sqlite")
    first = store.upsert([minutes("OLD")], SOURCE, at=AT)
    control.record(run("a1"))
    ballast = fill(disk)
    for _ in range(3):
        with pytest.raises(StoreFull, match="nothing of this step was stored"):
            store.upsert([minutes("NEW"), minutes("NEWER", n_bars=50_000)], SOURCE, at=AT)
    if full == "home":
        with pytest.raises(StoreFull):
            record_many(control, [])
    n_runs = len(control.runs())
    assert store.snapshot() == first.snapshot
    assert len(store.read(minutes("OLD").key)) == 5_000
    # Somebody who comes only now can read too.
    done = subprocess.run([sys.executable, "-c", READ, str(home)], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == f"5000 {n_runs}\n"
    ballast.unlink()
    assert store.upsert([minutes("NEW")], SOURCE, at=AT).stored == 5_000
    control.record(run("c1"))
    assert len(control.runs()) == n_runs + 1
    assert {finding.state for finding in store.verify()} <= {FileState.OK, FileState.FOREIGN}
    control.close()
    store.close()


def test_commits_until_the_disk_is_full_are_all_there_and_no_other(tmp_path: Path, small_disk: Callable[[str], Path]) -> None:
    small_disk("home")
    store = ParquetStore.open(tmp_path / "home", reserve=Reserve(n_bytes=0))
    stored: list[str] = []
    with pytest.raises(StoreFull):
        store_many(store, stored)
    store.close()
    again = ParquetStore.open(tmp_path / "home")
    assert [info.key.instrument for info in again.series()] == stored
    assert all(len(again.read(info.key)) == 20_000 for info in again.series())
    assert {finding.state for finding in again.verify()} == {FileState.OK}
    again.close()


def on_disk_of_its_own(disk: Path, home: Path, name: str) -> None:
    """Put a database of the home on another disk: the log and the shared memory stand beside the file that the link leads to."""
    home.mkdir(exist_ok=True)
    (disk / name).touch()
    (home / name).symlink_to(disk / name)


@pytest.mark.parametrize("name", ["manifest.sqlite", "control.sqlite"], ids=["of the manifest", "of the control database"])
def test_a_full_disk_of_one_database_stops_what_it_keeps_and_nothing_else(
    tmp_path: Path, small_disk: Callable[[str], Path], name: str
) -> None:
    disk, home = small_disk("other"), tmp_path / "home"
    on_disk_of_its_own(disk, home, name)
    store, control = ParquetStore.open(home), ControlDatabase.open(home / "control.sqlite")
    store.upsert([minutes("OLD")], SOURCE, at=AT)
    control.record(run("a1"))
    ballast = fill(disk)
    stored: list[str] = []
    recorded: list[str] = []
    with pytest.raises(StoreFull, match="nothing of this step was stored") as caught:
        store_many(store, stored, n_bars=2) if name == "manifest.sqlite" else record_many(control, recorded)
    assert str(disk) in caught.value.message, "the disk that is full is named, not the home"
    n_series, n_runs = 1 + len(stored), 1 + len(recorded)
    if name == "manifest.sqlite":
        control.record(run("c1"))
        n_runs += 1
        with pytest.raises(StoreFull):
            store.upsert([minutes("NEW")], SOURCE, at=AT)
    else:
        store.upsert([minutes("NEW")], SOURCE, at=AT)
        n_series += 1
    assert (len(store.series()), len(control.runs())) == (n_series, n_runs), "readers go on"
    assert len(store.read(minutes("OLD").key)) == 5_000
    done = subprocess.run([sys.executable, "-c", READ, str(home)], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == f"5000 {n_runs}\n", "so does somebody who comes only now"
    ballast.unlink()
    store.upsert([minutes("NEWER")], SOURCE, at=AT)
    control.record(run("d1"))
    store.close()
    control.close()
    store, control = ParquetStore.open(home), ControlDatabase.open(home / "control.sqlite")
    assert (len(store.series()), len(control.runs())) == (n_series + 1, n_runs + 1), "nothing that was committed is lost"
    assert {finding.state for finding in store.verify()} <= {FileState.OK, FileState.FOREIGN}
    assert (store.database_findings(), control.database.findings()) == ((), ())
    store.close()
    control.close()
