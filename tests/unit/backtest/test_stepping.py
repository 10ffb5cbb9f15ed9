"""Orders bar by bar: what fills, at what price, and what a strategy is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, run
from qts.core import IST, Bars, Interval, Product
from qts.core.errors import BadParameter, StrategyFailed
from qts.strategies import Context, OrderHandle, OrderState, Param, Strategy

# open, high, low, close
Candle = tuple[float, float, float, float]
Orders = Mapping[int, Callable[[Context], Any]]
FLAT = (100.0, 101.0, 99.0, 100.0)


def scripted(orders: Orders) -> Strategy:
    """Return a strategy that does at each bar what a script says."""

    def on_bar(context: Context) -> None:
        act = orders.get(context.bar)
        if act is not None:
            act(context)

    return Strategy(title="Scripted", on_bar=on_bar)


@pytest.fixture
def play(candles: Callable[..., Bars]) -> Callable[..., BacktestResult]:
    def of(rows: Sequence[Candle], orders: Orders, **options: Any) -> BacktestResult:
        made = {name: options.pop(name) for name in ("interval", "start", "volumes") if name in options}
        settings = BacktestSettings(
            capital=Decimal(options.pop("capital", 100_000)),
            size=parse_size(options.pop("size", "shares:10")),
            costs=parse_costs(options.pop("costs", "none")),
            slippage=parse_slippage(options.pop("slippage", "none")),
            **options,
        )
        return run(scripted(orders), {}, [candles(rows, **made)], settings)

    return of


Play = Callable[..., BacktestResult]


def told(result: BacktestResult) -> list[tuple[str, float, float, str]]:
    return [
        (f"{fill.filled_at:%d}", float(fill.quantity if fill.side == "buy" else -fill.quantity), float(fill.price), str(fill.reason))
        for fill in result.fills
    ]


def test_a_market_order_fills_at_the_next_open(play: Play) -> None:
    result = play([FLAT, (102.0, 103.0, 101.0, 102.5), FLAT], {0: lambda context: context.instrument.buy(10)})
    assert told(result) == [("07", 10.0, 102.0, "signal")]
    assert result.equity.tolist() == [100_000.0, 100_005.0, 99_980.0]


@pytest.mark.parametrize(
    ("candle", "price"),
    [
        pytest.param((100.0, 101.0, 97.9, 99.0), 98.0, id="traded through"),
        pytest.param((97.0, 101.0, 96.0, 99.0), 97.0, id="gapped better"),
        pytest.param((100.0, 101.0, 98.0, 99.0), None, id="only touched"),
        pytest.param((100.0, 101.0, 98.5, 99.0), None, id="never reached"),
    ],
)
def test_a_limit_fills_when_the_bar_trades_through_it(play: Play, candle: Candle, price: float | None) -> None:
    result = play([FLAT, candle, FLAT], {0: lambda context: context.instrument.buy(10, limit=98.0)})
    assert [row[2] for row in told(result)][:1] == ([] if price is None else [price])


@pytest.mark.parametrize(
    ("candle", "price"),
    [
        pytest.param((100.0, 103.0, 99.0, 102.0), 102.0, id="reached"),
        pytest.param((105.0, 106.0, 104.0, 105.0), 105.0, id="gapped through"),
        pytest.param((100.0, 101.9, 99.0, 101.0), None, id="not reached"),
    ],
)
def test_a_stop_fills_at_its_level_or_at_a_worse_open(play: Play, candle: Candle, price: float | None) -> None:
    result = play([FLAT, candle, FLAT], {0: lambda context: context.instrument.buy(10, stop=102.0)})
    assert [row[2] for row in told(result)][:1] == ([] if price is None else [price])


def test_a_stop_limit_that_gaps_beyond_its_limit_waits_for_it(play: Play) -> None:
    rows = [FLAT, (110.0, 111.0, 103.0, 110.0), (110.0, 111.0, 104.0, 110.0), FLAT]
    result = play(rows, {0: lambda context: context.instrument.buy(10, stop=102.0, limit=105.0)})
    assert told(result) == [("08", 10.0, 105.0, "signal")]


def test_a_bracket_protects_in_the_very_bar_of_its_entry(play: Play) -> None:
    rows = [FLAT, (100.0, 101.0, 94.0, 99.0), FLAT]
    result = play(rows, {0: lambda context: context.instrument.buy(10, stop_loss=95.0, take_profit=110.0)})
    assert told(result) == [("07", 10.0, 100.0, "signal"), ("07", -10.0, 95.0, "stop_loss")]


def test_stop_and_target_in_one_bar_take_the_stop(play: Play) -> None:
    rows = [FLAT, FLAT, (100.0, 111.0, 94.0, 99.0), FLAT]
    result = play(rows, {0: lambda context: context.instrument.buy(10, stop_loss=95.0, take_profit=110.0)})
    assert told(result)[1:] == [("08", -10.0, 95.0, "stop_loss")]
    assert [(event.status, event.reason) for event in result.order_events] == [("cancelled", "oco")]


def test_a_trailing_stop_follows_the_highs_of_closed_bars(play: Play) -> None:
    rows = [FLAT, FLAT, (100.0, 120.0, 99.0, 118.0), (118.0, 119.0, 107.0, 110.0), FLAT]
    orders = {0: lambda context: context.instrument.buy(10), 1: lambda context: context.instrument.trail(10, fraction=0.1)}
    # 120 less a tenth: known after the bar that made the high, and hit in the next.
    assert told(play(rows, orders))[1:] == [("09", -10.0, 108.0, "trailing_stop")]


def test_a_day_order_ends_with_its_session(play: Play) -> None:
    kept: list[OrderHandle] = []
    rows = [FLAT, FLAT, (100.0, 101.0, 90.0, 100.0)]
    result = play(rows, {0: lambda context: kept.append(context.instrument.buy(10, limit=95.0, is_day=True))})
    assert told(result) == []
    assert kept[0].report.state is OrderState.EXPIRED
    assert [event.status for event in result.order_events] == ["expired"]


def test_a_cancelled_order_never_fills_and_a_replaced_one_does(play: Play) -> None:
    kept: list[OrderHandle] = []

    def replace(_: Context) -> None:
        assert kept[0].is_working
        kept.append(kept[0].replace(limit=97.0))

    rows = [FLAT, FLAT, (100.0, 101.0, 96.0, 100.0)]
    result = play(rows, {0: lambda context: kept.append(context.instrument.buy(10, limit=95.0)), 1: replace})
    assert told(result) == [("08", 10.0, 97.0, "signal")]
    assert [order.report.state for order in kept] == [OrderState.CANCELLED, OrderState.FILLED]
    assert kept[1].report.filled == 10.0


def test_a_short_in_delivery_is_refused_with_its_reason(play: Play) -> None:
    kept: list[OrderHandle] = []
    result = play([FLAT] * 3, {0: lambda context: kept.append(context.instrument.sell(10))})
    assert told(result) == []
    assert (kept[0].report.state, kept[0].report.reason) == (OrderState.REJECTED, "no_short_in_delivery")
    assert [(str(event.status), event.reason, int(event.quantity)) for event in result.order_events] == [
        ("rejected", "no_short_in_delivery", 10)
    ]


def test_what_is_offered_already_cannot_be_sold_again(play: Play) -> None:
    orders = {
        0: lambda context: context.instrument.buy(10),
        1: lambda context: context.instrument.sell(10, limit=110.0),
        2: lambda context: context.instrument.sell(5, limit=112.0),
    }
    result = play([FLAT] * 4, orders)
    assert [event.reason for event in result.order_events] == ["no_short_in_delivery"]


@pytest.mark.parametrize(("stop", "is_refused"), [(99.0, True), (100.0, True), (101.0, False)])
def test_a_buy_stop_below_the_market_is_refused(play: Play, stop: float, *, is_refused: bool) -> None:
    result = play([FLAT] * 2, {0: lambda context: context.instrument.buy(10, stop=stop)})
    assert [event.reason for event in result.order_events] == (["stop_on_wrong_side"] if is_refused else [])


@pytest.mark.parametrize("quantity", [float("nan"), float("inf"), None])
def test_a_quantity_that_is_no_number_stops_the_run_with_its_name(play: Play, quantity: float) -> None:
    with pytest.raises(BadParameter, match="quantity"):
        play([FLAT] * 3, {0: lambda context: context.instrument.buy(quantity)})


@pytest.mark.parametrize("quantity", [0, -5, 1.5])
def test_a_quantity_that_cannot_be_traded_is_refused(play: Play, quantity: float) -> None:
    result = play([FLAT] * 3, {0: lambda context: context.instrument.buy(quantity)})
    assert [event.reason for event in result.order_events] == ["zero_quantity" if quantity <= 0 else "not_lot_multiple"]


def test_an_order_beyond_the_cash_is_cut_and_told(play: Play) -> None:
    result = play([FLAT] * 3, {0: lambda context: context.instrument.buy(5000)})
    assert told(result) == [("07", 1000.0, 100.0, "signal")]
    assert [(str(event.status), int(event.quantity), int(event.filled)) for event in result.order_events] == [("cut", 5000, 1000)]


def test_a_held_quantity_is_one_order_for_the_difference(play: Play) -> None:
    orders = {
        0: lambda context: context.instrument.hold(30),
        2: lambda context: context.instrument.hold(10),
        4: lambda context: context.instrument.hold(0),
    }
    assert [row[1] for row in told(play([FLAT] * 6, orders))] == [30.0, -20.0, -10.0]


def test_a_target_is_sized_as_the_settings_say(play: Play) -> None:
    orders = {
        0: lambda context: context.instrument.target(0.5),
        2: lambda context: context.instrument.target(0.5),
        3: lambda context: context.instrument.target(0.0),
    }
    result = play([FLAT] * 6, orders, size="percent:0.5")
    assert [row[1] for row in told(result)] == [250.0, -250.0]


def test_the_strategy_sees_its_account_and_position(play: Play) -> None:
    seen: list[tuple[float, float, float, float]] = []

    def look(context: Context) -> None:
        item = context.instrument
        seen.append((item.position, item.average_price, context.cash, context.equity))

    rows = [FLAT, (102.0, 103.0, 101.0, 102.5), FLAT]
    play(rows, {0: lambda context: context.instrument.buy(10), 1: look, 2: look})
    assert seen == [(10.0, 102.0, 98_980.0, 100_005.0), (10.0, 102.0, 98_980.0, 99_980.0)]


def test_filling_at_the_close_fills_market_orders_at_the_deciding_close(play: Play) -> None:
    orders = {0: lambda context: context.instrument.buy(10), 1: lambda context: context.instrument.sell(10, limit=105.0)}
    rows = [FLAT, (100.0, 106.0, 99.0, 100.0), (100.0, 106.0, 99.0, 100.0)]
    assert told(play(rows, orders, fill=FillTiming.CLOSE)) == [("06", 10.0, 100.0, "signal"), ("08", -10.0, 105.0, "signal")]


def test_an_intraday_entry_after_the_square_off_is_refused(play: Play) -> None:
    start = datetime(2024, 5, 6, 15, 0, tzinfo=IST)
    result = play(
        [FLAT] * 30,
        {0: lambda context: context.instrument.buy(10), 25: lambda context: context.instrument.buy(10)},
        product=Product.MIS,
        interval=Interval.MINUTE_1,
        start=start,
    )
    assert [(f"{fill.filled_at:%H:%M}", str(fill.reason)) for fill in result.fills] == [("15:01", "signal"), ("15:20", "square_off")]
    assert [event.reason for event in result.order_events] == ["market_closed"]


def test_a_strategy_that_raises_is_named_with_its_line(play: Play) -> None:
    with pytest.raises(StrategyFailed, match="ZeroDivisionError") as caught:
        play([FLAT] * 3, {1: lambda context: 1 / (context.bar - 1)})
    assert caught.value.line is not None


def test_parameters_reach_the_strategy(candles: Callable[..., Bars]) -> None:
    strategy = Strategy(
        title="Buys", params={"shares": Param(10, low=1)}, on_bar=lambda context: context.instrument.hold(float(context.params["shares"]))
    )
    result = run(strategy, {"shares": "25"}, [candles([FLAT] * 3)], BacktestSettings(costs=parse_costs("none")))
    assert [fill.quantity for fill in result.fills] == [25]


@pytest.mark.parametrize("quantity", [np.int64(10), np.float64(10.0), np.float32(10.0)])
def test_quantities_out_of_arrays_are_taken(play: Play, quantity: Any) -> None:
    asked: Orders = {0: lambda context: context.instrument.buy(quantity), 1: lambda context: context.instrument.hold(quantity * 2)}
    assert told(play([FLAT] * 3, asked)) == [("07", 10.0, 100.0, "signal"), ("08", 10.0, 100.0, "signal")]


@pytest.mark.parametrize("quantity", [10**400, "10", float("nan"), float("inf"), Decimal(10)])
def test_a_quantity_that_is_no_number_is_refused(play: Play, quantity: Any) -> None:
    with pytest.raises(BadParameter, match="is not a number"):
        play([FLAT] * 2, {0: lambda context: context.instrument.buy(quantity)})


def test_reports_of_old_orders_stay_with_them_when_their_places_are_used_again(play: Play) -> None:
    orders: list[OrderHandle] = []
    states: list[list[OrderState]] = []

    def act(context: Context) -> None:
        if orders and orders[-1].is_working:
            orders[-1].cancel()
        if context.bar < 3:
            orders.append(context.instrument.buy(1, limit=50.0 if context.bar else 150.0))
        states.append([order.report.state for order in orders])

    play([FLAT] * 4, dict.fromkeys(range(4), act))
    done = [OrderState.FILLED, OrderState.CANCELLED, OrderState.CANCELLED]
    assert states == [[OrderState.WORKING], [done[0], OrderState.WORKING], [*done[:2], OrderState.WORKING], done]
