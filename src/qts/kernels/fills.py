"""The fill-and-cost core: targets in, fills and the account bar by bar out. One account, any number of instruments.

Everything here is plain Python over columns that may be lists or arrays, and is the definition; ``qts.kernels.compiled.fills_nb`` is the
same source compiled. The caller validates. The semantics are told in ``qts.backtest.engine``.
"""

from __future__ import annotations

import math
from typing import Any, Final

from qts.kernels.arithmetic import Moment, Size, clean_quantity, sized_quantity, whole_lots
from qts.kernels.charging import day_of
from qts.kernels.funding import Deal, affordable, cost_of, slipped
from qts.kernels.state import (
    CARRIED,
    CASH,
    CLOSED,
    DUE,
    END,
    F_AT_CLOSE,
    F_BAR,
    F_COST,
    F_INSTRUMENT,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    F_REASON,
    F_REFERENCE,
    FILLS,
    LAST,
    LATEST,
    MARK,
    N_FILL,
    N_ROW,
    ORDERS,
    OVERDUE,
    OVERFLOW,
    PAID,
    PAID_ON,
    PENDING,
    POSITION,
    RUINED,
    SCHEDULED_COST,
    SIGNAL,
    SQUARE_OFF,
    TARGET,
    TOO_SMALL,
    TRADABLE,
    WANTED,
    Run,
)


def fills_loop(run: Run) -> None:
    """Play every bar, until the room for fills is used up."""
    t = quiet_until(run, 0)
    while t < len(run.market.ts) and run.account[OVERFLOW] == 0.0:
        play_bar(run, t)
        t = quiet_until(run, t + 1)


def play_bar(run: Run, t: int) -> None:
    """Execute at the bar's open, mark at its close, decide; or, filling at the close, mark, decide, execute."""
    if run.rules.intraday:
        square_at_open(run, t)
    if run.rules.at_close:
        mark(run, t)
        decide(run, t, account_equity(run))
        execute(run, t)
    else:
        execute(run, t)
        mark(run, t)
    if run.rules.close_at_end and t == len(run.market.ts) - 1:
        finish(run, t)
    equity = account_equity(run)
    run.equity[t] = equity
    run.cash[t] = run.account[CASH]
    if equity <= 0.0 and run.account[RUINED] == 0.0:
        ruin(run)
    if not run.rules.at_close:
        decide(run, t, equity)


def quiet_until(run: Run, t: int) -> int:
    """Play the bars from t on in which nothing can happen, and return the first that needs a closer look.

    Nothing can happen while no order is waiting or due, no target changes, and the product may stay as it is. The last bar is never quiet.
    This is most bars of most runs, so they are played here in one loop; playing them one by one gives the same.
    """
    rows, close, volume = run.rows, run.market.close, run.market.volume
    n_bars, cash = len(run.market.ts), run.account[CASH]
    if is_busy(run):
        return t
    while t < n_bars - 1 and not is_eventful(run, t):
        value = cash
        for i in range(run.rules.n_instruments):
            row, at = i * N_ROW, i * n_bars + t
            if not math.isnan(close[at]):
                rows[row + MARK] = close[at]
                rows[row + TRADABLE] = 0.0 if volume[at] == 0.0 else 1.0
            value += rows[row + POSITION] * rows[row + MARK]
        if value <= 0.0:
            return t
        run.equity[t] = value
        run.cash[t] = cash
        t += 1
    return t


def is_busy(run: Run) -> bool:
    """Return whether an order is waiting or due, or a position is."""
    if run.account[ORDERS] > 0.0:
        return True
    for i in range(run.rules.n_instruments):  # noqa: SIM110 - generators are not compiled
        if run.rows[i * N_ROW + DUE] > 0.0 or run.rows[i * N_ROW + OVERDUE] > 0.0:
            return True
    return False


def is_eventful(run: Run, t: int) -> bool:
    """Return whether a target changes in this bar, or the session's phase wants attention."""
    rows, target = run.rows, run.market.target
    n_bars = len(run.market.ts)
    for i in range(run.rules.n_instruments):
        at = i * n_bars + t
        current = rows[i * N_ROW + TARGET]
        if target[at] < current or target[at] > current:
            return True
        if run.rules.intraday and run.market.phase[at] != 0:
            return True
    return False


