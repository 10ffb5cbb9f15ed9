from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal

from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, run
from qts.backtest.inputs import gather
from qts.backtest.phases import session_phases
from qts.backtest.playing import Room, market_of, play_once, rules_of
from qts.backtest.terms import PLAIN, term_table
from qts.core import IST, Bars, Direction, Exchange, FillReason, Floats, InstrumentId, Interval, Product, Side
from qts.core.errors import BadParameter, StrategyFailed
from qts.market.charges import DayFill, day_charges
from qts.strategies import Strategy, load_catalog

NAN = math.nan
COLUMNS = ("ts", "open", "high", "low", "close", "volume", "oi")
Play = Callable[..., BacktestResult]
MakeBars = Callable[..., Bars]


def fills_of(result: BacktestResult) -> list[tuple[str, float, float, str]]:
    return [(str(fill.side), float(fill.quantity), float(fill.price), str(fill.reason)) for fill in result.fills]


def joined(first: Bars, then: Bars) -> Bars:
    columns: dict[str, Any] = {name: np.concatenate([getattr(first, name), getattr(then, name)]) for name in COLUMNS}
    return replace(first, **columns)


def test_a_decision_fills_at_the_next_open_and_marks_at_each_close(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 1, 0, 0], make_bars([(100, 101), (102, 104), (103, 105), (110, 90)]))
    assert fills_of(result) == [("buy", 10, 102, "signal"), ("sell", 10, 110, "signal")]
    assert_array_equal(result.equity, [100_000, 100_020, 100_030, 100_080])
    assert_array_equal(result.cash, [100_000, 98_980, 98_980, 100_080])
    assert_allclose(result.exposure, [0, 1040 / 100_020, 1050 / 100_030, 0])
    trade = result.trades[0]
    assert [trade.entry_price, trade.exit_price, trade.net_pnl, trade.bars_held] == [102, 110, 80, 2]
    assert [trade.mae, trade.mfe] == [0.0, pytest.approx(110 / 102 - 1)]
    assert result.final_positions == ()


def test_what_the_last_bar_decides_never_fills(play: Play, make_bars: MakeBars) -> None:
    result = play([0, 1], make_bars([(100, 100), (100, 100)]))
    assert result.fills == ()
    assert result.warnings == ("1 order was still waiting when the bars ended.",)


def test_a_fill_at_the_close_is_called_optimistic(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 0, 0], make_bars([(100, 101), (102, 104), (110, 90)]), fill=FillTiming.CLOSE)
    assert fills_of(result) == [("buy", 10, 101, "signal"), ("sell", 10, 104, "signal")]
    assert result.trades[0].bars_held == 1
    assert "optimistic" in result.warnings[0]


def test_nan_keeps_the_target_and_a_standing_target_makes_no_order(play: Play, make_bars: MakeBars) -> None:
    result = play([1, NAN, 1, NAN, 0.5, 0.5], make_bars([(100, 100)] * 6))
    assert fills_of(result) == [("buy", 10, 100, "signal"), ("sell", 5, 100, "signal")]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        pytest.param("shares:7", (0.5, 3), id="shares are cut towards zero"),
        pytest.param("cash:999", (1, 9), id="rupees are divided by the close"),
        pytest.param("percent:0.5", (1, 500), id="a fraction of equity"),
        pytest.param("percent:0.5", (0.5, 250), id="a fraction of equity, times the target"),
    ],
)
def test_sizing(play: Play, make_bars: MakeBars, size: str, said: tuple[float, float]) -> None:
    result = play([said[0], said[0]], make_bars([(90, 100), (100, 100)]), size=size)
    assert result.final_positions[0].quantity == said[1]


def test_fractional_shares_are_counted_in_millionths(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 0, 0], make_bars([(300, 300), (300, 300), (300, 300)]), size="cash:1000", fractional=True)
    assert [fill.quantity for fill in result.fills] == [Decimal("3.333333")] * 2
    assert result.final_positions == ()


def test_a_quantity_meant_to_be_whole_loses_no_share_to_float_noise(play: Play, make_bars: MakeBars) -> None:
    # 100 * 0.29 is 28.999999999999996 in floats.
    result = play([0.29, 0], make_bars([(10, 10), (10, 10)]), size="shares:100")
    assert fills_of(result) == [("buy", 29, 10, "signal")]


