"""On which days a share did not trade although the exchange did: it is not in the exchange's own list, in which the others are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from qts.core import Exchange, Interval, Ints, exchange_of
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey

MIN_PEERS: Final = 20
"""So many others must be in the list of a day: a handful says nothing about one that is not."""
_MIN_SHARE: Final = 0.5
_LISTS: Final = ("bhav", "file:fo")


def days_without_trade(infos: Sequence[SeriesInfo], held: Mapping[SeriesKey, Mapping[int, int]]) -> Mapping[SeriesKey, frozenset[int]]:
    """Return, for series of days that come from bhavcopies alone, the days on which the exchange's list lacks them.

    A bhavcopy lists every share that traded. The day must hold twenty series of the same exchange that come from bhavcopies, and half of
    those that were listed then: otherwise only a part of the list was stored, and nothing can be said.

    Notes
    -----
    O(all days of such series); series from other files take no part.
    """
    groups: dict[tuple[Exchange, PriceBasis], list[SeriesKey]] = {}
    for info in infos:
        if info.key.interval is Interval.DAY and held.get(info.key) and all(_is_list(source) for source in info.sources):
            groups.setdefault((exchange_of(info.key.instrument), info.key.basis), []).append(info.key)
    found: dict[SeriesKey, frozenset[int]] = {}
    for keys in groups.values():
        if len(keys) > MIN_PEERS:
            found |= _absences({key: np.fromiter(held[key].keys(), np.int64, len(held[key])) for key in keys})
    return found


def _is_list(source: str) -> bool:
    name = source.lower()
    return any(part in name for part in _LISTS)


def _absences(days: Mapping[SeriesKey, Ints]) -> dict[SeriesKey, frozenset[int]]:
    first = min(int(part.min()) for part in days.values())
    n_days = max(int(part.max()) for part in days.values()) - first + 1
    traded = np.zeros(n_days, np.int64)
    listed = np.zeros(n_days + 1, np.int64)
    for part in days.values():
        np.add.at(traded, part - first, 1)
        listed[int(part.min()) - first] += 1
        listed[int(part.max()) - first + 1] -= 1
    is_whole = (traded >= MIN_PEERS) & (traded >= _MIN_SHARE * np.cumsum(listed)[:-1])
    whole = np.flatnonzero(is_whole) + first
    found = {}
    for key, part in days.items():
        inside = whole[(whole > part.min()) & (whole < part.max())]
        absent = np.setdiff1d(inside, part)
        if len(absent):
            found[key] = frozenset(absent.tolist())
    return found
