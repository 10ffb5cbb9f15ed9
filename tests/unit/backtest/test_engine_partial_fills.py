"""Orders that fill in parts, exits that come in between, sessions that end: each a scene that once went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.settings import Protection
from qts.core import IST, SMALLEST_PRICE, Bars, Interval, Product
from qts.core.errors import DataError
from qts.strategies import Context, Panel, Strategy

Candle = tuple[float, float, float, float]
Candles = Callable[..., Bars]
Says = Callable[..., Strategy]
FLAT = (100.0, 101.0, 99.0, 100.0)
# A tenth of each bar's volume is ours; it does not move the price.
PLAIN = BacktestSettings(
    capital=Decimal(100_000), size=parse_size("shares:10"), costs=parse_costs("none"), slippage=parse_slippage("volume-share:0.1,impact=0")
)
MIS = replace(PLAIN, product=Product.MIS)


def told(result: BacktestResult) -> list[tuple[str, float, float, str]]:
    return [
        (f"{fill.filled_at:%d}", float(fill.quantity if fill.side == "buy" else -fill.quantity), float(fill.price), str(fill.reason))
        for fill in result.fills
    ]


def ordered(rows: Bars, orders: Mapping[int, Callable[[Context], Any]], settings: BacktestSettings) -> BacktestResult:
    def on_bar(context: Context) -> None:
        if context.bar in orders:
            orders[context.bar](context)

    return run(Strategy(title="Scripted", on_bar=on_bar), {}, [rows], settings)


def guarded(**fractions: str) -> Protection:
    return Protection(**{name: Decimal(text) for name, text in fractions.items()})


def test_an_order_behind_an_overdue_square_off_still_brings_the_position_to_its_aim(candles: Candles, says: Says) -> None:
    # The 7th has room for the entry alone, so the position is overdue; on the 8th it goes at the open, and 4 are aimed at.
    bars = candles([FLAT, FLAT, (102, 103, 101, 102.5), FLAT], volumes=[1000, 100, 1000, 1000])
    assert told(run(says([1, 0.4, 0, 0]), {}, [bars], MIS)) == [
        ("07", 10, 100, "signal"),
        ("08", -10, 102, "square_off"),
        ("08", 4, 102, "signal"),
        ("08", -4, 102.5, "square_off"),
    ]


def test_a_forced_exit_takes_no_more_than_its_share_of_the_volume(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, FLAT, FLAT], volumes=[1000, 120, 30, 1000])
    result = run(says([1, 0, 0, 0]), {}, [bars], MIS)
    assert told(result) == [
        ("07", 10, 100, "signal"),
        ("07", -2, 100, "square_off"),
        ("08", -3, 100, "square_off"),
        ("09", -5, 100, "square_off"),
    ]


def test_the_end_of_the_data_sells_no_more_than_its_share_of_the_volume(candles: Candles, says: Says) -> None:
    result = run(says([1, 1, 1]), {}, [candles([FLAT] * 3, volumes=[1000, 1000, 60])], replace(PLAIN, close_at_end=True))
    assert told(result) == [("07", 10, 100, "signal"), ("08", -6, 100, "end")]
    assert result.final_positions[0].quantity == 4


def test_a_protection_goes_with_the_position_that_was_squared_off(candles: Candles, says: Says) -> None:
    # The open of the 8th is beyond the target: the square-off sells there, and the target must not sell again.
    bars = candles([FLAT, FLAT, (110, 112, 109, 111), FLAT], volumes=[1000, 100, 1000, 1000])
    result = run(says([1, 0, 0, 0]), {}, [bars], replace(MIS, protection=guarded(take_profit="0.05")))
    assert told(result) == [("07", 10, 100, "signal"), ("08", -10, 110, "square_off")]
    assert result.final_positions == ()


def test_a_stopped_out_entry_buys_no_more_of_its_rest(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, (90, 91, 89, 90), (90, 91, 89, 90)], volumes=[1000, 40, 40, 1000])
    result = run(says([1, 1, 1, 1]), {}, [bars], replace(PLAIN, protection=guarded(stop_loss="0.05")))
    assert told(result) == [("07", 4, 100, "signal"), ("08", -4, 90, "stop_loss")]
    assert [(str(event.status), event.reason) for event in result.order_events][-1] == ("cancelled", "oco")


def test_a_bracket_whose_stop_has_filled_buys_no_more_of_its_rest(candles: Candles) -> None:
    bars = candles([FLAT, FLAT, (90, 91, 89, 90), FLAT], volumes=[1000, 40, 40, 1000])
    result = ordered(bars, {0: lambda context: context.instruments[0].buy(10, stop_loss=95)}, PLAIN)
    assert told(result) == [("07", 4, 100, "signal"), ("08", -4, 90, "stop_loss")]


def test_the_rest_of_a_triggered_stop_is_a_market_order(candles: Candles, says: Says) -> None:
    # Only 4 of 10 find a buyer at 95; the rest does not wait for 95 to come again.
    bars = candles([FLAT, FLAT, (97, 98, 94, 97), (99, 100, 98, 99)], volumes=[1000, 1000, 40, 1000])
    result = run(says([1, 1, 1, 1]), {}, [bars], replace(PLAIN, protection=guarded(stop_loss="0.05")))
    assert told(result) == [("07", 10, 100, "signal"), ("08", -4, 95, "stop_loss"), ("09", -6, 99, "stop_loss")]


def test_the_rest_of_a_triggered_trailing_stop_is_a_market_order(candles: Candles) -> None:
    bars = candles([FLAT, FLAT, (97, 97, 94, 97), (99, 100, 98, 99), FLAT], volumes=[1000, 1000, 40, 1000, 1000])
    orders = {
        0: lambda context: context.instruments[0].buy(10),
        1: lambda context: context.instruments[0].trail(10, distance=5),
    }
    assert told(ordered(bars, orders, PLAIN)) == [
        ("07", 10, 100, "signal"),
        ("08", -4, 95, "trailing_stop"),
        ("09", -6, 99, "trailing_stop"),
    ]


def test_an_order_in_parts_pays_its_minimum_once_a_day(candles: Candles) -> None:
    start = datetime(2024, 5, 6, 9, 15, tzinfo=IST)
    bars = candles([FLAT] * 4, volumes=[1000, 40, 40, 1000], interval=Interval.MINUTE_15, start=start)
    settings = replace(PLAIN, costs=parse_costs("per-share:0.4,min=3"))
    result = ordered(bars, {0: lambda context: context.instruments[0].buy(10)}, settings)
    # 4, 8 and 10 shares come to 1.60, 3.20 and 4 rupees, and at least to 3.
    assert [float(fill.charges.total) for fill in result.fills] == [3, pytest.approx(0.2), pytest.approx(0.8)]
    assert result.cash[-1] == pytest.approx(100_000 - 1000 - 4)


def test_an_intraday_bracket_does_not_outlive_its_session(candles: Candles) -> None:
    bars = candles([FLAT, FLAT, (100, 101, 85, 90), (90, 91, 80, 82)])
    result = ordered(bars, {0: lambda context: context.instruments[0].buy(10, limit=90, stop_loss=85)}, MIS)
    assert told(result) == []
    assert [(f"{event.at:%d}", str(event.status), event.reason) for event in result.order_events] == [("07", "withdrawn", "square_off")]


def test_an_exit_never_sells_more_than_is_held(candles: Candles) -> None:
    # The plain sale closes the position; the bracket's stop would have made a short of it.
    bars = candles([FLAT, FLAT, FLAT, (97, 98, 90, 92)])
    orders = {
        0: lambda context: context.instruments[0].buy(10, stop_loss=95),
        1: lambda context: context.instruments[0].sell(10),
    }
    start = datetime(2024, 5, 6, 9, 15, tzinfo=IST)
    intraday = candles([FLAT, FLAT, FLAT, (97, 98, 90, 92)], interval=Interval.MINUTE_15, start=start)
    expected = [("06", 10, 100, "signal"), ("06", -10, 100, "signal")]
    assert told(ordered(intraday, orders, MIS)) == expected
    assert [row[1:] for row in told(ordered(bars, {0: orders[0]}, PLAIN))] == [(10, 100, "signal"), (-10, 95, "stop_loss")]


def test_what_a_turn_closes_is_counted_at_the_price_of_what_is_filled(candles: Candles) -> None:
    # Of 1,050 to sell, 50 close and 100 can be paid: at 99.796 they need 9,980, and there are 4,999 and 50 times 99.796.
    bars = candles([FLAT] * 4, volumes=[1050] * 4, interval=Interval.MINUTE_15, start=datetime(2024, 5, 6, 9, 15, tzinfo=IST))
    settings = replace(MIS, capital=Decimal(10_000), slippage=parse_slippage("volume-share:1,impact=0.1"))
    orders = {0: lambda context: context.instruments[0].buy(50), 1: lambda context: context.instruments[0].sell(1050)}
    result = ordered(bars, orders, settings)
    assert [float(fill.quantity) for fill in result.fills[:2]] == [50, 150]


def test_an_order_joined_to_a_refused_one_works_by_itself(candles: Candles) -> None:
    def both(context: Context) -> None:
        one = context.instruments[0]
        refused = one.buy(10, stop=90)
        one.buy(10, limit=98, oco=refused)

    bars = candles([FLAT, (100, 101, 97, 100), FLAT])
    assert told(ordered(bars, {0: both}, PLAIN)) == [("07", 10, 98, "signal")]


def test_weights_sized_by_risk_share_the_account_among_the_instruments(candles: Candles) -> None:
    def weights(panel: Panel) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.where(np.arange(len(panel.ts)) == 2, 1.0, np.nan) * np.ones((2, 1))

    # A range of 2 in every bar: a hundredth of 100,000, halved, over twice that range.
    bars = [candles([FLAT] * 4, name=name) for name in ("NSE:INFY", "NSE:TCS")]
    settings = replace(PLAIN, size=parse_size("atr-risk:0.01,span=2,multiple=2"), slippage=parse_slippage("none"))
    result = run(Strategy(title="Both", targets=weights, matrix=True), {}, bars, settings)
    assert [float(fill.quantity) for fill in result.fills] == [125, 125]


@pytest.mark.parametrize("price", [1e-300, SMALLEST_PRICE / 2])
def test_a_price_too_small_to_be_one_is_refused_by_its_bar(candles: Candles, says: Says, price: float) -> None:
    rows: Sequence[Candle] = [FLAT, (price, 1, price, 1), FLAT]
    with pytest.raises(DataError, match=rf"NSE:INFY at 2024-05-07.* has open {price}, which is no price"):
        run(says([1, 1, 1]), {}, [candles(rows)], PLAIN)


def test_the_smallest_price_is_one(candles: Candles, says: Says) -> None:
    small = SMALLEST_PRICE
    result = run(says([1, 0, 0]), {}, [candles([(small, small, small, small)] * 3)], PLAIN)
    assert len(result.trades) == 1
