"""Exact numbers of the ledger: the context its decimals live in, and how numbers of the core become decimals."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

from qts.core.money import rupees_from_float

# Wide enough that no product of a price, a quantity and a rate is ever rounded.
EXACT: Final = Context(prec=60)
_KEPT_DECIMALS: Final = 12


def exact_shares(quantity: float) -> Decimal:
    """Return a quantity of the core as a decimal, whole ones as whole numbers."""
    return Decimal(int(quantity)) if quantity == int(quantity) else rupees_from_float(quantity)


def kept_short(number: Decimal) -> Decimal:
    """Return a number cut to twelve decimals where it has more of them, without zeros at its end.

    >>> kept_short(Decimal("12.500")), kept_short(Decimal(40))
    (Decimal('12.5'), Decimal('40'))
    """
    rounded = round(number, _KEPT_DECIMALS)
    return Decimal(int(rounded)) if rounded == int(rounded) else rounded.normalize()
