"""The loop of targets, bar by bar: what is carried over bars that are passed over, and where an account is found lost."""

from __future__ import annotations

import math

import pytest
from tests.unit.kernels.loops import FLAT, filled_of, row, run_over

from qts.kernels.fills import add_marks, begin_bar, catch_up, fill_curve, fills_loop, first_loss, is_quiet, next_on_agenda, take_marks
from qts.kernels.state import (
    AGENDA,
    CARRIED,
    CASH,
    END,
    EXPIRY,
    MARK,
    MARKED,
    N_DUE,
    N_HELD,
    N_OVERDUE,
    N_ROW,
    ORDERS,
    POSITION,
    RUINED,
    SIGNAL,
    STOPPED,
    WORKING,
    Run,
)

FIRST = ("1 1 1 10", "1 1 1 11", "1 1 1 12", "1 1 1 13")
OTHER = ("1 1 1 20", "1 1 1 21", "1 1 1 22", "1 1 1 23")


def two() -> Run:
    return run_over(FIRST, OTHER)


def test_the_marks_are_those_of_the_bar_before_where_bars_were_passed_over() -> None:
    run = two()
    run.account[MARKED] = 1.0
    catch_up(run, 3)
    assert [row(run, MARK, i) for i in (0, 1)] == [12, 22]
    assert [number for k, number in enumerate(run.rows) if k % N_ROW != MARK] == [0] * (2 * N_ROW - 2)


def test_marks_that_stand_before_the_bar_are_left_alone() -> None:
    run = two()
    run.account[MARKED] = 3.0
    run.rows[MARK] = 99.0
    catch_up(run, 3)
    assert row(run, MARK) == 99


def test_the_marks_of_a_bar_stand_before_the_next() -> None:
    run = two()
    take_marks(run, 1)
    assert [row(run, MARK, i) for i in (0, 1)] == [11, 21]
    assert run.account[MARKED] == 2


def test_a_run_with_nothing_waiting_is_quiet() -> None:
    assert is_quiet(two())


@pytest.mark.parametrize("counter", [ORDERS, WORKING, N_DUE, N_OVERDUE])
def test_one_thing_that_waits_ends_the_quiet(counter: int) -> None:
    run = two()
    run.account[counter] = 1.0
    assert not is_quiet(run)


@pytest.mark.parametrize("counter", [N_HELD, STOPPED])
def test_limits_of_loss_are_watched_while_something_is_held_or_stopped(counter: int) -> None:
    run = run_over(FIRST, daily_loss=0.1)
    assert is_quiet(run)
    run.account[counter] = 1.0
    assert not is_quiet(run)


def test_the_agenda_is_read_forwards() -> None:
    run = two()._replace(agenda=[0, 2, 3])
    assert [next_on_agenda(run, t) for t in (0, 1, 2, 3)] == [0, 2, 2, 3]
    assert run.account[AGENDA] == 2


def test_a_span_is_written_from_cash_and_the_positions() -> None:
    run = two()
    run.account[CASH], run.account[N_HELD] = 500.0, 2.0
    run.rows[POSITION], run.rows[N_ROW + POSITION] = 1.0, -2.0
    assert fill_curve(run, 1, 3) == 3
    assert run.cash[1:3] == [500, 500]
    assert run.equity[1:3] == [500 + 11 - 42, 500 + 12 - 44]
    assert all(math.isnan(number) for number in (run.cash[0], run.cash[3], run.equity[0], run.equity[3]))


def test_a_span_without_positions_is_the_cash() -> None:
    run = two()
    run.rows[POSITION] = 1.0  # not counted as held: nothing may look at it
    assert fill_curve(run, 0, 2) == 2
    assert run.equity[:2] == [100_000, 100_000]


def test_one_share_counts() -> None:
    run = two()
    run.account[CASH], run.account[N_HELD] = 0.0, 1.0
    run.rows[POSITION] = 1.0
    fill_curve(run, 0, 4)
    assert run.equity == [10, 11, 12, 13]


def test_a_lost_account_is_found_in_the_span_once() -> None:
    run = run_over(("1 1 1 20", "1 1 1 15", "1 1 1 10", "1 1 1 9", "1 1 1 30"))
    run.account[CASH], run.account[N_HELD] = -10.0, 1.0
    run.rows[POSITION] = 1.0
    assert fill_curve(run, 0, 5) == 2
    run.account[RUINED] = 1.0
    assert fill_curve(run, 0, 5) == 5


