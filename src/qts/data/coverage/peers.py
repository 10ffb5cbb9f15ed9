"""On which days a share did not trade although the exchange did: it is not in the exchange's own list, in which the others are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from qts.core import Exchange, Interval, Ints, exchange_of
from qts.data.coverage.days import arrays_of
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey

MIN_PEERS: Final = 20
"""So many others must be in the list of a day: a handful says nothing about one that is not."""
_MIN_SHARE: Final = 0.5
# Names of the exchange's files: cm01DEC2017bhav.csv, BhavCopy_NSE_FO_….csv, fo14112025.csv and op14112025.csv.
_LIST: Final = re.compile(r"bhav|^file:(fo|op)\d{8}\b", re.IGNORECASE)


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
        if info.key.interval is Interval.DAY and all(map(_is_list, info.sources)) and held.get(info.key):
            groups.setdefault((exchange_of(info.key.instrument), info.key.basis), []).append(info.key)
    found: dict[SeriesKey, frozenset[int]] = {}
    for keys in groups.values():
        if len(keys) > MIN_PEERS:
            found |= _absences({key: arrays_of(held[key])[0] for key in keys})
    return found


def _is_list(source: str) -> bool:
    return _LIST.search(source) is not None


def _absences(days: Mapping[SeriesKey, Ints]) -> dict[SeriesKey, frozenset[int]]:
    first = min(int(part[0]) for part in days.values())
    n_days = max(int(part[-1]) for part in days.values()) - first + 1
    traded = np.zeros(n_days, np.int64)
    listed = np.zeros(n_days + 1, np.int64)
    for part in days.values():
        traded[part - first] += 1
        listed[int(part[0]) - first] += 1
        listed[int(part[-1]) - first + 1] -= 1
    is_whole = (traded >= MIN_PEERS) & (traded >= _MIN_SHARE * np.cumsum(listed)[:-1])
    whole = np.flatnonzero(is_whole) + first
    found = {}
    for key, part in days.items():
        inside = whole[np.searchsorted(whole, part[0]) : np.searchsorted(whole, part[-1])]
        absent = inside[part[np.minimum(np.searchsorted(part, inside), len(part) - 1)] != inside]
        if len(absent):
            found[key] = frozenset(absent.tolist())
    return found
