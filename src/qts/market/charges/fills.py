"""Executed orders of a day, whole or in parts, and how parts of one order come together again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from qts.core import Side
from qts.core.errors import BadParameter
from qts.market.charges.segments import Settlement

ZERO: Final = Decimal(0)
# Averages need not end, and prices with slippage have many decimals; cut here, sums and differences of charges are exact.
_STEP: Final = Decimal("1e-10")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFill:
    """One executed order of the day or a part of it: quantity in shares or units of the underlying, price in rupees.

    Fills with the same ``order`` are parts of one order and pay one brokerage; without it a fill is an order of its own. ``slices`` is the
    number of equal orders it was cut into because of the exchange's freeze quantity. ``auto_square_off`` marks an order by which the broker
    closed an intraday position.

    ``settlement`` marks the end of a contract. An ``exercised`` or ``assigned`` option has its intrinsic value per unit as price, and
    ``settlement_price``, that of the underlying, where the tax is levied on it (before 2019-09-01). ``delivered`` shares have the price
    they change hands at, side buy for who receives them; so have ``netted`` ones. An ``expired`` contract's price is not used.
    """

    side: Side
    quantity: Decimal
    price: Decimal
    order: int | None = None
    slices: int = 1
    auto_square_off: bool = False
    settlement: Settlement | None = None
    settlement_price: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse a number of slices that cannot be."""
        if self.slices < 1:
            raise BadParameter("slices", self.slices, "an order has at least one slice")


@dataclass(slots=True, kw_only=True)  # grows with the fills of its order
class FilledOrder:
    """What was executed of one order so far; ``value`` in rupees."""

    quantity: Decimal = ZERO
    value: Decimal = ZERO
    slices: int = 1
    is_auto_square_off: bool = False

    def add(self, fill: DayFill) -> None:
        """Take in a part."""
        self.quantity += fill.quantity
        self.value += fill.quantity * fill.price
        self.slices = max(self.slices, fill.slices)
        self.is_auto_square_off |= fill.auto_square_off

    def value_of(self, quantity: Decimal) -> Decimal:
        """Return the value of a part at the order's average price."""
        if quantity == self.quantity:
            return self.value
        return quantity * self.value / self.quantity


def cut(amount: Decimal) -> Decimal:
    """Return an amount to ten decimals."""
    return amount.quantize(_STEP)
