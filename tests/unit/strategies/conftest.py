"""Bars for strategies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval


@pytest.fixture
def walk() -> Callable[..., Bars]:
    """A random walk of daily bars, the same for the same seed."""

    def of(n_bars: int, *, seed: int = 0) -> Bars:
        rng = np.random.default_rng(seed)
        close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars))), 2)
        return Bars(
            instrument=InstrumentId("NSE:INFY"),
            interval=Interval.DAY,
            ts=1_600_000_000_000_000 + 86_400_000_000 * np.arange(n_bars, dtype=np.int64),
            open=close.copy(),
            high=close * 1.01,
            low=close * 0.99,
            close=close,
            volume=np.full(n_bars, 1000.0),
            oi=np.full(n_bars, np.nan),
        )

    return of


@pytest.fixture
def minutes() -> Callable[..., Bars]:
    """A random walk of minute bars over whole sessions of July 2024, the same for the same seed."""

    def of(n_bars: int, *, seed: int = 0, name: str = "NSE:INFY") -> Bars:
        rng = np.random.default_rng(seed)
        close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.001, n_bars))), 2)
        # Monday the first of July, 09:15 in India; sessions of 375 minutes, weekends left out.
        day, minute = np.divmod(np.arange(n_bars, dtype=np.int64), 375)
        ts = 1_719_805_500_000_000 + (day + day // 5 * 2) * 86_400_000_000 + minute * 60_000_000
        return Bars(
            instrument=InstrumentId(name),
            interval=Interval.MINUTE_1,
            ts=ts,
            open=close.copy(),
            high=close + 0.5,
            low=close - 0.5,
            close=close,
            volume=np.full(n_bars, 1000.0),
            oi=np.full(n_bars, np.nan),
        )

    return of
