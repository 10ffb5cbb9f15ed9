"""The loop with orders in it: what ends orders, when a day begins, and how the account is held to its limits."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, all_are, booked, dated, limited, of, ordered, reasons, row, scene, told_of

from qts.kernels.decisions import leave_wish
from qts.kernels.orders import GUARD
from qts.kernels.state import (
    CLOSED,
    DAY,
    DAY_START,
    DUE,
    E_ORDER,
    HALTED,
    IS_FREE,
    IS_WORKING,
    LAST,
    N_DONE,
    N_DUE,
    N_EVENT,
    N_ROW,
    O_STATE,
    ORDERS,
    PEAK,
    PENDING,
    RISK,
    RUINED,
    S_EXPIRED,
    S_WITHDRAWN,
    SIGNAL,
    SPENT,
    STOP,
    STOPPED,
    TARGET,
    W_DAILY_LOSS,
    W_DAY,
    W_DRAWDOWN,
    W_EXPIRED,
    W_FLAT,
    W_SQUARE_OFF,
    WANTED,
    WISH,
    WISH_REASON,
    WORKING,
)
from qts.kernels.trading import (
    clear_ended,
    clear_exits,
    clear_expired,
    clear_squared,
    flatten,
    judge,
    new_day,
)

# --- what ends orders


@pytest.mark.parametrize(
    ("clear", "phase", "is_over"),
    [
        (clear_squared, CLOSED, True),
        (clear_squared, CLOSED | LAST, True),
        (clear_squared, LAST, False),
        (clear_ended, LAST, True),
        (clear_ended, CLOSED | LAST, True),
        (clear_ended, CLOSED, False),
    ],
)
def test_orders_end_with_the_session_of_their_instrument(clear: Any, phase: int, *, is_over: bool) -> None:
    run = scene(FLAT, FLAT, phases=[0, 0, 0, phase])
    others, own = booked(run)
    clear(run, 1)
    assert all_are(run, own, IS_FREE if is_over else IS_WORKING)
    assert all_are(run, others, IS_WORKING)
    assert reasons(run) == [(1, S_WITHDRAWN, W_SQUARE_OFF)] * (2 * is_over)
    assert run.account[WORKING] == 4 - 2 * is_over


@pytest.mark.parametrize(("bar", "is_over"), [(0, False), (1, True), (2, False)])
def test_orders_of_a_contract_end_with_its_last_bar(*, bar: int, is_over: bool) -> None:
    run = scene(FLAT, FLAT, FLAT, expires=(-1, 1))
    others, own = booked(run)
    clear_expired(run, bar)
    assert all_are(run, own, IS_FREE if is_over else IS_WORKING)
    assert all_are(run, others, IS_WORKING)
    assert reasons(run) == [(1, S_EXPIRED, W_EXPIRED)] * (2 * is_over)


def test_what_guarded_a_position_that_is_closed_goes() -> None:
    run = scene(FLAT, FLAT, held=10.0)
    guards = [ordered(run, -10, STOP, i=i, stop=90.0, parent=GUARD) for i in (0, 1)]
    clear_exits(run, 1)
    assert [of(run, slot, O_STATE)[0] for slot in guards] == [IS_FREE, IS_WORKING]
    assert told_of(run) == [(1, 0, -10, 0, S_WITHDRAWN, W_FLAT)]


@pytest.mark.parametrize("clear", [clear_squared, clear_ended, clear_exits])
def test_without_orders_there_is_nothing_to_clear(clear: Any) -> None:
    # No phases are given: to read them would fail.
    run = scene(FLAT)
    run.account[N_DONE] = 1.0
    clear(run, 0)
    assert run.account[N_DONE] == 1


# --- a day begins


def test_a_day_begins_with_the_equity_of_the_bar_before() -> None:
    run = dated(5, 5, 6, 6, cash=700.0)
    for t, start in enumerate((700, 700, 1001, 1001)):
        new_day(run, t)
        assert (run.account[DAY], run.account[DAY_START]) == (run.ts[t] // 86_400_000_000, start)


def test_orders_for_a_day_end_when_the_next_begins() -> None:
    run = dated(5, 6)
    new_day(run, 0)
    yesterday = [limited(run, 1, 50.0, i=i, day=5.0) for i in (0, 1)]
    kept = [limited(run, 1, 50.0, i=1, day=day) for day in (6.0, 0.0, 7.0)]
    new_day(run, 1)
    assert (all_are(run, yesterday, IS_FREE), all_are(run, kept, IS_WORKING)) == (True, True)
    assert reasons(run) == [(0, S_EXPIRED, W_DAY), (1, S_EXPIRED, W_DAY)]
    assert run.account[WORKING] == 3


def test_the_second_bar_and_the_second_day_there_is_may_begin_a_day() -> None:
    run = dated(1, 2)
    new_day(run, 0)
    slot = limited(run, 1, 50.0, i=1, day=1.0)
    new_day(run, 1)
    assert (run.account[DAY_START], of(run, slot, O_STATE)) == (1000, (IS_FREE,))


def test_within_a_day_nothing_ends() -> None:
    run = dated(5, 5)
    new_day(run, 0)
    run.account[STOPPED] = 1.0
    slot = limited(run, 1, 50.0, i=1, day=4.0)
    new_day(run, 1)
    assert (of(run, slot, O_STATE), run.account[STOPPED]) == ((IS_WORKING,), 1)


@pytest.mark.parametrize(
    ("stopped", "target", "spent", "due"), [(1.0, 0.5, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.5, 0.0, 0.0), (1.0, 0.5, 1.0, 0.0)]
)
def test_a_daily_loss_stop_is_lifted_and_targets_that_stand_are_decided_again(
    stopped: float, target: float, spent: float, due: float
) -> None:
    run = dated(5, 6)
    run.account[STOPPED] = stopped
    run.rows[N_ROW + TARGET], run.rows[N_ROW + SPENT] = target, spent
    new_day(run, 1)
    assert (run.account[STOPPED], row(run, DUE, 1), run.account[N_DUE], row(run, DUE)) == (0, due, due, 0)


# --- limits of loss


@pytest.mark.parametrize(
    ("equity", "limits", "expected"),
    [
        pytest.param(900.0, {"max_drawdown": 0.1}, (1, 0, W_DRAWDOWN), id="a drawdown that is reached"),
        pytest.param(900.1, {"max_drawdown": 0.1}, (0, 0, None), id="a drawdown that is not"),
        pytest.param(760.0, {"daily_loss": 0.05}, (0, 1, W_DAILY_LOSS), id="a day's loss that is reached"),
        pytest.param(760.1, {"daily_loss": 0.05}, (0, 0, None), id="a day's loss that is not"),
        pytest.param(700.0, {"daily_loss": 0.05, "max_drawdown": 0.1}, (1, 0, W_DRAWDOWN), id="both: the drawdown, for good"),
        pytest.param(0.0, {}, (0, 0, None), id="no limits"),
    ],
)
def test_the_account_is_held_to_its_limits(equity: float, limits: dict[str, float], expected: tuple[float, float, int | None]) -> None:
    run = scene(FLAT, FLAT, held=10.0, **limits)
    run.account[PEAK], run.account[DAY_START] = 1000.0, 800.0
    slot = limited(run, 1, 50.0)
    judge(run, 1, equity)
    halted, stopped, why = expected
    assert (run.account[HALTED], run.account[STOPPED]) == (halted, stopped)
    assert reasons(run) == ([] if why is None else [(0, S_WITHDRAWN, why)])
    assert of(run, slot, O_STATE) == (IS_WORKING if why is None else IS_FREE,)
    assert (row(run, PENDING, 1), row(run, PENDING)) == (0.0 if why is None else 1.0, 0)


def test_the_peak_is_the_highest_close() -> None:
    run = scene(FLAT, max_drawdown=0.5)
    run.account[PEAK] = 1000.0
    for equity, peak in ((1200.0, 1200.0), (1100.0, 1200.0)):
        judge(run, 0, equity)
        assert run.account[PEAK] == peak


@pytest.mark.parametrize("flag", [HALTED, STOPPED, RUINED])
def test_a_limit_strikes_once_and_no_lost_account(flag: int) -> None:
    run = scene(FLAT, held=10.0, daily_loss=0.05)
    run.account[PEAK] = run.account[DAY_START] = 1000.0
    run.account[flag] = 1.0
    judge(run, 0, 500.0)
    assert row(run, PENDING, 1) == 0
    assert run.account[STOPPED] == (1 if flag == STOPPED else 0)


def test_flattening_withdraws_what_waits_and_wishes_positions_away() -> None:
    run = scene(FLAT, FLAT, held=10.0)
    others, own = booked(run)
    leave_wish(run, 1, 25.0, SIGNAL)
    order = row(run, WISH, 1)
    flatten(run, 1, W_DRAWDOWN)
    assert run.log[4 * N_EVENT + E_ORDER] == order
    assert (all_are(run, [*others, *own], IS_FREE), run.account[WORKING]) == (True, 0)
    assert reasons(run) == [(0, S_WITHDRAWN, W_DRAWDOWN)] * 2 + [(1, S_WITHDRAWN, W_DRAWDOWN)] * 3
    assert told_of(run)[-1] == (1, 1, 15, 0, S_WITHDRAWN, W_DRAWDOWN)
    assert [row(run, name, 1) for name in (WANTED, PENDING, WISH_REASON)] == [0, 1, RISK]
    assert (row(run, PENDING), run.account[ORDERS]) == (0, 1)
