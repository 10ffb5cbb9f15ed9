"""One instrument, one cell of a sweep: its account, looked at only where an order fills or a position is held.

Prices, quantities and costs come from ``arithmetic`` and ``charging``, as in the fills loop, so both give the same account. What this loop
cannot do as the fills loop does, it does not do at all: it marks the cell as broken, and the caller plays it through the fills loop.

Whatever changes stands in tuples of floats, not in arrays: the compiler keeps those in registers, and counts references of arrays only.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

from qts.core.arrays import Floats, Ints
from qts.kernels.arithmetic import (
    NOISE,
    Cost,
    Moment,
    Size,
    Slip,
    clean_quantity,
    on_tick,
    simple_cost,
    sized_quantity,
    slipped_price,
    whole_lots,
)
from qts.kernels.bill import N_BILL, Bill, add_order, begin_day, load_bill
from qts.kernels.crosses import Bytes
from qts.kernels.lean_account import BILL_AT, NEVER_DUE, NO_GAIN, Money, Shape, Tally, broken, load_account, save_account
from qts.kernels.state import N_TICK, SCHEDULED_COST

NO_EVENT: Final = 5_000_000_000_000
# Bits of ``blocked``.
NO_BUYS: Final = 1
NO_SALES: Final = 2

Span: TypeAlias = tuple[int, int]


class Terms(NamedTuple):
    """The settings as numbers; ``shorts`` is the target of a rule that wants to be short: -1.0, or 0.0 where there are no shorts."""

    size: Size
    slip: Slip
    cost: Cost
    units: float
    shorts: float


class Book(NamedTuple):
    """Bars and accounts. ``blocked`` may be empty: nothing is; so may ``curve``, which takes the equity of the last cell played.

    ``ticks`` is as in ``state``, of the one instrument: empty where it has none.
    """

    ts: Ints
    open: Floats
    close: Floats
    blocked: Bytes
    ticks: Floats
    starts: Ints
    rates: Floats
    accounts: Floats
    curve: Floats


class Deal(NamedTuple):
    """One fill: what it closes and opens, signed, both of them as a quantity, its price and its charges."""

    closing: float
    opening: float
    quantity: float
    price: float
    cost: float


class Events(NamedTuple):
    """The events of one cell in one tile: bars, oldest first, and the state of the rule after each."""

    bars: Ints
    states: Ints


class Sums(NamedTuple):
    """Bars in a position: the last one's equity and its inverse; peak, deepest fall, and the equity below which it is deeper; sums."""

    equity: float
    inverse: float
    peak: float
    floor: float
    depth: float
    total: float
    squares: float
    shortfalls: float
    inverses: float
    equities: float


def terms_of(numbers: Floats) -> Terms:
    """Return the settings handed over as numbers: size, slippage, cost, units, and the target of shorts."""
    cost = Cost(int(numbers[4]), numbers[5], numbers[6])
    return Terms(Size(int(numbers[0]), numbers[1], 1.0, 0.0), Slip(numbers[2], numbers[3]), cost, numbers[7], numbers[8])


def play_events(book: Book, terms: Terms, c: int, found: tuple[Events, Span, int]) -> None:
    """Play a tile for one cell, given its events, its first and last bar, and how many events: fill, decide, and mark what is between."""
    events, (bar, last), n_events = found
    ts, open_, close, blocked, rates, accounts = book.ts, book.open, book.close, book.blocked, book.rates, book.accounts
    money, shape, tally = load_account(accounts, c)
    bill = load_bill(accounts, c, BILL_AT)
    k = 0
    while tally.broken == 0.0:
        event = events.bars[k] if k < n_events else NO_EVENT
        is_due = money.due <= event
        until = int(money.due) - 1 if is_due else event
        shape, money = marked(shape, money, close, (bar, min(until, last)))
        keep_curve(book.curve, money, close, (bar, min(until, last)))
        if is_due:
            if until >= last:
                break
            bar = until + 1
            bill = bill_of(bill, book.starts, ts[bar], terms)
            money, tally, bill = filled((money, tally, bill), terms, rates, (open_[bar], tick_of(book.ticks, bar)))
        else:
            bar = event + 1
            money = decided(money, terms, close[event], (bar, events.states[k]))
            money = put_off(money, blocked, len(close))
            k += 1
    save_account(accounts, c, (money, shape, tally))
    for k in range(N_BILL):
        accounts[c, BILL_AT + k] = bill[k]


