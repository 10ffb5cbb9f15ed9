"""A share's day: parts of orders, slices, the broker's square-off, and which estimates were used."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Charges, Exchange, Product, Side
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment, DayBill, DayFill, Settlement, SttClass, day_charges, lone_order, rates_on
from qts.market.charges.share_day import ShareDay

TODAY = date(2026, 11, 20)
CNC, MIS = Product.CNC, Product.MIS
DELIVERY, INTRADAY = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY


def fill(side: Side, quantity: Decimal | int, price: Decimal | int, **more: Any) -> DayFill:
    return DayFill(side=side, quantity=Decimal(quantity), price=Decimal(price), **more)


def buy(quantity: Decimal | int, price: Decimal | int, **more: Any) -> DayFill:
    return fill(Side.BUY, quantity, price, **more)


def sell(quantity: Decimal | int, price: Decimal | int, **more: Any) -> DayFill:
    return fill(Side.SELL, quantity, price, **more)


def charges(*fills: DayFill, product: Product = CNC, on: date = TODAY, exchange: Exchange = Exchange.NSE, **kind: Any) -> Charges:
    return day_charges(fills, on=on, exchange=exchange, product=product, **kind)


fills_strategy = st.lists(
    st.builds(
        fill,
        st.sampled_from(Side),
        st.integers(1, 5000),
        st.decimals(Decimal("0.05"), Decimal(5000), places=2),
        order=st.one_of(st.none(), st.integers(0, 2)),
        slices=st.integers(1, 3),
        auto_square_off=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def test_parts_of_one_order_pay_one_brokerage() -> None:
    assert charges(buy(500, 100, order=7), buy(500, 100, order=7), product=MIS).brokerage == 20
    assert charges(buy(500, 100), buy(500, 100), product=MIS).brokerage == 30


def test_part_that_comes_after_its_order_was_matched_is_counted_with_it() -> None:
    # The sale matches the first part; then the order goes on: 100000 in one order, capped once, of which half is intraday.
    found = charges(buy(50, 1000, order=1), sell(50, 1000), buy(50, 1000, order=1))
    assert found.brokerage == 30
    later = charges(buy(50, 1000, order=1), sell(100, 1000), buy(50, 1000, order=1))
    assert later.brokerage == 40


def test_slices_pay_a_cap_each() -> None:
    assert charges(buy(1000, 1000, slices=3), product=MIS).brokerage == 60


def test_broker_closing_the_position_adds_its_fee_to_the_brokerage() -> None:
    plain = charges(buy(10, 1000), sell(10, 1000), product=MIS)
    closed = charges(buy(10, 1000), sell(10, 1000, auto_square_off=True), product=MIS)
    assert (closed - plain).brokerage == 50
    assert (closed - plain).total == 59


def test_fee_of_the_broker_before_2020_was_twenty_rupees() -> None:
    on = date(2019, 6, 3)
    assert (charges(sell(10, 1000, auto_square_off=True), product=MIS, on=on) - charges(sell(10, 1000), product=MIS, on=on)).brokerage == 20


@pytest.mark.parametrize(
    ("stt_class", "bought", "sold", "intraday"),
    [(SttClass.SHARE, "100", "100", "25"), (SttClass.EQUITY_ETF, "0", "1", "25"), (SttClass.OTHER_ETF, "0", "0", "0")],
)
def test_units_of_funds_pay_the_tax_of_their_class(*, stt_class: SttClass, bought: str, sold: str, intraday: str) -> None:
    assert charges(buy(100, 1000), stt_class=stt_class).stt == Decimal(bought)
    assert charges(sell(100, 1000), stt_class=stt_class).stt == Decimal(sold)
    assert charges(buy(100, 1000), sell(100, 1000), stt_class=stt_class).stt == Decimal(intraday)


@pytest.mark.parametrize(
    ("group", "percent"), [("", "0.00375"), ("B", "0.00375"), ("X", "0.1"), ("zp", "0.1"), ("ST", "1"), ("MT", "0.00275")]
)
def test_share_at_bse_pays_the_charge_of_its_group(group: str, percent: str) -> None:
    assert charges(buy(100, 1000), exchange=Exchange.BSE, group=group).exchange == Decimal(percent) * 1000


def test_segment_of_shares_may_be_named() -> None:
    assert charges(buy(10, 100), segment=ChargeSegment.EQUITY_DELIVERY) == charges(buy(10, 100))


def test_end_of_a_contract_is_refused() -> None:
    with pytest.raises(BadParameter, match="settlement = exercised"):
        charges(sell(1, 1, settlement=Settlement.EXERCISED))


@pytest.mark.parametrize(
    ("fills", "product", "expected"),
    [
        pytest.param((), CNC, set(), id="nothing traded"),
        pytest.param((buy(1, 1),), CNC, {"exchange", "sebi"}, id="delivery"),
        pytest.param((buy(1, 1), sell(1, 1)), CNC, {"exchange", "sebi", "brokerage"}, id="both sides"),
        pytest.param((buy(1, 1, auto_square_off=True),), MIS, {"exchange", "sebi", "brokerage", "square_off"}, id="closed by the broker"),
    ],
)
def test_estimates_are_those_of_what_was_paid(fills: tuple[DayFill, ...], product: Product, expected: set[str]) -> None:
    bill = DayBill(on=date(2020, 7, 2), exchange=Exchange.NSE, product=product)
    for one in fills:
        bill.add(one)
    assert {sentence.partition(":")[0] for sentence in bill.estimates()} == expected


def test_a_fee_on_closing_is_told_also_where_other_orders_follow() -> None:
    bill = DayBill(on=date(2020, 7, 2), exchange=Exchange.NSE, product=MIS)
    for one in (buy(1, 1, auto_square_off=True), buy(1, 1)):
        bill.add(one)
    assert any(sentence.startswith("square_off:") for sentence in bill.estimates())


# A broker who takes 2 % of delivery, at most 30, and 1 % of intraday, at most 20, of each slice. Behind each fill: the day's brokerage.
@pytest.mark.parametrize(
    "fills",
    [
        pytest.param(
            [
                (buy(10, 100, order=1, slices=2), 20),
                (buy(10, 100, order=1, slices=2), 40),
                # 2 shares are intraday on both sides: 2 and 2; 1800 of delivery are 36.
                (sell(2, 100), 40),
                # All 20 are: 20 in all of the purchase, 2 and 18 of the sales.
                (sell(18, 100), 40),
                # Of 3000 rupees 2000 are intraday: 20 and 20, and 20 of the sales.
                (buy(10, 100, order=1, slices=2), 60),
            ],
            id="an order in two slices and three parts",
        ),
        pytest.param(
            [
                (buy(10, 100, order=1), 20),
                (buy(30, 50, order=2), 50),
                # The first order is intraday: 10; the second waits: 30; the sale: 10.
                (sell(10, 100), 50),
                # A part of the first comes late: 1000 intraday and 1000 delivery: 10 and 20, then 30 and 10.
                (buy(10, 100, order=1), 70),
                # 30 sold: the first is 20, 10 of the second 5 and its other 20 come to 20, the sales 10 and 20.
                (sell(20, 100), 75),
                # All are sold: 20 and 15 of the purchases, 10, 20 and 20 of the sales.
                (sell(20, 100), 85),
                # The first grows by 10 again, all of it intraday and at its cap: 20; the second 10 and 10; the sales as before.
                (buy(10, 100, order=1), 90),
            ],
            id="two orders, of which the first grows late",
        ),
        pytest.param(
            [
                (sell(40, 100, slices=2), 60),
                (sell(10, 100, order=1), 80),
                # 40 are intraday: at most 40 of the first sale, 20 of the second; the purchase at most 20.
                (buy(40, 100), 80),
            ],
            id="the slices of an order matched in full",
        ),
    ],
)
def test_each_order_pays_by_its_parts_in_order_of_time(fills: list[tuple[DayFill, int]]) -> None:
    at_hand = rates_on(TODAY, Exchange.NSE, ChargeSegment.EQUITY_INTRADAY)
    intraday = replace(at_hand, brokerage_fraction=Decimal("0.01"), brokerage_cap=Decimal(20))
    delivery = replace(at_hand, brokerage_fraction=Decimal("0.02"), brokerage_cap=Decimal(30))
    asked = ShareDay(intraday=intraday, delivery=delivery, is_delivery=True)
    found = []
    for one, _ in fills:
        asked.add(one)
        found.append(asked.charges().brokerage)
    assert found == [Decimal(expected) for _, expected in fills]
    at_once = ShareDay(intraday=intraday, delivery=delivery, is_delivery=True)
    for one, _ in fills:
        at_once.add(one)
    assert at_once.charges().brokerage == fills[-1][1]


def test_a_tax_that_leaves_the_protection_fund_out_is_less_by_its_part() -> None:
    # 100,000 rupees pay 0.1 to the exchange's fund, 18 % of which is tax.
    rates = replace(rates_on(TODAY, Exchange.NSE, ChargeSegment.EQUITY_INTRADAY), ipft=Decimal("0.000001"))
    gst = {}
    for taxed in (True, False):
        day = ShareDay(intraday=replace(rates, gst_on_ipft=taxed), delivery=rates, is_delivery=False)
        day.add(buy(100, 1000))
        gst[taxed] = day.charges().gst
    assert gst[True] - gst[False] == Decimal("0.018")


@given(fills_strategy, st.integers(1, 9), st.dates(date(2004, 1, 1), date(2028, 1, 1)), st.sampled_from([CNC, MIS]))
def test_an_order_filled_in_parts_costs_what_the_whole_does(fills: list[DayFill], part: int, on: date, product: Product) -> None:
    first, *rest = fills
    early = min(first.quantity, Decimal(part))
    same: dict[str, Any] = {"order": 99, "slices": first.slices, "auto_square_off": first.auto_square_off}
    late = [fill(first.side, first.quantity - early, first.price, **same)] if early < first.quantity else []
    whole = charges(fill(first.side, first.quantity, first.price, **same), *rest, on=on, product=product)
    split = charges(fill(first.side, early, first.price, **same), *rest, *late, on=on, product=product)
    assert split == whole


@given(fills_strategy, st.dates(date(2004, 1, 1), date(2028, 1, 1)), st.sampled_from([CNC, MIS]))
def test_bill_asked_after_each_fill_is_the_bill_asked_once(fills: list[DayFill], on: date, product: Product) -> None:
    asked = DayBill(on=on, exchange=Exchange.BSE, product=product)
    for one in fills:
        asked.add(one)
        asked.charges()
    assert asked.charges() == charges(*fills, on=on, product=product, exchange=Exchange.BSE)


@given(fills_strategy, st.integers(1, 100), st.dates(date(2004, 1, 1), date(2028, 1, 1)), st.sampled_from(Side))
def test_trading_more_on_one_side_never_costs_less(fills: list[DayFill], more: int, on: date, side: Side) -> None:
    own = [one for one in fills if one.side is side]
    after = charges(*own, fill(side, more, 100), on=on)
    assert after.total >= charges(*own, on=on).total


@given(
    order=st.builds(
        fill,
        st.sampled_from(Side),
        st.integers(1, 50_000),
        st.decimals(Decimal("0.0001"), Decimal(5000), places=6).map(lambda price: price.copy_abs() + Decimal("0.0001")),
        slices=st.integers(1, 3),
    ),
    kind=st.fixed_dictionaries(
        {
            "on": st.dates(date(2015, 1, 1), TODAY),
            "exchange": st.sampled_from([Exchange.NSE, Exchange.BSE, Exchange.SIM]),
            "product": st.sampled_from([CNC, MIS]),
            "stt_class": st.sampled_from(SttClass),
        }
    ),
)
def test_order_alone_on_its_day_pays_to_the_last_digit_what_its_bill_says(order: DayFill, kind: dict[str, Any]) -> None:
    ours = lone_order(order.side, **kind).charges(order.quantity * order.price, slices=order.slices)
    # Compared as texts: also their numbers of decimals are the same.
    assert str(ours) == str(charges(order, **kind))


@pytest.mark.parametrize("slices", [1, 3])
@pytest.mark.parametrize("product", [CNC, MIS])
@pytest.mark.parametrize("side", Side)
def test_large_order_alone_on_its_day_pays_what_its_bill_says(side: Side, product: Product, slices: int) -> None:
    order = fill(side, 30_000, 1000, slices=slices)
    # The exchange took a part for its fund, and tax on it, in 2024.
    for on in (date(2016, 3, 1), date(2021, 3, 1), date(2023, 3, 1), date(2024, 3, 1), TODAY):
        alone = lone_order(side, on=on, exchange=Exchange.NSE, product=product)
        assert alone.charges(Decimal(30_000_000), slices=slices) == charges(order, on=on, product=product)
    assert alone.charges(Decimal(30_000_000)) == charges(fill(side, 30_000, 1000), on=TODAY, product=product)


def test_order_alone_on_its_day_is_of_shares() -> None:
    with pytest.raises(BadParameter, match="NRML"):
        lone_order(Side.BUY, on=TODAY, exchange=Exchange.NSE, product=Product.NRML)


def order_by_order(*fills: DayFill, on: date = TODAY) -> DayBill:
    bill = DayBill(on=on, exchange=Exchange.NSE, product=CNC, netted=False)
    for one in fills:
        bill.add(one)
    return bill


def test_a_purchase_and_a_sale_that_are_not_netted_are_both_delivered() -> None:
    # STT 0.1 % of both values, duty 0.015 % of the purchase, no brokerage, and the depository once.
    found = order_by_order(buy(100, 1000), sell(40, 1100), sell(60, 1200)).charges()
    assert (found.stt, found.stamp, found.brokerage, found.dp) == (Decimal(216), Decimal(15), Decimal(0), Decimal("15.34"))
    assert found.exchange == charges(buy(100, 1000), sell(40, 1100), sell(60, 1200)).exchange
    assert order_by_order(buy(100, 1000), buy(1, 1000)).charges().dp == 0


def test_duty_before_2020_is_on_both_sides_of_what_is_not_netted() -> None:
    # An estimate: 0.01 % of each side.
    assert order_by_order(buy(100, 100), sell(100, 110), on=date(2019, 10, 1)).charges().stamp == Decimal("2.1")


@given(fills=fills_strategy, on=st.dates(date(2000, 1, 1), date(2028, 1, 1)))
def test_a_day_that_is_not_netted_costs_what_its_orders_cost_alone(fills: list[DayFill], on: date) -> None:
    whole = [replace(one, order=None, auto_square_off=False) for one in fills]
    found = order_by_order(*whole, on=on).charges()
    alone = [charges(one, on=on) for one in whole]
    for line in ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst"):
        assert abs(getattr(found, line) - sum((getattr(one, line) for one in alone), Decimal(0))) <= Decimal("1e-8"), line
    assert found.dp == max(one.dp for one in alone)


def test_estimates_of_a_day_that_is_not_netted_are_those_of_delivery() -> None:
    on = date(2019, 10, 1)
    delivery, intraday = (rates_on(on, Exchange.NSE, segment).estimates for segment in (DELIVERY, INTRADAY))
    assert order_by_order(buy(1, 100), sell(1, 100), on=on).estimates() == delivery
    assert set(intraday) - set(delivery)


def test_a_share_that_is_not_netted_cannot_be_intraday() -> None:
    with pytest.raises(BadParameter, match="product = MIS: is netted within the day") as caught:
        DayBill(on=TODAY, exchange=Exchange.NSE, product=MIS, netted=False)
    assert caught.value.hint == "Use CNC."
