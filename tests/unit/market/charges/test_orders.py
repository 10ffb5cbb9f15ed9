"""Orders to be priced: the words of segments and modes."""

from __future__ import annotations

from decimal import Decimal

from qts.core import Side
from qts.market.charges import ChargeableOrder, ChargeSegment, RoundingMode


def test_segments_and_modes_have_the_names_of_the_command_line() -> None:
    assert "equity_delivery" in set(ChargeSegment)
    assert [mode.value for mode in RoundingMode] == ["exact", "contract_note", "calculator", "api"]


def test_part_of_an_order_is_valued_at_its_price() -> None:
    order = ChargeableOrder(side=Side.BUY, quantity=Decimal(3), price=Decimal("10.10"))
    assert order.notional_of(Decimal(2)) == Decimal("20.20")


def test_whole_of_an_order_by_value_is_exact() -> None:
    order = ChargeableOrder(side=Side.BUY, quantity=Decimal(3), price=Decimal(0), value=Decimal(100))
    assert order.notional_of(Decimal(3)) == 100
