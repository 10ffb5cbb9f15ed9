from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qts.analytics import buy_and_hold
from qts.core import Bars, InstrumentId, Interval, Ints

Stamps = Callable[..., Ints]


def bars_of(ts: Ints, close: list[float]) -> Bars:
    prices = np.array(close)
    nothing = np.full(len(close), np.nan)
    return Bars(
        instrument=InstrumentId("SIM:X"),
        interval=Interval.DAY,
        ts=ts,
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=nothing,
        oi=nothing,
    )


def test_one_instrument_grows_with_its_close(stamps: Stamps) -> None:
    benchmark = buy_and_hold([bars_of(stamps(3), [50.0, 40.0, 75.0])], 1_000.0)
    assert benchmark.equity.tolist() == [1_000.0, 800.0, 1_500.0]
    assert benchmark.total_return(1_000.0) == 0.5


def test_capital_waits_in_cash_for_a_late_instrument_and_a_missing_bar_keeps_its_close(stamps: Stamps) -> None:
    ts = stamps(4)
    early, late = bars_of(ts[[0, 1, 3]], [10.0, 20.0, 30.0]), bars_of(ts[[1, 2]], [100.0, 50.0])
    benchmark = buy_and_hold([early, late], 200.0)
    np.testing.assert_array_equal(benchmark.ts, ts)
    assert benchmark.equity.tolist() == pytest.approx([200.0, 300.0, 250.0, 350.0])
