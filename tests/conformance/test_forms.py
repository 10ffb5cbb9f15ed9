"""Targets, rules and orders bar by bar are three ways to say the same: every shipped strategy trades alike in each of them."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from tests.conformance.forms import HOOKS, NO_RULE, RULES, TARGETS, on_bar_twin, rule_twin, targets_twin

from qts.backtest import BacktestResult, BacktestSettings, run
from qts.core import Bars, InstrumentId, Interval, Product
from qts.strategies import Strategy, load_catalog

SHIPPED = {entry.id: entry.require() for entry in load_catalog().entries}
PARAMS: dict[str, list[dict[str, object]]] = {
    "donchian_breakout": [{"entry": 20, "leave": 10, "stop": 0.03}, {"entry": 10, "leave": 4, "stop": 0.02, "short": True}],
    "macd_cross": [{}, {"fast": 3, "slow": 9, "signal": 4}],
    "opening_range_breakout": [{}, {"minutes": 30, "leave": 120, "stop": 0.005, "short": False}],
    "rsi_reversion": [{"trend": 30, "stop": 0.03}, {"span": 3, "oversold": 40.0, "leave": 70.0, "trend": 10, "stop": 0.02}],
    "supertrend_follow": [{}, {"span": 5, "width": 1.5, "short": True}],
    "ema_cross": [{}, {"fast": 3, "slow": 9, "short": True}],
    "ma_cross": [{}, {"fast": 2, "slow": 5, "average": "wma", "short": True}],
    "momentum_rotation": [{"lookback": 20, "top": 2, "every": 7}, {"lookback": 5, "top": 1, "every": 3}],
}
CASES = [(name, params) for name in sorted(SHIPPED) for params in PARAMS.get(name, [{}])]
IDS = [f"{name} {params}" for name, params in CASES]
N_MARKETS = 3


def market(n_bars: int, seed: int, *, intraday: bool) -> list[Bars]:
    """Return three instruments, of days or of five minutes; the second begins late and has bars without trades, the third misses bars."""
    rng = np.random.default_rng(seed)
    noise, day, slot = (0.002, *np.divmod(np.arange(n_bars), 75)) if intraday else (0.02, np.arange(n_bars), np.zeros(n_bars))
    # From Monday the sixth of July 2020, 09:15 in India; intraday no bars on weekends.
    ts = 1_594_007_100_000_000 + 86_400_000_000 * (day + day // 5 * 2 * intraday) + 300_000_000 * slot
    made = []
    for k, name in enumerate(("NSE:INFY", "NSE:TCS", "NSE:SBIN")):
        close = np.round(500 * np.exp(np.cumsum(rng.normal(0, noise, n_bars))), 2)
        open_ = np.round(close * np.exp(rng.normal(0, noise / 4, n_bars)), 2)
        volume = np.full(n_bars, 1000.0)
        if k == 1:
            volume[rng.random(n_bars) < 0.05] = 0.0
        kept = np.ones(n_bars, dtype=np.bool_)
        kept[: 15 * (k == 1)] = False
        if k == 2:
            kept &= rng.random(n_bars) > 0.1
        columns = {"open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close), "close": close, "volume": volume}
        made.append(
            Bars(
                instrument=InstrumentId(name),
                interval=Interval.MINUTE_5 if intraday else Interval.DAY,
                ts=ts.astype(np.int64)[kept],
                oi=np.full(int(kept.sum()), np.nan),
                **{column: values[kept] for column, values in columns.items()},
            )
        )
    return made


def market_for(strategy: Strategy, seed: int) -> list[Bars]:
    return market(900, seed, intraday=True) if is_intraday(strategy) else market(300, seed, intraday=False)


def is_intraday(strategy: Strategy) -> bool:
    return "intraday" in strategy.tags


def traded(result: BacktestResult) -> list[tuple[object, ...]]:
    return [(fill.filled_at, fill.instrument, fill.side, fill.quantity, fill.price, fill.reason, fill.charges) for fill in result.fills]


def settings_of(strategy: Strategy, params: dict[str, object]) -> BacktestSettings:
    return BacktestSettings(product=Product.MIS if params.get("short") or is_intraday(strategy) else Product.CNC)


@functools.cache
def shipped_run(case: int, seed: int) -> BacktestResult:
    name, params = CASES[case]
    return run(SHIPPED[name], params, market_for(SHIPPED[name], seed), settings_of(SHIPPED[name], params))


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_bar_by_bar_it_trades_the_same(case: int) -> None:
    name, params = CASES[case]
    shipped = SHIPPED[name]
    twin = on_bar_twin(name, shipped, shipped.resolve(params))
    for seed in range(N_MARKETS):
        expected = shipped_run(case, seed)
        got = run(twin, {}, market_for(shipped, seed), settings_of(shipped, params))
        assert traded(got) == traded(expected)
        assert got.equity.tolist() == expected.equity.tolist()
        assert expected.fills


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_as_a_rule_it_trades_the_same_where_a_rule_can_say_it(case: int) -> None:
    name, params = CASES[case]
    assert (name in RULES) != (name in NO_RULE)
    if name in NO_RULE:
        return
    shipped = SHIPPED[name]
    twin = rule_twin(name, shipped, shipped.resolve(params))
    for seed in range(N_MARKETS):
        assert traded(run(twin, {}, market_for(shipped, seed), settings_of(shipped, params))) == traded(shipped_run(case, seed))


@pytest.mark.parametrize("case", [case for case, (name, _) in enumerate(CASES) if name in TARGETS], ids=lambda case: IDS[case])
def test_as_targets_it_trades_the_same(case: int) -> None:
    name, params = CASES[case]
    twin = targets_twin(name, SHIPPED[name], SHIPPED[name].resolve(params))
    for seed in range(N_MARKETS):
        expected, bars = shipped_run(case, seed), market_for(SHIPPED[name], seed)
        got = run(twin, {}, bars, settings_of(SHIPPED[name], params))
        assert traded(got) == traded(expected)
        assert got.equity.tolist() == expected.equity.tolist()
        for series in bars:
            np.testing.assert_array_equal(twin.exposure(series, {}), SHIPPED[name].exposure(series, params))


@pytest.mark.parametrize("name", sorted(name for name in SHIPPED if SHIPPED[name].protection))
def test_what_guards_it_closes_positions(name: str) -> None:
    cases = [case for case, (each, _) in enumerate(CASES) if each == name]
    reasons = {str(fill.reason) for case in cases for seed in range(N_MARKETS) for fill in shipped_run(case, seed).fills}
    assert {"signal", *SHIPPED[name].protection} <= reasons


def test_every_shipped_strategy_has_its_twin() -> None:
    assert set(HOOKS) == set(SHIPPED)
