"""Candles as the historical interface gives them: grouped from minutes, nothing of the future, the last one perhaps unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

import numpy as np

from qts.core import IST, Bars, Floats, Ints, instant_of, micros_of
from qts.sandbox.listing import Listed, Market

# Length in minutes and most days of one request. Source: staff on the forum of Kite Connect, 2020.
MINUTES: Final[Mapping[str, int]] = {
    "minute": 1,
    "3minute": 3,
    "5minute": 5,
    "10minute": 10,
    "15minute": 15,
    "30minute": 30,
    "60minute": 60,
}
MOST_DAYS: Final[Mapping[str, int]] = {
    "minute": 60,
    "3minute": 100,
    "5minute": 100,
    "10minute": 100,
    "15minute": 200,
    "30minute": 200,
    "60minute": 400,
    "day": 2000,
}
_MINUTE: Final = 60_000_000
_DAY: Final = 86_400_000_000
_OFFSET: Final = 19_800_000_000
_OPENS: Final = (9 * 60 + 15) * _MINUTE
_CLOSES: Final = time(15, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Candles as columns: open instants in microseconds UTC, prices, counts; ``oi`` is NaN where there is none."""

    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    oi: Floats

    def rows(self, *, with_oi: bool) -> list[list[object]]:
        """Return them as the interface writes them."""
        counts = np.nan_to_num(self.volume).astype(np.int64).tolist()
        interest = np.nan_to_num(self.oi).astype(np.int64).tolist()
        stamps = [f"{instant_of(at):%Y-%m-%dT%H:%M:%S}+0530" for at in self.ts.tolist()]
        prices = [[_plain(price) for price in column.tolist()] for column in (self.open, self.high, self.low, self.close)]
        rows = [list(row) for row in zip(stamps, *prices, counts, strict=True)]
        return [[*row, oi] for row, oi in zip(rows, interest, strict=True)] if with_oi else rows


def candles(market: Market, listed: Listed, interval: str, *, span: tuple[datetime, datetime], now: datetime) -> Columns:
    """Return the candles of an instrument between two instants of India, both included to the minute.

    Longer candles are grouped from the minutes that were asked for, so that a span that ends within one gives a part of it. The minute
    that is running is as far as it has come.
    """
    start, end = (micros_of(at.replace(tzinfo=IST) if at.tzinfo is None else at) for at in span)
    if interval == "day":
        return _days(market, listed, start=start, end=end, now=now)
    minutes = _until(market.minutes(listed), now)
    first, last = np.searchsorted(minutes.ts, [start, end], side="left")
    stop = last + (1 if last < len(minutes.ts) and minutes.ts[last] == end else 0)
    part = _part(minutes, int(first), int(stop))
    length = MINUTES[interval]
    return part if length == 1 else _grouped(part, _bins(part.ts, length))


def _days(market: Market, listed: Listed, *, start: int, end: int, now: datetime) -> Columns:
    today = now.astimezone(IST).date()
    days = market.days(listed)
    dates = (days.ts + _OFFSET) // _DAY
    past = _columns(days)
    minutes = _until(market.minutes(listed), now)
    # The day that runs is made of its minutes; where there are none it shows when it is over.
    is_whole = len(minutes.ts) == 0 and now.astimezone(IST).time() >= _CLOSES
    past = _part(past, 0, int(np.searchsorted(dates, _number(today) + is_whole)))
    of_today = (minutes.ts + _OFFSET) // _DAY == _number(today)
    if of_today.any():
        running = _part(minutes, int(np.argmax(of_today)), len(minutes.ts))
        past = _joined(past, _grouped(running, np.zeros(len(running.ts), dtype=np.int64)))
    midnights = (past.ts + _OFFSET) // _DAY * _DAY - _OFFSET
    first, stop = np.searchsorted(midnights, [start, end + 1])
    found = _part(past, int(first), int(stop))
    return Columns(
        ts=midnights[first:stop], open=found.open, high=found.high, low=found.low, close=found.close, volume=found.volume, oi=found.oi
    )


def _until(bars: Bars, now: datetime) -> Columns:
    """Return the minutes that have begun, the last one as far as it has come."""
    at = micros_of(now)
    n_begun = int(np.searchsorted(bars.ts, at, side="right"))
    begun = _part(_columns(bars), 0, n_begun)
    if n_begun == 0 or at >= begun.ts[-1] + _MINUTE:
        return begun
    done = (at - int(begun.ts[-1])) / _MINUTE
    close, high, low, volume = begun.close.copy(), begun.high.copy(), begun.low.copy(), begun.volume.copy()
    opened = begun.open[-1]
    close[-1] = round(opened + (close[-1] - opened) * done, 2)
    high[-1], low[-1] = max(opened, close[-1]), min(opened, close[-1])
    volume[-1] = np.floor(volume[-1] * done)
    return Columns(ts=begun.ts, open=begun.open, high=high, low=low, close=close, volume=volume, oi=begun.oi)


def _bins(ts: Ints, length: int) -> Ints:
    """Return a number for each candle: the date, and how many candles after 09:15 it is."""
    local = ts + _OFFSET
    return np.asarray(local // _DAY * 10_000 + (local % _DAY - _OPENS) // (length * _MINUTE))


def _grouped(part: Columns, bins: Ints) -> Columns:
    if len(part.ts) == 0:
        return part
    starts = np.flatnonzero(np.append(True, np.diff(bins) != 0))
    stops = np.append(starts[1:], len(bins)) - 1
    return Columns(
        ts=part.ts[starts],
        open=part.open[starts],
        high=np.maximum.reduceat(part.high, starts),
        low=np.minimum.reduceat(part.low, starts),
        close=part.close[stops],
        volume=np.add.reduceat(part.volume, starts),
        oi=part.oi[stops],
    )


def _columns(bars: Bars) -> Columns:
    return Columns(ts=bars.ts, open=bars.open, high=bars.high, low=bars.low, close=bars.close, volume=bars.volume, oi=bars.oi)


def _part(columns: Columns, start: int, stop: int) -> Columns:
    names = ("ts", "open", "high", "low", "close", "volume", "oi")
    return Columns(**{name: getattr(columns, name)[start:stop] for name in names})


def _joined(before: Columns, after: Columns) -> Columns:
    names = ("ts", "open", "high", "low", "close", "volume", "oi")
    return Columns(**{name: np.concatenate([getattr(before, name), getattr(after, name)]) for name in names})


def _number(on: date) -> int:
    return (on - date(1970, 1, 1)).days


def _plain(price: float) -> float | int:
    return int(price) if price.is_integer() else price
