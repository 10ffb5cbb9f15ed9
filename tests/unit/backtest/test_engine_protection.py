from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal

from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, playing, run
from qts.backtest.inputs import gather
from qts.backtest.phases import session_phases
from qts.backtest.playing import Room, market_of, play_once, rules_of
from qts.backtest.settings import Protection, RiskLimits
from qts.backtest.terms import PLAIN, term_table
from qts.core import IST, Bars, InstrumentId, Interval, Product, Side, micros_of
from qts.strategies import Context, Strategy

NAN = math.nan
MakeBars = Callable[..., Bars]
Says = Callable[..., Strategy]
FREE = BacktestSettings(
    capital=Decimal(100_000), size=parse_size("shares:10"), costs=parse_costs("none"), slippage=parse_slippage("none"), product=Product.CNC
)


def shaped(make_bars: MakeBars, rows: Sequence[tuple[float, float, float, float]], **given: Any) -> Bars:
    """Bars of (open, high, low, close)."""
    bars = make_bars([(open_, close) for open_, _, _, close in rows], **given)
    high, low = (np.array([row[side] for row in rows], dtype=np.float64) for side in (1, 2))
    return replace(bars, high=high, low=low)


def guarded(says: Says, targets: Sequence[float], bars: Bars, **changes: Any) -> BacktestResult:
    protection = Protection(**{name: Decimal(changes.pop(name)) for name in ("stop_loss", "take_profit", "trailing") if name in changes})
    return run(says(targets), {}, [bars], replace(FREE, protection=protection, **changes))


def fills_of(result: BacktestResult) -> list[tuple[str, float, float, str]]:
    return [(str(fill.side), float(fill.quantity), float(fill.price), str(fill.reason)) for fill in result.fills]


def test_a_stop_loss_fills_at_its_level_where_the_bar_trades_through_it(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 94, 97), (97, 98, 96, 97)])
    assert fills_of(guarded(says, [1, 1, 1, 1], bars, stop_loss="0.05")) == [("buy", 10, 100, "signal"), ("sell", 10, 95, "stop_loss")]


def test_a_gapped_stop_fills_at_the_open(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 101, 99, 100), (100, 101, 99, 100), (90, 92, 88, 91), (91, 92, 90, 91)])
    assert fills_of(guarded(says, [1, 1, 1, 1], bars, stop_loss="0.05"))[1] == ("sell", 10, 90, "stop_loss")


def test_a_stop_inside_the_entry_bar_is_not_ignored(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 101, 99, 100), (100, 101, 94, 100), (100, 101, 99, 100)])
    result = guarded(says, [1, 1, 1], bars, stop_loss="0.05")
    assert fills_of(result) == [("buy", 10, 100, "signal"), ("sell", 10, 95, "stop_loss")]
    assert result.fills[0].filled_at == result.fills[1].filled_at


def test_a_target_fills_only_where_the_price_trades_through_it(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 101, 99, 100), (100, 105, 99, 104), (104, 105, 103, 104), (104, 105.05, 103, 104)])
    result = guarded(says, [1, 1, 1, 1], bars, take_profit="0.05")
    assert fills_of(result)[1] == ("sell", 10, 105, "take_profit")
    assert result.fills[1].filled_at.date().day == 9


def test_a_target_gapped_over_fills_at_the_better_open(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 101, 99, 100), (100, 101, 99, 100), (110, 111, 109, 110)])
    assert fills_of(guarded(says, [1, 1, 1], bars, take_profit="0.05"))[1] == ("sell", 10, 110, "take_profit")


def test_where_a_bar_reaches_both_the_stop_comes_first_and_ends_the_target(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 101, 99, 100), (100, 101, 99, 100), (100, 110, 90, 100), (100, 110, 90, 100)])
    result = guarded(says, [1, 1, 1, 1], bars, stop_loss="0.05", take_profit="0.05")
    assert fills_of(result) == [("buy", 10, 100, "signal"), ("sell", 10, 95, "stop_loss")]
    assert [(str(event.status), event.reason) for event in result.order_events] == [("cancelled", "oco")]


def test_a_trailing_stop_follows_the_highs_and_acts_at_the_level_known_before_the_bar(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 100, 100, 100), (100, 110, 96, 110), (110, 120, 106, 108), (109, 109, 100, 101)])
    result = guarded(says, [1, 1, 1, 1], bars, trailing="0.1")
    # Levels: 90 in the bar of the entry, 99 after it, 108 after the next.
    assert fills_of(result)[1] == ("sell", 10, 108, "trailing_stop")


def test_after_a_stop_there_is_no_entry_until_the_target_changes(says: Says, make_bars: MakeBars) -> None:
    flat = (100.0, 101.0, 99.0, 100.0)
    bars = shaped(make_bars, [flat, flat, (100, 101, 90, 100), flat, flat, flat, flat])
    result = guarded(says, [1, NAN, 1, 1, 0, 1, 1], bars, stop_loss="0.05")
    assert [fill[0] for fill in fills_of(result)] == ["buy", "sell", "buy"]
    assert result.fills[2].filled_at.date().day == 12


