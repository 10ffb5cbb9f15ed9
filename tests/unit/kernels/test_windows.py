from __future__ import annotations

import math
from fractions import Fraction

import hypothesis.strategies as st
from hypothesis import given

from qts.kernels.windows import (
    OTHER_REST,
    SUM_REST,
    delayed,
    extreme_size,
    highest,
    lowest,
    plus,
    product,
    quotient,
    rolling_line,
    rolling_mean,
    rolling_spread,
    rolling_sum,
    window_size,
)

PRICES = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60)
TICKS = st.lists(st.integers(1, 40).map(lambda ticks: ticks * 0.05), min_size=1, max_size=60)


def memory(span: int) -> list[float]:
    return [0.0] * int(window_size(span))


@given(left=st.floats(-1e12, 1e12), right=st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-12))
def test_sums_and_products_of_two_floats_lose_nothing(left: float, right: float) -> None:
    total, rest = plus(left, 0.0, right)
    assert Fraction(total) + Fraction(rest) == Fraction(left) + Fraction(right)
    if left == 0 or abs(left) > 1e-12:
        whole, missing = product(left, right)
        assert Fraction(whole) + Fraction(missing) == Fraction(left) * Fraction(right)


@given(values=PRICES, span=st.integers(1, 12))
def test_a_rolling_sum_and_mean_are_exact_to_the_last_bit(values: list[float], span: int) -> None:
    sums, means = memory(span), memory(span)
    for at, value in enumerate(values):
        total, mean = rolling_sum(sums, 0, span, value), rolling_mean(means, 0, span, value)
        if at + 1 < span:
            assert math.isnan(total)
            assert math.isnan(mean)
            continue
        exact = sum(map(Fraction, values[at + 1 - span : at + 1]))
        assert total == float(exact)
        assert mean == float(exact / span)


def test_a_sum_that_could_not_be_exact_is_mended_within_two_spans() -> None:
    sums = memory(3)
    for value in (1e300, 1e-300, 1.0, *[0.1] * 6):
        total = rolling_sum(sums, 0, 3, value)
    assert total == float(3 * Fraction(0.1))
    assert sums[SUM_REST] == float(3 * Fraction(0.1) - Fraction(total))
    assert sums[OTHER_REST] == 0.0


@given(values=PRICES, span=st.integers(2, 12))
def test_the_spread_keeps_its_digits_where_squares_would_lose_them(values: list[float], span: int) -> None:
    state = memory(span)
    for at, value in enumerate(values):
        mean, variance = rolling_spread(state, 0, span, 1e6 + value)
        if at + 1 < span:
            assert math.isnan(variance)
            continue
        window = [Fraction(1e6 + one) for one in values[at + 1 - span : at + 1]]
        middle = sum(window) / span
        exact = float(sum((one - middle) ** 2 for one in window) / span)
        assert mean == float(middle)
        assert math.isclose(variance, exact, rel_tol=1e-9, abs_tol=2e-28 * mean**2)


@given(values=TICKS, span=st.integers(2, 12))
def test_a_line_is_the_least_squares_one(values: list[float], span: int) -> None:
    state = memory(span)
    for at, value in enumerate(values):
        mean, weighted, slope = rolling_line(state, 0, span, value)
        if at + 1 < span:
            assert math.isnan(slope)
            continue
        window = list(map(Fraction, values[at + 1 - span : at + 1]))
        middle, centre = sum(window) / span, Fraction(span - 1, 2)
        exact = sum((i - centre) * (one - middle) for i, one in enumerate(window)) / sum((i - centre) ** 2 for i in range(span))
        assert mean == float(middle)
        assert weighted == float(sum((i + 1) * one for i, one in enumerate(window)) / Fraction(span * (span + 1), 2))
        assert math.isclose(slope, float(exact), rel_tol=1e-12, abs_tol=1e-28)


@given(values=TICKS, span=st.integers(1, 12))
def test_extremes_are_the_last_of_the_window(values: list[float], span: int) -> None:
    high, low = [0.0] * int(extreme_size(span)), [0.0] * int(extreme_size(span))
    for at, value in enumerate(values):
        top, age = highest(high, 0, span, value)
        bottom, low_age = lowest(low, 0, span, value)
        if at + 1 < span:
            assert math.isnan(top)
            assert math.isnan(bottom)
            continue
        window = values[at + 1 - span : at + 1][::-1]
        assert (top, age) == (max(window), window.index(max(window)))
        assert (bottom, low_age) == (min(window), window.index(min(window)))


@given(values=PRICES, span=st.integers(1, 12))
def test_a_delay_gives_back_what_went_in(values: list[float], span: int) -> None:
    state = memory(span)
    got = [delayed(state, 0, span, value) for value in values]
    assert all(map(math.isnan, got[:span]))
    assert got[span:] == values[: max(len(values) - span, 0)]


def test_a_nan_from_another_step_passes_through_without_a_trace() -> None:
    state, extreme = memory(2), [0.0] * int(extreme_size(2))
    for each in (delayed, rolling_sum, rolling_mean):
        assert math.isnan(each(state, 0, 2, math.nan))
    assert math.isnan(highest(extreme, 0, 2, math.nan)[0])
    assert set(state) | set(extreme) == {0.0}


@given(total=st.floats(1, 1e9), divisor=st.integers(1, 1000))
def test_a_quotient_is_rounded_once(total: float, divisor: int) -> None:
    assert quotient(total, 0.0, divisor) == float(Fraction(total) / divisor)
    assert quotient(float(divisor) * 100.1, float(Fraction(100.1) * divisor - Fraction(divisor * 100.1)), divisor) == 100.1
