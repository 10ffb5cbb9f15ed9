from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.backtest.settlement import end_costs, end_fill, ends_in_shares
from qts.core import InstrumentId, Product, Side, exchange_of
from qts.market.charges import ChargeSegment, Settlement, day_charges

ON = date(2026, 10, 27)
NAMES = {
    "NFO:NIFTY26OCTFUT": ChargeSegment.EQUITY_FUTURES,
    "NFO:RELIANCE26OCTFUT": ChargeSegment.EQUITY_FUTURES,
    "NFO:NIFTY26OCT25000CE": ChargeSegment.EQUITY_OPTIONS,
    "NFO:RELIANCE26OCT1400CE": ChargeSegment.EQUITY_OPTIONS,
    "NFO:RELIANCE26OCT1400PE": ChargeSegment.EQUITY_OPTIONS,
    "CDS:USDINR26OCTFUT": ChargeSegment.CURRENCY_FUTURES,
    "CDS:USDINR26OCT85CE": ChargeSegment.CURRENCY_OPTIONS,
    "MCX:GOLD26OCTFUT": ChargeSegment.COMMODITY_FUTURES,
    "MCX:GOLD26OCT70000PE": ChargeSegment.COMMODITY_OPTIONS,
}


@given(
    name=st.sampled_from(sorted(NAMES)),
    on=st.sampled_from([date(2018, 5, 31), date(2021, 3, 25), ON]),
    held=st.integers(-50_000, 50_000).filter(bool),
    close=st.decimals("0.00", "900", places=2),
)
def test_the_numbers_of_the_core_are_what_the_schedule_takes(name: str, on: date, held: int, close: Decimal) -> None:
    instrument, segment = InstrumentId(name), NAMES[name]
    ended = end_fill(instrument, segment, held=Decimal(held), close=close, on=on)
    exact = day_charges([ended], on=on, exchange=exchange_of(instrument), product=Product.NRML, segment=segment).total
    costs = end_costs(instrument, segment, underlying="", on=on)
    price, size = float(close), abs(held)
    if price <= costs.worthless:
        found = costs.fee_of_nothing
    elif held > 0:
        found = costs.fee + size * (price * costs.part_long + costs.unit_long)
    else:
        found = costs.fee + size * (price * costs.part_short + costs.unit_short)
    assert found == pytest.approx(float(exact), abs=1e-4, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "held", "settlement", "side", "price"),
    [
        ("NFO:NIFTY26OCTFUT", 1, Settlement.EXPIRED, Side.SELL, 12),
        ("NFO:RELIANCE26OCTFUT", 1, Settlement.DELIVERED, Side.BUY, 12),
        ("NFO:RELIANCE26OCTFUT", -1, Settlement.DELIVERED, Side.SELL, 12),
        ("NFO:NIFTY26OCT25000CE", 1, Settlement.EXERCISED, Side.SELL, 12),
        ("NFO:NIFTY26OCT25000CE", -1, Settlement.ASSIGNED, Side.BUY, 12),
        ("NFO:RELIANCE26OCT1400CE", 1, Settlement.DELIVERED, Side.BUY, 1400),
        ("NFO:RELIANCE26OCT1400CE", -1, Settlement.DELIVERED, Side.SELL, 1400),
        ("NFO:RELIANCE26OCT1400PE", 1, Settlement.DELIVERED, Side.SELL, 1400),
        ("NFO:RELIANCE26OCT1400PE", -1, Settlement.DELIVERED, Side.BUY, 1400),
        ("SIM:SHAPE", 1, Settlement.EXPIRED, Side.SELL, 12),
    ],
)
def test_how_a_position_ends(name: str, held: int, settlement: Settlement, *, side: Side, price: int) -> None:
    segment = NAMES.get(name, ChargeSegment.EQUITY_FUTURES)
    ended = end_fill(InstrumentId(name), segment, held=Decimal(held), close=Decimal(12), on=ON)
    assert (ended.settlement, ended.side, ended.price) == (settlement, side, Decimal(price))


@pytest.mark.parametrize(("right", "expected"), [("CE", 25_012), ("PE", 24_988)])
def test_where_the_underlying_stood_is_read_from_an_option_s_worth(right: str, expected: int) -> None:
    instrument = InstrumentId(f"NFO:NIFTY26OCT25000{right}")
    ended = end_fill(instrument, ChargeSegment.EQUITY_OPTIONS, held=Decimal(1), close=Decimal(12), on=ON)
    assert ended.settlement_price == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("NFO:RELIANCE26OCTFUT", True), ("NFO:NIFTY26OCTFUT", False), ("MCX:GOLD26OCTFUT", False), ("NFO:ODD", False)]
)
def test_only_contracts_on_shares_end_in_shares(name: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert ends_in_shares(InstrumentId(name), ON) is expected
