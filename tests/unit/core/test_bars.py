from __future__ import annotations

import numpy as np

from qts.core import Bars, InstrumentId, Interval


def series(n_bars: int) -> Bars:
    ramp = np.arange(1.0, n_bars + 1)
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.DAY,
        ts=np.arange(n_bars, dtype=np.int64),
        open=ramp,
        high=ramp + 2,
        low=ramp - 0.5,
        close=ramp + 1,
        volume=ramp * 100,
        oi=np.full(n_bars, np.nan),
    )


def test_a_window_is_a_view_of_every_column() -> None:
    bars = series(10)
    part = bars.window(2, 5)
    assert len(part) == 3
    assert part.instrument == bars.instrument
    for name in ("ts", "open", "high", "low", "close", "volume", "oi"):
        np.testing.assert_array_equal(getattr(part, name), getattr(bars, name)[2:5])
        assert np.shares_memory(getattr(part, name), getattr(bars, name))


def test_a_window_past_the_end_is_cut() -> None:
    assert len(series(3).window(2, 9)) == 1
