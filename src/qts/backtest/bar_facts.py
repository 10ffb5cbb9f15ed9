"""What has to be known of bars before a sweep, found once for arrays that are asked about again and again."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np

from qts.backtest.inputs import check_bars
from qts.core.arrays import Floats, Ints
from qts.core.bars import Bars
from qts.kernels.crosses import Bytes
from qts.kernels.lean import NO_BUYS, NO_SALES

_COLUMNS: Final = ("open", "high", "low", "close", "volume")
# Series asked about lately: all of an account's, but no more of long ones than hold some megabytes, a byte for each bar.
_MOST: Final = 1024
_MOST_BYTES: Final = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BarFacts:
    """Columns in which a value is absent, and in which bars nothing trades (empty where there is none) as bits for each side."""

    gaps: frozenset[str]
    blocked: Bytes


def bar_facts(bars: Bars) -> BarFacts:
    """Return the facts of bars that can be played.

    Arrays are read-only by contract, so what was found of them holds as long as they live.

    Raises
    ------
    DataError
        As :func:`qts.backtest.inputs.check_bars`.
    """
    arrays = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    key = tuple(map(id, arrays))
    known = _KNOWN.get(key)
    if known is not None and all(alive() is array for alive, array in zip(known[0], arrays, strict=True)):
        return known[1]
    check_bars(bars)
    gaps = frozenset(name for name in _COLUMNS if np.isnan(getattr(bars, name).min()))
    facts = BarFacts(gaps=gaps, blocked=_blocked(bars.volume))
    _KNOWN[key] = (tuple(weakref.ref(array) for array in arrays), facts)
    held = sum(len(one.blocked) for _, one in _KNOWN.values()) if len(facts.blocked) else 0
    while len(_KNOWN) > _MOST or held > _MOST_BYTES:
        held -= len(_KNOWN.popitem(last=False)[1][1].blocked)
    return facts


def _blocked(volume: Floats) -> Bytes:
    untraded = volume == 0.0
    if not untraded.any():
        return np.zeros(0, dtype=np.uint8)
    return np.where(untraded, NO_BUYS | NO_SALES, 0).astype(np.uint8)


_KNOWN: Final[OrderedDict[tuple[int, ...], tuple[tuple[weakref.ref[Floats | Ints], ...], BarFacts]]] = OrderedDict()
