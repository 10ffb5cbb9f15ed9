"""What executes in a bar: at its open, then stops, then limits; sales before purchases, instruments in the order given, then order ids."""

from __future__ import annotations

import math
from typing import Any, Final

from qts.kernels.arithmetic import clean_quantity, level_price
from qts.kernels.booking import note, trade_apart
from qts.kernels.funding import Deal, affordable_apart, tick_at, volume_left
from qts.kernels.hits import find_hits, follow, hit
from qts.kernels.orders import (
    GUARD,
    Ticket,
    add_order,
    end_order,
    fall_with,
    prune,
    shrink_exits,
    slot_of,
    trigger_rest,
    withdraw,
)
from qts.kernels.state import (
    AT_LIMIT,
    AT_OPEN,
    AT_STOP,
    AVERAGE,
    HEAD,
    HITS_LIMIT,
    HITS_OPEN,
    HITS_STOP,
    IS_DORMANT,
    IS_REACH_KNOWN,
    IS_WORKING,
    LAST_ID,
    LIMIT,
    MARKET,
    N_ORDER,
    N_ROW,
    NO_HIT,
    O_FROM,
    O_HIT,
    O_ID,
    O_INSTRUMENT,
    O_KIND,
    O_LEFT,
    O_LIMIT,
    O_NEXT,
    O_PARENT,
    O_QUANTITY,
    O_REASON,
    O_REFERENCE,
    O_SIDE,
    O_STATE,
    O_STOP,
    O_TOLD,
    ORDERS,
    PENDING,
    POSITION,
    RISK,
    S_CANCELLED,
    S_PARTIAL,
    S_WITHDRAWN,
    SPENT,
    STOP,
    STOP_LOSS,
    TAKE_PROFIT,
    TOLD,
    TRAILING,
    TRAILING_STOP,
    W_NO_SHORT,
    W_OCO,
    W_REPLACED,
    W_VOLUME,
    WANTED,
    WISH,
    WISH_REASON,
    WORKING,
    Run,
)
from qts.kernels.wishes import FILLED_IN_PART, drop_wish, fill_wish, is_locked, same_order, slices_of, tell_cut


def execute(run: Run, t: int) -> None:
    """Execute what waits at this bar."""
    if run.account[ORDERS] == 0.0 and run.account[WORKING] == 0.0:
        return
    if run.account[WORKING] > 0.0:
        find_hits(run, t)
    if run.account[ORDERS] > 0.0 or run.account[HITS_OPEN] > 0.0:
        execute_open(run, t)
    if run.account[WORKING] > 0.0:
        execute_within(run, t)


def execute_open(run: Run, t: int) -> None:
    """Execute at the open: orders of the book, then wishes; filling at the close, only wishes that will not wait for it."""
    for side in (-1.0, 1.0):
        for i in range(run.rules.n_instruments):
            row = i * N_ROW
            if run.account[HITS_OPEN] > 0.0 and run.rows[row + HEAD] > 0.0:
                fill_hits(run, i, t, (AT_OPEN, side))
            if run.rows[row + PENDING] == 0.0 or (run.rows[row + WANTED] - run.rows[row + POSITION]) * side <= 0.0:
                continue
            if not run.rules.at_close or run.rows[row + WISH_REASON] == RISK:
                guarded_wish(run, i, t, run.open[i * len(run.ts) + t])


def guarded_wish(run: Run, i: int, t: int, reference: float) -> None:
    """Execute a wish, and have its position guarded."""
    before = run.rows[i * N_ROW + POSITION]
    at_close = run.rules.at_close and run.rows[i * N_ROW + WISH_REASON] != RISK
    fill_wish(run, i, t, reference)
    if run.rows[i * N_ROW + POSITION] != before:
        guard(run, i, t, (before, AT_OPEN, reference, at_close))
        shrink_exits(run, t, i)


def execute_within(run: Run, t: int) -> None:
    """Execute stops, then limits, then the stops of what these opened; move trailing stops."""
    if run.account[HITS_STOP] > 0.0:
        execute_part(run, t, AT_STOP)
    if run.account[HITS_LIMIT] > 0.0:
        execute_part(run, t, AT_LIMIT)
    while run.account[HITS_STOP] > 0.0:
        execute_part(run, t, AT_STOP)
    run.account[HITS_OPEN] = 0.0
    run.account[HITS_LIMIT] = 0.0
    follow(run, t)
    prune(run)


