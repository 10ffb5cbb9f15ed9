"""What one more order of the day costs, in floats: the mirror of ``qts.market.charges.day_charges`` inside the fills loop.

The day's orders of an instrument are read from the fills already booked, newest first. The exact ledger recomputes every fill afterwards;
the two agree to far less than a paisa.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

from qts.kernels.arithmetic import clean_quantity
from qts.kernels.state import (
    F_BAR,
    F_ORDER,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    F_SAME,
    F_SLICES,
    LATEST,
    N_FILL,
    N_RATE,
    N_ROW,
    N_TERM,
    PAID,
    PAID_ON,
    T_END_FEE,
    T_END_LONG_PART,
    T_END_LONG_UNIT,
    T_END_NOTHING,
    T_END_SHORT_PART,
    T_END_SHORT_UNIT,
    T_END_WORTHLESS,
    T_FORMULA,
    Run,
    Whole,
)
from qts.kernels.twins import Column

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000

# How the day of an instrument is charged: as a share's, or as a contract's, of which nothing is netted. The latter is also that of shares
# which are settled order by order: their rows have delivery's rates in the places of a contract's.
AS_SHARE, AS_CONTRACT = range(2)

# Part of an order: signed quantity, price, the order's fill before on the day (counted from 1, 0 for none), and the order's slices.
Part: TypeAlias = tuple[float, float, float, float]

# Columns of a regime's rates, all fractions but caps, fees and the DP charge in rupees. TURNOVER holds every line that is a part of the
# value on both sides, with its tax; SQUARE_OFF_FEE, with its tax, is 0 where it is not to be paid.
(
    TURNOVER,
    TAX,
    INTRADAY_FEE,
    INTRADAY_CAP,
    DELIVERY_FEE,
    DELIVERY_CAP,
    INTRADAY_STT,
    DELIVERY_STT_BUY,
    DELIVERY_STT_SELL,
    INTRADAY_STAMP_BUY,
    INTRADAY_STAMP_SELL,
    DELIVERY_STAMP_BUY,
    DELIVERY_STAMP_SELL,
    DP,
    FLAT_FEE,
    TRADED_STT_BUY,
    TRADED_STT_SELL,
    SQUARE_OFF_FEE,
) = range(N_RATE)


class Day(NamedTuple):
    """What was bought and sold of one instrument in a day: quantities and values."""

    bought: float
    paid: float
    sold: float
    received: float


class Ways(NamedTuple):
    """How a day is charged: where its rates stand, how many parts a share has, and whether all is intraday, or a contract."""

    at: int
    units: float
    intraday: bool
    is_contract: bool


def day_of(ts: int) -> int:
    """Return the number of the day in India."""
    return (ts + _IST) // _DAY


def scheduled_cost(run: Run, i: int, t: int, part: Part) -> float:
    """Return what this much of an order adds to its day's charges."""
    row = i * N_ROW
    day = day_of(run.ts[t])
    before = run.rows[row + PAID] if run.rows[row + PAID_ON] == day else 0.0
    return day_cost(run, i, day, part) - before


def end_cost(run: Run, i: int, quantity: float, price: float) -> float:
    """Return what the end of a contract costs; the quantity is signed as a deal's, so that of a long position is negative."""
    at, terms = i * N_TERM, run.terms
    if price <= terms[at + T_END_WORTHLESS]:
        return terms[at + T_END_NOTHING]
    if quantity < 0.0:
        return terms[at + T_END_FEE] - quantity * (price * terms[at + T_END_LONG_PART] + terms[at + T_END_LONG_UNIT])
    return terms[at + T_END_FEE] + quantity * (price * terms[at + T_END_SHORT_PART] + terms[at + T_END_SHORT_UNIT])


def square_off_fee(run: Run, i: int, t: int) -> float:
    """Return what the broker takes for an order by which he himself closes an intraday position."""
    at = (i * (len(run.starts) + 1) + regime_of(run.starts, day_of(run.ts[t]))) * N_RATE
    return run.rates[at + SQUARE_OFF_FEE]


def day_cost(run: Run, i: int, day: int, part: Part) -> float:
    """Return the charges of the day's fills of an instrument and a part of an order on top of them."""
    at = (i * (len(run.starts) + 1) + regime_of(run.starts, day)) * N_RATE
    traded = day_with(run, i, day, part)
    matched = min(traded.bought, traded.sold)
    fee = brokerage_of_day(run, i, day, (part, (traded.bought - matched, traded.sold - matched), at))
    is_contract = run.terms[i * N_TERM + T_FORMULA] == AS_CONTRACT
    return cost_of_totals(traded, fee, run.rates, Ways(at, run.rules.units, run.rules.intraday, is_contract))


def cost_of_totals(traded: Day, fee: float, rates: Column, ways: Ways) -> float:
    """Return the charges of a day's totals and its brokerage."""
    at = ways.at
    value = traded.paid + traded.received
    both = traded.bought + traded.sold
    matched = min(traded.bought, traded.sold)
    dp = 0.0
    if ways.is_contract:
        stt = traded.paid * rates[at + TRADED_STT_BUY] + traded.received * rates[at + TRADED_STT_SELL]
        stamp = traded.paid * rates[at + INTRADAY_STAMP_BUY] + traded.received * rates[at + INTRADAY_STAMP_SELL]
        dp = rates[at + DP] if traded.sold > 0.0 else 0.0
    elif ways.intraday:
        stt = traded.sold * value / both * rates[at + INTRADAY_STT]
        stamp = traded.paid * rates[at + INTRADAY_STAMP_BUY] + traded.received * rates[at + INTRADAY_STAMP_SELL]
    else:
        # Sums of fractional quantities carry float noise, which must not look like a delivery sale; shares are counted in whole units.
        rest = clean_quantity(traded.bought - traded.sold, ways.units)
        rate = rates[at + DELIVERY_STT_BUY] if rest > 0.0 else rates[at + DELIVERY_STT_SELL]
        stt = (matched * rates[at + INTRADAY_STT] + abs(rest) * rate) * value / both
        stamp = stamp_of(traded.bought, traded.paid, matched, (rates[at + INTRADAY_STAMP_BUY], rates[at + DELIVERY_STAMP_BUY]))
        stamp += stamp_of(traded.sold, traded.received, matched, (rates[at + INTRADAY_STAMP_SELL], rates[at + DELIVERY_STAMP_SELL]))
        dp = rates[at + DP] if rest < 0.0 else 0.0
    return value * rates[at + TURNOVER] + stt + stamp + fee * (1.0 + rates[at + TAX]) + dp