def test_protections_of_a_short_are_mirrored(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(
        make_bars, [(100, 101, 99, 100), (100, 101, 99, 100), (100, 106, 99, 100), (100, 101, 99, 100)], interval=Interval.MINUTE_5
    )
    result = guarded(says, [-1, -1, -1, -1], bars, stop_loss="0.05", take_profit="0.05", product=Product.MIS)
    assert fills_of(result)[:2] == [("sell", 10, 100, "signal"), ("buy", 10, 105, "stop_loss")]


def test_a_grown_position_is_guarded_from_its_new_average(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 100, 100, 100), (100, 100, 100, 100), (110, 110, 110, 110), (110, 110, 90, 95), (95, 96, 94, 95)])
    result = guarded(says, [0.5, 1, 1, 1, 1], bars, stop_loss="0.1")
    assert fills_of(result)[-1] == ("sell", 10, 94.5, "stop_loss")


def test_a_sale_of_half_leaves_half_guarded(says: Says, make_bars: MakeBars) -> None:
    flat = (100.0, 101.0, 99.0, 100.0)
    bars = shaped(make_bars, [flat, flat, flat, (100, 101, 90, 100), flat])
    result = guarded(says, [1, 0.5, 0.5, 0.5, 0.5], bars, stop_loss="0.05")
    assert fills_of(result)[1:] == [("sell", 5, 100, "signal"), ("sell", 5, 95, "stop_loss")]
    assert result.final_positions == ()


def test_filling_at_the_close_guards_from_the_next_bar_on(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 101, 90, 100), (100, 101, 94, 100), (100, 101, 99, 100)])
    result = guarded(says, [1, 1, 1], bars, stop_loss="0.05", fill=FillTiming.CLOSE)
    assert fills_of(result) == [("buy", 10, 100, "signal"), ("sell", 10, 95, "stop_loss")]
    assert result.fills[1].filled_at > result.fills[0].filled_at


def test_a_stop_slips_and_a_target_does_not(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 100, 100, 100), (100, 100, 100, 100), (100, 120, 100, 100)])
    slipped = parse_slippage("half-spread:0.1")
    target = guarded(says, [1, 1, 1], bars, take_profit="0.1", slippage=slipped)
    assert [float(fill.price) for fill in target.fills] == [100.1, 110.11]
    down = shaped(make_bars, [(100, 100, 100, 100), (100, 100, 100, 100), (100, 100, 80, 100)])
    stop = guarded(says, [1, 1, 1], down, stop_loss="0.1", slippage=slipped)
    assert [float(fill.price) for fill in stop.fills] == [100.1, 89.99]


def test_a_day_that_loses_too_much_ends_at_the_next_open_and_begins_anew_the_next_day(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 100, 100, 100), (100, 100, 80, 80), (79, 79, 79, 79), (78, 78, 78, 78), (77, 77, 77, 77)])
    result = run(says([1] * 5), {}, [bars], replace(FREE, size=parse_size("shares:500"), limits=RiskLimits(daily_loss=Decimal("0.05"))))
    assert [(fill[0], fill[2], fill[3]) for fill in fills_of(result)][:2] == [("buy", 100, "signal"), ("sell", 79, "risk")]
    assert result.fills[2].side is Side.BUY


def test_a_drawdown_stop_is_for_good(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 100, 100, 100), (100, 100, 80, 80), (79, 79, 79, 79), (78, 78, 78, 78), (77, 77, 77, 77)])
    settings_ = replace(FREE, size=parse_size("shares:500"), limits=RiskLimits(max_drawdown=Decimal("0.05")))
    result = run(says([1, 1, 0, 1, 1]), {}, [bars], settings_)
    assert [(fill[0], fill[2], fill[3]) for fill in fills_of(result)] == [("buy", 100, "signal"), ("sell", 79, "risk")]


def test_a_position_limit_cuts_what_opens_and_says_so(says: Says, make_bars: MakeBars) -> None:
    bars = shaped(make_bars, [(100, 100, 100, 100)] * 3)
    limited = replace(FREE, size=parse_size("shares:500"), limits=RiskLimits(max_position=Decimal("0.1")))
    result = run(says([1, 1, 1]), {}, [bars], limited)
    assert fills_of(result) == [("buy", 100, 100, "signal")]
    event = result.order_events[0]
    assert (str(event.status), event.reason, int(event.quantity), int(event.filled)) == ("cut", "position_limit", 500, 100)


