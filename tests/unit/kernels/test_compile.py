from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestSettings, evaluate, parse_costs, parse_size, run
from qts.core import Bars, InstrumentId, Interval, Product
from qts.core.errors import BadParameter
from qts.kernels import INDICATORS, compiled, compiled_portfolio, compiled_sweep, twins
from qts.kernels.compile import compile_all, main
from qts.kernels.compiled_indicators import twin_of
from qts.strategies import Indicator, Rule, Strategy, load_catalog

FAST, SLOW = Indicator("ema", 3), Indicator("sma", 8)
CROSS = Strategy(title="Cross", rule=Rule(enter=FAST.crosses_above(SLOW), exit=FAST.crosses_below(SLOW)))


def test_each_twin_is_reported_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["compiled", name] for name in (*INDICATORS, "fills", "orders", "sweep", "portfolio")]


def test_some_twins_can_be_compiled_apart(capsys: pytest.CaptureFixture[str]) -> None:
    main("--only=fills")
    assert capsys.readouterr().out.startswith("compiled fills")
    with pytest.raises(BadParameter, match="no such group"):
        main("--only=everything")


def n_signatures() -> list[int]:
    """How many kinds of arguments each twin was compiled for; the compiler's objects are untyped."""
    twins: list[Any] = [
        compiled.fills_nb,
        compiled.orders_nb,
        compiled_sweep.sweep_nb,
        compiled_portfolio.portfolio_nb,
        *map(twin_of, INDICATORS.values()),
    ]
    return [len(twin.signatures) for twin in twins]


def test_what_set_up_compiles_is_all_a_run_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_all(lambda _: None)
    monkeypatch.setattr(twins, "COMPILE_FROM", 1)
    n = 500
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, n)))
    ts = 1_700_000_000_000_000 + 900_000_000 * np.arange(n, dtype=np.int64)
    bars = Bars(
        instrument=InstrumentId("NSE:A"),
        interval=Interval.MINUTE_15,
        ts=ts,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=close,
        oi=close,
    )
    close.flags.writeable = False
    strategy = load_catalog().get("ema_cross").require()
    before = n_signatures()
    for product in (Product.CNC, Product.MIS):
        for series in (bars, replace(bars, close=close.copy(), open=close.copy())):
            assert run(strategy, {}, [series], BacktestSettings(product=product, capital=Decimal(10_000_000))).fills
    for costs in ("percent:0.001", "zerodha"):
        for curve in (False, True):
            assert evaluate(CROSS, {}, [bars], BacktestSettings(costs=parse_costs(costs)), curve=curve).n_fills
        both = [bars, replace(bars, instrument=InstrumentId("NSE:B"))]
        assert evaluate(CROSS, {}, both, BacktestSettings(costs=parse_costs(costs), size=parse_size("shares:1"))).n_fills
    assert n_signatures() == before
