"""What has to be known of bars before a sweep, found once for arrays that are asked about again and again."""

from __future__ import annotations

import operator
import weakref
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qts.backtest.inputs import Timeline, check_bars
from qts.backtest.terms import PLAIN, InstrumentTerms, Locks, term_table
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
    """What the loops made for sweeps read besides prices.

    Columns in which a value is absent; in which bars a side does not trade, as bits (empty where there is none); and the ticks by bar, as
    ``qts.kernels.state`` has them (empty where there are none).
    """

    gaps: frozenset[str]
    blocked: Bytes
    ticks: Floats


def bar_facts(bars: Bars, terms: InstrumentTerms = PLAIN) -> BarFacts:
    """Return the facts of bars that can be played, where an instrument has these ticks and locks.

    Arrays are read-only by contract, so what was found of them holds as long as they live.

    Raises
    ------
    DataError
        As :func:`qts.backtest.inputs.check_bars`.
    """
    arrays = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    key = (*map(id, arrays), terms.ticks, terms.locks)
    known = _KNOWN.get(key)
    # Asked for every instrument of an account each time, so without a step of Python for each array.
    if known is not None and all(map(operator.is_, map(_alive, known[0]), arrays)):
        return known[1]
    check_bars(bars)
    gaps = frozenset(name for name in _COLUMNS if np.isnan(getattr(bars, name).min()))
    lock, ticks = _locks_and_ticks(bars, terms)
    facts = BarFacts(gaps=gaps, blocked=_blocked(bars.volume, lock), ticks=ticks)
    _KNOWN[key] = (tuple(weakref.ref(array) for array in arrays), facts)
    held = sum(len(one.blocked) for _, one in _KNOWN.values()) if len(facts.blocked) else 0
    while len(_KNOWN) > _MOST or held > _MOST_BYTES:
        held -= len(_KNOWN.popitem(last=False)[1][1].blocked)
    return facts


def _locks_and_ticks(bars: Bars, terms: InstrumentTerms) -> tuple[Locks, Floats]:
    """Return the locks and ticks of bars alone on their timeline, as columns of a run."""
    if not (terms.locks or terms.ticks):
        return np.zeros((0, 0), dtype=np.int8), np.zeros(0)
    columns = {name: getattr(bars, name).reshape(1, -1) for name in _COLUMNS}
    timeline = Timeline(
        instruments=(bars.instrument,),
        interval=bars.interval,
        ts=bars.ts,
        target=columns["close"],
        warmup_bars=0,
        n_below_zero=0,
        **columns,
    )
    table = term_table(timeline, [replace(PLAIN, ticks=terms.ticks, locks=terms.locks)])
    return table.lock, table.ticks


def _blocked(volume: Floats, lock: Locks) -> Bytes:
    untraded = volume == 0.0
    if not untraded.any() and not lock.any():
        return np.zeros(0, dtype=np.uint8)
    bits: Bytes = np.where(untraded, NO_BUYS | NO_SALES, 0).astype(np.uint8)
    if lock.size:
        bits |= np.where(lock[0] > 0, NO_BUYS, 0).astype(np.uint8) | np.where(lock[0] < 0, NO_SALES, 0).astype(np.uint8)
    return bits


_alive: Final = weakref.ref.__call__
_KNOWN: Final[OrderedDict[tuple[object, ...], tuple[tuple[weakref.ref[Floats | Ints], ...], BarFacts]]] = OrderedDict()
