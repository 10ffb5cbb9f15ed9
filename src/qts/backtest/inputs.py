"""What a run is made of, checked once: bars on one timeline and the targets of every instrument on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qts.core.arrays import Floats, Ints
from qts.core.bars import LARGEST_PRICE, SMALLEST_PRICE, Bars
from qts.core.clock import instant_of
from qts.core.errors import BadParameter, DataError, DuplicateBar
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.strategies import Form, Strategy

_COLUMNS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Bars of all instruments on the union of their instants.

    Columns have shape ``(n_instruments, n_bars)``, NaN where an instrument has no bar or one with a NaN price. ``warmup_bars`` counts the
    bars before the last instrument's strategy first decided; ``n_below_zero`` the targets below zero. ``is_matrix`` says that targets are
    weights of the account, decided for all instruments at once. A strategy that gives orders bar by bar has no targets: all are NaN.
    """

    instruments: tuple[InstrumentId, ...]
    interval: Interval
    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    target: Floats
    warmup_bars: int
    n_below_zero: int
    is_matrix: bool = False


def gather(strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars]) -> Timeline:
    """Return the bars and the strategy's targets on one timeline, checked.

    Each instrument's strategy sees its own bars only, all of them as they came, and a matrix strategy those of all. What it says on a bar
    with a NaN price counts for nothing, but for a matrix strategy, whose wish then waits for the instrument's next bar.

    Raises
    ------
    BadParameter
        If there is no instrument, one comes twice, or the intervals differ.
    DataError
        If bars are absent, out of order, doubled, or carry a price that is none.
    """
    _check_set(bars)
    for series in bars:
        check_bars(series)
    ts = _union(bars)
    priced = [without_absent(series) for series in bars]
    places = _places(bars, ts)
    target, warmup = _targets(strategy, params, bars, priced=priced, places=places, ts=ts)
    columns = {name: _stack([getattr(series, name) for series in priced], places, len(ts)) for name in _COLUMNS}
    return Timeline(
        instruments=tuple(series.instrument for series in bars),
        interval=bars[0].interval,
        ts=ts,
        target=target,
        warmup_bars=warmup,
        n_below_zero=int(np.count_nonzero(target < 0.0)),
        is_matrix=strategy.matrix,
        **columns,
    )


def _targets(
    strategy: Strategy,
    params: Mapping[str, object],
    bars: Sequence[Bars],
    *,
    priced: Sequence[Bars],
    places: Sequence[Ints | None],
    ts: Ints,
) -> tuple[Floats, int]:
    """Return the targets on the timeline, and how many bars there are before the last instrument's first."""
    if strategy.form is Form.ON_BAR:
        strategy.resolve(params)
        return np.full((len(bars), len(ts)), np.nan), 0
    wanted = strategy.exposures(bars, params)
    if strategy.form is Form.MATRIX:
        return np.array(wanted), max(_first_decision(target, ts, ts) for target in wanted)
    for i, (series, kept) in enumerate(zip(bars, priced, strict=True)):
        if kept is not series:
            wanted[i] = np.where(np.isnan(kept.close), np.nan, wanted[i])
    warmup = max(_first_decision(target, series.ts, ts) for target, series in zip(wanted, bars, strict=True))
    return _stack(wanted, places, len(ts)), warmup


def check_bars(bars: Bars) -> None:
    """Refuse bars that cannot be played.

    A NaN price is allowed: such a bar has no decision and no fill, and the position keeps its last mark.

    Raises
    ------
    DuplicateBar
        If two bars claim one instant.
    DataError
        If there are none, they are out of order, or a price is infinite or too small, or a volume negative; names the first such bar.
    """
    if len(bars) == 0:
        raise DataError(f"{bars.instrument} has no bars.", hint="Choose dates for which bars are stored.")
    steps = np.diff(bars.ts)
    if len(steps) and int(steps.min()) <= 0:
        at = int(np.flatnonzero(steps <= 0)[0]) + 1
        if steps[at - 1] == 0:
            raise DuplicateBar(f"{_named(bars, at)} is there twice.", hint="Import the instrument's bars again.")
        raise DataError(f"{_named(bars, at)} comes after a later one.", hint="Sort the bars, oldest first.")
    for name in ("open", "high", "low", "close"):
        _check_column(bars, name, getattr(bars, name))
    _check_volume(bars)


