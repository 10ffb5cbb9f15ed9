"""Whether the prices of one instrument, sent together, can all be true: what one alone cannot show, the others do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

INDEX_SEGMENT: Final = 9
FAR: Final = 20.0
"""Times the last price that no other price of a share or an index reaches, and the share of it that none falls to. The band of a day is
a fifth of the price at most; ten new shares for an old one, or the first day of a listing, are more than that and less than this."""
AVERAGE_BEYOND: Final = 0.1
"""Share by which the day's average may lie outside the day's range: trades of spreads count for the one and not for the other."""
CONTRACT_ROOM: Final = 100.0
"""Rupees by which an order for a contract may lie beyond ``FAR`` times the highest of its prices: for an option of five paise orders of
twenty rupees are taken."""
# NSE, BSE and indices: the lower byte of a token. Of all others prices may rise a thousandfold in a day.
_BANDED: Final = frozenset({1, 4, INDEX_SEGMENT})


def segment_of(token: int) -> int:
    """Return the segment of a token."""
    return token & 0xFF


def day_fits(last: float, open_: float, high: float, low: float) -> bool:
    """Return whether a day's range holds its open and its last price; before the open there is a last price, and no range (0)."""
    return not (high and low) or (low <= last <= high and low <= open_ <= high)


def average_fits(average: float, high: float, low: float) -> bool:
    """Return whether the average of a day's trades lies in its range, or nearly; 0 stands for none."""
    return not (average and high and low) or low * (1 - AVERAGE_BEYOND) <= average <= high * (1 + AVERAGE_BEYOND)


def book_fits(bids: Iterable[float], asks: Iterable[float]) -> bool:
    """Return whether both sides are best first; 0 stands for an empty level. They may cross: before an auction they do."""
    falling, rising = ([price for price in side if price] for side in (bids, asks))
    return all(after <= before for before, after in pairwise(falling)) and all(before <= after for before, after in pairwise(rising))


def are_near(token: int, last: float, *, day: Sequence[float], orders: Sequence[float]) -> bool:
    """Return whether no price is out of all proportion to the last one; 0 stands for none.

    Parameters
    ----------
    token : int
        Says of which segment the instrument is.
    last : float
        The last price, in rupees.
    day, orders : sequence of float
        The day's prices with the close of the day before, and those of orders with the day's average.
    """
    if segment_of(token) in _BANDED:
        return all(last / FAR <= price <= last * FAR for price in (*day, *orders) if price)
    highest = max(last, *day) if day else last
    return all(price <= highest * FAR + CONTRACT_ROOM for price in orders)
