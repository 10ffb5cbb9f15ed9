"""A workspace with two series, in memory but for its control database and runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qts.app.control import ControlDatabase
from qts.app.settings import Settings, load_settings
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, FixedClock, InstrumentId, Interval, micros_of
from qts.data.storage import PriceBasis, Provenance, SeriesBars, SeriesKey
from qts.data.testing import MemoryStore
from qts.market.sessions import daily_stamp, sessions

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def daily_bars(instrument: str, exchange: Exchange, *, seed: int, n_bars: int = 400) -> Bars:
    """Return a random walk in whole paise on the exchange's sessions from 2022 on."""
    rng = np.random.default_rng(seed)
    days = [session.date for session in sessions(exchange, date(2022, 1, 1), date(2023, 12, 31))][:n_bars]
    close = np.round(1000 * np.exp(np.cumsum(rng.normal(0.0005, 0.02, len(days)))), 2)
    open_ = np.round(close * (1 + rng.normal(0, 0.004, len(days))), 2)
    return Bars(
        instrument=InstrumentId(instrument),
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(exchange, day)) for day in days], np.int64),
        open=open_,
        high=np.maximum(open_, close) + 1.0,
        low=np.minimum(open_, close) - 1.0,
        close=close,
        volume=np.full(len(days), 10_000.0),
        oi=np.full(len(days), np.nan),
    )


def quarter_hours(daily: Bars, *, n_days: int) -> Bars:
    """Return bars of fifteen minutes, 25 a day, that lead from each day's open to its close within its range."""
    parts = np.linspace(0.0, 1.0, 26)
    ts = (daily.ts[:n_days, None] + np.arange(25) * 15 * 60_000_000).reshape(-1)
    path = np.round(daily.open[:n_days, None] + (daily.close - daily.open)[:n_days, None] * parts, 2)
    open_, close = path[:, :-1].reshape(-1), path[:, 1:].reshape(-1)
    return Bars(
        instrument=daily.instrument,
        interval=Interval.MINUTE_15,
        ts=ts,
        open=open_,
        high=np.maximum(open_, close) + 0.5,
        low=np.minimum(open_, close) - 0.5,
        close=close,
        volume=np.full(len(ts), 400.0),
        oi=np.full(len(ts), np.nan),
    )


def minutes(daily: Bars, counts: list[int]) -> Bars:
    """Return bars of one minute, so many of each day from its open on, that lead from the day's open to its close within its range."""
    parts = [_minutes_of(daily, i, n) for i, n in enumerate(counts) if n]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Bars(instrument=daily.instrument, interval=Interval.MINUTE_1, **columns)


def _minutes_of(daily: Bars, i: int, n_bars: int) -> dict[str, Any]:
    path = np.round(np.linspace(daily.open[i], daily.close[i], n_bars + 1), 2)
    open_, close = path[:-1], path[1:]
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    high[n_bars // 2], low[n_bars // 2] = daily.high[i], daily.low[i]
    nothing = np.full(n_bars, np.nan)
    ts = daily.ts[i] + np.arange(n_bars) * 60_000_000
    return {"ts": ts, "open": open_, "high": high, "low": low, "close": close, "volume": np.full(n_bars, 30.0), "oi": nothing}


def put(workspace: Workspace, bars: Bars, *, simulated: bool = False, basis: PriceBasis = PriceBasis.RAW) -> None:
    """Store bars."""
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval, basis=basis)
    workspace.store.upsert([SeriesBars(key=key, bars=bars)], Provenance(source="test", simulated=simulated), at=NOW)


@pytest.fixture
def make_bars() -> Callable[..., Bars]:
    """Return the maker of daily bars."""
    return daily_bars


@pytest.fixture
def make_minutes() -> Callable[..., Bars]:
    """Return the maker of bars of a minute."""
    return minutes


@pytest.fixture
def store_bars() -> Callable[..., None]:
    """Return what stores bars."""
    return put


@pytest.fixture
def with_quarters(workspace: Workspace) -> Workspace:
    """Return the workspace with bars of fifteen minutes of NSE:ALPHA beside its days, for the first hundred of them."""
    put(workspace, quarter_hours(daily_bars("NSE:ALPHA", Exchange.NSE, seed=1), n_days=100))
    return workspace


@pytest.fixture
def settings(home: Path) -> Settings:
    """Return the settings of an empty home."""
    return load_settings(home=home)


@pytest.fixture
def empty(settings: Settings) -> Iterator[Workspace]:
    """Return a workspace without bars."""
    settings.strategies_folder.mkdir()
    control = ControlDatabase.open(settings.control_path)
    yield Workspace(settings=settings, store=MemoryStore(), control=control, clock=FixedClock(NOW))
    control.close()


@pytest.fixture
def workspace(empty: Workspace) -> Workspace:
    """Return a workspace with NSE:ALPHA (raw) and SIM:BETA (simulated), 400 days each."""
    put(empty, daily_bars("NSE:ALPHA", Exchange.NSE, seed=1))
    put(empty, daily_bars("SIM:BETA", Exchange.SIM, seed=2), simulated=True)
    return empty
