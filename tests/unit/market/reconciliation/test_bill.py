from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange, Side
from qts.market.charges import ChargeableOrder, ChargeSegment, RoundingMode, price_orders
from qts.market.reconciliation import TradeRow, price_bill

ON = date(2026, 10, 5)
NOTE = RoundingMode.CONTRACT_NOTE
BUY = TradeRow(
    row=1,
    on=ON,
    exchange=Exchange.NSE,
    symbol="INFY",
    segment=ChargeSegment.EQUITY_DELIVERY,
    side=Side.BUY,
    quantity=Decimal(100),
    price=Decimal(1000),
    order_id="1",
)
SELL = replace(BUY, row=2, side=Side.SELL, order_id="2")


def test_shares_for_compulsory_delivery_are_not_netted() -> None:
    netted = price_bill([BUY, SELL], mode=NOTE, on=ON).charges
    delivered = price_bill([replace(one, group="BE") for one in (BUY, SELL)], mode=NOTE, on=ON).charges
    assert (netted.stt, delivered.stt) == (Decimal(25), Decimal(200))
    assert (netted.stamp, delivered.stamp) == (Decimal(3), Decimal(15))


@pytest.mark.parametrize(
    ("exchange", "group", "stt"),
    [(Exchange.NSE, "BZ", 200), (Exchange.NSE, "SZ", 200), (Exchange.NSE, "EQ", 25), (Exchange.BSE, "T", 200), (Exchange.BSE, "B", 25)],
)
def test_series_that_are_not_netted_are_those_of_the_listing(exchange: Exchange, group: str, stt: int) -> None:
    orders = [replace(one, exchange=exchange, group=group) for one in (BUY, SELL)]
    assert price_bill(orders, mode=NOTE, on=ON).charges.stt == stt


def test_a_fund_is_known_by_its_isin_and_the_assumption_is_said() -> None:
    priced = price_bill([replace(SELL, isin="INF204KB14I2")], mode=NOTE, on=ON)
    assert priced.charges.stt == Decimal(1)  # 0.001 % of a lakh
    assert any("fund" in warning for warning in priced.warnings)


def test_a_group_of_the_other_exchange_has_its_own_charge() -> None:
    at_bse = replace(BUY, exchange=Exchange.BSE)
    plain, exclusive = (price_bill([replace(at_bse, group=group)], mode=NOTE, on=ON).charges.exchange for group in ("A", "X"))
    assert (plain, exclusive) == (Decimal("3.75"), Decimal(100))


@given(
    drawn=st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 5_000), st.decimals(min_value=1, max_value=5_000, places=2)), min_size=1, max_size=5
    )
)
def test_the_parts_of_a_line_make_up_the_line(drawn: list[tuple[Side, int, Decimal]]) -> None:
    rows = [
        replace(BUY, row=i, side=side, quantity=Decimal(n), price=price, order_id=str(i))
        for i, (side, n, price) in enumerate(drawn, start=1)
    ]
    priced = price_bill(rows, mode=NOTE, on=ON)
    for line, base in priced.bases.items():
        assert base.rate * base.amount == pytest.approx(getattr(priced.exact, line), abs=Decimal("1e-6"))
    orders = [ChargeableOrder(side=row.side, quantity=row.quantity, price=row.price) for row in rows]
    note = price_orders(orders, on=ON, exchange=Exchange.NSE, segment=ChargeSegment.EQUITY_DELIVERY, mode=NOTE).total
    assert priced.charges == replace(note, dp=priced.charges.dp)


def test_trades_without_a_date_are_priced_on_the_given_one() -> None:
    old = price_bill([replace(BUY, on=None)], mode=NOTE, on=date(2012, 1, 2))
    assert old.charges.stt == Decimal(125)


def test_a_bill_over_several_securities_rounds_turnover_charges_once() -> None:
    rows = [replace(BUY, row=i, symbol=f"S{i}", quantity=Decimal(1), price=Decimal(150)) for i in range(10)]
    priced = price_bill(rows, mode=NOTE, on=ON)
    # 1,500 x 0.00307 % = 0.04605; ten securities rounded alone would be ten times nothing or a paisa.
    assert (priced.charges.exchange, priced.n_securities, priced.n_orders) == (Decimal("0.05"), 10, 10)


def test_what_cannot_be_priced_keeps_its_rows_and_a_reason() -> None:
    huge = replace(BUY, value=Decimal(10) ** 16)
    priced = price_bill([huge, replace(SELL, symbol="TCS")], mode=NOTE, on=ON)
    assert [(one.row, "larger" in one.reason) for one in priced.unpriced] == [(1, True)]
    assert [one.row for one in priced.priced] == [2]
