"""The loop with orders in it, bar by bar: what comes before what, and what the account is at a close."""

from __future__ import annotations

import pytest
from tests.unit.kernels.loops import (
    FLAT,
    Numbers,
    all_are,
    booked,
    chain,
    dated,
    filled_of,
    limited,
    of,
    ordered,
    reasons,
    row,
    scene,
    told_of,
)

from qts.kernels.orders import GUARD
from qts.kernels.state import (
    CASH,
    CLOSED,
    DAY,
    DAY_START,
    END,
    ENDED,
    EXPIRY,
    HALTED,
    IS_FREE,
    IS_WORKING,
    LAST,
    MARK,
    MARKED,
    N_OVERDUE,
    N_ROW,
    O_QUANTITY,
    O_STATE,
    OVERDUE,
    OVERFLOW,
    PEAK,
    RUINED,
    S_ACTION,
    S_EXPIRED,
    S_WITHDRAWN,
    SIGNAL,
    SQUARE_OFF,
    STOP,
    STOP_LOSS,
    STOPPED,
    W_ACTION,
    W_EXPIRED,
    W_FLAT,
    W_RUIN,
    W_SQUARE_OFF,
    WANTED,
    WORKING,
)
from qts.kernels.trading import (
    begin_bar,
    close_bar,
    end_bar,
    orders_loop,
)

# --- the account at a close


@pytest.mark.parametrize(("cash", "is_lost"), [(-999.0, False), (-1000.0, True)])
def test_a_lost_account_withdraws_its_orders(*, cash: float, is_lost: bool) -> None:
    run = scene(FLAT, FLAT, held=10.0, cash=cash)
    slots = [slot for pair in booked(run) for slot in pair]
    close_bar(run, 0)
    assert (run.equity[0], run.cash[0], run.account[RUINED]) == (cash + 1000, cash, float(is_lost))
    assert all_are(run, slots, IS_FREE if is_lost else IS_WORKING)
    assert reasons(run) == ([(0, S_WITHDRAWN, W_RUIN)] * 2 + [(1, S_WITHDRAWN, W_RUIN)] * 2 if is_lost else [])


def test_an_account_that_was_lost_before_takes_orders_that_close() -> None:
    run = scene(FLAT, FLAT, held=10.0, cash=-5000.0)
    run.account[RUINED] = 1.0
    slot = limited(run, -1, 150.0, i=1)
    close_bar(run, 0)
    assert of(run, slot, O_STATE) == (IS_WORKING,)


@pytest.mark.parametrize(
    ("limits", "flag"),
    [({"daily_loss": 0.5}, STOPPED), ({"max_drawdown": 0.5}, HALTED), ({"daily_loss": 0.5, "max_drawdown": 0.9}, STOPPED)],
)
def test_each_limit_is_judged_at_the_close(limits: dict[str, float], flag: int) -> None:
    run = scene(FLAT, FLAT, cash=1000.0, **limits)
    run.account[PEAK] = run.account[DAY_START] = 3000.0
    limited(run, 3, 50.0, i=1)
    close_bar(run, 1)
    assert (run.account[flag], run.account[PEAK]) == (1, 3000)
    assert [one[:4] for one in told_of(run)] == [(1, 1, 3, 0)]


@pytest.mark.parametrize(("close_at_end", "bar", "expected"), [(True, 1, [(1, 1, -10, 100, END)]), (True, 0, []), (False, 1, [])])
def test_what_is_open_is_closed_with_the_last_bar(*, close_at_end: bool, bar: int, expected: list[Numbers]) -> None:
    run = scene(FLAT, FLAT, held=10.0, close_at_end=close_at_end)
    close_bar(run, bar)
    assert filled_of(run) == expected
    assert run.cash[bar] == 100_000 + 1000 * len(expected)


# --- a whole bar


def test_a_bar_executes_takes_marks_and_writes_the_account() -> None:
    run = scene("101 103 99 102", FLAT)
    ordered(run, 10, i=1)
    begin_bar(run, 0)
    assert filled_of(run) == [(0, 1, 10, 101, SIGNAL)]
    assert (row(run, MARK, 1), run.account[MARKED], run.equity[0], run.cash[0]) == (102, 1, 100_010, 98_990)
    end_bar(run, 0)
    assert run.equity[0] == 100_010


def test_filling_at_the_close_the_account_is_written_after_it() -> None:
    run = scene("101 103 99 102", FLAT, at_close=True)
    ordered(run, 10, i=1)
    begin_bar(run, 0)
    assert (filled_of(run), str(run.equity[0])) == ([], "nan")
    end_bar(run, 0)
    assert (filled_of(run), run.cash[0]) == ([(0, 1, 10, 102, SIGNAL)], 98_980)


def test_marks_of_bars_passed_over_are_caught_up() -> None:
    run = scene("101 103 99 102", "105 105 105 107", "-")
    begin_bar(run, 2)
    assert row(run, MARK, 1) == 107


def test_a_corporate_action_comes_first_and_takes_the_orders_along() -> None:
    run = scene(FLAT, "50 50 40 45", held=10.0, actions=[(1, 1, 2.0, 0.0)])
    slot = ordered(run, -10, STOP, i=1, stop=90.0, at=1)
    begin_bar(run, 1)
    assert of(run, slot, O_QUANTITY) == (20,)
    assert filled_of(run) == [(1, 1, -20, 45, SIGNAL)]
    assert reasons(run) == [(1, S_ACTION, W_ACTION)]


