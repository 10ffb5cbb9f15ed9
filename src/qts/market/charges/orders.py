"""What can be priced: orders of a segment, and the ways a bill is rounded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from qts.core import Charges, Side
from qts.core.errors import BadParameter
from qts.market.charges.segments import Settlement

# Beyond a thousand trillion rupees the paisa would leave the digits that decimals are computed with.
LARGEST: Final = 10**15
_MOST_SLICES: Final = 100_000


class RoundingMode(StrEnum):
    """Whose bill is meant: nobody's, the contract note, the broker's public calculator, or its API.

    ``api`` is the API's virtual contract note, ``api_margins`` the charges beside its order and basket margins, which leave out the
    investor protection fund's part.
    """

    EXACT = "exact"
    CONTRACT_NOTE = "contract_note"
    CALCULATOR = "calculator"
    API = "api"
    API_MARGINS = "api_margins"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeableOrder:
    """An executed order: quantity at an average price in rupees. ``value`` replaces their product where it is given.

    ``slices``, ``auto_square_off``, ``settlement`` and ``settlement_price`` are as :class:`qts.market.charges.DayFill` has them.
    """

    side: Side
    quantity: Decimal
    price: Decimal
    value: Decimal | None = None
    slices: int = 1
    auto_square_off: bool = False
    settlement: Settlement | None = None
    settlement_price: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot have been traded."""
        at = self.settlement_price or Decimal(0)
        for name, number in (("quantity", self.quantity), ("price", self.price), ("value", self.notional), ("settlement_price", at)):
            if not number.is_finite() or number < 0:
                raise BadParameter(name, number, "is not a positive number")
            if number > LARGEST:
                raise BadParameter(name, number, "is larger than anything ever traded", hint=f"Stay below {LARGEST:,}.")
        if self.quantity * at > LARGEST:
            raise BadParameter("settlement_price", at, "is larger than anything ever traded", hint=f"Its value stays below {LARGEST:,}.")
        if self.quantity == 0:
            raise BadParameter("quantity", self.quantity, "an executed order has at least one share")
        if self.slices < 1:
            raise BadParameter("slices", self.slices, "an order has at least one slice")
        if self.slices > _MOST_SLICES:
            raise BadParameter("slices", self.slices, "no order is cut into so many", hint=f"Stay below {_MOST_SLICES:,}.")

    @property
    def notional(self) -> Decimal:
        """Return the order's value in rupees."""
        return self.quantity * self.price if self.value is None else self.value

    def notional_of(self, quantity: Decimal) -> Decimal:
        """Return the value of a part of the order, in rupees."""
        if self.value is None:
            return quantity * self.price
        return self.value if quantity == self.quantity else self.value * quantity / self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedOrders:
    """The bill of a set of orders.

    ``orders`` has the lines of each order, ``total`` those of the bill, rounded as the mode says; rounding happens on the bill, so the
    parts add up to it only in the modes ``exact``, ``api`` and ``api_margins``. An order alone on its bill has the bill's lines.
    ``warnings`` names every estimate among the rates and rounding rules used.
    """

    orders: tuple[Charges, ...]
    total: Charges
    warnings: tuple[str, ...] = ()