def execute_part(run: Run, t: int, part: int) -> None:
    """Execute the orders of one part of the bar."""
    run.account[HITS_OPEN + part - AT_OPEN] = 0.0
    for side in (-1.0, 1.0):
        for i in range(run.rules.n_instruments):
            if run.rows[i * N_ROW + HEAD] > 0.0:
                fill_hits(run, i, t, (part, side))


def execute_closes(run: Run, t: int) -> None:
    """Execute market orders and wishes at the bar's close, where that is when decisions fill."""
    if run.account[ORDERS] == 0.0 and run.account[WORKING] == 0.0:
        return
    n_bars = len(run.ts)
    for side in (-1.0, 1.0):
        for i in range(run.rules.n_instruments):
            row = i * N_ROW
            if run.rows[row + HEAD] > 0.0:
                fill_at_close(run, i, t, side)
            if run.rows[row + PENDING] > 0.0 and (run.rows[row + WANTED] - run.rows[row + POSITION]) * side > 0.0:
                guarded_wish(run, i, t, run.close[i * n_bars + t])
    prune(run)


def fill_at_close(run: Run, i: int, t: int, side: float) -> None:
    """Execute an instrument's market orders of one side at the close."""
    at_bar = i * len(run.ts) + t
    close = run.close[at_bar]
    if math.isnan(close) or run.volume[at_bar] == 0.0 or is_locked(run, at_bar, side):
        return
    k = int(run.rows[i * N_ROW + HEAD])
    while k > 0:
        at = (k - 1) * N_ORDER
        if run.book[at + O_KIND] == MARKET and run.book[at + O_STATE] == IS_WORKING and run.book[at + O_SIDE] == side:
            run.book[at + O_REFERENCE] = close
            fill_order(run, k - 1, t, (AT_OPEN, True))
        k = int(run.book[at + O_NEXT])


def fill_hits(run: Run, i: int, t: int, which: tuple[int, float]) -> None:
    """Execute an instrument's orders of one part of the bar and one side."""
    k = int(run.rows[i * N_ROW + HEAD])
    while k > 0:
        at = (k - 1) * N_ORDER
        if run.book[at + O_HIT] == which[0] and run.book[at + O_SIDE] == which[1]:
            run.book[at + O_HIT] = float(NO_HIT)
            fill_order(run, k - 1, t, (which[0], False))
        k = int(run.book[at + O_NEXT])


def fill_order(run: Run, slot: int, t: int, how: tuple[int, bool]) -> None:
    """Execute an order of the book; ``how`` is the part of the bar, and whether it is at the close."""
    book, at = run.book, slot * N_ORDER
    i, side, left = int(book[at + O_INSTRUMENT]), book[at + O_SIDE], book[at + O_LEFT]
    what = (i, int(book[at + O_KIND]), book[at + O_ID])
    quantity = min(left, volume_left(run, i, t))
    if quantity < left and book[at + O_TOLD] == 0.0:
        book[at + O_TOLD] = 1.0
        note(run, t, what, (side * left, quantity, float(S_PARTIAL), float(W_VOLUME)))
    if quantity == 0.0:
        return
    position = run.rows[i * N_ROW + POSITION]
    if book[at + O_PARENT] != 0.0:
        # What protects a position only ever reduces it.
        quantity = min(quantity, abs(position)) if position * side < 0.0 else 0.0
    closing = side * min(quantity, abs(position)) if position * side < 0.0 else 0.0
    asked = clean_quantity(side * quantity - closing, run.rules.units)
    if asked < 0.0 and run.rules.delivery:
        # Another sale was faster: delivery never goes short.
        withdraw_rest(run, t, slot, closing)
        asked, quantity = 0.0, abs(closing)
    limit = book[at + O_LIMIT] if what[1] >= LIMIT else math.nan
    same = same_order(run, i, t, what[2]) if book[at + O_TOLD] > 0.0 else 0.0
    reference, reason = book[at + O_REFERENCE], int(book[at + O_REASON])
    # What guards a position is as large as it, which may be more than the exchange takes in one order.
    slices = slices_of(run, i, book[at + O_QUANTITY])
    opening = 0.0
    if asked != 0.0:
        opening = affordable_apart(run, Deal(i, t, asked, reference, reason, how[1], what[1], what[2], same, slices, limit), closing)
    done = abs(closing + opening)
    if opening != asked:
        tell_cut(run, t, what, (side * book[at + O_QUANTITY], book[at + O_QUANTITY] - left + done))
        end_order(run, slot)
    if done > 0.0:
        trade_apart(run, Deal(i, t, closing + opening, reference, reason, how[1], what[1], what[2], same, slices, limit))
        after_fill(run, slot, t, (how[0], done, how[1], position))


