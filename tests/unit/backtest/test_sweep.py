from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestSettings, evaluate, parse_costs, parse_size, run, sweep
from qts.core import Bars, FillReason, Floats, Product
from qts.core.errors import BadParameter, DataError, StrategyFailed
from qts.kernels import sma
from qts.strategies import Context, Indicator, Param, Ref, Rule, Strategy

MakeBars = Callable[..., Bars]

FAST, SLOW = Indicator("ema", Ref("fast")), Indicator("ema", Ref("slow"))
CROSS = Strategy(
    title="Cross",
    params={"fast": Param(3, low=1), "slow": Param(8, low=1)},
    constraint="fast < slow",
    rule=Rule(enter=FAST.crosses_above(SLOW), exit=FAST.crosses_below(SLOW)),
)
CELLS: list[Mapping[str, object]] = [{"fast": fast, "slow": slow} for fast in (2, 3, 5) for slow in (8, 13)]


@pytest.fixture(autouse=True)
def through_the_fills_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other loop has tests of its own; it differs in the last bits, and whether it is worth its start depends on what ran before."""
    monkeypatch.setattr(importlib.import_module("qts.backtest.sweep"), "prefers_compiled", lambda _: False)


def test_each_cell_is_what_its_parameters_alone_give(walk: MakeBars) -> None:
    bars = [walk(300, seed=4)]
    result = sweep(CROSS, CELLS, bars, BacktestSettings())
    assert len(result) == len(CELLS)
    assert result.is_complete
    assert list(result) == [evaluate(CROSS, cell, bars, BacktestSettings()) for cell in CELLS]


def test_cells_pay_the_broker_s_fee_for_squaring_off_as_a_run_does(walk: MakeBars) -> None:
    bars = [walk(300, seed=4)]
    settings = BacktestSettings(product=Product.MIS, size=parse_size("shares:10"), costs=parse_costs("zerodha,square-off-fee"))
    result = sweep(CROSS, CELLS, bars, settings)
    for cell, found in zip(CELLS, result, strict=True):
        alone = run(CROSS, cell, bars, settings)
        plain = run(CROSS, cell, bars, replace(settings, costs=parse_costs("zerodha")))
        squared = sum(fill.reason is FillReason.SQUARE_OFF for fill in alone.fills)
        assert squared > 0
        assert alone.charges.total - plain.charges.total == 59 * squared
        assert found.costs_total == pytest.approx(float(alone.charges.total), abs=0.005)


def test_a_column_holds_one_measure_of_all_cells(walk: MakeBars) -> None:
    result = sweep(CROSS, CELLS, [walk(300, seed=4)], BacktestSettings())
    assert result.column("final_equity").tolist() == [cell.final_equity for cell in result]


def test_defaults_fill_what_a_cell_leaves_out(walk: MakeBars) -> None:
    result = sweep(CROSS, [{"fast": "4"}], [walk(60)], BacktestSettings())
    assert result[0].params == {"fast": 4, "slow": 8}


def test_progress_ends_with_all_cells_done(walk: MakeBars) -> None:
    seen: list[tuple[int, int]] = []
    sweep(CROSS, CELLS, [walk(60)], BacktestSettings(), on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(CELLS), len(CELLS))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_cancelled_sweep_keeps_what_was_done_and_says_what_was_not(make_bars: MakeBars) -> None:
    asked: list[bool] = []

    def enough() -> bool:
        asked.append(True)
        return len(asked) > 2

    slow_one = Strategy(title="T", params={"k": Param(1)}, targets=lambda bars, **_: np.zeros(len(bars)))
    result = sweep(slow_one, [{"k": k} for k in range(5)], [make_bars([(100, 100)] * 4)], BacktestSettings(), is_cancelled=enough)
    assert result.done.tolist() == [True, True, False, False, False]
    assert not result.is_complete
    assert len(list(result)) == 2
    assert np.isnan(result.column("final_equity")[2:]).all()
    with pytest.raises(BadParameter, match="not finished"):
        result[3]


def test_a_strategy_that_gives_orders_is_swept_too(walk: MakeBars) -> None:
    def on_bar(context: Context) -> None:
        if context.bar == context.params["at"]:
            context.instrument.buy(10)

    strategy = Strategy(title="Orders", params={"at": Param(5)}, on_bar=on_bar)
    result = sweep(strategy, [{"at": 3}, {"at": 500}], [walk(60)], BacktestSettings())
    assert result.column("n_fills").tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("cells", "options", "said"),
    [
        pytest.param([], {}, "no set of parameters", id="no cells"),
        pytest.param(CELLS, {"threads": 0}, "threads = 0", id="no threads"),
        pytest.param([{"fast": 9, "slow": 8}], {}, "breaks fast < slow", id="a cell that breaks the constraint"),
        pytest.param([{"speed": 9}], {}, "no such parameter", id="an unknown parameter"),
    ],
)
def test_what_cannot_be_swept_is_named(walk: MakeBars, cells: list[Mapping[str, object]], options: Mapping[str, Any], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        sweep(CROSS, cells, [walk(60)], BacktestSettings(), **options)


def test_bars_that_cannot_be_played_are_refused(make_bars: MakeBars) -> None:
    with pytest.raises(DataError, match="no price"):
        sweep(CROSS, CELLS, [make_bars([(100, 100), (-1, 100)])], BacktestSettings(size=parse_size("shares:1")))


@pytest.mark.parametrize(("n_cells", "loads"), [(2, 0), (6, 1)])
def test_short_bars_tried_many_times_are_worth_the_compiler(
    walk: MakeBars, monkeypatch: pytest.MonkeyPatch, n_cells: int, loads: int
) -> None:
    module = importlib.import_module("qts.backtest.sweep")
    loaded: list[bool] = []
    monkeypatch.setattr(module, "prefers_compiled", lambda n_bars: n_bars >= 300)
    monkeypatch.setattr(module, "load_compiler", lambda: loaded.append(True))
    strategy = Strategy(title="In", params={"n": Param(1)}, targets=lambda bars, n: np.full(len(bars), n / 10))
    sweep(strategy, [{"n": n} for n in range(n_cells)], [walk(60)], BacktestSettings())
    assert len(loaded) == loads


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cells be played by several threads, as they are where the loop of a run is compiled."""
    monkeypatch.setattr(importlib.import_module("qts.backtest.sweep"), "prefers_compiled", lambda _: True)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_cells_of_targets_are_the_same_on_any_number_of_threads(walk: Callable[..., Bars], threads: int) -> None:
    calls: list[int] = []

    def targets(bars: Bars, *, fast: int, slow: int) -> Floats:
        calls.append(threading.get_ident())
        return np.where(sma(bars.close, fast) > sma(bars.close, slow), 1.0, 0.0)

    strategy = Strategy(title="Targets", params={"fast": Param(3, low=1), "slow": Param(8, low=1)}, targets=targets)
    cells = [{"fast": fast, "slow": slow} for fast in (2, 3, 4) for slow in (7, 11, 19)]
    bars, seen = [walk(400)], []
    found = sweep(strategy, cells, bars, BacktestSettings(), threads=threads, on_progress=lambda done, total: seen.append((done, total)))
    # The strategy itself is never called by two threads at a time.
    assert set(calls) == {threading.get_ident()}
    assert seen == sorted(seen)
    assert seen[-1] == (9, 9)
    for cell, one in zip(cells, found, strict=True):
        assert one == evaluate(strategy, cell, bars, BacktestSettings())
        assert one.n_fills > 3


@pytest.mark.usefixtures("compiled")
def test_a_sweep_of_targets_that_is_cancelled_keeps_the_cells_that_were_begun(walk: Callable[..., Bars]) -> None:
    strategy = Strategy(title="Targets", params={"level": Param(1.0)}, targets=lambda bars, *, level: np.full(len(bars), level))
    answers = iter([False, False, True])
    cells = [{"level": 0.1 * k} for k in range(8)]
    found = sweep(strategy, cells, [walk(100)], BacktestSettings(), threads=2, is_cancelled=lambda: next(answers))
    assert found.done.tolist() == [True, True, *[False] * 6]


@pytest.mark.usefixtures("compiled")
def test_a_strategy_that_fails_on_one_cell_fails_the_sweep_whatever_the_threads(walk: Callable[..., Bars]) -> None:
    def targets(bars: Bars, *, level: float) -> Floats:
        return np.full(len(bars), 1.0 / (level - 3.0))

    strategy = Strategy(title="Targets", params={"level": Param(1.0)}, targets=targets)
    for threads in (1, 2):
        with pytest.raises(StrategyFailed):
            sweep(strategy, [{"level": 1.0 + k} for k in range(4)], [walk(50)], BacktestSettings(), threads=threads)
