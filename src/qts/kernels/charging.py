"""What one more order of the day costs, in floats: the mirror of ``qts.market.charges.day_charges`` inside the fills loop.

The day's orders of an instrument are read from the fills already booked, newest first. The exact ledger recomputes every fill afterwards;
the two agree to far less than a paisa.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.kernels.state import F_BAR, F_PREVIOUS, F_PRICE, F_QUANTITY, LATEST, N_FILL, N_RATE, N_ROW, PAID, PAID_ON, Run, Whole
from qts.kernels.twins import Column

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000

# Columns of a regime's rates, all fractions but the two caps and the DP charge in rupees. TURNOVER holds every line that is a part of
# the value on both sides, with its tax.
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
) = range(N_RATE)


class Day(NamedTuple):
    """What was bought and sold of one instrument in a day: quantities and values."""

    bought: float
    paid: float
    sold: float
    received: float


def day_of(ts: int) -> int:
    """Return the number of the day in India."""
    return (ts + _IST) // _DAY


def scheduled_cost(run: Run, i: int, t: int, signed_value: tuple[float, float]) -> float:
    """Return what an order adds to its day's charges; ``signed_value`` is its signed quantity and its price."""
    row = i * N_ROW
    day = day_of(run.market.ts[t])
    before = run.rows[row + PAID] if run.rows[row + PAID_ON] == day else 0.0
    return day_cost(run, i, day, signed_value) - before


def day_cost(run: Run, i: int, day: int, order: tuple[float, float]) -> float:
    """Return the charges of the day's fills of an instrument and one order on top of them."""
    at = (i * (len(run.rules.starts) + 1) + regime_of(run.rules.starts, day)) * N_RATE
    traded = day_with(run, i, day, order)
    matched = min(traded.bought, traded.sold)
    fee = brokerage_of_day(run, i, day, (order, (traded.bought - matched, traded.sold - matched), at))
    return cost_of_totals(traded, fee, run.rules.rates, (at, run.rules.units, run.rules.intraday))


def cost_of_totals(traded: Day, fee: float, rates: Column, given: tuple[int, float, bool]) -> float:
    """Return the charges of a day's totals and its brokerage; ``given``: where the rates stand, the units, whether all is intraday."""
    at, units, intraday = given
    value = traded.paid + traded.received
    both = traded.bought + traded.sold
    matched = min(traded.bought, traded.sold)
    if intraday:
        stt = traded.sold * value / both * rates[at + INTRADAY_STT]
        stamp = traded.paid * rates[at + INTRADAY_STAMP_BUY] + traded.received * rates[at + INTRADAY_STAMP_SELL]
        dp = 0.0
    else:
        # Sums of fractional quantities carry float noise, which must not look like a delivery sale; shares are counted in whole units.
        rest = ((traded.bought - traded.sold) * units + 0.5) // 1.0 / units
        rate = rates[at + DELIVERY_STT_BUY] if rest > 0.0 else rates[at + DELIVERY_STT_SELL]
        stt = (matched * rates[at + INTRADAY_STT] + abs(rest) * rate) * value / both
        stamp = stamp_of(traded.bought, traded.paid, matched, (rates[at + INTRADAY_STAMP_BUY], rates[at + DELIVERY_STAMP_BUY]))
        stamp += stamp_of(traded.sold, traded.received, matched, (rates[at + INTRADAY_STAMP_SELL], rates[at + DELIVERY_STAMP_SELL]))
        dp = rates[at + DP] if rest < 0.0 else 0.0
    return value * rates[at + TURNOVER] + stt + stamp + fee * (1.0 + rates[at + TAX]) + dp


def order_fee(intraday: float, delivery: float, rates: Column, at: int) -> float:
    """Return the broker's fee for one order by the values of its intraday and its delivery part, each with its ceiling."""
    return min(intraday * rates[at + INTRADAY_FEE], rates[at + INTRADAY_CAP]) + min(
        delivery * rates[at + DELIVERY_FEE], rates[at + DELIVERY_CAP]
    )


def regime_of(starts: Whole, day: int) -> int:
    """Return which row of rates is in force: the number of changes up to this day."""
    k = 0
    while k < len(starts) and starts[k] <= day:
        k += 1
    return k


def day_with(run: Run, i: int, day: int, order: tuple[float, float]) -> Day:
    """Return the day's totals, the order included."""
    quantity, price = order
    fills, ts = run.fills, run.market.ts
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


def brokerage_of_day(run: Run, i: int, day: int, given: tuple[tuple[float, float], tuple[float, float], int]) -> float:
    """Return the broker's fee on the day's orders, each by its intraday and its delivery part.

    The intraday shares are the earliest of each side; walking from the newest order back, the delivery shares come first.
    """
    (quantity, price), (unmatched_bought, unmatched_sold), at = given
    fills, ts, is_delivery = run.fills, run.market.ts, not run.rules.intraday
    fee = 0.0
    k = int(run.rows[i * N_ROW + LATEST])
    while True:
        size = abs(quantity)
        rest = 0.0
        if is_delivery:
            rest = min(size, unmatched_bought if quantity > 0.0 else unmatched_sold)
            unmatched_bought -= rest if quantity > 0.0 else 0.0
            unmatched_sold -= rest if quantity < 0.0 else 0.0
        fee += order_fee((size - rest) * price, rest * price, run.rules.rates, at)
        row = k * N_FILL - N_FILL
        if k == 0 or day_of(ts[int(fills[row + F_BAR])]) != day:
            return fee
        quantity, price = fills[row + F_QUANTITY], fills[row + F_PRICE]
        k = int(fills[row + F_PREVIOUS])


HELPERS: Final[tuple[Any, ...]] = (
    day_of,
    scheduled_cost,
    day_cost,
    cost_of_totals,
    order_fee,
    regime_of,
    day_with,
    stamp_of,
    brokerage_of_day,
)
