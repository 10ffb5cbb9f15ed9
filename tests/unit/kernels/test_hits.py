"""Bars that reach no order are passed over; what executes is what a look at every order finds."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.inputs import gather
from qts.backtest.phases import session_phases
from qts.backtest.playing import Room, market_of, rules_of, run_of
from qts.backtest.settings import Protection
from qts.backtest.terms import PLAIN, term_table
from qts.core import IST, Bars, InstrumentId, Interval, Product, micros_of
from qts.kernels import hits
from qts.kernels.state import FILLS, IS_REACH_KNOWN, N_ROW, WORKING, Run
from qts.kernels.trading import orders_loop
from qts.kernels.twins import twin
from qts.strategies import Context, Strategy

N_BARS = 120
FREE = BacktestSettings(
    capital=Decimal(10_000_000),
    size=parse_size("shares:1"),
    costs=parse_costs("none"),
    slippage=parse_slippage("none"),
    product=Product.MIS,
)


def bars_of(rng: np.random.Generator) -> Bars:
    """Minutes of three days; some have no volume or no price, and in some the open lies outside of low and high, as bad data has it."""
    first = datetime(2024, 5, 6, 14, 0, tzinfo=IST)
    stamps = [first + timedelta(days=k // 40, minutes=2 * (k % 40)) for k in range(N_BARS)]
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.004, N_BARS))), 2)
    open_ = np.round(close * np.exp(rng.normal(0, 0.003, N_BARS)), 2)
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    wild = rng.random(N_BARS) < 0.05
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.MINUTE_1,
        ts=np.array([micros_of(stamp) for stamp in stamps]),
        open=np.where(wild, open_ * 1.02, open_),
        high=high,
        low=low,
        close=np.where(rng.random(N_BARS) < 0.05, math.nan, close),
        volume=np.where(rng.random(N_BARS) < 0.1, 0.0, 60.0),
        oi=np.full(N_BARS, math.nan),
    )


def many_orders(seed: int) -> Strategy:
    """Return a strategy that hands in orders of all kinds around the price, and cancels some."""

    def on_bar(context: Context) -> None:
        rng = np.random.default_rng((seed, context.bar))
        one = context.instrument
        if not one.has_bar or rng.random() < 0.5:
            return
        near = float(one.close[-1])
        away = [round(near * (1 + float(shift)), 2) for shift in np.abs(rng.normal(0, 0.02, 4)) + 0.001]
        below = [round(2 * near - level, 2) for level in away]
        handle = one.buy(5, limit=below[0], stop_loss=below[0] - 3, take_profit=away[0])
        one.sell(4, limit=away[1], is_day=bool(rng.random() < 0.5))
        one.buy(3, stop=away[2])
        one.sell(3, stop=below[2], limit=below[2] - 1)
        if rng.random() < 0.2:
            one.trail(2, fraction=0.01)
        if rng.random() < 0.2:
            handle.cancel()
        if rng.random() < 0.1:
            one.buy(2)

    return Strategy(title="Many", on_bar=on_bar)


def played(seed: int, many: float, chosen: BacktestSettings) -> BacktestResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hits, "MANY", many)
        return run(many_orders(seed), {}, [bars_of(np.random.default_rng(seed))], chosen)


@given(seed=st.integers(0, 100_000), product=st.sampled_from([Product.CNC, Product.MIS]), is_guarded=st.booleans(), has_cap=st.booleans())
@settings(max_examples=12, deadline=None)
def test_bars_beside_all_levels_are_passed_over_without_a_difference(
    *, seed: int, product: Product, is_guarded: bool, has_cap: bool
) -> None:
    slippage = parse_slippage("volume-share:0.1,impact=0.1") if has_cap else parse_slippage("bps:5")
    chosen = replace(FREE, product=product, slippage=slippage)
    if is_guarded:
        chosen = replace(chosen, protection=Protection(stop_loss=Decimal("0.01"), take_profit=Decimal("0.02")))
    every, near = played(seed, math.inf, chosen), played(seed, 0.0, chosen)
    assert every.fills == near.fills
    assert every.order_events == near.order_events
    assert every.equity.tolist() == near.equity.tolist()


def test_the_cases_above_have_orders_that_execute() -> None:
    assert len(played(3, 0.0, FREE).fills) > 50


N_MANY = 24


def guarded_run(seed: int, n_bars: int, *, is_compiled: bool) -> Run:
    """A run that buys and sells some of 24 shares by targets, each position between a stop-loss and a target of its own."""
    bars = [replace(bars_of(np.random.default_rng((seed, k))), instrument=InstrumentId(f"NSE:S{k}")) for k in range(N_MANY)]
    bars = [one.window(0, n_bars) for one in bars]
    draws = {one.instrument: np.random.default_rng((seed, 99, k)).random(n_bars) for k, one in enumerate(bars)}
    said = {name: np.select([drawn < 0.01, drawn < 0.1, drawn < 0.2], [0.0, 0.5, 1.0], math.nan) for name, drawn in draws.items()}
    chosen = replace(FREE, size=parse_size("shares:4"), product=Product.CNC)
    chosen = replace(chosen, protection=Protection(stop_loss=Decimal("0.02"), take_profit=Decimal("0.03")))
    timeline = gather(Strategy(title="Said", targets=lambda one: said[one.instrument]), {}, bars)
    table = term_table(timeline, [PLAIN] * N_MANY)
    market = market_of(timeline, session_phases(timeline, Interval.MINUTE_1, chosen), chosen, table)
    room = Room(fills=2000, orders=400, events=4000)
    return run_of(market, rules_of(timeline, chosen, table), 10_000_000.0, compiled=is_compiled, room=room)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("n_bars", [50, N_BARS])
def test_the_compiled_loop_passes_over_the_same_bars_of_a_large_book(seed: int, n_bars: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, compiled, every = (guarded_run(seed, n_bars, is_compiled=flag) for flag in (False, True, False))
    orders_loop(plain)
    twin("orders")(compiled)
    for name in ("rows", "account", "book", "fills", "log", "equity", "cash"):
        np.testing.assert_array_equal(getattr(compiled, name), getattr(plain, name), err_msg=name)
    monkeypatch.setattr(hits, "MANY", math.inf)
    orders_loop(every)
    for name in ("fills", "log", "equity", "cash"):
        np.testing.assert_array_equal(getattr(every, name), getattr(plain, name), err_msg=name)
    assert plain.account[FILLS] > 3 * N_MANY
    assert plain.account[WORKING] >= 32
    assert sum(plain.rows[i * N_ROW + IS_REACH_KNOWN] for i in range(N_MANY)) > 0
