from __future__ import annotations

import math

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from qts.kernels import adx, aroon, minus_di, natr, plus_di, psar, trange

NAN = math.nan


def test_a_rise_is_all_upward_movement() -> None:
    # Each bar is 2 wide and 1 higher: the range is 2, the rise 1, sums of two after Wilder's s - s/2 + x.
    high = np.arange(3.0, 13.0)
    bars = (high, high - 2, high - 1)
    assert_allclose(plus_di(*bars, 2), [NAN, NAN, *[50.0] * 8])
    assert_allclose(minus_di(*bars, 2), [NAN, NAN, *[0.0] * 8])
    assert_allclose(adx(*bars, 2), [NAN, NAN, NAN, *[100.0] * 7])


def test_of_a_rise_and_a_fall_on_one_bar_the_larger_counts() -> None:
    high, low, close = np.array([[5.0, 6, 7, 7], [3, 1, 1, 0], [4, 4, 4, 4]])
    # Falls 2, 0, 1 and rises 0, 1, 0 over ranges 5, 6, 7: the sums fade by half before each new one from the second on.
    assert_allclose(minus_di(high, low, close, 2), [NAN, NAN, 100 * 1 / 8.5, 100 * 1.5 / 11.25])
    assert_allclose(plus_di(high, low, close, 2), [NAN, NAN, 100 * 1 / 8.5, 100 * 0.5 / 11.25])


def test_prices_without_any_range_have_no_direction() -> None:
    flat = np.full(8, 7.0)
    for output in (plus_di(flat, flat, flat, 2), minus_di(flat, flat, flat, 2)):
        assert_array_equal(output, [NAN, NAN, *[0.0] * 6])
    assert_array_equal(adx(flat, flat, flat, 2), [NAN, NAN, NAN, *[0.0] * 5])


def test_prices_that_stop_leave_the_direction_as_it_was() -> None:
    high = np.concatenate(([1.0, 2, 3, 4], np.full(1200, 4.0)))
    low = high - np.concatenate((np.ones(4), np.zeros(1200)))
    assert_array_equal(adx(high, low, high, 2)[3:], np.full(1201, 100.0))


def test_the_age_of_equal_extremes_is_that_of_the_latest() -> None:
    up, down, oscillator = aroon(np.array([5.0, 7, 7, 6]), np.array([1.0, 2, 3, 4]), 3)
    assert_allclose([up[-1], down[-1], oscillator[-1]], [100 * 2 / 3, 0.0, 100 * 2 / 3])


def test_a_stop_follows_a_rise_and_turns_when_touched() -> None:
    high, low = np.array([[10.0, 12, 14, 13, 9], [8, 10, 12, 11, 7]])
    # Up from 8 at a pace of 0.1 towards 12: 8.4; the new extreme 14 doubles the pace: 9.52, then 10.416, which 7 touches: now it is 14.
    assert_allclose(psar(high, low, 0.1, 0.3), [NAN, 8.0, 8.4, 9.52, 14.0])
    # Upside down it is the same.
    assert_allclose(psar(-low, -high, 0.1, 0.3), [NAN, -8.0, -8.4, -9.52, -14.0])


def test_a_stop_that_is_just_reached_is_touched() -> None:
    # Up from 8 at a pace of a half towards 12, which is 10: the third bar's low.
    assert_allclose(psar(np.array([10.0, 12, 13]), np.array([8.0, 10, 10]), 0.5, 0.5), [NAN, 8.0, 13.0])


def test_the_pace_of_a_stop_has_a_maximum() -> None:
    high, low = np.array([[10.0, 12, 14, 16], [8, 11, 13, 15]])
    # 8 + 0.1 * 4, then 8.4 + 0.15 * (14 - 8.4): the second step would be 0.2.
    assert_allclose(psar(high, low, 0.1, 0.15), [NAN, 8.0, 8.4, 9.24])


def test_true_ranges_count_gaps_in_units_and_in_percent() -> None:
    high, low, close = np.array([[5.0, 9, 4], [4, 8, 2], [5, 8, 2]])
    assert_allclose(trange(high, low, close), [NAN, 4.0, 6.0])
    assert_allclose(natr(high, low, close, 1), [NAN, 50.0, 300.0])
