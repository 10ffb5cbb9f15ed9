"""Orders to be priced: the words of segments and modes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qts.core import Side
from qts.core.errors import BadParameter
from qts.market.charges import ChargeableOrder, ChargeSegment, RoundingMode, Settlement


def test_segments_and_modes_have_the_names_of_the_command_line() -> None:
    assert "equity_delivery" in set(ChargeSegment)
    assert [mode.value for mode in RoundingMode] == ["exact", "contract_note", "calculator", "api", "api_margins"]


@pytest.mark.parametrize(("quantity", "price"), [("1e40", "1"), ("1", "1e400"), ("1e9", "1e9")])
def test_order_of_an_absurd_size_is_refused(quantity: str, price: str) -> None:
    with pytest.raises(BadParameter, match="larger than anything ever traded"):
        ChargeableOrder(side=Side.BUY, quantity=Decimal(quantity), price=Decimal(price))


def exercised(*, settlement_price: str = "11000", slices: int = 1) -> ChargeableOrder:
    return ChargeableOrder(
        side=Side.BUY,
        quantity=Decimal(75),
        price=Decimal(1),
        settlement=Settlement.EXERCISED,
        settlement_price=Decimal(settlement_price),
        slices=slices,
    )


@pytest.mark.parametrize("price", ["-1", "1e400", "1e14", "NaN"])
def test_settlement_price_that_cannot_be_is_refused(price: str) -> None:
    with pytest.raises(BadParameter) as caught:
        exercised(settlement_price=price)
    assert caught.value.name == "settlement_price"


def test_the_largest_order_is_no_error() -> None:
    largest = ChargeableOrder(side=Side.BUY, quantity=Decimal(10**5), price=Decimal(10**10), settlement_price=Decimal(10**10))
    assert largest.notional == 10**15


def test_order_of_too_many_slices_is_refused() -> None:
    assert exercised(slices=100_000).slices == 100_000
    with pytest.raises(BadParameter, match="slices"):
        exercised(slices=100_001)


def test_part_of_an_order_is_valued_at_its_price() -> None:
    order = ChargeableOrder(side=Side.BUY, quantity=Decimal(3), price=Decimal("10.10"))
    assert order.notional_of(Decimal(2)) == Decimal("20.20")


def test_whole_of_an_order_by_value_is_exact() -> None:
    order = ChargeableOrder(side=Side.BUY, quantity=Decimal(3), price=Decimal(0), value=Decimal(100))
    assert order.notional_of(Decimal(3)) == 100
    assert order.notional_of(Decimal(1)) * 3 == pytest.approx(Decimal(100))
    # Thirteen times as much and a thirteenth of that would be 1e14: decimals keep 28 digits.
    long = ChargeableOrder(side=Side.BUY, quantity=Decimal(13), price=Decimal(0), value=Decimal("99999999999999.99999999999998"))
    assert long.notional_of(Decimal(13)) == long.value