def decided(money: Money, terms: Terms, price: float, then: tuple[int, int]) -> Money:
    """Turn a changed target into an order for the bar ``then[0]``, sized at the close before; it takes the place of one still waiting."""
    due, state = then
    target = terms.shorts if state < 0 else float(state)
    if target == money.target:
        return money
    wanted = 0.0
    if target != 0.0:
        wanted = whole_lots(sized_quantity(terms.size, target, Moment(money.equity, price, 0.0)), terms.units, 1.0)
        wanted = wanted if target > 0.0 else -wanted
    return Money(money.cash, money.position, money.equity, target, wanted, float(due) if wanted != money.position else NEVER_DUE)


def put_off(money: Money, blocked: Bytes, n_bars: int) -> Money:
    """Let a waiting order wait for the first bar in which its side may trade, for ever if there is none."""
    due = money.due
    if len(blocked) > 0 and due < n_bars:
        side = NO_BUYS if money.wanted > money.position else NO_SALES
        while due < n_bars and blocked[int(due)] & side != 0:
            due += 1.0
    return Money(money.cash, money.position, money.equity, money.target, money.wanted, due if due < n_bars else NEVER_DUE)


def bill_of(bill: Bill, starts: Ints, ts: int, terms: Terms) -> Bill:
    """Return the bill of the day of this instant: the one given, or a new one."""
    if terms.cost.kind != SCHEDULED_COST:
        return bill
    return bill if ts < bill.ends else begin_day(starts, ts)


def tick_of(ticks: Floats, bar: int) -> float:
    """Return the tick in this bar, in ten-thousandths of a rupee; 0.0 where there is none."""
    if len(ticks) == 0:
        return 0.0
    at = 0
    while at + N_TICK < len(ticks) and ticks[at + N_TICK] <= bar:
        at += N_TICK
    tick: float = ticks[at + 1]
    return tick


def dealt(money: Money, bill: Bill, how: tuple[Terms, Floats], where: tuple[float, float]) -> tuple[Deal, Bill]:
    """Return what trading to the wanted position means; ``how`` holds the rates besides the terms, ``where`` the open and the tick."""
    terms, rates = how
    reference, tick = where
    change = money.wanted - money.position
    closing = 0.0
    if money.position * change < 0.0:
        closing = -money.position if abs(change) > abs(money.position) else change
    opening = change - closing
    direction = 1.0 if change > 0.0 else -1.0
    price = slipped_price(reference, direction, terms.slip)
    if tick != 0.0:
        price = on_tick(price, direction, tick)
    quantity = clean_quantity(closing + opening, terms.units)
    if terms.cost.kind == SCHEDULED_COST:
        bill, cost = add_order(bill, rates, (quantity, price), terms.units)
    else:
        cost = simple_cost(quantity, price, terms.cost)
    return Deal(closing, opening, quantity, price, cost), bill


def position_after(money: Money, deal: Deal, terms: Terms) -> float:
    """Return the position with a deal in it."""
    return clean_quantity(money.position + deal.quantity, terms.units)


def filled(state: tuple[Money, Tally, Bill], terms: Terms, rates: Floats, where: tuple[float, float]) -> tuple[Money, Tally, Bill]:
    """Trade to the wanted position at an open, given with the tick of that bar."""
    money, tally, bill = state
    deal, bill = dealt(money, bill, (terms, rates), where)
    price, cost, quantity = deal.price, deal.cost, deal.quantity
    # A comparison with NaN is false: a bill that cannot be carried on breaks the cell, too.
    is_paid = cost == cost  # noqa: PLR0124
    if deal.opening != 0.0:
        is_paid = abs(deal.opening) * price + cost <= money.cash - deal.closing * price + NOISE
    tally = counted(tally, (money.position, deal.closing, deal.opening), price, (cost, abs(price - where[0]) * abs(quantity)))
    if not is_paid:
        tally = broken(tally)
    cash = money.cash - (quantity * price + cost)
    return Money(cash, position_after(money, deal, terms), money.equity, money.target, money.wanted, NEVER_DUE), tally, bill


