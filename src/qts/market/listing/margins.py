"""What a position ties up: rounded, cautious fractions, always an estimate.

The true margin comes from the exchange's portfolio model, several times a day. Here one position stands alone: no hedge lowers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from qts.core import Direction, Exchange, Product
from qts.core.errors import BadParameter
from qts.market.listing.contract import Contract, ContractKind
from qts.market.listing.rows import row_in_force, rule_rows

_PRODUCTS: Final = {Product.CNC: "delivery", Product.MIS: "intraday"}


class MarginBase(StrEnum):
    """What a fraction is of, for the quantity of the position."""

    NOTIONAL = "notional"
    STRIKE = "strike"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRate:
    """Fractions of a base that a position ties up when opened.

    ``fraction_short`` is None where nothing can be sold short. ``adds_premium_short``: the seller's premium is blocked beside it.
    ``least_fraction`` is the smallest fraction the broker would accept for shares within the day (5 times leverage: 0.20), None where
    none is on record. ``note`` says how rough the numbers are, for whoever reads a result that used them.
    """

    fraction_long: Decimal
    base_long: MarginBase
    fraction_short: Decimal | None
    base_short: MarginBase
    adds_premium_short: bool
    least_fraction: Decimal | None
    is_estimate: bool
    source: str
    note: str


def margin_estimate(what: Contract | Product, on: date) -> MarginRate:
    """Return the margin of a contract, or of shares by their product, on a date. It is never more than an estimate.

    Raises
    ------
    BadParameter
        If the product is one of contracts (NRML) and no contract is given.

    >>> margin_estimate(Product.MIS, date(2026, 11, 2)).least_fraction
    Decimal('0.20')
    """
    name = _class_of(what)
    rows = [row for row in rule_rows("margins", "margin") if row.text("class") == name]
    row = row_in_force(rows, on) or rows[0]
    base = MarginBase(row.text("base"))
    is_option = base is MarginBase.STRIKE
    return MarginRate(
        fraction_long=row.number("long"),
        base_long=MarginBase.PREMIUM if is_option else base,
        fraction_short=row.number("short") if "short" in row.values else None,
        base_short=base,
        adds_premium_short=row.values.get("premium_too") is True,
        least_fraction=row.number("least") if "least" in row.values else None,
        is_estimate=True,
        source=row.source,
        note=row.estimate,
    )


def margin_rupees(rate: MarginRate, direction: Direction, *, price: Decimal, quantity: Decimal, strike: Decimal | None = None) -> Decimal:
    """Return what a position ties up when opened, in rupees.

    Parameters
    ----------
    rate : MarginRate
        The margin of the instrument.
    direction : Direction
        Long or short.
    price, quantity : Decimal
        The price in rupees (of an option: its premium) and the shares or units, positive also for a short.
    strike : Decimal, optional
        The option's strike, which a seller's margin is a fraction of.

    Raises
    ------
    BadParameter
        If the instrument cannot be sold short, a seller's strike is missing, or price or quantity is negative.

    >>> rate = margin_estimate(Product.CNC, date(2026, 11, 2))
    >>> margin_rupees(rate, Direction.LONG, price=Decimal("1500.5"), quantity=Decimal(10))
    Decimal('15005.0')
    """
    for name, number in (("price", price), ("quantity", quantity)):
        if not number.is_finite() or number < 0:
            raise BadParameter(name, number, "is not a number from 0 on")
    value = price * quantity
    if direction is Direction.LONG:
        return value * rate.fraction_long
    if rate.fraction_short is None:
        raise BadParameter("direction", direction, "shares for delivery cannot be sold short", hint="Use the product MIS, or a future.")
    if rate.base_short is not MarginBase.STRIKE:
        return value * rate.fraction_short
    if strike is None or not (strike.is_finite() and strike > 0):
        raise BadParameter("strike", strike, "the margin of a sold option is a fraction of its strike")
    return strike * quantity * rate.fraction_short + (value if rate.adds_premium_short else Decimal(0))


def _class_of(what: Contract | Product) -> str:
    if isinstance(what, Product):
        if what not in _PRODUCTS:
            hint = f"Products of shares are {' and '.join(_PRODUCTS)}; for a future or an option give the contract."
            raise BadParameter("product", what, "is not one of shares", hint=hint)
        return _PRODUCTS[what]
    kind = "future" if what.kind is ContractKind.FUTURE else "option"
    match what.exchange:
        case Exchange.CDS | Exchange.BCD:
            return f"currency_{kind}"
        case Exchange.MCX | Exchange.NCO:
            return f"commodity_{kind}"
        case _:
            return f"index_{kind}" if what.is_index else f"stock_{kind}"
