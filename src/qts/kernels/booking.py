"""Writing down what happened: an execution into cash, position and the list of fills, anything else into the log of events."""

from __future__ import annotations

from typing import Any, Final

from qts.kernels.arithmetic import clean_quantity
from qts.kernels.charging import day_of, square_off_fee
from qts.kernels.funding import Deal, cost_of, price_of
from qts.kernels.state import (
    AVERAGE,
    CASH,
    E_BAR,
    E_FILLED,
    E_INSTRUMENT,
    E_KIND,
    E_ORDER,
    E_QUANTITY,
    E_SIDE,
    E_STATUS,
    E_WHY,
    F_AT_CLOSE,
    F_BAR,
    F_COST,
    F_INSTRUMENT,
    F_KIND,
    F_ORDER,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    F_REASON,
    F_REFERENCE,
    F_SAME,
    F_SLICES,
    FILLS,
    LATEST,
    LOGGED,
    MARK,
    N_EVENT,
    N_FILL,
    N_HELD,
    N_ROW,
    OVERFLOW,
    PAID,
    PAID_ON,
    POSITION,
    SCHEDULED_COST,
    SQUARE_OFF,
    TAKEN,
    TAKEN_AT,
    Run,
)


def trade(run: Run, deal: Deal) -> None:
    """Book one execution: cash, position, the day's charges, and a row of ``fills``."""
    k = int(run.account[FILLS])
    if (k + 1) * N_FILL > len(run.fills):
        run.account[OVERFLOW] = 1.0
        return
    units = run.rules.units
    row = deal.instrument * N_ROW
    # Differences of fractional quantities carry float noise; shares are counted in whole units.
    quantity = clean_quantity(deal.quantity, units)
    price = price_of(run, deal, quantity)
    cost = cost_of(run, deal, quantity)
    if run.rules.cost_kind == SCHEDULED_COST:
        day = float(day_of(run.ts[deal.bar]))
        before = run.rows[row + PAID] if run.rows[row + PAID_ON] == day else 0.0
        run.rows[row + PAID] = before + cost
        run.rows[row + PAID_ON] = day
        if deal.reason == SQUARE_OFF:
            # Apart from what the day's trades cost together, of which a later one pays the rest.
            cost += square_off_fee(run, deal.instrument, deal.bar) * deal.slices
    run.account[CASH] -= quantity * price + cost
    hold(run, deal.instrument, quantity, price)
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
    run.fills[at + F_KIND] = float(deal.kind)
    run.fills[at + F_ORDER] = deal.order
    run.fills[at + F_SLICES] = deal.slices
    run.fills[at + F_SAME] = deal.same
    run.account[FILLS] = float(k + 1)
    run.rows[row + LATEST] = float(k + 1)
    if run.rules.volume_share > 0.0:
        taken = run.rows[row + TAKEN] if run.rows[row + TAKEN_AT] == float(deal.bar) + 1.0 else 0.0
        run.rows[row + TAKEN] = taken + abs(quantity)
        run.rows[row + TAKEN_AT] = float(deal.bar) + 1.0


def trade_apart(run: Run, deal: Deal) -> None:
    """Book one execution, out of line: for the many places that trade seldom."""
    trade(run, deal)


def hold(run: Run, i: int, quantity: float, price: float) -> None:
    """Add a signed quantity to a position and keep its average entry price."""
    row = i * N_ROW
    held = run.rows[row + POSITION]
    position = clean_quantity(held + quantity, run.rules.units)
    if held * quantity < 0.0:
        # What is left of a reduced position cost what it did; what turned round cost this price.
        average = price if position * held < 0.0 else run.rows[row + AVERAGE]
    elif held == 0.0:
        average = price
    else:
        average = (held * run.rows[row + AVERAGE] + quantity * price) / position
    run.rows[row + POSITION] = position
    run.rows[row + AVERAGE] = average
    run.account[N_HELD] += (1.0 if position != 0.0 else 0.0) - (1.0 if held != 0.0 else 0.0)


def note(run: Run, t: int, what: tuple[int, int, float], order: tuple[float, float, float, float]) -> None:
    """Write an event: ``what`` is the instrument, the kind of order and its id; ``order`` quantity (signed), filled, status and reason."""
    k = int(run.account[LOGGED])
    if (k + 1) * N_EVENT > len(run.log):
        run.account[OVERFLOW] = 1.0
        return
    at = k * N_EVENT
    run.log[at + E_BAR] = float(t)
    run.log[at + E_INSTRUMENT] = float(what[0])
    run.log[at + E_SIDE] = 1.0 if order[0] > 0.0 else -1.0
    run.log[at + E_KIND] = float(what[1])
    run.log[at + E_QUANTITY] = abs(order[0])
    run.log[at + E_FILLED] = order[1]
    run.log[at + E_STATUS] = order[2]
    run.log[at + E_WHY] = order[3]
    run.log[at + E_ORDER] = what[2]
    run.account[LOGGED] = float(k + 1)


def account_equity(run: Run) -> float:
    """Return cash plus positions at their marks."""
    equity = run.account[CASH]
    for i in range(run.rules.n_instruments):
        position = run.rows[i * N_ROW + POSITION]
        if position != 0.0:
            equity += position * run.rows[i * N_ROW + MARK]
    return equity


HELPERS: Final[tuple[Any, ...]] = (trade, trade_apart, hold, note, account_equity)
HOT: Final = (trade, hold, account_equity)
