"""A market for newcomers: simulated NSE-like prices and real index levels, and a finished backtest on each.

What is there already is left alone, so preparing twice costs nothing and an interrupted preparation goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qts.app.backtests import run_backtest
from qts.app.bars import is_simulated
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.requests import BacktestRequest, build
from qts.app.run_planning import plan_run
from qts.app.run_store import KeptRun
from qts.app.workspace import Workspace
from qts.core.errors import QtsError, UnknownInstrument
from qts.core.instrument import Exchange, exchange_of
from qts.core.interval import Interval
from qts.data.source import BundledSource, built_in_sources
from qts.data.storage import SeriesBars, SeriesInfo, SeriesKey

_STRATEGY: Final = "ema_cross"
_INDEX_COSTS: Final = "percent:0.0005"
_PARAMS: Final = {"fast": 20, "slow": 50}
# Well known, traded every day, and in every sample of Indian prices.
_PREFERRED: Final = ("NSE:RELIANCE", "NSE:HDFCBANK", "NSE:INFY", "NSE:TCS", "NSE:SBIN")
_MIN_BARS: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What was prepared: how many series are new, and the runs, the one to show first in front."""

    stored_series: int
    runs: tuple[str, ...]


def prepare_demo(workspace: Workspace, on_progress: OnProgress = ignore_progress) -> DemoReport:
    """Fill the store from the built-in sources and make one finished backtest on the simulated market and one on a real index."""
    n_stored = sum(_store_source(workspace, name, source, on_progress) for name, source in built_in_sources().items())
    runs = (run_simulated(workspace, on_progress), run_index(workspace, on_progress))
    return DemoReport(stored_series=n_stored, runs=runs)


def prepare_indices(workspace: Workspace, on_progress: OnProgress = ignore_progress) -> None:
    """Store the real index levels that come with the program, and make a finished backtest on one."""
    for name, source in built_in_sources().items():
        if not source.simulated:
            _store_source(workspace, name, source, on_progress)
    run_index(workspace, on_progress)


def simulated_series(interval: Interval) -> tuple[SeriesKey, ...]:
    """Return the series of the simulated market of one interval, the one to show first in front."""
    found = (key for source in built_in_sources().values() for key in source.series())
    return tuple(key for key in found if key.interval is interval and exchange_of(key.instrument) is Exchange.SIM)


def run_simulated(workspace: Workspace, on_progress: OnProgress = ignore_progress) -> str:
    """Run the EMA crossover on the simulated market; return the run's id, of the one there is already where there is one."""
    key = simulated_series(Interval.DAY)[0]
    return _made(workspace, key) or _run(workspace, _request(key), on_progress)


def run_index(workspace: Workspace, on_progress: OnProgress = ignore_progress) -> str:
    """Run the EMA crossover on a real index; return the run's id, of the one there is already where there is one."""
    daily = (key for source in built_in_sources().values() for key in source.series() if key.interval is Interval.DAY)
    key = next(key for key in daily if exchange_of(key.instrument) is Exchange.INDEX)
    return _made(workspace, key) or _run(workspace, _request(key), on_progress)


def run_featured(workspace: Workspace, on_progress: OnProgress = ignore_progress) -> str:
    """Run the EMA crossover on the best known, else the longest, of the real series held; return the run's id.

    Raises
    ------
    UnknownInstrument
        If no series of prices is held.
    """
    held = [info for info in workspace.store.series() if info.n_bars > 1]
    if not held:
        raise UnknownInstrument("any")
    best = min(held, key=_rank)
    return _run(workspace, _request(best.key), on_progress)


def has_own_prices(workspace: Workspace) -> bool:
    """Return whether the store holds anything besides what the built-in sources bring."""
    ours = {key for source in built_in_sources().values() for key in source.series()}
    return any(info.key not in ours for info in workspace.store.series())


def _store_source(workspace: Workspace, name: str, source: BundledSource, on_progress: OnProgress) -> int:
    series = source.series()
    absent = [key for key in series if workspace.store.info(key) is None]
    for position, key in enumerate(absent):
        on_progress(Progress(step=f"Preparing {source.title}", done=position, total=len(absent), detail=key.instrument))
        batch = SeriesBars(key=key, bars=source.bars(key))
        workspace.store.upsert([batch], source.provenance(name), at=workspace.clock.now())
    if absent:
        on_progress(Progress(step=f"Preparing {source.title}", done=len(absent), total=len(absent)))
    return len(absent)


def _run(workspace: Workspace, request: BacktestRequest, on_progress: OnProgress) -> str:
    run_id = plan_run(workspace, request).run_id()
    if run_id in set(_listed(workspace)):
        return run_id
    step = f"Running {request.strategy} on {request.instruments[0]}"
    on_progress(Progress(step=step, done=0, total=1))
    run_id = run_backtest(workspace, request).run_id
    on_progress(Progress(step=step, done=1, total=1))
    return run_id


def _made(workspace: Workspace, key: SeriesKey) -> str | None:
    """Return a run of ours on the same bars: what else came into the store since changes nothing of it."""
    request, held = _request(key), workspace.store.info(key)
    wanted = (request.strategy, (str(key.instrument),), key.interval.value)
    for run in workspace.control.runs():
        if held is None or (run.strategy, run.instruments, run.interval) != wanted:
            continue
        try:
            document = KeptRun(workspace.settings.runs_folder, run.run_id, seal=workspace.control.seal_of(run.run_id)).document()
            then = workspace.store.info(key, as_of=document.data.snapshot)
            again = plan_run(workspace, request.model_copy(update={"as_of": document.data.snapshot}))
        except (QtsError, OSError):  # it is damaged or gone, or its snapshot is
            continue
        if then is not None and then.content == held.content and again.run_id() == run.run_id:
            return run.run_id
    return None


def _listed(workspace: Workspace) -> Iterator[str]:
    for run in workspace.control.runs():
        if (workspace.settings.runs_folder / run.run_id).is_dir():
            yield run.run_id


def _request(key: SeriesKey) -> BacktestRequest:
    is_index = exchange_of(key.instrument) is Exchange.INDEX
    return build(
        BacktestRequest,
        strategy=_STRATEGY,
        instruments=[key.instrument],
        interval=key.interval,
        params=_PARAMS,
        costs=_INDEX_COSTS if is_index else None,
    )


def _rank(info: SeriesInfo) -> tuple[object, ...]:
    exchange = exchange_of(info.key.instrument)
    preferred = _PREFERRED.index(info.key.instrument) if info.key.instrument in _PREFERRED else len(_PREFERRED)
    return (
        is_simulated(info),
        info.key.interval is not Interval.DAY,
        exchange not in {Exchange.NSE, Exchange.BSE},
        info.n_bars < _MIN_BARS,
        preferred,
        -info.n_bars,
        info.key.instrument,
    )
