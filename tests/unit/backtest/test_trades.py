from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.conftest import make_bars as bars_of
from tests.unit.backtest.conftest import play as run_of

from qts.backtest import BacktestResult, FillTiming
from qts.core import IST, Bars, Direction, FillReason, Interval, Product, micros_of

Play = Callable[..., BacktestResult]
MakeBars = Callable[..., Bars]
MORNING = datetime(2024, 5, 6, 10, 0, tzinfo=IST)


def test_a_turn_is_one_fill_and_two_trades_that_share_it(play: Play, make_bars: MakeBars) -> None:
    rows = [(100.0, 100.0), (100, 100), (110, 110), (104, 104), (104, 104)]
    bars = make_bars(rows, start=MORNING, interval=Interval.MINUTE_5)
    result = play([1, -1, 0, 0, 0], bars, product=Product.MIS, costs="percent:0.001")
    assert [(str(fill.side), float(fill.quantity), float(fill.price)) for fill in result.fills] == [
        ("buy", 10, 100),
        ("sell", 20, 110),
        ("buy", 10, 104),
    ]
    long, short = result.trades
    assert [float(long.gross_pnl), float(short.gross_pnl)] == [100, 60]
    assert (long.costs, short.costs) == (Decimal("2.1"), Decimal("2.14"))
    assert long.costs + short.costs == result.charges.total
    assert result.equity[-1] == pytest.approx(100_160 - 4.24)


def test_scale_in_and_partial_exit_average_their_prices(play: Play, make_bars: MakeBars) -> None:
    rows = [(100.0, 100.0), (100, 100), (200, 200), (300, 300), (400, 400)]
    result = play([0.5, 1, 0.3, 0, 0], make_bars(rows))
    trade = result.trades[0]
    assert len(result.trades) == 1
    assert [float(trade.quantity), float(trade.entry_price)] == [10, 150]
    assert trade.exit_price == Decimal(330)
    assert trade.gross_pnl == 1800
    assert result.equity[-1] == 101_800


def test_an_open_trade_partly_left_is_marked_for_the_rest(play: Play, make_bars: MakeBars) -> None:
    rows = [(100.0, 100.0), (100, 100), (110, 110), (110, 130)]
    result = play([1, 0.4, 0.4, 0.4], make_bars(rows))
    (trade,) = result.trades
    assert trade.open
    assert trade.gross_pnl == 6 * 10 + 4 * 30
    assert trade.exit_price == Decimal(118)
    (position,) = result.final_positions
    assert [float(position.quantity), float(position.average_price)] == [4, 100]
    assert result.equity[-1] == 100_000 + trade.net_pnl


def test_a_short_s_excursions_are_turned_round(play: Play, make_bars: MakeBars) -> None:
    rows = [(100.0, 100.0), (100, 120), (80, 80), (90, 90), (90, 90)]
    result = play([-1, -1, 0, 0, 0], make_bars(rows, start=MORNING, interval=Interval.MINUTE_5), product=Product.MIS)
    trade = result.trades[0]
    assert trade.direction is Direction.SHORT
    assert [trade.mae, trade.mfe] == [pytest.approx(-0.2), pytest.approx(0.2)]
    assert trade.return_ == pytest.approx(0.1)
    assert trade.bars_held == 2


def test_average_prices_without_an_end_are_cut_to_twelve_decimals(play: Play, make_bars: MakeBars) -> None:
    rows = [(100.0, 100.0), (100, 100), (101, 101), (105, 105)]
    trade = play([0.2, 0.3, 0.3, 0.3], make_bars(rows)).trades[0]
    assert trade.entry_price == Decimal("100.333333333333")
    assert trade.gross_pnl == 14


def test_trades_of_several_instruments_come_in_the_order_of_their_entries(play: Play, make_bars: MakeBars) -> None:
    a = make_bars([(100, 100)] * 5, name="NSE:A")
    b = make_bars([(50, 50)] * 5, name="NSE:B")
    result = play({"NSE:A": [0, 1, 0, 0, 0], "NSE:B": [1, 0, 1, 1, 1]}, a, b)
    assert [(trade.instrument, trade.open) for trade in result.trades] == [("NSE:B", False), ("NSE:A", False), ("NSE:B", True)]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), at_close=st.booleans())
def test_what_was_held_through_is_read_from_the_trade_s_own_bars(seed: int, *, at_close: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 14))
    names = ["NSE:A", "NSE:B"]
    series = [
        bars_of(
            [(float(a), float(b)) for a, b in rng.integers(50, 150, (n, 2))],
            name=name,
            start=MORNING,
            interval=Interval.MINUTE_5,
            skip=[k for k in range(1, n) if rng.random() < 0.2],
        )
        for name in names
    ]
    targets = {name: rng.choice([-1.0, 0.0, 0.5, 1.0], n).tolist() for name in names}
    fill = FillTiming.CLOSE if at_close else FillTiming.NEXT_OPEN
    result = run_of(targets, *series, product=Product.MIS, fill=fill, capital="1000000")
    end = int(result.ts[-1]) + 1
    for trade in result.trades:
        bars = series[names.index(trade.instrument)]
        # A fill at a bar's open is held through it, one at its close from the next bar on: so are those of a session's end.
        begin = micros_of(trade.entry_at) + at_close
        after = micros_of(trade.exit_at) + (at_close or trade.exit_reason is FillReason.SQUARE_OFF)
        kept = (bars.ts >= begin) & (bars.ts < (end if trade.open else after))
        down, up = (
            (min if is_low else max)([*column[kept], float(trade.exit_price)]) for is_low, column in ((1, bars.low), (0, bars.high))
        )
        moves = [price / float(trade.entry_price) - 1.0 for price in (down, up)]
        worst, best = moves if trade.direction is Direction.LONG else [-moves[1], -moves[0]]
        assert (trade.bars_held, trade.mae, trade.mfe) == (kept.sum(), min(worst, 0.0), max(best, 0.0))
