"""Parts, slices, ticks and prices of what an order of the book fills."""

from __future__ import annotations

import pytest
from tests.unit.kernels.loops import FLAT, NAN, bracket, chain, fills, hit_at, limited, of, ordered, run_over, scene, told_of

from qts.kernels.charging import FLAT_FEE
from qts.kernels.decisions import leave_wish
from qts.kernels.execution import after_fill, begin_guard, execute, execute_closes, fill_order, guard
from qts.kernels.orders import GUARD, Ticket
from qts.kernels.state import (
    AT_LIMIT,
    AT_OPEN,
    AT_STOP,
    AVERAGE,
    CASH,
    E_KIND,
    E_ORDER,
    F_ORDER,
    F_SAME,
    F_SLICES,
    IS_DONE,
    IS_WORKING,
    LAST_ID,
    LIMIT,
    N_FILL,
    N_RATE,
    N_TERM,
    NO_HIT,
    O_HIT,
    O_ID,
    O_LEFT,
    O_REFERENCE,
    O_STATE,
    O_STOP,
    PER_SHARE_COST,
    POSITION,
    S_CUT,
    S_PARTIAL,
    SCHEDULED_COST,
    SIGNAL,
    STOP,
    STOP_LOSS,
    T_FREEZE,
    T_TICK_TO,
    TRAILING,
    W_FUNDS,
    W_VOLUME,
)

SHARED = {"volume_share": 0.1, "is_plain": False}


def test_a_limit_order_fills_no_worse_than_a_limit_beside_the_tick() -> None:
    run = scene(FLAT, is_plain=False)._replace(ticks=[0.0, 500.0])
    run.terms[N_TERM + T_TICK_TO] = 1.0
    slot = hit_at(run, limited(run, 10, 98.03, i=1), AT_LIMIT, 98.03)
    fill_order(run, slot, 0, (AT_LIMIT, False))
    assert fills(run) == [(0, 10, 98.03)]


def test_the_parts_of_an_order_are_one_order_and_pay_one_minimum() -> None:
    # A rupee a share, fifty at least: 400 and 50, then 600 and nothing more.
    run = scene("100 100 100 100 40", FLAT, cash=1050.0, cost_kind=PER_SHARE_COST, cost_rate=1.0, cost_minimum=50.0, **SHARED)
    slot = ordered(run, 10, i=1)
    execute(run, 0)
    assert of(run, slot, O_HIT, O_LEFT) == (NO_HIT, 6)
    execute(run, 1)
    assert (fills(run), told_of(run), run.account[CASH]) == ([(0, 4, 100), (1, 6, 100)], [(0, 1, 10, 4, S_PARTIAL, W_VOLUME)], 0)
    assert [run.fills[k * N_FILL + F_SAME] for k in (0, 1)] == [0, 1]
    assert run.fills[F_ORDER] == run.fills[N_FILL + F_ORDER] == run.log[E_ORDER]


def test_what_can_be_paid_is_reckoned_with_one_flat_fee_for_each_slice_of_an_order_and_none_for_its_later_parts() -> None:
    # Two slices at ten rupees, paid with the first part: 400 and 20, then 600 and nothing more.
    run = scene("100 100 100 100 40", FLAT, cash=1020.0, cost_kind=SCHEDULED_COST, **SHARED)
    run = run._replace(starts=[], rates=[10.0 if column == FLAT_FEE else 0.0 for column in range(N_RATE)] * 2)
    run.terms[N_TERM + T_FREEZE] = 5.0
    ordered(run, 10, i=1)
    for t in (0, 1):
        execute(run, t)
    assert (fills(run), run.account[CASH]) == ([(0, 4, 100), (1, 6, 100)], 0)
    assert [run.fills[k * N_FILL + F_SLICES] for k in (0, 1)] == [2, 2]


def test_an_order_above_the_freeze_quantity_goes_in_slices() -> None:
    run = scene(FLAT, held=45.0)
    run.terms[N_TERM + T_FREEZE] = 20.0
    slot = hit_at(run, ordered(run, -45, STOP, i=1, stop=95.0, parent=GUARD), AT_STOP, 95.0)
    fill_order(run, slot, 0, (AT_STOP, False))
    assert (run.fills[F_SLICES], run.fills[F_SAME]) == (3, 0)


