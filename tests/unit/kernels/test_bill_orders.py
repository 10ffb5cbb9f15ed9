"""The bill carried along, order by order, against days worked out anew; rates are made up, so no line can stand in for another."""

from __future__ import annotations

import itertools
import math
import random
from typing import Final

import numpy as np
import pytest

from qts.kernels.bill import N_BILL, Bill, add_any, add_order, begin_day, load_bill
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
)
from qts.kernels.state import N_RATE

DAY: Final = 86_400_000_000
MIDNIGHT: Final = 19_850 * DAY - 19_800_000_000  # of India
VALUES: Final = {
    TURNOVER: 0.0007,
    TAX: 0.2,
    INTRADAY_FEE: 0.003,
    INTRADAY_CAP: 5.0,
    DELIVERY_FEE: 0.005,
    DELIVERY_CAP: 12.0,
    INTRADAY_STT: 0.0011,
    DELIVERY_STT_BUY: 0.0013,
    DELIVERY_STT_SELL: 0.0017,
    INTRADAY_STAMP_BUY: 0.0019,
    INTRADAY_STAMP_SELL: 0.0023,
    DELIVERY_STAMP_BUY: 0.0029,
    DELIVERY_STAMP_SELL: 0.0031,
    DP: 15.93,
}
# Of the first row nothing may be read.
STARTS: Final = np.array([19_000], dtype=np.int64)
RATES: Final = np.array([[math.nan] * N_RATE, [VALUES.get(column, 0.0) for column in range(N_RATE)]])

Order = tuple[float, float]


def rests(orders: list[Order]) -> list[float]:
    """Return what of each order is not matched: the earliest orders of each side are matched first."""
    left = {side: min(sum(q for q, _ in orders if q > 0), -sum(q for q, _ in orders if q < 0)) for side in (True, False)}
    found = []
    for quantity, _ in orders:
        matched = min(abs(quantity), left[quantity > 0])
        left[quantity > 0] -= matched
        found.append(abs(quantity) - matched)
    return found


def fee_of(order: Order, rest: float) -> float:
    size, price = abs(order[0]), order[1]
    intraday = min((size - rest) * price * VALUES[INTRADAY_FEE], VALUES[INTRADAY_CAP])
    return intraday + min(rest * price * VALUES[DELIVERY_FEE], VALUES[DELIVERY_CAP])


def totals(orders: list[Order]) -> tuple[float, float, float, float]:
    """Return bought, paid, sold, received."""
    purchases, sales = [one for one in orders if one[0] > 0], [(-q, price) for q, price in orders if q < 0]
    sums = [(sum(q for q, _ in side), sum(q * price for q, price in side)) for side in (purchases, sales)]
    return (*sums[0], *sums[1])


def charges_of(orders: list[Order]) -> float:
    """Return the charges of a day, line by line."""
    bought, paid, sold, received = totals(orders)
    matched, value = min(bought, sold), paid + received
    taxed = matched * VALUES[INTRADAY_STT] + (bought - matched) * VALUES[DELIVERY_STT_BUY] + (sold - matched) * VALUES[DELIVERY_STT_SELL]
    stamp = 0.0
    for size, worth, rates in (
        (bought, paid, (INTRADAY_STAMP_BUY, DELIVERY_STAMP_BUY)),
        (sold, received, (INTRADAY_STAMP_SELL, DELIVERY_STAMP_SELL)),
    ):
        if size:
            stamp += worth / size * (matched * VALUES[rates[0]] + (size - matched) * VALUES[rates[1]])
    fees = sum(fee_of(order, rest) for order, rest in zip(orders, rests(orders), strict=True))
    dp = VALUES[DP] if sold > bought else 0.0
    return value * VALUES[TURNOVER] + taxed * value / (bought + sold) + stamp + fees * (1 + VALUES[TAX]) + dp


def assert_carried(bill: Bill, orders: list[Order]) -> None:
    """Assert that a bill says what the orders come to and remembers those that are not matched."""
    left = rests(orders)
    kept = [order for order, rest in zip(orders, left, strict=True) if rest > 0]
    settled = sum(fee_of(order, 0.0) for order, rest in zip(orders, left, strict=True) if rest == 0)
    early, late = ([(0.0, 0.0)] * 2 + kept)[-2:]
    expected = (MIDNIGHT + DAY, 1.0, *totals(orders), settled, charges_of(orders), *early, *late)
    assert tuple(bill) == pytest.approx(expected, rel=1e-12)


