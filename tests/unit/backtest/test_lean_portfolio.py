"""One rule on many instruments: the compiled loop gives what the fills loop gives, or says that it cannot."""

from __future__ import annotations

import importlib
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from qts.backtest import BacktestSettings, Evaluation, evaluate, parse_costs, parse_size, parse_slippage, sweep
from qts.backtest.evaluation import evaluation_of
from qts.backtest.settings import Protection
from qts.backtest.terms import PLAIN
from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.core.errors import BadParameter, DataError
from qts.strategies import Indicator, Param, Ref, Rule, Strategy

SWEEP: Final = importlib.import_module("qts.backtest.sweep")
FAST, SLOW = (Indicator("ema", Ref(name), seed="first") for name in ("fast", "slow"))
LATE_FAST, LATE_SLOW = (Indicator("ema", Ref(name)) for name in ("fast", "slow"))
RSI: Final = Indicator("rsi", Ref("fast"))
RULES: Final = {
    "averages": Rule(enter=FAST.crosses_above(SLOW), exit=FAST.crosses_below(SLOW), warmup=Ref("slow")),
    "averages that begin late": Rule(enter=LATE_FAST.crosses_above(LATE_SLOW), exit=LATE_FAST.crosses_below(LATE_SLOW)),
    "three averages": Rule(enter=FAST.crosses_above(SLOW), exit=FAST < LATE_SLOW),
    "a series made outside": Rule(enter=RSI < 40, exit=RSI > 55),
}
PARAMS: Final = {"fast": Param(3, low=1), "slow": Param(8, low=1)}
RICH: Final = BacktestSettings(capital=Decimal(10_000_000), size=parse_size("shares:10"))


def strategy(rule: str = "averages") -> Strategy:
    return Strategy(title="Rule", params=PARAMS, rule=RULES[rule])


