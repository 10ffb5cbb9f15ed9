"""A day's charges in one instrument: same-day netting, exact sums."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Charges, Exchange, Product, Side
from qts.core.errors import BadParameter
from qts.market.charges import LINES, ChargeableOrder, ChargeSegment, DayBill, DayFill, day_charges, lines_of, price_orders, rates_on

TODAY = date(2026, 11, 20)
NSE, CNC, MIS = Exchange.NSE, Product.CNC, Product.MIS
INTRADAY, DELIVERY = ChargeSegment.EQUITY_INTRADAY, ChargeSegment.EQUITY_DELIVERY
TINY = Decimal("1e-9")


def buy(quantity: int | str, price: int | str) -> DayFill:
    return DayFill(side=Side.BUY, quantity=Decimal(quantity), price=Decimal(price))


def sell(quantity: int | str, price: int | str) -> DayFill:
    return DayFill(side=Side.SELL, quantity=Decimal(quantity), price=Decimal(price))


def charges(*fills: DayFill, product: Product = CNC, on: date = TODAY) -> Charges:
    return day_charges(fills, on=on, exchange=NSE, product=product)


fills_strategy = st.lists(
    st.builds(
        lambda side, quantity, price: DayFill(side=side, quantity=Decimal(quantity), price=Decimal(repr(price))),
        st.sampled_from(Side),
        st.integers(1, 50_000),
        st.floats(0.05, 50_000),
    ),
    max_size=6,
)
dates = st.dates(date(2000, 1, 1), date(2028, 1, 1))
products = st.sampled_from([CNC, MIS])


def test_purchase_of_delivery_costs_what_the_exact_bill_says() -> None:
    bill = price_orders(
        [ChargeableOrder(side=Side.BUY, quantity=Decimal(100), price=Decimal(1500))], on=TODAY, exchange=NSE, segment=DELIVERY
    )
    assert charges(buy(100, 1500)) == bill.total


def test_sale_of_delivery_has_the_dp_charge_once() -> None:
    assert charges(sell(10, 100), sell(20, 100)).dp == Decimal("15.34")
    assert charges(sell(10, 100), sell(20, 100), product=MIS).dp == 0


def test_delivery_bought_and_sold_the_same_day_is_intraday() -> None:
    # WAP 100.5: 100 * 100.5 * 0.025 % = 2.5125; duty 10000 * 0.003 %; brokerage 0.03 % of 10000 and 10100.
    found = charges(buy(100, 100), sell(100, 101))
    assert found.stt == Decimal("2.5125")
    assert found.stamp == Decimal("0.3")
    assert found.brokerage == Decimal("6.03")
    assert found.dp == 0
    assert found == charges(buy(100, 100), sell(100, 101), product=MIS)


def test_day_partly_intraday_charges_each_part_at_its_rates() -> None:
    # WAP (30000 + 11000) / 400 = 102.5: 100 * 102.5 * 0.025 % + 200 * 102.5 * 0.1 %.
    found = charges(buy(300, 100), sell(100, 110))
    assert found.stt == Decimal("23.0625")
    assert found.stamp == Decimal("3.3")
    assert found.brokerage == Decimal("6.3")
    assert found.dp == 0


def test_sale_beyond_the_purchases_is_delivery_for_the_rest() -> None:
    found = charges(sell(300, 100), buy(100, 110))
    assert found.stt == Decimal("23.0625")
    assert found.stamp == Decimal("0.33")
    assert found.dp == Decimal("15.34")


def test_earliest_orders_are_matched_first() -> None:
    # 150 of 300 are intraday: the whole first order (50000, capped 15.00 by rate) and half the second (50 of 100 at 1000).
    found = charges(buy(100, 500), buy(100, 1000), buy(100, 2000), sell(150, 600))
    assert found.brokerage == Decimal(15) + Decimal(15) + Decimal(20)


def test_intraday_purchase_pays_no_stt_and_the_sale_does() -> None:
    assert charges(buy(100, 100), product=MIS).stt == 0
    assert charges(sell(100, 100), product=MIS).stt == Decimal("2.5")
    assert charges(buy(300, 100), product=MIS).dp == 0


def test_brokerage_is_capped_per_order() -> None:
    assert charges(buy(1000, 1000), sell(500, 1000), sell(500, 1000), product=MIS).brokerage == 60


def test_duty_before_2020_is_on_both_sides_by_part() -> None:
    # Estimates: intraday 0.003 %, delivery 0.01 %, both sides.
    found = charges(buy(300, 100), sell(100, 110), on=date(2019, 10, 1))
    assert found.stamp == Decimal(10000) * Decimal("0.00003") + Decimal(20000) * Decimal("0.0001") + Decimal(11000) * Decimal("0.00003")


def test_simulated_market_pays_what_nse_pays() -> None:
    fills = [buy(10, 100), sell(10, 101)]
    assert day_charges(fills, on=TODAY, exchange=Exchange.SIM, product=CNC) == charges(*fills)


def test_day_without_fills_costs_nothing() -> None:
    assert charges() == Charges()


def test_product_of_derivatives_is_refused() -> None:
    with pytest.raises(BadParameter, match="product = NRML") as caught:
        charges(buy(1, 1), product=Product.NRML)
    assert "CNC or MIS" in caught.value.hint


def test_product_of_shares_is_refused_for_a_contract() -> None:
    with pytest.raises(BadParameter, match="product = CNC") as caught:
        day_charges([], on=TODAY, exchange=Exchange.NFO, product=CNC, segment=ChargeSegment.EQUITY_FUTURES)
    assert "NRML" in caught.value.hint


def test_a_contract_pays_by_its_underlying_and_has_no_group_and_no_class() -> None:
    sold = [DayFill(side=Side.SELL, quantity=Decimal(20), price=Decimal(300))]

    def exchange_charge(**about: str) -> Decimal:
        terms = {"exchange": Exchange.BFO, "product": Product.NRML, "segment": ChargeSegment.EQUITY_OPTIONS, **about}
        return day_charges(sold, on=date(2025, 6, 3), **terms).exchange  # type: ignore[arg-type]

    assert exchange_charge() == Decimal("1.95")  # 0.0325 %
    assert exchange_charge(underlying="SENSEX50") == Decimal("0.3")  # 0.005 %
    with pytest.raises(BadParameter, match="group = A"):
        exchange_charge(group="A")
    with pytest.raises(BadParameter, match="stt_class = equity_etf"):
        exchange_charge(stt_class="equity_etf")


def test_index_is_refused_even_without_fills() -> None:
    with pytest.raises(BadParameter, match="INDEX"):
        day_charges([], on=TODAY, exchange=Exchange.INDEX, product=CNC)


@given(fills_strategy, dates, products)
def test_fills_charges_add_up_to_the_days_exactly(fills: list[DayFill], on: date, product: Product) -> None:
    days = [charges(*fills[:n], on=on, product=product) for n in range(len(fills) + 1)]
    parts = [after - before for before, after in pairwise(days)]
    assert sum(parts, Charges()) == days[-1]
    assert sum((part.total for part in parts), Decimal(0)) == days[-1].total


@given(fills_strategy, dates, products)
def test_lines_of_a_day_are_never_negative(fills: list[DayFill], on: date, product: Product) -> None:
    assert min(lines_of(charges(*fills, on=on, product=product)).values()) >= 0


@given(fills_strategy, dates)
def test_order_of_fills_changes_brokerage_and_its_tax_only(fills: list[DayFill], on: date) -> None:
    shuffled = sorted(fills, key=lambda fill: (fill.price, fill.quantity, fill.side))
    before, after = charges(*fills, on=on), charges(*shuffled, on=on)
    for name in set(LINES) - {"brokerage", "gst", "total"}:
        assert abs(getattr(before, name) - getattr(after, name)) <= TINY


def formula_total(fills: list[DayFill], on: date, product: Product) -> Fraction:
    """Price the day by the formulas of the docstring, with fractions."""
    intraday, delivery = rates_on(on, NSE, INTRADAY), rates_on(on, NSE, DELIVERY)
    f = Fraction
    b, s = (sum((f(x.quantity) for x in fills if x.side is side), f(0)) for side in (Side.BUY, Side.SELL))
    vb, vs = (sum((f(x.quantity) * f(x.price) for x in fills if x.side is side), f(0)) for side in (Side.BUY, Side.SELL))
    if not fills:
        return f(0)
    m, wap = (min(b, s), (vb + vs) / (b + s))
    cap = f(10**15) if intraday.brokerage_cap is None else f(intraday.brokerage_cap)
    rate = f(intraday.brokerage_fraction)
    if product is MIS:
        brokerage = sum((min(f(x.quantity) * f(x.price) * rate, cap) for x in fills), f(0))
        stt = s * wap * f(intraday.stt_sell)
        stamp = vb * f(intraday.stamp_buy) + vs * f(intraday.stamp_sell)
    else:
        brokerage, left = f(0), {Side.BUY: m, Side.SELL: m}
        for x in fills:
            part = min(f(x.quantity), left[x.side])
            left[x.side] -= part
            brokerage += min(part * f(x.price) * rate, cap)
        stt = m * wap * f(intraday.stt_sell) + abs(b - s) * wap * f(delivery.stt_buy if b > s else delivery.stt_sell)
        stamp = f(0)
        if b:
            stamp += vb / b * (m * f(intraday.stamp_buy) + (b - m) * f(delivery.stamp_buy))
        if s:
            stamp += vs / s * (m * f(intraday.stamp_sell) + (s - m) * f(delivery.stamp_sell))
    exchange, ipft, sebi = ((vb + vs) * f(part) for part in (intraday.exchange, intraday.ipft, intraday.sebi))
    gst = f(intraday.gst) * (brokerage + exchange + ipft + (sebi if intraday.gst_on_sebi else 0))
    dp = f(delivery.dp_sell) if product is CNC and s > b else f(0)
    return brokerage + stt + stamp + exchange + ipft + sebi + gst + dp


@given(fills_strategy, dates, products)
def test_day_is_priced_by_the_published_formulas(fills: list[DayFill], on: date, product: Product) -> None:
    total = Fraction(charges(*fills, on=on, product=product).total)
    assert abs(total - formula_total(fills, on, product)) < Fraction(1, 10**9)


@given(fills_strategy, dates, products)
def test_a_growing_bill_says_what_the_day_costs_after_each_fill(fills: list[DayFill], on: date, product: Product) -> None:
    bill = DayBill(on=on, exchange=NSE, product=product)
    for n, fill in enumerate(fills, start=1):
        bill.add(fill)
        assert bill.charges() == charges(*fills[:n], on=on, product=product)
        assert abs(Fraction(bill.charges().total) - formula_total(fills[:n], on, product)) < Fraction(1, 10**9)
