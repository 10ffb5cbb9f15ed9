"""Many instruments on one day, held to the bill of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from qts.backtest import BacktestSettings, parse_costs, parse_slippage
from qts.backtest.ledger import price_fills
from qts.backtest.terms import InstrumentTerms
from qts.core import Charges, InstrumentId, Product, Side, exchange_of
from qts.kernels.state import F_BAR, F_INSTRUMENT, F_ORDER, F_PRICE, F_QUANTITY, F_REFERENCE, F_SLICES, N_FILL
from qts.market.charges import ChargeSegment, DayFill, SttClass, day_charges

# Ten past two in the afternoon of 6 May 2024, in India, and of the day after.
TS = np.array([1_714_984_800_000_000, 1_715_071_200_000_000])
DAYS = (date(2024, 5, 6), date(2024, 5, 7))

# No two of them pay by the same rates.
SHARES = {
    "NSE:A": InstrumentTerms(),
    "BSE:A": InstrumentTerms(),
    "NSE:FUND": InstrumentTerms(stt_class=SttClass.EQUITY_ETF),
    "NSE:GOLD": InstrumentTerms(stt_class=SttClass.OTHER_ETF),
}
CONTRACTS = {
    "NFO:NIFTY24MAYFUT": InstrumentTerms(segment=ChargeSegment.EQUITY_FUTURES, underlying="NIFTY"),
    "NFO:NIFTY24MAY22000CE": InstrumentTerms(segment=ChargeSegment.EQUITY_OPTIONS, underlying="NIFTY"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An executed order or a part of one."""

    bar: int = 0
    instrument: int
    quantity: float
    price: float
    order: int
    slices: int = 1


def charged(done: Sequence[Done], shares: dict[str, InstrumentTerms], product: Product) -> list[Charges]:
    raw = np.zeros((len(done), N_FILL))
    for row, one in zip(raw, done, strict=True):
        numbers = (one.bar, one.instrument, one.quantity, one.price, one.price, one.order, one.slices)
        row[[F_BAR, F_INSTRUMENT, F_QUANTITY, F_REFERENCE, F_PRICE, F_ORDER, F_SLICES]] = numbers
    settings = BacktestSettings(costs=parse_costs("zerodha"), slippage=parse_slippage("none"), product=product)
    names = [InstrumentId(name) for name in shares]
    return [fill.charges for fill in price_fills(raw, TS, names, settings, terms=tuple(shares.values()))]


def billed(done: Sequence[Done], shares: dict[str, InstrumentTerms], product: Product) -> Charges:
    """Return the bills of each instrument's days, added up."""
    total = Charges()
    for i, (name, terms) in enumerate(shares.items()):
        for bar, day in enumerate(DAYS):
            fills = [
                DayFill(
                    side=Side.BUY if one.quantity > 0 else Side.SELL,
                    quantity=Decimal(str(abs(one.quantity))),
                    price=Decimal(str(one.price)),
                    order=one.order,
                    slices=one.slices,
                )
                for one in done
                if (one.instrument, one.bar) == (i, bar)
            ]
            exchange = exchange_of(InstrumentId(name))
            total += day_charges(
                fills,
                on=day,
                exchange=exchange,
                product=product,
                segment=terms.segment,
                stt_class=terms.stt_class,
                underlying=terms.underlying,
            )
    return total


@pytest.mark.parametrize("product", [Product.CNC, Product.MIS])
@pytest.mark.parametrize("quantities", [(1000,), (-1000,), (1000, -400), (-400, 1000), (300, 300, -600)])
def test_shares_and_funds_of_one_day_pay_each_by_their_own_rates(product: Product, quantities: tuple[int, ...]) -> None:
    done = [
        Done(bar=bar, instrument=i, quantity=float(quantity), price=100.0 + i + number, order=10 * number + i + 1)
        for bar in range(2)
        for number, quantity in enumerate(quantities)
        for i in range(len(SHARES))
    ]
    assert sum(charged(done, SHARES, product), Charges()) == billed(done, SHARES, product)
    own = [
        sum((line for line, one in zip(charged(done, SHARES, product), done, strict=True) if one.instrument == i), Charges())
        for i in range(4)
    ]
    assert len(set(own)) == 4, "no two of them pay the same"


def test_an_order_in_slices_pays_for_each_though_it_is_alone_on_its_day() -> None:
    done = [Done(instrument=0, quantity=3000.0, price=1000.0, order=1, slices=3)]
    (alone,) = charged(done, SHARES, Product.MIS)
    assert alone == billed(done, SHARES, Product.MIS)
    assert alone.brokerage == 60


def test_parts_of_a_contract_s_order_pay_one_brokerage_a_day() -> None:
    done = [
        Done(bar=bar, instrument=i, quantity=quantity, price=200.0, order=order)
        for bar in range(2)
        for i in range(2)
        for quantity, order in ((50.0, 7), (25.0, 7), (-75.0, 8))
    ]
    found = charged(done, CONTRACTS, Product.NRML)
    assert sum(found, Charges()) == billed(done, CONTRACTS, Product.NRML)
    options = [line.brokerage for line, one in zip(found, done, strict=True) if one.instrument == 1]
    assert options == [20, 0, 20] * 2
