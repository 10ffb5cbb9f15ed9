"""Jumps in a run's raw prices that nobody has settled: named with the cure, until somebody settles them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from qts.app.actions import ActionsRequest, ConfirmRequest, RejectRequest, confirm_action, reject_action, suspect_actions
from qts.app.backtests import run_backtest
from qts.app.replays import replay
from qts.app.requests import BacktestRequest, build
from qts.app.run_document import RunDocument
from qts.app.run_suspicions import suspicion_warnings
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, FixedClock, InstrumentId, Interval
from qts.data.storage import PriceBasis

AT = 198
ON = "2022-10-20"
SPLIT = f"NSE:GAMMA/{ON}/split"


def jumping(bars: Bars, *, factor: float = 0.5) -> Bars:
    open_ = np.concatenate(([bars.open[0]], bars.close[:-1]))
    scale = np.where(np.arange(len(bars)) < AT, 1.0 / factor, 1.0)
    open_, close = np.round(open_ * scale, 2), np.round(bars.close * scale, 2)
    open_[AT] = np.round(close[AT - 1] * factor, 2)
    return replace(bars, open=open_, close=close, high=np.maximum(open_, close) + 1.0, low=np.minimum(open_, close) - 1.0)


@pytest.fixture
def jumped(workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> Workspace:
    """Return the workspace with NSE:GAMMA, which halves overnight on 2022-10-20, beside the others."""
    store_bars(workspace, jumping(make_bars("NSE:GAMMA", Exchange.NSE, seed=3)))
    return workspace


def run(workspace: Workspace, **values: object) -> RunDocument:
    plain = {"strategy": "buy_and_hold", "instruments": "NSE:GAMMA", "costs": "none", "slippage": "none"}
    return run_backtest(workspace, build(BacktestRequest, **{**plain, **values}))


def told(document: RunDocument) -> list[str]:
    return [warning for warning in document.warnings if "suspected" in warning]


def test_a_jump_is_named_with_the_commands_that_settle_it(jumped: Workspace) -> None:
    document = run(jumped)
    assert [(part.id, part.factor) for part in document.suspected] == [(SPLIT, 0.5)]
    [warning] = told(document)
    assert "a factor of 0.5 overnight" in warning
    assert f"`qts actions confirm '{SPLIT}'`" in warning
    assert f"`qts actions reject '{SPLIT}'`" in warning


def test_it_is_named_once_also_when_it_was_noted_before(jumped: Workspace) -> None:
    suspect_actions(jumped, ActionsRequest())
    assert len(told(run(jumped))) == 1


def test_settling_it_ends_the_warning_and_the_old_run_repeats_with_its_own(jumped: Workspace) -> None:
    first = run(jumped)
    confirm_action(jumped, ConfirmRequest(id=SPLIT))
    second = run(jumped)
    assert (told(second), [part.kind for part in second.actions]) == ([], ["split"])
    assert second.run_id != first.run_id
    assert replay(jumped, first.run_id).identical
    reject_action(jumped, RejectRequest(id=SPLIT))
    assert told(run(jumped)) == []
    assert replay(jumped, second.run_id).identical


def test_a_run_on_a_past_snapshot_knows_what_was_known_until_it_was_replaced(
    jumped: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    past = jumped.store.snapshot()
    later = replace(jumped, clock=FixedClock(jumped.clock.now() + timedelta(hours=1)))
    store_bars(jumped, make_bars("NSE:LATE", Exchange.NSE, seed=7))
    confirm_action(later, ConfirmRequest(id=SPLIT))
    assert (len(run(later).actions), told(run(later))) == (1, [])
    then = run(later, as_of=past)
    assert (then.actions, len(told(then))) == ((), 1)
    assert replay(later, then.run_id).identical
    jumped.store.name_snapshot(past, "mark", at=later.clock.now())
    named = run(later, as_of="mark")
    assert (named.run_id, named.data.snapshot, named.actions) == (then.run_id, past, ())
    assert replay(later, run(later).run_id).identical


def test_an_action_of_a_day_without_bars_explains_the_jump_after_it(
    jumped: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    bars = jumping(make_bars("NSE:GAMMA", Exchange.NSE, seed=3))
    kept = np.arange(len(bars)) != AT - 1
    gone = {name: getattr(bars, name)[kept] for name in ("ts", "open", "high", "low", "close", "volume", "oi")}
    store_bars(jumped, replace(bars, instrument=InstrumentId("NSE:GAPPED"), **gone))
    assert len(told(run(jumped, instruments="NSE:GAPPED"))) == 1
    confirm_action(jumped, build(ConfirmRequest, id="NSE:GAPPED/2022-10-19/bonus", ratio="1:1"))
    assert told(run(jumped, instruments="NSE:GAPPED")) == []


def test_a_suspicion_outside_of_the_run_is_not_told(jumped: Workspace) -> None:
    suspect_actions(jumped, ActionsRequest())
    assert told(run(jumped, start="2022-11-01")) == []
    assert told(run(jumped, end="2022-10-19")) == []


def test_stored_adjusted_prices_and_levels_of_an_index_are_not_suspected(
    jumped: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    bars = jumping(make_bars("NSE:GAMMA", Exchange.NSE, seed=3))
    store_bars(jumped, replace(bars, instrument=InstrumentId("NSE:DONE")), basis=PriceBasis.ADJUSTED)
    store_bars(jumped, replace(bars, instrument=InstrumentId("INDEX:GAMMA")))
    assert told(run(jumped, instruments="NSE:DONE")) == []
    assert told(run(jumped, instruments="INDEX:GAMMA")) == []


def test_a_jump_between_minutes_of_two_days_is_seen(
    jumped: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    bars = jumping(make_bars("NSE:GAMMA", Exchange.NSE, seed=3))
    store_bars(jumped, replace(bars, instrument=InstrumentId("NSE:QUARTERS"), interval=Interval.MINUTE_15))
    assert len(told(run(jumped, instruments="NSE:QUARTERS", interval="15m"))) == 1


def test_of_many_three_are_named_and_the_rest_counted(jumped: Workspace) -> None:
    parts = run(jumped).suspected * 5
    assert len(suspicion_warnings(parts)) == 4
    assert suspicion_warnings(parts)[-1] == "2 more are suspected: `qts actions suspected` lists them."


@pytest.mark.parametrize("prices", ["raw", "adjusted"])
@pytest.mark.parametrize(
    ("action", "says"),
    [
        pytest.param(f"{ON}/bonus/1:1", "", id="as prices have it"),
        pytest.param("2022-10-19/bonus/1:1", "0.5", id="a day early"),
        pytest.param(f"{ON}/bonus/1:10", "0.9091", id="a ratio that is too small"),
        pytest.param(f"{ON}/split/10->1", "0.1", id="a ratio that is too large"),
        pytest.param("2022-03-10/split/5:1", "0.2", id="a split that never was"),
    ],
)
def test_a_confirmed_action_that_prices_contradict_is_told(jumped: Workspace, prices: str, action: str, says: str) -> None:
    on, kind, ratio = action.split("/")
    confirm_action(jumped, build(ConfirmRequest, id=f"NSE:GAMMA/{on}/{kind}", ratio=ratio))
    document = run(jumped, prices=prices)
    told_of = [warning for warning in document.warnings if "confirmed corporate action says" in warning]
    assert [f"says {says}. If" in warning for warning in told_of] == ([True] if says else [])
    assert all(warning.startswith(f"NSE:GAMMA on {on}:") for warning in told_of)
    assert replay(jumped, document.run_id).identical