def withdraw_rest(run: Run, t: int, slot: int, closing: float) -> None:
    """Cut a sale to what is held, and tell of it."""
    at = slot * N_ORDER
    what = (int(run.book[at + O_INSTRUMENT]), int(run.book[at + O_KIND]), run.book[at + O_ID])
    note(run, t, what, (-run.book[at + O_QUANTITY], abs(closing), float(S_CANCELLED), float(W_NO_SHORT)))
    run.book[at + O_LEFT] = abs(closing)
    if closing == 0.0:
        end_order(run, slot)


def after_fill(run: Run, slot: int, t: int, done: tuple[int, float, bool, float]) -> None:
    """Take a fill off its order and group, start its children, see to the guards; ``done``: part, quantity, at close, position before."""
    book, at = run.book, slot * N_ORDER
    part, quantity, at_close, before = done
    i = int(book[at + O_INSTRUMENT])
    row = i * N_ROW
    run.rows[row + IS_REACH_KNOWN] = 0.0
    book[at + O_LEFT] = clean_quantity(book[at + O_LEFT] - quantity, run.rules.units)
    if book[at + O_LEFT] <= 0.0:
        end_order(run, slot)
    else:
        trigger_rest(run, slot)
    fall_with(run, t, slot, quantity)
    if book[at + O_PARENT] == 0.0:
        start_children(run, slot, t, (part, quantity, at_close))
    if book[at + O_PARENT] == 0.0:
        guard(run, i, t, (before, part, book[at + O_REFERENCE], at_close))
    else:
        end_entry(run, t, i, book[at + O_PARENT])
    shrink_exits(run, t, i)
    if run.rows[row + PENDING] > 0.0 and run.rows[row + WANTED] == run.rows[row + POSITION]:
        drop_wish(run, i)


def end_entry(run: Run, t: int, i: int, parent: float) -> None:
    """Withdraw what is left of the entry whose exit has filled: there is no way back in until the target changes."""
    row = i * N_ROW
    if parent != GUARD:
        slot = slot_of(run, parent)
        if slot >= 0:
            withdraw(run, t, slot, (S_CANCELLED, W_OCO))
        return
    run.rows[row + SPENT] = 1.0
    if run.rows[row + PENDING] > 0.0 and run.rows[row + TOLD] == FILLED_IN_PART:
        left = run.rows[row + WANTED] - run.rows[row + POSITION]
        note(run, t, (i, MARKET, run.rows[row + WISH]), (left, 0.0, float(S_CANCELLED), float(W_OCO)))
        drop_wish(run, i)


def start_children(run: Run, slot: int, t: int, entry: tuple[int, float, bool]) -> None:
    """Wake an entry's children, or let them grow with it; ``entry``: the part of the bar it filled in, its quantity, if at the close.

    They stand right behind their entry, for they are handed in together.
    """
    book, at = run.book, slot * N_ORDER
    parent, reference = book[at + O_ID], book[at + O_REFERENCE]
    k = int(book[at + O_NEXT])
    while k > 0 and book[(k - 1) * N_ORDER + O_PARENT] == parent:
        child = (k - 1) * N_ORDER
        if book[child + O_STATE] == IS_DORMANT:
            book[child + O_STATE] = float(IS_WORKING)
            book[child + O_QUANTITY] = entry[1]
            book[child + O_LEFT] = entry[1]
            begin(run, k - 1, t, (entry[0], reference, entry[2]))
        elif book[child + O_STATE] == IS_WORKING:
            book[child + O_QUANTITY] += entry[1]
            book[child + O_LEFT] += entry[1]
        k = int(book[child + O_NEXT])


