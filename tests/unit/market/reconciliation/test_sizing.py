from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from qts.core import Exchange, Side
from qts.market.charges import ChargeSegment
from qts.market.reconciliation import StatedCharges, TradeRow
from qts.market.reconciliation.sizing import in_lots

ON = date(2026, 10, 5)
CRUDE = TradeRow(
    row=1,
    on=None,
    exchange=Exchange.MCX,
    symbol="CRUDEOIL26OCTFUT",
    segment=ChargeSegment.COMMODITY_FUTURES,
    side=Side.SELL,
    quantity=Decimal(2),
    price=Decimal(6000),
)


@pytest.mark.parametrize(
    ("trade", "fee", "value"),
    [
        pytest.param(CRUDE, "1.2", "1200000", id="lots of 100 barrels"),
        pytest.param(CRUDE, "0.012", "12000", id="single units"),
        pytest.param(CRUDE, "0.02", "12000", id="no whole number of units"),
        pytest.param(CRUDE, "0", "12000", id="no fee"),
        pytest.param(replace(CRUDE, price=Decimal(0)), "1.2", "0", id="no price"),
        pytest.param(
            replace(CRUDE, exchange=Exchange.NFO, segment=ChargeSegment.EQUITY_FUTURES), "1.2", "12000", id="shares are counted singly"
        ),
        pytest.param(replace(CRUDE, segment=ChargeSegment.EQUITY_FUTURES), "1.2", "12000", id="no rates"),
    ],
)
def test_lots_are_told_by_the_regulators_fee(trade: TradeRow, fee: str, value: str) -> None:
    found, remark = in_lots(trade, StatedCharges(row=1, amounts={"sebi": Decimal(fee)}), ON)
    assert found.notional == Decimal(value)
    assert bool(remark) == (found.notional != trade.notional)


@pytest.mark.parametrize("price", ["1e-12", "1e-300"])
def test_size_next_to_nothing_is_no_count_of_lots(price: str) -> None:
    odd = replace(CRUDE, price=Decimal(price))
    assert in_lots(odd, StatedCharges(row=1, amounts={"sebi": Decimal(1000)}), ON) == (odd, "")
