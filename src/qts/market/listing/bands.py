"""The day's price band, and bars that look locked at its edge: nothing to buy at the upper one, nothing to sell at the lower one.

Prices are as traded: an adjusted close gives the wrong band.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Final

from qts.core import Floats
from qts.core.errors import BadParameter
from qts.market.listing.rows import rule_rows
from qts.market.listing.ticks import round_to_tick

if TYPE_CHECKING:  # the rules of the market start without arrays
    import numpy as np
    from numpy.typing import NDArray

_ONE: Final = Decimal(1)
# Prices are far fewer than a billion ticks: what floats lose is smaller than this part of a tick.
_ROUNDING: Final = 1e-5


class BandClass(StrEnum):
    """A set of securities with the same kind of band."""

    SHARE = "share"
    SHARE_WITH_DERIVATIVES = "share_with_derivatives"
    ETF = "etf"


class LockSide(StrEnum):
    """Which edge of the band a price stands at."""

    UPPER = "upper"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRule:
    """The fractions of the previous close that a class knows, smallest first; empty where its band is not fixed but ``dynamic``."""

    fractions: tuple[Decimal, ...]
    dynamic: Decimal | None
    is_estimate: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BandLimits:
    """The lowest and the highest price of an order, in rupees, both allowed."""

    lower: Decimal
    upper: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BandSpan:
    """From one date to another, both included, an instrument's band is known to be this fraction of the previous close.

    Raises
    ------
    BadParameter
        If the fraction is not between 0 and 1.
    """

    first: date
    last: date
    fraction: Decimal

    def __post_init__(self) -> None:
        _check_fraction(self.fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A bar without opposite side: at the upper edge nobody sells, at the lower one nobody buys."""

    side: LockSide
    fraction: Decimal


@cache
def band_rule(band_class: BandClass) -> BandRule:
    """Return what bands a class of securities has; which of them a security is in changes by notice and is not on record."""
    row = next(row for row in rule_rows("bands", "band") if row.text("class") == band_class)
    return BandRule(
        fractions=tuple(sorted(Decimal(text) for text in row.names("fractions"))),
        dynamic=row.number("dynamic") if "dynamic" in row.values else None,
        is_estimate=row.estimate != "",
        source=row.source,
    )


def band_limits(previous_close: Decimal, fraction: Decimal, tick: Decimal) -> BandLimits:
    """Return the day's limits: a fraction from the previous close, rounded to the tick towards it.

    Raises
    ------
    BadParameter
        If the close or the tick is not positive, or the fraction not between 0 and 1.

    >>> limits = band_limits(Decimal("101.35"), Decimal("0.05"), Decimal("0.05"))
    >>> limits.lower, limits.upper
    (Decimal('96.30'), Decimal('106.40'))
    """
    if not (previous_close.is_finite() and previous_close > 0):
        raise BadParameter("previous_close", previous_close, "is not a positive number")
    _check_fraction(fraction)
    return BandLimits(
        lower=round_to_tick(previous_close * (_ONE - fraction), tick, up=True),
        upper=round_to_tick(previous_close * (_ONE + fraction), tick, up=False),
    )


def looks_locked(*, high: Decimal, low: Decimal, close: Decimal, previous_close: Decimal, tick: Decimal) -> Lock | None:
    """Return the lock a bar looks like, or None.

    A bar of one price that stands exactly at an edge of one of the bands of shares (2, 5, 10, 20 %) looks locked. It is a guess: an
    illiquid share can print one such price by chance, and a share locked for part of a bar is not seen.

    Parameters
    ----------
    high, low, close : Decimal
        The bar, in rupees as traded.
    previous_close : Decimal
        The close of the previous **session**, also for bars within a day.
    tick : Decimal
        The tick of the date.

    Raises
    ------
    BadParameter
        If the previous close or the tick is not positive.
    """
    for fraction in band_rule(BandClass.SHARE).fractions:
        limits = band_limits(previous_close, fraction, tick)
        if high == low == close == limits.upper > previous_close:
            return Lock(side=LockSide.UPPER, fraction=fraction)
        if high == low == close == limits.lower < previous_close:
            return Lock(side=LockSide.LOWER, fraction=fraction)
    return None


def locked_bars(*, high: Floats, low: Floats, close: Floats, previous_close: Floats, tick: Floats | float) -> NDArray[np.int8]:
    """Return for each bar whether it looks locked, as :func:`looks_locked` does.

    Parameters
    ----------
    high, low, close : ndarray of shape (n_bars,)
        Bars in rupees as traded, oldest first.
    previous_close : ndarray of shape (n_bars,)
        For each bar the close of the session before its own; NaN where it is not known, which is no lock.
    tick : ndarray of shape (n_bars,) or float
        The tick of each bar's date, positive.

    Returns
    -------
    ndarray of int8, shape (n_bars,)
        1 at the upper edge (nothing to buy), -1 at the lower one (nothing to sell), else 0.
    """
    fractions = [float(fraction) for fraction in band_rule(BandClass.SHARE).fractions]
    uppers = [(previous_close * (1.0 + fraction) / tick + _ROUNDING) // 1.0 * tick for fraction in fractions]
    lowers = [-((-previous_close * (1.0 - fraction) / tick + _ROUNDING) // 1.0) * tick for fraction in fractions]
    nearness = tick * _ROUNDING * 10
    is_upper = reduce(or_, [abs(close - upper) < nearness for upper in uppers]) & (close > previous_close)
    is_lower = reduce(or_, [abs(close - lower) < nearness for lower in lowers]) & (close < previous_close)
    is_flat = (high == low) & (low == close)
    locked: NDArray[np.int8] = (is_flat & is_upper).astype("int8") - (is_flat & is_lower).astype("int8")
    return locked


def _check_fraction(fraction: Decimal) -> None:
    if not (fraction.is_finite() and 0 < fraction < 1):
        raise BadParameter("fraction", fraction, "is not between 0 and 1", hint="Write 5 % as 0.05.")
