from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase, RunSummary, Trial
from qts.core.errors import BadPath, DamagedFile

RUN = RunSummary(
    run_id="a1",
    made_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    strategy="ema_cross",
    instruments=("NSE:A", "NSE:B"),
    interval="1d",
    first="2020-01-01",
    last="2021-01-01",
    simulated=False,
    final_equity=1.5,
    total_return=0.5,
    sharpe=None,
    max_drawdown=-0.1,
    n_trades=3,
)


@pytest.fixture
def control(tmp_path: Path) -> ControlDatabase:
    return ControlDatabase.open(tmp_path / "control.sqlite")


def test_a_run_comes_back_as_it_was_recorded(control: ControlDatabase) -> None:
    control.record(RUN)
    assert control.runs() == (RUN,)
    control.check()
    control.close()


def test_a_repeated_run_is_one_run_and_one_trial(control: ControlDatabase) -> None:
    control.record(RUN)
    control.record(replace(RUN, made_at=RUN.made_at + timedelta(days=1)))
    assert control.runs() == (RUN,)
    assert [trial.run_id for trial in control.trials("ema_cross")] == ["a1"]
    control.close()


def test_trials_are_counted_per_idea_and_runs_listed_latest_first(control: ControlDatabase) -> None:
    later = replace(RUN, run_id="b2", made_at=RUN.made_at + timedelta(minutes=1), sharpe=1.25)
    other = replace(RUN, run_id="c3", strategy="other", made_at=RUN.made_at + timedelta(minutes=2))
    for run in (RUN, other, later):
        control.record(run)
    assert [run.run_id for run in control.runs()] == ["c3", "b2", "a1"]
    assert [(trial.run_id, trial.sharpe) for trial in control.trials("ema_cross")] == [("a1", None), ("b2", 1.25)]
    assert control.trials("unknown") == ()
    control.close()


def test_trials_without_runs_are_counted_once_beside_those_with(control: ControlDatabase) -> None:
    control.record(RUN)
    for _ in range(2):
        cells = [Trial(run_id="a1", interval="1d", sharpe=0.5), Trial(run_id="z9", interval="1d", sharpe=None)]
        control.count("ema_cross", cells, made_at=RUN.made_at + timedelta(minutes=1))
    control.count("ema_cross", [], made_at=RUN.made_at)
    assert control.trials("ema_cross") == (Trial(run_id="a1", interval="1d", sharpe=None), Trial(run_id="z9", interval="1d", sharpe=None))
    assert control.runs() == (RUN,)
    control.close()


def test_it_survives_being_opened_again_and_by_many_at_once(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"

    def record(i: int) -> None:
        control = ControlDatabase.open(path)
        control.record(replace(RUN, run_id=f"r{i}"))
        control.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(24)))
    control = ControlDatabase.open(path)
    assert len(control.runs()) == 24
    control.close()


@pytest.mark.parametrize("change", ["UPDATE runs SET final_equity = 9", "UPDATE trials SET sharpe = 3", "UPDATE runs SET seal = 'x'"])
def test_a_row_that_was_changed_behind_our_back_is_not_believed(tmp_path: Path, change: str) -> None:
    path = tmp_path / "control.sqlite"
    control = ControlDatabase.open(path)
    control.record(replace(RUN, sharpe=float("nan")), seal="a" * 64)
    control.require_whole()
    assert control.runs()[0].sharpe is None, "what is no number is kept as nothing"
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(DamagedFile, match="record of run a1") as caught:
        control.require_whole()
    assert "restore BACKUP" in caught.value.hint
    with pytest.raises(DamagedFile):
        _ = (control.runs(), control.trials("ema_cross"))
    control.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    path.write_bytes(b"rubbish, not a database" * 100)
    with pytest.raises(DamagedFile, match="control"):
        ControlDatabase.open(path)


def test_a_database_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(BadPath, match="later release"):
        ControlDatabase.open(path)
