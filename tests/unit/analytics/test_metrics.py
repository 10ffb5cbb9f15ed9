"""Every metric against an oracle of plain Python, on runs worked out by hand and on drawn ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.analytics import RunCurves, compute_metrics

MakeCurves = Callable[..., RunCurves]
Truth = Callable[[str], Any]

EQUITY = [100_000.0, 101_000.0, 99_500.0, 99_500.0, 104_000.0, 103_000.0]
PNL = [1_500.0, -700.0, 2_600.0, 0.0, -400.0]
RETURNS = [float(Fraction(after) / Fraction(before) - 1) for before, after in pairwise(EQUITY)]


def expected() -> dict[str, float]:
    """Work the example out with fractions, decimals and the standard library."""
    growth = float((Decimal(103_000) / Decimal(100_000)) ** (Decimal(365) / Decimal(50)) - 1)
    downside = math.sqrt(sum(min(r, 0.0) ** 2 for r in RETURNS) / 5)
    return {
        "final_equity": 103_000.0,
        "total_return": 0.03,
        "cagr": growth,
        "volatility": statistics.stdev(RETURNS) * math.sqrt(248),
        "sharpe": statistics.fmean(RETURNS) / statistics.stdev(RETURNS) * math.sqrt(248),
        "sortino": statistics.fmean(RETURNS) / downside * math.sqrt(248),
        "calmar": growth / (1_500 / 101_000),
        "max_drawdown": -1_500 / 101_000,
        "n_trades": 5,
        "win_rate": 0.4,
        "profit_factor": 4_100 / 1_100,
        "expectancy": 600.0,
        "exposure": 0.35,
        "turnover": 507_500.0 / (sum(EQUITY) / 6) / (6 / 248),
        "gross_pnl": 3_210.5,
        "costs_total": 210.5,
        "slippage_total": 33.25,
        "net_pnl": 3_000.0,
    }


def worked_example(make_curves: MakeCurves) -> RunCurves:
    return make_curves(
        EQUITY,
        trades=PNL,
        every=10,
        exposure=np.array([0.0, 0.5, -0.4, 0.0, 0.9, 0.3]),
        costs_total=210.5,
        slippage_total=33.25,
        traded_notional=507_500.0,
    )


@pytest.mark.parametrize("name", expected())
def test_the_worked_example_comes_out(make_curves: MakeCurves, name: str) -> None:
    value = compute_metrics(worked_example(make_curves)).values[name]
    assert value == pytest.approx(expected()[name], rel=1e-12)


def test_the_table_has_the_order_of_the_result_document(make_curves: MakeCurves) -> None:
    assert list(compute_metrics(worked_example(make_curves)).values) == list(expected())


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        pytest.param({"equity": [], "trades": []}, {"volatility", "exposure", "turnover", "cagr", "sharpe", "win_rate"}, id="no bar"),
        pytest.param({"equity": [100_000.0], "trades": []}, {"volatility", "sharpe", "sortino", "cagr", "calmar"}, id="one bar"),
        pytest.param({"equity": [100_000.0] * 9, "trades": []}, {"sharpe", "sortino", "calmar", "win_rate", "expectancy"}, id="flat"),
        pytest.param({"equity": EQUITY, "trades": []}, {"win_rate", "profit_factor", "expectancy"}, id="no closed trade"),
        pytest.param({"equity": EQUITY, "trades": [5.0, 7.0]}, {"profit_factor"}, id="all wins"),
        pytest.param({"equity": [100_000.0, 50_000.0, 0.0, 0.0], "trades": [-1.0]}, {"cagr", "sharpe", "sortino", "volatility"}, id="ruin"),
        pytest.param({"equity": [100_000.0, -400_000.0], "trades": [-1.0]}, {"cagr", "calmar", "turnover", "sharpe"}, id="below zero"),
        pytest.param({"equity": EQUITY, "exposure": np.full(6, np.inf)}, {"exposure"}, id="infinite exposure"),
    ],
)
def test_what_is_undefined_is_none_with_a_reason(make_curves: MakeCurves, fields: dict[str, Any], missing: set[str]) -> None:
    table = compute_metrics(make_curves(**fields))
    assert missing <= set(table.reasons)
    assert {name for name, value in table.values.items() if value is None} == set(table.reasons)
    assert len(table.warnings()) == len(table.reasons)
    assert all(value is None or math.isfinite(value) for value in table.values.values())


def test_a_flat_run_has_zero_return_volatility_and_drawdown(make_curves: MakeCurves) -> None:
    values = compute_metrics(make_curves([100_000.0] * 9)).values
    assert [values[name] for name in ("total_return", "cagr", "volatility", "max_drawdown", "net_pnl")] == [0.0] * 5


def test_a_loss_on_the_first_bar_is_a_drawdown(make_curves: MakeCurves) -> None:
    values = compute_metrics(make_curves([99_000.0, 99_000.0, 99_500.0])).values
    assert values["max_drawdown"] == pytest.approx(-0.01)
    assert values["total_return"] == pytest.approx(-0.005)


def test_a_run_without_a_loss_has_a_profit_factor_of_nothing_and_says_so(make_curves: MakeCurves) -> None:
    table = compute_metrics(make_curves(EQUITY, trades=[5.0]))
    assert table.warnings() == ("profit_factor is not defined: no closed trade lost money, so there is no loss to divide by.",)


@given(
    st.lists(st.floats(1_000.0, 1e7), min_size=3, max_size=40),
    st.lists(st.floats(-1e5, 1e5), max_size=30),
    st.floats(0.0, 1e5),
)
def test_laws_of_every_run(make_curves: MakeCurves, equity: list[float], trades: list[float], costs: float) -> None:
    table = compute_metrics(make_curves(equity, trades=trades, costs_total=costs))
    values = table.values
    assert all(value is None or math.isfinite(value) for value in values.values())
    assert values["max_drawdown"] is not None
    assert -1.0 < values["max_drawdown"] <= 0.0
    gross, net = values["gross_pnl"], values["net_pnl"]
    assert gross is not None
    assert net == gross - costs
    assert net == pytest.approx(equity[-1] - 100_000.0, abs=1e-6)
    assert values["total_return"] == pytest.approx(equity[-1] / 100_000.0 - 1.0, rel=1e-12)
    win_rate, growth, total = values["win_rate"], values["cagr"], values["total_return"]
    assert win_rate is None or 0.0 <= win_rate <= 1.0
    assert isinstance(values["n_trades"], int)
    assert total is not None
    assert growth is None or growth * total >= 0.0


@given(st.lists(st.floats(1_000.0, 1e7), min_size=3, max_size=40), st.sampled_from([0.5, 2.0, 8.0]))
def test_a_bigger_account_changes_rupees_only(make_curves: MakeCurves, equity: list[float], factor: float) -> None:
    """Powers of two scale doubles exactly, so equality is exact too."""
    small = compute_metrics(make_curves(equity, trades=[5.0, -3.0])).values
    large = compute_metrics(
        make_curves(np.array(equity) * factor, trades=[5.0 * factor, -3.0 * factor], capital=100_000.0 * factor),
    ).values
    for name in ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "win_rate", "profit_factor"):
        assert small[name] == large[name]
    for name in ("final_equity", "net_pnl", "gross_pnl", "expectancy"):
        before = small[name]
        assert before is not None
        assert large[name] == before * factor


@pytest.mark.realdata
@pytest.mark.parametrize("case", ["goog_sma_10_20_c0.002", "goog_sma_10_20_c0"])
def test_figures_agree_with_another_engine_where_the_definitions_coincide(truth: Truth, make_curves: MakeCurves, case: str) -> None:
    """Its profit factor and expectancy are of trade returns, and its CAGR has years of 365.25 days: the formulas are the same."""
    run = truth("backtestingpy_goog")["cases"][case]
    stats, trades = run["stats"], run["trades"]
    pnl = np.array([trade["pnl"] for trade in trades])
    equity = 10_000.0 + np.concatenate(([0.0], np.cumsum(pnl)))
    costs = sum(trade["commission"] for trade in trades)
    money = compute_metrics(make_curves(equity, trades=pnl, capital=10_000.0, costs_total=costs)).values
    assert money["final_equity"] == pytest.approx(stats["Equity Final [$]"], rel=1e-9)
    assert money["total_return"] == pytest.approx(stats["Return [%]"] / 100, rel=1e-9)
    assert money["n_trades"] == stats["# Trades"]
    assert money["win_rate"] == pytest.approx(stats["Win Rate [%]"] / 100, rel=1e-12)
    assert money["costs_total"] == pytest.approx(stats.get("Commissions [$]", 0.0), rel=1e-9)
    earned = [trade["pnl"] / abs(trade["size"] * trade["entry_price"]) for trade in trades]
    shares = compute_metrics(make_curves(equity, trades=earned, capital=10_000.0)).values
    assert shares["profit_factor"] == pytest.approx(stats["Profit Factor"], rel=1e-9)
    assert shares["expectancy"] == pytest.approx(stats["Expectancy [%]"] / 100, rel=1e-9)
