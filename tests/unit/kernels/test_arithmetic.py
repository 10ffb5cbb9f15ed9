from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from qts.kernels.arithmetic import (
    Cost,
    Moment,
    Size,
    Slip,
    clean_quantity,
    floored,
    level_price,
    on_tick,
    simple_cost,
    sized_quantity,
    slipped_price,
    whole_lots,
)
from qts.kernels.state import BY_ATR_RISK, BY_CASH, BY_EQUITY, BY_SHARES, BY_VOLATILITY, NO_COST, PER_SHARE_COST, PERCENT_COST


@pytest.mark.parametrize(
    ("reference", "direction", "slip", "expected"),
    [
        pytest.param(100.0, 1.0, Slip(0.001, 0.0), 100.1, id="a purchase pays a fraction more"),
        pytest.param(100.0, -1.0, Slip(0.001, 0.0), 99.9, id="a sale brings a fraction less"),
        pytest.param(100.0, 1.0, Slip(0.0, 0.1), 100.1, id="a purchase pays rupees more"),
        pytest.param(100.0, -1.0, Slip(0.0, 0.0), 100.0, id="no slippage leaves the price alone"),
        pytest.param(0.5, -1.0, Slip(0.1, 0.0), 0.45, id="also of less than a rupee"),
        pytest.param(0.1, -1.0, Slip(0.0, 0.1), 0.05, id="a sale brings a twentieth of a rupee at least"),
        pytest.param(0.03, -1.0, Slip(0.0, 0.1), 0.03, id="or the reference where that is less"),
    ],
)
def test_slippage_is_against_us(reference: float, direction: float, slip: Slip, expected: float) -> None:
    assert slipped_price(reference, direction, slip) == pytest.approx(expected, rel=1e-15)


@given(paise=st.integers(1, 4 * 10**8), tick=st.sampled_from([25, 100, 500, 1000, 10_000]), direction=st.sampled_from([1.0, -1.0]))
def test_a_price_on_its_tick_is_the_float_of_its_decimal_and_never_better(paise: int, tick: int, direction: float) -> None:
    price, step = Decimal(paise) / 1000, Decimal(tick) / 10_000
    rounding = ROUND_CEILING if direction > 0 else ROUND_FLOOR
    expected = max((price / step).to_integral_value(rounding), Decimal(1)) * step
    assert on_tick(float(price), direction, float(tick)) == float(expected)


def test_float_noise_does_not_cost_a_tick() -> None:
    assert on_tick(100.05 * (1.0 + 1e-12), 1.0, 500.0) == 100.05
    assert on_tick(100.05 * (1.0 - 1e-12), -1.0, 500.0) == 100.05
    assert on_tick(123.456, 1.0, 0.0) == 123.456


def test_a_level_without_ticks_loses_the_noise_of_its_computation() -> None:
    assert 102 * (1 - 0.05) != 96.9
    assert level_price(102 * (1 - 0.05), -1.0, 0.0) == 96.9
    assert level_price(96.93, -1.0, 500.0) == 96.9


@pytest.mark.parametrize(
    ("size", "target", "moment", "expected"),
    [
        pytest.param(Size(BY_SHARES, 10.0, 2.0, 0.0), -0.5, Moment(1e6, 100.0, 0.0), 5.0, id="shares"),
        pytest.param(Size(BY_CASH, 1000.0, 2.0, 0.0), 1.0, Moment(1e6, 100.0, 0.0), 10.0, id="rupees"),
        pytest.param(Size(BY_EQUITY, 0.5, 2.0, 0.0), 1.0, Moment(1e6, 100.0, 0.0), 2500.0, id="a share of equity"),
        pytest.param(Size(BY_ATR_RISK, 0.01, 2.0, 2.0), 1.0, Moment(1e6, 100.0, 5.0), 500.0, id="a fraction of equity at risk"),
        pytest.param(
            Size(BY_VOLATILITY, 0.1, 1.0, 0.0), 1.0, Moment(1e6, 100.0, 0.4), 2500.0, id="a quarter where it swings four times as much"
        ),
        pytest.param(Size(BY_CASH, 50_000.0, 1.0, 0.0), 0.5, Moment(1e6, 100.0, 0.0), 250.0, id="half of the cash where half is wanted"),
        pytest.param(Size(BY_ATR_RISK, 0.01, 1.0, 2.0), 0.5, Moment(1e6, 100.0, 5.0), 500.0, id="half of the risk where half is wanted"),
        pytest.param(
            Size(BY_VOLATILITY, 0.1, 2.0, 0.0),
            -0.5,
            Moment(1e6, 100.0, 0.4),
            625.0,
            id="half of that, of half the equity, where half is wanted",
        ),
        pytest.param(Size(BY_VOLATILITY, 0.1, 1.0, 0.0), 1.0, Moment(1e6, 100.0, 0.05), 10_000.0, id="never more than the equity"),
        pytest.param(Size(BY_VOLATILITY, 0.1, 1.0, 0.0), 1.0, Moment(1e6, 100.0, 0.0), 10_000.0, id="nor where nothing moved"),
    ],
)
def test_sizes(size: Size, target: float, moment: Moment, expected: float) -> None:
    assert sized_quantity(size, target, moment) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("quantity", "units", "lot", "expected"),
    [
        pytest.param(100 * 0.29, 1.0, 1.0, 29.0, id="float noise loses no share"),
        pytest.param(149.0, 1.0, 75.0, 75.0, id="part of a lot is left out"),
        pytest.param(74.0, 1.0, 75.0, 0.0, id="less than a lot is nothing"),
        pytest.param(10 / 3, 1e6, 1.0, 3.333333, id="fractions are counted in millionths"),
    ],
)
def test_whole_lots(quantity: float, units: float, lot: float, expected: float) -> None:
    assert whole_lots(quantity, units, lot) == expected


def test_differences_of_fractions_are_clean() -> None:
    assert clean_quantity(0.3 - 0.1 - 0.2, 1e6) == 0.0
    assert clean_quantity(-3.0, 1.0) == -3.0
    assert clean_quantity(0.1 + 0.2, 1000.0) == 0.3


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        pytest.param(Cost(NO_COST, 0.0, 0.0), 0.0, id="none"),
        pytest.param(Cost(PERCENT_COST, 0.001, 0.0), 1.0, id="a fraction of the value"),
        pytest.param(Cost(PER_SHARE_COST, 0.05, 1.0), 1.0, id="at least the minimum"),
        pytest.param(Cost(PER_SHARE_COST, 0.5, 1.0), 5.0, id="rupees a share"),
    ],
)
def test_simple_costs(cost: Cost, expected: float) -> None:
    assert simple_cost(-10.0, 100.0, cost) == expected


@given(number=st.floats(allow_nan=False, allow_infinity=False))
@example(number=-0.5)
@example(number=28.999999999999996)
@example(number=2.0**51)
@example(number=2.0**51 - 0.5)
@example(number=-(2.0**51) + 0.25)
@example(number=2.0**52 - 0.5)
def test_a_number_is_floored_as_by_floor_division(number: float) -> None:
    assert floored(number) == number // 1.0


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_has_no_floor(number: float) -> None:
    assert math.isnan(floored(number))
