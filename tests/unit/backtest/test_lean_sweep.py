from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings

from qts.backtest import (
    BacktestSettings,
    Evaluation,
    FillTiming,
    evaluate,
    lean_sweep,
    parse_costs,
    parse_size,
    parse_slippage,
    run,
    sweep,
    sweep_blocks,
)
from qts.backtest.lean_sweep import LeanSweep, is_lean
from qts.backtest.settings import Protection, RiskLimits
from qts.backtest.terms import InstrumentTerms
from qts.core import IST, Bars, InstrumentId, Interval, Product, micros_of
from qts.strategies import Column, Comparison, Indicator, Param, Ref, Rule, Strategy

SWEEP: Final = importlib.import_module("qts.backtest.sweep")
CLOSE: Final = Column("close")
PARAMS: Final = {"fast": Param(3, low=1), "slow": Param(8, low=1), "level": Param(50.0)}


def pair(kind: str, **options: Any) -> tuple[Comparison, Comparison]:
    fast, slow = Indicator(kind, Ref("fast"), **options), Indicator(kind, Ref("slow"), **options)
    return fast.crosses_above(slow), fast.crosses_below(slow)


EMA_UP, EMA_DOWN = pair("ema")
FIRST_UP, FIRST_DOWN = pair("ema", seed="first")
SMA_UP, SMA_DOWN = pair("sma")
RSI, SMA = Indicator("rsi", Ref("fast")), Indicator("sma", Ref("slow"))
RULES: Final = {
    "averages that cross": Rule(enter=EMA_UP, exit=EMA_DOWN),
    "averages that cross, after a warm-up": Rule(enter=FIRST_UP, exit=FIRST_DOWN, warmup=Ref("slow")),
    "averages made outside": Rule(enter=SMA_UP, exit=SMA_DOWN),
    "a pair with shorts, which delivery does not hold": Rule(enter=EMA_UP, exit=EMA_DOWN, short_enter=EMA_DOWN, short_exit=EMA_UP),
    "a pair with shorts for some cells": Rule(enter=EMA_UP, exit=EMA_DOWN, short_enter=EMA_DOWN & (Ref("slow") > 6), short_exit=EMA_UP),
    "what never holds must be defined": Rule(
        enter=CLOSE > SMA, exit=CLOSE < SMA, short_enter=(RSI < 0) & (Ref("slow") > 6), short_exit=RSI > 60
    ),
    "thresholds": Rule(enter=Ref("level") > RSI, exit=RSI > 60),
    "thresholds that may be touched": Rule(enter=CLOSE >= SMA, exit=CLOSE <= SMA),
    "two pairs": Rule(enter=EMA_UP, exit=SMA_DOWN),
    "a cross of a number": Rule(enter=CLOSE.crosses_above(101), exit=CLOSE.crosses_below(99)),
    "four conditions": Rule(enter=RSI < 40, exit=RSI > 50, short_enter=RSI > 60, short_exit=RSI <= 50),
    "columns": Rule(enter=Column("open") < CLOSE, exit=Column("high") <= Column("open")),
    "another column's average": Rule(enter=Indicator("ema", 3, of=Column("high")) > CLOSE, exit=Indicator("ema", 5) < CLOSE),
}


