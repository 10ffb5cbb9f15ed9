"""The built-in rules on prices made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from qts.core import Bars, Floats, InstrumentId, Interval
from qts.kernels import macd, rsi, sma, supertrend
from qts.strategies import load_catalog

CATALOG = load_catalog()
NAN = math.nan


def bars_of(close: Sequence[float] | Floats, *, spread: float = 0.0) -> Bars:
    values = np.array(close, dtype=np.float64)
    n = len(values)
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.DAY,
        ts=1_594_007_100_000_000 + 86_400_000_000 * np.arange(n, dtype=np.int64),
        open=values,
        high=values + spread,
        low=values - spread,
        close=values,
        volume=np.full(n, 1000.0),
        oi=np.full(n, NAN),
    )


def walk(n_bars: int) -> Bars:
    rng = np.random.default_rng(5)
    return bars_of(np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars))), 2), spread=3.0)


def wanted(name: str, bars: Bars, **params: object) -> Floats:
    return CATALOG.get(name).require().exposure(bars, params)


@pytest.mark.parametrize(
    ("close", "short", "expected"),
    [
        pytest.param([10, 11, 10, 11, 12, 11, 10], False, [NAN, NAN, NAN, 0, 1, 1, 0], id="beyond the bars before, not on their edge"),
        pytest.param([10, 11, 10, 9, 8, 9, 10, 11], True, [NAN, NAN, NAN, -1, -1, -1, 1, 1], id="short below, and turned round"),
        pytest.param([10, 11, 10, 9, 8, 9], False, [NAN, NAN, NAN, 0, 0, 0], id="no short unless asked for"),
    ],
)
def test_donchian_breakout(close: list[float], expected: list[float], *, short: bool) -> None:
    np.testing.assert_array_equal(wanted("donchian_breakout", bars_of(close), entry=3, leave=2, short=short), expected)


def test_rsi_reversion_buys_weakness_above_its_average_only() -> None:
    bars = walk(400)
    got = wanted("rsi_reversion", bars, span=4, trend=50, oversold=35, leave=60)
    strength, trend = rsi(bars.close, 4), sma(bars.close, 50)
    assert np.isnan(got[:49]).all()
    entries, exits = (np.flatnonzero(np.diff(got) == step) + 1 for step in (1, -1))
    assert len(entries) > 3
    assert (strength[entries] < 35).all()
    assert (bars.close[entries] > trend[entries]).all()
    assert (strength[exits] > 60).all()


def test_supertrend_follow_waits_for_the_first_turn() -> None:
    bars = walk(400)
    direction = supertrend(bars.high, bars.low, bars.close, span=10, width=2)[1]
    got = wanted("supertrend_follow", bars, width=2, short=True)
    first = int(np.flatnonzero(direction > 0)[0])
    assert first > 11
    # It begins down, which is no turn.
    assert (got[10:first] == 0).all()
    np.testing.assert_array_equal(got[first:], direction[first:])
    np.testing.assert_array_equal(wanted("supertrend_follow", bars, width=2)[first:], direction[first:].clip(0))


def test_macd_cross_is_long_while_the_line_is_above_its_signal() -> None:
    bars = walk(400)
    line, signal, _ = macd(bars.close, 12, 26, 9)
    got = wanted("macd_cross", bars)
    first = int(np.flatnonzero(got == 1)[0])
    assert (got[33:first] == 0).all()
    np.testing.assert_array_equal(got[first:] == 1, line[first:] > signal[first:])


@pytest.mark.parametrize("name", ["donchian_breakout", "rsi_reversion", "opening_range_breakout"])
def test_a_stop_is_a_parameter_and_none_when_zero(name: str) -> None:
    strategy = CATALOG.get(name).require()
    assert strategy.guards() == {"stop_loss": strategy.defaults()["stop"]}
    assert strategy.guards({"stop": 0}) == {"stop_loss": 0.0}
