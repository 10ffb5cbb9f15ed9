"""Prices of different days in one measure: bars as traded, adjusted backwards for the actions after them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from qts.core import Bars, Floats, Ints
from qts.data.actions.records import StatedAction

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What all prices before a day are multiplied by. ``is_cash`` marks a dividend, which changes no number of shares."""

    ex_date: date
    factor: float
    is_cash: bool = False


def closes_needed(actions: Iterable[StatedAction], *, total_return: bool = False) -> tuple[date, ...]:
    """Return the ex dates before which the last close must be known to adjust for these actions."""
    return tuple(sorted({action.ex_date for action in _applied(actions, total_return=total_return) if action.needs_close}))


def steps_of(actions: Iterable[StatedAction], closes: Mapping[date, float], *, total_return: bool = False) -> tuple[Step, ...]:
    """Return the steps of an instrument's actions, oldest first.

    Dividends are left out unless the total return is asked for. An action that needs the close before it and has none in ``closes``
    has no bars before it either, so it adjusts nothing and is left out.

    Parameters
    ----------
    actions : iterable of StatedAction
        Of one instrument.
    closes : mapping of date to float
        By ex date, the last close as traded before it.
    total_return : bool
        Whether dividends count as if they were put back into the share.
    """
    found = [
        Step(ex_date=action.ex_date, factor=action.price_factor(closes.get(action.ex_date)), is_cash=not action.changes_shares)
        for action in _applied(actions, total_return=total_return)
        if not action.needs_close or action.ex_date in closes
    ]
    return tuple(sorted(found, key=lambda step: step.ex_date))


def last_closes(bars: Bars, ex_dates: Iterable[date]) -> dict[date, float]:
    """Return the last close before each of these days; a day without any bar before it is left out."""
    opened = _days(bars.ts)
    at = {on: int(np.searchsorted(opened, (on - _EPOCH).days)) - 1 for on in ex_dates}
    return {on: float(bars.close[i_bar]) for on, i_bar in at.items() if i_bar >= 0}


def back_adjust(bars: Bars, steps: Sequence[Step]) -> Bars:
    """Return bars with the prices before each ex date multiplied by its factor, and the volumes divided by it.

    So price times volume stays the value that was traded. Dividends leave volumes alone. Prices are not rounded to ticks.

    Notes
    -----
    O(n_bars) time; the bars given are not changed. Bars of a week or a month are adjusted by their first day, so an action inside of one
    is taken as after it: make longer bars from adjusted shorter ones instead.
    """
    if not steps or not len(bars):
        return bars
    prices = _products(bars.ts, steps)
    shares = _products(bars.ts, [step for step in steps if not step.is_cash])
    return replace(
        bars,
        open=bars.open * prices,
        high=bars.high * prices,
        low=bars.low * prices,
        close=bars.close * prices,
        volume=bars.volume / shares,
    )


def _applied(actions: Iterable[StatedAction], *, total_return: bool) -> list[StatedAction]:
    return [action for action in actions if total_return or action.changes_shares]


def _products(ts: Ints, steps: Sequence[Step]) -> Floats:
    """Return for each bar the product of the factors of the steps after its day, shape ``(n_bars,)``."""
    ordered = sorted(steps, key=lambda step: step.ex_date)
    on = np.array([(step.ex_date - _EPOCH).days for step in ordered], dtype=np.int64)
    # after[k] is the product of the factors of step k and all later ones.
    after = np.append(np.cumprod([step.factor for step in reversed(ordered)])[::-1], 1.0) if ordered else np.ones(1)
    products: Floats = after[np.searchsorted(on, _days(ts), side="right")]
    return products


def _days(ts: Ints) -> Ints:
    days: Ints = (ts + _IST) // _DAY
    return days
