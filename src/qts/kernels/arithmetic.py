"""The arithmetic of one fill, a number in and a number out: the only place where prices, quantities and simple costs are computed.

Every loop that fills orders is made of these functions, plain and compiled, so no two of them can disagree. Directions are 1.0 for a
purchase and -1.0 for a sale; ``units`` is 1.0 for whole shares, else how many parts a share has.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.kernels.state import BY_ATR_RISK, BY_CASH, BY_SHARES, BY_VOLATILITY, PER_SHARE_COST, PERCENT_COST

# Sixteen roundings of a float: what is this near to a whole number below it was meant to be that number.
WHOLE: Final = 1.0 + 2.0**-48
# Cash is a sum of floats: what lacks less than this, in rupees, is there.
NOISE: Final = 1e-8
# Ticks are counted in ten-thousandths of a rupee, the finest step of any Indian exchange.
PARTS_OF_RUPEE: Final = 10_000.0
# A price this near to a tick, relative to it, is on the tick.
ON_TICK: Final = 1e-9
# Up to here floats have room for a half.
LARGEST_PART: Final = 2.0**51
# A computed level without ticks is kept to a millionth of a rupee.
PARTS_OF_LEVEL: Final = 1_000_000.0


class Slip(NamedTuple):
    """How far a fill lies from its reference: a fraction of the price, and rupees on top."""

    fraction: float
    offset: float


class Size(NamedTuple):
    """How a target becomes a quantity; ``parts`` is how many instruments share the equity, ``multiple`` how many ATRs are risked."""

    kind: int
    amount: float
    parts: float
    multiple: float


class Moment(NamedTuple):
    """What sizing reads at a decision: the account's equity, the last close, and the ATR or volatility where the size needs one."""

    equity: float
    price: float
    measure: float


class Cost(NamedTuple):
    """A cost without a schedule: ``rate`` is a fraction of the value, or rupees a share with a ``minimum`` an order."""

    kind: int
    rate: float
    minimum: float


def floored(number: float) -> float:
    """Return ``number // 1.0``: the largest whole number that is not above this one, as a float however large it is.

    The operator compiles to a division with remainder, which takes longer than all else that a fill needs.
    """
    if not -LARGEST_PART < number < LARGEST_PART:
        return number // 1.0
    # Beyond this sum floats are one apart, so adding rounds to a whole number.
    nearest = (number + 3.0 * LARGEST_PART) - 3.0 * LARGEST_PART
    return nearest - 1.0 if nearest > number else nearest


def slipped_price(reference: float, direction: float, slip: Slip) -> float:
    """Return the price with slippage against us; a sale that slippage would bring to nothing or below is at a twentieth of a rupee.

    Where the reference itself is less than that, the sale is at the reference.
    """
    price = reference * (1.0 + direction * slip.fraction) + direction * slip.offset
    return price if price > 0.0 else min(reference, 0.05)


def on_tick(price: float, direction: float, tick: float) -> float:
    """Return the price on its tick, up for 1.0 and down for -1.0; ``tick`` in ten-thousandths of a rupee, 0.0 where there is none.

    The result is the float nearest to the decimal price: whole units, divided once.
    """
    if tick == 0.0:
        return price
    ticks = price * PARTS_OF_RUPEE / tick
    nearest = floored(ticks + 0.5)
    if abs(ticks - nearest) > ON_TICK * nearest:
        nearest = floored(ticks) + 1.0 if direction > 0.0 else floored(ticks)
    # Nothing trades below one tick.
    return max(nearest, 1.0) * tick / PARTS_OF_RUPEE


def level_price(price: float, direction: float, tick: float) -> float:
    """Return a computed level on its tick, or to the nearest millionth of a rupee where there is no tick."""
    if tick == 0.0:
        return floored(price * PARTS_OF_LEVEL + 0.5) / PARTS_OF_LEVEL
    return on_tick(price, direction, tick)


def sized_quantity(size: Size, target: float, moment: Moment) -> float:
    """Return the quantity a target means, unsigned and not yet whole."""
    if size.kind == BY_SHARES:
        return size.amount * abs(target)
    if size.kind == BY_CASH:
        return size.amount * abs(target) / moment.price
    if size.kind == BY_ATR_RISK:
        return size.amount * moment.equity / size.parts * abs(target) / (size.multiple * moment.measure)
    if size.kind == BY_VOLATILITY:
        scale = 1.0 if size.amount >= moment.measure else size.amount / moment.measure
        return scale * moment.equity / size.parts * abs(target) / moment.price
    return size.amount * moment.equity / size.parts * abs(target) / moment.price


def whole_lots(quantity: float, units: float, lot: float) -> float:
    """Return the quantity cut towards zero to whole lots; ``units`` above 1.0 go with a lot of 1.0.

    29 shares may come out as 28.999999999999996.
    """
    return floored(quantity * units * WHOLE / lot) * lot / units


def clean_quantity(quantity: float, units: float) -> float:
    """Return a signed quantity without the noise that differences of fractions carry."""
    return floored(quantity * units + 0.5) / units


def simple_cost(quantity: float, price: float, cost: Cost) -> float:
    """Return the charges of one order under a model without a schedule; the quantity may be signed."""
    if cost.kind == PERCENT_COST:
        return abs(quantity) * price * cost.rate
    if cost.kind == PER_SHARE_COST:
        return max(abs(quantity) * cost.rate, cost.minimum)
    return 0.0


HELPERS: Final[tuple[Any, ...]] = (
    floored,
    slipped_price,
    on_tick,
    level_price,
    sized_quantity,
    whole_lots,
    clean_quantity,
    simple_cost,
)
HOT: Final = HELPERS
