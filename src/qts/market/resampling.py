"""Bars of a longer interval out of shorter ones, on the grid that starts with the session, and from when on each of them is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from qts.core import Bars, Exchange, Floats, Interval, Ints, WindowKind, exchange_of, micros_of
from qts.core.errors import BadParameter
from qts.market.sessions import daily_stamp, is_session, remembered, session_on

_MINUTE: Final = 60_000_000
_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)
_ONE_DAY: Final = timedelta(days=1)
# The first of January 1970 was a Thursday; weeks begin on Monday.
_THURSDAY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled:
    """Longer bars made of shorter ones.

    ``bars`` holds the longer ones, the last of which may still be forming. ``closed_at`` has shape ``(n_longer,)``: the position of the
    shorter bar at whose close the longer one is known to be complete, or the number of shorter bars where that is not yet so.
    """

    bars: Bars
    closed_at: Ints


def resample(bars: Bars, interval: Interval) -> Resampled:
    """Return the bars put together to a longer interval.

    Minutes lie on a grid from the nominal open of the session (09:15 for shares, never the full hour), so that a session's last bar may
    be short. A bar of a day carries the nominal open of its date; a week or month that of its first day with bars. Open is the first,
    close the last price there is, volume the sum; NaN where no bar of the window has one.

    A longer bar is complete at the shorter one that ends with its window, or with the session where that comes first. Where this one is
    missing it is complete once a bar of a later window has closed: nothing before that says that no more will come.

    Parameters
    ----------
    bars : Bars
        Strictly increasing in time, of minutes, or of days for weeks and months.
    interval : Interval
        A longer one: a multiple of the bars' minutes, or a day and more.

    Raises
    ------
    BadParameter
        If the interval is not longer, or minutes do not divide it.

    Notes
    -----
    O(n_bars). Since 2026-08-03 shares with derivatives stop at 15:15 and others at 15:30; which one a share is cannot be seen from its
    bars, so their last window of a day counts as complete with the next day's first bar.
    """
    _check(bars.interval, interval)
    if len(bars) == 0:
        return Resampled(bars=_empty(bars, interval), closed_at=np.empty(0, dtype=np.int64))
    days = (bars.ts + _IST) // _DAY
    if interval.minutes is None:
        first = _changes(_windows(days, interval))
        starts = _nominal_opens(bars, days[first])
    else:
        runs = _changes(days)
        opened = np.repeat(_nominal_opens(bars, days[runs]), np.diff(runs, append=len(days)))
        slots = (bars.ts - opened) // (interval.minutes * _MINUTE)
        # Slots of one day stay far below this, also those before the nominal open.
        first = _changes(days * 10_000 + slots)
        starts = opened[first] + slots[first] * interval.minutes * _MINUTE
    last = np.concatenate((first[1:], [len(bars)])) - 1
    longer = Bars(
        instrument=bars.instrument,
        interval=interval,
        ts=starts,
        open=_at_edge(bars.open, first, last, step=1),
        high=np.fmax.reduceat(bars.high, first),
        low=np.fmin.reduceat(bars.low, first),
        close=_at_edge(bars.close, first, last, step=-1),
        volume=_sums(bars.volume, first),
        oi=_at_edge(bars.oi, first, last, step=-1),
    )
    complete = _ends(bars, last) >= _window_ends(bars, days[last], starts, interval)
    return Resampled(bars=longer, closed_at=np.where(complete, last, last + 1))


def _check(short: Interval, long: Interval) -> None:
    order = list(Interval)
    fits = order.index(long) > order.index(short)
    if fits and short.minutes is not None and long.minutes is not None:
        fits = long.minutes % short.minutes == 0
    if not fits or (short is Interval.WEEK and long is Interval.MONTH):
        raise BadParameter("interval", long, f"cannot be made of bars of {short}", hint="Choose a longer interval that they divide.")


def _changes(numbers: Ints) -> Ints:
    """Return the places whose number differs from the one before; the first is one of them."""
    return np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1])))


def _nominal_opens(bars: Bars, days: Ints) -> Ints:
    """Return the nominal open of each date, in microseconds."""
    exchange = exchange_of(bars.instrument)
    return np.array([_nominal_open(exchange, day) for day in days.tolist()], dtype=np.int64)


@remembered
def _nominal_open(exchange: Exchange, day: int) -> int:
    return micros_of(daily_stamp(exchange, _EPOCH + day * _ONE_DAY))


def _windows(days: Ints, interval: Interval) -> Ints:
    """Return a number for each bar that is the same for the bars of one day, week or month and differs from its neighbours'."""
    match interval:
        case Interval.WEEK:
            return (days + _THURSDAY) // 7
        case Interval.MONTH:
            return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        case _:
            return days


