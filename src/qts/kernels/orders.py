"""The book: orders that wait for their price, kept for each instrument in the order they came."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.kernels.booking import note
from qts.kernels.state import (
    FREE,
    HEAD,
    IS_DONE,
    IS_DORMANT,
    IS_FREE,
    IS_REACH_KNOWN,
    IS_WORKING,
    LAST_ID,
    LIMIT,
    N_DONE,
    N_ORDER,
    N_ROW,
    NO_HIT,
    O_DAY,
    O_FROM,
    O_GROUP,
    O_HIT,
    O_ID,
    O_INSTRUMENT,
    O_IS_FRACTION,
    O_KIND,
    O_LEFT,
    O_LIMIT,
    O_NEXT,
    O_PARENT,
    O_QUANTITY,
    O_REASON,
    O_REFERENCE,
    O_SAME,
    O_SIDE,
    O_STATE,
    O_STOP,
    O_TOLD,
    O_TRAIL,
    OVERFLOW,
    POSITION,
    S_CANCELLED,
    S_WITHDRAWN,
    SLOTS,
    STOP,
    STOP_LIMIT,
    TAIL,
    TRAILING,
    W_FLAT,
    W_OCO,
    WORKING,
    Run,
)

# The parent of orders that guard a position which a target opened.
GUARD: Final = -1.0
# A level above every price.
ABOVE_ALL: Final = 1e300


class Ticket(NamedTuple):
    """An order as it is given: ``side`` is 1.0 or -1.0, prices are NaN and numbers 0.0 where there is none.

    ``trail`` is in rupees, or a fraction where ``is_fraction`` is 1.0; ``day`` is the number of the date it ends with; orders of one
    ``group`` end one another; ``parent`` is the id of the entry it starts with.
    """

    instrument: int
    side: float
    quantity: float
    kind: int
    limit: float
    stop: float
    trail: float
    is_fraction: float
    day: float
    group: float
    parent: float
    reason: int


def add_order(run: Run, ticket: Ticket, from_bar: int) -> int:
    """Enter an order into the book and return its slot, or -1 where the book is full. With a parent it sleeps until that fills."""
    slot = int(run.account[FREE]) - 1
    if slot >= 0:
        run.account[FREE] = run.book[slot * N_ORDER + O_NEXT]
    else:
        slot = int(run.account[SLOTS])
        if (slot + 1) * N_ORDER > len(run.book):
            run.account[OVERFLOW] = 1.0
            return -1
        run.account[SLOTS] += 1.0
    run.account[LAST_ID] += 1.0
    at = slot * N_ORDER
    book = run.book
    book[at + O_ID] = run.account[LAST_ID]
    book[at + O_INSTRUMENT] = float(ticket.instrument)
    book[at + O_KIND] = float(ticket.kind)
    book[at + O_SIDE] = ticket.side
    book[at + O_QUANTITY] = ticket.quantity
    book[at + O_LEFT] = ticket.quantity
    book[at + O_LIMIT] = ticket.limit
    book[at + O_STOP] = ticket.stop
    book[at + O_TRAIL] = ticket.trail
    book[at + O_IS_FRACTION] = ticket.is_fraction
    book[at + O_DAY] = ticket.day
    book[at + O_GROUP] = ticket.group
    book[at + O_PARENT] = ticket.parent
    book[at + O_STATE] = float(IS_DORMANT) if ticket.parent > 0.0 else float(IS_WORKING)
    book[at + O_HIT] = float(NO_HIT)
    book[at + O_REFERENCE] = 0.0
    book[at + O_NEXT] = 0.0
    book[at + O_REASON] = float(ticket.reason)
    book[at + O_FROM] = float(from_bar)
    book[at + O_TOLD] = 0.0
    book[at + O_SAME] = 0.0
    append(run, slot)
    return slot


def append(run: Run, slot: int) -> None:
    """Put a slot at the end of its instrument's orders."""
    row = int(run.book[slot * N_ORDER + O_INSTRUMENT]) * N_ROW
    run.rows[row + IS_REACH_KNOWN] = 0.0
    last = int(run.rows[row + TAIL])
    if last == 0:
        run.rows[row + HEAD] = float(slot + 1)
    else:
        run.book[(last - 1) * N_ORDER + O_NEXT] = float(slot + 1)
    run.rows[row + TAIL] = float(slot + 1)
    run.account[WORKING] += 1.0


def end_order(run: Run, slot: int) -> None:
    """Take an order as finished; its children that still sleep go with it. Its slot is freed when the bar is over."""
    at = slot * N_ORDER
    if run.book[at + O_STATE] == IS_DONE:
        return
    run.book[at + O_STATE] = float(IS_DONE)
    run.book[at + O_HIT] = float(NO_HIT)
    run.account[N_DONE] += 1.0


