from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from qts.app.backtests import run_backtest
from qts.app.progress import Progress
from qts.app.requests import BacktestRequest, build
from qts.app.sweep_metrics import OBJECTIVES
from qts.app.sweep_request import SweepRequest
from qts.app.sweeping import run_sweep
from qts.app.workspace import Workspace
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument, UnknownStrategy

GRID = {"fast": "4:12:4", "slow": "8,20,30"}


def request(**values: object) -> SweepRequest:
    return build(SweepRequest, **{"strategy": "ema_cross", "instruments": "NSE:ALPHA", "grid": GRID, **values})


@pytest.mark.parametrize("instruments", ["NSE:ALPHA", "NSE:ALPHA,SIM:BETA"])
def test_each_cell_has_the_metrics_of_its_backtest(workspace: Workspace, instruments: str) -> None:
    document = run_sweep(workspace, request(instruments=instruments, top=100))
    assert (document.cells, document.trials, document.skipped, document.complete) == (7, 7, 2, True)
    assert len(document.best) == 7
    for cell in document.best:
        run = run_backtest(workspace, build(BacktestRequest, strategy="ema_cross", instruments=instruments, params=cell.params))
        for name, value in cell.metrics.items():
            if name == "n_entries":
                assert value == len(run.trades)
            else:
                expected = run.metrics[name]
                assert value == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9)), name


def test_cells_come_by_their_objective_the_highest_first(workspace: Workspace) -> None:
    for objective in OBJECTIVES:
        document = run_sweep(workspace, request(objective=objective, top=100))
        found = [cell.metrics[objective] for cell in document.best]
        values = [value for value in found if value is not None]
        assert values == sorted(values, reverse=True), objective
        assert found[len(values) :] == [None] * (len(found) - len(values))
        assert len({tuple(cell.params.values()) for cell in document.best}) == 7


def test_the_request_offers_every_objective() -> None:
    field = SweepRequest.model_json_schema()["properties"]["objective"]
    assert tuple(field["enum"]) == tuple(OBJECTIVES)


def test_top_cuts_the_answer_and_not_the_trials(workspace: Workspace) -> None:
    document = run_sweep(workspace, request(top=2))
    assert (len(document.best), document.trials) == (2, 7)


def test_every_cell_is_a_trial_of_the_idea_and_counts_once(workspace: Workspace) -> None:
    first = run_sweep(workspace, request())
    assert first.overfitting.trials == 7
    assert run_sweep(workspace, request()).overfitting.trials == 7
    run = run_backtest(workspace, build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params=first.best[0].params))
    assert run.honesty.trials == 7
    assert run_sweep(workspace, request(grid={"fast": "4:16:4", "slow": "20,30"})).overfitting.trials == 9
    sharpes = sorted(trial.sharpe for trial in workspace.control.trials("ema_cross") if trial.sharpe is not None)
    assert first.best[0].metrics["sharpe"] in sharpes


def test_the_deflated_sharpe_ratio_is_that_of_the_best_cell_s_backtest(workspace: Workspace) -> None:
    document = run_sweep(workspace, request())
    run = run_backtest(workspace, build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params=document.best[0].params))
    assert document.overfitting.deflated_sharpe == pytest.approx(run.honesty.deflated_sharpe)
    assert 0.0 < (document.overfitting.deflated_sharpe or 0.0) < 1.0
    assert document.overfitting.pbo is None
    assert any("pbo is not computed" in note for note in document.overfitting.notes)
    assert any("tried 7 times" in note for note in document.overfitting.notes)
    assert document.lookahead == "clean"


def test_a_single_cell_has_nothing_to_deflate_by(workspace: Workspace) -> None:
    document = run_sweep(workspace, request(grid={"fast": "5"}))
    assert document.overfitting.deflated_sharpe is None
    assert "not defined" in document.overfitting.notes[0]


