"""Wishes: the market orders that targets make, one for each instrument, and how they execute."""

from __future__ import annotations

import math
from typing import Any, Final

from qts.kernels.arithmetic import clean_quantity
from qts.kernels.booking import note, trade
from qts.kernels.charging import day_of
from qts.kernels.funding import Deal, affordable, volume_left
from qts.kernels.state import (
    CUT,
    F_BAR,
    F_ORDER,
    F_PREVIOUS,
    LATEST,
    MARKET,
    N_FILL,
    N_ROW,
    N_TERM,
    ORDERS,
    PENDING,
    POSITION,
    REFUSED,
    RISK,
    RUINED,
    S_CUT,
    S_PARTIAL,
    S_REJECTED,
    T_FREEZE,
    TOLD,
    W_FUNDS,
    W_VOLUME,
    WANTED,
    WISH,
    WISH_REASON,
    Run,
)
from qts.kernels.twins import Column

# In TOLD: the cut has been told of, and something was filled.
FILLED_IN_PART: Final = 2.0


def execute_wishes(run: Run, t: int, prices: Column) -> None:
    """Execute waiting wishes at these prices of the bar: sales, then purchases, instruments in the order given."""
    if run.account[ORDERS] == 0.0:
        return
    n_bars = len(run.ts)
    for side in (-1.0, 1.0):
        for i in range(run.rules.n_instruments):
            row = i * N_ROW
            if run.rows[row + PENDING] > 0.0 and (run.rows[row + WANTED] - run.rows[row + POSITION]) * side > 0.0:
                fill_wish(run, i, t, prices[i * n_bars + t])


def is_locked(run: Run, at_bar: int, side: float) -> bool:
    """Return whether the bar is locked against this side."""
    return len(run.lock) > 0 and float(run.lock[at_bar]) == side


def slices_of(run: Run, i: int, quantity: float) -> float:
    """Return into how many orders the exchange's freeze quantity cuts one."""
    freeze = run.terms[i * N_TERM + T_FREEZE]
    if freeze == 0.0 or quantity <= freeze:
        return 1.0
    return -(-quantity // freeze)


def fill_wish(run: Run, i: int, t: int, reference: float) -> None:
    """Execute a wish, unless nothing can be traded in the bar; what opens or adds is cut to what the account can pay."""
    row = i * N_ROW
    at = i * len(run.ts) + t
    whole = run.rows[row + WANTED] - run.rows[row + POSITION]
    # The side is that of what is missing now: a square-off or a stop may have come in between.
    if math.isnan(reference) or run.volume[at] == 0.0 or is_locked(run, at, 1.0 if whole > 0.0 else -1.0):
        return
    change, same, slices = whole, 0.0, slices_of(run, i, abs(whole))
    if run.rules.volume_share > 0.0:
        change = within_volume(run, i, t, whole)
        same = same_order(run, i, t, run.rows[row + WISH]) if run.rows[row + TOLD] > 0.0 else 0.0
    if change != 0.0:
        trade_wish(run, t, (whole, change), Deal(i, t, 0.0, reference, 0, False, MARKET, run.rows[row + WISH], same, slices, math.nan))


def trade_wish(run: Run, t: int, sizes: tuple[float, float], draft: Deal) -> None:
    """Trade as much of a wish as this bar has, ``sizes[1]`` of ``sizes[0]``; what opens or adds is cut to what the account can pay."""
    whole, change = sizes
    i = draft.instrument
    row = i * N_ROW
    position = run.rows[row + POSITION]
    closing = 0.0
    if position * change < 0.0:
        closing = -position if abs(change) > abs(position) else change
    asked = clean_quantity(change - closing, run.rules.units)
    opening = asked
    reason, order, reference = int(run.rows[row + WISH_REASON]), draft.order, draft.reference
    at_close = run.rules.at_close and reason != RISK
    if run.account[RUINED] > 0.0:
        # No target asks for this: a lost account is closed.
        reason = RISK
    same, slices = draft.same, draft.slices
    if asked != 0.0:
        opening = affordable(run, Deal(i, t, asked, reference, reason, at_close, MARKET, order, same, slices, math.nan), closing)
        if opening != asked:
            tell_cut(run, t, (i, MARKET, order), (whole, abs(closing + opening)))
    if change == whole or opening != asked:
        drop_wish(run, i)
    else:
        run.rows[row + TOLD] = FILLED_IN_PART
    if closing + opening != 0.0:
        trade(run, Deal(i, t, closing + opening, reference, reason, at_close, MARKET, order, same, slices, math.nan))


def drop_wish(run: Run, i: int) -> None:
    """End a wish, done or not."""
    run.account[ORDERS] -= run.rows[i * N_ROW + PENDING]
    run.rows[i * N_ROW + PENDING] = 0.0


def within_volume(run: Run, i: int, t: int, change: float) -> float:
    """Return as much of a wish as the bar's volume lets us have, and tell once that the rest waits."""
    row = i * N_ROW
    most = volume_left(run, i, t)
    if abs(change) <= most:
        return change
    if run.rows[row + TOLD] == 0.0:
        run.rows[row + TOLD] = 1.0
        note(run, t, (i, MARKET, run.rows[row + WISH]), (change, most, float(S_PARTIAL), float(W_VOLUME)))
    return most if change > 0.0 else -most


def same_order(run: Run, i: int, t: int, order: float) -> float:
    """Return the newest fill of an order on this date, counted from 1, or 0."""
    day = day_of(run.ts[t])
    k = int(run.rows[i * N_ROW + LATEST])
    while k > 0:
        at = (k - 1) * N_FILL
        if day_of(run.ts[int(run.fills[at + F_BAR])]) != day:
            return 0.0
        if run.fills[at + F_ORDER] == order:
            return float(k)
        k = int(run.fills[at + F_PREVIOUS])
    return 0.0


def tell_cut(run: Run, t: int, what: tuple[int, int, float], order: tuple[float, float]) -> None:
    """Count and tell that an order was cut to what the account can pay, or to nothing; ``order`` is its quantity and what is done."""
    run.account[CUT if order[1] > 0.0 else REFUSED] += 1.0
    status = S_CUT if order[1] > 0.0 else S_REJECTED
    note(run, t, what, (order[0], order[1], float(status), float(W_FUNDS)))


HELPERS: Final[tuple[Any, ...]] = (
    execute_wishes,
    is_locked,
    slices_of,
    fill_wish,
    trade_wish,
    drop_wish,
    within_volume,
    same_order,
    tell_cut,
)
HOT: Final = (execute_wishes, fill_wish, trade_wish, drop_wish, is_locked, slices_of)
