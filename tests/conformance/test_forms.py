"""Targets, rules and orders bar by bar are three ways to say the same: every shipped strategy trades alike in each of them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.conformance.forms import NO_RULE, RULES, on_bar_twin

from qts.backtest import BacktestResult, BacktestSettings, run
from qts.core import Bars, InstrumentId, Interval, Product
from qts.strategies import Form, Strategy, load_catalog

SHIPPED = {entry.id: entry.require() for entry in load_catalog().entries}
PARAMS = {
    "ema_cross": [{}, {"fast": 3, "slow": 9, "short": True}],
    "ma_cross": [{}, {"fast": 2, "slow": 5, "average": "wma", "short": True}],
    "momentum_rotation": [{"lookback": 20, "top": 2, "every": 7}, {"lookback": 5, "top": 1, "every": 3}],
}
CASES = [(name, params) for name in sorted(SHIPPED) for params in PARAMS.get(name, [{}])]
IDS = [f"{name} {params}" for name, params in CASES]


def market(n_bars: int, seed: int) -> list[Bars]:
    """Return three instruments; the second begins late and has bars without trades, the third misses bars."""
    rng = np.random.default_rng(seed)
    made = []
    for k, name in enumerate(("NSE:INFY", "NSE:TCS", "NSE:SBIN")):
        close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars))), 2)
        open_ = np.round(close * np.exp(rng.normal(0, 0.005, n_bars)), 2)
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
                interval=Interval.DAY,
                ts=(1_600_000_000_000_000 + 86_400_000_000 * np.arange(n_bars, dtype=np.int64))[kept],
                oi=np.full(int(kept.sum()), np.nan),
                **{column: values[kept] for column, values in columns.items()},
            )
        )
    return made


def traded(result: BacktestResult) -> list[tuple[object, ...]]:
    return [(fill.filled_at, fill.instrument, fill.side, fill.quantity, fill.price, fill.reason, fill.charges) for fill in result.fills]


def settings_of(params: dict[str, object]) -> BacktestSettings:
    return BacktestSettings(product=Product.MIS if params.get("short") else Product.CNC)


@pytest.mark.parametrize(("name", "params"), CASES, ids=IDS)
def test_bar_by_bar_it_trades_the_same(name: str, params: dict[str, object]) -> None:
    shipped = SHIPPED[name]
    twin = on_bar_twin(name, shipped.resolve(params), matrix=shipped.form is Form.MATRIX)
    for seed in range(4):
        bars = market(300, seed)
        expected = run(shipped, params, bars, settings_of(params))
        got = run(twin, {}, bars, settings_of(params))
        assert traded(got) == traded(expected)
        assert got.equity.tolist() == expected.equity.tolist()
        assert expected.fills


@pytest.mark.parametrize(("name", "params"), CASES, ids=IDS)
def test_as_a_rule_it_trades_the_same_where_a_rule_can_say_it(name: str, params: dict[str, object]) -> None:
    assert (name in RULES) != (name in NO_RULE)
    if name in NO_RULE:
        return
    shipped = SHIPPED[name]
    twin = Strategy(title="Twin", rule=RULES[name](shipped.resolve(params)))
    for seed in range(4):
        bars = market(300, seed)
        assert traded(run(twin, {}, bars, settings_of(params))) == traded(run(shipped, params, bars, settings_of(params)))
