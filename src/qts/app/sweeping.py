"""Try a strategy with every set of parameters of a grid, count the tries, and say how much the best of them may be luck."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from qts.analytics import Undefined, deflated_sharpe
from qts.analytics.formulas import bar_returns
from qts.app.bars import is_simulated
from qts.app.bars_in_year import bars_in_year
from qts.app.control import Trial
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.run_planning import RunPlan, plan_entry, source_of
from qts.app.sweep_document import OverfittingPart, SweepCell, SweepDocument
from qts.app.sweep_metrics import Scale, cell_metrics, ranked
from qts.app.sweep_request import SweepRequest
from qts.app.workspace import Workspace
from qts.backtest import Grid, SweepResult, evaluate, expand_grid, sweep
from qts.backtest.lookahead import check as check_lookahead
from qts.core.clock import session_date_of
from qts.core.errors import BadParameter
from qts.core.interval import parse_interval

STEP = "Sweeping"
CONVINCING = 0.95


def run_sweep(
    workspace: Workspace,
    request: SweepRequest,
    *,
    on_progress: OnProgress = ignore_progress,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> SweepDocument:
    """Evaluate every cell of a grid, count each as a trial of the idea, and return the best ones.

    The runs themselves are not kept: of each cell only its identity and its Sharpe ratio, in the trial ledger. A cell that was tried
    before, by a sweep or as a backtest, is counted once.

    Raises
    ------
    InputError
        If the strategy, a parameter, an instrument, a setting or the grid is unknown or does not fit, or no bars are in the span.
    PluginError, StrategyFailed
        As for a backtest.
    """
    began = workspace.clock.now()
    if request.fill_interval is not None:
        reason = "orders that fill on shorter bars cannot be swept"
        raise BadParameter("fill_interval", request.fill_interval, reason, hint="Leave it out, and run the best cells as backtests.")
    entry = workspace.catalog().get(request.strategy)
    grid = expand_grid(entry.require(), request.grid, request.params)
    plan = plan_entry(workspace, request.model_copy(update={"params": dict(grid.cells[0])}), entry, source=source_of(entry))
    result = sweep(
        plan.strategy,
        grid.cells,
        plan.bars,
        plan.settings,
        terms=plan.terms,
        actions=plan.actions,
        threads=request.workers or os.cpu_count() or 1,
        on_progress=lambda done, total: on_progress(Progress(step=STEP, done=done, total=total, detail="cells")),
        is_cancelled=is_cancelled,
    )
    scale = _scale(plan)
    trials = _count(workspace, plan, result, scale)
    order = ranked(result, request.objective, scale)
    overfitting, lookahead = _judge(plan, result, order, trials=trials, scale=scale, is_cancelled=is_cancelled)
    return SweepDocument(
        strategy=plan.part.model_copy(update={"params": {name: plan.params[name] for name in plan.params if name not in grid.axes}}),
        simulated=any(is_simulated(info) for info in plan.series),
        data=plan.data,
        settings=plan.told,
        grid=dict(grid.axes),
        objective=request.objective,
        cells=len(grid.cells),
        trials=int(result.done.sum()),
        skipped=grid.n_skipped,
        complete=result.is_complete,
        best=tuple(_cell(result, at, scale) for at in order[: request.top]),
        overfitting=overfitting,
        lookahead=lookahead,
        seconds=round(max(0.0, (workspace.clock.now() - began).total_seconds()), 3),
        warnings=(*_stopped(grid, result), *plan.warnings),
    )


def _scale(plan: RunPlan) -> Scale:
    span = [session_date_of(at(int(bars.ts[end]) for bars in plan.bars)) for at, end in ((min, 0), (max, -1))]
    names = [bars.instrument for bars in plan.bars]
    return Scale(bars_per_year=bars_in_year(names, parse_interval(plan.data.interval), (span[0], span[1])), days=(span[1] - span[0]).days)


def _cell(result: SweepResult, at: int, scale: Scale) -> SweepCell:
    return SweepCell(params=dict(result.cells[at]), metrics=cell_metrics(result[at], scale))


def _count(workspace: Workspace, plan: RunPlan, result: SweepResult, scale: Scale) -> tuple[Trial, ...]:
    """Enter every finished cell into the trial ledger and return all trials of the idea that can be compared."""
    year = scale.bars_per_year**0.5
    # Made once: of one cell and the next only the parameters differ.
    identity = plan.identity()
    fresh = []
    for at, found in zip(result.done.nonzero()[0].tolist(), result, strict=True):
        sharpe = None if found.sharpe is None else found.sharpe * year
        fresh.append(Trial(run_id=replace(identity, params=result.cells[at]).run_id(), interval=plan.data.interval, sharpe=sharpe))
    workspace.control.count(plan.part.id, fresh, made_at=workspace.clock.now())
    return workspace.control.trials(plan.part.id)


def _judge(
    plan: RunPlan, result: SweepResult, order: Sequence[int], *, trials: Sequence[Trial], scale: Scale, is_cancelled: Callable[[], bool]
) -> tuple[OverfittingPart, str]:
    """Return how much of the best cell may be luck, and the look-ahead verdict on it; neither once it is to stop."""
    notes = ["pbo is not computed: it needs the returns of every cell over time, and a sweep keeps none of them."]
    if not result.is_complete or is_cancelled():
        # Whoever stops a sweep wants it to end now.
        notes = ["deflated_sharpe is not computed for a sweep that was stopped.", *notes]
        return OverfittingPart(trials=len(trials), deflated_sharpe=None, pbo=None, notes=tuple(notes)), "not_checked"
    best = result.cells[order[0]]
    curve = evaluate(plan.strategy, best, plan.bars, plan.settings, terms=plan.terms, actions=plan.actions, curve=True).equity
    returns = Undefined("there is no curve") if curve is None else bar_returns(curve)
    sharpes = [one.sharpe / scale.bars_per_year**0.5 for one in trials if one.sharpe is not None and one.interval == plan.data.interval]
    chance = returns if isinstance(returns, Undefined) else deflated_sharpe(returns, sharpes, n_trials=len(trials))
    notes = [*_words(len(trials), chance), *notes]
    verdict = "not_checked" if is_cancelled() else check_lookahead(plan.strategy, best, plan.bars).verdict.value
    return (
        OverfittingPart(
            trials=len(trials), deflated_sharpe=None if isinstance(chance, Undefined) else chance, pbo=None, notes=tuple(notes)
        ),
        verdict,
    )


def _words(n_trials: int, chance: float | Undefined) -> list[str]:
    if isinstance(chance, Undefined):
        return [f"deflated_sharpe is not defined: {chance.reason}."]
    said = f"This idea was tried {n_trials:,} times so far, and the best of many tries looks good by luck alone."
    if chance < CONVINCING:
        return [f"{said} The chance that the best cell's Sharpe ratio is more than that is {chance:.1%}; 95 % would convince."]
    return [f"{said} The best cell's Sharpe ratio is more than that with a chance of {chance:.1%}; other data must still confirm it."]


def _stopped(grid: Grid, result: SweepResult) -> tuple[str, ...]:
    if result.is_complete:
        return ()
    return (
        f"The sweep was stopped: {int(result.done.sum()):,} of {len(grid.cells):,} cells were evaluated, and the best is that of those.",
    )