@pytest.mark.parametrize(("held", "quantity", "units", "expected"), [(0.5, 0.5, 1e6, 0.2), (5.0, 10.0, 1.0, 0)])
def test_what_is_added_must_be_paid_whatever_is_held(held: float, quantity: float, units: float, expected: float) -> None:
    run = scene(FLAT, held=held, cash=20.0, units=units)
    slot = hit_at(run, ordered(run, quantity, i=1), AT_OPEN, 100.0)
    fill_order(run, slot, 0, (AT_OPEN, False))
    assert sum(one[1] for one in fills(run)) == pytest.approx(expected)


def test_what_can_be_paid_is_reckoned_with_slippage() -> None:
    run = scene(FLAT, cash=1000.0, slip_fraction=0.01)
    for _ in range(5):
        limited(run, 1, 50.0)
    slot = hit_at(run, ordered(run, 10, i=1), AT_OPEN, 100.0)
    fill_order(run, slot, 0, (AT_OPEN, False))
    assert told_of(run) == [(0, 1, 10, 9, S_CUT, W_FUNDS)]


def test_a_sale_cut_to_what_is_held_is_told_of_as_the_order_it_is() -> None:
    run = scene(FLAT, held=4.0, delivery=True)
    slot = hit_at(run, limited(run, -10, 99.0, i=1), AT_OPEN, 100.0)
    fill_order(run, slot, 0, (AT_OPEN, False))
    assert [run.log[name] for name in (E_KIND, E_ORDER)] == [LIMIT, of(run, slot, O_ID)[0]]


def test_each_bar_s_own_close_fills_market_orders_and_wishes() -> None:
    run = scene(FLAT, "101 103 99 102", at_close=True)
    ordered(run, 3, i=1)
    leave_wish(run, 1, 4.0, SIGNAL)
    execute_closes(run, 1)
    assert fills(run) == [(1, 3, 102), (1, 1, 102)]


def test_a_target_that_guards_an_entry_at_the_open_acts_in_its_bar() -> None:
    run = scene(FLAT, "100 106 99 100", held=10.0, take_profit=0.05)
    guard(run, 1, 1, (0.0, AT_OPEN, 100.0, False))
    assert of(run, 0, O_HIT, O_REFERENCE) == (AT_LIMIT, 105)


def test_a_guard_that_is_the_first_of_all_orders_is_made_anew() -> None:
    run = run_over((FLAT,), stop_loss=0.05)
    run.rows[POSITION], run.rows[AVERAGE] = 10.0, 100.0
    old = ordered(run, -5, STOP, stop=91.0, parent=GUARD)
    guard(run, 0, 0, (5.0, AT_OPEN, 100.0, False))
    assert (old, of(run, old, O_STATE), of(run, 1, O_STOP)) == (0, (IS_DONE,), (95,))


def test_an_entry_after_a_trailing_fraction_wakes_its_children() -> None:
    run = scene(FLAT, held=10.0)
    ordered(run, -1, TRAILING, i=1, stop=1.0, trail=0.1, is_fraction=1.0)
    _, stop, _ = bracket(run)
    after_fill(run, stop - 1, 0, (AT_OPEN, 10.0, False, 0.0))
    assert of(run, stop, O_STATE) == (IS_WORKING,)


def test_without_protection_nothing_is_made() -> None:
    run = scene(FLAT, held=10.0)
    guard(run, 1, 0, (0.0, AT_OPEN, 100.0, False))
    assert (chain(run, 1), run.account[LAST_ID]) == ([], 0)


def test_where_the_book_is_full_no_guard_begins() -> None:
    run = scene(FLAT, held=10.0)._replace(book=[])
    begin_guard(run, Ticket(1, -1.0, 10.0, STOP, NAN, 95.0, 0.0, 0.0, 0.0, 0.0, GUARD, STOP_LOSS), 0, (AT_OPEN, 100.0, False))
    assert chain(run, 1) == []
