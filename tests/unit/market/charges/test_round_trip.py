"""Round trips: both bills, the depository's charge, and the price at which nothing is left."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Charges, Exchange, Side
from qts.core.errors import BadParameter
from qts.market.charges import (
    ChargeableOrder,
    ChargeSegment,
    RateClasses,
    RoundingMode,
    RoundTrip,
    RoundTripTerms,
    Settlement,
    price_orders,
    price_round_trip,
)

TODAY = date(2026, 11, 20)
DELIVERY, INTRADAY = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY
FUTURES, OPTIONS = ChargeSegment.EQUITY_FUTURES, ChargeSegment.EQUITY_OPTIONS
EXACT, NOTE = RoundingMode.EXACT, RoundingMode.CONTRACT_NOTE
NANO = Decimal("1e-9")


def order(side: Side, quantity: int, price: Decimal | int | str, **more: Any) -> ChargeableOrder:
    return ChargeableOrder(side=side, quantity=Decimal(quantity), price=Decimal(price), **more)


def trip(
    side: Side = Side.BUY,
    quantity: int = 100,
    price: Decimal | int | str = 1000,
    leave: Decimal | int | str | None = None,
    *,
    segment: ChargeSegment = DELIVERY,
    mode: RoundingMode = EXACT,
    slices: int = 1,
    **terms: Any,
) -> RoundTrip:
    named: dict[str, Any] = {"entry_on": TODAY, "exchange": Exchange.NSE, "segment": segment, "mode": mode}
    told = RoundTripTerms(**(named | terms))
    return price_round_trip(order(side, quantity, price, slices=slices), Decimal(price if leave is None else leave), told)


def test_delivery_by_hand() -> None:
    # Twice 100000: STT 200, exchange 6.14, SEBI 0.20, duty 15, GST 18 % of 6.34, DP 15.34.
    found = trip()
    assert found.total == Charges(
        stt=Decimal(200), exchange=Decimal("6.14"), sebi=Decimal("0.2"), stamp=Decimal(15), gst=Decimal("1.1412"), dp=Decimal("15.34")
    )
    assert (found.gross, found.net) == (Decimal(0), Decimal("-237.8212"))
    assert found.exit_on is None


@pytest.mark.parametrize("mode", RoundingMode)
def test_depositorys_charge_is_in_the_total_whatever_the_mode(mode: RoundingMode) -> None:
    for side in Side:
        found = trip(side, mode=mode)
        assert found.total.dp == Decimal("15.34")
        assert [line.dp > 0 for line in found.charges] == [side is Side.SELL, side is Side.BUY]
    assert trip(segment=INTRADAY, mode=mode).total.dp == 0


def test_each_order_pays_the_rates_of_its_day() -> None:
    found = trip(segment=FUTURES, entry_on=date(2026, 3, 31), exit_on=date(2026, 4, 1))
    assert found.charges[1].stt == 50
    short = trip(Side.SELL, segment=FUTURES, entry_on=date(2026, 3, 31), exit_on=date(2026, 4, 1))
    assert short.charges[0].stt == 20


def test_contract_note_is_one_bill_for_a_day_and_two_for_two_days() -> None:
    # 0.30499 of exchange charge twice is 0.61 on one note and 0.60 on two.
    one = trip(segment=FUTURES, quantity=1, price=16666, mode=NOTE)
    two = trip(segment=FUTURES, quantity=1, price=16666, mode=NOTE, exit_on=date(2026, 11, 23))
    assert (one.total.exchange, two.total.exchange) == (Decimal("0.61"), Decimal("0.60"))


def test_delivery_closed_on_its_day_is_intraday_and_that_is_said() -> None:
    found = trip(leave=1010, exit_on=TODAY, mode=NOTE)
    assert found.total == trip(leave=1010, segment=INTRADAY, mode=NOTE).total
    assert found.total.dp == 0
    assert found.warnings[0].startswith("segment: what is bought and sold on one day is intraday")


@pytest.mark.parametrize("segment", [DELIVERY, INTRADAY, FUTURES, OPTIONS])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("mode", RoundingMode)
def test_at_the_break_even_price_nothing_is_left(segment: ChargeSegment, side: Side, mode: RoundingMode) -> None:
    found = trip(side, segment=segment, mode=mode)
    assert found.break_even_price is not None
    assert found.break_even_move == abs(found.break_even_price - 1000)
    assert (found.break_even_price > 1000) is (side is Side.BUY)
    again = trip(side, leave=found.break_even_price, segment=segment, mode=mode)
    assert abs(again.net) < 100 * NANO


@given(
    quantity=st.integers(1, 10_000),
    price=st.decimals(Decimal(1), Decimal(50_000), places=2),
    leave=st.decimals(Decimal(1), Decimal(50_000), places=2),
    segment=st.sampled_from([DELIVERY, INTRADAY, FUTURES, OPTIONS]),
    mode=st.sampled_from(RoundingMode),
)
def test_exit_beyond_the_break_even_price_leaves_a_profit(
    *, quantity: int, price: Decimal, leave: Decimal, segment: ChargeSegment, mode: RoundingMode
) -> None:
    found = trip(quantity=quantity, price=price, leave=leave, segment=segment, mode=mode)
    assert found.net == found.gross - found.total.total
    assert found.break_even_price is not None
    # A rupee of tax may round up just beyond it.
    assert (leave - found.break_even_price) * quantity <= 2 or found.net > 0
    assert (found.break_even_price - leave) * quantity <= 2 or found.net < 0


@pytest.mark.parametrize(("quantity", "price", "segment"), [(217, "639.74", DELIVERY), (74, "768.47", OPTIONS)])
def test_where_rounding_leaves_no_zero_the_nearest_profit_is_the_break_even(quantity: int, price: str, segment: ChargeSegment) -> None:
    terms: dict[str, Any] = {"segment": segment, "mode": RoundingMode.CALCULATOR}
    found = trip(Side.SELL, quantity, price, **terms)
    assert found.break_even_price is not None
    assert trip(Side.SELL, quantity, price, found.break_even_price, **terms).net > 0
    assert trip(Side.SELL, quantity, price, found.break_even_price + NANO, **terms).net < 0


def test_break_even_counts_what_the_move_itself_costs() -> None:
    found = trip()
    assert found.break_even_move is not None
    # STT on the higher exit: more than the charges at the entry price would say.
    assert found.break_even_move > -found.net / 100


def test_short_position_too_small_for_its_fees_never_breaks_even() -> None:
    found = trip(Side.SELL, quantity=1, price="0.05", segment=OPTIONS)
    assert (found.break_even_move, found.break_even_price) == (None, None)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        # Two fees of 20 with 18 % on them and 0.02 of the exchange's charge are 47.22; all else rounds to nothing.
        pytest.param("47.24", "0.02", id="the price may fall to two paise"),
        # An exit at 47.23 would cost 0.02 more; at 0.01 it costs nothing more.
        pytest.param("47.23", "0.01", id="to one paisa"),
        pytest.param("47.22", "0", id="or to nothing"),
        pytest.param("47.21", None, id="no fall is deep enough"),
    ],
)
def test_short_option_breaks_even_while_its_price_can_fall(price: str, expected: str | None) -> None:
    found = trip(Side.SELL, quantity=1, price=price, segment=OPTIONS, mode=NOTE)
    assert found.break_even_price == (None if expected is None else Decimal(expected))


def test_a_trip_tells_what_it_is_of() -> None:
    found = trip(leave=1010, segment=FUTURES, entry_on=date(2026, 11, 19), exit_on=TODAY)
    assert (found.entry, found.exit) == (order(Side.BUY, 100, 1000), order(Side.SELL, 100, 1010))
    assert (found.entry_on, found.exit_on) == (date(2026, 11, 19), TODAY)
    assert trip(segment=FUTURES).exit_on == TODAY
    assert trip(exit_on=date(2026, 11, 23)).exit_on == date(2026, 11, 23)
    assert trip().warnings == ()


def test_contracts_closed_on_their_day_stay_contracts_and_delivery_closed_later_stays_delivery() -> None:
    assert trip(segment=FUTURES, exit_on=TODAY).total == trip(segment=FUTURES).total
    assert trip(exit_on=date(2026, 11, 23)).total == trip().total


def test_option_exercised_before_september_2019_is_taxed_on_the_settlement_value() -> None:
    terms: dict[str, Any] = {"settlement": Settlement.EXERCISED, "settlement_price": Decimal(11_000)}
    found = trip(quantity=75, price=100, segment=OPTIONS, entry_on=date(2019, 8, 28), exit_on=date(2019, 8, 29), **terms)
    assert found.charges[1].stt == Decimal("1031.25")


def test_option_held_to_its_exercise_pays_tax_on_what_it_is_worth() -> None:
    found = trip(quantity=75, price=100, leave=150, segment=OPTIONS, settlement=Settlement.EXERCISED, exit_on=date(2026, 11, 24))
    assert found.charges[1].stt == 75 * 150 * Decimal("0.0015")
    assert found.charges[1].exchange == 0
    assert found.charges[1].brokerage == 20


def test_broker_closing_the_position_adds_its_fee_once() -> None:
    extra = trip(segment=INTRADAY, auto_square_off=True).total.total - trip(segment=INTRADAY).total.total
    assert extra == 59


def test_slices_hold_for_both_orders() -> None:
    assert trip(segment=OPTIONS, quantity=5400, slices=3).total.brokerage == 120


def test_classes_reach_both_bills() -> None:
    fund = trip(mode=EXACT, classes=RateClasses(underlying="KAPAS"), segment=ChargeSegment.COMMODITY_FUTURES, exchange=Exchange.MCX)
    assert fund.total.stt == 0


def test_exact_charges_are_those_of_the_two_orders() -> None:
    terms: dict[str, Any] = {"on": TODAY, "exchange": Exchange.NFO, "segment": OPTIONS}
    bills = [price_orders([order(side, 75, price)], **terms).total for side, price in ((Side.BUY, 100), (Side.SELL, 120))]
    assert trip(quantity=75, price=100, leave=120, segment=OPTIONS).total == bills[0] + bills[1]


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ({"exit_on": date(2026, 11, 19)}, "exit_on"),
        ({"exit_on": date(2026, 11, 21), "segment": INTRADAY}, "exit_on"),
        ({"segment": OPTIONS, "settlement": Settlement.DELIVERED}, "settlement"),
        ({"settlement": Settlement.EXPIRED, "segment": INTRADAY}, "settlement"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(terms: dict[str, Any], named: str) -> None:
    with pytest.raises(BadParameter) as caught:
        trip(**terms)
    assert caught.value.name == named
    assert caught.value.hint
