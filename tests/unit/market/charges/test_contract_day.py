"""A contract's day: trades, and what its end costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Charges, Exchange, Product, Side
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment, DayBill, DayFill, Settlement, day_charges, lines_of, rates_on
from qts.market.charges.contract_day import ContractDay, occasion_of

TODAY = date(2026, 11, 20)
FUTURES, OPTIONS = ChargeSegment.EQUITY_FUTURES, ChargeSegment.EQUITY_OPTIONS
CONTRACTS = [
    (Exchange.NFO, FUTURES),
    (Exchange.NFO, OPTIONS),
    (Exchange.BFO, FUTURES),
    (Exchange.BFO, OPTIONS),
    (Exchange.CDS, ChargeSegment.CURRENCY_FUTURES),
    (Exchange.BCD, ChargeSegment.CURRENCY_OPTIONS),
    (Exchange.MCX, ChargeSegment.COMMODITY_FUTURES),
    (Exchange.NCO, ChargeSegment.COMMODITY_OPTIONS),
]


def fill(side: Side, quantity: Decimal | int | str, price: Decimal | int | str, **more: Any) -> DayFill:
    return DayFill(side=side, quantity=Decimal(quantity), price=Decimal(price), **more)


def buy(quantity: Decimal | int | str, price: Decimal | int | str, **more: Any) -> DayFill:
    return fill(Side.BUY, quantity, price, **more)


def sell(quantity: Decimal | int | str, price: Decimal | int | str, **more: Any) -> DayFill:
    return fill(Side.SELL, quantity, price, **more)


def charges(*fills: DayFill, segment: ChargeSegment = OPTIONS, on: date = TODAY, exchange: Exchange = Exchange.NFO) -> Charges:
    return day_charges(fills, on=on, exchange=exchange, product=Product.NRML, segment=segment)


def assert_lines(found: Charges, **expected: str) -> None:
    lines = lines_of(found)
    assert {name: lines[name] for name in expected} == {name: Decimal(text) for name, text in expected.items()}


fills_strategy = st.lists(
    st.builds(
        fill,
        st.sampled_from(Side),
        st.integers(1, 20_000),
        st.decimals(Decimal("0.05"), Decimal(90_000), places=2),
        order=st.one_of(st.none(), st.integers(0, 2)),
        slices=st.integers(1, 3),
    ),
    min_size=1,
    max_size=6,
)


def test_sale_of_a_future_by_hand() -> None:
    # 65 * 24800 = 1612000: STT 0.05 %, 0.00183 %, 0.0001 %, brokerage capped, GST 18 % of 20 + 29.4996 + 1.612.
    assert_lines(
        charges(sell(65, 24800), segment=FUTURES),
        stt="806",
        exchange="29.4996",
        sebi="1.612",
        stamp="0",
        brokerage="20",
        gst="9.200088",
        dp="0",
    )


def test_purchase_of_an_option_by_hand() -> None:
    # 75 * 100 = 7500: 0.03553 %, 0.0001 %, duty 0.003 %, brokerage flat.
    assert_lines(charges(buy(75, 100)), stt="0", exchange="2.66475", sebi="0.0075", stamp="0.225", brokerage="20", gst="4.081005")


def test_options_are_charged_on_the_premium_and_nothing_is_netted_within_the_day() -> None:
    assert_lines(charges(buy(75, 100), sell(75, 120)), stt="13.5", stamp="0.225", brokerage="40")


def test_small_future_pays_a_fraction_and_small_option_the_flat_fee() -> None:
    assert_lines(charges(buy(1, 1000), segment=FUTURES), brokerage="0.3")
    assert_lines(charges(buy(1, "0.05")), brokerage="20")


def test_parts_of_one_order_pay_one_brokerage() -> None:
    assert_lines(charges(buy(75, 100, order=1), buy(75, 101, order=1)), brokerage="20")
    assert_lines(charges(buy(75, 100), buy(75, 101)), brokerage="40")
    assert_lines(charges(buy(75, 100, order=1), sell(75, 101, order=1)), brokerage="40")


def test_order_cut_by_the_freeze_quantity_pays_for_each_slice() -> None:
    assert_lines(charges(buy(5400, 100, slices=3)), brokerage="60")
    # 400000 in four slices of 100000: 30.00 each, capped at 20.00.
    assert_lines(charges(buy(400, 1000, slices=4), segment=FUTURES), brokerage="80")
    # 60000 in two slices of 30000: 9.00 each.
    assert_lines(charges(buy(60, 1000, slices=2), segment=FUTURES), brokerage="18")


@pytest.mark.parametrize(("on", "fee"), [("2019-12-31", "20"), ("2020-06-01", "50"), ("2026-11-20", "50")])
def test_square_off_by_the_broker_costs_a_fee_of_its_day(on: str, fee: str) -> None:
    day = date.fromisoformat(on)
    plain, closed = (charges(sell(75, 100, auto_square_off=auto), on=day) for auto in (False, True))
    extra = closed - plain
    assert extra.brokerage == Decimal(fee)
    assert extra.total == Decimal(fee) * Decimal("1.18")


def test_fee_for_closing_a_position_is_taken_for_each_slice_and_once_for_the_parts_of_one() -> None:
    assert_lines(charges(sell(5400, 100, slices=3, auto_square_off=True)), brokerage="210")
    parts = (sell(75, 100, order=1, auto_square_off=True), sell(75, 100, order=1, auto_square_off=True))
    assert_lines(charges(*parts), brokerage="70")


def test_option_that_expires_pays_its_brokerage_and_nothing_else() -> None:
    for side in (buy, sell):
        assert_lines(charges(side(75, 0, settlement=Settlement.EXPIRED)), brokerage="20", gst="3.6", total="23.6")


def test_future_that_expires_in_cash_pays_nothing() -> None:
    assert charges(sell(65, 24800, settlement=Settlement.EXPIRED), segment=FUTURES).total == 0


@pytest.mark.parametrize(
    ("on", "stt"),
    [
        pytest.param("2019-08-31", "1000", id="0.125 % of the settlement value"),
        pytest.param("2019-09-01", "9.375", id="0.125 % of the intrinsic value"),
        pytest.param("2026-03-31", "9.375", id="still 0.125 %"),
        pytest.param("2026-04-01", "11.25", id="0.15 %"),
    ],
)
def test_holder_of_an_exercised_option_pays_tax_by_date(on: str, stt: str) -> None:
    # Settled at 10666.666..., worth 100 per unit.
    exercised = sell(75, 100, settlement=Settlement.EXERCISED, settlement_price=Decimal(800_000) / 75)
    found = charges(exercised, on=date.fromisoformat(on))
    assert_lines(found, stt=stt, brokerage="20", gst="3.6", exchange="0", stamp="0")


def test_exercise_before_september_2019_needs_the_settlement_price() -> None:
    with pytest.raises(BadParameter, match="settlement_price = None") as caught:
        charges(sell(75, 100, settlement=Settlement.EXERCISED), on=date(2019, 8, 31))
    assert "settlement price of the underlying" in caught.value.hint


def test_writer_of_an_assigned_option_pays_brokerage_only() -> None:
    assert_lines(charges(buy(75, 100, settlement=Settlement.ASSIGNED)), stt="0", brokerage="20", total="23.6")


def test_shares_delivered_by_a_contract_pay_delivery_tax_on_both_sides() -> None:
    # 250 * 1400 = 350000: 0.25 %, 0.1 %, 0.015 % of who receives.
    for segment in (FUTURES, OPTIONS):
        received = charges(buy(250, 1400, settlement=Settlement.DELIVERED), segment=segment)
        assert_lines(received, brokerage="875", stt="350", stamp="52.5", gst="157.5", exchange="0", sebi="0")
        assert_lines(charges(sell(250, 1400, settlement=Settlement.DELIVERED), segment=segment), stt="350", stamp="0")


def test_deliveries_that_offset_each_other_pay_the_smaller_fee() -> None:
    assert_lines(charges(buy(250, 1400, settlement=Settlement.NETTED)), brokerage="350", stt="0", stamp="0", gst="63")


@pytest.mark.parametrize(
    ("segment", "exchange", "settlement"),
    [
        (FUTURES, Exchange.NFO, Settlement.EXERCISED),
        (FUTURES, Exchange.NFO, Settlement.ASSIGNED),
        (ChargeSegment.CURRENCY_OPTIONS, Exchange.CDS, Settlement.DELIVERED),
        (ChargeSegment.COMMODITY_FUTURES, Exchange.MCX, Settlement.NETTED),
    ],
)
def test_end_that_a_contract_cannot_have_is_refused(segment: ChargeSegment, exchange: Exchange, settlement: Settlement) -> None:
    with pytest.raises(BadParameter, match=f"settlement = {settlement}") as caught:
        charges(sell(1, 1, settlement=settlement), segment=segment, exchange=exchange)
    assert "expired" in caught.value.hint


def test_shares_have_no_end() -> None:
    with pytest.raises(BadParameter, match="settlement = expired"):
        day_charges([sell(1, 1, settlement=Settlement.EXPIRED)], on=TODAY, exchange=Exchange.NSE, product=Product.CNC)


def test_contracts_are_not_held_as_shares() -> None:
    with pytest.raises(BadParameter, match="product = CNC"):
        day_charges([], on=TODAY, exchange=Exchange.NFO, product=Product.CNC, segment=OPTIONS)


def test_estimates_are_those_of_what_was_paid() -> None:
    def told(*fills: DayFill, on: date) -> set[str]:
        bill = DayBill(on=on, exchange=Exchange.NFO, product=Product.NRML, segment=OPTIONS)
        for one in fills:
            bill.add(one)
        return {sentence.partition(":")[0] for sentence in bill.estimates()}

    assert told(buy(75, 100), on=TODAY) == set()
    assert told(buy(75, 100), on=date(2020, 6, 15)) == {"exchange", "sebi", "stamp"}
    assert told(buy(75, 100, auto_square_off=True), on=date(2020, 6, 15)) == {"exchange", "sebi", "stamp", "square_off"}
    exercised = sell(75, 100, settlement=Settlement.EXERCISED, settlement_price=Decimal(100))
    assert "exercise" in told(exercised, on=date(2007, 1, 3))


@pytest.mark.parametrize(
    ("settlement", "name"),
    [
        (None, ""),
        (Settlement.EXPIRED, ""),
        (Settlement.ASSIGNED, ""),
        (Settlement.EXERCISED, "exercise"),
        (Settlement.DELIVERED, "physical"),
        (Settlement.NETTED, "netted"),
    ],
)
def test_an_end_pays_by_the_component_of_its_name(settlement: Settlement | None, name: str) -> None:
    assert occasion_of(settlement) == name


def test_ends_of_a_day_add_up() -> None:
    # 0.15 % of 7500 and of 15000.
    assert_lines(charges(sell(75, 100, settlement=Settlement.EXERCISED), sell(75, 200, settlement=Settlement.EXERCISED)), stt="33.75")


@pytest.mark.parametrize(("exchange", "segment"), CONTRACTS)
@given(fills=fills_strategy, on=st.dates(date(2004, 1, 1), date(2028, 1, 1)))
def test_fills_charges_add_up_to_the_days_exactly(exchange: Exchange, segment: ChargeSegment, fills: list[DayFill], on: date) -> None:
    bill = DayBill(on=on, exchange=exchange, product=Product.NRML, segment=segment)
    days = [bill.charges()]
    for one in fills:
        bill.add(one)
        days.append(bill.charges())
    assert sum((after - before for before, after in pairwise(days)), Charges()) == days[-1]
    assert days[-1] == charges(*fills, segment=segment, exchange=exchange, on=on)
    lines = lines_of(days[-1])
    assert lines["total"] == sum(amount for name, amount in lines.items() if name != "total")
    assert min(lines.values()) >= 0


@pytest.mark.parametrize(("exchange", "segment"), CONTRACTS)
@given(fills=fills_strategy, cut=st.integers(1, 9), on=st.dates(date(2004, 1, 1), date(2028, 1, 1)))
def test_an_order_filled_in_parts_costs_what_the_whole_does(
    *, exchange: Exchange, segment: ChargeSegment, fills: list[DayFill], cut: int, on: date
) -> None:
    first, *rest = fills
    part = min(first.quantity, Decimal(cut))
    pieces = [fill(first.side, part, first.price, order=99, slices=first.slices)]
    if part < first.quantity:
        pieces.append(fill(first.side, first.quantity - part, first.price, order=99, slices=first.slices))
    whole = fill(first.side, first.quantity, first.price, order=99, slices=first.slices)
    split = charges(pieces[0], *rest, *pieces[1:], segment=segment, exchange=exchange, on=on)
    assert split == charges(whole, *rest, segment=segment, exchange=exchange, on=on)


@pytest.mark.parametrize(("exchange", "segment"), CONTRACTS)
@given(fills=fills_strategy, more=fills_strategy, on=st.dates(date(2004, 1, 1), date(2028, 1, 1)))
def test_trading_more_never_costs_less(
    *, exchange: Exchange, segment: ChargeSegment, fills: list[DayFill], more: list[DayFill], on: date
) -> None:
    less = charges(*fills, segment=segment, exchange=exchange, on=on)
    assert charges(*fills, *more, segment=segment, exchange=exchange, on=on).total >= less.total


def test_a_flat_fee_stands_instead_of_fraction_and_cap() -> None:
    rates = rates_on(TODAY, Exchange.NFO, OPTIONS)
    assert rates.brokerage_flat == 20
    assert rates.brokerage_fraction == 0
    assert rates.brokerage_cap is None


def test_a_tax_that_leaves_the_protection_fund_out_is_less_by_its_part() -> None:
    # A future of 1,612,000 rupees pays 0.0001 % to the exchange's fund, 18 % of which is tax.
    rates = replace(rates_on(TODAY, Exchange.NFO, FUTURES), ipft=Decimal("0.000001"))
    gst = {}
    for taxed in (True, False):
        day = ContractDay(rates=replace(rates, gst_on_ipft=taxed), segment=FUTURES)
        day.add(sell(65, 24800))
        gst[taxed] = day.charges().gst
    assert gst[True] - gst[False] == Decimal("0.29016")