def test_the_document_is_plain_json_with_the_agreed_keys(workspace: Workspace) -> None:
    plain: dict[str, Any] = json.loads(
        run_sweep(workspace, request(params={"short": "true"}, product="MIS")).model_dump_json(by_alias=True)
    )
    assert {"trials", "skipped", "best", "overfitting", "seconds"} <= plain.keys()
    assert plain["grid"] == {"fast": [4, 8, 12], "slow": [8, 20, 30]}
    assert plain["strategy"]["params"] == {"short": True}
    assert plain["best"][0]["params"] == {"fast": 4, "slow": plain["best"][0]["params"]["slow"], "short": True} | plain["best"][0]["params"]
    assert plain["settings"]["product"] == "MIS"
    assert plain["data"]["instruments"] == ["NSE:ALPHA"]


def test_progress_reaches_all_cells(workspace: Workspace) -> None:
    seen: list[Progress] = []
    run_sweep(workspace, request(), on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (7, 7)


def test_a_stopped_sweep_answers_with_what_was_done(workspace: Workspace) -> None:
    done: list[int] = []
    document = run_sweep(
        workspace,
        # A stop has the cells played one by one, whether the compiler is there or not; several threads would be some cells further.
        request(workers=1, stop_loss=0.9),
        on_progress=lambda progress: done.append(progress.done),
        is_cancelled=lambda: bool(done) and done[-1] >= 3,
    )
    assert (document.complete, document.trials, len(document.best), document.overfitting.trials) == (False, 3, 3, 3)
    assert document.warnings[0].startswith("The sweep was stopped: 3 of 7 cells")


def test_a_wish_to_stop_after_the_last_cell_leaves_out_what_would_follow(workspace: Workspace) -> None:
    seen: list[Progress] = []
    document = run_sweep(workspace, request(), on_progress=seen.append, is_cancelled=lambda: bool(seen) and seen[-1].done == 7)
    assert (document.complete, document.trials, document.overfitting.trials) == (True, 7, 7)
    assert (document.overfitting.deflated_sharpe, document.lookahead) == (None, "not_checked")
    assert "stopped" in document.overfitting.notes[0]


def test_a_trial_has_the_id_of_its_backtest(workspace: Workspace) -> None:
    document = run_sweep(workspace, request(top=100))
    runs = [
        run_backtest(workspace, build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params=one.params))
        for one in document.best
    ]
    assert {run.run_id for run in runs} == {trial.run_id for trial in workspace.control.trials("ema_cross")}


def test_a_sweep_stopped_before_its_first_cell_has_no_best(workspace: Workspace) -> None:
    document = run_sweep(workspace, request(), is_cancelled=lambda: True)
    assert (document.trials, document.best, document.overfitting.deflated_sharpe, document.lookahead) == (0, (), None, "not_checked")


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        pytest.param({"strategy": "nothing"}, UnknownStrategy, "nothing", id="an unknown strategy"),
        pytest.param({"instruments": "NSE:NONE"}, UnknownInstrument, "NSE:NONE", id="an unknown instrument"),
        pytest.param({"grid": {"speed": "1:2:1"}}, BadParameter, "no such parameter", id="an unknown parameter"),
        pytest.param({"grid": {"fast": "9:1:1"}}, BadParameter, "above its end", id="a range turned round"),
        pytest.param({"grid": {"fast": "1:9:0"}}, BadParameter, "leads nowhere", id="a step of zero"),
        pytest.param({"params": {"fast": 3}}, BadParameter, "both fixed and varied", id="a parameter given twice"),
        pytest.param({"fill_interval": "1m"}, BadParameter, "cannot be swept", id="fills on shorter bars"),
        pytest.param({"from": "2019-01-01", "to": "2019-02-01"}, EmptySpan, "NSE:ALPHA", id="no bars"),
    ],
)
def test_what_cannot_be_swept_is_named(workspace: Workspace, values: Mapping[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        run_sweep(workspace, request(**values))


@pytest.mark.parametrize("values", [{"grid": {}}, {"workers": 0}, {"top": 0}, {"objective": "luck"}])
def test_a_request_that_is_none_is_refused(values: Mapping[str, object]) -> None:
    with pytest.raises(BadParameter):
        request(**values)