@pytest.mark.parametrize(("limits", "has_order", "is_begun"), [({}, False, False), ({}, True, True), ({"daily_loss": 0.5}, False, True)])
def test_dates_are_kept_where_something_depends_on_them(*, limits: dict[str, float], has_order: bool, is_begun: bool) -> None:
    run = dated(5, 6, **limits)
    if has_order:
        limited(run, 1, 50.0, i=1)
    begin_bar(run, 1)
    assert run.account[DAY] == (6 if is_begun else 0)


def test_a_square_off_withdraws_orders_then_closes_and_its_guards_go() -> None:
    run = scene(FLAT, FLAT, held=10.0, phases=[0, 0, 0, CLOSED], intraday=True)
    guard = ordered(run, -10, STOP, i=1, stop=100.0, parent=GUARD)
    other = limited(run, 3, 50.0)
    begin_bar(run, 1)
    assert filled_of(run) == [(1, 1, -10, 100, SQUARE_OFF)]
    assert reasons(run) == [(1, S_WITHDRAWN, W_SQUARE_OFF)]
    assert (of(run, guard, O_STATE), of(run, other, O_STATE)) == ((IS_FREE,), (IS_WORKING,))


def test_the_guards_of_what_yesterday_left_open_go_with_it() -> None:
    run = scene(FLAT, "100 100 80 90", held=10.0, phases=[0, 0, 0, 0], intraday=True)
    run.rows[N_ROW + OVERDUE] = run.account[N_OVERDUE] = 1.0
    guard = ordered(run, -10, STOP, i=1, stop=90.0, parent=GUARD)
    begin_bar(run, 1)
    assert (filled_of(run), of(run, guard, O_STATE)) == ([(1, 1, -10, 100, SQUARE_OFF)], (IS_FREE,))
    assert reasons(run) == [(1, S_WITHDRAWN, W_FLAT)]


def test_the_session_s_last_bar_closes_and_ends_the_orders() -> None:
    run = scene(FLAT, "100 100 100 103", held=10.0, phases=[0, 0, 0, LAST], intraday=True)
    slot = limited(run, 3, 50.0, i=1)
    begin_bar(run, 1)
    assert filled_of(run) == [(1, 1, -10, 103, SQUARE_OFF)]
    assert (of(run, slot, O_STATE), reasons(run)) == ((IS_FREE,), [(1, S_WITHDRAWN, W_SQUARE_OFF)])


def test_a_contract_s_last_bar_settles_it_and_ends_its_orders() -> None:
    run = scene(FLAT, "100 100 100 103", held=10.0, expires=(-1, 1))
    slot = limited(run, 3, 50.0, i=1)
    begin_bar(run, 1)
    assert (filled_of(run), row(run, ENDED, 1)) == ([(1, 1, -10, 103, EXPIRY)], 1)
    assert (of(run, slot, O_STATE), reasons(run)) == ((IS_FREE,), [(1, S_EXPIRED, W_EXPIRED)])


# --- the loop


def test_the_loop_plays_every_bar_and_ends_where_there_is_no_room() -> None:
    run = scene(FLAT, FLAT, "100 100 100 105", "105 105 105 110", events=[(0, 1, 1.0)])
    orders_loop(run)
    assert filled_of(run) == [(1, 1, 10, 100, SIGNAL)]
    assert run.equity == [100_000, 100_000, 100_050, 100_100]
    full = scene(FLAT, FLAT, FLAT, events=[(0, 1, 1.0)])._replace(fills=[])
    orders_loop(full)
    assert (full.account[OVERFLOW], str(full.equity[2])) == (1, "nan")


def test_quiet_bars_are_written_in_one_go_and_the_last_is_played() -> None:
    run = scene(FLAT, "100 100 100 101", "100 100 100 102", "100 100 100 103", held=10.0, close_at_end=True)
    orders_loop(run)
    assert run.equity == [101_000, 101_010, 101_020, 101_030]
    assert filled_of(run) == [(3, 1, -10, 103, END)]


def test_the_loop_that_fills_at_the_close_does_so_in_the_deciding_bar() -> None:
    run = scene(FLAT, "100 103 100 102", "102 106 102 105", events=[(1, 1, 1.0)], at_close=True)
    orders_loop(run)
    assert filled_of(run) == [(1, 1, 10, 102, SIGNAL)]
    assert run.equity == [100_000, 100_000, 100_030]


def test_a_protected_target_is_stopped_and_its_book_is_empty_then() -> None:
    run = scene(FLAT, FLAT, "100 100 90 92", FLAT, events=[(0, 1, 1.0)], stop_loss=0.05)
    orders_loop(run)
    assert filled_of(run) == [(1, 1, 10, 100, SIGNAL), (2, 1, -10, 95, STOP_LOSS)]
    assert (chain(run, 1), run.account[WORKING], run.account[CASH]) == ([], 0, 99_950)


def test_decisions_use_the_equity_of_their_bar() -> None:
    run = scene(
        "100 100 100 200", "200 200 200 200", held=10.0, cash=-1500.0, events=[(0, 0, 1.0)], size_kind=2, size_amount=1.0, size_parts=1.0
    )
    orders_loop(run)
    # 2,000 less 1,500 buy five at 100.
    assert row(run, WANTED) == 5
