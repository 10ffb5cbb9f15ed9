"""What closes positions besides orders: the square-off of a session, a contract's expiry, the end of the data, ruin and our own limits."""

from __future__ import annotations

import math
from typing import Any, Final

from qts.kernels.booking import account_equity, note, trade_apart
from qts.kernels.decisions import make_due, settle_due
from qts.kernels.funding import Deal, volume_left
from qts.kernels.state import (
    CARRIED,
    CASH,
    CLOSED,
    END,
    ENDED,
    EXPIRY,
    LAST,
    LAST_ID,
    MARK,
    MARKET,
    N_HELD,
    N_OVERDUE,
    N_ROW,
    N_TERM,
    OVERDUE,
    PENDING,
    POSITION,
    RISK,
    RUINED,
    S_EXPIRED,
    S_WITHDRAWN,
    SETTLEMENT,
    SPENT,
    SQUARE_OFF,
    STOPPED,
    T_EXPIRES,
    W_EXPIRED,
    W_RUIN,
    WANTED,
    WISH,
    WISH_REASON,
    Run,
)
from qts.kernels.wishes import drop_wish, is_locked, slices_of


def close_position(run: Run, i: int, t: int, how: tuple[float, int, bool, int]) -> None:
    """Close a position whole; ``how``: the price before slippage, the reason, whether at the close, and the kind of deal."""
    close_part(run, (i, t), -run.rows[i * N_ROW + POSITION], how)


def close_part(run: Run, where: tuple[int, int], change: float, how: tuple[float, int, bool, int]) -> None:
    """Trade what closes a position, or as much of it as there is volume for; ``where`` is the instrument and the bar."""
    run.account[LAST_ID] += 1.0
    # A settlement is no order, which a freeze quantity would cut.
    slices = 1.0 if how[3] == SETTLEMENT else slices_of(run, where[0], abs(run.rows[where[0] * N_ROW + POSITION]))
    trade_apart(run, Deal(where[0], where[1], change, how[0], how[1], how[2], how[3], run.account[LAST_ID], 0.0, slices, math.nan))


def force(run: Run, i: int, t: int, how: tuple[float, int, bool, int]) -> bool:
    """Close as much of a position as the bar lets us, and return whether nothing is left of it."""
    row = i * N_ROW
    position = run.rows[row + POSITION]
    if is_locked(run, i * len(run.ts) + t, -1.0 if position > 0.0 else 1.0):
        return False
    quantity = min(abs(position), volume_left(run, i, t))
    if quantity > 0.0:
        close_part(run, (i, t), -quantity if position > 0.0 else quantity, how)
    return run.rows[row + POSITION] == 0.0


def redo(run: Run, i: int) -> None:
    """Have a standing target decided again, unless a protection has closed it: then it is not decided until it changes."""
    if run.rows[i * N_ROW + SPENT] == 0.0:
        make_due(run, i)
    else:
        settle_due(run, i)


def square_at_open(run: Run, t: int) -> None:
    """Withdraw orders and close positions from the square-off time on, and what an earlier session could not close."""
    n_bars = len(run.ts)
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        closed = run.phase[i * n_bars + t] & CLOSED != 0
        if not closed and run.rows[row + OVERDUE] == 0.0:
            continue
        if closed and run.rows[row + PENDING] > 0.0:
            drop_wish(run, i)
            run.rows[row + WANTED] = run.rows[row + POSITION]
            make_due(run, i)
        reference = run.open[i * n_bars + t]
        if run.rows[row + POSITION] == 0.0 or math.isnan(reference) or run.volume[i * n_bars + t] == 0.0:
            continue
        if force(run, i, t, (reference, SQUARE_OFF, False, MARKET)):
            run.account[N_OVERDUE] -= run.rows[row + OVERDUE]
            run.rows[row + OVERDUE] = 0.0
            redo(run, i)


