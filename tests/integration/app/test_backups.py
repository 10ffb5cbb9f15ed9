"""Backups of a home that is being written to, and homes made of them again."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from qts.app.backup_document import DOCUMENT, BackedUpFile, BackupDocument, finished_backups
from qts.app.backups import back_up
from qts.app.control import RunSummary
from qts.app.restoring import check_backup, restore
from qts.app.settings import UNFINISHED_RESTORE, load_settings
from qts.app.verification import verify_home
from qts.app.workspace import Workspace, open_workspace
from qts.core import Bars, FixedClock, InstrumentId, Interval
from qts.core.errors import BadParameter, BadPath, DamagedFile, StoreBusy, StoreFull
from qts.data.storage import FileState, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.retention import Retention
from qts.data.storage.vault import sha256_of

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
N_RESTORES = 2 * int(os.environ.get("QTS_STRESS", "1"))
KEYS = tuple(
    SeriesKey(instrument=InstrumentId(f"NSE:{symbol}"), interval=interval)
    for symbol in ("AAA", "BBB")
    for interval in (Interval.MINUTE_1, Interval.DAY)
)
BACK_UP = """
import sys
from pathlib import Path
from qts.app.backups import back_up
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
with open_workspace(load_settings(home=sys.argv[1])) as workspace:
    print("ready", flush=True)
    while True:
        back_up(workspace, Path(sys.argv[2]), keep=2)