def mark(run: Run, t: int) -> None:
    """Take the closes of this bar as marks, and square off intraday positions on the session's last bar."""
    n_bars = len(run.market.ts)
    for i in range(run.rules.n_instruments):
        close = run.market.close[i * n_bars + t]
        if math.isnan(close):
            continue
        row = i * N_ROW
        run.rows[row + MARK] = close
        run.rows[row + TRADABLE] = 0.0 if run.market.volume[i * n_bars + t] == 0.0 else 1.0
        if run.rules.intraday and run.market.phase[i * n_bars + t] & LAST != 0:
            square_at_close(run, i, t)


def square_at_close(run: Run, i: int, t: int) -> None:
    """Close an intraday position at the close of the session's last bar, or carry it where nothing traded in that bar."""
    row = i * N_ROW
    run.rows[row + DUE] = 1.0
    position = run.rows[row + POSITION]
    if position == 0.0:
        return
    if run.rows[row + TRADABLE] == 0.0:
        run.rows[row + OVERDUE] = 1.0
        run.account[CARRIED] += 1.0
        return
    trade(run, Deal(i, t, -position, run.rows[row + MARK], SQUARE_OFF, True))


def decide(run: Run, t: int, equity: float) -> None:
    """Turn changed targets into orders, sized at this bar's close. An order still waiting is replaced."""
    n_bars = len(run.market.ts)
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        target = run.market.target[i * n_bars + t]
        # A comparison with NaN is false both ways: "keep" changes nothing.
        if target < run.rows[row + TARGET] or target > run.rows[row + TARGET]:
            run.rows[row + TARGET] = target
            run.rows[row + DUE] = 1.0
        if run.rows[row + DUE] > 0.0 and may_decide(run, i, t):
            leave_order(run, i, wanted_quantity(run, i, equity))


def may_decide(run: Run, i: int, t: int) -> bool:
    """Return whether an order decided now could be entered: on a bar of the instrument, and not past the square-off time."""
    at = i * len(run.market.ts) + t
    if math.isnan(run.market.close[at]):
        return False
    if not run.rules.intraday:
        return True
    phase = run.market.phase[at]
    return phase == 0 or (phase & LAST != 0 and not run.rules.at_close)


def wanted_quantity(run: Run, i: int, equity: float) -> float:
    """Return the signed quantity the target means now, cut towards zero to whole units; nothing once the account is ruined."""
    rules = run.rules
    target = run.rows[i * N_ROW + TARGET]
    if target == 0.0 or equity <= 0.0 or run.account[RUINED] > 0.0:
        return 0.0
    size = Size(rules.size_kind, rules.size_amount, float(rules.n_instruments), 0.0)
    quantity = sized_quantity(size, target, Moment(equity, run.rows[i * N_ROW + MARK], 0.0))
    whole = whole_lots(quantity, rules.units, 1.0)
    if whole == 0.0:
        run.account[TOO_SMALL] += 1.0
    return whole if target > 0.0 else -whole


def leave_order(run: Run, i: int, wanted: float) -> None:
    """Leave an order that brings the position to ``wanted``; it takes the place of one still waiting."""
    row = i * N_ROW
    pending = 1.0 if wanted != run.rows[row + POSITION] else 0.0
    run.account[ORDERS] += pending - run.rows[row + PENDING]
    run.rows[row + DUE] = 0.0
    run.rows[row + WANTED] = wanted
    run.rows[row + PENDING] = pending


def execute(run: Run, t: int) -> None:
    """Execute waiting orders at this bar: sales, then purchases, instruments in the order given."""
    if run.account[ORDERS] == 0.0:
        return
    for side in (-1.0, 1.0):
        for i in range(run.rules.n_instruments):
            row = i * N_ROW
            if run.rows[row + PENDING] > 0.0 and (run.rows[row + WANTED] - run.rows[row + POSITION]) * side > 0.0:
                fill_order(run, i, t)


def square_at_open(run: Run, t: int) -> None:
    """Withdraw orders and close positions from the square-off time on, and what an earlier session could not close."""
    n_bars = len(run.market.ts)
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        closed = run.market.phase[i * n_bars + t] & CLOSED != 0
        if not closed and run.rows[row + OVERDUE] == 0.0:
            continue
        if closed and run.rows[row + PENDING] > 0.0:
            leave_order(run, i, run.rows[row + POSITION])
            run.rows[row + DUE] = 1.0
        reference = run.market.open[i * n_bars + t]
        position = run.rows[row + POSITION]
        if position == 0.0 or math.isnan(reference) or run.market.volume[i * n_bars + t] == 0.0:
            continue
        run.rows[row + OVERDUE] = 0.0
        run.rows[row + DUE] = 1.0
        trade(run, Deal(i, t, -position, reference, SQUARE_OFF, False))