def test_slippage_is_against_us_on_both_sides(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 0, 0], make_bars([(100, 100), (100, 100), (200, 200)]), slippage="bps:10")
    assert [fill.price for fill in result.fills] == [Decimal("100.1"), Decimal("199.8")]
    assert [fill.reference_price for fill in result.fills] == [100, 200]
    assert result.slippage_total == 3
    assert result.traded_notional == Decimal(2999)


def test_nothing_fills_in_a_bar_without_volume_but_absent_volume_is_no_zero(play: Play, make_bars: MakeBars) -> None:
    rows = [(100, 100), (101, 101), (102, 102), (103, 103)]
    assert fills_of(play([1, 1, 1, 1], make_bars(rows, volumes=[5, 0, 0, 5]))) == [("buy", 10, 103, "signal")]
    assert fills_of(play([1, 1, 1, 1], make_bars(rows, volumes=[NAN] * 4))) == [("buy", 10, 101, "signal")]


def test_a_newer_order_takes_the_place_of_a_waiting_one(play: Play, make_bars: MakeBars) -> None:
    rows = [(100, 100), (101, 101), (102, 102), (103, 103)]
    assert fills_of(play([1, 0.5, 0.5, 0.5], make_bars(rows, volumes=[5, 0, 5, 5]))) == [("buy", 5, 102, "signal")]
    assert play([1, 0, 0, 0], make_bars(rows, volumes=[5, 0, 5, 5])).fills == ()


def test_what_cash_cannot_pay_is_cut_and_counted(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 1], make_bars([(100, 100), (110, 110)]), size="percent:1", costs="percent:0.01", capital="10000")
    # 90 shares at 110 cost 9,900 and 99 of charges; 91 would cost 10,010.
    assert result.final_positions[0].quantity == 90
    assert result.cash[-1] == pytest.approx(1.0)
    assert result.warnings == ("1 order was cut to what the cash could pay.",)


def test_cash_to_the_last_paisa_is_enough(play: Play, make_bars: MakeBars) -> None:
    # 0.3 - 0.1 is 0.19999999999999998 in floats.
    bars = [make_bars([(price, price)] * 2, name=name) for name, price in (("NSE:A", 0.1), ("NSE:B", 0.2))]
    assert len(play([1, 1], *bars, capital="0.3", size="shares:1").fills) == 2


def test_what_cash_cannot_pay_at_all_is_not_filled_and_not_tried_again(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 1, 1], make_bars([(100, 100), (110, 110), (1, 1)]), capital="50")
    assert result.fills == ()
    assert result.warnings == ("1 order was not filled, for the cash could not pay one share.",)


def test_delivery_takes_targets_below_zero_as_none(play: Play, make_bars: MakeBars) -> None:
    result = play([-1, 1, -1, -1], make_bars([(100, 100)] * 4))
    assert fills_of(result) == [("buy", 10, 100, "signal"), ("sell", 10, 100, "signal")]
    assert result.warnings == ("3 targets below zero were taken as 0: delivery (CNC) cannot go short.",)


def test_positions_stay_open_at_the_end_and_count_in_equity(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 1, 1], make_bars([(100, 100), (100, 105), (105, 120)]), costs="percent:0.01")
    trade = result.trades[0]
    assert trade.open
    assert trade.exit_reason is None
    assert [float(x) for x in (trade.exit_price, trade.gross_pnl, trade.costs, trade.net_pnl)] == [120, 200, 10, 190]
    assert result.equity[-1] == 100_190
    assert result.final_positions[0].average_price == 100


def test_close_at_end_sells_at_the_last_close_and_pays_for_it(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 1, 1], make_bars([(100, 100), (100, 105), (105, 120)]), costs="percent:0.01", close_at_end=True)
    assert fills_of(result) == [("buy", 10, 100, "signal"), ("sell", 10, 120, "end")]
    assert result.equity[-1] == 100_178
    assert result.trades[0].exit_reason is FillReason.END


def test_close_at_end_does_not_sell_where_nothing_traded(play: Play, make_bars: MakeBars) -> None:
    bars = make_bars([(100, 100), (100, 105), (105, 120)], volumes=[5, 5, 0])
    assert play([1, 1, 1], bars, close_at_end=True).final_positions[0].quantity == 10