def withdraw(run: Run, t: int, slot: int, cause: tuple[int, int]) -> None:
    """End an order that has not been done in full, and tell of it; ``cause`` is the event's status and reason."""
    at = slot * N_ORDER
    book = run.book
    if book[at + O_STATE] == IS_DONE:
        return
    was_working = book[at + O_STATE] == IS_WORKING
    end_order(run, slot)
    if was_working:
        done = book[at + O_QUANTITY] - book[at + O_LEFT]
        what = (int(book[at + O_INSTRUMENT]), int(book[at + O_KIND]), book[at + O_ID])
        note(run, t, what, (book[at + O_SIDE] * book[at + O_QUANTITY], done, float(cause[0]), float(cause[1])))
    drop_children(run, slot)


def drop_children(run: Run, slot: int) -> None:
    """End the sleeping children of an order that will fill no more; they stand right behind it."""
    parent = run.book[slot * N_ORDER + O_ID]
    k = int(run.book[slot * N_ORDER + O_NEXT])
    while k > 0 and run.book[(k - 1) * N_ORDER + O_PARENT] == parent:
        if run.book[(k - 1) * N_ORDER + O_STATE] == IS_DORMANT:
            end_order(run, k - 1)
        k = int(run.book[(k - 1) * N_ORDER + O_NEXT])


def withdraw_all(run: Run, t: int, i: int, cause: tuple[int, int]) -> None:
    """End all orders of an instrument."""
    k = int(run.rows[i * N_ROW + HEAD])
    while k > 0:
        withdraw(run, t, k - 1, cause)
        k = int(run.book[(k - 1) * N_ORDER + O_NEXT])


def shrink_exits(run: Run, t: int, i: int) -> None:
    """Keep what guards a position no larger than it; neither guards nor children of brackets outlive what they close.

    The children of an entry that still works sleep again, until it fills more.
    """
    position = run.rows[i * N_ROW + POSITION]
    k = int(run.rows[i * N_ROW + HEAD])
    while k > 0:
        at = (k - 1) * N_ORDER
        parent, held = run.book[at + O_PARENT], -run.book[at + O_SIDE] * position
        if parent != 0.0 and run.book[at + O_STATE] == IS_WORKING:
            if held <= 0.0:
                withdraw(run, t, k - 1, (S_WITHDRAWN, W_FLAT))
                if slot_of(run, parent) >= 0:
                    run.book[at + O_STATE] = float(IS_DORMANT)
                    run.account[N_DONE] -= 1.0
            elif parent == GUARD and run.book[at + O_LEFT] > held:
                run.book[at + O_QUANTITY] -= run.book[at + O_LEFT] - held
                run.book[at + O_LEFT] = held
        k = int(run.book[at + O_NEXT])


def trigger_rest(run: Run, slot: int) -> None:
    """Let the rest of a stop that has filled in part go on as what a triggered one is: a market order, or a limit."""
    book, at = run.book, slot * N_ORDER
    if book[at + O_KIND] == STOP_LIMIT:
        book[at + O_KIND] = float(LIMIT)
    elif book[at + O_KIND] == STOP or book[at + O_KIND] == TRAILING:
        # Any price reaches this level: it fills at the next open there is.
        book[at + O_STOP] = 0.0 if book[at + O_SIDE] > 0.0 else ABOVE_ALL


def slot_of(run: Run, order: float) -> int:
    """Return the slot of an order that is in the book, or -1."""
    for slot in range(int(run.account[SLOTS])):
        at = slot * N_ORDER
        if run.book[at + O_ID] == order and run.book[at + O_STATE] != IS_FREE and run.book[at + O_STATE] != IS_DONE:
            return slot
    return -1


def prune(run: Run) -> None:
    """Free the slots of finished orders."""
    if run.account[N_DONE] == 0.0:
        return
    book = run.book
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        k, last = int(run.rows[row + HEAD]), 0
        while k > 0:
            at = (k - 1) * N_ORDER
            after = int(book[at + O_NEXT])
            if book[at + O_STATE] == IS_DONE:
                book[at + O_STATE] = float(IS_FREE)
                book[at + O_NEXT] = run.account[FREE]
                run.account[FREE] = float(k)
                run.account[WORKING] -= 1.0
                if last == 0:
                    run.rows[row + HEAD] = float(after)
                else:
                    book[(last - 1) * N_ORDER + O_NEXT] = float(after)
            else:
                last = k
            k = after
        run.rows[row + TAIL] = float(last)
    run.account[N_DONE] = 0.0


def fall_with(run: Run, t: int, slot: int, quantity: float) -> None:
    """Take what an order filled from the others of its group; those left with nothing are cancelled."""
    group = run.book[slot * N_ORDER + O_GROUP]
    if group == 0.0:
        return
    for other in range(int(run.account[SLOTS])):
        at = other * N_ORDER
        if other != slot and run.book[at + O_GROUP] == group and run.book[at + O_STATE] == IS_WORKING:
            left = run.book[at + O_LEFT] - quantity
            if left > 0.0:
                run.book[at + O_LEFT] = left
                run.book[at + O_QUANTITY] -= quantity
            else:
                withdraw(run, t, other, (S_CANCELLED, W_OCO))


HELPERS: Final[tuple[Any, ...]] = (
    add_order,
    append,
    end_order,
    withdraw,
    drop_children,
    withdraw_all,
    shrink_exits,
    trigger_rest,
    slot_of,
    prune,
    fall_with,
)
HOT: Final = ()
