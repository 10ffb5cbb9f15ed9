from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.terms import InstrumentTerms, is_netted
from qts.core import Bars, InstrumentId
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment
from qts.market.listing import TickFrom
from qts.strategies import Strategy

MakeBars = Callable[..., Bars]
Says = Callable[..., Strategy]
TICKS = (
    TickFrom(start=date(2024, 1, 1), size=Decimal("0.05"), is_estimate=False),
    TickFrom(start=date(2024, 5, 8), size=Decimal("0.10"), is_estimate=False),
)


def dealt(strategy: Strategy, bars: Bars, terms: InstrumentTerms, **changes: Any) -> BacktestResult:
    settings = BacktestSettings(size=parse_size("shares:10"), costs=parse_costs("zerodha"), slippage=parse_slippage("bps:3"))
    return run(strategy, {}, [bars], replace(settings, **changes), terms=[terms])


def test_prices_are_rounded_to_the_tick_of_their_date_against_us(says: Says, make_bars: MakeBars) -> None:
    result = dealt(says([1, 0, 0]), make_bars([(100, 100), (100, 100), (100, 100)]), InstrumentTerms(ticks=TICKS))
    # 100.03 is bought at 100.05; from the third day on the tick is 0.10, and 99.97 is sold at 99.90.
    assert [fill.price for fill in result.fills] == [Decimal("100.05"), Decimal("99.9")]


def test_only_whole_lots_are_traded(says: Says, make_bars: MakeBars) -> None:
    result = dealt(says([1, 0, 0]), make_bars([(100, 100)] * 3), InstrumentTerms(lot=75), size=parse_size("shares:200"))
    assert [fill.quantity for fill in result.fills] == [150, 150]


def test_what_cannot_be_paid_is_cut_to_whole_lots(says: Says, make_bars: MakeBars) -> None:
    chosen = {"size": parse_size("lots:3"), "capital": Decimal(20_000), "costs": parse_costs("none")}
    result = dealt(says([1, 1, 1]), make_bars([(100, 100)] * 3), InstrumentTerms(lot=75), **chosen)
    assert [fill.quantity for fill in result.fills] == [150]
    assert [(str(event.status), event.reason) for event in result.order_events] == [("cut", "insufficient_funds")]


def test_nothing_is_bought_in_a_bar_locked_up_nor_sold_in_one_locked_down(says: Says, make_bars: MakeBars) -> None:
    rows = [(100.0, 100.0), (105.0, 105.0), (106.0, 106.0), (106.0, 106.0), (95.4, 95.4), (96.0, 96.0)]
    locked = InstrumentTerms(ticks=TICKS[:1], locks=True)
    result = dealt(says([1, 1, 1, 0, 0, 0]), make_bars(rows), locked, slippage=parse_slippage("none"))
    # The second bar stands 5 % up all day, the fifth 10 % down.
    assert [(str(fill.side), float(fill.price)) for fill in result.fills] == [("buy", 106.0), ("sell", 96.0)]


def test_orders_above_the_freeze_quantity_pay_as_several(says: Says, make_bars: MakeBars) -> None:
    bars = make_bars([(1000, 1000)] * 4, interval=make_bars([(1, 1)]).interval)
    same_day = replace(bars, ts=bars.ts[0] + np.arange(4) * 60_000_000)
    chosen = {"size": parse_size("shares:500"), "slippage": parse_slippage("none")}
    whole = dealt(says([1, 0, 0, 0]), same_day, InstrumentTerms(), **chosen)
    sliced = dealt(says([1, 0, 0, 0]), same_day, InstrumentTerms(freeze=100), **chosen)
    assert whole.charges.brokerage == 40
    assert sliced.charges.brokerage == 200


@pytest.mark.parametrize("given", [{"lot": 0}, {"lot": 75, "freeze": 50}])
def test_terms_that_cannot_be_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(BadParameter):
        InstrumentTerms(**given)  # type: ignore[arg-type]  # the table's values are whole numbers


@pytest.mark.parametrize(
    ("name", "terms", "expected"),
    [
        ("NSE:INFY", InstrumentTerms(), True),
        ("NSE:XYZ-BE", InstrumentTerms(), False),
        ("BSE:XYZ-BE", InstrumentTerms(), True),
        ("NFO:NIFTY24MAYFUT", InstrumentTerms(segment=ChargeSegment.EQUITY_FUTURES), False),
    ],
)
def test_what_is_bought_and_sold_on_one_day_is_netted_for_shares_outside_trade_to_trade(
    name: str,
    terms: InstrumentTerms,
    expected: bool,  # noqa: FBT001
) -> None:
    assert is_netted(InstrumentId(name), terms) is expected
