"""What depends on the day: duty of a netted day before and since 2020-07, the broker's fee for closing a position in slices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qts.core import Charges, Exchange, Side
from qts.market.charges import ChargeableOrder, ChargeSegment, RoundingMode, price_orders

DELIVERY, FUTURES = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_FUTURES


def order(side: Side, quantity: int, *, slices: int = 1, auto_square_off: bool = False) -> ChargeableOrder:
    return ChargeableOrder(side=side, quantity=Decimal(quantity), price=Decimal(1000), slices=slices, auto_square_off=auto_square_off)


@pytest.mark.parametrize(
    ("on", "stamp", "expected"),
    [
        pytest.param("2020-06-30", None, 6, id="both parts at the estimate of their own"),
        pytest.param("2020-06-30", "0.00006", 12, id="the state's rate on both"),
        pytest.param("2020-07-01", None, 3, id="uniform duty"),
        pytest.param("2020-07-01", "0.00006", 3, id="the state's rate on the first day of uniform duty"),
    ],
)
def test_duty_of_a_day_of_delivery_that_is_intraday_to_the_exchange(on: str, stamp: str | None, expected: int) -> None:
    bill = price_orders(
        (order(Side.BUY, 100), order(Side.SELL, 100)),
        on=date.fromisoformat(on),
        exchange=Exchange.NSE,
        segment=DELIVERY,
        mode=RoundingMode.CONTRACT_NOTE,
        stamp_rate_both_sides=None if stamp is None else Decimal(stamp),
    )
    assert bill.total.stamp == expected


@pytest.mark.parametrize("mode", [RoundingMode.EXACT, RoundingMode.CONTRACT_NOTE])
@pytest.mark.parametrize(("segment", "exchange"), [(DELIVERY, Exchange.NSE), (FUTURES, Exchange.NFO)])
def test_broker_closing_in_slices_takes_its_fee_for_each(mode: RoundingMode, segment: ChargeSegment, exchange: Exchange) -> None:
    def total(*, closed: bool) -> Charges:
        sale = order(Side.SELL, 10, slices=3, auto_square_off=closed)
        return price_orders((sale,), on=date(2026, 11, 20), exchange=exchange, segment=segment, mode=mode).total

    extra = total(closed=True) - total(closed=False)
    assert (extra.brokerage, extra.gst, extra.total) == (Decimal(150), Decimal(27), Decimal(177))
