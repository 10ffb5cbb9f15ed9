from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qts.app.backtests import load_run, run_backtest
from qts.app.order_events import event_table
from qts.app.requests import BacktestRequest, build
from qts.app.run_files import NAMES
from qts.app.run_store import save_run
from qts.app.workspace import Workspace
from qts.core.errors import BadPath, StoreFull

REQUEST = build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params={"fast": 5, "slow": 20})


NO_EVENTS = event_table([], run_id="x", simulated=False)


def test_a_run_is_one_folder_of_its_files_and_their_list_and_nothing_is_left_beside_it(workspace: Workspace) -> None:
    run_id = run_backtest(workspace, REQUEST).run_id
    assert [path.name for path in workspace.settings.runs_folder.iterdir()] == [run_id]
    names = {path.name for path in (workspace.settings.runs_folder / run_id).iterdir()}
    assert names == {*NAMES, "files.json"}


def test_a_run_that_is_kept_is_not_written_again(workspace: Workspace) -> None:
    path = workspace.settings.runs_folder / run_backtest(workspace, REQUEST).run_id
    before = path.stat().st_ino
    run_backtest(workspace, REQUEST)
    assert path.stat().st_ino == before
    (path / "fills.parquet").unlink()
    run_backtest(workspace, REQUEST)
    assert (path / "fills.parquet").is_file()


def test_what_a_killed_process_left_is_swept_away_and_a_living_ones_is_not(workspace: Workspace) -> None:
    folder = workspace.settings.runs_folder
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive = folder / f".tmp-{ended.pid}-x", folder / f".tmp-{os.getppid()}-x"
    dead.mkdir(parents=True)
    alive.mkdir()
    run_backtest(workspace, REQUEST)
    assert (dead.exists(), alive.exists()) == (False, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_keeps_nothing_of_the_run(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_backtest(workspace, REQUEST)
    stored = load_run(workspace, run.run_id)
    other = run.model_copy(update={"run_id": "other"})
    real = os.fsync

    def full(descriptor: int) -> None:
        real(descriptor)
        with Path("/dev/full").open("wb", buffering=0) as device:
            device.write(b"x")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull, match="nothing of this step was stored"):
        save_run(workspace.settings.runs_folder, other, curves=stored.curves, events=NO_EVENTS, source="")
    monkeypatch.undo()
    assert [path.name for path in workspace.settings.runs_folder.iterdir()] == [run.run_id]


def test_a_folder_that_cannot_be_made_is_named(workspace: Workspace, tmp_path: Path) -> None:
    run = run_backtest(workspace, REQUEST)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(BadPath, match="file"):
        save_run(blocked / "runs", run, curves=load_run(workspace, run.run_id).curves, events=NO_EVENTS, source="")