def begin(run: Run, slot: int, t: int, entry: tuple[int, float, bool]) -> None:
    """Let a child act in the bar of its entry: its stop where the bar's range reaches it, its target only after an entry at the open."""
    book, at = run.book, slot * N_ORDER
    book[at + O_FROM] = float(t)
    side, at_bar = book[at + O_SIDE], int(book[at + O_INSTRUMENT]) * len(run.ts) + t
    part, reference, at_close = entry
    if at_close or (book[at + O_KIND] == LIMIT and part != AT_OPEN):
        book[at + O_FROM] = float(t + 1)
        return
    if is_locked(run, at_bar, side):
        return
    high, low = run.high[at_bar], run.low[at_bar]
    if book[at + O_KIND] == LIMIT:
        limit = book[at + O_LIMIT]
        if (limit - (low if side > 0.0 else high)) * side > 0.0:
            # An entry beyond its target: within what the bar traded, and no better than the limit.
            hit(run, slot, AT_LIMIT, min(limit, high) if side > 0.0 else max(limit, low))
        return
    stop = book[at + O_STOP]
    if (reference - stop) * side >= 0.0:
        hit(run, slot, AT_STOP, reference)
    elif ((high if side > 0.0 else low) - stop) * side >= 0.0:
        hit(run, slot, AT_STOP, stop)


def guard(run: Run, i: int, t: int, change: tuple[float, int, float, bool]) -> None:
    """Make the orders that protect a position anew where it has grown.

    ``change`` is the position before, and the part of the bar, the reference and whether at the close of what has filled.
    """
    rules, row = run.rules, i * N_ROW
    if rules.stop_loss == 0.0 and rules.take_profit == 0.0 and rules.trailing == 0.0:
        return
    position = run.rows[row + POSITION]
    if abs(position) <= abs(change[0]) and position * change[0] >= 0.0:
        return
    k = int(run.rows[row + HEAD])
    while k > 0:
        at = (k - 1) * N_ORDER
        if run.book[at + O_PARENT] == GUARD and run.book[at + O_STATE] == IS_WORKING:
            withdraw(run, t, k - 1, (S_WITHDRAWN, W_REPLACED))
        k = int(run.book[at + O_NEXT])
    set_guards(run, i, t, (change[1], change[2], change[3]))


def set_guards(run: Run, i: int, t: int, entry: tuple[int, float, bool]) -> None:
    """Enter the stop-loss, the target and the trailing stop of a position, as one group, from its average entry price."""
    rules, row = run.rules, i * N_ROW
    position, average = run.rows[row + POSITION], run.rows[row + AVERAGE]
    sign = 1.0 if position > 0.0 else -1.0
    tick = tick_at(run, i, t)
    run.account[LAST_ID] += 1.0
    group = run.account[LAST_ID]
    size = abs(position)
    if rules.stop_loss > 0.0:
        level = level_price(average * (1.0 - sign * rules.stop_loss), -sign, tick)
        ticket = Ticket(i, -sign, size, STOP, math.nan, level, 0.0, 0.0, 0.0, group, GUARD, STOP_LOSS)
        begin_guard(run, ticket, t, entry)
    if rules.take_profit > 0.0:
        level = level_price(average * (1.0 + sign * rules.take_profit), sign, tick)
        ticket = Ticket(i, -sign, size, LIMIT, level, math.nan, 0.0, 0.0, 0.0, group, GUARD, TAKE_PROFIT)
        begin_guard(run, ticket, t, entry)
    if rules.trailing > 0.0:
        level = level_price(average * (1.0 - sign * rules.trailing), -sign, tick)
        ticket = Ticket(i, -sign, size, TRAILING, math.nan, level, rules.trailing, 1.0, 0.0, group, GUARD, TRAILING_STOP)
        begin_guard(run, ticket, t, entry)


def begin_guard(run: Run, ticket: Ticket, t: int, entry: tuple[int, float, bool]) -> None:
    """Enter a guard and let it act in this bar."""
    slot = add_order(run, ticket, t)
    if slot >= 0:
        begin(run, slot, t, entry)


HELPERS: Final[tuple[Any, ...]] = (
    execute,
    execute_open,
    guarded_wish,
    execute_within,
    execute_part,
    execute_closes,
    fill_at_close,
    fill_hits,
    fill_order,
    withdraw_rest,
    after_fill,
    end_entry,
    start_children,
    begin,
    guard,
    set_guards,
    begin_guard,
)
HOT: Final = ()
