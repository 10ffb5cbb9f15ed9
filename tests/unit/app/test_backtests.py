from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qts.app.backtests import list_runs, load_run, run_backtest, run_bars, run_states, runs_document
from qts.app.requests import BacktestRequest, build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId
from qts.core.errors import (
    BadParameter,
    DamagedFile,
    EmptySpan,
    PluginError,
    StrategyFailed,
    UnknownInstrument,
    UnknownRun,
    UnknownStrategy,
)
from qts.data.storage import PriceBasis


def request(**values: object) -> BacktestRequest:
    return build(BacktestRequest, **{"strategy": "ema_cross", "instruments": "NSE:ALPHA", **values})


def test_a_run_has_the_document_that_was_agreed(workspace: Workspace) -> None:
    document = run_backtest(workspace, request(params={"fast": "5", "slow": "20"}))
    plain = json.loads(document.model_dump_json(by_alias=True))
    assert list(plain)[:9] == ["run_id", "simulated", "strategy", "data", "settings", "metrics", "costs", "fills", "trades"]
    assert plain["strategy"]["params"] == {"fast": 5, "slow": 20, "short": False}
    assert plain["data"] | {"snapshot": ""} == {
        "snapshot": "",
        "instruments": ["NSE:ALPHA"],
        "interval": "1d",
        "from": "2022-01-03",
        "to": document.data.end,
        "bars": 400,
        "quality": 100.0,
        "prices": {"NSE:ALPHA": "raw"},
        "fill_interval": None,
        "fill_bars": None,
        "lists": [],
        "adjusted_by": {},
    }
    assert plain["settings"]["capital"] == "1000000"
    assert (plain["settings"]["costs"], plain["settings"]["slippage"], plain["settings"]["size"]) == ("zerodha", "bps:2", "percent:0.95")
    assert plain["honesty"]["lookahead"] == "clean"
    assert plain["equity"] is None
    assert plain["fills"]
    assert plain["fills"][0]["charges"]["total"] > 0


def test_cash_and_marks_add_up_to_the_final_equity(workspace: Workspace) -> None:
    document = run_backtest(workspace, request(params={"fast": 5, "slow": 20}, equity=True))
    cash = 1_000_000.0
    held = 0.0
    for fill in document.fills:
        sign = 1 if fill.side == "buy" else -1
        cash -= sign * fill.quantity * fill.price + fill.charges.total
        held += sign * fill.quantity
    assert document.equity is not None
    last_close = float(run_bars(workspace, document, "NSE:ALPHA").bars.close[-1])
    assert document.equity[-1][1] == pytest.approx(cash + held * last_close, abs=0.01)
    assert document.metrics["final_equity"] == pytest.approx(document.equity[-1][1])
    assert document.costs.total == pytest.approx(sum(fill.charges.total for fill in document.fills))
    assert len(document.equity) == 400
    assert document.equity[0][0] == "2022-01-03T09:15:00+05:30"


def test_the_benchmark_is_the_ratio_of_closes(workspace: Workspace) -> None:
    document = run_backtest(workspace, request())
    close = run_bars(workspace, document, "NSE:ALPHA").bars.close
    assert document.benchmark.total_return == pytest.approx(close[-1] / close[0] - 1)


def test_the_same_request_is_the_same_run_and_one_trial(workspace: Workspace) -> None:
    first, again = run_backtest(workspace, request()), run_backtest(workspace, request())
    assert first == again
    assert again.honesty.trials == 1
    assert len(list_runs(workspace)) == 1


def test_naming_the_whole_span_is_the_same_run_as_naming_none(workspace: Workspace) -> None:
    whole = run_backtest(workspace, request())
    named = run_backtest(workspace, request(start=whole.data.start, end=whole.data.end))
    assert named.run_id == whole.run_id