def market(n_bars: int = 300, *, seed: int = 1, zeros: bool = False, n: int = 4) -> list[Bars]:
    """Return walks on a coarse tick, six bars to a day, on two exchanges whose charges differ."""
    rng = np.random.default_rng(seed)
    start = datetime(2024, 5, 6, 9, 15, tzinfo=IST)
    ts = np.array([micros_of(start + timedelta(days=k // 6, minutes=k % 6)) for k in range(n_bars)], dtype=np.int64)
    found = []
    for number in range(n):
        close = np.maximum(np.round(100 + np.cumsum(rng.normal(0, 1.0, n_bars))), 1.0)
        open_ = np.maximum(np.round(close + rng.normal(0, 1.0, n_bars)), 1.0)
        found.append(
            Bars(
                instrument=InstrumentId(f"{'BSE' if number % 2 else 'NSE'}:WALK{number}"),
                interval=Interval.MINUTE_1,
                ts=ts,
                open=open_,
                high=np.maximum(open_, close) + 1.0,
                low=np.minimum(open_, close),
                close=close,
                volume=np.where(rng.random(n_bars) < 0.1, 0.0, 1000.0) if zeros and number != 1 else np.full(n_bars, np.nan),
                oi=np.full(n_bars, np.nan),
            )
        )
    return found


def through_the_fills_loop(chosen: Strategy, bars: list[Bars], account: BacktestSettings) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SWEEP, "prefers_compiled", lambda _: False)
        return evaluate(chosen, {}, bars, account, curve=True)


def together(chosen: Strategy, bars: list[Bars], account: BacktestSettings) -> Evaluation | None:
    """Return what the compiled loop over many says, None where it leaves them to the fills loop."""
    values = chosen.resolve({})
    portfolio = SWEEP.lean_portfolio(chosen, values, bars, account, terms=[PLAIN] * len(bars))
    played = portfolio and portfolio.play()
    if played is None:
        return None
    row, equity = played
    return evaluation_of(row, params=values, n_bars=len(equity), capital=float(account.capital), equity=equity)


def assert_same(found: Evaluation, expected: Evaluation) -> None:
    for name, value in asdict(expected).items():
        if name not in {"params", "equity"}:
            assert getattr(found, name) == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), name
    assert found.equity is not None
    assert expected.equity is not None
    assert found.equity.tolist() == pytest.approx(expected.equity.tolist(), rel=1e-12)


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the compiled loop play whatever it can."""
    monkeypatch.setattr(SWEEP, "prefers_compiled", lambda _: True)
    monkeypatch.setattr("qts.backtest.lean_portfolio.CELLS_AT_ONCE", 500)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_bars=st.sampled_from([1, 2, 7, 64, 300, 2_100]),
    zeros=st.booleans(),
    size=st.sampled_from(["shares:10", "cash:30000"]),
    costs=st.sampled_from(["none", "percent:0.001", "per-share:0.05,min=5", "zerodha"]),
    slippage=st.sampled_from(["none", "bps:5", "half-spread:0.03"]),
    fractional=st.booleans(),
)
def test_it_gives_what_the_fills_loop_gives(rule: str, **drawn: Any) -> None:
    bars = market(drawn["n_bars"], seed=drawn["seed"], zeros=drawn["zeros"])
    account = replace(
        RICH,
        size=parse_size(drawn["size"]),
        costs=parse_costs(drawn["costs"]),
        slippage=parse_slippage(drawn["slippage"]),
        fractional=drawn["fractional"],
    )
    assert_same(evaluate(strategy(rule), {}, bars, account, curve=True), through_the_fills_loop(strategy(rule), bars, account))


def test_it_is_the_compiled_loop_that_answers() -> None:
    found = together(strategy(), market(), RICH)
    assert found is not None
    assert found.n_trades > 20
    assert_same(found, through_the_fills_loop(strategy(), market(), RICH))


def test_cash_that_limits_a_fill_is_seen_and_left_to_the_fills_loop() -> None:
    # Four positions of ten shares at about a hundred rupees; there is money for three.
    poor = replace(RICH, capital=Decimal(3_300))
    assert together(strategy(), market(), poor) is None
    assert_same(evaluate(strategy(), {}, market(), poor, curve=True), through_the_fills_loop(strategy(), market(), poor))


@pytest.mark.parametrize(
    "account",
    [
        pytest.param(replace(RICH, size=parse_size("percent:0.2")), id="a size by equity"),
        pytest.param(replace(RICH, protection=Protection(stop_loss=Decimal("0.05"))), id="a stop-loss"),
        pytest.param(replace(RICH, rebalance=True), id="positions brought back to their targets together"),
    ],
)
def test_what_asks_for_the_account_is_left_to_the_fills_loop(account: BacktestSettings) -> None:
    assert together(strategy(), market(), account) is None


def test_another_timeline_is_left_to_the_fills_loop() -> None:
    bars = market()
    bars[1] = bars[1].window(3, 290)
    assert together(strategy(), bars, RICH) is None


def test_an_absent_price_is_left_to_the_fills_loop() -> None:
    bars = market()
    close = bars[2].close.copy()
    close[40] = np.nan
    bars[2] = replace(bars[2], close=close)
    assert together(strategy(), bars, RICH) is None


def test_an_instrument_given_twice_is_refused() -> None:
    bars = market()
    with pytest.raises(BadParameter, match="given twice"):
        evaluate(strategy(), {}, [*bars, bars[0]], RICH)


def test_bars_that_cannot_be_played_are_refused() -> None:
    bars = market()
    bars[2] = replace(bars[2], close=-bars[2].close)
    with pytest.raises(DataError, match="no price"):
        evaluate(strategy(), {}, bars, RICH)


def test_a_sweep_over_many_instruments_gives_what_each_cell_gives() -> None:
    cells = [{"fast": 2, "slow": 5}, {"fast": 3, "slow": 9}]
    found = sweep(strategy(), cells, market(), RICH)
    for cell, seen in zip(cells, found, strict=True):
        assert seen == evaluate(strategy(), cell, market(), RICH)