def test_intraday_on_daily_bars_is_squared_off_each_close_and_entered_again(play: Play, make_bars: MakeBars) -> None:
    result = play([1, NAN, NAN], make_bars([(100, 100), (101, 103), (104, 102)]), product=Product.MIS)
    day_trades = [("buy", 101, "signal"), ("sell", 103, "square_off"), ("buy", 104, "signal"), ("sell", 102, "square_off")]
    assert fills_of(result) == [(side, 10, price, reason) for side, price, reason in day_trades]
    assert_array_equal(result.equity, [100_000, 100_020, 100_000])
    assert [trade.bars_held for trade in result.trades] == [1, 1]


def test_intraday_may_go_short_and_is_squared_off_in_time(play: Play, make_bars: MakeBars) -> None:
    start = datetime(2024, 5, 6, 14, 45, tzinfo=IST)
    rows = [(100.0, 100.0), (99, 98), (97, 96), (95, 94)]  # 14:45, 15:00, 15:15, 15:30
    result = play([-1, NAN, NAN, NAN], make_bars(rows, start=start, interval=Interval.MINUTE_15), product=Product.MIS)
    assert fills_of(result)[0] == ("sell", 10, 99, "signal")
    square = result.fills[1]
    assert (square.side, square.reason) == (Side.BUY, FillReason.SQUARE_OFF)
    assert square.filled_at == datetime(2024, 5, 6, 15, 30, tzinfo=IST)
    trade = result.trades[0]
    assert trade.direction is Direction.SHORT
    assert trade.gross_pnl == Decimal(40)
    assert [trade.mae, trade.mfe] == [0.0, pytest.approx(1 - 95 / 99)]


def test_no_entry_after_the_square_off_time_until_the_next_session(play: Play, make_bars: MakeBars) -> None:
    start = datetime(2024, 5, 6, 15, 15, tzinfo=IST)
    late = make_bars([(100.0, 100.0), (101.0, 101.0)], start=start, interval=Interval.MINUTE_15)
    morning = make_bars([(102.0, 102.0), (103.0, 103.0)], start=datetime(2024, 5, 7, 9, 15, tzinfo=IST), interval=Interval.MINUTE_15)
    result = play([1, NAN, NAN, NAN], joined(late, morning), product=Product.MIS)
    assert fills_of(result) == [("buy", 10, 102, "signal"), ("sell", 10, 103, "square_off")]


def test_an_intraday_position_nobody_trades_with_is_carried_and_closed_at_the_next_open(play: Play, make_bars: MakeBars) -> None:
    rows = [(100.0, 100.0), (99.0, 98.0), (97.0, 96.0), (95.0, 94.0), (93.0, 92.0)]
    late = make_bars(rows[:3], start=datetime(2024, 5, 6, 14, 45, tzinfo=IST), interval=Interval.MINUTE_15, volumes=[5, 5, 0])
    morning = make_bars(rows[3:], start=datetime(2024, 5, 7, 9, 15, tzinfo=IST), interval=Interval.MINUTE_15)
    result = play([1, NAN, NAN, 0, 0], joined(late, morning), product=Product.MIS)
    assert fills_of(result) == [("buy", 10, 99, "signal"), ("sell", 10, 95, "square_off")]
    assert "1 intraday position was carried overnight: nothing traded in the session's last bar." in result.warnings


def test_a_short_is_backed_in_full_and_its_proceeds_buy_nothing(play: Play, make_bars: MakeBars) -> None:
    start = datetime(2024, 5, 6, 10, 0, tzinfo=IST)
    a = make_bars([(100.0, 100.0)] * 4, name="NSE:A", start=start, interval=Interval.MINUTE_5)
    b = make_bars([(100.0, 100.0)] * 4, name="NSE:B", start=start, interval=Interval.MINUTE_5)
    result = play({"NSE:A": [-1, NAN, NAN, NAN], "NSE:B": [NAN, 1, NAN, NAN]}, a, b, product=Product.MIS, size="shares:60", capital="10000")
    held = {fill.instrument: fill.quantity for fill in result.fills if fill.reason is FillReason.SIGNAL}
    assert held == {"NSE:A": 60, "NSE:B": 40}


