"""Signals on long bars, fills on short ones: a strategy's decisions carried over to the bars they are executed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from qts.core.arrays import Floats, Ints
from qts.core.bars import Bars
from qts.core.errors import BadParameter
from qts.core.interval import Interval
from qts.strategies import Form, Panel, Strategy

_MINUTE: Final = 60_000_000
_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
# The first of January 1970 was a Thursday; weeks end after Sunday.
_TO_MONDAY: Final = 3


def carried_over(strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars], finer: Sequence[Bars]) -> Strategy:
    """Return a strategy that wants on the finer bars what the given one decides on its own.

    A decision made at the close of a long bar stands on the last finer bar that ends no later, so that it is executed at the next finer
    open; on no finer bar is a decision seen before the long bar has closed. What was decided before the finer bars begin stands on their
    first.

    Parameters
    ----------
    strategy : Strategy
        Any but one that gives orders bar by bar: that one sees longer bars itself.
    params : Mapping[str, object]
        Its parameters.
    bars : sequence of Bars
        What it decides on, one series per instrument.
    finer : sequence of Bars
        What its orders are executed on: the same instruments in the same order, of a shorter interval.

    Raises
    ------
    BadParameter
        If the instruments differ, the interval is not shorter, or the strategy gives orders bar by bar.
    StrategyFailed
        If the strategy fails on its bars.
    """
    _check(strategy, bars, finer)
    wanted = strategy.exposures(bars, params)
    stamps = [np.unique(np.concatenate([series.ts for series in bars]))] * len(bars) if strategy.form is Form.MATRIX else _stamps(bars)
    ends = [_ends(ts, bars[0].interval) for ts in stamps]
    if strategy.form is Form.MATRIX:
        return Strategy(title=strategy.title, matrix=True, targets=lambda panel: _on_panel(panel, wanted, ends))
    by_name = {series.instrument: (target, end) for series, target, end in zip(bars, wanted, ends, strict=True)}

    def targets(series: Bars) -> Floats:
        target, end = by_name[series.instrument]
        return _placed(target, _places(end, series.ts, series.interval), len(series))

    return Strategy(title=strategy.title, targets=targets)


def _check(strategy: Strategy, bars: Sequence[Bars], finer: Sequence[Bars]) -> None:
    if strategy.form is Form.ON_BAR:
        hint = "Run it on the finer bars; it sees longer ones by context.instrument.higher(…)."
        raise BadParameter("fill_interval", finer[0].interval, "a strategy of orders bar by bar has one interval", hint=hint)
    if [series.instrument for series in bars] != [series.instrument for series in finer]:
        raise BadParameter("fill_interval", finer[0].interval, "has other instruments than the signals", hint="Give the same ones.")
    order = list(Interval)
    if order.index(finer[0].interval) >= order.index(bars[0].interval):
        reason = f"is not shorter than the signals' {bars[0].interval}"
        raise BadParameter("fill_interval", finer[0].interval, reason, hint="Choose a shorter one, or none.")


def _stamps(bars: Sequence[Bars]) -> list[Ints]:
    return [series.ts for series in bars]


def _ends(ts: Ints, interval: Interval) -> Ints:
    """Return the instants at which bars are over for certain: minutes by their length, longer ones with their last date."""
    ends: Ints
    if interval.minutes is not None:
        return ts + interval.minutes * _MINUTE
    day = (ts + _IST) // _DAY
    if interval is Interval.WEEK:
        day = (day + _TO_MONDAY) // 7 * 7 - _TO_MONDAY + 6
    if interval is Interval.MONTH:
        months = day.astype("datetime64[D]").astype("datetime64[M]") + 1
        day = months.astype("datetime64[D]").astype(np.int64) - 1
    ends = (day + 1) * _DAY - _IST
    return ends


def _places(ends: Ints, ts: Ints, interval: Interval) -> Ints:
    """Return, for each decision, the finer bar it stands on: the last that is over by then, and that the next one does not overtake."""
    places = np.searchsorted(_ends(ts, interval), ends, side="right") - 1
    # Where grids do not fit, the next bar may have opened before the decision: then that bar is the earliest that may carry it.
    following = np.minimum(places + 1, len(ts) - 1)
    overtaken = (places + 1 < len(ts)) & (ts[following] < ends)
    kept: Ints = np.maximum(np.where(overtaken, places + 1, places), 0)
    return kept


def _placed(target: Floats, places: Ints, n_bars: int) -> Floats:
    out = np.full(n_bars, np.nan)
    known = ~np.isnan(target)
    # Of several decisions for one place the last counts.
    for at, value in zip(places[known].tolist(), target[known].tolist(), strict=True):
        out[at] = value
    return out


def _on_panel(panel: Panel, wanted: Sequence[Floats], ends: Sequence[Ints]) -> Floats:
    rows = [_placed(target, _places(end, panel.ts, panel.interval), len(panel.ts)) for target, end in zip(wanted, ends, strict=True)]
    return np.array(rows)
