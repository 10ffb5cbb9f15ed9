from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_slippage
from qts.backtest.ledger import price_fills, simple_charges
from qts.core import Bars, Charges, FillReason, InstrumentId, Interval, Side
from qts.kernels.state import N_FILL
from qts.market.charges import DayFill

ORDER = DayFill(side=Side.BUY, quantity=Decimal(100), price=Decimal("250.5"))


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        pytest.param("none", "0", id="none"),
        pytest.param("percent:0.001", "25.05", id="a fraction of the value"),
        pytest.param("per-share:0.05,min=1", "5", id="an amount per share"),
        pytest.param("per-share:0.05,min=20", "20", id="at least the minimum"),
    ],
)
def test_simple_charges_are_one_line(costs: str, expected: str) -> None:
    charges = simple_charges(parse_costs(costs), ORDER)
    assert charges == Charges(brokerage=Decimal(expected))


def test_decimals_come_from_the_price_as_it_was_written_not_from_its_float() -> None:
    raw = np.zeros((1, N_FILL))
    raw[0, :6] = [0, 0, -3, 0.1, 0.1, 1]
    settings = BacktestSettings(costs=parse_costs("none"), slippage=parse_slippage("bps:5"))
    (fill,) = price_fills(raw, np.array([0]), [InstrumentId("NSE:A")], settings)
    assert (fill.side, fill.quantity, fill.reference_price) == (Side.SELL, Decimal(3), Decimal("0.1"))
    assert fill.price == Decimal("0.09995")
    assert fill.slippage == Decimal("0.00015")
    assert fill.reason is FillReason.SQUARE_OFF
    assert fill.filled_at.isoformat() == "1970-01-01T05:30:00+05:30"


def test_fractions_sold_the_day_they_were_bought_are_no_delivery_sale(
    play: Callable[..., BacktestResult], make_bars: Callable[..., Bars]
) -> None:
    # 0.1 + 0.7 bought is 0.7999999999999999 in floats, less than the 0.8 sold.
    bars = make_bars([(100, 100)] * 4, interval=Interval.MINUTE_1)
    result = play([0.7, 0.8, 0, 0], bars, size="shares:1", costs="zerodha", fractional=True)
    assert len(result.fills) == 3
    assert result.charges.dp == 0
