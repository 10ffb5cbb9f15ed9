"""Does a strategy use the future? Cut the data and see whether the past changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from qts.backtest.stepping import orders_given
from qts.core.arrays import Floats
from qts.core.bars import Bars
from qts.core.clock import instant_of
from qts.core.errors import StrategyFailed
from qts.core.instrument import InstrumentId
from qts.strategies import Form, OrderRequest, Strategy

# Sums over arrays of other lengths may round otherwise; a target that differs by less says nothing about the future.
_NOISE: Final = 1e-9
# A few short series are cut more often than many or long ones: the time it takes stays within bounds.
_FEWEST: Final = 12
_MOST: Final = 60
_BARS_AGAIN: Final = 300_000
# A strategy of orders costs microseconds a bar.
_FEWEST_RUNS: Final = 4


class Verdict(StrEnum):
    """What the check found."""

    CLEAN = "clean"
    FOUND = "found"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookaheadVerdict:
    """The verdict, and where the past first changed.

    ``first_bar`` is the position of the earliest bar whose target depends on later bars, ``instrument`` whose, ``detail`` a sentence.
    ``n_cuts`` counts the cuts made over all instruments. Clean means that no cut showed anything, not that none could.
    """

    verdict: Verdict
    first_bar: int | None = None
    instrument: InstrumentId | None = None
    n_cuts: int = 0
    detail: str = ""


def check(strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars], *, n_cuts: int | None = None) -> LookaheadVerdict:
    """Return whether the targets of ``bars[:k]`` equal the first k targets of all bars, for several k.

    Cuts are made right after bars where the target changes and right before large moves, for there a leak of one bar shows and pays, and
    spread over the rest. There are about ``n_cuts`` of them for each instrument, by default from 12 for long series to 60 for a short
    one; each is a run of the strategy. Targets are equal if they differ by no more than rounding does.

    Raises
    ------
    BadParameter
        If the parameters do not fit.
    StrategyFailed
        If the strategy fails on the whole of the bars.
    """
    if strategy.form is Form.MATRIX:
        return _check_matrix(strategy, params, bars, n_cuts=n_cuts)
    if strategy.form is Form.ON_BAR:
        return _check_orders(strategy, params, bars, n_cuts=n_cuts)
    made = 0
    for series in bars:
        whole = strategy.exposure(series, params)
        for k in _cuts(whole, series.close, n_cuts or _affordable(len(series), len(bars))):
            made += 1
            found = _compare(strategy, params, series, whole[:k])
            if found is not None:
                at, why = found
                return _found(series.instrument, (at, int(series.ts[at])), why, k=k, n_cuts=made)
    return _nothing_found(made)


def _check_matrix(strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars], *, n_cuts: int | None) -> LookaheadVerdict:
    """Cut all instruments at one instant, for each decides on the prices of the others too."""
    whole = strategy.exposures(bars, params)
    ts = np.unique(np.concatenate([series.ts for series in bars]))
    # A number that grows by one wherever any instrument's target changes.
    changed = np.any(np.diff(np.nan_to_num(np.array(whole)), axis=1) != 0.0, axis=0)
    steps = np.concatenate(([0.0], np.cumsum(changed, dtype=np.float64)))
    level = np.interp(ts, bars[0].ts, bars[0].close)
    made = 0
    for k in _cuts(steps, level, n_cuts or _affordable(len(ts) * len(bars), 1)):
        made += 1
        cut = [series.window(0, int(np.searchsorted(series.ts, ts[k]))) for series in bars]
        try:
            rows = strategy.exposures(cut, params)
        except StrategyFailed as error:
            return _found(bars[0].instrument, (k - 1, int(ts[k - 1])), f"the strategy fails ({error.reason})", k=k, n_cuts=made)
        for series, expected, got in zip(bars, whole, rows, strict=True):
            found = _differing(got, expected[:k])
            if found is not None:
                return _found(series.instrument, (found[0], int(ts[found[0]])), found[1], k=k, n_cuts=made)
    return _nothing_found(made)


def _check_orders(strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars], *, n_cuts: int | None) -> LookaheadVerdict:
    """Compare the orders given up to each cut. Histories hold the past alone, so a leak comes from what the strategy keeps of its own."""
    whole = orders_given(strategy, params, bars)
    ts = np.unique(np.concatenate([series.ts for series in bars]))
    steps = np.zeros(len(ts))
    for at, _ in whole:
        steps[at] += 1.0
    level = np.interp(ts, bars[0].ts, bars[0].close)
    made = 0
    for k in _cuts(np.cumsum(steps), level, n_cuts or max(_FEWEST_RUNS, min(_MOST, _BARS_AGAIN // (len(ts) * len(bars))))):
        made += 1
        cut = [part for series in bars if len(part := series.window(0, int(np.searchsorted(series.ts, ts[k]))))]
        if len(cut) < len(bars):
            continue
        try:
            got = orders_given(strategy, params, cut)
        except StrategyFailed as error:
            return _found(bars[0].instrument, (k - 1, int(ts[k - 1])), f"the strategy fails ({error.reason})", k=k, n_cuts=made)
        expected = [order for order in whole if order[0] < k]
        if got != expected:
            at = _parting(got, expected)
            return _found(bars[0].instrument, (at, int(ts[at])), "other orders are given", k=k, n_cuts=made)
    return _nothing_found(made)


def _parting(got: Sequence[tuple[int, OrderRequest]], expected: Sequence[tuple[int, OrderRequest]]) -> int:
    """Return the bar of the first order that is another, or is missing in one of them."""
    for one, other in zip(got, expected, strict=False):
        if one != other:
            return min(one[0], other[0])
    longer = max(got, expected, key=len)
    return longer[min(len(got), len(expected))][0]


def _found(instrument: InstrumentId, bar: tuple[int, int], why: str, *, k: int, n_cuts: int) -> LookaheadVerdict:
    at, ts = bar
    detail = f"{instrument}, bar {at} ({instant_of(ts).isoformat()}): {why} once the bars after bar {k - 1} are cut off."
    return LookaheadVerdict(verdict=Verdict.FOUND, first_bar=at, instrument=instrument, n_cuts=n_cuts, detail=detail)


def _nothing_found(n_cuts: int) -> LookaheadVerdict:
    if n_cuts == 0:
        return LookaheadVerdict(verdict=Verdict.NOT_CHECKED, detail="There are too few bars to cut.")
    return LookaheadVerdict(verdict=Verdict.CLEAN, n_cuts=n_cuts, detail=f"{n_cuts} cuts changed nothing.")


def _compare(strategy: Strategy, params: Mapping[str, object], series: Bars, expected: Floats) -> tuple[int, str] | None:
    try:
        got = strategy.exposure(series.window(0, len(expected)), params)
    except StrategyFailed as error:
        return len(expected) - 1, f"the strategy fails ({error.reason})"
    return _differing(got, expected)


def _differing(got: Floats, expected: Floats) -> tuple[int, str] | None:
    differs = np.flatnonzero(~((np.abs(got - expected) <= _NOISE) | (np.isnan(got) & np.isnan(expected))))
    if not differs.size:
        return None
    at = int(differs[0])
    return at, f"the target changes from {expected[at]} to {got[at]}"


def _affordable(n_bars: int, n_instruments: int) -> int:
    return max(_FEWEST, min(_MOST // n_instruments, _BARS_AGAIN // max(1, n_bars)))


def _cuts(whole: Floats, close: Floats, n_cuts: int) -> list[int]:
    """Return lengths to cut to: half end on a change of target or just before it, a quarter before the largest moves, the rest evenly."""
    if len(whole) < 2:
        return []
    changes = np.flatnonzero(np.diff(np.nan_to_num(whole)) != 0.0) + 1
    picked = changes[np.linspace(0, len(changes) - 1, min(len(changes), max(1, n_cuts // 4))).astype(int)] if len(changes) else changes
    moves = np.abs(np.nan_to_num(np.diff(close) / close[:-1]))
    largest = np.argsort(-moves, kind="stable")[: n_cuts // 4] + 1
    even = np.linspace(1, len(whole) - 1, max(1, n_cuts - 2 * len(picked) - len(largest))).astype(int)
    lengths = {int(k) for k in (*picked, *(picked + 1), *largest, *even)}
    return sorted(k for k in lengths if 1 <= k < len(whole))
