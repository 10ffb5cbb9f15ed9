"""How many bars the calendar promises on which days, as arrays: whole years are remembered, for thousands of series share them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from qts.core import Bools, Exchange, Interval, Ints
from qts.market.sessions import bar_range, remembered, sessions

_EPOCH: Final = date(1970, 1, 1)
_THURSDAY: Final = 3
_LONG: Final = frozenset({Interval.WEEK, Interval.MONTH})
# The series under it come from many exchanges of other countries, whose calendars are not ours.
_WITHOUT_CALENDAR: Final = frozenset({Exchange.INDEX})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the calendar promises, oldest first; each array has shape ``(n_days,)``.

    ``days`` are sessions as days since 1970-01-01; for weeks and months the first session of each. ``at_least`` and ``at_most`` bars are
    promised; the two differ where it depends on a security that nobody described.
    """

    days: Ints
    at_least: Ints
    at_most: Ints
    is_estimate: Bools

    def within(self, first: int, last: int) -> Expectation:
        """Return the days from ``first`` to ``last``, both included, as views."""
        part = slice(int(np.searchsorted(self.days, first)), int(np.searchsorted(self.days, last, side="right")))
        return Expectation(
            days=self.days[part], at_least=self.at_least[part], at_most=self.at_most[part], is_estimate=self.is_estimate[part]
        )


def expected_days(
    exchange: Exchange, interval: Interval, first: int, last: int, *, has_derivatives: bool | None = None
) -> Expectation | None:
    """Return what the calendar promises from one day to another, both included, or None where no calendar is on record.

    Parameters
    ----------
    first, last : int
        Dates in India, as days since 1970-01-01. For weeks and months the periods they fall into count whole.
    has_derivatives : bool or None
        As of :func:`qts.market.sessions.bars_expected`; None gives a range where it matters.
    """
    if exchange in _WITHOUT_CALENDAR:
        return None
    if interval in _LONG:
        first, last = _first_of_period(first, interval), _last_of_period(last, interval)
    years = (_EPOCH + timedelta(days=first)).year, (_EPOCH + timedelta(days=last)).year
    return _of_years(exchange, interval, *years, has_derivatives=has_derivatives).within(first, last)


def key_of_day(days: Ints, interval: Interval) -> Ints:
    """Return a number for each day that is the same for the days whose bars are one: the day itself, or its week or month."""
    match interval:
        case Interval.WEEK:
            keys: Ints = (days + _THURSDAY) // 7
        case Interval.MONTH:
            keys = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        case _:
            keys = days
    return keys


@remembered
def _of_years(exchange: Exchange, interval: Interval, first: int, last: int, *, has_derivatives: bool | None) -> Expectation:
    whole = _joined([_of_year(exchange, interval, year, has_derivatives=has_derivatives) for year in range(first, last + 1)])
    return _first_of_each(whole, interval) if interval in _LONG else whole


@remembered
def _of_year(exchange: Exchange, interval: Interval, year: int, *, has_derivatives: bool | None) -> Expectation:
    # Simulated shares have no derivatives; of others nobody can tell from a name alone.
    kind = False if exchange is Exchange.SIM else has_derivatives
    length = Interval.DAY if interval in _LONG else interval
    days, low, high, is_estimate = [], [], [], []
    for session in sessions(exchange, date(year, 1, 1), date(year, 12, 31)):
        found = bar_range(exchange, session.date, length, has_derivatives=kind)
        if found is not None and found.at_most:
            days.append((session.date - _EPOCH).days)
            low.append(found.at_least)
            high.append(found.at_most)
            is_estimate.append(found.is_estimate)
    return Expectation(
        days=np.array(days, dtype=np.int64),
        at_least=np.array(low, dtype=np.int64),
        at_most=np.array(high, dtype=np.int64),
        is_estimate=np.array(is_estimate, dtype=np.bool_),
    )


def _joined(parts: list[Expectation]) -> Expectation:
    return Expectation(
        days=np.concatenate([part.days for part in parts]),
        at_least=np.concatenate([part.at_least for part in parts]),
        at_most=np.concatenate([part.at_most for part in parts]),
        is_estimate=np.concatenate([part.is_estimate for part in parts]),
    )


def _first_of_each(whole: Expectation, interval: Interval) -> Expectation:
    keys = key_of_day(whole.days, interval)
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else np.zeros(0, np.int64)
    ones = np.ones(len(first), np.int64)
    return Expectation(days=whole.days[first], at_least=ones, at_most=ones, is_estimate=whole.is_estimate[first])


def _first_of_period(day: int, interval: Interval) -> int:
    on = _EPOCH + timedelta(days=day)
    begin = on.replace(day=1) if interval is Interval.MONTH else on - timedelta(days=on.weekday())
    return (begin - _EPOCH).days


def _last_of_period(day: int, interval: Interval) -> int:
    on = _EPOCH + timedelta(days=day)
    if interval is Interval.WEEK:
        return day + 6 - on.weekday()
    following = (on.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (following - _EPOCH).days - 1