def _ends(bars: Bars, at: Ints) -> Ints:
    """Return when the bars at these positions end: minutes by their length, days and more by their session."""
    minutes = bars.interval.minutes
    if minutes is not None:
        ends: Ints = bars.ts[at] + minutes * _MINUTE
        return ends
    return (bars.ts[at] + _IST) // _DAY * _DAY - _IST + _DAY


def _window_ends(bars: Bars, days: Ints, starts: Ints, interval: Interval) -> Ints:
    exchange = exchange_of(bars.instrument)
    if bars.interval.minutes is None:
        closes = {day: int((day + 1) * _DAY - _IST) for day in set(days.tolist())}
    else:
        closes = {day: _session_close(exchange, day) for day in set(days.tolist())}
    of_day = np.array([closes[day] for day in days.tolist()], dtype=np.int64)
    if interval.minutes is not None:
        return np.minimum(starts + interval.minutes * _MINUTE, of_day)
    if interval is Interval.DAY:
        return of_day
    final = np.array([_is_final(exchange, _EPOCH + day * _ONE_DAY, interval) for day in days.tolist()])
    return np.where(final, of_day, np.iinfo(np.int64).max)


@remembered
def _session_close(exchange: Exchange, day: int) -> int:
    """Return the last close of continuous trading, or the end of the date where the hours are not known."""
    session = session_on(exchange, _EPOCH + day * _ONE_DAY)
    closes = [] if session is None else [window.closes_at for window in session.windows if window.kind is WindowKind.CONTINUOUS]
    return micros_of(max(closes)) if closes else (day + 1) * _DAY - _IST


def _is_final(exchange: Exchange, on: date, interval: Interval) -> bool:
    """Return whether no later session falls into the same week or month."""
    following = on + _ONE_DAY
    while _same(following, on, interval):
        if is_session(exchange, following):
            return False
        following += _ONE_DAY
    return True


def _same(one: date, other: date, interval: Interval) -> bool:
    if interval is Interval.WEEK:
        return one.isocalendar()[:2] == other.isocalendar()[:2]
    return (one.year, one.month) == (other.year, other.month)


def _at_edge(values: Floats, first: Ints, last: Ints, *, step: int) -> Floats:
    """Return the first (step 1) or last (step -1) value of each window that is there."""
    edge: Floats = values[first if step == 1 else last].copy()
    without = np.flatnonzero(np.isnan(edge))
    if len(without) == len(edge) and np.isnan(values).all():
        return edge  # most series have no open interest
    for k in without.tolist():
        part = values[first[k] : last[k] + 1][::step]
        there = part[~np.isnan(part)]
        if len(there):
            edge[k] = there[0]
    return edge


def _sums(values: Floats, first: Ints) -> Floats:
    absent = np.isnan(values)
    if not absent.any():
        return np.add.reduceat(values, first)
    sums = np.add.reduceat(np.where(absent, 0.0, values), first)
    return np.where(np.add.reduceat(~absent, first, dtype=np.int64) > 0, sums, np.nan)


def _empty(bars: Bars, interval: Interval) -> Bars:
    none = np.empty(0)
    return Bars(
        instrument=bars.instrument,
        interval=interval,
        ts=np.empty(0, dtype=np.int64),
        open=none,
        high=none,
        low=none,
        close=none,
        volume=none,
        oi=none,
    )
