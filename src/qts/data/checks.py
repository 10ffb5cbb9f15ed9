"""Which parsed rows are bars? Every other one gets its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from qts.core import IST, LARGEST_PRICE, Exchange, Interval, Ints, Session, Window, WindowKind, micros_of
from qts.data.intake import OUTCOMES, VALUES, Block, Names, Skip, Verdict
from qts.data.layout import Field
from qts.data.shape import EARLIEST, Shape
from qts.data.stamps import MINUTE, NO_STAMP, SECOND, ist_day, ist_time, settle
from qts.market.sessions import daily_stamp, is_session, session_on

OHLC_TOLERANCE: Final = 1e-9
"""Share of the price by which high and low may miss open and close: the noise of a float, far below a paisa."""
MIN_INSTRUMENTS: Final = 3
MIN_INTRADAY_BARS: Final = 20
_EPOCH: Final = date(1970, 1, 1)
_OPEN: Final = (9 * 60 + 15) * MINUTE
_CLOSE: Final = (15 * 60 + 30) * MINUTE
# The closing price comes some minutes after the close.
_SETTLING: Final = timedelta(minutes=5)
_TRADING: Final = (WindowKind.CONTINUOUS, WindowKind.CLOSING_AUCTION)
_VOLUME: Final = VALUES.index(Field.VOLUME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The rows that are good so far, by exchange and date: ``order`` sorts them, ``parts`` are slices of it."""

    order: Ints
    parts: tuple[tuple[Exchange, date, slice], ...]


def judge(block: Block, names: Names, shape: Shape, *, now: datetime) -> list[str]:
    """Mark every row that is no bar, put daily stamps where they belong, and return what is worth telling.

    Rows that are duplicates of rows in other blocks are not seen here.
    """
    _settle_stamps(block, shape, now)
    _check_values(block)
    notes = _check_sessions(block, names, shape.interval)
    _check_ends(block, names, shape.interval, now=now)
    if _is_stamped_at_end(block, shape.interval):
        notes.append("Stamps look like the ends of bars (none at 09:15, some at 15:30); they are taken as starts: shift them by one bar.")
    if not shape.interval.is_intraday:
        _stamp_days(block, names)
    _choose_series(block)
    _mark_duplicates(block)
    return notes


def _settle_stamps(block: Block, shape: Shape, now: datetime) -> None:
    ts, is_ambiguous = settle(block.ts, block.month_first, shape.order)
    block.ts = ts
    block.mark(is_ambiguous, Verdict.AMBIGUOUS_DATE)
    block.mark(ts == NO_STAMP, Verdict.BAD_DATE)
    block.mark(ts < EARLIEST, Verdict.TOO_OLD)
    block.mark(ts > micros_of(now), Verdict.FUTURE)


def _check_values(block: Block) -> None:
    prices, counts = block.values[:4], block.values[4:]
    block.mark(np.asarray(~np.isfinite(prices).all(axis=0)), Verdict.NOT_FINITE)
    block.mark(np.asarray(~(prices > 0).all(axis=0)), Verdict.NOT_POSITIVE)
    block.mark(np.asarray((prices > LARGEST_PRICE).any(axis=0)), Verdict.TOO_LARGE)
    block.mark(np.asarray((counts < 0).any(axis=0) | np.isinf(counts).any(axis=0)), Verdict.BAD_VOLUME)
    open_, high, low, close = prices
    with np.errstate(invalid="ignore"):
        noise = OHLC_TOLERANCE * np.abs(close)
        block.mark(high < np.maximum(np.maximum(open_, close), low) - noise, Verdict.HIGH)
        block.mark(low > np.minimum(open_, close) + noise, Verdict.LOW)


def _check_sessions(block: Block, names: Names, interval: Interval) -> list[str]:
    if interval in (Interval.WEEK, Interval.MONTH):
        return []
    days = _days(block, names)
    unknown: list[date] = []
    for exchange, on, part in days.parts:
        rows = days.order[part]
        if is_session(exchange, on):
            if interval.minutes:
                _check_hours(block, rows, session_on(exchange, on), interval.minutes * MINUTE)
        elif _is_real_session(block, rows, interval):
            unknown.append(on)
        else:
            block.mark_rows(rows, Verdict.NO_SESSION)
        if interval.minutes:
            _check_grid(block, rows, exchange, on, length=interval.minutes * MINUTE)
    if not unknown:
        return []
    shown = ", ".join(on.isoformat() for on in sorted(set(unknown))[:10])
    return [f"{len(set(unknown))} dates are no sessions in the calendar, but the file shows trading; accepted: {shown}."]


def _check_ends(block: Block, names: Names, interval: Interval, *, now: datetime) -> None:
    """Refuse bars of a session that still runs and that are not over: their high, low and close are not what they will be."""
    if interval in (Interval.WEEK, Interval.MONTH):
        return
    today = now.astimezone(IST).date()
    days = _days(block, names)
    for exchange, on, part in days.parts:
        if on < today or _is_over(session_on(exchange, on), now):
            continue
        rows = days.order[part]
        if interval.minutes is not None:
            rows = rows[block.ts[rows] + interval.minutes * MINUTE > micros_of(now)]
        block.mark_rows(rows, Verdict.FORMING)


def _is_over(session: Session | None, now: datetime) -> bool:
    """Return whether nothing of a session can change any more. What the calendar does not know may go on until its day ends."""
    windows = [] if session is None else session.windows
    return bool(windows) and all(window.closes_at + _SETTLING <= now for window in windows)


