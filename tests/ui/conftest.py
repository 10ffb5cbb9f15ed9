"""A small store with finished runs, and a browser-less session of the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from qts.app.backtests import run_backtest
from qts.app.requests import BacktestRequest, build
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import FixedClock, Interval
from qts.data.sources import arch_indices, simulated_market
from qts.data.storage import SeriesBars
from qts.ui.asgi import SCRIPT
from qts.ui.workspace import share

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # a Friday, noon in India
# Every setting that is not at its default.
GUARDED = {
    "params": {"fast": 5, "slow": 20},
    "size": "cash:2000000",
    "slippage": "ticks:2",
    "stop_loss": "0.05",
    "take_profit": "0.29",
    "trailing_stop": "0.07",
    "max_position": "1.2",
    "max_exposure": "1.1",
    "daily_loss": "0.5",
    "max_drawdown": "0.6",
    "rebalance": True,
    "ticks": False,
}
OpenPage = Callable[..., AppTest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A workspace with three simulated instruments, one index and some runs.

    ``finer`` fills on minutes what days decide; ``guarded`` has protections, limits and more orders than the account can pay.
    """

    workspace: Workspace
    stock: str
    daily: str
    minutes: str
    idle: str
    several: str
    finer: str
    guarded: str


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Return a store that is filled once; tests may add runs to it, nothing else."""
    home = tmp_path_factory.mktemp("small")
    clock = FixedClock(NOON)
    with open_workspace(load_settings(home=home), clock=clock) as workspace:
        names = _fill(workspace)
        run = {"strategy": "ema_cross", "instruments": [names[0]], "interval": "1d"}
        daily = run_backtest(workspace, build(BacktestRequest, **run))
        several = run_backtest(workspace, build(BacktestRequest, **{**run, "instruments": names[:2]}))
        minutes = run_backtest(workspace, build(BacktestRequest, **{**run, "interval": "1m", "product": "MIS", "from": "2026-11-16"}))
        idle = run_backtest(workspace, build(BacktestRequest, **{**run, "from": "2026-11-16"}))
        finer = run_backtest(workspace, build(BacktestRequest, **{**run, "fill_interval": "1m", "params": {"fast": 3, "slow": 5}}))
        guarded = run_backtest(workspace, build(BacktestRequest, **{**run, **GUARDED}))
        yield Small(
            workspace=workspace,
            stock=names[0],
            daily=daily.run_id,
            minutes=minutes.run_id,
            idle=idle.run_id,
            several=several.run_id,
            finer=finer.run_id,
            guarded=guarded.run_id,
        )


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[Workspace]:
    """Return a workspace in which nothing is stored."""
    with open_workspace(load_settings(home=tmp_path / "empty"), clock=FixedClock(NOON)) as workspace:
        yield workspace


@pytest.fixture
def open_page() -> OpenPage:
    """Return what opens a page of a workspace, with query parameters, and runs it once."""

    def opening(workspace: Workspace, page: str, **query: str | list[str]) -> AppTest:
        st.cache_resource.clear()
        share(workspace)
        session = AppTest.from_file(str(SCRIPT), default_timeout=60)
        for name, value in query.items():
            session.query_params[name] = value
        # Pages are functions, which AppTest's own switch_page does not take.
        session._page_hash = calc_hash(page)  # noqa: SLF001
        return session.run()

    return opening


def _fill(workspace: Workspace) -> list[str]:
    market, indices = simulated_market.SOURCE, arch_indices.SOURCE
    daily = [key for key in market.series() if key.interval is Interval.DAY][:3]
    minute = next(key for key in market.series() if key.interval is Interval.MINUTE_1 and key.instrument == daily[0].instrument)
    for name, source, keys in (("simulated_market", market, [*daily, minute]), ("arch_indices", indices, list(indices.series())[:1])):
        batches = [SeriesBars(key=key, bars=source.bars(key)) for key in keys]
        workspace.store.upsert(batches, source.provenance(name), at=NOON)
    return [key.instrument for key in daily]