def counted(tally: Tally, parts: tuple[float, float, float], price: float, lost: tuple[float, float]) -> Tally:
    """Count a fill, given the position before, what it closes and what it opens; its charges and slippage.

    A round trip ends where nothing is left; charges of a fill that turns a position round are split in proportion.
    """
    position, closing, opening = parts
    cost, slippage = lost
    quantity = closing + opening
    part = cost * closing / quantity
    trip = tally.trip - closing * price - part
    ends = closing != 0.0 and position + closing == 0.0
    net = trip if ends else 0.0
    trip = 0.0 if ends else trip
    begins = opening != 0.0 and position + closing == 0.0
    return Tally(
        tally.fills + 1.0,
        tally.entries + (1.0 if begins else 0.0),
        tally.trades + (1.0 if ends else 0.0),
        tally.wins + (1.0 if net > NO_GAIN else 0.0),
        tally.won + max(net, 0.0),
        tally.lost + max(-net, 0.0),
        tally.costs + cost,
        tally.slippage + slippage,
        tally.notional + abs(quantity) * price,
        trip - (opening * price + cost - part),
        tally.broken,
    )


def marked(shape: Shape, money: Money, close: Floats, span: Span) -> tuple[Shape, Money]:
    """Mark the account at the closes of these bars, which see no fill, and add up what the measures are made of."""
    if span[0] > span[1]:
        return shape, money
    if money.position == 0.0:
        shape, equity = marked_flat(shape, money, float(span[1] + 1 - span[0]))
    else:
        shape, equity = marked_held(shape, money, close, span)
    return shape, Money(money.cash, money.position, equity, money.target, money.wanted, money.due)


def marked_flat(shape: Shape, money: Money, n: float) -> tuple[Shape, float]:
    """Mark an account without a position: only the first bar can differ from the one before."""
    equity = money.cash
    change = (equity - money.equity) / money.equity
    low = min(change, 0.0)
    peak = max(shape.peak, equity)
    return Shape(
        peak,
        min(shape.depth, equity / peak - 1.0),
        shape.total + change,
        shape.squares + change * change,
        shape.shortfalls + low * low,
        shape.equities + equity * n,
        shape.exposures,
        shape.held,
    ), equity


def marked_held(shape: Shape, money: Money, close: Floats, span: Span) -> tuple[Shape, float]:
    """Mark an account with a position, bar by bar."""
    cash, position = money.cash, money.position
    sums = unmarked(shape, money.equity)
    for t in range(span[0], span[1] + 1):
        sums = marked_bar(sums, cash + position * close[t])
    return added(shape, sums, float(span[1] + 1 - span[0]), cash), sums.equity


def unmarked(shape: Shape, equity: float) -> Sums:
    """Return the sums of no bar, after this equity."""
    return Sums(equity, 1.0 / equity, shape.peak, shape.peak * (1.0 + shape.depth), shape.depth, 0.0, 0.0, 0.0, 0.0, 0.0)


def marked_bar(sums: Sums, equity: float) -> Sums:
    """Add a bar at whose close the account is worth this."""
    change = (equity - sums.equity) * sums.inverse
    inverse = 1.0 / equity
    low = min(change, 0.0)
    peak, floor, depth = sums.peak, sums.floor, sums.depth
    if equity > peak:
        peak = equity
        floor = peak * (1.0 + depth)
    elif equity < floor:
        floor = equity
        depth = equity / peak - 1.0
    return Sums(
        equity,
        inverse,
        peak,
        floor,
        depth,
        sums.total + change,
        sums.squares + change * change,
        sums.shortfalls + low * low,
        sums.inverses + inverse,
        sums.equities + equity,
    )


def added(shape: Shape, sums: Sums, n: float, cash: float) -> Shape:
    """Return what the measures are made of, with the sums of ``n`` bars in it."""
    return Shape(
        sums.peak,
        sums.depth,
        shape.total + sums.total,
        shape.squares + sums.squares,
        shape.shortfalls + sums.shortfalls,
        shape.equities + sums.equities,
        shape.exposures + abs(n - cash * sums.inverses),
        shape.held + n,
    )


def keep_curve(curve: Floats, money: Money, close: Floats, span: Span) -> None:
    """Keep the equity of these bars, where it is wanted."""
    if len(curve) > 0:
        for t in range(span[0], span[1] + 1):
            curve[t] = money.cash + money.position * close[t]


HELPERS: Final[tuple[Any, ...]] = (
    terms_of,
    decided,
    put_off,
    bill_of,
    counted,
    tick_of,
    dealt,
    position_after,
    filled,
    marked_flat,
    unmarked,
    marked_bar,
    added,
    marked_held,
    marked,
    keep_curve,
    play_events,
)
