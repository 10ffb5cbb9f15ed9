from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.terms import InstrumentTerms, Margin
from qts.core import Bars, Product
from qts.market.charges import ChargeSegment
from qts.strategies import Strategy

MakeBars = Callable[..., Bars]
Says = Callable[..., Strategy]
TENTH = Margin(fraction=Decimal("0.1"))
TERMS = InstrumentTerms(lot=25, margin_long=TENTH, margin_short=TENTH, segment=ChargeSegment.EQUITY_FUTURES)


def held(strategy: Strategy, bars: Bars, product: Product = Product.NRML) -> BacktestResult:
    settings = BacktestSettings(
        capital=Decimal(1000), size=parse_size("lots:3"), costs=parse_costs("none"), slippage=parse_slippage("none")
    )
    return run(strategy, {}, [bars], replace(settings, product=product), terms=[TERMS])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_margin_that_no_longer_suffices_is_told_once(says: Says, make_bars: MakeBars, sign: int) -> None:
    # 75 units block a tenth of their price, about 750 rupees, of an equity that falls to 550 and on.
    closes = [100.0, 100.0, 100.0 - 6 * sign, 100.0 - 7 * sign]
    result = held(says([sign] * 4), make_bars([(close, close) for close in closes], name="NFO:NIFTY26NOVFUT"))
    assert result.equity.tolist() == [1000, 1000, 550, 475]
    told = [sentence for sentence in result.warnings if "shortfall" in sentence]
    assert len(told) == 1
    assert told[0].startswith("Margin shortfall: on 2024-05-08 the equity was less than what the positions block.")


def test_a_margin_that_suffices_is_not_spoken_of(says: Says, make_bars: MakeBars) -> None:
    result = held(says([1, 1, 0, 0]), make_bars([(100, 100), (100, 100), (100, 97), (97, 50)], name="NFO:NIFTY26NOVFUT"))
    assert not any("shortfall" in sentence for sentence in result.warnings)