def square_at_close(run: Run, t: int) -> None:
    """Close intraday positions at the close of their session's last bar, or carry them where nothing traded in that bar."""
    n_bars = len(run.ts)
    for i in range(run.rules.n_instruments):
        at, row = i * n_bars + t, i * N_ROW
        if math.isnan(run.close[at]) or run.phase[at] & LAST == 0:
            continue
        # The broker cancels intraday orders at the end of the day; a target is decided again.
        drop_wish(run, i)
        redo(run, i)
        overdue = 0.0
        if run.rows[row + POSITION] != 0.0 and (
            run.volume[at] == 0.0 or not force(run, i, t, (run.rows[row + MARK], SQUARE_OFF, True, MARKET))
        ):
            overdue = 1.0
        run.account[N_OVERDUE] += overdue - run.rows[row + OVERDUE]
        run.rows[row + OVERDUE] = overdue
        run.account[CARRIED] += overdue


def expire(run: Run, t: int) -> None:
    """Settle the contracts that end with this bar, at their mark."""
    for i in range(run.rules.n_instruments):
        if run.terms[i * N_TERM + T_EXPIRES] != t:
            continue
        row = i * N_ROW
        if run.rows[row + PENDING] > 0.0:
            drop_wish(run, i)
            change = run.rows[row + WANTED] - run.rows[row + POSITION]
            note(run, t, (i, MARKET, run.rows[row + WISH]), (change, 0.0, float(S_EXPIRED), float(W_EXPIRED)))
        if run.rows[row + POSITION] != 0.0:
            close_position(run, i, t, (run.rows[row + MARK], EXPIRY, True, SETTLEMENT))
        run.account[N_OVERDUE] -= run.rows[row + OVERDUE]
        run.rows[row + OVERDUE] = 0.0
        run.rows[row + ENDED] = 1.0


def finish(run: Run, t: int) -> None:
    """Close what is open at the last close of each instrument, where something traded in that bar."""
    n_bars = len(run.ts)
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        if run.rows[row + POSITION] == 0.0:
            continue
        last = t
        while math.isnan(run.close[i * n_bars + last]):
            last -= 1
        side = -1.0 if run.rows[row + POSITION] > 0.0 else 1.0
        if run.volume[i * n_bars + last] != 0.0 and not is_locked(run, i * n_bars + last, side):
            force(run, i, t, (run.rows[row + MARK], END, True, MARKET))


def ruin(run: Run, t: int) -> None:
    """Stop: nothing is left. What waits is withdrawn, every position is closed as soon as it can be, and nothing is opened again."""
    run.account[RUINED] = 1.0
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        # What our limits close already goes on: it is a lost account that is closed, too.
        if run.rows[row + PENDING] > 0.0 and run.rows[row + WISH_REASON] != RISK:
            drop_wish(run, i)
            change = run.rows[row + WANTED] - run.rows[row + POSITION]
            note(run, t, (i, MARKET, run.rows[row + WISH]), (change, 0.0, float(S_WITHDRAWN), float(W_RUIN)))
        make_due(run, i)


def is_watched(run: Run) -> bool:
    """Return whether the limits must be held to at every close."""
    return (run.rules.daily_loss > 0.0 or run.rules.max_drawdown > 0.0) and (run.account[N_HELD] > 0.0 or run.account[STOPPED] > 0.0)


def record(run: Run, t: int) -> float:
    """Write the account at this bar's close, and return the equity."""
    equity = account_equity(run)
    run.equity[t] = equity
    run.cash[t] = run.account[CASH]
    if equity <= 0.0 and run.account[RUINED] == 0.0:
        ruin(run, t)
    return equity


HELPERS: Final[tuple[Any, ...]] = (
    close_position,
    close_part,
    force,
    redo,
    square_at_open,
    square_at_close,
    expire,
    finish,
    ruin,
    is_watched,
    record,
)
HOT: Final = (is_watched, record)
