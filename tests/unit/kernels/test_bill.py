from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Final

import hypothesis.strategies as st
import pytest
from hypothesis import given

from qts.backtest.rates import rate_table
from qts.core import Exchange, InstrumentId, Product, Side
from qts.kernels.bill import add_order, begin_day
from qts.market.charges import DayFill, day_charges

ON: Final = date(2024, 5, 6)
DAY: Final = (ON - date(1970, 1, 1)).days


def billed(orders: list[tuple[float, float]], product: Product) -> list[float]:
    starts, rates = rate_table((InstrumentId("NSE:INFY"),), ON, ON)
    bill = begin_day(starts, DAY)
    added = []
    for order in orders:
        bill, cost = add_order(bill, rates, order, (1.0, product is Product.MIS))
        added.append(cost)
    return added


def exact(orders: list[tuple[float, float]], product: Product) -> float:
    fills = [
        DayFill(side=Side.BUY if quantity > 0 else Side.SELL, quantity=Decimal(int(abs(quantity))), price=Decimal(str(price)))
        for quantity, price in orders
    ]
    return float(day_charges(fills, on=ON, exchange=Exchange.NSE, product=product).total)


@given(
    held=st.integers(0, 500),
    trips=st.lists(st.tuples(st.integers(1, 900), st.integers(100, 300_000), st.integers(100, 300_000)), max_size=6),
    product=st.sampled_from([Product.CNC, Product.MIS]),
)
def test_a_day_in_and_out_is_billed_as_the_exact_ledger_bills_it(held: int, trips: list[tuple[int, int, int]], product: Product) -> None:
    orders: list[tuple[float, float]] = [(-float(held), 1500.0)] if held else []
    for quantity, paid, got in trips:
        orders += [(float(quantity), paid / 100), (-float(quantity), got / 100)]
    added = billed(orders, product)
    for k in range(len(orders)):
        if any(math.isnan(cost) for cost in added[: k + 1]):
            # Three orders that are not matched are more than it remembers; it says so, and the fills loop takes over.
            assert held > min(quantity for quantity, *_ in trips)
            break
        assert sum(added[: k + 1]) == pytest.approx(exact(orders[: k + 1], product), rel=1e-12, abs=1e-9)


def test_what_it_cannot_remember_it_does_not_guess() -> None:
    assert math.isnan(billed([(-100.0, 10.0), (-100.0, 11.0), (-100.0, 12.0)], Product.CNC)[-1])
