"""The loop of runs with more than targets: orders that wait for a price, protections, orders for a day, limits of loss.

It is the loop of ``qts.kernels.fills`` with the book of orders in it; for a run of targets alone both give the same.
"""

from __future__ import annotations

from typing import Any, Final

from qts.kernels.actions import act_with_orders
from qts.kernels.booking import account_equity, note
from qts.kernels.charging import day_of
from qts.kernels.decisions import decide, leave_wish
from qts.kernels.endings import expire, finish, record, redo, square_at_close, square_at_open
from qts.kernels.execution import execute, execute_closes
from qts.kernels.fills import catch_up, fill_curve, is_quiet, next_on_agenda, take_marks
from qts.kernels.orders import prune, shrink_exits, withdraw, withdraw_all
from qts.kernels.state import (
    CLOSED,
    DAY,
    DAY_START,
    FILLS,
    HALTED,
    HEAD,
    LAST,
    MARKET,
    N_ORDER,
    N_ROW,
    N_TERM,
    O_DAY,
    O_NEXT,
    OVERFLOW,
    PEAK,
    PENDING,
    POSITION,
    RISK,
    RUINED,
    S_EXPIRED,
    S_WITHDRAWN,
    STOPPED,
    T_EXPIRES,
    TARGET,
    W_DAILY_LOSS,
    W_DAY,
    W_DRAWDOWN,
    W_EXPIRED,
    W_RUIN,
    W_SQUARE_OFF,
    WANTED,
    WISH,
    WORKING,
    Run,
)


def orders_loop(run: Run) -> None:
    """Play every bar, until the room for fills, orders or events is used up."""
    n_bars = len(run.ts)
    t = 0
    while t < n_bars and run.account[OVERFLOW] == 0.0:
        if is_quiet(run):
            t = fill_curve(run, t, next_on_agenda(run, t))
        begin_bar(run, t)
        decide(run, t, account_equity(run))
        end_bar(run, t)
        t += 1


def begin_bar(run: Run, t: int) -> None:
    """Play a bar up to its decisions; filling at the next open, its equity is written then."""
    catch_up(run, t)
    if len(run.actions) > 0:
        act_with_orders(run, t)
    rules = run.rules
    if rules.daily_loss > 0.0 or run.account[WORKING] > 0.0:
        new_day(run, t)
    if rules.intraday:
        clear_squared(run, t)
        n_fills = run.account[FILLS]
        square_at_open(run, t)
        if run.account[FILLS] > n_fills:
            clear_exits(run, t)
    execute(run, t)
    take_marks(run, t)
    if rules.expires:
        clear_expired(run, t)
        expire(run, t)
    if rules.intraday:
        square_at_close(run, t)
        clear_ended(run, t)
    if not rules.at_close:
        close_bar(run, t)


def end_bar(run: Run, t: int) -> None:
    """Play the rest of a bar whose decisions fill at its close."""
    if run.rules.at_close:
        execute_closes(run, t)
        close_bar(run, t)


def close_bar(run: Run, t: int) -> None:
    """Close what is open when the bars end, where that is asked for, write the account and hold it to its limits."""
    rules = run.rules
    if rules.close_at_end and t == len(run.ts) - 1:
        finish(run, t)
    was_ruined = run.account[RUINED]
    equity = record(run, t)
    if run.account[RUINED] > was_ruined:
        for i in range(rules.n_instruments):
            withdraw_all(run, t, i, (S_WITHDRAWN, W_RUIN))
        prune(run)
    if rules.daily_loss > 0.0 or rules.max_drawdown > 0.0:
        judge(run, t, equity)


def clear_squared(run: Run, t: int) -> None:
    """Withdraw all orders of an instrument from its square-off time on."""
    if run.account[WORKING] == 0.0:
        return
    for i in range(run.rules.n_instruments):
        if run.phase[i * len(run.ts) + t] & CLOSED != 0:
            withdraw_all(run, t, i, (S_WITHDRAWN, W_SQUARE_OFF))
    prune(run)


def clear_exits(run: Run, t: int) -> None:
    """Withdraw what guarded positions that are closed already."""
    if run.account[WORKING] == 0.0:
        return
    for i in range(run.rules.n_instruments):
        shrink_exits(run, t, i)
    prune(run)


def clear_ended(run: Run, t: int) -> None:
    """Withdraw all orders of instruments whose session has ended, as the broker does with intraday ones."""
    if run.account[WORKING] == 0.0:
        return
    for i in range(run.rules.n_instruments):
        if run.phase[i * len(run.ts) + t] & LAST != 0:
            withdraw_all(run, t, i, (S_WITHDRAWN, W_SQUARE_OFF))
    prune(run)


def clear_expired(run: Run, t: int) -> None:
    """Let the orders of a contract end with it."""
    for i in range(run.rules.n_instruments):
        if run.terms[i * N_TERM + T_EXPIRES] == t:
            withdraw_all(run, t, i, (S_EXPIRED, W_EXPIRED))
    prune(run)


def new_day(run: Run, t: int) -> None:
    """Begin a date: orders of earlier dates end, a daily-loss stop is lifted."""
    day = float(day_of(run.ts[t]))
    if run.account[DAY] == day:
        return
    run.account[DAY] = day
    run.account[DAY_START] = run.equity[t - 1] if t > 0 else run.account[PEAK]
    for i in range(run.rules.n_instruments):
        if run.account[STOPPED] > 0.0 and run.rows[i * N_ROW + TARGET] != 0.0:
            redo(run, i)
        k = int(run.rows[i * N_ROW + HEAD])
        while k > 0:
            at = (k - 1) * N_ORDER
            if run.book[at + O_DAY] > 0.0 and run.book[at + O_DAY] < day:
                withdraw(run, t, k - 1, (S_EXPIRED, W_DAY))
            k = int(run.book[at + O_NEXT])
    run.account[STOPPED] = 0.0
    prune(run)


def judge(run: Run, t: int, equity: float) -> None:
    """Hold the account to its limits at a close."""
    account = run.account
    rules = run.rules
    account[PEAK] = max(account[PEAK], equity)
    if account[HALTED] > 0.0 or account[RUINED] > 0.0:  # what is lost is closed already
        return
    if rules.max_drawdown > 0.0 and equity <= account[PEAK] * (1.0 - rules.max_drawdown):
        account[HALTED] = 1.0
        flatten(run, t, W_DRAWDOWN)
    elif rules.daily_loss > 0.0 and account[STOPPED] == 0.0 and equity <= account[DAY_START] * (1.0 - rules.daily_loss):
        account[STOPPED] = 1.0
        flatten(run, t, W_DAILY_LOSS)


def flatten(run: Run, t: int, why: int) -> None:
    """Withdraw everything and wish all positions away."""
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        withdraw_all(run, t, i, (S_WITHDRAWN, why))
        if run.rows[row + PENDING] > 0.0:
            change = run.rows[row + WANTED] - run.rows[row + POSITION]
            note(run, t, (i, MARKET, run.rows[row + WISH]), (change, 0.0, float(S_WITHDRAWN), float(why)))
        leave_wish(run, i, 0.0, RISK)
    prune(run)


HELPERS: Final[tuple[Any, ...]] = (
    orders_loop,
    begin_bar,
    end_bar,
    close_bar,
    clear_squared,
    clear_exits,
    clear_ended,
    clear_expired,
    new_day,
    judge,
    flatten,
)
HOT: Final = ()
