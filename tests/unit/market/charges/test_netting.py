"""Same-day netting: what part of a day is intraday."""

from __future__ import annotations

from dataclasses import replace
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


def test_each_side_of_a_partly_netted_day_pays_duty_fee_and_tax_of_its_own() -> None:
    on = date(2019, 5, 2)  # duty is on both sides
    intraday, delivery = (rates_on(on, Exchange.NSE, segment) for segment in (ChargeSegment.EQUITY_INTRADAY, ChargeSegment.EQUITY_DELIVERY))
    delivery = replace(delivery, brokerage_fraction=Decimal("0.001"), stt_buy=Decimal("0.002"), stt_sell=Decimal("0.003"))
    orders = [
        ChargeableOrder(side=Side.BUY, quantity=Decimal(41), price=Decimal(10)),
        ChargeableOrder(side=Side.SELL, quantity=Decimal(40), price=Decimal(20)),
    ]
    net = day_net(orders, intraday, delivery)
    bought, sold = 400 * intraday.stamp_buy + 10 * delivery.stamp_buy, 800 * intraday.stamp_sell
    assert net.stamp() == bought + sold
    assert net.brokerages() == (400 * intraday.brokerage_fraction + 10 * Decimal("0.001"), 800 * intraday.brokerage_fraction)
    average = Decimal(1210) / 81
    assert [round(part, 12) for part in net.stt()] == [round(40 * average * intraday.stt_sell, 12), round(average * Decimal("0.002"), 12)]
