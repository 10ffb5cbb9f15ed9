from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from qts.core import Floats
from qts.core.errors import BadParameter
from qts.kernels import dema, ema, kama, sma, tema, trima, wma

Average = Callable[[Floats, int], Floats]

NAN = math.nan
ALL = [sma, ema, wma, dema, tema, trima, kama]
SERIES = hnp.arrays(np.float64, st.integers(0, 80), elements=st.floats(1, 1e4))


def test_sma_is_the_mean_of_the_last_bars_and_undefined_before() -> None:
    assert_array_equal(sma(np.array([1.0, 2.0, 3.0, 4.0]), 2), [NAN, 1.5, 2.5, 3.5])


def test_wma_weighs_the_latest_bar_most() -> None:
    assert_allclose(wma(np.array([1.0, 2.0, 3.0, 5.0]), 3), [NAN, NAN, (1 + 4 + 9) / 6, (2 + 6 + 15) / 6])


def test_ema_starts_with_the_mean_of_the_first_bars() -> None:
    assert_allclose(ema(np.array([1.0, 2.0, 6.0, 5.0]), 3), [NAN, NAN, 3.0, 4.0])


def test_ema_may_start_with_the_first_value() -> None:
    assert_allclose(ema(np.array([4.0, 8.0, 8.0]), 3, seed="first"), [4.0, 6.0, 7.0])


def test_kama_follows_a_straight_way_fast_and_a_crooked_one_slowly() -> None:
    fast, slow = (2 / 3) ** 2, (2 / 31) ** 2
    assert_allclose(kama(np.array([1.0, 2.0, 3.0]), 2), [NAN, NAN, 2 + fast * 1])
    assert_allclose(kama(np.array([1.0, 2.0, 1.0]), 2), [NAN, NAN, 2 - slow * 1])
    assert_allclose(kama(np.array([5.0, 5.0, 5.0, 8.0]), 2), [NAN, NAN, 5.0, 5 + fast * 3])


@pytest.mark.parametrize("average", [dema, tema])
def test_the_lagless_averages_overtake_a_line_by_nothing(average: Average) -> None:
    line = np.arange(1.0, 60.0)
    assert_allclose(average(line, 5)[12:], line[12:])


@pytest.mark.parametrize(("average", "expected"), [(sma, (2, 4.5)), (wma, (7 / 3, 5)), (ema, (2, 14 / 3))])
def test_a_nan_bar_does_not_exist_for_an_average(average: Average, expected: tuple[float, float]) -> None:
    assert_allclose(average(np.array([NAN, 1.0, 3.0, NAN, 6.0]), 2), [NAN, NAN, expected[0], NAN, expected[1]])


@pytest.mark.parametrize("average", ALL)
def test_flat_prices_have_a_flat_average(average: Average) -> None:
    flat = average(np.concatenate((np.random.default_rng(2).uniform(50, 150, 500), np.full(5000, 100.1))), 7)
    assert len(set(flat[-4000:].tolist())) == 1
    assert flat[-1] == pytest.approx(100.1, rel=1e-12)


@pytest.mark.parametrize("average", ALL)
def test_the_past_never_changes(average: Average) -> None:
    values = np.random.default_rng(1).uniform(1, 2, 900)
    whole = average(values, 50)
    for cut in (1, 49, 50, 51, 450, 899):
        assert_array_equal(average(values[:cut], 50), whole[:cut])


@pytest.mark.parametrize("average", ALL)
def test_a_span_without_bars_is_refused(average: Average) -> None:
    with pytest.raises(BadParameter, match="span = 0"):
        average(np.ones(3), 0)


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(BadParameter, match="median"):
        ema(np.ones(3), 2, seed="median")


@given(values=SERIES, span=st.integers(1, 20))
def test_simple_averages_equal_their_definition(values: Floats, span: int) -> None:
    weights = np.arange(1, span + 1)
    windows = [values[max(0, i - span + 1) : i + 1] for i in range(len(values))]
    full = [window if len(window) == span else np.full(span, NAN) for window in windows]
    exact = [NAN if len(window) < span else float(sum(map(Fraction, window.tolist())) / span) for window in windows]
    assert_array_equal(sma(values, span), exact)
    assert_allclose(wma(values, span), [math.fsum(window * weights) / weights.sum() for window in full], rtol=1e-14)


@given(values=SERIES, half=st.integers(1, 10), odd=st.booleans())
def test_the_triangular_average_weighs_the_middle_most(values: Floats, half: int, *, odd: bool) -> None:
    rise = np.arange(1.0, half + 1)
    weights = np.concatenate((rise, rise[-2::-1] if odd else rise[::-1]))
    span = len(weights)
    expected = [float(np.sum(values[i - span + 1 : i + 1] * weights)) / weights.sum() for i in range(span - 1, len(values))]
    assert_allclose(trima(values, span), [NAN] * min(span - 1, len(values)) + expected, rtol=1e-12)