def fill_order(run: Run, i: int, t: int) -> None:
    """Execute a waiting order, unless nothing traded in the bar; what opens or adds is cut to what the account can pay."""
    at = i * len(run.market.ts) + t
    reference = run.market.close[at] if run.rules.at_close else run.market.open[at]
    if math.isnan(reference) or run.market.volume[at] == 0.0:
        return
    row = i * N_ROW
    position = run.rows[row + POSITION]
    change = run.rows[row + WANTED] - position
    closing = 0.0
    if position * change < 0.0:
        closing = -position if abs(change) > abs(position) else change
    opening = change - closing
    if opening != 0.0:
        opening = affordable(run, Deal(i, t, opening, reference, SIGNAL, run.rules.at_close), closing)
    run.rows[row + PENDING] = 0.0
    run.account[ORDERS] -= 1.0
    if closing + opening != 0.0:
        trade(run, Deal(i, t, closing + opening, reference, SIGNAL, run.rules.at_close))


def trade(run: Run, deal: Deal) -> None:
    """Book one execution: cash, position, the day's charges, and a row of ``fills``."""
    k = int(run.account[FILLS])
    if (k + 1) * N_FILL > len(run.fills):
        run.account[OVERFLOW] = 1.0
        return
    units = run.rules.units
    row = deal.instrument * N_ROW
    price = slipped(run, deal)
    # Differences of fractional quantities carry float noise; shares are counted in whole units.
    quantity = clean_quantity(deal.quantity, units)
    cost = cost_of(run, deal, quantity)
    if run.rules.cost_kind == SCHEDULED_COST:
        day = float(day_of(run.market.ts[deal.bar]))
        before = run.rows[row + PAID] if run.rows[row + PAID_ON] == day else 0.0
        run.rows[row + PAID] = before + cost
        run.rows[row + PAID_ON] = day
    run.account[CASH] -= quantity * price + cost
    run.rows[row + POSITION] = clean_quantity(run.rows[row + POSITION] + quantity, units)
    at = k * N_FILL
    run.fills[at + F_BAR] = float(deal.bar)
    run.fills[at + F_INSTRUMENT] = float(deal.instrument)
    run.fills[at + F_QUANTITY] = quantity
    run.fills[at + F_REFERENCE] = deal.reference
    run.fills[at + F_PRICE] = price
    run.fills[at + F_REASON] = float(deal.reason)
    run.fills[at + F_AT_CLOSE] = 1.0 if deal.at_close else 0.0
    run.fills[at + F_COST] = cost
    run.fills[at + F_PREVIOUS] = run.rows[row + LATEST]
    run.account[FILLS] = float(k + 1)
    run.rows[row + LATEST] = float(k + 1)


def account_equity(run: Run) -> float:
    """Return cash plus positions at their marks."""
    equity = run.account[CASH]
    for i in range(run.rules.n_instruments):
        equity += run.rows[i * N_ROW + POSITION] * run.rows[i * N_ROW + MARK]
    return equity


def ruin(run: Run) -> None:
    """Stop: nothing is left. Every position is closed as soon as it can be, and nothing is opened again."""
    run.account[RUINED] = 1.0
    for i in range(run.rules.n_instruments):
        run.rows[i * N_ROW + DUE] = 1.0


def finish(run: Run, t: int) -> None:
    """Close what is open at the last close of each instrument, where something traded in that bar."""
    for i in range(run.rules.n_instruments):
        row = i * N_ROW
        if run.rows[row + POSITION] != 0.0 and run.rows[row + TRADABLE] > 0.0:
            trade(run, Deal(i, t, -run.rows[row + POSITION], run.rows[row + MARK], END, True))


HELPERS: Final[tuple[Any, ...]] = (
    play_bar,
    quiet_until,
    is_busy,
    is_eventful,
    mark,
    square_at_close,
    decide,
    may_decide,
    wanted_quantity,
    leave_order,
    execute,
    square_at_open,
    fill_order,
    trade,
    account_equity,
    ruin,
    finish,
    fills_loop,
)
