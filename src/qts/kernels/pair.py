"""One cell whose rule is the crosses of two exponential averages: averages, crosses and account in one pass over the bars.

A value of an average waits for the one before it, and a processor that only waits does nothing. Alone, a cell leaves it that much to do:
so its account is marked while the averages are made. The numbers are those of the tiles, to the last bit.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.core.arrays import Floats, Ints
from qts.kernels.bill import N_BILL, load_bill
from qts.kernels.lean import Book, Span, Terms, added, bill_of, decided, filled, marked_bar, marked_flat, put_off, tick_of, unmarked
from qts.kernels.lean_account import BILL_AT, Money, Shape, load_account, save_account
from qts.kernels.signals import ENTER, IS_PAIR, STATE
from qts.kernels.tiles import AVERAGE, EXPONENTIAL, NEEDED, SEEN, SOURCE, SPAN

# Bars behind which the next opens and instants are asked of the memory, and how often: a line of a cache is eight numbers.
AHEAD: Final = 64
EIGHT: Final = 8


class Averages(NamedTuple):
    """Two averages, their weights of the latest value, and the state of the rule: 1 above, -1 below."""

    left: float
    right: float
    left_part: float
    right_part: float
    state: int


def is_simple(series: Ints, memory: Floats, cells: Ints, minds: Ints) -> bool:
    """Return whether there is one cell, a pair of averages that have begun and have crossed before."""
    if len(cells) != 1 or cells[0, IS_PAIR] == 0 or minds[0, STATE] == 0:
        return False
    for k in range(1, 3):
        s = cells[0, ENTER + k]
        if series[s, SOURCE] != EXPONENTIAL or memory[s, SEEN] < memory[s, NEEDED]:
            return False
    return True


def fetch(column: Floats | Ints, i: int) -> None:
    """Ask the memory for a value that will be wanted, or one behind the end; it changes nothing but time, and not even that uncompiled."""


def fetch_ahead(book: Book, bar: int) -> None:
    """Ask for what an order would read soon: crosses are too far apart for the processor to see a pattern in them."""
    fetch(book.open, bar + AHEAD)
    if len(book.starts) > 0 or len(book.rates) > 0:
        fetch(book.ts, bar + AHEAD)


def play_pair(memory: Floats, cells: Ints, minds: Ints, given: tuple[Book, Terms, int, Span]) -> None:
    """Play the bars from the first of ``given``'s span up to the second; it holds the length of a tile, too."""
    book, terms, n_tile, (start, stop) = given
    open_, close, blocked, rates, accounts = book.open, book.close, book.blocked, book.rates, book.accounts
    left, right = cells[0, ENTER + 1], cells[0, ENTER + 2]
    pair = Averages(
        memory[left, AVERAGE],
        memory[right, AVERAGE],
        2.0 / (memory[left, SPAN] + 1.0),
        2.0 / (memory[right, SPAN] + 1.0),
        minds[0, STATE],
    )
    money, shape, tally = load_account(accounts, 0)
    bill = load_bill(accounts, 0, BILL_AT)
    bar, end = start, start
    while bar < stop and tally.broken == 0.0:
        if bar == end:
            # A tile's end ends a sum.
            end = min(end + n_tile, stop)
        until = end - 1
        if money.due <= until:
            until = int(money.due) - 1
        turned = False
        if bar <= until:
            pair, shape, money, bar, turned = walked((pair, shape, money), book, (bar, until))
        if turned:
            money = decided(money, terms, close[bar - 1], (bar, pair.state))
            money = put_off(money, blocked, len(close))
        if money.due == bar and bar < stop:
            bill = bill_of(bill, book.starts, book.ts[bar], terms)
            money, tally, bill = filled((money, tally, bill), terms, rates, (open_[bar], tick_of(book.ticks, bar)))
    memory[left, AVERAGE], memory[right, AVERAGE] = pair.left, pair.right
    minds[0, STATE] = pair.state
    save_account(accounts, 0, (money, shape, tally))
    for k in range(N_BILL):
        accounts[0, BILL_AT + k] = bill[k]


def walked(state: tuple[Averages, Shape, Money], book: Book, span: Span) -> tuple[Averages, Shape, Money, int, bool]:
    """Mark the account bar by bar until the averages cross or the span is over."""
    pair, shape, money = state
    if money.position == 0.0:
        pair, bar, turned = walked_flat(pair, money.cash, book, span)
        shape, equity = marked_flat(shape, money, float(bar - span[0]))
    else:
        pair, shape, equity, bar, turned = walked_held(pair, (shape, money), book, span)
    return pair, shape, Money(money.cash, money.position, equity, money.target, money.wanted, money.due), bar, turned


def walked_flat(pair: Averages, cash: float, book: Book, span: Span) -> tuple[Averages, int, bool]:
    """Carry the averages on without a position; return them, the bar behind the last one seen, and whether they crossed on that."""
    close, curve = book.close, book.curve
    left, right, state = pair.left, pair.right, pair.state
    is_kept, turned = len(curve) > 0, False
    bar = span[0]
    while bar <= span[1] and not turned:
        if bar % EIGHT == 0:
            fetch_ahead(book, bar)
        price = close[bar]
        left += pair.left_part * (price - left)
        right += pair.right_part * (price - right)
        if is_kept:
            curve[bar] = cash
        turned = left < right if state > 0 else left > right
        bar += 1
    return Averages(left, right, pair.left_part, pair.right_part, -state if turned else state), bar, turned


def walked_held(pair: Averages, account: tuple[Shape, Money], book: Book, span: Span) -> tuple[Averages, Shape, float, int, bool]:
    """Carry the averages on with a position, and mark it; return the shape and the equity besides what :func:`walked_flat` does."""
    shape, money = account
    close, curve = book.close, book.curve
    left, right, state = pair.left, pair.right, pair.state
    is_kept, turned = len(curve) > 0, False
    sums = unmarked(shape, money.equity)
    bar = span[0]
    while bar <= span[1] and not turned:
        if bar % EIGHT == 0:
            fetch_ahead(book, bar)
        price = close[bar]
        left += pair.left_part * (price - left)
        right += pair.right_part * (price - right)
        sums = marked_bar(sums, money.cash + money.position * price)
        if is_kept:
            curve[bar] = sums.equity
        turned = left < right if state > 0 else left > right
        bar += 1
    pair = Averages(left, right, pair.left_part, pair.right_part, -state if turned else state)
    return pair, added(shape, sums, float(bar - span[0]), money.cash), sums.equity, bar, turned


HELPERS: Final[tuple[Any, ...]] = (is_simple, fetch_ahead, walked_flat, walked_held, walked, play_pair)
