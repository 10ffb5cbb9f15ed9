"""Rupees as exact decimals, and the one place where array numbers become money."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NewType

Rupees = NewType("Rupees", Decimal)

PAISA = Decimal("0.01")
ZERO = Rupees(Decimal(0))


def rupees_from_float(value: float) -> Rupees:
    """Return the shortest decimal that reads back as this float.

    Prices come from files as decimals and cross the arrays as floats; the shortest decimal is the one that was in the file.

    >>> rupees_from_float(1013.5)
    Decimal('1013.5')
    """
    return Rupees(Decimal(repr(float(value))))


def round_to_paisa(amount: Decimal) -> Rupees:
    """Return the amount rounded half up to two decimals.

    >>> round_to_paisa(Decimal("2.525"))
    Decimal('2.53')
    """
    return Rupees(amount.quantize(PAISA, ROUND_HALF_UP))
