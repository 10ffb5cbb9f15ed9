"""Strategies, backtests, sweeps and their stored runs from a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qts.app.backtests import StoredRun, list_runs, load_run, run_backtest
from qts.app.control import RunSummary
from qts.app.demo import DemoReport, prepare_demo
from qts.app.replays import ReplayDocument
from qts.app.replays import replay as replay_run
from qts.app.requests import BacktestRequest, build
from qts.app.run_document import RunDocument
from qts.app.strategies import StrategyDocument, list_strategies
from qts.app.sweep_document import SweepDocument
from qts.app.sweep_request import SweepRequest
from qts.app.sweeping import run_sweep
from qts.app.verbs.opening import Home, opened


def strategies(*, home: Home = None) -> tuple[StrategyDocument, ...]:
    """Return which strategies can be run, with their parameters."""
    with opened(home) as workspace:
        return list_strategies(workspace)


def backtest(strategy: str | Path, *, instruments: Sequence[str] | str, home: Home = None, **options: object) -> RunDocument:
    """Run a strategy on stored bars, with costs, keep the run and return its document."""
    request = build(BacktestRequest, strategy=str(strategy), instruments=instruments, **options)
    with opened(home) as workspace:
        return run_backtest(workspace, request)


def sweep(
    strategy: str | Path,
    *,
    instruments: Sequence[str] | str,
    grid: Mapping[str, str | Sequence[object]],
    home: Home = None,
    **options: object,
) -> SweepDocument:
    """Try a strategy with every set of parameters of a grid, count each try, and return the best."""
    axes = {name: values if isinstance(values, str) else tuple(values) for name, values in grid.items()}
    request = build(SweepRequest, strategy=str(strategy), instruments=instruments, grid=axes, **options)
    with opened(home) as workspace:
        return run_sweep(workspace, request)


def runs(*, home: Home = None) -> tuple[RunSummary, ...]:
    """Return the stored runs, latest first."""
    with opened(home) as workspace:
        return list_runs(workspace)


def run(run_id: str, *, home: Home = None) -> StoredRun:
    """Return a stored run: its document, its curves and the source text of its strategy."""
    with opened(home) as workspace:
        return load_run(workspace, run_id)


def replay(run_id: str, *, home: Home = None) -> ReplayDocument:
    """Compute a stored run again and compare it byte for byte."""
    with opened(home) as workspace:
        return replay_run(workspace, run_id)


def demo(*, home: Home = None) -> DemoReport:
    """Prepare the simulated market, the real index levels and a finished backtest on each."""
    with opened(home) as workspace:
        return prepare_demo(workspace)
