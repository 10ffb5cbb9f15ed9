"""Numbers of the core as decimals, and decimals kept short."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qts.backtest.exact import EXACT, exact_shares, kept_short


@pytest.mark.parametrize(("quantity", "expected"), [(40.0, "40"), (0.25, "0.25"), (0.1, "0.1"), (1e15, "1000000000000000")])
def test_a_quantity_is_the_decimal_that_was_written(quantity: float, expected: str) -> None:
    assert str(exact_shares(quantity)) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param("40", "40", id="a whole number"),
        pytest.param("400", "400", id="keeps its zeros before the point"),
        pytest.param("12.500", "12.5", id="loses those at its end"),
        pytest.param("0.1234567890123", "0.123456789012", id="and what is beyond twelve decimals"),
        pytest.param("2.9999999999996", "3", id="which may make it whole"),
        pytest.param("-1.25", "-1.25", id="on either side of nothing"),
    ],
)
def test_a_number_is_kept_short(number: str, expected: str) -> None:
    assert str(kept_short(Decimal(number))) == expected


def test_a_price_times_a_quantity_times_a_rate_is_exact() -> None:
    price, quantity, rate = Decimal("99999.123456789"), Decimal("1000000000.123456"), Decimal("0.000030700001")
    assert EXACT.multiply(EXACT.multiply(price, quantity), rate) == Decimal(99999123456789 * 1000000000123456 * 30700001).scaleb(-27, EXACT)
