"""The bill of one instrument's day, order by order: what an order of shares for delivery adds, without looking back at the day's fills.

``charging`` walks back over the fills of the day for every order, which is right whatever the orders are. Here totals are carried along,
and only orders some of whose shares are not matched yet are remembered: two of them, which is what a rule that goes in and out needs.
Such a rule's orders are nearly all of two kinds, for which the formulas are short: one on a day that is even, and one that makes it so.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.core.arrays import Floats, Ints
from qts.kernels.charging import (
    DELIVERY_CAP,
    DELIVERY_FEE,
    DELIVERY_STAMP_BUY,
    DELIVERY_STAMP_SELL,
    DELIVERY_STT_BUY,
    DELIVERY_STT_SELL,
    DP,
    INTRADAY_CAP,
    INTRADAY_FEE,
    INTRADAY_STAMP_BUY,
    INTRADAY_STAMP_SELL,
    INTRADAY_STT,
    TAX,
    TURNOVER,
    Day,
    Ways,
    cost_of_totals,
    day_of,
    order_fee,
    regime_of,
)

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000


class Bill(NamedTuple):
    """A day of an instrument.

    The instant at which the day ends, the row of its rates, its totals, the fees of orders that are matched in full, what was charged so
    far, and up to two orders that are not matched: signed quantity (0 for none) and price, the earlier one first.
    """

    ends: float
    row: float
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


def begin_day(starts: Ints, ts: int) -> Bill:
    """Return the bill of an instant's day with nothing on it."""
    day = day_of(ts)
    ends = float((day + 1) * _DAY - _IST)
    return Bill(ends, float(regime_of(starts, day)), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def add_order(bill: Bill, rates: Floats, order: tuple[float, float], units: float) -> tuple[Bill, float]:
    """Return the bill with an order (signed quantity, price) on it, and what it adds; NaN where the bill cannot be carried on.

    ``rates`` has a row for each regime, and ``units`` is how many parts a share has.
    """
    if bill.early == 0.0 and bill.late == 0.0:
        return add_first(bill, rates, order)
    # An order is remembered whole, though a part of it may be matched already: then it is not all that the day is uneven by.
    if bill.early == 0.0 and bill.late == -order[0] and bill.bought - bill.sold == bill.late:
        return add_last(bill, rates, order)
    return add_any(bill, rates, order, units)


def add_first(bill: Bill, rates: Floats, order: tuple[float, float]) -> tuple[Bill, float]:
    """Add an order to a day that is even: all of it is delivery so far."""
    quantity, price = order
    row = int(bill.row)
    size = abs(quantity)
    value = size * price
    matched = bill.bought
    stt = matched * rates[row, INTRADAY_STT]
    if quantity > 0.0:
        bought, sold, paid, received = matched + size, matched, bill.paid + value, bill.received
        stt += size * rates[row, DELIVERY_STT_BUY]
        stamp = paid / bought * (matched * rates[row, INTRADAY_STAMP_BUY] + size * rates[row, DELIVERY_STAMP_BUY])
        stamp += received * rates[row, INTRADAY_STAMP_SELL]
    else:
        bought, sold, paid, received = matched, matched + size, bill.paid, bill.received + value
        stt += size * rates[row, DELIVERY_STT_SELL]
        stamp = received / sold * (matched * rates[row, INTRADAY_STAMP_SELL] + size * rates[row, DELIVERY_STAMP_SELL])
        stamp += paid * rates[row, INTRADAY_STAMP_BUY] + rates[row, DP]
    turnover = paid + received
    fee = bill.settled + min(value * rates[row, DELIVERY_FEE], rates[row, DELIVERY_CAP])
    total = turnover * rates[row, TURNOVER] + stt * turnover / (bought + sold) + stamp + fee * (1.0 + rates[row, TAX])
    added = total - bill.charged
    # What the order adds is paid, so that is what was charged: to the last bit, whatever the sum was rounded to.
    charged = bill.charged + added
    return Bill(bill.ends, bill.row, bought, paid, sold, received, bill.settled, charged, 0.0, 0.0, quantity, price), added


def add_last(bill: Bill, rates: Floats, order: tuple[float, float]) -> tuple[Bill, float]:
    """Add an order that makes a day even again: all of it is intraday, and so is the one it matches."""
    quantity, price = order
    row = int(bill.row)
    size = abs(quantity)
    value = size * price
    matched = max(bill.bought, bill.sold)
    paid = bill.paid + (value if quantity > 0.0 else 0.0)
    received = bill.received + (0.0 if quantity > 0.0 else value)
    part, cap = rates[row, INTRADAY_FEE], rates[row, INTRADAY_CAP]
    settled = bill.settled + min(value * part, cap) + min(size * bill.late_price * part, cap)
    both = rates[row, TURNOVER] + 0.5 * rates[row, INTRADAY_STT]
    total = paid * (both + rates[row, INTRADAY_STAMP_BUY]) + received * (both + rates[row, INTRADAY_STAMP_SELL])
    total += settled * (1.0 + rates[row, TAX])
    added = total - bill.charged
    charged = bill.charged + added
    return Bill(bill.ends, bill.row, matched, paid, matched, received, settled, charged, 0.0, 0.0, 0.0, 0.0), added


def add_any(bill: Bill, rates: Floats, order: tuple[float, float], units: float) -> tuple[Bill, float]:
    """Add any order."""
    traded = with_order(Day(bill.bought, bill.paid, bill.sold, bill.received), order[0], order[1])
    row = rates[int(bill.row)]
    bill, fee = with_fee(bill, traded, row, order)
    total = cost_of_totals(traded, fee, row, Ways(0, units, False, False))
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
    fees = (
        split_fee(rates, order, newest),
        split_fee(rates, (bill.late, bill.late_price), late),
        split_fee(rates, (bill.early, bill.early_price), early),
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


def split_fee(rates: Floats, order: tuple[float, float], rest: float) -> float:
    """Return the fee on an order of which ``rest`` shares are delivery; no order has no fee."""
    if order[0] == 0.0:
        return 0.0
    return order_fee(rates, 0, (abs(order[0]) - rest) * order[1], (rest * order[1], 1.0))


def carried(bill: Bill, traded: Day, settled: float, kept: tuple[float, float, float, float]) -> Bill:
    """Return the bill with new totals, fees and remembered orders."""
    return Bill(bill.ends, bill.row, traded.bought, traded.paid, traded.sold, traded.received, settled, bill.charged, *kept)


def charged(bill: Bill, total: float) -> Bill:
    """Return the bill with what was charged so far."""
    return Bill(
        bill.ends,
        bill.row,
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
    add_first,
    add_last,
    add_any,
    add_order,
    load_bill,
)