"""


def batch(key: SeriesKey, *, first: int, n_bars: int = 40, raised: int = 0) -> SeriesBars:
    step = 60_000_000 if key.interval.is_intraday else 86_400_000_000
    numbers = np.arange(first, first + n_bars, dtype=np.int64)
    price = (100 + raised + numbers % 977).astype(np.float64)
    oi = np.full(n_bars, np.nan)
    ts = 1_704_166_500_000_000 + numbers * step
    bars = Bars(
        instrument=key.instrument, interval=key.interval, ts=ts, open=price, high=price, low=price, close=price, volume=price, oi=oi
    )
    return SeriesBars(key=key, bars=bars)


def summary(run_id: str) -> RunSummary:
    return RunSummary(
        run_id=run_id,
        made_at=AT,
        strategy="ema_cross",
        instruments=("NSE:AAA",),
        interval="1d",
        first="2020-01-01",
        last="2021-01-01",
        simulated=False,
        final_equity=1.5,
        total_return=0.5,
        sharpe=1.0,
        max_drawdown=-0.1,
        n_trades=3,
    )


def opened(home: Path) -> Workspace:
    return open_workspace(load_settings(home=home), clock=FixedClock(AT))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = opened(tmp_path / "home")
    made.store.upsert([batch(key, first=0) for key in KEYS], SOURCE, at=AT)
    run = made.settings.runs_folder / "a1"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    made.control.record(summary("a1"))
    (made.settings.strategies_folder / "mine.py").write_text("# mine\n")
    (made.settings.home / "qts.toml").write_text("port = 9000\n")
    made.settings.logs_folder.mkdir()
    (made.settings.logs_folder / "today.log").write_text("noise")
    yield made
    made.close()


def require_same(restored: Path, source: Workspace, snapshot: str) -> None:
    """Raise unless the restored home holds what the source held at the snapshot, file by file and bar by bar."""
    copy = opened(restored)
    assert isinstance(copy.store, ParquetStore)
    assert copy.store.snapshot() == snapshot
    assert {finding.state for finding in copy.store.verify()} == {FileState.OK}
    assert copy.store.series() == source.store.series(as_of=snapshot)
    for key in KEYS:
        mine, theirs = copy.store.read(key), source.store.read(key, as_of=snapshot)
        for column in ("ts", "open", "close", "volume"):
            np.testing.assert_array_equal(getattr(mine, column), getattr(theirs, column))
    past = copy.store.snapshots()[0].id
    assert len(copy.store.read(KEYS[0], as_of=past)) == 40, "older snapshots are in it too"
    runs = copy.control.runs()
    assert set(runs) <= set(source.control.runs())
    assert copy.control.database.findings() == ()
    copy.close()


def test_a_backup_holds_the_home_but_for_what_can_be_made_again(workspace: Workspace, tmp_path: Path) -> None:
    report = back_up(workspace, tmp_path / "backups")
    assert (report.name, report.snapshot, report.missing) == ("20260105T000000Z", workspace.store.snapshot(), ())
    paths = {file.path for file in BackupDocument.read(Path(report.path)).files}
    assert {"manifest.sqlite", "control.sqlite", "qts.toml", "strategies/mine.py", "data/runs/a1/run.json"} <= paths
    assert {path.split("/")[0] for path in paths} == {"manifest.sqlite", "control.sqlite", "qts.toml", "strategies", "data"}
    assert check_backup(Path(report.path)).damaged == {}


def test_a_restored_home_is_the_one_that_was_backed_up(workspace: Workspace, tmp_path: Path) -> None:
    report = back_up(workspace, tmp_path / "backups")
    restored = restore(Path(report.path), load_settings(home=tmp_path / "again"))
    assert (restored.snapshot, restored.files) == (report.snapshot, report.files)
    require_same(tmp_path / "again", workspace, report.snapshot)
    assert (tmp_path / "again" / "strategies" / "mine.py").read_text() == "# mine\n"
    assert load_settings(home=tmp_path / "again").port == 9000


def test_a_secret_in_the_settings_does_not_travel(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.settings.home / "qts.toml").write_text("port = 9000\nkite_api_secret = 'geheim'\n")
    report = back_up(workspace, tmp_path / "backups")
    assert all(b"geheim" not in path.read_bytes() for path in Path(report.path).rglob("*") if path.is_file())
    assert (Path(report.path) / "home" / "qts.toml").read_text() == "port = 9000\n"
    (workspace.settings.home / "qts.toml").write_text('kite_api_secret = """\ngeheim"""\n')
    second = back_up(workspace, tmp_path / "backups")
    assert not (Path(second.path) / "home" / "qts.toml").exists(), "what cannot be told from secrets stays at home"


def test_the_second_backup_costs_only_what_is_new(workspace: Workspace, tmp_path: Path) -> None:
    first = back_up(workspace, tmp_path / "backups")
    workspace.store.upsert([batch(KEYS[0], first=40)], SOURCE, at=AT)
    second = back_up(workspace, tmp_path / "backups")
    assert second.name == f"{first.name}-2"
    same = "home/data/bars"
    for path in (Path(first.path) / same).rglob("*.parquet"):
        assert path.samefile(Path(second.path) / path.relative_to(first.path)), "unchanged files are one file with two names"
    assert second.new_bytes < second.bytes
    shutil.rmtree(first.path)
    restore(Path(second.path), load_settings(home=tmp_path / "again"))
    require_same(tmp_path / "again", workspace, second.snapshot)


def test_a_backup_on_another_disk_is_copied(workspace: Workspace, tmp_path: Path) -> None:
    other = Path("/dev/shm")  # noqa: S108 - a disk of its own on most machines
    if not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk here")
    folder = other / f"qts-{os.getpid()}"
    try:
        report = back_up(workspace, folder)
        assert (report.linked, report.new_bytes) == (0, report.bytes)
        assert back_up(workspace, folder).linked > 0, "the second one is linked to the first"
        restore(Path(report.path), load_settings(home=tmp_path / "again"))
        require_same(tmp_path / "again", workspace, report.snapshot)
    finally:
        shutil.rmtree(folder)


def test_as_many_backups_stay_as_were_asked_for(workspace: Workspace, tmp_path: Path) -> None:
    names = [back_up(workspace, tmp_path / "backups").name for _ in range(3)]
    report = back_up(workspace, tmp_path / "backups", keep=2)
    assert report.removed == tuple(names[:2])
    assert [path.name for path in finished_backups(tmp_path / "backups")] == [names[2], report.name]
    with pytest.raises(BadParameter):
        back_up(workspace, tmp_path / "backups", keep=0)


def test_only_one_backup_is_made_at_a_time(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    with (tmp_path / "backups" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy):
            back_up(workspace, tmp_path / "backups")


def test_what_the_store_has_lost_is_named_and_the_rest_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    assert isinstance(workspace.store, ParquetStore)
    lost = next(finding.path for finding in workspace.store.verify() if finding.path.startswith("data/bars/1m"))
    (workspace.settings.home / lost).unlink()
    report = back_up(workspace, tmp_path / "backups")
    assert report.missing == (lost,)
    restore(Path(report.path), load_settings(home=tmp_path / "again"))
    again = opened(tmp_path / "again")
    assert isinstance(again.store, ParquetStore)
    assert [hole.path for hole in again.store.refill()] == [lost]
    assert len(again.store.read(KEYS[1])) == 40
    again.close()


def test_a_backup_of_the_first_version_restores_and_is_brought_up_to_date(tmp_path: Path) -> None:
    recipe = Path(__file__).parents[1] / "data" / "storage" / "version_1"
    content = tmp_path / "20260105T000000Z" / "home"
    shutil.copytree(recipe / "data", content / "data")
    for name in ("manifest", "control"):
        connection = sqlite3.connect(content / f"{name}.sqlite")
        connection.executescript((recipe / f"{name}.sql").read_text())
        connection.close()
    files = tuple(
        BackedUpFile(path=path.relative_to(content).as_posix(), n_bytes=path.stat().st_size, sha256=sha256_of(path))
        for path in sorted(content.rglob("*"))
        if path.is_file()
    )
    document = BackupDocument(name=content.parent.name, made_at="2026-01-05", release="0.1", snapshot="65ecb86be8a17310", files=files)
    (content.parent / DOCUMENT).write_bytes(document.sealed().to_bytes())
    restore(content.parent, load_settings(home=tmp_path / "again"))
    again = opened(tmp_path / "again")
    assert isinstance(again.store, ParquetStore)
    assert again.store.snapshot() == "65ecb86be8a17310"
    assert {finding.state for finding in again.store.verify()} == {FileState.OK}
    assert [run.run_id for run in again.control.runs()] == ["a1"]
    again.close()


def test_a_home_that_is_not_empty_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    report = back_up(workspace, tmp_path / "backups")
    with pytest.raises(BadPath, match="not empty"):
        restore(Path(report.path), workspace.settings)


@pytest.mark.parametrize("harm", ["flipped", "gone"])
def test_a_damaged_backup_is_named_and_leaves_an_empty_home(workspace: Workspace, tmp_path: Path, harm: str) -> None:
    report = back_up(workspace, tmp_path / "backups")
    path = next((Path(report.path) / "home" / "data" / "bars").rglob("*.parquet"))
    content = bytearray(path.read_bytes())
    content[50] ^= 4
    path.unlink()
    if harm == "flipped":
        path.write_bytes(content)
    assert list(check_backup(Path(report.path)).damaged) == [path.relative_to(Path(report.path) / "home").as_posix()]
    with pytest.raises(DamagedFile):
        restore(Path(report.path), load_settings(home=tmp_path / "again"))
    assert list((tmp_path / "again").iterdir()) == []


def test_a_changed_document_or_no_document_is_no_backup(workspace: Workspace, tmp_path: Path) -> None:
    report = back_up(workspace, tmp_path / "backups")
    document = Path(report.path) / DOCUMENT
    document.write_text(document.read_text().replace(report.snapshot, "0" * 16))
    with pytest.raises(DamagedFile):
        check_backup(Path(report.path))
    document.unlink()
    assert finished_backups(tmp_path / "backups") == ()
    with pytest.raises(BadPath, match="no finished backup"):
        restore(Path(report.path), load_settings(home=tmp_path / "again"))


def test_a_restore_that_was_killed_is_begun_again(workspace: Workspace, tmp_path: Path) -> None:
    report = back_up(workspace, tmp_path / "backups")
    half = tmp_path / "again"
    (half / "data" / "bars").mkdir(parents=True)
    (half / "data" / "bars" / "half.parquet").write_text("half")
    (half / UNFINISHED_RESTORE).touch()
    for use in (opened, lambda home: verify_home(load_settings(home=home))):
        with pytest.raises(BadPath, match="not finished"):
            use(half)
    restore(Path(report.path), load_settings(home=half))
    require_same(half, workspace, report.snapshot)


def test_a_full_disk_leaves_no_backup_and_no_half_of_one(workspace: Workspace, tmp_path: Path) -> None:
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        with pytest.raises(StoreFull) as caught:
            back_up(workspace, disk / "backups")
        assert caught.value.path == str(disk / "backups"), "not the home, whose disk has room"
        assert [path.name for path in (disk / "backups").iterdir()] == [".lock"]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def wait_for(counted: list[int], number: int) -> None:
    give_up = time.monotonic() + 120
    while counted[0] < number:
        assert time.monotonic() < give_up, "the writer does nothing"
        time.sleep(0.002)


def test_backups_made_under_write_load_restore_to_what_the_source_was(workspace: Workspace, tmp_path: Path) -> None:
    stop, writing = threading.Event(), threading.Event()
    n_written = [0]

    def write() -> None:
        for number in count(1):
            raised, first = number // 500, number % 500 * 40
            # While a copy is checked nobody writes: on a slow machine the next one would be larger, and slower, without end.
            if stop.wait(0.005) or not writing.wait(600) or stop.is_set():
                return
            n_written[0] = number
            workspace.store.upsert([batch(key, first=first, raised=raised) for key in KEYS], SOURCE, at=AT)
            workspace.control.record(summary(f"w{number}"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(N_RESTORES):
            writing.set()
            wait_for(n_written, n_written[0] + 2)
            before = n_written[0]
            report = back_up(workspace, tmp_path / "backups")
            wait_for(n_written, before + 1)
            writing.clear()
            assert check_backup(Path(report.path)).damaged == {}
            restore(Path(report.path), load_settings(home=tmp_path / f"again{number}"))
            require_same(tmp_path / f"again{number}", workspace, report.snapshot)
            shutil.rmtree(tmp_path / f"again{number}")
    finally:
        stop.set()
        writing.set()
        writer.join()
    sys.stdout.write(f"{N_RESTORES} backups restored, {n_written[0]} commits meanwhile\n")


def test_backups_made_while_old_files_are_collected_are_whole(workspace: Workspace, tmp_path: Path) -> None:
    stop = threading.Event()
    nothing = timedelta(0)
    gone: list[str] = []

    def write() -> None:
        for number in range(500):
            if stop.wait(0.05):
                return
            workspace.store.upsert([batch(key, first=40 * number) for key in KEYS], SOURCE, at=AT)
            workspace.files.compact(at=AT, everything=True)
            # A day of grace is what keeps readers and backups undisturbed; without it a backup has to notice and begin again.
            later = datetime(2200, 1, 1, tzinfo=UTC)
            gone.extend(workspace.files.collect(at=later, keep=Retention(younger_than=nothing, grace=nothing)).files)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(60):
            if number >= N_RESTORES and gone:
                break
            report = back_up(workspace, tmp_path / "backups")
            assert report.missing == ()
            restore(Path(report.path), load_settings(home=tmp_path / f"again{number}"))
            again = opened(tmp_path / f"again{number}")
            assert again.store.snapshot() == report.snapshot
            assert {finding.state for finding in again.files.verify()} == {FileState.OK}
            again.close()
    finally:
        stop.set()
        writer.join()
    assert gone, "files were collected meanwhile"


@pytest.mark.crash
def test_a_backup_killed_at_any_instant_leaves_only_whole_ones(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for _ in range(2 * N_RESTORES):
        command = [sys.executable, "-c", BACK_UP, str(workspace.settings.home), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            threading.Event().wait(float(rng.uniform(0.05, 0.6)))
            child.send_signal(signal.SIGKILL)
        for backup in finished_backups(folder):
            assert check_backup(backup).damaged == {}
    report = back_up(workspace, folder)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".unfinished")] == []
    restore(Path(report.path), load_settings(home=tmp_path / "again"))
    require_same(tmp_path / "again", workspace, report.snapshot)