def regime_of(starts: Whole, day: int) -> int:
    """Return which row of rates is in force: the number of changes up to this day."""
    k = 0
    while k < len(starts) and starts[k] <= day:
        k += 1
    return k


def day_with(run: Run, i: int, day: int, part: Part) -> Day:
    """Return the day's totals, the part included."""
    quantity, price = part[0], part[1]
    fills, ts = run.fills, run.ts
    bought, paid, sold, received = 0.0, 0.0, 0.0, 0.0
    k = int(run.rows[i * N_ROW + LATEST])
    while True:
        if quantity > 0.0:
            bought += quantity
            paid += quantity * price
        else:
            sold -= quantity
            received -= quantity * price
        at = k * N_FILL - N_FILL
        if k == 0 or day_of(ts[int(fills[at + F_BAR])]) != day:
            return Day(bought, paid, sold, received)
        quantity, price = fills[at + F_QUANTITY], fills[at + F_PRICE]
        k = int(fills[at + F_PREVIOUS])


def stamp_of(quantity: float, value: float, matched: float, rates: tuple[float, float]) -> float:
    """Return one side's stamp duty: its intraday part and its rest at the side's own average price."""
    if quantity == 0.0:
        return 0.0
    return value / quantity * (matched * rates[0] + (quantity - matched) * rates[1])


def brokerage_of_day(run: Run, i: int, day: int, given: tuple[Part, tuple[float, float], int]) -> float:
    """Return the broker's fee on the day's orders, each by its intraday and its delivery part.

    The intraday shares are those of the earliest orders of each side; walking from the newest order back, the delivery shares come first.
    An order stands where its first fill stands; later parts are gathered there.
    """
    part, (unmatched_bought, unmatched_sold), at = given
    fills, ts = run.fills, run.ts
    splits = not run.rules.intraday and run.terms[i * N_TERM + T_FORMULA] != AS_CONTRACT
    newest = int(run.rows[i * N_ROW + LATEST])
    quantity, price, same, slices = part
    has_parts = same > 0.0
    # The number of the part's order is that of its fill before.
    joined = fills[int(same) * N_FILL - N_FILL + F_ORDER] if same > 0.0 else -1.0
    fee = 0.0
    here, k = 0, newest
    while True:
        if same == 0.0:
            size = abs(quantity)
            if has_parts and here > 0:
                more = later_parts(run, newest, here)
                added = abs(part[0]) if fills[here * N_FILL - N_FILL + F_ORDER] == joined else 0.0
                value = size * price + more[1] + added * part[1]
                size += more[0] + added
                price = value / size
            rest = 0.0
            if splits:
                rest = min(size, unmatched_bought if quantity > 0.0 else unmatched_sold)
                unmatched_bought -= rest if quantity > 0.0 else 0.0
                unmatched_sold -= rest if quantity < 0.0 else 0.0
            fee += order_fee(run.rates, at, (size - rest) * price, (rest * price, slices))
        row = k * N_FILL - N_FILL
        if k == 0 or day_of(ts[int(fills[row + F_BAR])]) != day:
            return fee
        quantity, price, same, slices = fills[row + F_QUANTITY], fills[row + F_PRICE], fills[row + F_SAME], fills[row + F_SLICES]
        has_parts = has_parts or same > 0.0
        here = k
        k = int(fills[row + F_PREVIOUS])


def order_fee(rates: Column, at: int, intraday: float, given: tuple[float, float]) -> float:
    """Return the broker's fee on one order by the values of its intraday and its delivery part; ``given`` is the latter and its slices."""
    delivery, slices = given
    if rates[at + FLAT_FEE] > 0.0:
        return rates[at + FLAT_FEE] * slices
    fee = min(intraday * rates[at + INTRADAY_FEE], rates[at + INTRADAY_CAP] * slices)
    return fee + min(delivery * rates[at + DELIVERY_FEE], rates[at + DELIVERY_CAP] * slices)


def later_parts(run: Run, newest: int, first: int) -> tuple[float, float]:
    """Return quantity and value of the fills that came after an order's first one and are of the same order."""
    fills = run.fills
    order = fills[first * N_FILL - N_FILL + F_ORDER]
    size, value = 0.0, 0.0
    k = newest
    while k > first:
        row = k * N_FILL - N_FILL
        if fills[row + F_ORDER] == order:
            size += abs(fills[row + F_QUANTITY])
            value += abs(fills[row + F_QUANTITY]) * fills[row + F_PRICE]
        k = int(fills[row + F_PREVIOUS])
    return size, value


HELPERS: Final[tuple[Any, ...]] = (
    day_of,
    scheduled_cost,
    end_cost,
    square_off_fee,
    day_cost,
    cost_of_totals,
    regime_of,
    day_with,
    stamp_of,
    brokerage_of_day,
    order_fee,
    later_parts,
)
HOT: Final = (day_of,)
