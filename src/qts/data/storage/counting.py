"""Bars per day of every series of a state, put together from what was counted when each file was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from qts.core import InstrumentId, Interval
from qts.core.collection import collection_paused
from qts.data.storage.coverage import Coverage, DayCounts, unsealed
from qts.data.storage.ledger import PackedCoverage
from qts.data.storage.series import PriceBasis, SeriesKey


def days_held(
    packed: Iterable[PackedCoverage], more: Iterable[tuple[Interval, PriceBasis, Coverage]], names: Mapping[int, InstrumentId]
) -> dict[SeriesKey, DayCounts]:
    """Return the bars per date of each series, from the counts of the files of one state.

    Parameters
    ----------
    packed : iterable of PackedCoverage
        The counts of the files that have them.
    more : iterable of (Interval, PriceBasis, Coverage)
        Counts of files of the earlier format, counted now.
    names : Mapping of int to InstrumentId
        The instruments by number.
    """
    held: dict[tuple[str, str, int], DayCounts] = {}
    with collection_paused():
        for one in packed:
            if one.packed is not None and one.seal is not None:
                _add(held, one.interval, one.basis, unsealed(one.packed, one.seal, one.path))
        for interval, basis, coverage in more:
            _add(held, str(interval), str(basis), coverage)
    return {
        SeriesKey(instrument=names[number], interval=Interval(interval), basis=PriceBasis(basis)): counts
        for (interval, basis, number), counts in held.items()
    }


def _add(held: dict[tuple[str, str, int], DayCounts], interval: str, basis: str, coverage: Coverage) -> None:
    narrow = Coverage(numbers=coverage.numbers, days=coverage.days.astype(np.int32), counts=coverage.counts.astype(np.int32))
    for number, days, counts in narrow.parts():
        key = (interval, basis, number)
        known = held.get(key)
        if known is None:
            held[key] = DayCounts([(days, counts)])
        else:
            known.add(days, counts)
