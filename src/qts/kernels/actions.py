"""Corporate actions: what they do to positions, cash, marks, wishes and working orders, before anything else happens in a bar."""

from __future__ import annotations

import math
from typing import Any, Final

from qts.kernels.arithmetic import level_price, whole_lots
from qts.kernels.booking import note
from qts.kernels.funding import tick_at
from qts.kernels.orders import ABOVE_ALL, GUARD, prune, shrink_exits, withdraw
from qts.kernels.state import (
    A_BAR,
    A_CASH,
    A_INSTRUMENT,
    A_RATIO,
    ACTED,
    AVERAGE,
    CASH,
    D_AFTER,
    D_BEFORE,
    D_IN_LIEU,
    D_PAID,
    HEAD,
    IS_REACH_KNOWN,
    IS_WORKING,
    MARK,
    MARKET,
    N_ACTED,
    N_ACTION,
    N_HELD,
    N_ORDER,
    N_OVERDUE,
    N_ROW,
    N_TERM,
    O_INSTRUMENT,
    O_IS_FRACTION,
    O_LEFT,
    O_LIMIT,
    O_NEXT,
    O_PARENT,
    O_QUANTITY,
    O_SIDE,
    O_STATE,
    O_STOP,
    O_TRAIL,
    OVERDUE,
    PENDING,
    POSITION,
    S_ACTION,
    S_CANCELLED,
    S_WITHDRAWN,
    T_LOT,
    W_ACTION,
    W_FLAT,
    WANTED,
    WISH,
    Run,
)
from qts.kernels.wishes import drop_wish


def act(run: Run, t: int) -> None:
    """Let this bar's actions take effect where no order waits for a price."""
    actions = run.actions
    k = int(run.account[ACTED])
    while k * N_ACTION < len(actions) and actions[k * N_ACTION + A_BAR] <= t:
        act_on_position(run, t, k)
        k += 1
    run.account[ACTED] = float(k)


def act_with_orders(run: Run, t: int) -> None:
    """Let this bar's actions take effect, on the orders in the book as well."""
    actions = run.actions
    k = int(run.account[ACTED])
    while k * N_ACTION < len(actions) and actions[k * N_ACTION + A_BAR] <= t:
        act_on_position(run, t, k)
        act_on_orders(run, t, (int(actions[k * N_ACTION + A_INSTRUMENT]), actions[k * N_ACTION + A_RATIO]))
        k += 1
    run.account[ACTED] = float(k)


def act_on_position(run: Run, t: int, k: int) -> None:
    """Turn old shares into new ones, pay what is paid for them, and tell of it. A fraction of a share is paid in cash at the mark."""
    at = k * N_ACTION
    i, ratio = int(run.actions[at + A_INSTRUMENT]), run.actions[at + A_RATIO]
    row = i * N_ROW
    rows = run.rows
    held = rows[row + POSITION]
    rows[row + MARK] /= ratio
    kept, in_lieu = held, 0.0
    if ratio != 1.0 and held != 0.0:
        kept = scaled(held, ratio, (run.rules.units, 1.0))
        in_lieu = (held * ratio - kept) * rows[row + MARK]
        rows[row + POSITION] = kept
        rows[row + AVERAGE] /= ratio
        if kept == 0.0:
            run.account[N_HELD] -= 1.0
            run.account[N_OVERDUE] -= rows[row + OVERDUE]
            rows[row + OVERDUE] = 0.0
    paid = held * run.actions[at + A_CASH]
    run.account[CASH] += paid + in_lieu
    done = k * N_ACTED
    run.acted[done + D_BEFORE] = held
    run.acted[done + D_AFTER] = kept
    run.acted[done + D_IN_LIEU] = in_lieu
    run.acted[done + D_PAID] = paid
    if held != 0.0:
        # The log's number of an order is here that of the action.
        note(run, t, (i, MARKET, float(k)), (held, abs(kept), float(S_ACTION), float(W_ACTION)))
    if ratio != 1.0 and rows[row + PENDING] > 0.0:
        act_on_wish(run, t, i, ratio)


def act_on_wish(run: Run, t: int, i: int, ratio: float) -> None:
    """Let a waiting wish ask for as many new shares as its old ones became; it ends where nothing is missing any more."""
    row = i * N_ROW
    run.rows[row + WANTED] = scaled(run.rows[row + WANTED], ratio, (run.rules.units, run.terms[i * N_TERM + T_LOT]))
    if run.rows[row + WANTED] == run.rows[row + POSITION]:
        drop_wish(run, i)
        note(run, t, (i, MARKET, run.rows[row + WISH]), (0.0, 0.0, float(S_CANCELLED), float(W_ACTION)))


def scaled(quantity: float, ratio: float, parts: tuple[float, float]) -> float:
    """Return a signed quantity in new shares, cut towards zero to what is traded; ``parts`` are the parts of a share, and the lot."""
    size = whole_lots(abs(quantity) * ratio, parts[0], parts[1])
    return size if quantity >= 0.0 else 0.0 - size


def act_on_orders(run: Run, t: int, what: tuple[int, float]) -> None:
    """State an instrument's orders in new shares and prices; those that come to nothing end. ``what`` is the instrument and the ratio."""
    i, ratio = what
    k = int(run.rows[i * N_ROW + HEAD])
    if k == 0:
        return
    book = run.book
    run.rows[i * N_ROW + IS_REACH_KNOWN] = 0.0
    while k > 0:
        at = (k - 1) * N_ORDER
        if ratio != 1.0:
            act_on_prices(run, t, k - 1, ratio)
        if ratio != 1.0 and book[at + O_STATE] == IS_WORKING:
            parts = (run.rules.units, run.terms[i * N_TERM + T_LOT])
            left = scaled(book[at + O_LEFT], ratio, parts)
            if left > 0.0:
                book[at + O_QUANTITY] = scaled(book[at + O_QUANTITY], ratio, parts)
                book[at + O_LEFT] = left
            elif book[at + O_PARENT] == GUARD:
                withdraw(run, t, k - 1, (S_WITHDRAWN, W_FLAT))
            else:
                withdraw(run, t, k - 1, (S_CANCELLED, W_ACTION))
        k = int(book[at + O_NEXT])
    shrink_exits(run, t, i)
    prune(run)


def act_on_prices(run: Run, t: int, slot: int, ratio: float) -> None:
    """Divide an order's prices: stops to the worse side for us, limits farther away, as all levels that are computed."""
    book, at = run.book, slot * N_ORDER
    side, tick = book[at + O_SIDE], tick_at(run, int(book[at + O_INSTRUMENT]), t)
    if not math.isnan(book[at + O_LIMIT]):
        book[at + O_LIMIT] = level_price(book[at + O_LIMIT] / ratio, -side, tick)
    # One that has triggered stands at no price.
    if 0.0 < book[at + O_STOP] < ABOVE_ALL:
        book[at + O_STOP] = level_price(book[at + O_STOP] / ratio, side, tick)
    if book[at + O_IS_FRACTION] == 0.0:
        book[at + O_TRAIL] /= ratio


HELPERS: Final[tuple[Any, ...]] = (
    act,
    act_with_orders,
    act_on_position,
    act_on_wish,
    scaled,
    act_on_orders,
    act_on_prices,
)
HOT: Final = ()
