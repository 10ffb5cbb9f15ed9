"""Every strategy that is found must keep the contract; its author does nothing for that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from qts.backtest import BacktestSettings, Verdict, run
from qts.backtest.lookahead import check
from qts.core import Bars, Floats, InstrumentId, Interval
from qts.core.errors import BadParameter
from qts.strategies import CatalogEntry, ParamKind, Strategy, load_catalog

ENTRIES = {entry.id: entry for entry in load_catalog().entries}


@pytest.fixture(params=sorted(ENTRIES))
def entry(request: pytest.FixtureRequest) -> CatalogEntry:
    return ENTRIES[request.param]


@pytest.fixture
def strategy(entry: CatalogEntry) -> Strategy:
    return entry.require()


def bars_of(strategy: Strategy, close: Floats) -> Bars:
    """Return bars of a day, or of five minutes for a strategy of the day's hours."""
    n = len(close)
    intraday = "intraday" in strategy.tags
    day, slot = np.divmod(np.arange(n, dtype=np.int64), 75 if intraday else 1)
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.MINUTE_5 if intraday else Interval.DAY,
        # From Monday the sixth of July 2020, 09:15 in India.
        ts=1_594_007_100_000_000 + 86_400_000_000 * (day + day // 5 * 2) + 300_000_000 * slot,
        open=close.copy(),
        high=close * 1.01,
        low=close * 0.99,
        close=close,
        volume=np.full(n, 1000.0),
        oi=np.full(n, np.nan),
    )


def walk(strategy: Strategy, n_bars: int, seed: int = 0) -> Bars:
    rng = np.random.default_rng(seed)
    return bars_of(strategy, np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars))), 2))


def test_it_has_a_title_a_file_and_helpful_parameters(entry: CatalogEntry, strategy: Strategy) -> None:
    assert strategy.title
    assert strategy.description
    assert entry.path is not None
    assert entry.path.stem == entry.id
    assert all(param.help for param in strategy.params.values())


@pytest.mark.parametrize("n_bars", [1, 2, 3, 30, 1000])
def test_it_decides_on_any_number_of_bars(strategy: Strategy, n_bars: int) -> None:
    wanted = strategy.exposure(walk(strategy, n_bars))
    assert wanted.shape == (n_bars,)
    assert wanted.dtype == np.float64


def test_the_past_never_changes(strategy: Strategy) -> None:
    for seed in range(3):
        bars = walk(strategy, 400, seed)
        whole = strategy.exposure(bars)
        for cut in (1, 2, 25, 26, 27, 49, 50, 51, 100, 255, 399):
            assert_array_equal(strategy.exposure(bars.window(0, cut)), whole[:cut])
        assert check(strategy, {}, [bars]).verdict is Verdict.CLEAN


def test_the_same_bars_give_the_same_targets(strategy: Strategy) -> None:
    bars = walk(strategy, 300)
    assert_array_equal(strategy.exposure(bars), strategy.exposure(bars))


def test_flat_prices_give_at_most_one_change(strategy: Strategy) -> None:
    wanted = np.nan_to_num(strategy.exposure(bars_of(strategy, np.full(500, 101.7))))
    assert np.count_nonzero(np.diff(wanted)) <= 1


def test_bars_without_prices_do_not_break_it(strategy: Strategy) -> None:
    bars = walk(strategy, 300)
    close = bars.close.copy()
    close[:10] = close[100:103] = np.nan
    holed = replace(bars, close=close)
    assert len(run(strategy, {}, [holed], BacktestSettings()).equity) == 300


def test_it_runs_to_a_finite_account_at_every_corner_of_its_parameters(strategy: Strategy) -> None:
    bars = walk(strategy, 600)
    for name, param in strategy.params.items():
        corners = (
            param.choices if param.kind is ParamKind.CHOICE else (True, False) if param.kind is ParamKind.BOOL else (param.low, param.high)
        )
        for value in corners:
            if value is None or not _fits(strategy, {name: value}):
                continue
            assert np.all(np.isfinite(run(strategy, {name: value}, [bars], BacktestSettings()).equity))


def _fits(strategy: Strategy, params: dict[str, object]) -> bool:
    try:
        strategy.resolve(params)
    except BadParameter:
        return False
    return True
