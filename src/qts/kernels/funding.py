"""What a deal costs and what the account can pay: the money side of the fills loop, plain and compiled from the same source."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from qts.kernels.arithmetic import NOISE, Cost, Slip, on_tick, simple_cost, slipped_price, whole_lots
from qts.kernels.charging import day_of, end_cost, scheduled_cost
from qts.kernels.state import (
    CASH,
    F_BAR,
    F_ORDER,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    LATEST,
    LIMIT,
    MARK,
    N_FILL,
    N_ROW,
    N_TERM,
    N_TICK,
    POSITION,
    SCHEDULED_COST,
    SETTLEMENT,
    T_LONG_BASE,
    T_LONG_PART,
    T_LOT,
    T_SHORT_BASE,
    T_SHORT_PART,
    T_TICK_FROM,
    T_TICK_TO,
    TAKEN,
    TAKEN_AT,
    Run,
)

# The tick of an ordinary share, in ten-thousandths of a rupee: what slippage in ticks means where there is no table of them.
USUAL_TICK: Final = 500.0


class Deal(NamedTuple):
    """One execution: signed quantity at the bar's price before slippage, of which order of what kind; ``limit`` is NaN for none."""

    instrument: int
    bar: int
    quantity: float
    reference: float
    reason: int
    at_close: bool
    kind: int
    order: float
    same: float
    slices: float
    limit: float


def price_of(run: Run, deal: Deal, quantity: float) -> float:
    """Return the price of this much of the deal: its reference with slippage against us, on the tick."""
    direction = 1.0 if deal.quantity > 0.0 else -1.0
    if run.rules.is_plain and deal.kind < LIMIT:
        return slipped_price(deal.reference, direction, Slip(run.rules.slip_fraction, run.rules.slip_offset))
    return price_by_rules(run, deal, quantity)


def price_by_rules(run: Run, deal: Deal, quantity: float) -> float:
    """Return the price where ticks, volume or a limit have a say."""
    if deal.kind == SETTLEMENT:
        return deal.reference
    direction = 1.0 if deal.quantity > 0.0 else -1.0
    tick = tick_at(run, deal.instrument, deal.bar)
    price = deal.reference
    if deal.kind < LIMIT:
        rules = run.rules
        step = tick if tick > 0.0 else USUAL_TICK
        # Ticks divide by ten thousand last, as the exact ledger does in decimals.
        offset = rules.slip_offset + rules.slip_ticks * step / 10_000.0
        price = slipped_price(price, direction, Slip(rules.slip_fraction + impact_of(run, deal, quantity), offset))
    price = on_tick(price, direction, tick)
    if not math.isnan(deal.limit) and (price - deal.limit) * direction > 0.0:
        return deal.limit
    return price


def impact_of(run: Run, deal: Deal, quantity: float) -> float:
    """Return the part of the price that our own volume moves it by: all that is filled in the bar counts, this deal last."""
    if run.rules.impact == 0.0:
        return 0.0
    volume = volume_at(run, deal.instrument, deal.bar)
    if math.isnan(volume) or volume == 0.0:
        return 0.0
    row = deal.instrument * N_ROW
    taken = run.rows[row + TAKEN] if run.rows[row + TAKEN_AT] == float(deal.bar) + 1.0 else 0.0
    share = (taken + abs(quantity)) / volume
    return run.rules.impact * share * share


def tick_at(run: Run, i: int, t: int) -> float:
    """Return the instrument's tick in this bar, in ten-thousandths of a rupee; 0.0 where it has none."""
    terms, ticks = run.terms, run.ticks
    at, end = int(terms[i * N_TERM + T_TICK_FROM]), int(terms[i * N_TERM + T_TICK_TO])
    if at == end:
        return 0.0
    while at + 1 < end and ticks[(at + 1) * N_TICK] <= t:
        at += 1
    return ticks[at * N_TICK + 1]


def volume_at(run: Run, i: int, t: int) -> float:
    """Return the volume of the instrument's last bar at or before this one: what is open at the end is sold at its close."""
    at = i * len(run.ts) + t
    while math.isnan(run.close[at]) and at > i * len(run.ts):
        at -= 1
    return run.volume[at]


def volume_left(run: Run, i: int, t: int) -> float:
    """Return how much of this bar's volume may still be ours, in whole lots; infinite where nothing caps it."""
    if run.rules.volume_share == 0.0:
        return math.inf
    volume = volume_at(run, i, t)
    if math.isnan(volume):
        return math.inf
    row = i * N_ROW
    taken = run.rows[row + TAKEN] if run.rows[row + TAKEN_AT] == float(t) + 1.0 else 0.0
    most = whole_lots(run.rules.volume_share * volume, 1.0, 1.0)
    return max(whole_lots(most - taken, run.rules.units, run.terms[i * N_TERM + T_LOT]), 0.0)


def affordable(run: Run, deal: Deal, closing: float) -> float:
    """Return the signed quantity to open: all of it, or the most whole lots whose value and charges stay within the free cash.

    The most is found by halving between nothing and all: a purchase can lower the day's charges, so notional alone bounds nothing.
    """
    free = free_cash(run, deal, closing)
    if fits(run, deal, closing, (abs(deal.quantity), free)):
        return deal.quantity
    return most_affordable(run, deal, closing, free)


def affordable_apart(run: Run, deal: Deal, closing: float) -> float:
    """Return the signed quantity to open, computed out of line."""
    return affordable(run, deal, closing)


