"""From targets to wishes: when a decision is made, how large it is, and what our own limits leave of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, NAN, Numbers, row, run_over, told_of

from qts.kernels.decisions import (
    aim,
    decide,
    decide_one,
    gross_besides,
    leave_wish,
    make_due,
    may_decide,
    settle_due,
    wanted_quantity,
    within_limits,
)
from qts.kernels.state import (
    BY_ATR_RISK,
    BY_CASH,
    BY_EQUITY,
    BY_SHARES,
    BY_VOLATILITY,
    CLOSED,
    DUE,
    E_ORDER,
    ENDED,
    EVENT,
    HALTED,
    LAST,
    LAST_ID,
    LIMITED,
    MARK,
    N_DUE,
    N_ROW,
    ORDERS,
    PENDING,
    POSITION,
    RISK,
    RUINED,
    S_CUT,
    S_REJECTED,
    SIGN,
    SIGNAL,
    SPENT,
    STOPPED,
    TARGET,
    TOLD,
    TOO_SMALL,
    W_EXPOSURE,
    W_POSITION,
    WANTED,
    WISH,
    WISH_REASON,
    Run,
)


def two(*bars: str, **options: Any) -> Run:
    run = run_over((FLAT,) * len(bars), bars, **options)
    run.rows[MARK] = run.rows[N_ROW + MARK] = 100.0
    return run


def wanted(run: Run) -> list[float]:
    return [row(run, WANTED, i) for i in (0, 1)]


def test_targets_are_taken_from_the_list_as_their_bars_come() -> None:
    run = two(FLAT, FLAT, FLAT, events=[(0, 1, 1.0), (1, 0, 0.5), (1, 1, 2.0)])
    decide(run, 0, 1000.0)
    assert (wanted(run), run.account[EVENT], run.account[ORDERS], run.account[N_DUE]) == ([0, 10], 1, 1, 0)
    decide(run, 1, 1000.0)
    assert (wanted(run), run.account[EVENT], run.account[ORDERS], run.account[N_DUE]) == ([5, 20], 3, 2, 0)
    decide(run, 2, 1000.0)
    assert (wanted(run), run.account[EVENT], run.account[LAST_ID]) == ([5, 20], 3, 3)


def test_targets_of_bars_passed_over_are_taken_late() -> None:
    run = two(FLAT, FLAT, FLAT, events=[(0, 1, 1.0), (1, 1, 0.5)])
    decide(run, 2, 1000.0)
    assert wanted(run) == [0, 5]


def test_nothing_is_decided_on_a_day_that_is_stopped() -> None:
    run = two(FLAT, events=[(0, 1, 1.0)])
    run.account[STOPPED] = 1.0
    decide(run, 0, 1000.0)
    assert (wanted(run), row(run, DUE, 1), run.account[N_DUE]) == ([0, 0], 1, 1)


def test_only_what_is_due_is_decided() -> None:
    run = two(FLAT)
    run.rows[TARGET] = run.rows[N_ROW + TARGET] = 1.0
    make_due(run, 1)
    decide(run, 0, 1000.0)
    assert wanted(run) == [0, 10]


def test_a_target_is_due_once() -> None:
    run = two(FLAT)
    for _ in range(2):
        make_due(run, 1)
        assert (run.account[N_DUE], row(run, DUE, 1)) == (1, 1)
    for _ in range(2):
        settle_due(run, 1)
        assert (run.account[N_DUE], row(run, DUE, 1)) == (0, 0)


@pytest.mark.parametrize(
    ("spent", "before", "target", "is_taken"), [(0.0, 1.0, 1.0, True), (1.0, 1.0, 1.0, False), (1.0, 1.0, 0.5, True), (0.0, 0.0, 1.0, True)]
)
def test_a_target_that_a_protection_closed_is_not_taken_again(*, spent: float, before: float, target: float, is_taken: bool) -> None:
    run = two(FLAT)
    run.rows[N_ROW + SPENT], run.rows[N_ROW + TARGET] = spent, before
    aim(run, 1, target)
    assert (row(run, TARGET, 1), row(run, SPENT, 1), row(run, DUE, 1)) == (target, 0.0 if is_taken else 1.0, float(is_taken))


@pytest.mark.parametrize("is_halted", [True, False])
def test_what_is_over_is_settled_without_a_decision(*, is_halted: bool) -> None:
    run = two(FLAT)
    run.account[HALTED] = float(is_halted)
    run.rows[N_ROW + ENDED] = float(not is_halted)
    run.rows[N_ROW + TARGET] = 1.0
    make_due(run, 1)
    decide_one(run, 1, 0, 1000.0)
    assert (wanted(run), run.account[N_DUE]) == ([0, 0], 0)


def test_a_decision_waits_for_a_bar() -> None:
    run = two("-", FLAT, events=[(0, 1, 1.0)])
    decide(run, 0, 1000.0)
    assert (wanted(run), run.account[N_DUE]) == ([0, 0], 1)
    decide(run, 1, 1000.0)
    assert (wanted(run), run.account[N_DUE]) == ([0, 10], 0)


@pytest.mark.parametrize(
    ("phase", "intraday", "at_close", "expected"),
    [
        (0, True, False, True),
        (CLOSED, True, False, False),
        (LAST, True, False, True),
        (LAST, True, True, False),
        (CLOSED | LAST, True, False, True),
        (CLOSED | LAST, True, True, False),
        (CLOSED, False, False, True),
        (0, True, True, True),
    ],
)
def test_a_session_that_ends_decides_for_the_next_one(*, phase: int, intraday: bool, at_close: bool, expected: bool) -> None:
    run = two(FLAT, FLAT, phases=[0, 0, 0, phase], intraday=intraday, at_close=at_close)
    assert may_decide(run, 1, 1) is expected


@pytest.mark.parametrize(
    ("pending", "reason", "ruined", "expected"),
    [(1.0, RISK, 0.0, False), (0.0, RISK, 0.0, True), (1.0, SIGNAL, 0.0, True), (1.0, SIGNAL, 1.0, False), (0.0, SIGNAL, 1.0, True)],
)
def test_what_limits_or_ruin_close_is_closed_first(*, pending: float, reason: int, ruined: float, expected: bool) -> None:
    run = two(FLAT)
    run.account[RUINED] = ruined
    run.rows[N_ROW + PENDING], run.rows[N_ROW + WISH_REASON] = pending, float(reason)
    assert may_decide(run, 1, 0) is expected


@pytest.mark.parametrize(
    ("kind", "measure", "target", "expected"),
    [
        (BY_ATR_RISK, NAN, 1.0, False),
        (BY_ATR_RISK, NAN, 0.0, True),
        (BY_ATR_RISK, 2.0, 1.0, True),
        (BY_VOLATILITY, NAN, 1.0, False),
        (BY_EQUITY, NAN, 1.0, True),
    ],
)
def test_a_size_that_is_not_known_yet_is_waited_for(*, kind: int, measure: float, target: float, expected: bool) -> None:
    run = two(FLAT, FLAT, size_kind=kind)._replace(measure=[5.0, 5.0, 5.0, measure])
    run.rows[N_ROW + TARGET] = target
    assert may_decide(run, 1, 1) is expected


@pytest.mark.parametrize(
    ("kind", "amount", "target", "expected"),
    [
        (BY_SHARES, 10.0, 1.0, 10),
        (BY_SHARES, 10.0, -0.5, -5),
        (BY_SHARES, 10.0, 0.99, 9),
        (BY_CASH, 1050.0, 1.0, 10),
        (BY_EQUITY, 0.5, 1.0, 25),
        (BY_ATR_RISK, 0.01, 1.0, 12),
        (BY_VOLATILITY, 0.2, 1.0, 5),
    ],
)
def test_the_quantity_of_a_target(kind: int, amount: float, target: float, expected: float) -> None:
    # Equity 10,000, two parts, a price of 100, and 2 for the range (with a multiple of 2) or the volatility.
    run = two(FLAT, FLAT, size_kind=kind, size_amount=amount, size_parts=2.0, size_multiple=2.0)._replace(measure=[5.0, 5.0, 5.0, 2.0])
    run.rows[N_ROW + TARGET] = target
    assert wanted_quantity(run, 1, 1, 10_000.0) == expected


def test_a_decision_is_sized_by_the_measure_of_its_bar() -> None:
    run = two(FLAT, FLAT, size_kind=BY_ATR_RISK, size_amount=0.01, size_parts=1.0, size_multiple=2.0)._replace(measure=[9.0, 9.0, 9.0, 5.0])
    run.rows[N_ROW + TARGET] = 1.0
    decide_one(run, 1, 1, 10_000.0)
    assert row(run, WANTED, 1) == 10


def test_targets_too_small_for_a_lot_are_counted() -> None:
    run = two(FLAT, size_amount=0.5)
    run.rows[N_ROW + TARGET] = 1.0
    assert [wanted_quantity(run, 1, 0, 10_000.0) for _ in range(2)] == [0, 0]
    assert run.account[TOO_SMALL] == 2


@pytest.mark.parametrize(("in_lots", "expected", "n_small"), [(True, 50, 0), (False, 0, 1)])
def test_a_size_in_lots(*, in_lots: bool, expected: float, n_small: int) -> None:
    run = two(FLAT, size_amount=2.0, in_lots=in_lots, lots=(7.0, 25.0))
    run.rows[N_ROW + TARGET] = 1.0
    assert wanted_quantity(run, 1, 0, 10_000.0) == expected
    assert run.account[TOO_SMALL] == n_small


@pytest.mark.parametrize(
    ("equity", "ruined", "target", "expected"), [(0.0, 0, 1, 0), (-1, 0, 1, 0), (1.0, 0, 1, 10), (9.0, 1, 1, 0), (9, 0, 0, 0)]
)
def test_a_lost_account_wants_nothing(equity: float, ruined: float, target: float, expected: float) -> None:
    run = two(FLAT)
    run.rows[N_ROW + TARGET], run.account[RUINED] = target, ruined
    assert wanted_quantity(run, 1, 0, equity) == expected
    assert run.account[TOO_SMALL] == 0


def test_a_wish_takes_the_place_of_one_that_waits() -> None:
    run = two(FLAT)
    run.rows[N_ROW + POSITION], run.rows[N_ROW + TOLD] = 5.0, 2.0
    leave_wish(run, 1, 8.0, SIGNAL)
    named = (WANTED, PENDING, WISH, SIGN, WISH_REASON, TOLD)
    assert [row(run, column, 1) for column in named] == [8, 1, 1, 1, SIGNAL, 0]
    leave_wish(run, 1, 2.0, RISK)
    assert [row(run, column, 1) for column in named] == [2, 1, 2, -1, RISK, 0]
    assert run.account[ORDERS] == 1
    leave_wish(run, 1, 5.0, SIGNAL)
    assert [row(run, column, 1) for column in named] == [5, 0, 2, -1, SIGNAL, 0]
    assert (run.account[ORDERS], run.account[LAST_ID]) == (0, 2)


@pytest.mark.parametrize(
    ("held", "asked", "limits", "left", "event"),
    [
        (0, 20, {"max_position": 0.2}, 20, None),
        (0, 21, {"max_position": 0.2}, 20, (0, 1, 21, 20, S_CUT, W_POSITION)),
        (0, -21, {"max_position": 0.2}, -20, (0, 1, -21, 20, S_CUT, W_POSITION)),
        (5, 30, {"max_position": 0.2}, 20, (0, 1, 25, 15, S_CUT, W_POSITION)),
        (25, 30, {"max_position": 0.2}, 25, (0, 1, 5, 0, S_REJECTED, W_POSITION)),
        (25, 24, {"max_position": 0.2}, 24, None),
        (25, 25, {"max_position": 0.2}, 25, None),
        (-25, -26, {"max_position": 0.2}, -25, (0, 1, -1, 0, S_REJECTED, W_POSITION)),
        (25, 0, {"max_position": 0.2}, 0, None),
        (-25, 30, {"max_position": 0.2}, 20, (0, 1, 55, 45, S_CUT, W_POSITION)),
        (0, 30, {"max_exposure": 0.6}, 20, (0, 1, 30, 20, S_CUT, W_EXPOSURE)),
        (0, 20, {"max_exposure": 0.6}, 20, None),
        (0, 30, {"max_exposure": 0.3}, 0, (0, 1, 30, 0, S_REJECTED, W_EXPOSURE)),
        (0, 30, {"max_exposure": 0.6, "max_position": 0.1}, 10, (0, 1, 30, 10, S_CUT, W_POSITION)),
        (0, 30, {"max_exposure": 0.6, "max_position": 0.25}, 20, (0, 1, 30, 20, S_CUT, W_EXPOSURE)),
    ],
)
def test_our_limits_cut_what_opens(held: float, asked: float, limits: dict[str, float], *, left: float, event: Numbers | None) -> None:
    # Equity 10,000 and a price of 100; the first instrument holds 4,000.
    run = two(FLAT, **limits)
    run.rows[POSITION], run.rows[N_ROW + POSITION] = 40.0, held
    assert within_limits(run, 1, 0, (asked, 10_000.0)) == left
    assert told_of(run) == ([event] if event else [])
    assert run.account[LIMITED] == (1 if event else 0)


def test_leaving_is_never_limited_whatever_the_others_hold() -> None:
    run = two(FLAT, max_exposure=0.1)
    run.rows[POSITION], run.rows[N_ROW + POSITION] = 400.0, 5.0
    assert within_limits(run, 1, 0, (0.0, 10_000.0)) == 0
    assert (told_of(run), run.account[LIMITED]) == ([], 0)


def test_the_exposure_of_what_is_wanted_is_counted_once() -> None:
    run = two(FLAT, max_exposure=0.1)
    run.rows[N_ROW + POSITION] = 5.0
    assert within_limits(run, 1, 0, (10.0, 10_000.0)) == 10


def test_without_room_nothing_is_left_however_cheap_a_share() -> None:
    run = two(FLAT, max_exposure=0.1)
    run.rows[POSITION], run.rows[N_ROW + MARK] = 40.0, 0.25
    for n in (1, 2):
        assert within_limits(run, 1, 0, (8.0, 10_000.0)) == 0
        assert run.account[LIMITED] == n
    # It is cut before it becomes an order, and has no number.
    assert run.log[E_ORDER] == 0


@pytest.mark.parametrize(("held", "asked", "expected"), [(0.5, 0.75, 0.5), (0.0, 0.75, 0.25), (0.0, -0.75, -0.25)])
def test_limits_cut_fractions_of_a_share(held: float, asked: float, expected: float) -> None:
    run = two(FLAT, max_position=0.0025, units=1e6)
    run.rows[N_ROW + POSITION] = held
    assert within_limits(run, 1, 0, (asked, 10_000.0)) == expected


def test_limits_go_to_whole_lots() -> None:
    run = two(FLAT, max_position=0.2, lots=(7.0, 15.0))
    assert within_limits(run, 1, 0, (30.0, 10_000.0)) == 15


@pytest.mark.parametrize(("limit", "expected"), [({"max_position": 0.05}, 5), ({"max_exposure": 0.05}, 5), ({}, 10)])
def test_a_decision_is_held_to_the_limits(limit: dict[str, float], expected: float) -> None:
    run = two(FLAT, events=[(0, 1, 1.0)], **limit)
    decide(run, 0, 10_000.0)
    assert (row(run, WANTED, 1), row(run, WISH_REASON, 1)) == (expected, SIGNAL)


@pytest.mark.parametrize(
    ("held", "wished", "pending", "expected"),
    [(4, 9, 1, 1800), (4, 9, 0, 800), (-6, 2, 1, 1200), (0, -3, 1, 600), (0, 0, 0, 0), (1, 0, 0, 200)],
)
def test_the_others_count_with_the_larger_of_held_and_wished(held: float, wished: float, pending: float, expected: float) -> None:
    run = run_over((FLAT,), (FLAT,), (FLAT,))
    for i, mark in enumerate((200.0, 100.0, 50.0)):
        run.rows[i * N_ROW + MARK] = mark
    run.rows[N_ROW + POSITION] = 1000.0
    run.rows[POSITION], run.rows[WANTED], run.rows[PENDING] = held, wished, pending
    assert gross_besides(run, 1) == expected
    run.rows[2 * N_ROW + POSITION] = -2.0
    assert gross_besides(run, 1) == expected + 100
