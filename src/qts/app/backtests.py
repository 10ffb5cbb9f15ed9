"""Run a strategy, keep the run, list the runs and read one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

import pyarrow as pa

from qts.app.bars import BarsAnswer, read_bars
from qts.app.control import RunSummary, Trial
from qts.app.requests import BacktestRequest, BarsRequest, build
from qts.app.run_building import build_curves, build_document, build_events, equity_rows, judged_again
from qts.app.run_document import RunDocument
from qts.app.run_files import RunState, state_of
from qts.app.run_planning import compute, plan_run
from qts.app.run_series import stored_steps
from qts.app.run_store import KeptRun, save_run
from qts.app.workspace import Workspace
from qts.data.actions import back_adjust
from qts.data.storage import PriceBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as it was kept.

    ``curves`` has one row per bar: ``ts``, ``equity``, ``drawdown``, ``benchmark``, ``benchmark_drawdown``, ``cash``, ``exposure``.
    ``source`` is the source text of the strategy that ran; ``trials`` are all attempts at its idea so far.
    """

    document: RunDocument
    curves: pa.Table
    source: str
    trials: tuple[Trial, ...]


def run_backtest(workspace: Workspace, request: BacktestRequest) -> RunDocument:
    """Run a strategy, keep the run, count the trial and return its document.

    The same request on the same snapshot has the same ``run_id`` and the same stored bytes, and counts as one trial.

    Raises
    ------
    InputError
        If the strategy, a parameter, an instrument or a setting is unknown or does not fit, or no bars are in the span.
    PluginError
        If the strategy's file is broken.
    StrategyFailed
        If the strategy raises or returns what cannot be traded.
    StoreFull
        If the disk is full; nothing of the run is kept then.
    """
    plan = plan_run(workspace, request)
    finished = compute(plan)
    document = build_document(finished)
    curves = build_curves(finished)
    saved = save_run(workspace.settings.runs_folder, document, curves=curves, events=build_events(finished), source=plan.source)
    workspace.control.record(_summary(workspace, document), seal=saved.seal)
    document = _with_trials(document, curves, workspace.control.trials(document.strategy.id))
    return document.model_copy(update={"equity": equity_rows(curves)}) if request.equity else document


def list_runs(workspace: Workspace) -> tuple[RunSummary, ...]:
    """Return the stored runs, latest first."""
    return workspace.control.runs()


def load_run(workspace: Workspace, run_id: str) -> StoredRun:
    """Return a stored run.

    Raises
    ------
    UnknownRun
        If there is none of this id.
    DamagedFile
        If its files are not what was written.
    """
    kept = KeptRun(workspace.settings.runs_folder, run_id, seal=workspace.control.seal_of(run_id))
    document = kept.document()
    curves = kept.curves()
    trials = workspace.control.trials(document.strategy.id)
    return StoredRun(
        document=_with_trials(document, curves, trials),
        curves=curves,
        source=kept.source(),
        trials=trials,
    )


def run_bars(workspace: Workspace, document: RunDocument, instrument: str, *, interval: str | None = None) -> BarsAnswer:
    """Return the bars of one instrument as the run saw them: those of the decisions, or of the interval named."""
    request = build(
        BarsRequest,
        instrument=instrument,
        interval=interval or document.data.interval,
        start=date.fromisoformat(document.data.start),
        end=date.fromisoformat(document.data.end),
        as_of=document.data.snapshot,
        prices=document.data.prices.get(instrument, "auto"),
    )
    steps = stored_steps(document, instrument)
    if steps is None:
        return read_bars(workspace, request)
    raw = read_bars(workspace, request.model_copy(update={"prices": "raw"}))
    text = "raw prices adjusted as they were for the run"
    return replace(raw, bars=back_adjust(raw.bars, steps), basis=PriceBasis.ADJUSTED, derived=text)


def _with_trials(document: RunDocument, curves: pa.Table, trials: tuple[Trial, ...]) -> RunDocument:
    sharpes = [trial.sharpe for trial in trials if trial.sharpe is not None and trial.interval == document.data.interval]
    return judged_again(document, curves, n_trials=max(1, len(trials)), trial_sharpes=sharpes)


def _summary(workspace: Workspace, document: RunDocument) -> RunSummary:
    metrics = document.metrics
    n_trades = metrics.get("n_trades")
    return RunSummary(
        run_id=document.run_id,
        made_at=workspace.clock.now(),
        strategy=document.strategy.id,
        instruments=document.data.instruments,
        interval=document.data.interval,
        first=document.data.start,
        last=document.data.end,
        simulated=document.simulated,
        final_equity=metrics.get("final_equity"),
        total_return=metrics.get("total_return"),
        sharpe=metrics.get("sharpe"),
        max_drawdown=metrics.get("max_drawdown"),
        n_trades=None if n_trades is None else int(n_trades),
    )


def run_states(workspace: Workspace) -> dict[str, RunState]:
    """Return what a quick look at the files of every listed run shows."""
    folder = workspace.settings.runs_folder
    return {run_id: state_of(folder / run_id, run_id, seal) for run_id, seal in workspace.control.seals().items()}


def runs_document(runs: Sequence[RunSummary], states: Mapping[str, RunState]) -> list[dict[str, object]]:
    """Return the list of runs as plain JSON values; ``files`` is what a quick look at those of a run shows."""
    return [
        asdict(run)
        | {"made_at": run.made_at.isoformat(), "instruments": list(run.instruments), "files": str(states.get(run.run_id, RunState.MISSING))}
        for run in runs
    ]