def bars_of(n_bars: int, *, seed: int, tick: float, zeros: bool) -> Bars:
    """Return minute bars of a walk on a coarse tick, so that averages touch, six to a day, so that a day sees several orders."""
    rng = np.random.default_rng(seed)
    close = np.maximum(np.round((100 + np.cumsum(rng.normal(0, 1.0, n_bars))) / tick) * tick, tick)
    open_ = np.maximum(np.round((close + rng.normal(0, 1.0, n_bars)) / tick) * tick, tick)
    start = datetime(2024, 5, 6, 9, 15, tzinfo=IST)
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.MINUTE_1,
        ts=np.array([micros_of(start + timedelta(days=k // 6, minutes=k % 6)) for k in range(n_bars)], dtype=np.int64),
        open=open_,
        high=np.maximum(open_, close) + tick,
        low=np.minimum(open_, close),
        close=close,
        volume=np.where(rng.random(n_bars) < 0.1, 0.0, 1000.0) if zeros else np.full(n_bars, np.nan),
        oi=np.full(n_bars, np.nan),
    )


@pytest.fixture
def lean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the compiled loop play whatever it can, in small blocks and short chunks."""
    monkeypatch.setattr(SWEEP, "prefers_compiled", lambda _: True)
    monkeypatch.setattr(sweep_blocks, "BLOCK", 3)
    monkeypatch.setattr(lean_sweep, "CELL_BARS_A_CALL", 1000)


def through_the_fills_loop(strategy: Strategy, params: Mapping[str, object], bars: Bars, chosen: BacktestSettings) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SWEEP, "prefers_compiled", lambda _: False)
        return evaluate(strategy, params, [bars], chosen, curve=True)


def assert_same(found: Evaluation, expected: Evaluation) -> None:
    for name, value in asdict(expected).items():
        if name in {"params", "equity"}:
            continue
        assert getattr(found, name) == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), name
    assert found.final_equity == pytest.approx(expected.final_equity, rel=1e-12)
    if found.equity is not None and expected.equity is not None:
        assert found.equity.tolist() == pytest.approx(expected.equity.tolist(), rel=1e-12)


@pytest.mark.usefixtures("lean")
@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_bars=st.sampled_from([1, 2, 3, 7, 64, 65, 300, 2_100]),
    tick=st.sampled_from([0.05, 1.0, 2.0]),
    zeros=st.booleans(),
    size=st.sampled_from(["shares:10", "cash:30000", "percent:0.9", "percent:1"]),
    costs=st.sampled_from(["none", "percent:0.001", "per-share:0.05,min=5", "zerodha"]),
    slippage=st.sampled_from(["none", "bps:5", "half-spread:0.03"]),
    fractional=st.booleans(),
    fast=st.integers(2, 6),
    slow=st.integers(2, 12),
)
@example(  # round trips that brought nothing, but for the rounding of a float, are no wins
    seed=0,
    n_bars=2_100,
    tick=0.05,
    zeros=False,
    size="cash:30000",
    costs="per-share:0.05,min=5",
    slippage="none",
    fractional=False,
    fast=2,
    slow=3,
)
def test_the_compiled_loop_gives_what_the_fills_loop_gives(rule: str, **drawn: Any) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES[rule])
    bars = bars_of(drawn["n_bars"], seed=drawn["seed"], tick=drawn["tick"], zeros=drawn["zeros"])
    chosen = BacktestSettings(
        capital=Decimal(100_000),
        size=parse_size(drawn["size"]),
        costs=parse_costs(drawn["costs"]),
        slippage=parse_slippage(drawn["slippage"]),
        fractional=drawn["fractional"],
    )
    params = {"fast": drawn["fast"], "slow": drawn["slow"]}
    assert_same(evaluate(strategy, params, [bars], chosen, curve=True), through_the_fills_loop(strategy, params, bars, chosen))


@pytest.mark.usefixtures("lean")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rule", ["averages that cross", "thresholds", "averages made outside"])
def test_cells_that_share_series_give_what_each_gives_alone(rule: str, threads: int) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES[rule])
    bars = bars_of(900, seed=3, tick=0.05, zeros=True)
    chosen = BacktestSettings(size=parse_size("shares:10"))
    cells = [{"fast": fast, "slow": slow, "level": 30.0 + slow} for fast in (2, 3, 4) for slow in (5, 9, 12)]
    result = sweep(strategy, cells, [bars], chosen, threads=threads)
    for found, cell in zip(result, cells, strict=True):
        assert found.n_fills > 3
        assert_same(found, through_the_fills_loop(strategy, cell, bars, chosen))


@pytest.mark.usefixtures("lean")
def test_a_series_with_a_gap_in_it_goes_through_the_fills_loop() -> None:
    """The highest of high less the lowest is 0 on a flat stretch, where the stochastic is not defined."""
    bars = bars_of(400, seed=5, tick=0.05, zeros=False)
    flat = np.r_[np.zeros(100, dtype=bool), np.ones(60, dtype=bool), np.zeros(240, dtype=bool)]
    columns: dict[str, Any] = {name: np.where(flat, np.nan, getattr(bars, name)) for name in ("open", "high", "low", "close")}
    absent = replace(bars, **columns)
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES["thresholds"])
    found = evaluate(strategy, {"level": 45.0}, [absent], BacktestSettings(), curve=True)
    assert_same(found, through_the_fills_loop(strategy, {"level": 45.0}, absent, BacktestSettings()))


@pytest.mark.usefixtures("lean")
def test_a_cell_whose_orders_must_be_cut_goes_through_the_fills_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES["averages that cross"])
    bars = bars_of(300, seed=1, tick=0.05, zeros=False)
    chosen = BacktestSettings(capital=Decimal(1_500), size=parse_size("shares:20"), costs=parse_costs("none"))
    left: list[bool] = []
    play = LeanSweep.play

    def watched(self: LeanSweep, which: slice, **options: Any) -> Any:
        rows = play(self, which, **options)
        left.append(rows is not None and bool(np.isnan(rows).all()))
        return rows

    monkeypatch.setattr(LeanSweep, "play", watched)
    found = evaluate(strategy, {}, [bars], chosen, curve=True)
    assert left == [True]
    assert_same(found, through_the_fills_loop(strategy, {}, bars, chosen))


@pytest.mark.usefixtures("lean")
def test_a_strategy_that_guards_its_positions_goes_through_the_fills_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES["averages that cross"], protection={"stop_loss": 0.02})
    monkeypatch.delattr(LeanSweep, "play")
    bars = bars_of(300, seed=1, tick=0.05, zeros=False)
    guarded = evaluate(strategy, {}, [bars], BacktestSettings())
    plain = replace(strategy, protection={})
    assert guarded.n_fills > through_the_fills_loop(plain, {}, bars, BacktestSettings()).n_fills / 2
    assert guarded.final_equity != through_the_fills_loop(plain, {}, bars, BacktestSettings()).final_equity


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, True, id="delivery at the next open"),
        pytest.param({"product": Product.MIS}, False, id="intraday"),
        pytest.param({"fill": FillTiming.CLOSE}, False, id="fills at the close"),
        pytest.param({"close_at_end": True}, False, id="closed at the end"),
        pytest.param({"size": parse_size("lots:2")}, False, id="lots"),
        pytest.param({"size": parse_size("atr-risk:0.01")}, False, id="sized by risk"),
        pytest.param({"slippage": parse_slippage("half-spread:0.05")}, True, id="half a spread"),
        pytest.param({"slippage": parse_slippage("ticks:2")}, False, id="slippage in ticks"),
        pytest.param({"slippage": parse_slippage("volume-share:0.1")}, False, id="a part of the volume"),
        pytest.param({"protection": Protection(stop_loss=Decimal("0.05"))}, False, id="a stop"),
        pytest.param({"limits": RiskLimits(daily_loss=Decimal("0.05"))}, False, id="a limit"),
    ],
)
def test_what_the_compiled_loop_knows(change: Mapping[str, Any], expected: bool) -> None:  # noqa: FBT001
    assert is_lean(SWEEP.lean_rules(InstrumentId("NSE:INFY"), Interval.DAY, replace(BacktestSettings(), **change))) is expected


@pytest.mark.usefixtures("lean")
def test_a_sweep_cancelled_within_its_first_cells_has_none() -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES["averages that cross"])
    cells = [{"fast": fast, "slow": 9} for fast in range(1, 8)]
    bars = bars_of(900, seed=3, tick=0.05, zeros=False)
    for threads in (1, 2):
        result = sweep(strategy, cells, [bars], BacktestSettings(), threads=threads, is_cancelled=lambda: True)
        assert not result.done.any()


@pytest.mark.usefixtures("lean")
def test_progress_grows_to_all_cells() -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES["averages that cross"])
    seen: list[int] = []
    cells = [{"fast": fast, "slow": 9} for fast in range(1, 8)]
    bars = bars_of(900, seed=3, tick=0.05, zeros=False)
    for threads in (1, 2):
        seen.clear()
        sweep(strategy, cells, [bars], BacktestSettings(), threads=threads, on_progress=lambda done, _: seen.append(done))
        assert seen == sorted(seen)
        assert seen[-1] == len(cells)


@pytest.mark.usefixtures("lean")
def test_shares_settled_order_by_order_go_through_the_fills_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled loops net a day; a cell costs what its run does all the same."""
    monkeypatch.delattr(LeanSweep, "play")
    monkeypatch.setattr(SWEEP, "lean_portfolio", None)
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES["averages that cross"])
    series = bars_of(300, seed=1, tick=0.05, zeros=False)
    own = replace(series, instrument=InstrumentId("NSE:XYZ-BE"))
    chosen = BacktestSettings(size=parse_size("shares:20"))
    for bars in ([own], [series, own]):
        for terms in (None, [InstrumentTerms(locks=True)] * len(bars)):
            alone = run(strategy, {}, bars, chosen, terms=terms)
            assert len({fill.side for fill in alone.fills}) == 2
            for found in (sweep(strategy, [{}], bars, chosen, terms=terms)[0], evaluate(strategy, {}, bars, chosen, terms=terms)):
                assert found.costs_total == pytest.approx(float(alone.charges.total), abs=0.005)
                assert found.final_equity == alone.equity[-1]
