from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.testing import assert_array_equal

from qts.analytics import RunCurves, compute_metrics
from qts.backtest import BacktestResult, BacktestSettings, evaluate, parse_costs, parse_size, parse_slippage, run
from qts.backtest.evaluation import Evaluation
from qts.core import Bars, Product
from qts.strategies import Param, Strategy

MakeBars = Callable[..., Bars]
BARS_PER_YEAR = 252.0
# Trials of the random law; each plays a whole run twice.
EXAMPLES = 40


def _said(bars: Bars, *, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    rng = np.random.default_rng([seed, len(bars.instrument)])
    return np.repeat(rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0, np.nan], size=len(bars)), 3)[: len(bars)]


RANDOM = Strategy(title="Random", params={"seed": Param(0, low=0)}, targets=_said)


def metrics_of(result: BacktestResult, capital: float) -> dict[str, float | int | None]:
    """What the run's own metrics say."""
    closed = [trade for trade in result.trades if not trade.open]
    curves = RunCurves(
        ts=result.ts,
        equity=result.equity,
        exposure=result.exposure,
        capital=capital,
        bars_per_year=BARS_PER_YEAR,
        trade_net_pnl=np.array([float(trade.net_pnl) for trade in closed]),
        trade_gross_pnl=np.array([float(trade.gross_pnl) for trade in closed]),
        trade_returns=np.array([trade.return_ for trade in closed]),
        costs_total=float(result.charges.total),
        slippage_total=float(result.slippage_total),
        traded_notional=float(result.traded_notional),
    )
    return dict(compute_metrics(curves).values)


def metrics_from(found: Evaluation) -> dict[str, float | int | None]:
    """The same metrics from the measures of a cell."""
    a_year = math.sqrt(BARS_PER_YEAR)
    sortino = found.mean_return / found.downside * a_year if found.mean_return is not None and found.downside else None
    return {
        "final_equity": found.final_equity,
        "net_pnl": found.net_pnl,
        "total_return": found.total_return,
        "volatility": None if found.deviation is None else found.deviation * a_year,
        "sharpe": None if found.sharpe is None else found.sharpe * a_year,
        "sortino": sortino,
        "max_drawdown": found.max_drawdown,
        "n_trades": found.n_trades,
        "win_rate": found.win_rate,
        "profit_factor": found.profit_factor,
        "expectancy": found.expectancy,
        "exposure": found.exposure,
        "turnover": found.traded_notional / found.mean_equity * BARS_PER_YEAR / found.n_bars,
        "costs_total": found.costs_total,
        "slippage_total": found.slippage_total,
    }


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    n_bars=st.integers(1, 90),
    n_instruments=st.integers(1, 3),
    size=st.sampled_from(["shares:10", "cash:30000", "percent:0.95"]),
    costs=st.sampled_from(["none", "percent:0.001", "per-share:0.05,min=5", "zerodha"]),
    product=st.sampled_from([Product.CNC, Product.MIS]),
    fractional=st.booleans(),
    close_at_end=st.booleans(),
)
def test_the_measures_of_a_cell_are_the_metrics_of_its_run(walk: MakeBars, **drawn: Any) -> None:
    bars = [walk(drawn["n_bars"], seed=drawn["seed"] + k, name=f"NSE:{'A' * (k + 1)}") for k in range(drawn["n_instruments"])]
    chosen = BacktestSettings(
        capital=Decimal(100_000),
        product=drawn["product"],
        size=parse_size(drawn["size"]),
        costs=parse_costs(drawn["costs"]),
        slippage=parse_slippage("bps:5"),
        fractional=drawn["fractional"],
        close_at_end=drawn["close_at_end"],
    )
    params = {"seed": drawn["seed"]}
    result = run(RANDOM, params, bars, chosen)
    found = evaluate(RANDOM, params, bars, chosen, curve=True)
    assert_array_equal(found.equity, result.equity)
    assert found.n_fills == len(result.fills)
    assert found.n_entries == len(result.trades)
    assert found.n_wins == sum(trade.net_pnl > 0 for trade in result.trades if not trade.open)
    expected = metrics_of(result, 100_000.0)
    for name, value in metrics_from(found).items():
        assert value == (None if expected[name] is None else pytest.approx(expected[name], rel=1e-9, abs=1e-9)), name


def test_bars_held_are_those_at_whose_close_something_was_held(make_bars: MakeBars, says: Callable[..., Strategy]) -> None:
    strategy = says([1, 1, 0, 0, 1, 0])
    bars = [make_bars([(100, 100)] * 6)]
    assert evaluate(strategy, {}, bars, BacktestSettings(size=parse_size("shares:1"))).bars_held == 2 + 1


def test_without_a_curve_none_is_kept(make_bars: MakeBars, says: Callable[..., Strategy]) -> None:
    found = evaluate(says([1, 0, 0]), {}, [make_bars([(100, 100)] * 3)], BacktestSettings())
    assert found.equity is None
    assert "equity" in asdict(found)


def test_an_equity_that_never_varied_has_no_sharpe_ratio(make_bars: MakeBars, says: Callable[..., Strategy]) -> None:
    found = evaluate(says([0, 0, 0, 0]), {}, [make_bars([(100, 100)] * 4)], BacktestSettings())
    assert (found.sharpe, found.deviation, found.win_rate, found.profit_factor, found.expectancy) == (None, 0.0, None, None, None)


def test_two_bars_are_too_few_for_a_deviation(make_bars: MakeBars, says: Callable[..., Strategy]) -> None:
    found = evaluate(says([1, 1]), {}, [make_bars([(100, 100)] * 2)], BacktestSettings())
    assert (found.mean_return, found.deviation, found.downside, found.sharpe) == (None, None, None, None)


def test_returns_of_a_lost_account_are_not_defined(make_bars: MakeBars, says: Callable[..., Strategy]) -> None:
    bars = make_bars([(100, 100), (100, 100), (100, 250), (250, 250), (250, 250)])
    chosen = BacktestSettings(capital=Decimal(1000), product=Product.MIS, size=parse_size("shares:10"), costs=parse_costs("none"))
    found = evaluate(says([-1, -1, -1, -1, -1]), {}, [bars], chosen)
    assert found.final_equity < 0
    assert found.sharpe is None
