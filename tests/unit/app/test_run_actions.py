"""A run on prices as traded is played with the confirmed actions of its instruments, names them, and repeats with the same ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.app.backtests import run_backtest
from qts.app.replays import replay
from qts.app.requests import BacktestRequest, build
from qts.app.run_actions import actions_hash, confirmed_actions, stored_actions
from qts.app.sweep_request import SweepRequest
from qts.app.sweeping import run_sweep
from qts.app.workspace import Workspace
from qts.core import ActionKind, InstrumentId, Interval, session_date_of
from qts.data.actions import ActionRecord, ActionState, StatedAction
from qts.data.storage import PriceBasis, Provenance, SeriesBars, SeriesKey

ALPHA = InstrumentId("NSE:ALPHA")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
KEY = SeriesKey(instrument=ALPHA, interval=Interval.DAY, basis=PriceBasis.RAW)


def request(**values: object) -> BacktestRequest:
    return build(BacktestRequest, **{"strategy": "ema_cross", "instruments": "NSE:ALPHA", "costs": "none", "slippage": "none", **values})


def split_after(workspace: Workspace, n_bars: int, ratio: int) -> date:
    """Divide the stored prices from a bar on, as a split does, and return its date."""
    bars = workspace.store.read(KEY)
    shares = np.where(np.arange(len(bars)) >= n_bars, float(ratio), 1.0)
    columns: dict[str, Any] = {name: getattr(bars, name) / shares for name in ("open", "high", "low", "close")}
    workspace.store.upsert([SeriesBars(key=KEY, bars=replace(bars, **columns))], Provenance(source="test"), at=NOW)
    return session_date_of(int(bars.ts[n_bars]))


def state(workspace: Workspace, on: date, *, as_: ActionState = ActionState.CONFIRMED, **terms: Any) -> None:
    action = StatedAction(instrument=ALPHA, ex_date=on, **terms)
    workspace.actions.record([ActionRecord(action=action, state=as_, source="file:test")], at=NOW)


def test_a_split_that_is_confirmed_is_no_loss_and_stands_in_the_document(workspace: Workspace) -> None:
    before = run_backtest(workspace, request(params={"fast": 3, "slow": 6}, fractional=True))
    on = split_after(workspace, 60, 5)
    lost = run_backtest(workspace, request(params={"fast": 3, "slow": 6}, fractional=True))
    assert any("perhaps a split" in warning for warning in lost.warnings)
    state(workspace, on, kind=ActionKind.SPLIT, ratio=Decimal(5))
    document = run_backtest(workspace, request(params={"fast": 3, "slow": 6}, fractional=True))
    assert [(part.instrument, part.ex_date, part.kind, part.ratio, part.cash) for part in document.actions] == [
        ("NSE:ALPHA", on, "split", "5", "0")
    ]
    assert document.benchmark.total_return == pytest.approx(before.benchmark.total_return)
    assert lost.benchmark.total_return != pytest.approx(before.benchmark.total_return)
    assert not any("perhaps a split" in warning for warning in document.warnings)
    assert any("signals were computed on prices as traded" in warning for warning in document.warnings)
    assert len({before.run_id, lost.run_id, document.run_id}) == 3


def test_a_replay_takes_the_actions_of_the_run_whatever_is_known_since(workspace: Workspace) -> None:
    on = split_after(workspace, 60, 5)
    state(workspace, on, kind=ActionKind.SPLIT, ratio=Decimal(5))
    document = run_backtest(workspace, request(params={"fast": 3, "slow": 6}))
    state(workspace, on, as_=ActionState.REJECTED, kind=ActionKind.SPLIT, ratio=Decimal(5))
    assert replay(workspace, document.run_id).identical
    assert run_backtest(workspace, request(params={"fast": 3, "slow": 6})).actions == ()


def test_what_a_dividend_paid_is_told(workspace: Workspace) -> None:
    bars = workspace.store.read(KEY)
    dates = [session_date_of(int(bars.ts[at])) for at in range(20, 95, 3)]
    for on in dates:
        state(workspace, on, kind=ActionKind.DIVIDEND, cash=Decimal("1.5"))
    document = run_backtest(workspace, request(params={"fast": 3, "slow": 6}))
    met = [part for part in document.actions if part.quantity_before]
    assert 0 < len(met) <= len(document.actions) == len(dates)
    assert all(part.paid == 1.5 * (part.quantity_before or 0) for part in met)
    assert document.action_cash == sum(part.paid or 0 for part in met) > 0
    assert {event.status for event in document.order_events} == {"action"}
    gained = sum(trade.net_pnl for trade in document.trades) + document.action_cash
    assert document.metrics["net_pnl"] == pytest.approx(gained)


def test_a_cell_of_a_sweep_is_the_run_of_its_parameters(workspace: Workspace) -> None:
    state(workspace, split_after(workspace, 60, 5), kind=ActionKind.SPLIT, ratio=Decimal(5))
    cells = run_sweep(workspace, build(SweepRequest, strategy="ema_cross", instruments="NSE:ALPHA", grid={"fast": [3, 4], "slow": [9]}))
    for cell in cells.best:
        document = run_backtest(workspace, build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params=cell.params))
        assert cell.metrics["net_pnl"] == pytest.approx(document.metrics["net_pnl"])


def test_only_confirmed_actions_between_the_bars_of_raw_prices_count(workspace: Workspace) -> None:
    bars = workspace.store.read(KEY)
    info = next(one for one in workspace.store.series() if one.key == KEY)
    first, inside, last = (session_date_of(int(bars.ts[at])) for at in (0, 20, -1))
    state(workspace, first, kind=ActionKind.SPLIT, ratio=Decimal(2))
    state(workspace, inside, as_=ActionState.SUSPECTED, kind=ActionKind.SPLIT, ratio=Decimal(2))
    state(workspace, last, kind=ActionKind.BONUS, ratio=Decimal(2))
    assert [action.ex_date for action in confirmed_actions(workspace, [info], [bars])] == [last]
    adjusted = replace(info, key=replace(info.key, basis=PriceBasis.ADJUSTED))
    assert confirmed_actions(workspace, [adjusted], [bars]) == ()


def test_a_part_split_off_is_taken_as_money_by_the_last_close_there_is(workspace: Workspace) -> None:
    bars = workspace.store.read(KEY)
    info = next(one for one in workspace.store.series() if one.key == KEY)
    close = bars.close.copy()
    close[19] = np.nan
    state(workspace, session_date_of(int(bars.ts[20])), kind=ActionKind.DEMERGER, factor=Decimal("0.75"))
    (action,) = confirmed_actions(workspace, [info], [replace(bars, close=close)])
    assert float(action.cash) == pytest.approx(bars.close[18] / 4, abs=1e-4)


def test_no_actions_leave_the_identity_as_it_was(workspace: Workspace) -> None:
    assert actions_hash(()) == ""
    document = run_backtest(workspace, request())
    assert (stored_actions(document), document.action_cash) == ((), 0.0)
