"""Runs to analyse, built from an equity curve."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qts.analytics import RunCurves
from qts.core import IST, Ints, micros_of

MakeCurves = Callable[..., RunCurves]


def daily_stamps(n_bars: int, start: date = date(2024, 1, 1), every: int = 1) -> Ints:
    at = datetime.combine(start, time(9, 15), IST)
    return np.array([micros_of(at + timedelta(days=every * i_bar)) for i_bar in range(n_bars)], dtype=np.int64)


@pytest.fixture(scope="session")
def stamps() -> Callable[..., Ints]:
    return daily_stamps


@pytest.fixture(scope="session")
def make_curves() -> MakeCurves:
    def make(equity: Any, *, trades: Any = (), gross: Any = None, every: int = 1, **fields: Any) -> RunCurves:
        values = np.asarray(equity, dtype=np.float64)
        pnl = np.asarray(trades, dtype=np.float64)
        given: dict[str, Any] = {
            "ts": daily_stamps(len(values), every=every),
            "exposure": np.zeros(len(values)),
            "capital": 100_000.0,
            "bars_per_year": 248.0,
            "trade_net_pnl": pnl,
            "trade_gross_pnl": pnl if gross is None else np.asarray(gross, dtype=np.float64),
            "trade_returns": pnl / 100_000.0,
            "costs_total": 0.0,
            "slippage_total": 0.0,
            "traded_notional": 0.0,
        }
        return RunCurves(equity=values, **(given | fields))

    return make


@pytest.fixture(scope="session")
def truth(realdata: Path) -> Callable[[str], Any]:
    def load(name: str) -> Any:
        return json.loads((realdata / "truth" / f"{name}.json").read_text(encoding="utf-8"))

    return load
