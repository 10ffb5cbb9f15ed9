from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from qts.analytics import Honesty, RunContext, RunCurves, judge

MakeCurves = Callable[..., RunCurves]
CLEAN = RunContext(lookahead="clean")


def a_good_run(make_curves: MakeCurves, **fields: object) -> RunCurves:
    equity = 100_000.0 * np.cumprod(1.0 + np.random.default_rng(5).standard_normal(500) * 0.005 + 0.001)
    return make_curves(equity, **({"trades": np.tile([900.0, -300.0], 20)} | fields))


def noted(honesty: Honesty, words: str) -> bool:
    return any(words in note for note in honesty.notes)


def test_a_good_run_has_nothing_to_be_said_against_it(make_curves: MakeCurves) -> None:
    honesty = judge(a_good_run(make_curves), CLEAN)
    assert honesty.notes == ()
    assert honesty.trades_enough
    assert (honesty.lookahead, honesty.trials, honesty.beats_buy_and_hold) == ("clean", 1, None)
    assert honesty.deflated_sharpe is None
    assert honesty.deflated_sharpe_reason is not None


@pytest.mark.parametrize(
    ("context", "words"),
    [
        pytest.param(replace(CLEAN, simulated=True), "SIMULATED", id="simulated"),
        pytest.param(replace(CLEAN, lookahead="found"), "looks ahead", id="look-ahead"),
        pytest.param(replace(CLEAN, lookahead="not_checked"), "was not run", id="look-ahead not checked"),
        pytest.param(replace(CLEAN, fills_at_close=True), "optimistic", id="fills at the deciding close"),
        pytest.param(replace(CLEAN, free_of_costs=True), "No charges", id="no charges"),
        pytest.param(replace(CLEAN, free_of_slippage=True), "No slippage", id="no slippage"),
        pytest.param(replace(CLEAN, n_open_trades=1), "1 position is still open", id="one open position"),
        pytest.param(replace(CLEAN, n_open_trades=2), "2 positions are still open", id="two open positions"),
        pytest.param(replace(CLEAN, n_trials=7), "tried 7 times", id="many trials"),
        pytest.param(replace(CLEAN, benchmark_return=5.0), "500.0 % against", id="buy and hold was better"),
    ],
)
def test_each_weakness_is_said_in_one_note(make_curves: MakeCurves, context: RunContext, words: str) -> None:
    honesty = judge(a_good_run(make_curves), context)
    assert len(honesty.notes) == 1
    assert noted(honesty, words)


@pytest.mark.parametrize(
    ("n_trades", "words"),
    [
        pytest.param(0, "No trade was closed", id="none"),
        pytest.param(1, "Only 1 closed trade:", id="one"),
        pytest.param(29, "Only 29 closed trades: too few to tell skill from luck (30 are the usual minimum", id="one too few"),
    ],
)
def test_too_few_trades_are_named(make_curves: MakeCurves, n_trades: int, words: str) -> None:
    honesty = judge(a_good_run(make_curves, trades=np.ones(n_trades)), CLEAN)
    assert not honesty.trades_enough
    assert noted(honesty, words)


def test_thirty_trades_are_enough(make_curves: MakeCurves) -> None:
    assert judge(a_good_run(make_curves, trades=np.ones(30)), CLEAN).trades_enough


@pytest.mark.parametrize(
    ("net", "costs", "share", "words"),
    [
        pytest.param(900.0, 100.0, 0.1, None, id="a tenth is not worth a note"),
        pytest.param(590.0, 410.0, 0.41, "Charges ate 41.0 % of the gross profit", id="forty-one percent"),
        pytest.param(-200.0, 1_200.0, 1.2, "the whole gross profit and more (120.0 % of it)", id="more than all"),
        pytest.param(-500.0, 100.0, None, "no gross profit", id="a loss before charges"),
        pytest.param(900.0, 0.0, 0.0, None, id="no charges"),
    ],
)
def test_the_share_of_charges_is_said(make_curves: MakeCurves, *, net: float, costs: float, share: float | None, words: str | None) -> None:
    curves = a_good_run(make_curves, costs_total=costs)
    curves = replace(curves, equity=np.append(curves.equity[:-1], 100_000.0 + net))
    honesty = judge(curves, CLEAN)
    assert honesty.cost_share_of_gross == pytest.approx(share)
    assert (not any("rofit" in note for note in honesty.notes)) if words is None else noted(honesty, words)


def test_a_tie_with_buy_and_hold_does_not_beat_it(make_curves: MakeCurves) -> None:
    curves = make_curves([100_000.0, 110_000.0], trades=np.ones(30), every=400)
    tie = judge(curves, replace(CLEAN, benchmark_return=110_000.0 / 100_000.0 - 1.0))
    assert tie.beats_buy_and_hold is False
    assert noted(tie, "as much")
    ahead = judge(curves, replace(CLEAN, benchmark_return=0.05))
    assert ahead.beats_buy_and_hold is True
    assert ahead.notes == ()


def test_a_short_run_is_said_to_be_stretched(make_curves: MakeCurves) -> None:
    assert noted(judge(make_curves([1e5, 1.1e5], trades=np.ones(30)), CLEAN), "spans 1 day:")


def test_many_trials_deflate_the_sharpe_ratio(make_curves: MakeCurves) -> None:
    context = replace(CLEAN, n_trials=40, trial_sharpes=(0.1, 2.0, -1.5, 3.0))
    honesty = judge(a_good_run(make_curves), context)
    assert honesty.deflated_sharpe is not None
    assert 0.0 < honesty.deflated_sharpe < 0.95
    assert honesty.deflated_sharpe_reason is None
    assert noted(honesty, "would convince")


def test_annual_trial_ratios_are_taken_back_to_the_bar(make_curves: MakeCurves) -> None:
    """Half the bars per year with ratios smaller by its root describe the same trials."""
    curves = a_good_run(make_curves)
    daily = judge(curves, replace(CLEAN, n_trials=4, trial_sharpes=(1.0, 2.0)))
    other = judge(
        replace(curves, bars_per_year=curves.bars_per_year / 4),
        replace(CLEAN, n_trials=4, trial_sharpes=(0.5, 1.0)),
    )
    assert other.deflated_sharpe == pytest.approx(daily.deflated_sharpe)


def test_ruin_has_no_deflated_ratio_but_a_reason(make_curves: MakeCurves) -> None:
    honesty = judge(make_curves([1e5, 0.0, 0.0]), replace(CLEAN, n_trials=3, trial_sharpes=(1.0, 2.0)))
    assert honesty.deflated_sharpe is None
    assert "fell to zero" in str(honesty.deflated_sharpe_reason)