def most_affordable(run: Run, deal: Deal, closing: float, free: float) -> float:
    """Return the most that fits, searched among whole lots."""
    lot = run.terms[deal.instrument * N_TERM + T_LOT] / run.rules.units
    too_many = (abs(deal.quantity) / lot + 0.5) // 1.0
    fitting = 0.0
    # 128 halvings cross every float; the count guards against numbers too large to differ by one.
    for _ in range(128):
        middle = (fitting + too_many) / 2.0 // 1.0
        if middle <= fitting:
            break
        if fits(run, deal, closing, (lots_of(run, deal.instrument, middle), free)):
            fitting = middle
        else:
            too_many = middle
    quantity = lots_of(run, deal.instrument, fitting)
    return quantity if deal.quantity > 0.0 else -quantity


def lots_of(run: Run, i: int, n: float) -> float:
    """Return the quantity of so many lots, or parts of a share."""
    return n * run.terms[i * N_TERM + T_LOT] / run.rules.units


def fits(run: Run, deal: Deal, closing: float, given: tuple[float, float]) -> bool:
    """Return whether opening ``given[0]``, with the charges of the whole deal, stays within the free cash ``given[1]``."""
    quantity = given[0]
    whole = closing + (quantity if deal.quantity > 0.0 else -quantity)
    price = price_of(run, deal, whole)
    if closing != 0.0 and run.rules.impact > 0.0:
        # The closing part trades at the price of this much, not at that of all that was asked for.
        given = (quantity, given[1] + closing * (price_of(run, deal, deal.quantity + closing) - price))
    charges = cost_of(run, deal, whole) if whole != 0.0 else 0.0
    if not run.rules.is_margined:
        return quantity * price + charges <= given[1] + NOISE
    at = deal.instrument * N_TERM + (T_LONG_PART if deal.quantity > 0.0 else T_SHORT_PART)
    base = run.terms[deal.instrument * N_TERM + (T_LONG_BASE if deal.quantity > 0.0 else T_SHORT_BASE)]
    return quantity * (price * run.terms[at] + base) + charges <= given[1] + NOISE


def free_cash(run: Run, deal: Deal, closing: float) -> float:
    """Return what may be put into new positions: equity less what is blocked, the closing part of the deal done.

    Of fully paid positions that is the cash, less twice the shorts: their proceeds are not ours, and they are backed in full.
    """
    free = run.account[CASH] - closing * price_of(run, deal, deal.quantity + closing)
    for i in range(run.rules.n_instruments):
        position = run.rows[i * N_ROW + POSITION]
        if i == deal.instrument:
            position += closing
        if run.rules.is_margined:
            if position != 0.0:
                free += position * run.rows[i * N_ROW + MARK] - blocked_by(run, i, position)
        elif position < 0.0:
            free += 2.0 * position * run.rows[i * N_ROW + MARK]
    return free


def blocked_by(run: Run, i: int, position: float) -> float:
    """Return the rupees that a position blocks at its mark."""
    at, terms = i * N_TERM, run.terms
    mark = run.rows[i * N_ROW + MARK]
    if position > 0.0:
        return position * (mark * terms[at + T_LONG_PART] + terms[at + T_LONG_BASE])
    return -position * (mark * terms[at + T_SHORT_PART] + terms[at + T_SHORT_BASE])


def cost_of(run: Run, deal: Deal, quantity: float) -> float:
    """Return the charges of this signed quantity of the deal."""
    rules = run.rules
    price = price_of(run, deal, quantity)
    if deal.kind == SETTLEMENT:
        # Models without a schedule say what a trade costs, and a contract's end is none.
        return end_cost(run, deal.instrument, quantity, price) if rules.cost_kind == SCHEDULED_COST else 0.0
    if rules.cost_kind == SCHEDULED_COST:
        return scheduled_cost(run, deal.instrument, deal.bar, (quantity, price, deal.same, deal.slices))
    cost = Cost(rules.cost_kind, rules.cost_rate, rules.cost_minimum)
    if deal.same == 0.0:
        return simple_cost(quantity, price, cost)
    # The minimum is one for an order and a day, however many parts it fills in.
    before, value = filled_today(run, deal)
    if before == 0.0:
        return simple_cost(quantity, price, cost)
    whole = before + abs(quantity)
    return simple_cost(whole, (value + abs(quantity) * price) / whole, cost) - simple_cost(before, value / before, cost)


def filled_today(run: Run, deal: Deal) -> tuple[float, float]:
    """Return quantity and value of what the deal's order has filled on its date before."""
    day = day_of(run.ts[deal.bar])
    size, value = 0.0, 0.0
    k = int(run.rows[deal.instrument * N_ROW + LATEST])
    while k > 0:
        at = (k - 1) * N_FILL
        if day_of(run.ts[int(run.fills[at + F_BAR])]) != day:
            return size, value
        if run.fills[at + F_ORDER] == deal.order:
            size += abs(run.fills[at + F_QUANTITY])
            value += abs(run.fills[at + F_QUANTITY]) * run.fills[at + F_PRICE]
        k = int(run.fills[at + F_PREVIOUS])
    return size, value


HELPERS: Final[tuple[Any, ...]] = (
    price_of,
    price_by_rules,
    impact_of,
    tick_at,
    volume_at,
    volume_left,
    affordable,
    affordable_apart,
    most_affordable,
    lots_of,
    fits,
    free_cash,
    blocked_by,
    cost_of,
    filled_today,
)
HOT: Final = (price_of, affordable, fits, free_cash, cost_of)
