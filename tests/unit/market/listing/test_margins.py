"""Margins: fractions by kind of position, what they come to in rupees, and that all are called estimates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Direction, InstrumentId, Product
from qts.core.errors import BadParameter
from qts.market.listing import Contract, MarginBase, contract_of, margin_estimate, margin_rupees

ON = date(2026, 11, 2)
EVERY = [
    Product.CNC,
    Product.MIS,
    *(
        f"{exchange}:{underlying}26NOV{end}"
        for exchange, underlying in (("NFO", "NIFTY"), ("NFO", "TCS"), ("BFO", "SENSEX"), ("CDS", "USDINR"), ("MCX", "GOLD"))
        for end in ("FUT", "100CE", "100PE")
    ),
]


def subject(text: str) -> Contract | Product:
    if text in set(Product):
        return Product(text)
    found = contract_of(InstrumentId(text))
    assert found is not None
    return found


@pytest.mark.parametrize("text", EVERY)
def test_every_margin_is_an_estimate_that_says_how_rough_it_is(text: str) -> None:
    rate = margin_estimate(subject(text), ON)
    assert rate.is_estimate
    assert rate.note
    assert rate.source
    assert 0 < rate.fraction_long <= 1
    assert rate.fraction_short is None or 0 < rate.fraction_short <= 1


@pytest.mark.parametrize(
    ("text", "direction", "expected"),
    [
        pytest.param("NFO:NIFTY26NOVFUT", Direction.LONG, "1500", id="index future long"),
        pytest.param("NFO:NIFTY26NOVFUT", Direction.SHORT, "1500", id="index future short"),
        pytest.param("NFO:TCS26NOVFUT", Direction.SHORT, "2500", id="stock future"),
        pytest.param("CDS:USDINR26NOVFUT", Direction.LONG, "500", id="currency future"),
        pytest.param("MCX:GOLD26NOVFUT", Direction.LONG, "1500", id="commodity future"),
        pytest.param("NFO:NIFTY26NOV24000CE", Direction.LONG, "10000", id="the buyer of an option pays the premium"),
        pytest.param("NFO:NIFTY26NOV24000CE", Direction.SHORT, "370000", id="the seller 15 % of the strike and the premium"),
        pytest.param("NFO:TCS26NOV3000PE", Direction.SHORT, "85000", id="the seller of a stock option 25 %"),
        pytest.param("CNC", Direction.LONG, "10000", id="delivery in full"),
        pytest.param("MIS", Direction.SHORT, "10000", id="intraday in full as long as nobody says otherwise"),
    ],
)
def test_a_position_of_a_hundred_at_a_hundred_rupees(text: str, direction: Direction, expected: str) -> None:
    what = subject(text)
    strike = what.strike if isinstance(what, Contract) else None
    rupees = margin_rupees(margin_estimate(what, ON), direction, price=Decimal(100), quantity=Decimal(100), strike=strike)
    assert rupees == Decimal(expected)


def test_intraday_leverage_is_capped_at_five_times_from_2021() -> None:
    assert margin_estimate(Product.MIS, ON).least_fraction == Decimal("0.20")
    assert margin_estimate(Product.MIS, date(2019, 1, 1)).least_fraction is None
    assert margin_estimate(Product.MIS, ON).base_long is MarginBase.NOTIONAL


def test_overnight_contracts_want_the_contract() -> None:
    with pytest.raises(BadParameter, match="product = NRML"):
        margin_estimate(Product.NRML, ON)


def test_shares_for_delivery_are_not_sold_short() -> None:
    with pytest.raises(BadParameter, match="cannot be sold short"):
        margin_rupees(margin_estimate(Product.CNC, ON), Direction.SHORT, price=Decimal(1), quantity=Decimal(1))


def test_a_sold_option_wants_its_strike() -> None:
    rate = margin_estimate(subject("NFO:NIFTY26NOV24000CE"), ON)
    with pytest.raises(BadParameter, match="strike"):
        margin_rupees(rate, Direction.SHORT, price=Decimal(1), quantity=Decimal(1))


@pytest.mark.parametrize(("price", "quantity"), [("-1", "1"), ("1", "-1"), ("NaN", "1")])
def test_a_price_or_quantity_below_zero_is_refused(price: str, quantity: str) -> None:
    with pytest.raises(BadParameter):
        margin_rupees(margin_estimate(Product.CNC, ON), Direction.LONG, price=Decimal(price), quantity=Decimal(quantity))


@given(st.sampled_from(EVERY), st.integers(0, 10**6), st.integers(0, 10**6))
def test_margins_of_parts_add_up(text: str, one: int, other: int) -> None:
    what, price = subject(text), Decimal("12.35")
    rate, strike = margin_estimate(what, ON), Decimal(100)
    for direction in Direction if rate.fraction_short is not None else (Direction.LONG,):
        parts = [margin_rupees(rate, direction, price=price, quantity=Decimal(n), strike=strike) for n in (one, other, one + other)]
        assert parts[0] + parts[1] == parts[2]
