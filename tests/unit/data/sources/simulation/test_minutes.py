from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.data.sources.simulation.minutes import bridge_extremes, minute_path


@given(st.floats(3.0, 9.0), st.floats(-0.08, 0.08), st.floats(0.001, 0.05), st.integers(2, 375))
def test_a_path_starts_and_ends_where_it_should(start: float, move: float, spread: float, n: int) -> None:
    rng = np.random.default_rng(n)
    path = minute_path(log_open=start, log_close=start + move, spread=spread, market=rng.standard_normal(n), rng=rng)
    assert path.log_open[0] == start
    assert path.log_close[-1] == pytest.approx(start + move, abs=1e-9)
    assert np.all(path.log_high >= np.maximum(path.log_open, path.log_close) - 1e-12)
    assert np.all(path.log_low <= np.minimum(path.log_open, path.log_close) + 1e-12)
    assert path.volume_share.sum() == pytest.approx(1.0)
    assert np.all(path.volume_share > 0.0)


def test_extremes_follow_the_law_of_the_bridge() -> None:
    """The maximum of a bridge from 0 to 0 with variance 1 is Rayleigh: its mean is sqrt(pi / 8)."""
    n = 200_000
    high, low = bridge_extremes(np.zeros(n), np.zeros(n), np.ones(n), np.random.default_rng(3))
    assert np.mean(high) == pytest.approx(math.sqrt(math.pi / 8), rel=0.01)
    assert np.mean(low) == pytest.approx(-math.sqrt(math.pi / 8), rel=0.01)
    assert np.mean(high > 1.0) == pytest.approx(math.exp(-2.0), rel=0.03)


def test_shares_follow_the_market_within_the_session() -> None:
    market = np.random.default_rng(1).standard_normal(375)
    paths = [
        minute_path(log_open=5.0, log_close=5.0, spread=0.01, market=market, rng=np.random.default_rng(seed)).log_close for seed in (2, 3)
    ]
    together = np.corrcoef(np.diff(paths[0]), np.diff(paths[1]))[0, 1]
    assert 0.05 < together < 0.5
