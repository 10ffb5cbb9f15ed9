"""Bugs that backtesters are known for, each as a small scene whose answer was worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.analytics import buy_and_hold
from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, run
from qts.backtest.settings import Protection
from qts.core import IST, ActionKind, Bars, CorporateAction, Exchange, InstrumentId, Interval, Product, micros_of
from qts.core.errors import DataError
from qts.market.sessions import daily_stamp
from qts.strategies import Context, Strategy

Candle = tuple[float, float, float, float]
Candles = Callable[..., Bars]
Says = Callable[..., Strategy]
FLAT = (100.0, 101.0, 99.0, 100.0)
MORNING = datetime(2024, 5, 6, 9, 15, tzinfo=IST)
FREE = BacktestSettings(
    capital=Decimal(100_000), size=parse_size("shares:10"), costs=parse_costs("none"), slippage=parse_slippage("none"), product=Product.CNC
)
MIS = replace(FREE, product=Product.MIS)


def told(result: BacktestResult) -> list[tuple[str, float, float, str]]:
    return [
        (f"{fill.filled_at:%d}", float(fill.quantity if fill.side == "buy" else -fill.quantity), float(fill.price), str(fill.reason))
        for fill in result.fills
    ]


def ordered(rows: Bars, orders: Mapping[int, Callable[[Context], Any]], settings: BacktestSettings = FREE) -> BacktestResult:
    def on_bar(context: Context) -> None:
        if context.bar in orders:
            orders[context.bar](context)

    return run(Strategy(title="Scripted", on_bar=on_bar), {}, [rows], settings)


def minutes(candles: Candles, rows: Sequence[Candle], **options: Any) -> Bars:
    return candles(rows, interval=Interval.MINUTE_15, start=MORNING, **options)


def guarded(**fractions: str) -> BacktestSettings:
    return replace(FREE, protection=Protection(**{name: Decimal(text) for name, text in fractions.items()}))


def test_a_flip_overstates_the_profit(candles: Candles, says: Says) -> None:
    # Long 10 from 100 to 110, then short 10 from 110 to 105: 100 and 50, not 10 or 20 shares times either.
    bars = minutes(candles, [FLAT, FLAT, (110, 111, 109, 110), (105, 106, 104, 105)])
    result = run(says([1, -1, 0, 0]), {}, [bars], MIS)
    assert [float(trade.net_pnl) for trade in result.trades] == [100, 50]
    assert result.cash[-1] == 100_150


def test_realised_profit_reaches_into_what_is_still_held(candles: Candles, says: Says) -> None:
    # Ten bought at 100, five sold at 110: 50 are made, and the five held are worth 10 each more than they cost.
    bars = candles([FLAT, FLAT, (110, 111, 109, 110)])
    result = run(says([1, 0.5, 0.5]), {}, [bars], FREE)
    assert result.final_positions[0].average_price == 100
    assert result.final_positions[0].quantity == 5
    assert (result.cash[-1], result.equity[-1]) == (99_550, 100_100)


def test_the_open_position_is_left_out_of_the_result(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, (120, 121, 119, 120)])
    result = run(says([1, 1, 1]), {}, [bars], FREE)
    assert [(trade.open, float(trade.net_pnl)) for trade in result.trades] == [(True, 200)]
    assert result.equity[-1] == 100_200


def test_fees_are_charged_on_one_side_only_or_twice(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, FLAT])
    result = run(says([1, 0, 0]), {}, [bars], replace(FREE, costs=parse_costs("percent:0.01")))
    assert [float(fill.charges.total) for fill in result.fills] == [10, 10]
    assert result.equity[-1] == 99_980


def test_the_commission_is_hidden_in_the_cost_of_the_shares(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, FLAT])
    result = run(says([1, 1, 1]), {}, [bars], replace(FREE, costs=parse_costs("percent:0.01")))
    assert result.final_positions[0].average_price == 100
    assert (float(result.trades[0].gross_pnl), float(result.trades[0].costs)) == (0, 10)


def test_the_run_changes_the_rows_it_was_given(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, (math.nan, 1, 1, 1), FLAT, FLAT])
    before = [column.copy() for column in (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)]
    run(says([1, 0, -1, 1]), {}, [bars], MIS)
    after = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(before, after, strict=True))


def test_every_trade_is_rounded_to_paise(candles: Candles, says: Says) -> None:
    # 12.345 bps of 100.05 are 0.01235117...; three shares lose three times that, with nothing cut off.
    bars = candles([FLAT, (100.05, 101, 99, 100.05), FLAT])
    settings = replace(FREE, size=parse_size("shares:3"), slippage=parse_slippage("bps:1.2345"))
    fill = run(says([1, 1, 1]), {}, [bars], settings).fills[0]
    assert fill.price == Decimal("100.05") * (1 + Decimal("1.2345") / 10_000)
    assert fill.slippage == 3 * Decimal("100.05") * Decimal("1.2345") / 10_000


def test_a_stop_inside_the_entry_bar_is_overlooked(candles: Candles, says: Says) -> None:
    result = run(says([1, 1, 1]), {}, [candles([FLAT, (100, 101, 94, 100), FLAT])], guarded(stop_loss="0.05"))
    assert told(result) == [("07", 10, 100, "signal"), ("07", -10, 95, "stop_loss")]


def test_an_exit_happens_before_its_entry(candles: Candles) -> None:
    # The bar opens at 104, above the target of 103, before the limit of 100 buys: this high came first and sells nothing.
    bars = candles([FLAT, (104, 105, 98, 101), (101, 102, 100, 101)])
    result = ordered(bars, {0: lambda context: context.instruments[0].buy(10, limit=100, take_profit=103)})
    assert told(result) == [("07", 10, 100, "signal")]


def test_a_fill_has_a_price_that_never_traded(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, (90, 92, 88, 91), (108, 109, 107, 108)])
    for settings in (guarded(stop_loss="0.05"), guarded(take_profit="0.05"), guarded(trailing="0.02")):
        result = run(says([1, 1, 1, 1]), {}, [bars], settings)
        assert len(result.fills) == 2
        for fill in result.fills:
            at = int(np.searchsorted(bars.ts, micros_of(fill.filled_at)))
            assert bars.low[at] <= float(fill.reference_price) <= bars.high[at]


def test_a_gapped_stop_fills_at_its_level(candles: Candles, says: Says) -> None:
    result = run(says([1, 1, 1]), {}, [candles([FLAT, FLAT, (90, 92, 88, 91)])], guarded(stop_loss="0.05"))
    assert told(result)[1] == ("08", -10, 90, "stop_loss")


@pytest.mark.parametrize(("low", "is_sold"), [(0.0952, False), (0.095, True)])
def test_near_equality_fires_stops_at_low_prices(candles: Candles, says: Says, low: float, *, is_sold: bool) -> None:
    # Five per cent below ten paise lies half a paisa away: nearer than any tolerance made for prices of hundreds.
    small = (0.1, 0.101, 0.099, 0.1)
    result = run(says([1, 1, 1]), {}, [candles([small, small, (0.099, 0.1, low, 0.099)])], guarded(stop_loss="0.05"))
    assert (len(result.fills) == 2) is is_sold


def test_a_stop_in_per_cent_is_taken_as_rupees(candles: Candles, says: Says) -> None:
    # Two hundredths of 500 are 10 rupees: 489 is below the stop, 491 is not, and 0.02 rupees would have sold at once.
    rows = [(500, 501, 499, 500), (500, 501, 499, 500), (495, 496, 491, 495), (495, 496, 489, 495)]
    assert told(run(says([1] * 4), {}, [candles(rows)], guarded(stop_loss="0.02")))[1] == ("09", -10, 490, "stop_loss")


def test_a_fill_in_part_goes_unsaid(candles: Candles, says: Says) -> None:
    bars = candles([FLAT] * 3, volumes=[1000, 40, 1000])
    result = run(says([1, 1, 1]), {}, [bars], replace(FREE, slippage=parse_slippage("volume-share:0.1,impact=0")))
    assert told(result) == [("07", 4, 100, "signal"), ("08", 6, 100, "signal")]
    assert [(str(event.status), float(event.quantity), float(event.filled)) for event in result.order_events] == [("partial", 10, 4)]


def test_entry_and_exit_in_one_bar_lose_one_of_them(candles: Candles) -> None:
    bars = candles([FLAT, (100, 108, 99, 107), FLAT])
    result = ordered(bars, {0: lambda context: context.instruments[0].buy(10, stop_loss=95, take_profit=105)})
    assert told(result) == [("07", 10, 100, "signal"), ("07", -10, 105, "take_profit")]
    assert [(float(trade.net_pnl), trade.bars_held) for trade in result.trades] == [(50, 0)]


def test_what_was_computed_for_longer_bars_is_kept_for_shorter_ones(candles: Candles) -> None:
    # A strategy that looks at its highest close sees another one in each series, whatever ran before.
    strategy = Strategy(title="Highs", targets=lambda bars: (bars.close >= bars.close.max()).astype(np.float64))
    long = candles([FLAT, (100, 106, 99, 105), (105, 111, 104, 110), (110, 111, 109, 110), FLAT])
    short = long.window(0, 3)
    first, again = run(strategy, {}, [short], FREE), run(strategy, {}, [long], FREE)
    assert [len(result.fills) for result in (first, again, run(strategy, {}, [short], FREE))] == [0, 1, 0]


def test_bars_out_of_order_are_played_as_they_lie(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, FLAT])
    with pytest.raises(DataError, match="comes after a later one"):
        run(says([1, 1, 1]), {}, [replace(bars, ts=bars.ts[[0, 2, 1]])], FREE)


def test_a_signal_fills_on_the_close_it_was_made_of(candles: Candles) -> None:
    strategy = Strategy(title="Above", targets=lambda bars: (bars.close > 100).astype(np.float64))
    bars = candles([FLAT, (100, 111, 99, 110), (112, 113, 111, 112)])
    assert told(run(strategy, {}, [bars], FREE)) == [("08", 10, 112, "signal")]
    at_close = run(strategy, {}, [bars], replace(FREE, fill=FillTiming.CLOSE))
    assert told(at_close) == [("07", 10, 110, "signal")]
    assert any("optimistic" in warning for warning in at_close.warnings)


def test_the_clock_is_off_by_five_and_a_half_hours(candles: Candles, says: Says) -> None:
    # The bars of 15:00 and 15:15 are in the afternoon: what is open at 15:20 is closed at the close of the latter.
    bars = candles([FLAT] * 4, interval=Interval.MINUTE_15, start=datetime(2024, 5, 6, 14, 30, tzinfo=IST))
    result = run(says([1, 1, 1, 1]), {}, [bars], MIS)
    assert [(f"{fill.filled_at:%H:%M %z}", str(fill.reason)) for fill in result.fills] == [
        ("14:45 +0530", "signal"),
        ("15:15 +0530", "square_off"),
    ]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_the_machine_s_zone_moves_the_day(zone: str, candles: Candles, says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    import time  # noqa: PLC0415 - only to set the zone

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        result = run(says([1, 0, 0]), {}, [candles([FLAT] * 3)], FREE)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [fill.filled_at.date() for fill in result.fills] == [date(2024, 5, 7), date(2024, 5, 8)]
    assert [fill.filled_at.hour for fill in result.fills] == [9, 9]


@pytest.mark.parametrize("on", [date(1941, 10, 1), date(1943, 6, 1), date(1905, 12, 31), date(2024, 3, 31), date(2024, 10, 27)])
def test_history_or_summer_time_shift_the_stamp_of_a_day(on: date) -> None:
    # India stood at 5:53:20 and 6:30 once, and others turn their clocks in March and October: an exchange's day starts at 9:15 of 5:30.
    stamp = daily_stamp(Exchange.NSE, on)
    assert stamp.utcoffset() == IST.utcoffset(None)
    assert (stamp.date(), stamp.hour, stamp.minute) == (on, 9, 15)


def test_a_share_that_is_no_more_makes_the_account_undefined(candles: Candles, says: Says) -> None:
    stays = candles([FLAT] * 4)
    gone = replace(candles([(50, 51, 49, 50)] * 2), instrument=InstrumentId("NSE:GONE"))
    result = run(says({"NSE:INFY": [1, 1, 0, 0], "NSE:GONE": [1, 1]}), {}, [stays, gone], FREE)
    assert np.isfinite(result.equity).all()
    assert result.equity[-1] == 100_000
    assert [(str(position.instrument), float(position.quantity)) for position in result.final_positions] == [("NSE:GONE", 10)]


def test_a_split_is_unseen_and_looks_like_a_loss(candles: Candles, says: Says) -> None:
    # Ten at 100 become fifty at 20: nothing was lost, though the raw price fell by four fifths.
    bars = candles([FLAT, FLAT, (20, 20.2, 19.8, 20), (20, 20.2, 19.8, 20)])
    split = CorporateAction(instrument=InstrumentId("NSE:INFY"), ex_date=date(2024, 5, 8), kind=ActionKind.SPLIT, ratio=Decimal(5))
    result = run(says([1, 1, 1, 1]), {}, [bars], FREE, actions=[split])
    assert result.equity.tolist() == [100_000] * 4
    assert result.final_positions[0].quantity == 50
    assert buy_and_hold([bars], 100_000.0, actions=[split]).equity.tolist() == [100_000] * 4


def test_a_guard_in_old_rupees_sells_on_the_day_of_a_split(candles: Candles, says: Says) -> None:
    # A stop-loss of 10 % stands at 90; after five for one it must stand at 18, or the split itself would trigger it.
    bars = candles([FLAT, FLAT, (20, 20.2, 19.8, 20), (20, 20.2, 17.9, 18)])
    split = CorporateAction(instrument=InstrumentId("NSE:INFY"), ex_date=date(2024, 5, 8), kind=ActionKind.SPLIT, ratio=Decimal(5))
    result = run(says([1, 1, 1, 1]), {}, [bars], guarded(stop_loss="0.1"), actions=[split])
    assert told(result) == [("07", 10, 100, "signal"), ("09", -50, 18, "stop_loss")]