def test_a_lost_account_is_closed_and_trades_no_more(play: Play, make_bars: MakeBars) -> None:
    start = datetime(2024, 5, 6, 10, 0, tzinfo=IST)
    rows = [(100.0, 100.0), (100, 100), (250, 250), (260, 260), (100, 100), (100, 100)]
    bars = make_bars(rows, start=start, interval=Interval.MINUTE_5)
    result = play([-1, NAN, NAN, 1, 1, 1], bars, product=Product.MIS, size="shares:100", capital="10000")
    assert fills_of(result) == [("sell", 100, 100, "signal"), ("buy", 100, 260, "risk")]
    assert result.equity[-1] == -6_000
    assert result.exposure[2] == 0.0
    assert result.warnings[0].startswith("The account was lost")


def test_instruments_share_one_account_and_sales_come_first(play: Play, make_bars: MakeBars) -> None:
    a = make_bars([(100, 100), (100, 100), (100, 100)], name="NSE:A")
    b = make_bars([(100, 100), (100, 100), (100, 100)], name="NSE:B")
    result = play({"NSE:A": [0, 1, 1], "NSE:B": [1, 0, 0]}, a, b, capital="1000")
    assert [(fill.instrument, str(fill.side)) for fill in result.fills] == [("NSE:B", "buy"), ("NSE:B", "sell"), ("NSE:A", "buy")]


def test_unequal_calendars_mark_with_the_last_close(play: Play, make_bars: MakeBars) -> None:
    a = make_bars([(100, 100), (100, 110), (100, 120), (100, 130)], name="NSE:A", skip=[2])
    b = make_bars([(50, 50)] * 4, name="NSE:B")
    result = play({"NSE:A": [1, 1, 1], "NSE:B": [0, 0, 0, 0]}, a, b)
    assert_array_equal(result.equity, [100_000, 100_100, 100_100, 100_300])
    assert result.trades[0].bars_held == 2


def test_a_delisted_instrument_never_makes_the_account_undefined(play: Play, make_bars: MakeBars) -> None:
    gone = make_bars([(100, 100), (100, 110)], name="NSE:GONE")
    stays = make_bars([(50, 50)] * 5, name="NSE:STAYS")
    result = play({"NSE:GONE": [1, 1], "NSE:STAYS": [0] * 5}, gone, stays)
    assert_array_equal(result.equity, [100_000, 100_100, 100_100, 100_100, 100_100])
    assert result.trades[0].exit_price == 110


def test_a_bar_with_a_nan_price_counts_as_none(play: Play, make_bars: MakeBars) -> None:
    bars = make_bars([(100, 100), (NAN, 105), (102, 103), (104, 104)])
    result = play([1, 0, NAN, NAN], bars)
    assert fills_of(result) == [("buy", 10, 102, "signal")]
    assert_array_equal(result.equity, [100_000, 100_000, 100_010, 100_020])


def test_zerodha_charges_of_a_delivery_round_trip_are_the_schedule_s(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 0, 0], make_bars([(1000, 1000), (1000, 1000), (1100, 1100)]), costs="zerodha", size="shares:50")
    bought = DayFill(side=Side.BUY, quantity=Decimal(50), price=Decimal(1000))
    sold = DayFill(side=Side.SELL, quantity=Decimal(50), price=Decimal(1100))
    buy = day_charges([bought], on=date(2024, 5, 7), exchange=Exchange.NSE, product=Product.CNC)
    sell = day_charges([sold], on=date(2024, 5, 8), exchange=Exchange.NSE, product=Product.CNC)
    assert [fill.charges for fill in result.fills] == [buy, sell]
    assert result.charges == buy + sell
    assert sell.dp > 0
    assert float(Decimal(str(result.equity[-1])) - (105_000 - result.charges.total)) == pytest.approx(0, abs=1e-6)


