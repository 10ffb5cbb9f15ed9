"""The bill of one instrument's day, order by order: what an order adds, without looking back at the day's fills.

``charging`` walks back over the fills of the day for every order, which is right whatever the orders are. Here totals are carried along,
and only orders some of whose shares are not matched yet are remembered: two of them, which is what a rule that goes in and out needs.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.core.arrays import Floats, Ints
from qts.kernels.charging import Day, Ways, cost_of_totals, order_fee, regime_of
from qts.kernels.state import N_RATE


class Bill(NamedTuple):
    """A day of an instrument.

    The day (as of ``charging.day_of``), where its rates stand, its totals, the fees of orders that are matched in full, what was charged so
    far, and up to two orders that are not matched: signed quantity (0 for none) and price, the earlier one first.
    """

    day: float
    at: float
    bought: float
    paid: float
    sold: float
    received: float
    settled: float
    charged: float
    early: float
    early_price: float
    late: float
    late_price: float


N_BILL: Final = 12


def begin_day(starts: Ints, day: int) -> Bill:
    """Return the bill of a day with nothing on it."""
    return Bill(float(day), float(regime_of(starts, day) * N_RATE), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def add_order(bill: Bill, rates: Floats, order: tuple[float, float], how: tuple[float, bool]) -> tuple[Bill, float]:
    """Return the bill with an order (signed quantity, price) on it, and what it adds; NaN where the bill cannot be carried on.

    ``how`` is the units and whether all is intraday.
    """
    quantity, price = order
    traded = with_order(Day(bill.bought, bill.paid, bill.sold, bill.received), quantity, price)
    if how[1]:
        settled = bill.settled + order_fee(rates, int(bill.at), abs(quantity) * price, (0.0, 1.0))
        bill = carried(bill, traded, settled, (0.0, 0.0, 0.0, 0.0))
        fee = settled
    else:
        bill, fee = with_fee(bill, traded, rates, order)
    total = cost_of_totals(traded, fee, rates, Ways(int(bill.at), how[0], how[1], False))
    added = total - bill.charged
    return charged(bill, bill.charged + added), added


def with_order(traded: Day, quantity: float, price: float) -> Day:
    """Return a day's totals with one more order."""
    if quantity > 0.0:
        return Day(traded.bought + quantity, traded.paid + quantity * price, traded.sold, traded.received)
    return Day(traded.bought, traded.paid, traded.sold - quantity, traded.received - quantity * price)


def with_fee(bill: Bill, traded: Day, rates: Floats, order: tuple[float, float]) -> tuple[Bill, float]:
    """Return the bill with an order's fee on it, and all fees of the day, each order by its intraday and its delivery part.

    The intraday shares are those of the earliest orders of each side: from the newest order back, shares that are not matched come first.
    An order that is matched in full stays so: only its fee is remembered.
    """
    matched = min(traded.bought, traded.sold)
    bought, sold = traded.bought - matched, traded.sold - matched
    newest = min(abs(order[0]), bought if order[0] > 0.0 else sold)
    bought, sold = (bought - newest, sold) if order[0] > 0.0 else (bought, sold - newest)
    late = min(abs(bill.late), bought if bill.late > 0.0 else sold)
    bought, sold = (bought - late, sold) if bill.late > 0.0 else (bought, sold - late)
    early = min(abs(bill.early), bought if bill.early > 0.0 else sold)
    at = int(bill.at)
    fees = (
        split_fee(rates, at, order, newest),
        split_fee(rates, at, (bill.late, bill.late_price), late),
        split_fee(rates, at, (bill.early, bill.early_price), early),
    )
    settled = bill.settled
    settled += fees[0] if newest == 0.0 else 0.0
    settled += fees[1] if late == 0.0 else 0.0
    settled += fees[2] if early == 0.0 else 0.0
    fee = bill.settled + fees[0] + fees[1] + fees[2]
    if newest > 0.0 and late > 0.0 and early > 0.0:
        # A third order that is not matched: there is no room to remember it.
        return carried(bill, traded, settled, (0.0, 0.0, 0.0, 0.0)), float("nan")
    kept = (bill.early, bill.early_price) if early > 0.0 else (0.0, 0.0)
    last = (bill.late, bill.late_price) if late > 0.0 else (0.0, 0.0)
    if newest > 0.0:
        kept = last if late > 0.0 else kept
        last = order
    return carried(bill, traded, settled, (*kept, *last)), fee


def split_fee(rates: Floats, at: int, order: tuple[float, float], rest: float) -> float:
    """Return the fee on an order of which ``rest`` shares are delivery; no order has no fee."""
    if order[0] == 0.0:
        return 0.0
    return order_fee(rates, at, (abs(order[0]) - rest) * order[1], (rest * order[1], 1.0))


def carried(bill: Bill, traded: Day, settled: float, kept: tuple[float, float, float, float]) -> Bill:
    """Return the bill with new totals, fees and remembered orders."""
    return Bill(bill.day, bill.at, traded.bought, traded.paid, traded.sold, traded.received, settled, bill.charged, *kept)


def charged(bill: Bill, total: float) -> Bill:
    """Return the bill with what was charged so far."""
    return Bill(
        bill.day,
        bill.at,
        bill.bought,
        bill.paid,
        bill.sold,
        bill.received,
        bill.settled,
        total,
        bill.early,
        bill.early_price,
        bill.late,
        bill.late_price,
    )


def load_bill(accounts: Floats, c: int, at: int) -> Bill:
    """Return the bill kept in a row from a column on."""
    return Bill(
        accounts[c, at],
        accounts[c, at + 1],
        accounts[c, at + 2],
        accounts[c, at + 3],
        accounts[c, at + 4],
        accounts[c, at + 5],
        accounts[c, at + 6],
        accounts[c, at + 7],
        accounts[c, at + 8],
        accounts[c, at + 9],
        accounts[c, at + 10],
        accounts[c, at + 11],
    )


HELPERS: Final[tuple[Any, ...]] = (
    begin_day,
    with_order,
    split_fee,
    carried,
    charged,
    with_fee,
    add_order,
    load_bill,
)
