"""Many instruments on one account, the same rule on each, where cash never says no: then each is played for itself, and only sums meet.

Prices, quantities and costs come from the functions of ``lean``. Whether cash would have said no is seen afterwards from the sums; the
caller then plays all of it through the fills loop.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from qts.core.arrays import Floats, Ints
from qts.kernels.bill import Bill, begin_day
from qts.kernels.crosses import Bytes
from qts.kernels.lean import NO_EVENT, Terms, bill_of, counted, dealt, decided, position_after, put_off, tick_of
from qts.kernels.lean_account import NEVER_DUE, Money, Tally, broken
from qts.kernels.signals import N_MIND, Tile, find_events
from qts.kernels.tiles import N_MEMORY, Source, fill_rows, until_begun


class Group(NamedTuple):
    """Instruments on one timeline, a row for each, and what their rule reads; ``fresh`` is the memory of the first bar.

    ``blocked`` may have rows without bars: nothing is. ``ticks`` may have empty rows: there are none. ``given`` has a table of series for
    each instrument, ``rates`` one of regimes.
    """

    ts: Ints
    open: Floats
    close: Floats
    blocked: Bytes
    ticks: Floats
    given: Floats
    series: Ints
    memory: Floats
    fresh: Floats
    starts: Ints
    rates: Floats


class Purse(NamedTuple):
    """What all instruments together do to the account in each bar: sums that grow with every instrument played.

    What their fills bring, what those take that take anything, the value of what is held at the close, and how many more instruments are
    held than in the bar before.
    """

    flows: Floats
    outlays: Floats
    held: Floats
    changes: Floats


class Desk(NamedTuple):
    """What every instrument is played with."""

    tile: Tile
    purse: Purse
    terms: Terms


# A row of ``purse``, and of ``tallies``.
N_PURSE: Final = 4
N_TALLY: Final = 11


def portfolio_loop(group: Group, desk: Desk, tallies: Floats) -> None:
    """Play every instrument from its first bar to its last; write its counts into its row of ``tallies``."""
    for i in range(len(group.close)):
        for s in range(len(group.fresh)):
            for k in range(N_MEMORY):
                group.memory[s, k] = group.fresh[s, k]
        for k in range(N_MIND):
            desk.tile.minds[0, k] = 0
        tally = play_instrument(group, desk, i)
        for k in range(N_TALLY):
            tallies[i, k] = tally[k]


def play_instrument(group: Group, desk: Desk, i: int) -> Tally:
    """Play one instrument and return its counts."""
    close, tile = group.close[i], desk.tile
    source = Source(close, group.given[i], group.series, group.memory)
    # Its cash has no end, and no equity is asked for: sizes that would are not played here.
    money = Money(math.inf, 0.0, 0.0, 0.0, 0.0, NEVER_DUE)
    tally = Tally(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    bill = begin_day(group.starts, group.ts[0])
    at = 0
    while at < len(close):
        n = min(until_begun(source, len(tile.bars)), len(close) - at)
        fill_rows(source, tile.rows, at, (at, n))
        n_events = find_events(tile, 0, at, n)
        money, tally, bill = play_tile((money, tally, bill), (group, desk, i), (at, n, n_events))
        at += n
    return tally


def play_tile(state: tuple[Money, Tally, Bill], which: tuple[Group, Desk, int], found: tuple[int, int, int]) -> tuple[Money, Tally, Bill]:
    """Play one instrument through a tile: ``found`` is its first bar, how many there are, and how many events."""
    group, desk, i = which
    tile, purse, terms = desk.tile, desk.purse, desk.terms
    bar, n, n_events = found
    last = bar + n - 1
    close, open_, blocked = group.close[i], group.open[i], group.blocked[i]
    money, tally, bill = state
    k = 0
    while tally.broken == 0.0:
        event = tile.bars[k] if k < n_events else NO_EVENT
        is_due = money.due <= event
        until = int(money.due) - 1 if is_due else event
        add_marks(purse.held, close, money.position, (bar, min(until, last)))
        if is_due:
            if until >= last:
                break
            bar = until + 1
            bill = bill_of(bill, group.starts, group.ts[bar], terms)
            money, tally, bill = settled(
                (money, tally, bill), purse, (terms, group.rates[i]), (bar, open_[bar], tick_of(group.ticks[i], bar))
            )
        elif until > last:
            break
        else:
            bar = event + 1
            money = decided(money, terms, close[event], (bar, tile.states[k]))
            money = put_off(money, blocked, len(close))
            k += 1
    return money, tally, bill


def settled(
    state: tuple[Money, Tally, Bill], purse: Purse, how: tuple[Terms, Floats], where: tuple[int, float, float]
) -> tuple[Money, Tally, Bill]:
    """Trade to the wanted position at a bar's open, given with its tick, and add to the sums what that does to the account."""
    money, tally, bill = state
    bar, reference, tick = where
    deal, bill = dealt(money, bill, how, (reference, tick))
    value = deal.quantity * deal.price + deal.cost
    purse.flows[bar] -= value
    purse.outlays[bar] += max(value, 0.0)
    tally = counted(
        tally, (money.position, deal.closing, deal.opening), deal.price, (deal.cost, abs(deal.price - reference) * abs(deal.quantity))
    )
    if value != value:  # noqa: PLR0124 - a NaN, told without a call
        tally = broken(tally)
    position = position_after(money, deal, how[0])
    purse.changes[bar] += (1.0 if position != 0.0 else 0.0) - (1.0 if money.position != 0.0 else 0.0)
    return Money(money.cash, position, money.equity, money.target, money.wanted, NEVER_DUE), tally, bill


def add_marks(held: Floats, close: Floats, position: float, span: tuple[int, int]) -> None:
    """Add the value of a position at the closes of a span."""
    if position != 0.0:
        for t in range(span[0], span[1] + 1):
            held[t] += position * close[t]


HELPERS: Final[tuple[Any, ...]] = (add_marks, settled, play_tile, play_instrument, portfolio_loop)