def test_same_day_delivery_trades_are_charged_as_intraday(play: Play, make_bars: MakeBars) -> None:
    start = datetime(2024, 5, 6, 10, 0, tzinfo=IST)
    bars = make_bars([(1000.0, 1000.0)] * 4, start=start, interval=Interval.MINUTE_5)
    result = play([1, 0, 0, 0], bars, costs="zerodha")
    orders = [DayFill(side=side, quantity=Decimal(10), price=Decimal(1000)) for side in (Side.BUY, Side.SELL)]
    assert result.charges == day_charges(orders, on=date(2024, 5, 6), exchange=Exchange.NSE, product=Product.CNC)
    assert result.charges.dp == 0


def test_an_index_has_no_schedule_of_charges(play: Play, make_bars: MakeBars) -> None:
    with pytest.raises(BadParameter) as caught:
        play([1, 1], make_bars([(100, 100)] * 2, name="INDEX:SP500"), costs="zerodha")
    assert "percent" in caught.value.hint
    assert play([1, 1], make_bars([(100, 100)] * 2, name="INDEX:SP500"), costs="percent:0.0003").fills


def test_the_simulated_market_pays_nse_s_rates(play: Play, make_bars: MakeBars) -> None:
    rows = [(100, 100)] * 3
    simulated, real = (play([1, 0, 0], make_bars(rows, name=name), costs="zerodha") for name in ("SIM:ACME", "NSE:ACME"))
    assert simulated.charges == real.charges
    assert simulated.charges.total > 0


def test_one_bar_is_enough_for_a_run_without_trades(play: Play, make_bars: MakeBars) -> None:
    result = play([1], make_bars([(100, 100)]))
    assert (len(result.fills), result.equity.tolist(), result.warmup_bars) == (0, [100_000.0], 0)


def test_warm_up_counts_the_bars_before_the_first_decision(walk: Callable[..., Bars]) -> None:
    strategy = load_catalog().get("ema_cross").require()
    result = run(strategy, {"fast": 5, "slow": 20}, [walk(100)], BacktestSettings())
    assert result.warmup_bars == 19


