"""Which orders of the book execute in a bar, in which part of it and where; and trailing stops that follow the price."""

from __future__ import annotations

import math
from typing import Any, Final

from qts.kernels.arithmetic import level_price
from qts.kernels.funding import tick_at
from qts.kernels.state import (
    AT_LIMIT,
    AT_OPEN,
    AT_STOP,
    HEAD,
    HITS_LIMIT,
    HITS_OPEN,
    HITS_STOP,
    IS_DONE,
    IS_DORMANT,
    IS_REACH_KNOWN,
    IS_WORKING,
    LIMIT,
    MARKET,
    N_ORDER,
    N_ROW,
    NO_HIT,
    O_FROM,
    O_HIT,
    O_INSTRUMENT,
    O_IS_FRACTION,
    O_KIND,
    O_LIMIT,
    O_NEXT,
    O_REFERENCE,
    O_SIDE,
    O_STATE,
    O_STOP,
    O_TRAIL,
    REACH_DOWN,
    REACH_UP,
    STOP_LIMIT,
    TRAILING,
    WORKING,
    Run,
)

# With fewer orders it is quicker to look at each of them than to keep account of how near the nearest is.
MANY: Final = 32.0


def find_hits(run: Run, t: int) -> None:
    """Find which orders execute in this bar, in which part of it, and at what price."""
    n_bars, book = len(run.ts), run.book
    run.account[HITS_OPEN] = 0.0
    run.account[HITS_STOP] = 0.0
    run.account[HITS_LIMIT] = 0.0
    for i in range(run.rules.n_instruments):
        k = int(run.rows[i * N_ROW + HEAD])
        if k == 0 or is_out_of_reach(run, i, t):
            continue
        at_bar = i * n_bars + t
        if math.isnan(run.open[at_bar]) or run.volume[at_bar] == 0.0:
            while k > 0:
                book[(k - 1) * N_ORDER + O_HIT] = float(NO_HIT)
                k = int(book[(k - 1) * N_ORDER + O_NEXT])
            continue
        lock = float(run.lock[at_bar]) if len(run.lock) > 0 else 0.0
        bar = (run.open[at_bar], run.high[at_bar], run.low[at_bar])
        while k > 0:
            at = (k - 1) * N_ORDER
            book[at + O_HIT] = float(NO_HIT)
            if book[at + O_STATE] == IS_WORKING and book[at + O_FROM] <= t and lock != book[at + O_SIDE]:
                find_hit(run, k - 1, t, bar)
            k = int(book[at + O_NEXT])
        if run.account[WORKING] >= MANY:
            measure_reach(run, i)


def is_out_of_reach(run: Run, i: int, t: int) -> bool:
    """Return whether it is known that no order of an instrument executes in a bar: it lies between all of their levels."""
    row, at = i * N_ROW, i * len(run.ts) + t
    if run.rows[row + IS_REACH_KNOWN] == 0.0:
        return False
    lowest, highest = min(run.open[at], run.low[at]), max(run.open[at], run.high[at])
    return lowest > run.rows[row + REACH_DOWN] and highest < run.rows[row + REACH_UP]


def measure_reach(run: Run, i: int) -> None:
    """Keep the nearest levels below and above the price, where no order of the instrument executes in this bar or moves by itself.

    They hold until an order enters the book, wakes, fills or changes its price; those that end only make room.
    """
    book, row = run.book, i * N_ROW
    down, up = -math.inf, math.inf
    k = int(run.rows[row + HEAD])
    while k > 0:
        at = (k - 1) * N_ORDER
        kind, side = int(book[at + O_KIND]), book[at + O_SIDE]
        if book[at + O_STATE] != IS_DORMANT and book[at + O_STATE] != IS_DONE:
            if book[at + O_HIT] != NO_HIT or kind in (MARKET, TRAILING):
                return
            level = book[at + O_LIMIT] if kind == LIMIT else book[at + O_STOP]
            # Limits to buy and stops to sell lie below the price, the others above it.
            if (side > 0.0) == (kind == LIMIT):
                down = max(down, level)
            else:
                up = min(up, level)
        k = int(book[at + O_NEXT])
    run.rows[row + REACH_DOWN] = down
    run.rows[row + REACH_UP] = up
    run.rows[row + IS_REACH_KNOWN] = 1.0


def find_hit(run: Run, slot: int, t: int, bar: tuple[float, float, float]) -> None:
    """Find whether one order executes in a bar of open, high and low."""
    book, at = run.book, slot * N_ORDER
    kind, side = int(book[at + O_KIND]), book[at + O_SIDE]
    open_, far, near = bar[0], bar[1] if side > 0.0 else bar[2], bar[2] if side > 0.0 else bar[1]
    if kind == MARKET:
        if not run.rules.at_close:
            hit(run, slot, AT_OPEN, open_)
    elif kind == LIMIT:
        limit = book[at + O_LIMIT]
        if (limit - open_) * side >= 0.0:
            hit(run, slot, AT_OPEN, open_)
        elif (limit - near) * side > 0.0:
            hit(run, slot, AT_LIMIT, limit)
    else:
        stop = book[at + O_STOP]
        is_gapped = (open_ - stop) * side >= 0.0
        if not is_gapped and (far - stop) * side < 0.0:
            return
        reference = open_ if is_gapped else stop
        if kind == STOP_LIMIT and (book[at + O_LIMIT] - reference) * side < 0.0:
            # Triggered beyond its limit: from the next bar on it is a limit order.
            book[at + O_KIND] = float(LIMIT)
            book[at + O_FROM] = float(t + 1)
            return
        hit(run, slot, AT_OPEN if is_gapped else AT_STOP, reference)


def hit(run: Run, slot: int, part: int, reference: float) -> None:
    """Note that an order executes in this part of the bar."""
    run.book[slot * N_ORDER + O_HIT] = float(part)
    run.book[slot * N_ORDER + O_REFERENCE] = reference
    run.account[HITS_OPEN + part - AT_OPEN] += 1.0


def follow(run: Run, t: int) -> None:
    """Move the levels of trailing stops after the bar."""
    n_bars, book = len(run.ts), run.book
    for i in range(run.rules.n_instruments):
        # Where the reach of the orders is known none of them trails.
        k = 0 if run.rows[i * N_ROW + IS_REACH_KNOWN] > 0.0 else int(run.rows[i * N_ROW + HEAD])
        while k > 0:
            at = (k - 1) * N_ORDER
            is_live = book[at + O_STATE] == IS_WORKING and book[at + O_FROM] <= t
            if is_live and book[at + O_KIND] == TRAILING and not math.isnan(run.close[i * n_bars + t]):
                best = run.low[i * n_bars + t] if book[at + O_SIDE] > 0.0 else run.high[i * n_bars + t]
                level = trailing_level(run, (k - 1), t, best)
                if (level - book[at + O_STOP]) * book[at + O_SIDE] < 0.0:
                    book[at + O_STOP] = level
            k = int(book[at + O_NEXT])


def trailing_level(run: Run, slot: int, t: int, best: float) -> float:
    """Return where a trailing stop stands that follows this price."""
    at = slot * N_ORDER
    side, trail = run.book[at + O_SIDE], run.book[at + O_TRAIL]
    level = best * (1.0 + side * trail) if run.book[at + O_IS_FRACTION] > 0.0 else best + side * trail
    return level_price(level, side, tick_at(run, int(run.book[at + O_INSTRUMENT]), t))


HELPERS: Final[tuple[Any, ...]] = (find_hits, is_out_of_reach, measure_reach, find_hit, hit, follow, trailing_level)
HOT: Final = (hit,)
