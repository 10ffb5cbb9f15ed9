"""A run on adjusted prices that are not stored: made of raw ones, as they stood on its last day, and repeated as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from qts.app.actions import ConfirmRequest, RejectRequest, confirm_action, reject_action
from qts.app.backtests import run_backtest, run_bars
from qts.app.bars import NoSuchSeries, read_bars
from qts.app.replays import replay
from qts.app.requests import BacktestRequest, BarsRequest, build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange
from qts.data.storage import PriceBasis

BONUS = "NSE:ALPHA/2022-06-15/bonus"


def request(**values: object) -> BacktestRequest:
    plain = {"strategy": "buy_and_hold", "instruments": "NSE:ALPHA", "costs": "none", "slippage": "none", "prices": "adjusted"}
    return build(BacktestRequest, **{**plain, **values})


def state(workspace: Workspace, name: str = BONUS, **terms: str) -> None:
    confirm_action(workspace, build(ConfirmRequest, id=name, **(terms or {"ratio": "1:1"})))


def test_without_anything_confirmed_there_are_no_adjusted_prices(workspace: Workspace) -> None:
    with pytest.raises(NoSuchSeries):
        run_backtest(workspace, request())


def test_a_run_on_made_prices_is_the_run_on_the_same_prices_stored(workspace: Workspace, store_bars: Callable[..., None]) -> None:
    state(workspace)
    made = run_backtest(workspace, request(strategy="ema_cross", params={"fast": 3, "slow": 8}))
    assert made.data.prices == {"NSE:ALPHA": "adjusted"}
    [step] = made.data.adjusted_by["NSE:ALPHA"]
    assert (str(step.ex_date), step.factor, step.is_cash) == ("2022-06-15", 0.5, False)
    assert made.actions == ()
    whole = read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", prices="adjusted")).bars
    store_bars(workspace, whole, basis=PriceBasis.ADJUSTED)
    kept = run_backtest(workspace, request(strategy="ema_cross", params={"fast": 3, "slow": 8}))
    assert kept.data.adjusted_by == {}
    assert (kept.fills, kept.trades, kept.metrics) == (made.fills, made.trades, made.metrics)
    assert kept.run_id != made.run_id


def test_the_same_bars_come_back_for_the_chart_of_the_run(workspace: Workspace) -> None:
    state(workspace)
    document = run_backtest(workspace, request())
    shown = run_bars(workspace, document, "NSE:ALPHA")
    made = read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", prices="adjusted"))
    assert_array_equal(shown.bars.close, made.bars.close)
    assert (shown.basis, shown.derived) == (PriceBasis.ADJUSTED, "raw prices adjusted as they were for the run")


def test_what_is_known_later_changes_the_run_and_not_its_replay(workspace: Workspace) -> None:
    state(workspace)
    first = run_backtest(workspace, request())
    state(workspace, "NSE:ALPHA/2022-09-15/split", ratio="5")
    assert replay(workspace, first.run_id).identical
    second = run_backtest(workspace, request())
    assert second.run_id != first.run_id
    reject_action(workspace, RejectRequest(id=BONUS))
    assert replay(workspace, first.run_id).identical
    assert replay(workspace, second.run_id).identical


def test_actions_after_the_last_day_of_a_run_take_no_part_in_it(workspace: Workspace) -> None:
    state(workspace)
    before = run_backtest(workspace, request(end="2022-12-30"))
    state(workspace, "NSE:ALPHA/2023-01-16/split", ratio="5")
    assert run_backtest(workspace, request(end="2022-12-30")).run_id == before.run_id


def test_orders_fill_on_shorter_bars_adjusted_by_the_same_steps(with_quarters: Workspace) -> None:
    state(with_quarters, "NSE:ALPHA/2022-03-15/bonus")
    values: dict[str, Any] = {"fill_interval": "15m", "start": "2022-01-03", "end": "2022-04-29", "strategy": "ema_cross"}
    document = run_backtest(with_quarters, request(**values, params={"fast": 2, "slow": 4}))
    quarters = read_bars(with_quarters, build(BarsRequest, instrument="NSE:ALPHA", interval="15m")).bars
    halves = set(np.round(quarters.open / 2, 6).tolist())
    early = [fill.price for fill in document.fills if fill.at < "2022-03-15"]
    assert early
    assert {round(price, 6) for price in early} <= halves
    assert replay(with_quarters, document.run_id).identical


def test_shares_without_any_action_take_part_where_a_list_is_kept(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(workspace, make_bars("NSE:OTHER", Exchange.NSE, seed=8))
    state(workspace)
    document = run_backtest(workspace, request(instruments="NSE:ALPHA,NSE:OTHER"))
    assert {name: len(steps) for name, steps in document.data.adjusted_by.items()} == {"NSE:ALPHA": 1, "NSE:OTHER": 0}
    assert any("Adjusted prices of NSE:OTHER are those as traded" in warning for warning in document.warnings)
    assert replay(workspace, document.run_id).identical
    assert run_bars(workspace, document, "NSE:OTHER").derived
    # Up to its last day a run before the bonus needs no adjusting either.
    early = run_backtest(workspace, request(end="2022-06-01"))
    assert early.data.adjusted_by == {"NSE:ALPHA": ()}
    assert replay(workspace, early.run_id).identical


def test_a_start_within_the_series_reads_nothing_of_before(workspace: Workspace, make_bars: Callable[..., Bars]) -> None:
    assert callable(make_bars)
    state(workspace)
    document = run_backtest(workspace, request(start="2022-05-02"))
    assert document.data.start == "2022-05-02"
