"""What every metric promises, whoever wrote it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.analytics import Metric, RunCurves, Undefined, built_in_metrics, compute_metrics

METRICS = built_in_metrics()
DAY = 86_400_000_000


@st.composite
def runs(draw: st.DrawFn) -> RunCurves:
    n_bars = draw(st.integers(0, 30))
    n_trades = draw(st.integers(0, 8))
    rupees = st.floats(-1e6, 1e7, allow_subnormal=False)
    pnl = np.array(draw(st.lists(rupees, min_size=n_trades, max_size=n_trades)), dtype=np.float64)
    return RunCurves(
        ts=np.arange(n_bars, dtype=np.int64) * DAY,
        equity=np.array(draw(st.lists(rupees, min_size=n_bars, max_size=n_bars)), dtype=np.float64),
        exposure=np.array(draw(st.lists(st.floats(-1, 1), min_size=n_bars, max_size=n_bars)), dtype=np.float64),
        capital=draw(st.floats(1.0, 1e7)),
        bars_per_year=draw(st.sampled_from([12.0, 248.0, 93_000.0])),
        trade_net_pnl=pnl,
        trade_gross_pnl=pnl,
        trade_returns=pnl / 1e5,
        costs_total=draw(st.floats(0.0, 1e6)),
        slippage_total=draw(st.floats(-1e3, 1e6)),
        traded_notional=draw(st.floats(0.0, 1e9)),
    )


def promise_broken(metric: Metric, curves: RunCurves) -> str | None:
    value = metric.compute(curves)
    if metric.compute(curves) != value:
        return "a second call gives another value"
    if isinstance(value, Undefined):
        if not metric.undefined_when:
            return "it does not document when it is undefined"
        return None if value.reason and not value.reason.endswith(".") else f"its reason is {value.reason!r}"
    return None if math.isfinite(value) else f"its value is {value}"


@settings(max_examples=200)
@given(curves=runs())
def test_a_metric_is_a_finite_number_or_says_why_not(curves: RunCurves) -> None:
    broken = {name: promise for name, metric in METRICS.items() if (promise := promise_broken(metric, curves))}
    assert broken == {}


@settings(max_examples=50)
@given(curves=runs())
def test_a_metric_changes_no_input(curves: RunCurves) -> None:
    inputs = [curves.ts, curves.equity, curves.exposure, curves.trade_net_pnl]
    before = [array.copy() for array in inputs]
    compute_metrics(curves)
    for kept, now in zip(before, inputs, strict=True):
        np.testing.assert_array_equal(kept, now)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_explains_itself(name: str) -> None:
    metric = METRICS[name]
    assert all([metric.title, metric.meaning, metric.formula, metric.reference])
    assert metric.order < 1000
    assert "|" not in name
    assert metric.meaning.endswith(".")
    assert not metric.undefined_when.endswith(".")
