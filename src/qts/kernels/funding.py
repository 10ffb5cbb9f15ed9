"""What a deal costs and what the account can pay: the money side of the fills loop, plain and compiled from the same source."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.kernels.arithmetic import NOISE, Cost, Slip, simple_cost, slipped_price
from qts.kernels.charging import scheduled_cost
from qts.kernels.state import CASH, CUT, MARK, N_ROW, POSITION, REFUSED, SCHEDULED_COST, Run


class Deal(NamedTuple):
    """One execution: signed quantity at the bar's price before slippage."""

    instrument: int
    bar: int
    quantity: float
    reference: float
    reason: int
    at_close: bool


def affordable(run: Run, deal: Deal, closing: float) -> float:
    """Return the signed quantity to open: all of it, or the most for which notional and charges stay within the free cash.

    The most is found by halving between nothing and all: a purchase can lower the day's charges, so notional alone bounds nothing.
    """
    units = run.rules.units
    free = free_cash(run, deal, closing)
    most = (abs(deal.quantity) * units + 0.5) // 1.0
    if fits(run, deal, closing, (most, free)):
        return deal.quantity
    too_many = most
    fitting = 0.0
    # 128 halvings cross every float; the count guards against numbers too large to differ by one.
    for _ in range(128):
        middle = (fitting + too_many) / 2.0 // 1.0
        if middle <= fitting:
            break
        if fits(run, deal, closing, (middle, free)):
            fitting = middle
        else:
            too_many = middle
    run.account[CUT if fitting > 0.0 else REFUSED] += 1.0
    return fitting / units if deal.quantity > 0.0 else -fitting / units


def fits(run: Run, deal: Deal, closing: float, given: tuple[float, float]) -> bool:
    """Return whether opening ``given[0]`` units, with the charges of the whole order, stays within the free cash ``given[1]``."""
    price = slipped(run, deal)
    quantity = given[0] / run.rules.units
    whole = closing + (quantity if deal.quantity > 0.0 else -quantity)
    charges = cost_of(run, deal, whole) if whole != 0.0 else 0.0
    return quantity * price + charges <= given[1] + NOISE


def free_cash(run: Run, deal: Deal, closing: float) -> float:
    """Return what may be put into new positions: the cash, less shorts twice: their proceeds are not ours, and they are backed in full."""
    free = run.account[CASH] - closing * slipped(run, deal)
    for i in range(run.rules.n_instruments):
        position = run.rows[i * N_ROW + POSITION]
        if i == deal.instrument:
            position += closing
        if position < 0.0:
            free += 2.0 * position * run.rows[i * N_ROW + MARK]
    return free


def slipped(run: Run, deal: Deal) -> float:
    """Return the price with slippage against us."""
    return slipped_price(deal.reference, 1.0 if deal.quantity > 0.0 else -1.0, Slip(run.rules.slippage, 0.0))


def cost_of(run: Run, deal: Deal, quantity: float) -> float:
    """Return the charges of one more order of this signed quantity."""
    rules = run.rules
    price = slipped(run, deal)
    if rules.cost_kind == SCHEDULED_COST:
        return scheduled_cost(run, deal.instrument, deal.bar, (quantity, price))
    return simple_cost(quantity, price, Cost(rules.cost_kind, rules.cost_rate, rules.cost_minimum))


HELPERS: Final[tuple[Any, ...]] = (affordable, fits, free_cash, slipped, cost_of)
