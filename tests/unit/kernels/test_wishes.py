"""The wishes that targets leave: when they execute, how much of them, and what is told of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, filled_of, row, run_over, told_of

from qts.kernels.decisions import leave_wish
from qts.kernels.state import (
    CASH,
    CUT,
    E_ORDER,
    F_AT_CLOSE,
    F_BAR,
    F_KIND,
    F_ORDER,
    F_PREVIOUS,
    F_QUANTITY,
    F_SAME,
    F_SLICES,
    FILLS,
    LATEST,
    MARK,
    MARKET,
    N_FILL,
    N_ROW,
    N_TERM,
    ORDERS,
    PENDING,
    PER_SHARE_COST,
    POSITION,
    REFUSED,
    RISK,
    RUINED,
    S_CUT,
    S_PARTIAL,
    S_REJECTED,
    SIGNAL,
    T_FREEZE,
    TOLD,
    W_FUNDS,
    W_VOLUME,
    WANTED,
    Run,
)
from qts.kernels.wishes import (
    FILLED_IN_PART,
    drop_wish,
    execute_wishes,
    fill_wish,
    is_locked,
    same_order,
    slices_of,
    tell_cut,
    within_volume,
)

SHARED = {"volume_share": 0.1, "is_plain": False}


def wished(*bars: str, wanted: float, held: float = 0.0, **rules: Any) -> Run:
    """Return a run whose second instrument wishes for a position; the first wishes for nothing."""
    run = run_over((FLAT,) * len(bars), bars, **rules)
    run.rows[MARK] = run.rows[N_ROW + MARK] = 100.0
    run.rows[N_ROW + POSITION] = held
    leave_wish(run, 1, wanted, SIGNAL)
    return run


def test_wishes_sell_before_they_buy_at_the_prices_given() -> None:
    run = run_over(("1 1 1 1", "10 10 10 11"), ("1 1 1 1", "20 20 20 21"), ("1 1 1 1", "30 30 30 31"))
    for i, wanted in enumerate((5.0, -6.0, 7.0)):
        leave_wish(run, i, wanted, SIGNAL)
    execute_wishes(run, 1, run.close)
    assert filled_of(run) == [(1, 1, -6, 21, SIGNAL), (1, 0, 5, 11, SIGNAL), (1, 2, 7, 31, SIGNAL)]
    assert run.account[ORDERS] == 0


def test_a_wish_that_leaves_a_part_is_a_sale_and_comes_before_purchases() -> None:
    run = run_over((FLAT,), (FLAT,))
    run.rows[N_ROW + POSITION] = 10.0
    leave_wish(run, 0, 1.0, SIGNAL)
    leave_wish(run, 1, 4.0, SIGNAL)
    execute_wishes(run, 0, run.open)
    assert [one[1:3] for one in filled_of(run)] == [(1, -6), (0, 1)]


def test_without_wishes_nothing_is_looked_at() -> None:
    run = wished(FLAT, wanted=5.0)
    run.account[ORDERS] = 0.0
    execute_wishes(run, 0, run.open)
    assert filled_of(run) == []


def test_what_is_not_pending_does_not_execute() -> None:
    run = wished(FLAT, wanted=5.0)
    run.rows[WANTED] = 5.0
    execute_wishes(run, 0, run.open)
    assert [one[1] for one in filled_of(run)] == [1]


def test_an_account_that_is_lost_is_closed_by_risk() -> None:
    run = wished(FLAT, wanted=0.0, held=10.0)
    run.account[RUINED] = 1.0
    execute_wishes(run, 0, run.open)
    assert filled_of(run) == [(0, 1, -10, 100, RISK)]


@pytest.mark.parametrize(("at_close", "is_ruined", "flag"), [(True, 0.0, 1), (True, 1.0, 1), (False, 0.0, 0), (False, 1.0, 0)])
def test_a_decision_fills_at_the_close_where_that_is_the_rule(*, at_close: bool, is_ruined: float, flag: float) -> None:
    run = wished(FLAT, wanted=0.0, held=10.0, at_close=at_close)
    run.account[RUINED] = is_ruined
    execute_wishes(run, 0, run.close)
    assert run.fills[F_AT_CLOSE] == flag


def test_what_risk_closes_is_never_at_the_close() -> None:
    run = wished(FLAT, wanted=0.0, held=10.0, at_close=True)
    leave_wish(run, 1, 0.0, RISK)
    execute_wishes(run, 0, run.open)
    assert (filled_of(run), run.fills[F_AT_CLOSE]) == ([(0, 1, -10, 100, RISK)], 0)


@pytest.mark.parametrize(
    ("locks", "at", "side", "expected"), [((), 0, 1, False), ((0, 1), 1, 1, True), ((0, 1), 1, -1, False), ((1, 0), 1, 1, False)]
)
def test_a_bar_is_locked_against_one_side(*, locks: tuple[int, ...], at: int, side: float, expected: bool) -> None:
    assert is_locked(run_over((FLAT, FLAT), locks=locks), at, side) is expected


def test_a_run_of_one_bar_may_be_locked() -> None:
    assert is_locked(run_over((FLAT,), locks=(1,)), 0, 1.0)


@pytest.mark.parametrize(
    ("freeze", "quantity", "expected"), [(0, 5000, 1), (1800, 1800, 1), (1800, 1801, 2), (1800, 3600, 2), (1800, 3601, 3), (1, 3, 3)]
)
def test_the_freeze_quantity_cuts_an_order_into_slices(freeze: float, quantity: float, expected: float) -> None:
    run = run_over((FLAT,), (FLAT,))
    run.terms[T_FREEZE], run.terms[N_TERM + T_FREEZE] = 7.0, freeze
    assert slices_of(run, 1, quantity) == expected


@pytest.mark.parametrize(
    ("bar", "locks", "wanted", "n"),
    [
        ("100 100 100 100", (), 10, 1),
        ("100 100 100 100 0", (), 10, 0),
        ("-", (), 10, 0),
        ("100 100 100 100", (0, 1), 10, 0),
        ("100 100 100 100", (0, 1), -10, 1),
        ("100 100 100 100", (0, -1), -10, 0),
        ("100 100 100 100", (0, -1), 10, 1),
        ("100 100 100 100", (1, 0), 10, 1),
        ("100 100 100 100", (0, 1), 1, 0),
    ],
)
def test_a_wish_waits_where_nothing_trades(bar: str, locks: tuple[int, ...], wanted: float, n: int) -> None:
    run = run_over((FLAT,), (bar,), locks=locks)
    leave_wish(run, 1, wanted, SIGNAL)
    fill_wish(run, 1, 0, run.open[1])
    assert (len(filled_of(run)), row(run, PENDING, 1), run.account[ORDERS]) == (n, 1 - n, 1 - n)


def test_the_fill_of_a_wish_is_one_order_in_its_slices() -> None:
    run = wished(FLAT, FLAT, wanted=45.0, held=-5.0)
    run.terms[N_TERM + T_FREEZE] = 20.0
    fill_wish(run, 1, 1, 100.0)
    assert [run.fills[name] for name in (F_BAR, F_KIND, F_ORDER, F_SLICES, F_SAME)] == [1, MARKET, 1, 3, 0]
    assert filled_of(run) == [(1, 1, 50, 100, SIGNAL)]


def test_a_wish_for_less_closes_a_part() -> None:
    run = wished(FLAT, wanted=4.0, held=10.0, cash=0.0)
    fill_wish(run, 1, 0, 100.0)
    assert (filled_of(run), told_of(run), row(run, POSITION, 1)) == ([(0, 1, -6, 100, SIGNAL)], [], 4)


@pytest.mark.parametrize(
    ("wanted", "held", "cash", "done", "event"),
    [
        (10, 0, 450, 4, (0, 1, 10, 4, S_CUT, W_FUNDS)),
        (10, 0, 50, 0, (0, 1, 10, 0, S_REJECTED, W_FUNDS)),
        (1, 0, 50, 0, (0, 1, 1, 0, S_REJECTED, W_FUNDS)),
        (10, 0, 1000, 10, None),
        (-4, 4, 400, -8, None),
        (10, 4, 250, 2, (0, 1, 6, 2, S_CUT, W_FUNDS)),
        (10, -4, 1000, 10, (0, 1, 14, 10, S_CUT, W_FUNDS)),
        (10, -4, 400, 4, (0, 1, 14, 4, S_CUT, W_FUNDS)),
    ],
)
def test_a_wish_is_cut_to_what_can_be_paid(
    *, wanted: float, held: float, cash: float, done: float, event: tuple[float, ...] | None
) -> None:
    run = wished(FLAT, wanted=wanted, held=held, cash=cash)
    fill_wish(run, 1, 0, 100.0)
    assert [one[2] for one in filled_of(run)] == ([done] if done else [])
    assert told_of(run) == ([event] if event else [])
    assert (row(run, PENDING, 1), run.account[ORDERS]) == (0, 0)
    assert [run.account[CUT], run.account[REFUSED]] == ([0, 0] if event is None else [1, 0] if done else [0, 1])


def test_a_wish_fills_in_parts_and_stays_one_order() -> None:
    run = wished("100 100 100 100 40", "100 100 100 100 50", FLAT, wanted=10.0, **SHARED)
    fill_wish(run, 1, 0, 100.0)
    assert (row(run, TOLD, 1), row(run, PENDING, 1), run.account[ORDERS]) == (FILLED_IN_PART, 1, 1)
    fill_wish(run, 1, 1, 101.0)
    fill_wish(run, 1, 2, 102.0)
    assert [one[2:4] for one in filled_of(run)] == [(4, 100), (5, 101), (1, 102)]
    assert [run.fills[k * N_FILL + F_SAME] for k in range(3)] == [0, 1, 2]
    assert [run.fills[k * N_FILL + F_ORDER] for k in range(3)] == [1, 1, 1]
    assert told_of(run) == [(0, 1, 10, 4, S_PARTIAL, W_VOLUME)]
    assert (row(run, PENDING, 1), run.account[ORDERS], row(run, POSITION, 1)) == (0, 0, 10)


def test_a_wish_that_fills_at_once_is_no_part_of_another() -> None:
    run = wished(FLAT, wanted=10.0, **SHARED)
    fill_wish(run, 1, 0, 100.0)
    assert (run.fills[F_SAME], run.fills[F_QUANTITY]) == (0, 10)


def test_the_parts_of_a_wish_pay_one_minimum_and_can_be_paid_with_it() -> None:
    # A rupee a share, fifty at least: 400 and 50, then 600 and nothing more.
    run = wished("100 100 100 100 40", FLAT, wanted=10.0, cash=1050.0, cost_kind=PER_SHARE_COST, cost_rate=1.0, cost_minimum=50.0, **SHARED)
    fill_wish(run, 1, 0, 100.0)
    fill_wish(run, 1, 1, 100.0)
    assert [one[2] for one in filled_of(run)] == [4, 6]
    assert (run.account[CASH], run.log[E_ORDER]) == (0, run.fills[F_ORDER])


def test_a_fraction_of_a_share_that_is_added_must_be_paid() -> None:
    run = wished(FLAT, wanted=1.0, held=0.5, cash=20.0, units=1e6)
    fill_wish(run, 1, 0, 100.0)
    assert [one[2] for one in filled_of(run)] == pytest.approx([0.2])


def test_a_sale_in_parts_is_cut_on_its_own_side() -> None:
    run = wished("100 100 100 100 40", wanted=-10.0, held=3.0, **SHARED)
    fill_wish(run, 1, 0, 100.0)
    assert filled_of(run) == [(0, 1, -4, 100, SIGNAL)]
    assert told_of(run) == [(0, 1, -13, 4, S_PARTIAL, W_VOLUME)]
    assert row(run, POSITION, 1) == -1


def test_a_part_that_cannot_be_paid_ends_the_wish() -> None:
    run = wished("100 100 100 100 40", wanted=10.0, cash=250.0, **SHARED)
    fill_wish(run, 1, 0, 100.0)
    assert filled_of(run) == [(0, 1, 2, 100, SIGNAL)]
    assert told_of(run) == [(0, 1, 10, 4, S_PARTIAL, W_VOLUME), (0, 1, 10, 2, S_CUT, W_FUNDS)]
    assert (row(run, PENDING, 1), run.account[ORDERS]) == (0, 0)


def test_a_wish_for_which_there_is_no_volume_waits() -> None:
    run = wished("100 100 100 100 5", wanted=10.0, **SHARED)
    fill_wish(run, 1, 0, 100.0)
    assert (filled_of(run), row(run, TOLD, 1), row(run, PENDING, 1)) == ([], 1, 1)


@pytest.mark.parametrize(("change", "expected", "n_told"), [(4, 4, 0), (5, 5, 0), (6, 5, 1), (-4, -4, 0), (-5, -5, 0), (-6, -5, 1)])
def test_the_volume_has_room_for_so_much(change: float, expected: float, n_told: int) -> None:
    run = wished("100 100 100 100 50", wanted=10.0, **SHARED)
    assert within_volume(run, 1, 0, change) == expected
    assert within_volume(run, 1, 0, change) == expected
    assert told_of(run) == [(0, 1, change, 5, S_PARTIAL, W_VOLUME)] * n_told
    assert row(run, TOLD, 1) == n_told


def test_a_wish_is_dropped_once() -> None:
    run = wished(FLAT, wanted=5.0)
    run.account[ORDERS] = 3.0
    for _ in range(2):
        drop_wish(run, 1)
        assert (run.account[ORDERS], row(run, PENDING, 1)) == (2, 0)


def dealt(*rows: tuple[int, float]) -> Run:
    """Return a run whose second instrument has these fills: bar and order; the bars are of two dates."""
    run = run_over((FLAT,) * 4, (FLAT,) * 4, days=(0, 0, 1, 1))
    for k, (bar, order) in enumerate(rows):
        at = k * N_FILL
        run.fills[at + F_BAR], run.fills[at + F_ORDER], run.fills[at + F_PREVIOUS] = float(bar), order, float(k)
    run.account[FILLS] = run.rows[N_ROW + LATEST] = float(len(rows))
    return run


@pytest.mark.parametrize(
    ("rows", "t", "order", "expected"),
    [
        ((), 3, 7.0, 0),
        (((2, 7.0),), 3, 7.0, 1),
        (((2, 8.0),), 3, 7.0, 0),
        (((2, 7.0), (2, 8.0)), 3, 7.0, 1),
        (((2, 7.0), (3, 7.0)), 3, 7.0, 2),
        (((1, 7.0),), 3, 7.0, 0),
        (((1, 7.0),), 1, 7.0, 1),
        (((1, 7.0), (2, 8.0)), 3, 7.0, 0),
    ],
)
def test_the_newest_fill_of_an_order_on_its_date(rows: tuple[tuple[int, float], ...], t: int, order: float, expected: float) -> None:
    assert same_order(dealt(*rows), 1, t, order) == expected


@pytest.mark.parametrize(
    ("done", "column", "other", "status"), [(4, CUT, REFUSED, S_CUT), (1, CUT, REFUSED, S_CUT), (0, REFUSED, CUT, S_REJECTED)]
)
def test_a_cut_is_counted_and_told_of(done: float, column: int, other: int, status: int) -> None:
    run = run_over((FLAT,) * 2)
    for n in (1, 2):
        tell_cut(run, 1, (0, MARKET, 3.0), (-9.0, done))
        assert (run.account[column], run.account[other]) == (n, 0)
    assert told_of(run) == [(1, 0, -9, done, status, W_FUNDS)] * 2
