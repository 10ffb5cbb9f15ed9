"""Bills: the kinds of rounding by hand, and laws that hold for all of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypedDict

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.market.charges.bills import TODAY, assert_lines, bill, buy, sell

from qts.core import Charges, Exchange, Side
from qts.core.errors import BadParameter
from qts.market.charges import (
    LINES,
    ChargeableOrder,
    ChargeSegment,
    RoundingMode,
    Settlement,
    SttClass,
    dp_charge,
    lines_of,
    price_orders,
    rates_on,
)
from qts.market.charges.segments import exchanges_of

DELIVERY, INTRADAY = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY
FUTURES, OPTIONS = ChargeSegment.EQUITY_FUTURES, ChargeSegment.EQUITY_OPTIONS
COMMODITY_FUTURES = ChargeSegment.COMMODITY_FUTURES
NSE, BSE, NFO, BFO, MCX = Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO, Exchange.MCX
EXACT, NOTE, CALCULATOR, API = RoundingMode.EXACT, RoundingMode.CONTRACT_NOTE, RoundingMode.CALCULATOR, RoundingMode.API


class Terms(TypedDict):
    on: date
    exchange: Exchange
    segment: ChargeSegment


prices = st.decimals(Decimal("0.05"), Decimal(99999), places=2)
quantities = st.integers(1, 100_000)
orders_strategy = st.lists(
    st.builds(
        lambda side, quantity, price: ChargeableOrder(side=side, quantity=Decimal(quantity), price=price),
        st.sampled_from(Side),
        quantities,
        prices,
    ),
    min_size=1,
    max_size=6,
)
PLACES = [(exchange, segment) for segment in ChargeSegment for exchange in exchanges_of(segment)]
terms_strategy = st.builds(
    lambda on, place: Terms(on=on, exchange=place[0], segment=place[1]),
    st.dates(date(1997, 1, 1), date(2028, 1, 1)),
    st.sampled_from([*PLACES, (Exchange.SIM, DELIVERY), (Exchange.SIM, INTRADAY)]),
)


# --- each mode by hand


def test_exact_delivery_sale_by_hand() -> None:
    # 100 * 1500 = 150000: STT 0.1 %, 0.00307 %, 0.0001 %, GST 18 % of the two, DP 13 + 18 %.
    charges = bill(sell(100, 1500), segment=DELIVERY)
    assert_lines(charges, brokerage="0", stt="150", exchange="4.605", ipft="0", sebi="0.15", stamp="0", gst="0.8559", dp="15.34")
    assert charges.total == Decimal("170.9509")


def test_exact_delivery_purchase_pays_stamp_duty_and_no_dp() -> None:
    assert_lines(bill(buy(100, 1500), segment=DELIVERY), stt="150", stamp="22.5", dp="0")


def test_exact_bill_before_the_fund_was_folded_in_has_its_own_line() -> None:
    charges = bill(buy(100, 1000), on=date(2025, 1, 6))
    assert_lines(charges, exchange="2.97", ipft="0.1", sebi="0.1", brokerage="20", gst="4.1706")


def test_total_did_not_change_with_the_fold_of_march_2026() -> None:
    before = bill(buy(100, 1000), sell(100, 1010), on=date(2026, 2, 27))
    after = bill(buy(100, 1000), sell(100, 1010), on=date(2026, 3, 2))
    assert before.total == after.total
    assert before.exchange + before.ipft == after.exchange + after.ipft


def test_contract_note_rounds_each_line() -> None:
    # Sale of 77 at 333.33 on BSE: value 25666.41.
    charges = bill(sell(77, "333.33"), exchange=BSE, segment=DELIVERY, mode=NOTE)
    assert_lines(charges, brokerage="0", stt="26", exchange="0.96", ipft="0", sebi="0.03", stamp="0", gst="0.18", dp="0", total="27.17")


def test_contract_note_taxes_line_by_line() -> None:
    # 20.00 + 0.59 + 0.02 + 0.02: 3.60 + 0.11 + 0.00 + 0.00.
    charges = bill(buy(66, "303.03"), sell(66, "303.03"), on=date(2025, 1, 6), mode=NOTE)
    assert_lines(charges, brokerage="12.00", exchange="1.19", ipft="0.04", sebi="0.04", gst="2.39")


@pytest.mark.parametrize(
    ("value", "stt"),
    [pytest.param("1999.99", "0", id="below half a rupee"), pytest.param("2000", "1", id="half a rupee goes up")],
)
def test_contract_note_rounds_stt_half_up(value: str, stt: str) -> None:
    assert_lines(bill(sell(1, value), mode=NOTE), stt=stt)


def test_contract_note_levies_stt_at_the_days_average_price() -> None:
    # WAP (10000 + 12000) / 200 = 110: 100 * 110 * 0.025 % = 2.75; the values themselves would give 3.00.
    assert_lines(bill(buy(100, 100), sell(100, 120), mode=NOTE), stt="3")
    assert bill(buy(1000, 100), sell(1000, 120), mode=NOTE).stt == 28
    assert bill(buy(1000, 100), sell(1000, 120), mode=CALCULATOR).stt == 30
    assert bill(buy(1000, 100), sell(1000, 120)).stt == 30


def test_contract_note_of_delivery_nets_the_day() -> None:
    # WAP (30000 + 11000) / 400 = 102.5: 100 intraday 2.5625 -> 3, 200 delivery 20.5 -> 21.
    charges = bill(buy(300, 100), sell(100, 110), segment=DELIVERY, mode=NOTE)
    # Stamp: 100 * 100 * 0.003 % + 200 * 100 * 0.015 % = 3.30; brokerage 0.03 % of the 100 shares on both sides.
    assert_lines(charges, stt="24", stamp="3", brokerage="6.30")


def test_contract_note_of_unequal_intraday_sides_is_delivery_for_the_rest() -> None:
    assert_lines(bill(buy(300, 100), sell(100, 110), mode=NOTE), stt="24", stamp="3")


def test_contract_note_of_one_intraday_side_stays_intraday() -> None:
    assert_lines(bill(sell(100, 110), mode=NOTE), stt="3")
    assert_lines(bill(buy(100, 110), mode=NOTE), stt="0", stamp="0")


def test_contract_note_of_delivery_had_a_least_brokerage_until_march_2023() -> None:
    assert_lines(bill(buy(1, 100), on=date(2023, 3, 31), segment=DELIVERY, mode=NOTE), brokerage="0.01")
    assert_lines(bill(buy(1, 100), on=date(2023, 4, 3), segment=DELIVERY, mode=NOTE), brokerage="0")


def test_contract_note_before_2020_levies_the_given_duty_on_both_segments_parts() -> None:
    charges = bill(buy(300, 1000), sell(100, 1000), on=date(2019, 10, 1), segment=DELIVERY, mode=NOTE, stamp="0.00006")
    assert_lines(charges, stamp="24")


def test_calculator_shows_the_funds_part_within_the_exchange_charge() -> None:
    assert_lines(bill(buy(1000, 100), on=date(2025, 1, 6), mode=CALCULATOR), exchange="3.07", ipft="0")


def test_calculator_rounds_stt_to_the_rupee() -> None:
    assert_lines(bill(buy(100, 100), sell(100, 101), mode=CALCULATOR), stt="3")
    assert_lines(bill(buy(100, 100), sell(100, 101)), stt="2.525")


def test_api_leaves_the_fund_out_of_gst() -> None:
    charges = bill(buy(1000, 100), on=date(2025, 1, 6), mode=API)
    assert_lines(charges, exchange="3.07", ipft="0", gst="4.1526")


@pytest.mark.parametrize("mode", [NOTE, CALCULATOR, API])
def test_dp_charge_is_on_no_bill_but_on_the_ledger(mode: RoundingMode) -> None:
    assert bill(sell(10, 100), segment=DELIVERY, mode=mode).dp == 0
    assert dp_charge([sell(10, 100)], on=TODAY, exchange=NSE, segment=DELIVERY) == Decimal("15.34")


def test_order_alone_on_its_bill_has_the_bills_lines() -> None:
    priced = price_orders([sell(7, 101)], on=TODAY, exchange=NSE, segment=DELIVERY, mode=NOTE)
    assert priced.orders == (priced.total,)


def test_no_orders_cost_nothing() -> None:
    for mode in RoundingMode:
        assert bill(mode=mode).total == 0


def test_value_replaces_quantity_times_price() -> None:
    by_value = ChargeableOrder(side=Side.SELL, quantity=Decimal(1), price=Decimal(0), value=Decimal(50000))
    assert bill(by_value) == bill(sell(50, 1000))
    assert by_value.notional_of(Decimal("0.5")) == 25000


def test_contract_note_of_contracts_nets_nothing_and_rounds_the_days_sums() -> None:
    # STT 75 * 120 * 0.15 % = 13.50 -> 14; duty 75 * 100 * 0.003 % = 0.225 -> 0; exchange 16500 * 0.03553 %.
    charges = bill(buy(75, 100), sell(75, 120), exchange=NFO, segment=OPTIONS, mode=NOTE)
    assert_lines(charges, stt="14", stamp="0", brokerage="40", exchange="5.86", sebi="0.02", gst="8.25", dp="0")


@pytest.mark.parametrize(
    ("mode", "ctt"),
    [
        pytest.param(EXACT, "16.2574", id="exact"),
        pytest.param(NOTE, "16", id="note"),
        pytest.param(CALCULATOR, "16.26", id="calculator"),
        pytest.param(API, "16.2574", id="api"),
    ],
)
def test_tax_on_commodities_is_rounded_by_mode(mode: RoundingMode, ctt: str) -> None:
    assert_lines(bill(sell(1, 162574), exchange=MCX, segment=COMMODITY_FUTURES, mode=mode), stt=ctt)


@pytest.mark.parametrize("mode", RoundingMode)
def test_ends_of_contracts_cost_what_the_day_says(mode: RoundingMode) -> None:
    exercised = bill(sell(100, 100, settlement=Settlement.EXERCISED), exchange=NFO, segment=OPTIONS, mode=mode)
    assert_lines(exercised, brokerage="20", stt="15", exchange="0", sebi="0", stamp="0", gst="3.6")
    assert_lines(bill(buy(100, 0, settlement=Settlement.EXPIRED), exchange=NFO, segment=OPTIONS, mode=mode), total="23.6")
    received = bill(buy(100, 1000, settlement=Settlement.DELIVERED), exchange=NFO, segment=FUTURES, mode=mode)
    assert_lines(received, brokerage="250", stt="100", stamp="15", gst="45")
    assert_lines(
        bill(sell(100, 1000, settlement=Settlement.NETTED), exchange=NFO, segment=FUTURES, mode=mode), brokerage="100", total="118"
    )


def test_exercise_before_september_2019_is_taxed_on_the_settlement_value() -> None:
    terms: dict[str, Any] = {"on": date(2019, 8, 30), "exchange": NFO, "segment": OPTIONS}
    assert_lines(bill(sell(75, 100, settlement=Settlement.EXERCISED, settlement_price=Decimal(11_000)), **terms), stt="1031.25")
    assert_lines(bill(sell(1, 0, value=Decimal(825_000), settlement=Settlement.EXERCISED), **terms), stt="1031.25")
    with pytest.raises(BadParameter, match="settlement_price"):
        bill(sell(75, 100, settlement=Settlement.EXERCISED), **terms)


@pytest.mark.parametrize("mode", RoundingMode)
@pytest.mark.parametrize(("exchange", "segment"), [(NSE, INTRADAY), (NSE, DELIVERY), (NFO, OPTIONS), (NFO, FUTURES)])
def test_broker_closing_a_position_takes_its_fee(mode: RoundingMode, exchange: Exchange, segment: ChargeSegment) -> None:
    terms: dict[str, Any] = {"exchange": exchange, "segment": segment, "mode": mode}
    extra = bill(sell(10, 1000, auto_square_off=True), **terms) - bill(sell(10, 1000), **terms)
    assert_lines(extra, brokerage="50", gst="9", total="59")


def test_estimates_of_occasions_surface_where_they_are_paid() -> None:
    terms: dict[str, Any] = {"on": date(2020, 3, 2), "exchange": NFO, "segment": OPTIONS}
    plain = price_orders([sell(75, 100)], **terms).warnings
    closed = price_orders([sell(75, 100, auto_square_off=True)], **terms).warnings
    assert [line for line in closed if line not in plain] == [
        "square_off: the fee rose from Rs 20 to Rs 50 in about 2020; 2020-06-01 is assumed"
    ]


def test_order_of_no_slices_is_refused() -> None:
    with pytest.raises(BadParameter, match="slices = 0"):
        buy(1, 1, slices=0)


def test_classes_decide_the_rates_in_every_mode() -> None:
    for mode in RoundingMode:
        assert bill(sell(100, 1000), segment=DELIVERY, stt_class=SttClass.EQUITY_ETF, mode=mode).stt == 1
        assert bill(buy(100, 1000), sell(50, 1000), segment=DELIVERY, stt_class=SttClass.OTHER_ETF, mode=mode).stt == 0
        assert bill(buy(100, 1000), exchange=BSE, group="X", mode=mode).exchange == 100
        assert bill(sell(100, 1000), exchange=MCX, segment=COMMODITY_FUTURES, underlying="COTTON", mode=mode).stt == 0


# --- input


def test_states_duty_replaces_the_estimate_before_july_2020() -> None:
    priced = price_orders(
        [buy(1, 100)], on=date(2019, 10, 1), exchange=NSE, segment=INTRADAY, mode=EXACT, stamp_rate_both_sides=Decimal("0.00006")
    )
    assert priced.total.stamp == Decimal("0.006")
    assert not any(warning.startswith("stamp") for warning in priced.warnings)
    assert any(warning.startswith("exchange") for warning in priced.warnings)


def test_states_duty_since_july_2020_is_not_used_and_that_is_said() -> None:
    priced = price_orders([buy(1, 100)], on=TODAY, exchange=NSE, segment=INTRADAY, mode=EXACT, stamp_rate_both_sides=Decimal("0.00006"))
    assert priced.total.stamp == Decimal("0.003")
    assert priced.warnings == ("stamp: the state's rate is not used, for duty is uniform since 2020-07-01",)


def test_estimates_surface_as_warnings() -> None:
    priced = price_orders([buy(1, 100)], on=date(2012, 8, 1), exchange=NSE, segment=DELIVERY, mode=EXACT)
    assert priced.warnings == rates_on(date(2012, 8, 1), NSE, DELIVERY).estimates
    assert priced.warnings


@pytest.mark.parametrize(
    ("mode", "on", "said"),
    [
        (EXACT, "2026-11-20", []),
        (CALCULATOR, "2026-11-20", []),
        (NOTE, "2026-11-20", ["contract_note: whole rupees of stamp duty on the contract note are one page's word"]),
        (API, "2022-09-01", []),
        (API, "2026-11-20", ["api: whole rupees of stamp duty since 2023-04-01 are inferred from three small orders of July 2023"]),
    ],
)
def test_uncertain_rounding_surfaces_as_a_warning(mode: RoundingMode, on: str, said: list[str]) -> None:
    priced = price_orders([buy(1, 100)], on=date.fromisoformat(on), exchange=NSE, segment=DELIVERY, mode=mode)
    assert list(priced.warnings) == said


@pytest.mark.parametrize("rate", ["-0.1", "1", "NaN", "6"])
def test_states_duty_that_is_no_fraction_is_refused(rate: str) -> None:
    with pytest.raises(BadParameter, match="stamp_rate_both_sides") as caught:
        bill(buy(1, 100), on=date(2019, 10, 1), stamp=rate)
    assert "0.00006" in caught.value.hint


@pytest.mark.parametrize(
    ("quantity", "price", "name"), [("0", "1", "quantity"), ("-1", "1", "quantity"), ("1", "NaN", "price"), ("Infinity", "1", "quantity")]
)
def test_order_that_cannot_have_been_executed_is_refused(quantity: str, price: str, name: str) -> None:
    with pytest.raises(BadParameter, match=f"{name} = "):
        buy(quantity, price)


def test_order_of_negative_value_is_refused() -> None:
    with pytest.raises(BadParameter, match="value = -5"):
        ChargeableOrder(side=Side.BUY, quantity=Decimal(1), price=Decimal(1), value=Decimal(-5))


# --- laws


@given(orders_strategy, terms_strategy, st.sampled_from(RoundingMode))
def test_total_is_the_sum_of_its_lines_and_no_line_is_negative(orders: list[ChargeableOrder], terms: Terms, mode: RoundingMode) -> None:
    lines = lines_of(bill(*orders, **terms, mode=mode))
    assert tuple(lines) == LINES
    assert lines["total"] == sum(lines[name] for name in LINES[:-1])
    assert min(lines.values()) >= 0


@given(orders_strategy, terms_strategy, st.sampled_from([EXACT, API]))
def test_orders_add_up_where_nothing_is_rounded_on_the_bill(orders: list[ChargeableOrder], terms: Terms, mode: RoundingMode) -> None:
    priced = price_orders(orders, **terms, mode=mode)
    assert sum(priced.orders, Charges()) == priced.total


@given(orders_strategy, terms_strategy)
def test_exact_lines_are_those_of_the_formula(orders: list[ChargeableOrder], terms: Terms) -> None:
    rates = rates_on(terms["on"], terms["exchange"], terms["segment"])
    exact = {
        name: Fraction(getattr(rates, name)) for name in ("exchange", "ipft", "sebi", "stt_buy", "stt_sell", "stamp_buy", "stamp_sell")
    }
    expected = Fraction(0)
    for order in orders:
        value = Fraction(order.quantity) * Fraction(order.price)
        side = order.side.value
        cap = Fraction(10**12) if rates.brokerage_cap is None else Fraction(rates.brokerage_cap)
        brokerage = min(value * Fraction(rates.brokerage_fraction), cap) + Fraction(rates.brokerage_flat)
        taxed = brokerage + value * (exact["exchange"] + exact["ipft"] + (exact["sebi"] if rates.gst_on_sebi else 0))
        expected += brokerage + value * (exact["exchange"] + exact["ipft"] + exact["sebi"] + exact[f"stt_{side}"] + exact[f"stamp_{side}"])
        expected += taxed * Fraction(rates.gst)
    if any(order.side is Side.SELL for order in orders):
        expected += Fraction(rates.dp_sell)
    assert Fraction(bill(*orders, **terms).total) == expected


@given(orders_strategy, terms_strategy, st.sampled_from(RoundingMode), st.integers(1, 1000))
def test_costs_never_fall_with_quantity(orders: list[ChargeableOrder], terms: Terms, mode: RoundingMode, more: int) -> None:
    # Netting may make a day of delivery cheaper by turning it into an intraday trade: one side only.
    one_side = [order for order in orders if order.side is orders[0].side]
    old, *others = one_side
    larger = [ChargeableOrder(side=old.side, quantity=old.quantity + more, price=old.price), *others]
    assert bill(*larger, **terms, mode=mode).total >= bill(*one_side, **terms, mode=mode).total


@given(orders_strategy, terms_strategy, st.sampled_from([NOTE, EXACT]))
def test_splitting_an_order_changes_neither_stt_nor_duty(orders: list[ChargeableOrder], terms: Terms, mode: RoundingMode) -> None:
    first, *rest = orders
    assume(first.quantity > 1)
    parts = [ChargeableOrder(side=first.side, quantity=part, price=first.price) for part in (Decimal(1), first.quantity - 1)]
    whole = bill(*orders, **terms, mode=mode)
    split = bill(*parts, *rest, **terms, mode=mode)
    assert (split.stt, split.stamp, split.exchange, split.sebi) == (whole.stt, whole.stamp, whole.exchange, whole.sebi)


@given(orders_strategy, terms_strategy)
def test_contract_note_shows_whole_rupees_of_tax_and_paise_elsewhere(orders: list[ChargeableOrder], terms: Terms) -> None:
    lines = lines_of(bill(*orders, **terms, mode=NOTE))
    assert lines["stt"] % 1 == 0
    assert lines["stamp"] % 1 == 0
    assert all(amount % Decimal("0.01") == 0 for amount in lines.values())