@pytest.mark.parametrize(
    ("equity", "span", "expected"),
    [
        ([5.0, 4.0, 3.0, 2.0], (0, 4), 4),
        ([5.0, 0.5, 3.0, 2.0], (0, 4), 4),
        ([5.0, 4.0, 0.0, 2.0], (0, 4), 2),
        ([5.0, 0.5, 0.0, 2.0], (0, 4), 2),
        ([5.0, 4.0, -1.0, -2.0], (0, 4), 2),
        ([5.0, 4.0, 3.0, 0.0], (0, 4), 3),
        ([0.0, 4.0, 0.0, 3.0], (1, 4), 2),
        ([0.0, 4.0, 3.0, 2.0], (1, 3), 3),
        ([5.0, 4.0, 3.0, 0.0], (1, 3), 3),
        ([5.0, 4.0, 3.0, 2.0, 1.0, -1.0, 2.0], (1, 7), 5),
    ],
)
def test_the_first_bar_with_nothing_left_is_found(equity: list[float], span: tuple[int, int], expected: int) -> None:
    run = two()._replace(equity=equity)
    assert first_loss(run, *span) == expected


def test_a_positions_value_is_added_to_a_span() -> None:
    run = two()._replace(equity=[1.0, 1.0, 1.0, 1.0])
    add_marks(run, (1, 3), 4, 2.0)
    assert run.equity == [1, 1 + 2 * 21, 1 + 2 * 22, 1]


def test_a_contract_ends_at_the_mark_of_its_bar() -> None:
    run = run_over((FLAT, FLAT, "100 100 100 107", FLAT), events=[(0, 0, 1.0)], expires=[2])
    fills_loop(run)
    assert filled_of(run) == [(1, 0, 10, 100, SIGNAL), (2, 0, -10, 107, EXPIRY)]
    assert run.equity == [100_000, 100_000, 100_070, 100_070]


@pytest.mark.parametrize(("ratio", "paid", "shares", "cash"), [(2.0, 0.0, 20, 99_000), (1.0, 1.5, 10, 99_015)])
def test_one_action_takes_effect_before_its_bar(ratio: float, paid: float, shares: float, cash: float) -> None:
    run = run_over((FLAT, FLAT, "50 50 50 50"), events=[(0, 0, 1.0)], actions=[(2, 0, ratio, paid)])
    fills_loop(run)
    assert (row(run, POSITION), run.account[CASH]) == (shares, cash)


def test_a_bar_that_decides_at_its_close_writes_the_account_after_its_fills() -> None:
    run = run_over(("100 100 100 90", FLAT), events=[(0, 0, 1.0)], at_close=True)
    fills_loop(run)
    assert filled_of(run) == [(0, 0, 10, 90, SIGNAL)]
    assert (run.cash, run.equity) == ([99_100, 99_100], [100_000, 100_100])


def test_filling_at_the_next_open_a_bar_is_written_before_its_decisions() -> None:
    run = run_over((FLAT, "-"))
    begin_bar(run, 0)
    assert (run.cash[0], run.equity[0]) == (100_000, 100_000)
    assert run.account[CARRIED] == 0


@pytest.mark.parametrize(("close_at_end", "expected"), [(True, [(2, 0, -10, 107, END)]), (False, [])])
def test_what_is_open_is_closed_with_the_last_bar_alone(*, close_at_end: bool, expected: list[tuple[float, ...]]) -> None:
    run = run_over((FLAT, FLAT, "100 100 100 107"), events=[(0, 0, 1.0)], close_at_end=close_at_end)
    fills_loop(run)
    assert filled_of(run)[1:] == expected
    assert run.equity == [100_000, 100_000, 100_070]


def test_a_decision_that_fills_at_its_close_is_sized_by_the_equity_of_that_close() -> None:
    run = run_over(
        (FLAT, "100 100 100 200"), events=[(0, 0, 1.0), (1, 0, 0.5)], at_close=True, size_kind=2, size_amount=1.0, size_parts=1.0
    )
    fills_loop(run)
    # A thousand shares double; half of 200,000 are five hundred at 200.
    assert filled_of(run) == [(0, 0, 1000, 100, SIGNAL), (1, 0, -500, 200, SIGNAL)]