@pytest.mark.parametrize(
    "changed",
    [
        {"params": {"fast": 6}},
        {"capital": "2000000"},
        {"size": "shares:10"},
        {"costs": "none"},
        {"slippage": "none"},
        {"fill": "close"},
        {"product": "MIS"},
        {"fractional": True},
        {"close_at_end": True},
        {"stop_loss": "0.05"},
        {"take_profit": "0.1"},
        {"trailing_stop": "0.05"},
        {"max_position": "0.5"},
        {"max_exposure": "0.5"},
        {"daily_loss": "0.02"},
        {"max_drawdown": "0.1"},
        {"rebalance": True},
        {"ticks": False},
        {"end": "2022-12-31"},
        {"instruments": "SIM:BETA"},
        {"instruments": "NSE:ALPHA,SIM:BETA"},
        {"strategy": "ma_cross"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_the_result_depends_on_changes_the_id(workspace: Workspace, changed: dict[str, object]) -> None:
    assert run_backtest(workspace, request()).run_id != run_backtest(workspace, request(**changed)).run_id


def test_trials_of_an_idea_are_counted_and_brought_up_to_date(workspace: Workspace) -> None:
    first = run_backtest(workspace, request(params={"fast": 5}))
    for fast in (6, 7, 8):
        last = run_backtest(workspace, request(params={"fast": fast}))
    assert (first.honesty.trials, last.honesty.trials) == (1, 4)
    again = load_run(workspace, first.run_id)
    assert again.document.honesty.trials == 4
    assert again.document.honesty.deflated_sharpe is not None
    assert len(again.trials) == 4


def test_a_stored_run_is_read_whole(workspace: Workspace) -> None:
    document = run_backtest(workspace, request())
    stored = load_run(workspace, document.run_id)
    assert stored.document == document
    assert stored.curves.column_names == ["ts", "equity", "drawdown", "benchmark", "benchmark_drawdown", "cash", "exposure"]
    equity = np.concatenate([[1_000_000.0], stored.curves["equity"].to_numpy()])
    worst = min(equity[i] / max(equity[: i + 1]) - 1 for i in range(len(equity)))
    assert min(stored.curves["drawdown"].to_pylist()) == pytest.approx(worst)
    assert "STRATEGY" in stored.source
    (line,) = runs_document(list_runs(workspace), run_states(workspace))
    assert (line["run_id"], line["instruments"], line["made_at"]) == (document.run_id, ["NSE:ALPHA"], "2026-11-20T12:00:00+00:00")


def test_simulated_prices_mark_the_run(workspace: Workspace) -> None:
    assert run_backtest(workspace, request(instruments="NSE:ALPHA,SIM:BETA")).simulated
    assert not run_backtest(workspace, request()).simulated
    assert [run.simulated for run in list_runs(workspace)].count(True) == 1


def test_an_index_needs_a_word_about_costs(workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> None:
    store_bars(workspace, replace(make_bars("NSE:X", Exchange.NSE, seed=5), instrument=InstrumentId("INDEX:X")))
    with pytest.raises(BadParameter, match="not traded in India") as caught:
        run_backtest(workspace, request(instruments="INDEX:X"))
    assert "--costs percent:0.0005" in caught.value.hint
    document = run_backtest(workspace, request(instruments="INDEX:X", costs="percent:0.0005"))
    assert document.data.quality is None
    traded = sum(fill.quantity * fill.price for fill in document.fills)
    assert document.costs.total == pytest.approx(traded * 0.0005)


def test_a_contract_under_delivery_is_refused_by_name_and_held_otherwise(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(workspace, replace(make_bars("NSE:X", Exchange.NSE, seed=5), instrument=InstrumentId("NFO:X26NOVFUT")))
    with pytest.raises(BadParameter, match="NFO:X26NOVFUT is a contract"):
        run_backtest(workspace, request(instruments="NFO:X26NOVFUT"))
    with pytest.raises(BadParameter, match="lot of NFO:X26NOVFUT is not on record"):
        run_backtest(workspace, request(instruments="NFO:X26NOVFUT", product="NRML"))
    document = run_backtest(workspace, request(instruments="NFO:X26NOVFUT", product="NRML", lot=150, params={"fast": 5, "slow": 20}))
    assert document.fills
    assert all(fill.quantity % 150 == 0 for fill in document.fills)


@pytest.mark.parametrize(("costs", "is_said"), [("zerodha", True), ("percent:0.0005", False)])
def test_charges_on_what_has_no_volumes_carry_a_warning(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None], *, costs: str, is_said: bool
) -> None:
    level = make_bars("NSE:LEVEL", Exchange.NSE, seed=5)
    store_bars(workspace, replace(level, volume=np.full(len(level), np.nan)))
    document = run_backtest(workspace, request(instruments="NSE:LEVEL,NSE:ALPHA", costs=costs))
    assert [text.split()[0] for text in document.warnings if "has no volumes" in text] == (["NSE:LEVEL"] if is_said else [])


def test_years_of_exchanges_with_other_hours_hold_the_bars_of_both(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(workspace, make_bars("INDEX:X", Exchange.INDEX, seed=5))
    document = run_backtest(workspace, request(instruments="NSE:ALPHA,INDEX:X", costs="none", strategy="buy_and_hold"))
    equity = load_run(workspace, document.run_id).curves["equity"].to_numpy()
    returns = equity[1:] / equity[:-1] - 1.0
    # 400 bars each in about 18.5 months; one exchange alone would give about 250.
    per_year = ((document.metrics["volatility"] or 0.0) / float(np.std(returns, ddof=1))) ** 2
    assert 480 < per_year < 520


@pytest.mark.parametrize(("step", "told"), [(1, False), (2, True)])
def test_missing_bars_that_stretch_the_yearly_figures_are_warned_about(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None], *, step: int, told: bool
) -> None:
    whole = make_bars("NSE:GAPS", Exchange.NSE, seed=6)
    kept = {name: getattr(whole, name)[::step].copy() for name in ("ts", "open", "high", "low", "close", "volume", "oi")}
    store_bars(workspace, replace(whole, **kept))
    warnings = run_backtest(workspace, request(instruments="NSE:GAPS")).warnings
    assert any("of the bars that the calendar expects are there" in warning for warning in warnings) is told


def test_a_likely_split_in_raw_prices_is_warned_about(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    whole = make_bars("NSE:SPLIT", Exchange.NSE, seed=4)
    factor = np.where(np.arange(400) < 200, 1.0, 0.5)
    halved = replace(whole, **{name: np.round(getattr(whole, name) * factor, 2) for name in ("open", "high", "low", "close")})
    store_bars(workspace, halved)
    store_bars(workspace, replace(halved, instrument=InstrumentId("NSE:ADJUSTED")), basis=PriceBasis.ADJUSTED)
    found = run_backtest(workspace, request(instruments="NSE:SPLIT")).warnings
    assert any("perhaps a split" in warning for warning in found)
    assert not any("split" in warning for warning in run_backtest(workspace, request(instruments="NSE:ADJUSTED")).warnings)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"strategy": "nosuch"}, UnknownStrategy, id="unknown strategy"),
        pytest.param({"strategy": "ema_cros"}, UnknownStrategy, id="misspelt strategy"),
        pytest.param({"instruments": "NSE:NOSUCH"}, UnknownInstrument, id="unknown instrument"),
        pytest.param({"params": {"speed": 1}}, BadParameter, id="unknown parameter"),
        pytest.param({"params": {"fast": 30, "slow": 20}}, BadParameter, id="fast beyond slow"),
        pytest.param({"params": {"fast": "x"}}, BadParameter, id="not a number"),
        pytest.param({"start": "1990-01-01", "end": "1991-01-01"}, EmptySpan, id="no bars in the span"),
        pytest.param({"size": "all"}, BadParameter, id="no such sizing"),
        pytest.param({"costs": "cheap"}, BadParameter, id="no such costs"),
        pytest.param({"slippage": "bps"}, BadParameter, id="no such slippage"),
        pytest.param({"as_of": "nosuch"}, BadParameter, id="unknown snapshot"),
    ],
)
def test_what_cannot_be_run_is_refused_and_nothing_is_kept(workspace: Workspace, values: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        run_backtest(workspace, request(**values))
    assert list_runs(workspace) == ()
    assert not workspace.settings.runs_folder.exists()


HEAD = "from qts.strategies import Strategy\n"
BROKEN = {
    "syntax": ("def targets(:\n", PluginError),
    "nothing": ("x = 1\n", PluginError),
    "raises": (f"{HEAD}def bad(bars):\n    raise ValueError('boom')\nSTRATEGY = Strategy(title='R', targets=bad)\n", StrategyFailed),
    "short": (f"{HEAD}STRATEGY = Strategy(title='S', targets=lambda bars: bars.close[:-1] * 0)\n", StrategyFailed),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_strategy_is_one_clear_error(workspace: Workspace, tmp_path: Path, name: str) -> None:
    text, error = BROKEN[name]
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    with pytest.raises(error, match=name):
        run_backtest(workspace, request(strategy=str(path)))


def test_one_bar_is_run_without_a_trade(workspace: Workspace) -> None:
    document = run_backtest(workspace, request(start="2022-01-03", end="2022-01-03"))
    assert (document.data.bars, document.fills, document.metrics["n_trades"]) == (1, (), 0)
    assert document.metrics["sharpe"] is None
    assert any("sharpe" in warning for warning in document.warnings)
    assert math.isfinite(document.metrics["final_equity"] or math.nan)


@pytest.mark.parametrize("run_id", ["nosuch", "../../etc", "a/b", ""])
def test_an_unknown_run_is_unknown_whatever_its_name(workspace: Workspace, run_id: str) -> None:
    with pytest.raises(UnknownRun):
        load_run(workspace, run_id)


@pytest.mark.parametrize("name", ["run.json", "equity.parquet", "strategy.py"])
def test_a_damaged_run_is_named(workspace: Workspace, name: str) -> None:
    document = run_backtest(workspace, request())
    path = workspace.settings.runs_folder / document.run_id / name
    path.write_bytes(b"\xff\xfe rubbish")
    with pytest.raises(DamagedFile, match=name):
        load_run(workspace, document.run_id)
    assert run_backtest(workspace, request()).run_id == document.run_id
