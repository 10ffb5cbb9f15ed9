"""Parts of an order come together again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qts.core import Side
from qts.core.errors import BadParameter
from qts.market.charges import DayFill
from qts.market.charges.fills import FilledOrder, cut


def fill(quantity: int, price: str, *, slices: int = 1, auto: bool = False) -> DayFill:
    return DayFill(side=Side.BUY, quantity=Decimal(quantity), price=Decimal(price), slices=slices, auto_square_off=auto)


def test_parts_sum_to_the_order() -> None:
    order = FilledOrder()
    order.add(fill(100, "10.05"))
    order.add(fill(200, "10.20", slices=2, auto=True))
    assert (order.quantity, order.value, order.slices) == (Decimal(300), Decimal(3045), 2)
    assert order.is_auto_square_off


def test_an_order_closed_by_the_broker_stays_so_whatever_part_comes_last() -> None:
    order = FilledOrder()
    order.add(fill(1, "1", auto=True))
    order.add(fill(1, "1"))
    assert order.is_auto_square_off


def test_part_of_an_order_has_its_average_price() -> None:
    order = FilledOrder()
    order.add(fill(100, "10"))
    order.add(fill(100, "11"))
    assert order.value_of(Decimal(50)) == 525
    assert order.value_of(Decimal(200)) == 2100


def test_order_of_no_slices_is_refused() -> None:
    with pytest.raises(BadParameter, match="slices = 0"):
        fill(1, "1", slices=0)


def test_amounts_are_cut_to_ten_decimals() -> None:
    assert cut(Decimal(1) / 3) == Decimal("0.3333333333")
