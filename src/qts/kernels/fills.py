"""The fill-and-cost core: targets and orders in, fills and the account bar by bar out. One account, any number of instruments.

Everything here and in the modules it calls is plain Python over columns that may be lists or arrays, and is the definition;
``qts.kernels.compiled.fills_nb`` is the same source compiled. The caller validates. The semantics are told in
``docs/explanation/engine.md``.

The loop visits the bars where something may happen: a target, a working order, a session's phase. The bars between are written in one
go, which gives the same.
"""

from __future__ import annotations

from typing import Any, Final

from qts.kernels.actions import act
from qts.kernels.booking import account_equity
from qts.kernels.decisions import decide
from qts.kernels.endings import expire, finish, is_watched, record, square_at_close, square_at_open
from qts.kernels.state import (
    AGENDA,
    CASH,
    MARK,
    MARKED,
    N_DUE,
    N_HELD,
    N_OVERDUE,
    N_ROW,
    ORDERS,
    OVERFLOW,
    POSITION,
    RUINED,
    WORKING,
    Run,
)
from qts.kernels.wishes import execute_wishes


def fills_loop(run: Run) -> None:
    """Play every bar, until the room for fills or events is used up. Orders with a price are played by ``qts.kernels.trading``."""
    n_bars = len(run.ts)
    t = 0
    while t < n_bars and run.account[OVERFLOW] == 0.0:
        if is_quiet(run):
            t = fill_curve(run, t, next_on_agenda(run, t))
        play_bar(run, t)
        t += 1


def play_bar(run: Run, t: int) -> None:
    """Play one bar whole, its decisions coming from targets."""
    begin_bar(run, t)
    decide(run, t, account_equity(run) if run.rules.at_close else run.equity[t])
    end_bar(run, t)


def begin_bar(run: Run, t: int) -> None:
    """Play a bar up to its decisions; filling at the next open, its equity is written then."""
    catch_up(run, t)
    if len(run.actions) > 0:
        act(run, t)
    rules = run.rules
    if rules.intraday:
        square_at_open(run, t)
    if not rules.at_close:
        execute_wishes(run, t, run.open)
    take_marks(run, t)
    if rules.expires:
        expire(run, t)
    if rules.intraday:
        square_at_close(run, t)
    if not rules.at_close:
        close_bar(run, t)


def end_bar(run: Run, t: int) -> None:
    """Play the rest of a bar whose decisions fill at its close."""
    if run.rules.at_close:
        execute_wishes(run, t, run.close)
        close_bar(run, t)


def close_bar(run: Run, t: int) -> None:
    """Close what is open when the bars end, where that is asked for, and write the account."""
    if run.rules.close_at_end and t == len(run.ts) - 1:
        finish(run, t)
    record(run, t)


def catch_up(run: Run, t: int) -> None:
    """Take the marks of the bar before, where bars were passed over."""
    if int(run.account[MARKED]) == t:
        return
    n_bars = len(run.ts)
    for i in range(run.rules.n_instruments):
        run.rows[i * N_ROW + MARK] = run.mark[i * n_bars + t - 1]


def take_marks(run: Run, t: int) -> None:
    """Take the closes of this bar as marks."""
    n_bars = len(run.ts)
    for i in range(run.rules.n_instruments):
        run.rows[i * N_ROW + MARK] = run.mark[i * n_bars + t]
    # The bar that the marks stand before.
    run.account[MARKED] = float(t + 1)


def is_quiet(run: Run) -> bool:
    """Return whether nothing can happen in a bar that is not on the agenda."""
    account = run.account
    if account[ORDERS] > 0.0 or account[WORKING] > 0.0 or account[N_DUE] > 0.0 or account[N_OVERDUE] > 0.0:
        return False
    return not is_watched(run)


def next_on_agenda(run: Run, t: int) -> int:
    """Return the first bar from t on that is looked at in any case; the last bar is one."""
    agenda = run.agenda
    k = int(run.account[AGENDA])
    while agenda[k] < t:
        k += 1
    run.account[AGENDA] = float(k)
    return int(agenda[k])


def fill_curve(run: Run, start: int, stop: int) -> int:
    """Write the account of bars ``start`` to ``stop - 1``, in which nothing happens, and return ``stop``.

    Should the account be lost in one of them, that bar is returned instead: it must be looked at. Cash and positions are added in the order
    of :func:`account_equity`, so that the bits are the same.
    """
    cash = run.account[CASH]
    for t in range(start, stop):
        run.cash[t] = cash
        run.equity[t] = cash
    if run.account[N_HELD] == 0.0:
        return stop
    n_bars = len(run.ts)
    for i in range(run.rules.n_instruments):
        position = run.rows[i * N_ROW + POSITION]
        if position != 0.0:
            add_marks(run, (start, stop), i * n_bars, position)
    return stop if run.account[RUINED] > 0.0 else first_loss(run, start, stop)


def first_loss(run: Run, start: int, stop: int) -> int:
    """Return the first bar of a span at whose close nothing is left, or ``stop``."""
    # Counting first is what the compiler makes fast; there is nothing to find in nearly all spans.
    lost = 0
    for t in range(start, stop):
        lost += run.equity[t] <= 0.0
    if lost == 0:
        return stop
    t = start
    while run.equity[t] > 0.0:
        t += 1
    return t


def add_marks(run: Run, span: tuple[int, int], at: int, position: float) -> None:
    """Add a position's value to the equity of a span of bars."""
    for t in range(span[0], span[1]):
        run.equity[t] += position * run.mark[at + t]


HELPERS: Final[tuple[Any, ...]] = (
    fills_loop,
    play_bar,
    begin_bar,
    end_bar,
    close_bar,
    catch_up,
    take_marks,
    is_quiet,
    next_on_agenda,
    fill_curve,
    first_loss,
    add_marks,
)
HOT: Final = HELPERS
