"""Candles of the historical interface, read as bars, and which of them are final."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import numpy as np

from qts.core import (
    IST,
    LARGEST_PRICE,
    SMALLEST_PRICE,
    Bars,
    Bools,
    Exchange,
    Floats,
    InstrumentId,
    Interval,
    Ints,
    exchange_of,
    micros_of,
    session_date_of,
)
from qts.core.errors import BadReply
from qts.market.sessions import daily_stamp, session_on

OHLC_TOLERANCE: Final = 1e-9
"""Share of the price by which high and low may miss open and close: the noise of a float."""
SETTLING: Final = timedelta(minutes=5)
"""How long after its end a daily candle may still change: the closing price comes after the close."""

_STAMP: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\+05:?30")
_LENGTHS: Final = (6, 7)
_IST_OFFSET: Final = 19_800_000_000
_MINUTE: Final = 60_000_000
_LARGEST_COUNT: Final = 2.0**53
_PRICES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleBatch:
    """The sound candles of one reply, oldest first, each instant once, and the others by their place in the reply with the reason.

    ``spoiled`` are the dates of those others, None among them where one does not say its date.
    """

    bars: Bars
    refused: tuple[tuple[int, str], ...]
    spoiled: frozenset[date | None] = frozenset()


def read_candles(data: Any, *, instrument: InstrumentId, interval: Interval) -> CandleBatch:  # noqa: ANN401 - parsed JSON
    """Return the candles of a reply's ``data``.

    Candles out of order are sorted; of several with one instant the last one holds. A candle whose high and low do not hold its open and
    close, or with a price or count that is none, is refused and said. Daily candles, stamped at midnight in India, get our daily stamp.

    Raises
    ------
    BadReply
        If the data is no list of candles.
    """
    rows = data.get("candles") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise BadReply("it holds no list of candles")
    kept, refused = _rows(rows)
    ts = _instants([row[0] for _, row in kept])
    values = np.array([row[1] for _, row in kept], dtype=np.float64).reshape(-1, _PRICES + 2).T
    is_sound, reasons = _judge(ts, values, interval)
    refused += [(kept[i][0], reasons[i]) for i in np.flatnonzero(~is_sound).tolist()]
    ts, values = ts[is_sound], values[:, is_sound]
    if not interval.is_intraday:
        ts = _daily(ts, instrument)
    order = _last_of_each(ts)
    open_, high, low, close, volume, oi = (np.ascontiguousarray(column[order]) for column in values)
    bars = Bars(instrument=instrument, interval=interval, ts=ts[order], open=open_, high=high, low=low, close=close, volume=volume, oi=oi)
    spoiled = frozenset(_date_of(rows[place]) for place, _ in refused)
    return CandleBatch(bars=bars, refused=tuple(sorted(refused)), spoiled=spoiled)


def closed_bars(bars: Bars, *, now: datetime) -> Bars:
    """Return the bars that can no longer change: those whose time is over at ``now``, which should be the sender's own clock.

    A daily bar is closed some minutes after the last window of its session, closing auction included.
    """
    if bars.interval.minutes is not None:
        n_closed = int(np.searchsorted(bars.ts, micros_of(now) - bars.interval.minutes * _MINUTE, side="right"))
        return bars.window(0, n_closed)
    n_closed = len(bars)
    exchange = exchange_of(bars.instrument)
    while n_closed and _end_of_session(bars, n_closed - 1, exchange=exchange) + SETTLING > now:
        n_closed -= 1
    return bars.window(0, n_closed)


def _end_of_session(bars: Bars, at: int, *, exchange: Exchange) -> datetime:
    on = session_date_of(int(bars.ts[at]))
    session = session_on(exchange, on)
    if session is None or not session.windows:  # a day that the calendar does not know may trade until its end
        return datetime.combine(on + timedelta(days=1), time(), tzinfo=IST)
    return max(window.closes_at for window in session.windows)


def _rows(rows: Sequence[Any]) -> tuple[list[tuple[int, tuple[str, list[float]]]], list[tuple[int, str]]]:
    kept: list[tuple[int, tuple[str, list[float]]]] = []
    refused: list[tuple[int, str]] = []
    for place, row in enumerate(rows):
        reason = _fault(row)
        if reason:
            refused.append((place, reason))
            continue
        numbers = [float(number) for number in row[1:]]
        kept.append((place, (row[0], numbers + [np.nan] * (_PRICES + 2 - len(numbers)))))
    return kept, refused


def _fault(row: Any) -> str:  # noqa: ANN401 - parsed JSON
    if not isinstance(row, list) or len(row) not in _LENGTHS:
        return "is not a list of six or seven values"
    if not isinstance(row[0], str) or _STAMP.fullmatch(row[0]) is None:
        return f"has no stamp in India's time: {str(row[0])[:40]!r}"
    # True is a number to Python; 10**400 is one to JSON and none to a float.
    is_number = all(isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST_COUNT for value in row[1:])
    return "" if is_number else "holds a value that is no number, or is too large"


def _date_of(row: Any) -> date | None:  # noqa: ANN401 - parsed JSON
    if not isinstance(row, list) or not row or not isinstance(row[0], str) or _STAMP.fullmatch(row[0]) is None:
        return None
    try:
        return date.fromisoformat(row[0][:10])
    except ValueError:
        return None


def _instants(stamps: Sequence[str]) -> Ints:
    try:
        local = np.array([stamp[:19] for stamp in stamps], dtype="datetime64[us]")
    except ValueError as error:
        raise BadReply("it holds a date that does not exist") from error
    return np.asarray(local.astype(np.int64) - _IST_OFFSET)


def _judge(ts: Ints, values: Floats, interval: Interval) -> tuple[Bools, list[str]]:
    prices, counts = values[:_PRICES], values[_PRICES:]
    open_, high, low, close = prices
    noise = OHLC_TOLERANCE * np.abs(close)
    faults = (
        (~((prices >= SMALLEST_PRICE) & (prices <= LARGEST_PRICE)).all(axis=0), "has a price that is none"),
        ((counts < 0).any(axis=0), "has a negative volume or open interest"),
        (high < np.maximum(np.maximum(open_, close), low) - noise, "has a high below its open, close or low"),
        (low > np.minimum(open_, close) + noise, "has a low above its open or close"),
        (_is_off_grid(ts, interval), f"does not begin where a candle of {interval} can begin"),
    )
    is_sound = np.ones(len(ts), dtype=np.bool_)
    reasons = [""] * len(ts)
    for is_bad, reason in faults:
        for i in np.flatnonzero(is_bad & is_sound).tolist():
            reasons[i] = reason
        is_sound &= ~is_bad
    return is_sound, reasons


def _is_off_grid(ts: Ints, interval: Interval) -> Bools:
    # Hours begin at 09:15 or at 09:00 by exchange and date, so that only the minute is asked for here.
    step = _MINUTE if interval.is_intraday else 1440 * _MINUTE
    return np.asarray((ts + _IST_OFFSET) % step != 0)


def _daily(ts: Ints, instrument: InstrumentId) -> Ints:
    exchange = exchange_of(instrument)
    return np.array([micros_of(daily_stamp(exchange, session_date_of(int(at)))) for at in ts], dtype=np.int64)


def _last_of_each(ts: Ints) -> Ints:
    order = np.argsort(ts, kind="stable")
    is_last = np.append(np.diff(ts[order]) != 0, True)[: len(order)]
    return np.asarray(order[is_last])