def _days(block: Block, names: Names) -> Days:
    good = np.flatnonzero(block.is_good)
    kinds = list(dict.fromkeys(names.exchanges))
    kind_of = np.array([kinds.index(exchange) for exchange in names.exchanges], dtype=np.int64)
    day = ist_day(block.ts[good])
    key = day * len(kinds) + kind_of[block.codes[good]] if len(good) else day
    by_key = np.argsort(key, kind="stable")
    bounds = np.flatnonzero(np.diff(key[by_key])) + 1
    starts = [0, *bounds.tolist()] if len(good) else []
    stops = [*bounds.tolist(), len(good)]
    parts = []
    for start, stop in zip(starts, stops, strict=False):
        number = int(key[by_key[start]])
        parts.append((kinds[number % len(kinds)], _EPOCH + timedelta(days=number // len(kinds)), slice(start, stop)))
    return Days(order=good[by_key], parts=tuple(parts))


def _is_real_session(block: Block, rows: Ints, interval: Interval) -> bool:
    """Return whether rows of a date unknown to the calendar show trading, not the repetition of the last price."""
    volume = block.values[_VOLUME, rows]
    has_moved = block.values[1, rows] > block.values[2, rows]
    is_trade = (volume > 0) | (np.isnan(volume) & has_moved)
    if interval.is_intraday and np.count_nonzero(is_trade) >= MIN_INTRADAY_BARS:
        return True
    return len(np.unique(block.codes[rows[is_trade]])) >= MIN_INSTRUMENTS


def _is_stamped_at_end(block: Block, interval: Interval) -> bool:
    """Return whether the bars of an equity session begin one bar late and go on to the close itself."""
    if interval.minutes is None:
        return False
    times = ist_time(block.ts[block.is_good | (block.states == OUTCOMES.index(Verdict.OFF_HOURS))])
    return bool(len(times) and times.min() == _OPEN + interval.minutes * MINUTE and (times == _CLOSE).any())


def _trading_windows(session: Session | None) -> list[Window]:
    return [] if session is None else [window for window in session.windows if window.kind in _TRADING]


def _check_hours(block: Block, rows: Ints, session: Session | None, length: int) -> None:
    # Hours that are an estimate reject nothing.
    windows = [] if session is None or session.is_estimate else _trading_windows(session)
    if not windows:
        return
    ts = block.ts[rows]
    is_inside = np.zeros(len(rows), np.bool_)
    for window in windows:
        is_inside |= (ts < micros_of(window.closes_at)) & (ts + length > micros_of(window.opens_at))
    block.mark_rows(rows[~is_inside], Verdict.OFF_HOURS)


def _check_grid(block: Block, rows: Ints, exchange: Exchange, on: date, *, length: int) -> None:
    ts = block.ts[rows]
    is_on_grid = (ts - micros_of(daily_stamp(exchange, on))) % length == 0
    if not is_on_grid.all():
        for window in _trading_windows(session_on(exchange, on)):
            is_on_grid |= (ts - micros_of(window.opens_at)) % length == 0
    block.mark_rows(rows[~is_on_grid], Verdict.OFF_GRID)


def _stamp_days(block: Block, names: Names) -> None:
    days = _days(block, names)
    for exchange, on, part in days.parts:
        block.ts[days.order[part]] = micros_of(daily_stamp(exchange, on))


def _choose_series(block: Block) -> None:
    good = np.flatnonzero(block.is_good)
    if not block.ranks[good].any():
        return
    order = good[np.lexsort((block.ranks[good], block.ts[good], block.codes[good]))]
    leader = _group_starts(block, order)
    lesser = order[block.ranks[order] > block.ranks[order[leader]]]
    block.mark_rows(lesser, Skip.LESSER_SERIES)


def _mark_duplicates(block: Block) -> None:
    good = np.flatnonzero(block.is_good)
    order = good[np.lexsort((block.rows[good], block.ts[good], block.codes[good]))]
    leader = _group_starts(block, order)
    is_repeat = leader != np.arange(len(order))
    repeats, firsts = order[is_repeat], order[leader[is_repeat]]
    ours, theirs = block.values[:, repeats], block.values[:, firsts]
    is_same = ((ours == theirs) | (np.isnan(ours) & np.isnan(theirs))).all(axis=0)
    block.mark_rows(repeats[is_same], Verdict.DUPLICATE)
    block.mark_rows(repeats[~is_same], Verdict.CONFLICT)


def _group_starts(block: Block, order: Ints) -> Ints:
    """Return for each place of a sorted order the place where its instrument and instant begin."""
    ts, codes = block.ts[order], block.codes[order]
    is_start = np.ones(len(order), np.bool_)
    is_start[1:] = (ts[1:] != ts[:-1]) | (codes[1:] != codes[:-1])
    return np.maximum.accumulate(np.where(is_start, np.arange(len(order)), 0)) if len(order) else np.zeros(0, np.int64)


def mark_seen(block: Block, seen: list[Ints]) -> None:
    """Mark rows whose instrument and instant were accepted in an earlier block, and add the others to what was ``seen``.

    ``seen`` holds one sorted array per block, a number per instrument and second: 8 bytes per row, which is all that is kept of a file.
    """
    good = np.flatnonzero(block.is_good)
    keys = block.codes[good] * (1 << 33) + (block.ts[good] - EARLIEST) // SECOND
    is_seen = np.zeros(len(keys), np.bool_)
    for earlier in seen:
        place = np.minimum(np.searchsorted(earlier, keys), len(earlier) - 1)
        is_seen |= earlier[place] == keys
    block.mark_rows(good[is_seen], Verdict.DUPLICATE)
    if not is_seen.all():
        seen.append(np.sort(keys[~is_seen]))
