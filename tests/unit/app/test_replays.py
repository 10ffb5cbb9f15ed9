from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from qts.app.backtests import load_run, run_backtest, run_states
from qts.app.replays import replay
from qts.app.requests import BacktestRequest, build
from qts.app.run_files import NAMES, RunState
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange
from qts.core.errors import DamagedFile, UnknownRun

MINE = (
    "import numpy as np\nfrom qts.strategies import Strategy\n"
    "STRATEGY = Strategy(title='Mine', targets=lambda bars: np.where(np.arange(len(bars)) % 7 < 3, 1.0, 0.0))\n"
)


@pytest.fixture
def mine(workspace: Workspace) -> Path:
    path = workspace.settings.strategies_folder / "mine.py"
    path.write_text(MINE)
    return path


def run(workspace: Workspace, **values: object) -> str:
    return run_backtest(workspace, build(BacktestRequest, **{"strategy": "mine", "instruments": "NSE:ALPHA", **values})).run_id


def test_a_run_is_repeated_to_the_byte(workspace: Workspace, mine: Path) -> None:
    assert mine.exists()
    run_id = run(workspace, instruments="NSE:ALPHA,SIM:BETA", size="cash:100000", params={})
    document = replay(workspace, run_id)
    assert (document.identical, document.differences, document.notes) == (True, (), ())


@pytest.mark.parametrize(
    "setting",
    [
        {"fill_interval": "15m"},
        {"stop_loss": "0.02"},
        {"take_profit": "0.03"},
        {"trailing_stop": "0.02"},
        {"max_position": "0.4"},
        {"max_exposure": "0.4"},
        {"daily_loss": "0.01"},
        {"max_drawdown": "0.02"},
        {"rebalance": True},
        {"ticks": False},
        {"ticks": True},
        {"size": "lots:3"},
        {"size": "atr-risk:0.01,span=10,multiple=3"},
        {"size": "vol-target:0.2"},
        {"slippage": "ticks:2"},
        {"slippage": "half-spread:0.1"},
        {"slippage": "volume-share:0.01"},
        {"product": "MIS"},
        {"product": "MIS", "costs": "zerodha,square-off-fee"},
    ],
    ids=str,
)
def test_a_run_with_any_setting_is_repeated_to_the_byte(with_quarters: Workspace, mine: Path, setting: dict[str, object]) -> None:
    assert mine.exists()
    run_id = run(with_quarters, **setting)
    document = replay(with_quarters, run_id)
    assert (document.identical, document.differences, document.notes) == (True, (), ())


def test_altered_events_of_orders_are_found(workspace: Workspace, mine: Path) -> None:
    assert mine.exists()
    run_id = run(workspace, size="cash:5000000")
    path = workspace.settings.runs_folder / run_id / "order_events.parquet"
    table = pq.read_table(path)
    assert table.num_rows
    pq.write_table(table.slice(1), path)
    document = replay(workspace, run_id)
    assert not document.identical
    assert [part.where for part in document.differences] == ["order_events.parquet"]
    assert "order_events.parquet was not what was written" in document.notes[0]
    assert replay(workspace, run_id).identical, "the recomputed run is the one that was kept, so its files are put right"
    assert pq.read_table(path).equals(table)


def test_files_that_can_be_computed_again_are_put_right(workspace: Workspace, mine: Path) -> None:
    assert mine.exists()
    run_id = run(workspace)
    for name, is_cut in zip(NAMES[2:], (True, False, True, False), strict=True):
        path = workspace.settings.runs_folder / run_id / name
        sound = path.read_bytes()
        path.unlink()
        if is_cut:
            path.write_bytes(sound[:-9])
        with pytest.raises(DamagedFile, match=name) if name == "equity.parquet" else nullcontext():
            load_run(workspace, run_id)
        assert [part.where for part in replay(workspace, run_id).differences] == [name]
        assert path.read_bytes() == sound
    assert replay(workspace, run_id).notes == ()


def test_a_run_kept_without_hashes_gets_them_when_it_was_repeated(workspace: Workspace, mine: Path) -> None:
    """As releases before there were lists kept it."""
    assert mine.exists()
    run_id = run(workspace)
    folder = workspace.settings.runs_folder / run_id
    (folder / "files.json").unlink()
    with pytest.raises(DamagedFile, match=r"files\.json"):
        load_run(workspace, run_id)
    with workspace.control.database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET seal = NULL, row_seal = NULL")
    assert load_run(workspace, run_id).document.run_id == run_id
    assert run_states(workspace) == {run_id: RunState.UNHASHED}
    document = replay(workspace, run_id)
    assert (document.identical, document.notes) == (True, ("Its files were kept without hashes; they have them now.",))
    assert run_states(workspace) == {run_id: RunState.SOUND}
    assert replay(workspace, run_id).notes == ()


def test_more_trials_and_more_data_change_nothing(
    workspace: Workspace, mine: Path, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    assert mine.exists()
    run_id = run(workspace)
    run(workspace, size="shares:3")
    store_bars(workspace, make_bars("NSE:ALPHA", Exchange.NSE, seed=77))
    assert replay(workspace, run_id).identical


def test_a_strategy_changed_since_is_replayed_from_the_source_kept(workspace: Workspace, mine: Path) -> None:
    run_id = run(workspace)
    mine.write_text(MINE.replace("% 7", "% 5"))
    document = replay(workspace, run_id)
    assert document.identical
    assert "has changed since" in document.notes[0]
    mine.write_text("def broken(:")
    assert "is broken now" in replay(workspace, run_id).notes[0]
    mine.unlink()
    assert "no longer in the catalogue" in replay(workspace, run_id).notes[0]


def test_an_altered_result_is_found_and_named(workspace: Workspace, mine: Path) -> None:
    assert mine.exists()
    run_id = run(workspace)
    path = workspace.settings.runs_folder / run_id / "run.json"
    plain = json.loads(path.read_bytes())
    plain["metrics"]["final_equity"] += 1.0
    plain["fills"] = plain["fills"][:-1]
    path.write_text(json.dumps(plain))
    document = replay(workspace, run_id)
    assert not document.identical
    assert {part.where for part in document.differences} == {"metrics.final_equity", "fills"}
    assert replay(workspace, run_id).identical, "the hash shows that the recomputed result is the one that was kept"


def test_an_altered_source_gives_another_result(workspace: Workspace, mine: Path) -> None:
    assert mine.exists()
    run_id = run(workspace)
    path = workspace.settings.runs_folder / run_id / "strategy.py"
    path.write_text(MINE.replace("% 7", "% 9"))
    document = replay(workspace, run_id)
    assert not document.identical
    assert "run_id" in {part.where for part in document.differences}
    assert not replay(workspace, run_id).identical, "nothing was put in the place of a run that cannot be recomputed"
    with pytest.raises(DamagedFile, match=r"strategy\.py"):
        load_run(workspace, run_id)


def test_an_unknown_run_cannot_be_replayed(workspace: Workspace) -> None:
    with pytest.raises(UnknownRun):
        replay(workspace, "nosuch")