def test_a_failing_strategy_is_named(make_bars: MakeBars) -> None:
    with pytest.raises(StrategyFailed, match="ZeroDivisionError"):
        run(Strategy(title="Broken", targets=lambda _: np.ones(1) * (1 // 0)), {}, [make_bars([(1, 1)])], BacktestSettings())


CROSS = load_catalog().get("ema_cross").require()
SETTINGS = BacktestSettings(size=parse_size("percent:0.9"), costs=parse_costs("zerodha"), slippage=parse_slippage("bps:2"))


def crossed(bars: list[Bars], settings: BacktestSettings = SETTINGS) -> BacktestResult:
    return run(CROSS, {"fast": 3, "slow": 8}, bars, settings)


@pytest.mark.parametrize("product", [Product.CNC, Product.MIS])
@pytest.mark.parametrize("costs", ["zerodha", "percent:0.001", "per-share:0.01,min=20"])
def test_money_is_conserved(walk: Callable[..., Bars], product: Product, costs: str) -> None:
    result = crossed(
        [walk(300, seed=1, name="NSE:A"), walk(300, seed=2, name="NSE:B")], replace(SETTINGS, product=product, costs=parse_costs(costs))
    )
    assert len(result.fills) > 20
    cash = SETTINGS.capital
    for fill in result.fills:
        cash -= fill.quantity * fill.price * (1 if fill.side is Side.BUY else -1) + fill.charges.total
    assert float(cash) == pytest.approx(result.cash[-1], abs=1e-6)
    assert sum(fill.charges.total for fill in result.fills) == result.charges.total
    assert float(sum(trade.costs for trade in result.trades)) == pytest.approx(float(result.charges.total), abs=1e-9)
    assert float(SETTINGS.capital + sum(trade.net_pnl for trade in result.trades)) == pytest.approx(result.equity[-1], abs=1e-6)


def test_every_fill_price_lies_within_its_bar(walk: Callable[..., Bars]) -> None:
    bars = walk(400, seed=3)
    ranges = dict(zip(bars.ts.tolist(), zip(bars.low.tolist(), bars.high.tolist(), strict=True), strict=True))
    for fill in crossed([bars]).fills:
        low, high = ranges[round(fill.filled_at.timestamp() * 1e6)]
        assert low <= float(fill.reference_price) <= high


def test_prices_and_capital_scaled_alike_scale_the_equity(walk: Callable[..., Bars]) -> None:
    settings = replace(SETTINGS, costs=parse_costs("percent:0.001"))
    one = crossed([walk(300, seed=4)], settings)
    double = crossed([walk(300, seed=4, scale=2.0)], replace(settings, capital=settings.capital * 2))
    assert_allclose(double.equity, 2 * one.equity, rtol=1e-12)
    assert [fill.quantity for fill in double.fills] == [fill.quantity for fill in one.fills]


def test_an_instrument_that_never_trades_changes_nothing(walk: Callable[..., Bars]) -> None:
    bars = walk(200, seed=5)
    dead = replace(walk(200, seed=6, name="NSE:DEAD"), volume=np.zeros(200))
    settings = replace(SETTINGS, size=parse_size("shares:10"))
    alone, beside = crossed([bars], settings), crossed([bars, dead], settings)
    assert alone.fills == beside.fills
    assert_array_equal(alone.equity, beside.equity)


def test_higher_costs_never_leave_more(walk: Callable[..., Bars]) -> None:
    finals = [
        crossed([walk(300, seed=7)], replace(SETTINGS, size=parse_size("shares:10"), costs=parse_costs(text))).equity[-1]
        for text in ("none", "percent:0.0005", "percent:0.001", "percent:0.01")
    ]
    assert finals == sorted(finals, reverse=True)


@pytest.mark.parametrize("cut", [1, 50, 123, 299])
def test_the_past_never_changes(walk: Callable[..., Bars], cut: int) -> None:
    bars = walk(300, seed=8)
    whole, part = crossed([bars]), crossed([bars.window(0, cut)])
    assert_array_equal(part.equity, whole.equity[:cut])
    assert part.fills == whole.fills[: len(part.fills)]


@given(seed=st.integers(0, 10_000), product=st.sampled_from([Product.CNC, Product.MIS]), at_close=st.booleans())
@settings(max_examples=60)
def test_the_compiled_loop_gives_the_same_bits(seed: int, product: Product, *, at_close: bool) -> None:
    rng = np.random.default_rng(seed)
    n = 120
    stamps = np.array([int(datetime(2024, 5, 6 + k // 40, 9, 15, tzinfo=IST).timestamp()) + 600 * (k % 40) for k in range(n)]) * 1_000_000
    bars = []
    for name in ("NSE:A", "NSE:B")[: 1 + seed % 2]:
        close = np.round(300 * np.exp(np.cumsum(rng.normal(0, 0.02, n))), 2)
        open_ = np.round(close * np.exp(rng.normal(0, 0.01, n)), 2)
        volume = np.where(rng.random(n) < 0.1, 0.0, 100.0)
        columns = {"open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close), "close": close, "oi": volume}
        bars.append(Bars(instrument=InstrumentId(name), interval=Interval.MINUTE_10, ts=stamps, volume=volume, **columns))
    targets = rng.choice([-1.0, 0.0, 0.5, 1.0, NAN], n)
    timing = FillTiming.CLOSE if at_close else FillTiming.NEXT_OPEN
    chosen = replace(SETTINGS, product=product, fill=timing, fractional=bool(seed % 3 == 0), close_at_end=bool(seed % 5 == 0))
    timeline = gather(Strategy(title="Said", targets=lambda _: targets), {}, bars)
    table = term_table(timeline, [PLAIN] * len(bars))
    market = market_of(timeline, session_phases(timeline, Interval.MINUTE_10, chosen), chosen, table)
    rules, room = rules_of(timeline, chosen, table), Room(fills=512, orders=64, events=512)
    plain, compiled = (play_once(market, rules, 100_000.0, compiled=flag, room=room) for flag in (False, True))
    for column in ("raw", "log", "account", "equity", "cash"):
        assert_array_equal(getattr(plain, column), getattr(compiled, column))


def test_more_fills_than_foreseen_start_the_loop_over_with_more_room(make_bars: MakeBars) -> None:
    n = 2000
    bars = make_bars([(100, 100)] * n)
    wanted: Floats = np.arange(n) % np.float64(2.0)
    result = run(Strategy(title="Restless", targets=lambda _: wanted), {}, [bars], replace(SETTINGS, costs=parse_costs("none")))
    assert len(result.fills) == n - 2
