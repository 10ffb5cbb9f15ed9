"""Channels that TA-Lib does not have, against slow and direct forms of their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from qts.core import Floats
from qts.kernels import atr, bbands, donchian, ema, keltner, supertrend

NAN = math.nan


@pytest.fixture(params=[1, 2, 3])
def bars(request: pytest.FixtureRequest) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(request.param)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 400)))
    return close * (1 + rng.uniform(0, 0.02, 400)), close * (1 - rng.uniform(0, 0.02, 400)), close


def test_bollinger_bands_lie_deviations_away_from_the_mean() -> None:
    assert_allclose(bbands(np.array([1.0, 3.0, 3.0]), 2, 2.0), [[NAN, 4, 3], [NAN, 2, 3], [NAN, 0, 3]])


def test_keltner_lines_lie_average_ranges_away_from_the_average(bars: tuple[Floats, Floats, Floats]) -> None:
    high, low, close = bars
    middle, reach = ema(close, 20), 1.5 * atr(high, low, close, 30)
    upper, centre, lower = keltner(high, low, close, span=20, width=1.5, range_span=30)
    assert_array_equal(upper, middle + reach)
    assert_array_equal(lower, middle - reach)
    assert_array_equal(centre, np.where(np.isnan(reach), NAN, middle))


@pytest.mark.parametrize("offset", [0, 1, 5])
def test_a_donchian_channel_spans_the_extremes(bars: tuple[Floats, Floats, Floats], offset: int) -> None:
    high, low, _ = bars
    upper, middle, lower = donchian(high, low, 20, offset)
    for at in range(400):
        window = slice(at - 19 - offset, at + 1 - offset)
        expected = (high[window].max(), low[window].min()) if at >= 19 + offset else (NAN, NAN)
        assert_array_equal((upper[at], lower[at], middle[at]), (*expected, sum(expected) / 2))


def slow_supertrend(bars: tuple[Floats, Floats, Floats], span: int, width: float) -> tuple[list[float], list[float]]:
    """Follow the definition over plain lists, whole history at hand."""
    high, low, close = bars
    reach = width * atr(high, low, close, span)
    middle = (high + low) / 2
    ceiling, floor = list(middle + reach), list(middle - reach)
    line, direction = [NAN] * len(close), [NAN] * len(close)
    is_up = False
    for at in range(span, len(close)):
        if at > span:
            if ceiling[at] > ceiling[at - 1] and close[at - 1] <= ceiling[at - 1]:
                ceiling[at] = ceiling[at - 1]
            if floor[at] < floor[at - 1] and close[at - 1] >= floor[at - 1]:
                floor[at] = floor[at - 1]
            if not is_up and close[at] > ceiling[at]:
                is_up = True
            elif is_up and close[at] < floor[at]:
                is_up = False
        line[at] = floor[at] if is_up else ceiling[at]
        direction[at] = 1.0 if is_up else -1.0
    return line, direction


@pytest.mark.parametrize(("span", "width"), [(10, 3.0), (7, 1.0), (3, 0.5), (1, 2.0)])
def test_a_super_trend_turns_where_its_band_is_crossed(bars: tuple[Floats, Floats, Floats], span: int, width: float) -> None:
    got = supertrend(*bars, span=span, width=width)
    assert_allclose(got, slow_supertrend(bars, span, width), rtol=1e-12)
    assert {-1.0, 1.0} <= set(got[1].tolist())


def test_a_super_trend_begins_down_and_follows_a_rise() -> None:
    close = np.array([10.0, 10.0, 10.0, 14.0, 15.0])
    line, direction = supertrend(close + 1, close - 1, close, span=2, width=1.0)
    # Ranges are 2, 2, 5, 2: their averages 2, 3.5, 2.75 lie around 10, 14 and 15; the upper band stays at 12 until the close of 14.
    assert_array_equal(direction, [NAN, NAN, -1, 1, 1])
    assert_allclose(line, [NAN, NAN, 12, 10.5, 12.25])


def test_a_close_on_the_lower_band_is_not_below_it() -> None:
    close = np.array([10.0, 10.0, 10.0, 12.0, 12.5, 10.25, 10.0])
    line, direction = supertrend(close + 1, close - 1, close, span=2, width=1.0)
    assert_array_equal(direction[4:], [1, 1, -1])
    assert_allclose(line[4:6], [10.25, 10.25])


def test_a_close_on_the_upper_band_is_not_above_it() -> None:
    close = np.array([10.0, 10.0, 10.0, 12.0, 12.5, 9.75, 9.5])
    line, direction = supertrend(close + 1, close - 1, close, span=2, width=1.0)
    # The upper band stays at 12 until 12.5 is above it. Ranges are 2, 2, 3, 2, 3.75, 2, their averages 2, 2.5, 2.25, 3, 2.5: the lower
    # band is 10.25 then, and 9.75 is below it.
    assert_allclose(line[2:6], [12, 12, 10.25, 12.75])
    assert_array_equal(direction, [NAN, NAN, -1, -1, 1, -1, -1])