DAYS = {
    "a purchase": [(10, 100)],
    "a large purchase: the fee has a ceiling": [(100, 100)],
    "a sale": [(-10, 100)],
    "a single share": [(1, 100), (-1, 110)],
    "in and out": [(10, 100), (-10, 110)],
    "out and in": [(-10, 100), (10, 90)],
    "in and out twice": [(10, 100), (-10, 110), (20, 120), (-20, 90)],
    "out and in twice": [(-10, 100), (10, 110), (-30, 120), (30, 90)],
    "in and out, then in": [(10, 100), (-10, 110), (20, 120)],
    "in and out, then out": [(10, 100), (-10, 110), (-20, 120)],
    "in, out by halves": [(10, 100), (-5, 110), (-5, 120)],
    "in by halves, out": [(5, 100), (5, 105), (-10, 110)],
    "in by halves, out by parts": [(5, 100), (5, 105), (-2, 110), (-4, 120), (-4, 130)],
    "in twice, the second time one share": [(5, 100), (1, 105), (-2, 110)],
    "out by halves, in by parts": [(-5, 100), (-5, 105), (2, 110), (4, 120), (4, 130)],
    "out of more than came in": [(10, 100), (-25, 110), (15, 120)],
    "in of more than went out": [(-10, 100), (25, 110), (-15, 120)],
    "a part matched before the same size comes": [(-1, 150), (2, 100), (-2, 110)],
    "one share left of each": [(2, 100), (-1, 110), (3, 120), (-3, 130), (-1, 140)],
    "large ones, in parts": [(100, 100), (100, 105), (-150, 110), (-50, 90)],
}


@pytest.mark.parametrize("orders", DAYS.values(), ids=DAYS)
def test_each_order_adds_what_the_day_is_dearer_by(orders: list[Order]) -> None:
    bill = begin_day(STARTS, MIDNIGHT + 12_345)
    assert tuple(bill) == (MIDNIGHT + DAY, 1.0, *[0.0] * (N_BILL - 2))
    before = 0.0
    for k, order in enumerate(orders, start=1):
        bill, added = add_order(bill, RATES, order, 1.0)
        assert added == pytest.approx(charges_of(orders[:k]) - before, abs=1e-9)
        before = charges_of(orders[:k])
        assert_carried(bill, orders[:k])


@pytest.mark.parametrize("orders", DAYS.values(), ids=DAYS)
def test_the_formula_for_any_order_serves_each_of_them(orders: list[Order]) -> None:
    bill = begin_day(STARTS, MIDNIGHT)
    for k, order in enumerate(orders, start=1):
        bill, _ = add_any(bill, RATES, order, 1.0)
        assert_carried(bill, orders[:k])


def test_days_of_all_kinds_of_orders_are_carried_while_two_are_left_at_most() -> None:
    rng, n_carried = random.Random(5), 0  # noqa: S311 - cases, not secrets
    for _ in range(150):
        orders = [(float(rng.choice([-1, 1]) * rng.randint(1, 40)), float(rng.randint(50, 150))) for _ in range(7)]
        n_fit = len(list(itertools.takewhile(lambda k: sum(rest > 0 for rest in rests(orders[:k])) < 3, range(1, 8))))  # noqa: B023
        bill = begin_day(STARTS, MIDNIGHT)
        for k in range(1, n_fit + 1):
            bill, added = add_order(bill, RATES, orders[k - 1], 1.0)
            assert_carried(bill, orders[:k])
        n_carried += n_fit
        if n_fit < len(orders):
            bill, added = add_order(bill, RATES, orders[n_fit], 1.0)
            assert math.isnan(added)
    assert n_carried > 500


def test_a_third_order_that_is_not_matched_ends_the_bill() -> None:
    bill = begin_day(STARTS, MIDNIGHT)
    for order in ((1.0, 10.0), (1.0, 11.0)):
        bill, _ = add_order(bill, RATES, order, 1.0)
    bill, added = add_order(bill, RATES, (1.0, 12.0), 1.0)
    assert math.isnan(added)
    assert (bill.ends, bill.row, bill.bought, bill.paid, bill.settled) == (MIDNIGHT + DAY, 1, 3, 33, 0)
    assert (bill.early, bill.early_price, bill.late, bill.late_price) == (0, 0, 0, 0)


def test_a_bill_is_read_from_its_columns() -> None:
    accounts = np.arange(75.0).reshape(3, 25)
    assert tuple(load_bill(accounts, 1, 4)) == tuple(range(29, 29 + N_BILL))