def _check_volume(bars: Bars) -> None:
    if bars.volume.min() >= 0.0 and bars.volume.max() < np.inf:
        return
    wrong = np.flatnonzero((bars.volume < 0.0) | np.isinf(bars.volume))
    if wrong.size:
        raise DataError(f"{_named(bars, int(wrong[0]))} has volume {bars.volume[wrong[0]]}.", hint="Correct the bar and import it again.")


def without_absent(bars: Bars) -> Bars:
    """Return the bars with all prices NaN wherever one is, for such a bar counts as none; the same bars where there is no such."""
    # A smallest value is NaN where any value is, and a sum where a term is.
    if not np.isnan(bars.open.min() + bars.high.min() + bars.low.min() + bars.close.min()):
        return bars
    absent = np.isnan(bars.open + bars.high + bars.low + bars.close)
    open_, high, low, close = (np.where(absent, np.nan, column) for column in (bars.open, bars.high, bars.low, bars.close))
    return replace(bars, open=open_, high=high, low=low, close=close)


def _check_set(bars: Sequence[Bars]) -> None:
    if not bars:
        raise BadParameter("instruments", "", "there is none to run on", hint="Name at least one, such as NSE:INFY.")
    seen: set[InstrumentId] = set()
    for series in bars:
        if series.instrument in seen:
            raise BadParameter("instruments", series.instrument, "is given twice", hint="Name each instrument once.")
        seen.add(series.instrument)
        if series.interval is not bars[0].interval:
            reason = f"has {series.interval} bars where {bars[0].instrument} has {bars[0].interval} bars"
            raise BadParameter("instruments", series.instrument, reason, hint="Run on bars of one interval.")


def _check_column(bars: Bars, name: str, prices: Floats) -> None:
    # Two reductions settle the common case; NaN makes both of them NaN, which compares false.
    if prices.min() >= SMALLEST_PRICE and prices.max() <= LARGEST_PRICE:
        return
    wrong = np.flatnonzero((prices < SMALLEST_PRICE) | (prices > LARGEST_PRICE))
    if wrong.size:
        at = int(wrong[0])
        hint = "Correct the bar and import it again."
        raise DataError(f"{_named(bars, at)} has {name} {prices[at]}, which is no price.", hint=hint)


def _named(bars: Bars, at: int) -> str:
    return f"The {bars.interval} bar of {bars.instrument} at {instant_of(int(bars.ts[at])).isoformat()}"


def _union(bars: Sequence[Bars]) -> Ints:
    first = bars[0].ts
    if all(np.array_equal(series.ts, first) for series in bars[1:]):
        return first
    union: Ints = np.unique(np.concatenate([series.ts for series in bars]))
    return union


def _stack(columns: Sequence[Floats], places: Sequence[Ints | None], n_bars: int) -> Floats:
    """Return columns of each instrument's own bars on the timeline; ``places`` says where they go, None where they fill it."""
    if len(columns) == 1:
        return columns[0].reshape(1, -1)
    stacked = np.full((len(columns), n_bars), np.nan)
    for i, (column, at) in enumerate(zip(columns, places, strict=True)):
        stacked[i, slice(None) if at is None else at] = column
    return stacked


def _places(bars: Sequence[Bars], ts: Ints) -> list[Ints | None]:
    return [None if series.ts is ts or np.array_equal(series.ts, ts) else np.searchsorted(ts, series.ts) for series in bars]


def _first_decision(target: Floats, own: Ints, ts: Ints) -> int:
    undecided = np.isnan(target)
    at = int(np.argmin(undecided))
    return len(ts) if undecided[at] else int(np.searchsorted(ts, own[at]))
