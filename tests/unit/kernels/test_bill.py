from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from qts.backtest.rates import rate_table
from qts.core import IST, Exchange, InstrumentId, Product, Side, micros_of
from qts.kernels.bill import Bill, add_any, add_order, begin_day
from qts.kernels.state import N_RATE
from qts.market.charges import DayFill, day_charges

ON: Final = date(2024, 5, 6)
MORNING: Final = micros_of(datetime(2024, 5, 6, 9, 15, tzinfo=IST))


def billed(orders: list[tuple[float, float]], add: Callable[..., tuple[Bill, float]] = add_order) -> list[float]:
    starts, rates = rate_table((InstrumentId("NSE:INFY"),), ON, ON)
    bill = begin_day(starts, MORNING)
    added = []
    for order in orders:
        bill, cost = add(bill, rates.reshape(-1, N_RATE), order, 1.0)
        added.append(cost)
    return added


def exact(orders: list[tuple[float, float]]) -> float:
    fills = [
        DayFill(side=Side.BUY if quantity > 0 else Side.SELL, quantity=Decimal(int(abs(quantity))), price=Decimal(str(price)))
        for quantity, price in orders
    ]
    return float(day_charges(fills, on=ON, exchange=Exchange.NSE, product=Product.CNC).total)


@given(
    held=st.integers(0, 500),
    trips=st.lists(st.tuples(st.integers(1, 900), st.integers(100, 300_000), st.integers(100, 300_000)), max_size=6),
)
@example(held=1, trips=[(2, 100, 100)])  # half of an order is matched before it, and that half must not be matched again
def test_a_day_in_and_out_is_billed_as_the_exact_ledger_bills_it(held: int, trips: list[tuple[int, int, int]]) -> None:
    orders: list[tuple[float, float]] = [(-float(held), 1500.0)] if held else []
    for quantity, paid, got in trips:
        orders += [(float(quantity), paid / 100), (-float(quantity), got / 100)]
    added = billed(orders)
    for k in range(len(orders)):
        if any(math.isnan(cost) for cost in added[: k + 1]):
            # Three orders that are not matched are more than it remembers; it says so, and the fills loop takes over.
            assert held > min(quantity for quantity, *_ in trips)
            break
        assert sum(added[: k + 1]) == pytest.approx(exact(orders[: k + 1]), rel=1e-12, abs=1e-9)


@given(
    quantity=st.integers(1, 900),
    prices=st.lists(st.integers(100, 300_000), min_size=2, max_size=9),
    sells_first=st.booleans(),
)
def test_the_short_formulas_give_what_the_long_one_gives(quantity: int, prices: list[int], *, sells_first: bool) -> None:
    # In and out with one quantity: the day is even, then not, then even again.
    side = -1.0 if sells_first else 1.0
    orders = [(side * quantity * (-1.0) ** k, price / 100) for k, price in enumerate(prices)]
    assert billed(orders) == pytest.approx(billed(orders, add_any), rel=1e-12, abs=1e-9)
    assert sum(billed(orders)) == pytest.approx(exact(orders), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("hour", "minute", "is_over"), [(0, 0, False), (23, 59, False), (24, 0, True)], ids=["midnight", "the last minute", "the next midnight"]
)
def test_a_day_is_india_s(hour: int, minute: int, *, is_over: bool) -> None:
    starts, _ = rate_table((InstrumentId("NSE:INFY"),), ON, ON)
    at = micros_of(datetime(2024, 5, 6, tzinfo=IST)) + (hour * 60 + minute) * 60_000_000
    assert (at >= begin_day(starts, MORNING).ends) is is_over


def test_what_it_cannot_remember_it_does_not_guess() -> None:
    assert math.isnan(billed([(-100.0, 10.0), (-100.0, 11.0), (-100.0, 12.0)])[-1])
