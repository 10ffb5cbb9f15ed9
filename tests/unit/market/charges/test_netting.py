"""Same-day netting: what part of a day is intraday."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange, Side
from qts.market.charges import ChargeableOrder, ChargeSegment, rates_on
from qts.market.charges.netting import DayNet, brokerage_of, day_net

ON = date(2024, 11, 4)
INTRADAY = rates_on(ON, Exchange.NSE, ChargeSegment.EQUITY_INTRADAY)
DELIVERY = rates_on(ON, Exchange.NSE, ChargeSegment.EQUITY_DELIVERY)

orders_strategy = st.lists(
    st.builds(
        lambda side, quantity: ChargeableOrder(side=side, quantity=Decimal(quantity), price=Decimal(10)),
        st.sampled_from(Side),
        st.integers(1, 1000),
    ),
    max_size=8,
)


def net_of(orders: list[ChargeableOrder]) -> DayNet:
    return day_net(orders, INTRADAY, DELIVERY)


@given(orders_strategy)
def test_intraday_part_of_each_side_is_the_smaller_side(orders: list[ChargeableOrder]) -> None:
    net = net_of(orders)
    parts = net.intraday_values()
    for side in Side:
        of_side = sum((part for order, part in zip(orders, parts, strict=True) if order.side is side), Decimal(0))
        assert of_side == net.matched * 10
    assert all(0 <= part <= order.notional for order, part in zip(orders, parts, strict=True))


def test_day_without_orders_has_no_tax() -> None:
    net = net_of([])
    assert sum(net.stt()) == net.stamp() == net.matched == 0
    assert len(net.brokerages()) == 0


def test_brokerage_is_capped_or_free() -> None:
    assert brokerage_of(Decimal(10_000), INTRADAY) == 3
    assert brokerage_of(Decimal(1_000_000), INTRADAY) == 20
    assert brokerage_of(Decimal(1_000_000), DELIVERY) == 0
