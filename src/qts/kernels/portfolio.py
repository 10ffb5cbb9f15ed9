"""Many instruments on one account, the same rule on each, where cash never says no: then each is played for itself, and only sums meet.

Prices, quantities and costs come from the functions of ``lean``. Whether cash would have said no is seen afterwards from the sums; the
caller then plays all of it through the fills loop.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from qts.core.arrays import Floats, Ints
from qts.kernels.bill import N_BILL, Bill, begin_day, load_bill
from qts.kernels.crosses import Bytes
from qts.kernels.lean import NO_EVENT, Terms, bill_of, counted, dealt, decided, position_after, put_off, tick_of
from qts.kernels.lean_account import BILL_AT, NEVER_DUE, TALLY_AT, Money, Shape, Tally, broken, load_account, save_account
from qts.kernels.signals import ENTER, N_CELL, N_MIND, Tile, find_events
from qts.kernels.tiles import AVERAGE, EXPONENTIAL, N_MEMORY, NEEDED, SEEN, SOURCE, SPAN, Source, fill_rows, until_begun


class Group(NamedTuple):
    """Instruments on one timeline, a row for each, and what their rule reads; ``fresh`` is the memory of the first bar.

    ``memory`` is that of ``TOGETHER`` instruments, one after the other.

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
    """What every instrument is played with. ``tile`` has a cell, and ``accounts`` a row, for each of ``TOGETHER`` instruments."""

    tile: Tile
    purse: Purse
    terms: Terms
    accounts: Floats


# A row of ``purse``, and of ``tallies``.
N_PURSE: Final = 4
N_TALLY: Final = 11

# Instruments that are played together, tile by tile. A value of an average waits for the one before it, and a processor that only waits
# does nothing: four instruments' averages take hardly longer than one's. The code below is written out for four.
TOGETHER: Final = 4


def cells_together(cells: Ints, n_series: int) -> Ints:
    """Return one cell as often as instruments are played together, each with rows of its own behind those of the one before."""
    together = np.repeat(cells, TOGETHER, axis=0)
    for at in range(ENTER, N_CELL, 3):
        together[:, at + 1 : at + 3] += n_series * np.arange(TOGETHER)[:, None]
    return together


def portfolio_loop(group: Group, desk: Desk, tallies: Floats) -> None:
    """Play every instrument from its first bar to its last; write its counts into its row of ``tallies``."""
    n = len(group.close)
    for first in range(0, n, TOGETHER):
        play_instruments(group, desk, (first, min(TOGETHER, n - first)))
        for j in range(min(TOGETHER, n - first)):
            for k in range(N_TALLY):
                tallies[first + j, k] = desk.accounts[j, TALLY_AT + k]


def play_instruments(group: Group, desk: Desk, which: tuple[int, int]) -> None:
    """Play some instruments, given the first of them and how many they are; their counts stand in their accounts."""
    first, n_together = which
    tile, n_bars, n_series = desk.tile, len(group.ts), len(group.fresh)
    for j in range(n_together):
        begin_instrument(group, desk, j)
    source = Source(group.close[first], group.given[first], group.series, group.memory[:n_series])
    at = 0
    while at < n_bars:
        n = min(until_begun(source, len(tile.bars)), n_bars - at)
        fill_together(group, tile.rows, which, (at, n))
        for j in range(n_together):
            n_events = find_events(tile, j, at, n)
            money, shape, tally = load_account(desk.accounts, j)
            bill = load_bill(desk.accounts, j, BILL_AT)
            money, tally, bill = play_tile((money, tally, bill), (group, desk, first + j), (at, n, n_events))
            save_account(desk.accounts, j, (money, shape, tally))
            for k in range(N_BILL):
                desk.accounts[j, BILL_AT + k] = bill[k]
        at += n