@pytest.mark.parametrize("product", [Product.CNC, Product.MIS])
def test_both_loops_agree_on_a_run_of_targets_alone(walk: Callable[..., Bars], says: Says, product: Product) -> None:
    bars = [walk(200, seed=1, name="NSE:A"), walk(200, seed=2, name="NSE:B")]
    targets = np.random.default_rng(3).choice([-1.0, 0.0, 0.5, 1.0, NAN], 200)
    chosen = replace(FREE, product=product, costs=parse_costs("zerodha"))
    timeline = gather(says(targets), {}, bars)
    table = term_table(timeline, [PLAIN, PLAIN])
    market, rules = market_of(timeline, session_phases(timeline, Interval.DAY, chosen), chosen, table), rules_of(timeline, chosen, table)
    room = Room(fills=2000, orders=64, events=512)
    # A limit that nothing reaches takes the loop with the book.
    one, other = (play_once(market, rules._replace(max_drawdown=far), 100_000.0, compiled=False, room=room) for far in (0.0, 0.999))
    assert len(one.raw) > 50
    for column in ("raw", "equity", "cash"):
        assert_array_equal(getattr(one, column), getattr(other, column))


@given(seed=st.integers(0, 10_000), stop=st.sampled_from(["0", "0.01", "0.03"]), target=st.sampled_from(["0", "0.02"]))
@settings(max_examples=30)
def test_guarded_runs_keep_the_laws_of_money_and_prices(seed: int, stop: str, target: str) -> None:
    rng = np.random.default_rng(seed)
    n = 80
    bars = random_bars(rng, n)
    said: Any = rng.choice([0.0, 0.5, 1.0, NAN], n)
    chosen = replace(
        FREE,
        costs=parse_costs("zerodha"),
        protection=Protection(stop_loss=Decimal(stop), take_profit=Decimal(target), trailing=Decimal("0.02") if seed % 2 else Decimal(0)),
        slippage=parse_slippage(["none", "bps:3", "half-spread:0.05", "ticks:1", "volume-share:0.1"][seed % 5]),
    )
    strategy = Strategy(title="Said", targets=lambda _: said)
    results = []
    for is_compiled in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(playing, "prefers_compiled", lambda _, flag=is_compiled: flag)
            results.append(run(strategy, {}, [bars], chosen))
    result, compiled = results
    assert_array_equal(result.equity, compiled.equity)
    assert result.fills == compiled.fills
    assert result.order_events == compiled.order_events
    cash, position = FREE.capital, Decimal(0)
    at = {int(ts): k for k, ts in enumerate(bars.ts)}
    for fill in result.fills:
        sign = 1 if fill.side is Side.BUY else -1
        cash -= sign * fill.quantity * fill.price + fill.charges.total
        position += sign * fill.quantity
        k = at[round(fill.filled_at.timestamp() * 1e6)]
        assert bars.low[k] <= float(fill.reference_price) <= bars.high[k]
        assert bars.volume[k] > 0
        assert position >= 0
    assert float(cash) == pytest.approx(result.cash[-1], abs=1e-6)
    assert float(cash) + float(position) * bars.close[-1] == pytest.approx(result.equity[-1], abs=1e-6)
    assert all(one.filled_at <= then.filled_at for one, then in pairwise(result.fills))


def random_bars(rng: np.random.Generator, n: int) -> Bars:
    close = np.round(300 * np.exp(np.cumsum(rng.normal(0, 0.02, n))), 2)
    open_ = np.round(close * np.exp(rng.normal(0, 0.01, n)), 2)
    high = np.round(np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 0.01, n))), 2)
    low = np.round(np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 0.01, n))), 2)
    start = datetime(2024, 5, 6, 9, 15, tzinfo=IST)
    return Bars(
        instrument=InstrumentId("NSE:A"),
        interval=Interval.MINUTE_10,
        ts=np.array([micros_of(start + timedelta(days=k // 36, minutes=10 * (k % 36))) for k in range(n)], dtype=np.int64),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=np.where(rng.random(n) < 0.1, 0.0, np.round(rng.uniform(20, 200, n))),
        oi=np.full(n, NAN),
    )


@pytest.mark.parametrize("fill", list(FillTiming))
def test_an_order_of_on_bar_is_guarded_too_and_from_where_in_the_bar_it_filled(make_bars: MakeBars, fill: FillTiming) -> None:
    # A limit of 98 fills inside the bar. Its stop at 96.04 may act in that bar, its target at 102.9 only from the next one on.
    def on_bar(context: Context) -> None:
        if context.bar == 0:
            context.instrument.buy(10, limit=98.0)

    def played(low: float, **fractions: str) -> list[tuple[str, float, float, str]]:
        bars = shaped(make_bars, [(100, 101, 99, 100), (100, 110, low, 105), (104, 106, 103, 105)])
        protection = Protection(**{name: Decimal(text) for name, text in fractions.items()})
        chosen = replace(FREE, protection=protection, fill=fill)
        return fills_of(run(Strategy(title="Limited", on_bar=on_bar), {}, [bars], chosen))

    bought = ("buy", 10, 98, "signal")
    assert played(95.0, stop_loss="0.02") == [bought, ("sell", 10, 96.04, "stop_loss")]
    assert played(97.0, take_profit="0.05") == [bought, ("sell", 10, 104, "take_profit")]