def begin_instrument(group: Group, desk: Desk, j: int) -> None:
    """Let an instrument begin anew: its averages, the state of its rule, and its account."""
    n_series = len(group.fresh)
    for s in range(n_series):
        for k in range(N_MEMORY):
            group.memory[j * n_series + s, k] = group.fresh[s, k]
    for k in range(N_MIND):
        desk.tile.minds[j, k] = 0
    # Its cash has no end, and no equity is asked for: sizes that would are not played here.
    money = Money(math.inf, 0.0, 0.0, 0.0, 0.0, NEVER_DUE)
    tally = Tally(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    save_account(desk.accounts, j, (money, Shape(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), tally))
    bill = begin_day(group.starts, group.ts[0])
    for k in range(N_BILL):
        desk.accounts[j, BILL_AT + k] = bill[k]


def fill_together(group: Group, rows: Floats, which: tuple[int, int], span: tuple[int, int]) -> None:
    """Fill the rows of a tile for some instruments, all averages at once where there is nothing else and all have begun."""
    first, n_together = which
    n_series = len(group.fresh)
    if only_averages(group):
        for s in range(0, n_series, 2):
            eight_averages(group, rows, which, ((s, min(s + 1, n_series - 1)), span))
        return
    for j in range(n_together):
        at = j * n_series
        source = Source(group.close[first + j], group.given[first + j], group.series, group.memory[at : at + n_series])
        fill_rows(source, rows[at : at + n_series], span[0], span)


def only_averages(group: Group) -> bool:
    """Return whether all series are averages that have begun; all instruments' begin in the same bar."""
    for s in range(len(group.series)):
        if group.series[s, SOURCE] != EXPONENTIAL or group.memory[s, SEEN] < group.memory[s, NEEDED]:
            return False
    return True


def eight_averages(group: Group, rows: Floats, which: tuple[int, int], what: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Fill the rows of two series of four instruments, as ``tiles.four_averages``; the same one may come more than once."""
    first, n_together = which
    (left, right), (start, n) = what
    memory, last, n_series = group.memory, n_together - 1, len(group.fresh)
    j, k, m = min(1, last), min(2, last), min(3, last)
    close_0, close_1, close_2, close_3 = group.close[first], group.close[first + j], group.close[first + k], group.close[first + m]
    alpha, beta = 2.0 / (memory[left, SPAN] + 1.0), 2.0 / (memory[right, SPAN] + 1.0)
    a_0, b_0 = left, right
    a_1, b_1 = j * n_series + left, j * n_series + right
    a_2, b_2 = k * n_series + left, k * n_series + right
    a_3, b_3 = m * n_series + left, m * n_series + right
    fast_0, fast_1, fast_2, fast_3 = memory[a_0, AVERAGE], memory[a_1, AVERAGE], memory[a_2, AVERAGE], memory[a_3, AVERAGE]
    slow_0, slow_1, slow_2, slow_3 = memory[b_0, AVERAGE], memory[b_1, AVERAGE], memory[b_2, AVERAGE], memory[b_3, AVERAGE]
    rows[a_0, 0], rows[a_1, 0], rows[a_2, 0], rows[a_3, 0] = fast_0, fast_1, fast_2, fast_3
    rows[b_0, 0], rows[b_1, 0], rows[b_2, 0], rows[b_3, 0] = slow_0, slow_1, slow_2, slow_3
    for i in range(n):
        value_0, value_1, value_2, value_3 = close_0[start + i], close_1[start + i], close_2[start + i], close_3[start + i]
        fast_0 += alpha * (value_0 - fast_0)
        fast_1 += alpha * (value_1 - fast_1)
        fast_2 += alpha * (value_2 - fast_2)
        fast_3 += alpha * (value_3 - fast_3)
        slow_0 += beta * (value_0 - slow_0)
        slow_1 += beta * (value_1 - slow_1)
        slow_2 += beta * (value_2 - slow_2)
        slow_3 += beta * (value_3 - slow_3)
        rows[a_0, i + 1], rows[a_1, i + 1], rows[a_2, i + 1], rows[a_3, i + 1] = fast_0, fast_1, fast_2, fast_3
        rows[b_0, i + 1], rows[b_1, i + 1], rows[b_2, i + 1], rows[b_3, i + 1] = slow_0, slow_1, slow_2, slow_3
    memory[a_0, AVERAGE], memory[a_1, AVERAGE], memory[a_2, AVERAGE], memory[a_3, AVERAGE] = fast_0, fast_1, fast_2, fast_3
    memory[b_0, AVERAGE], memory[b_1, AVERAGE], memory[b_2, AVERAGE], memory[b_3, AVERAGE] = slow_0, slow_1, slow_2, slow_3


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


HELPERS: Final[tuple[Any, ...]] = (
    add_marks,
    settled,
    play_tile,
    begin_instrument,
    only_averages,
    eight_averages,
    fill_together,
    play_instruments,
    portfolio_loop,
)
