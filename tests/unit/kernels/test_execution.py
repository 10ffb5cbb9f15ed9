"""What executes in a bar, in which order, how much of it, and what a fill does to the orders around it."""

from __future__ import annotations

import pytest
from tests.unit.kernels.loops import FLAT, Numbers, bracket, filled_of, fills, hit_at, limited, of, ordered, row, run_over, scene, told_of

from qts.kernels.decisions import leave_wish
from qts.kernels.execution import (
    execute,
    execute_closes,
    fill_at_close,
    fill_hits,
    fill_order,
)
from qts.kernels.orders import GUARD
from qts.kernels.state import (
    AT_LIMIT,
    AT_OPEN,
    AT_STOP,
    AVERAGE,
    F_AT_CLOSE,
    F_KIND,
    HITS_LIMIT,
    HITS_OPEN,
    HITS_STOP,
    IS_DONE,
    IS_FREE,
    IS_WORKING,
    LIMIT,
    MARKET,
    N_FILL,
    N_ORDER,
    N_ROW,
    NO_HIT,
    O_HIT,
    O_LEFT,
    O_QUANTITY,
    O_STATE,
    O_STOP,
    O_TOLD,
    ORDERS,
    POSITION,
    RISK,
    S_CANCELLED,
    S_CUT,
    S_PARTIAL,
    S_REJECTED,
    SIGNAL,
    STOP,
    STOP_LIMIT,
    TRAILING,
    W_FUNDS,
    W_NO_SHORT,
    W_OCO,
    W_VOLUME,
    WORKING,
)

SHARED = {"volume_share": 0.1, "is_plain": False}


# --- the order of things


def test_nothing_executes_where_nothing_waits() -> None:
    run = scene("90 110 80 100")
    execute(run, 0)
    assert filled_of(run) == []


def test_sales_come_before_purchases_and_instruments_in_their_order() -> None:
    run = run_over((FLAT,) * 2, (FLAT,) * 2)
    for quantity, i in ((1, 1), (2, 0), (-3, 1), (-4, 0)):
        ordered(run, quantity, i=i)
    execute(run, 0)
    assert [(one[1], one[2]) for one in filled_of(run)] == [(0, -4), (1, -3), (0, 2), (1, 1)]


def test_wishes_come_behind_the_orders_of_their_instrument() -> None:
    run = scene(FLAT)
    leave_wish(run, 1, 7.0, SIGNAL)
    ordered(run, 3, i=1)
    execute(run, 0)
    # The wish is for a position of seven, of which the order has three already.
    assert fills(run) == [(0, 3, 100), (0, 4, 100)]


def test_a_wish_alone_executes_at_the_open() -> None:
    run = scene("101 103 99 102")
    leave_wish(run, 1, -7.0, SIGNAL)
    execute(run, 0)
    assert fills(run) == [(0, -7, 101)]
    assert run.account[ORDERS] == 0


def test_stops_come_before_limits_and_the_open_before_both() -> None:
    run = scene("100 110 90 100")
    limited(run, -1, 105.0, i=1)
    ordered(run, 2, STOP, i=1, stop=104.0)
    ordered(run, -3, STOP, i=1, stop=95.0)
    ordered(run, 4, i=1)
    limited(run, 5, 96.0, i=1)
    execute(run, 0)
    assert fills(run) == [(0, 4, 100), (0, -3, 95), (0, 2, 104), (0, -1, 105), (0, 5, 96)]
    assert run.account[WORKING] == 0
    assert [run.account[name] for name in (HITS_OPEN, HITS_STOP, HITS_LIMIT)] == [0, 0, 0]
    assert {of(run, slot, O_STATE) for slot in range(5)} == {(IS_FREE,)}


def test_what_the_limits_opened_is_stopped_in_the_same_bar() -> None:
    run = scene("100 101 94 100")
    bracket(run)
    execute(run, 0)
    assert fills(run) == [(0, 10, 98), (0, -10, 95)]
    assert told_of(run) == [(0, 1, -10, 0, S_CANCELLED, W_OCO)]


def test_trailing_stops_follow_after_the_bar() -> None:
    run = scene("100 108 99 107", held=10.0)
    slot = ordered(run, -10, TRAILING, i=1, stop=95.0, trail=5.0)
    execute(run, 0)
    assert of(run, slot, O_STOP, O_STATE) == (103, IS_WORKING)


def test_an_order_works_from_its_bar_on() -> None:
    run = scene("100 100 97 98", "98 99 97 98")
    limited(run, 10, 98.0, i=1, at=1)
    execute(run, 0)
    assert fills(run) == []
    execute(run, 1)
    assert fills(run) == [(1, 10, 98)]


# --- at the close


def test_filling_at_the_close_only_wishes_of_risk_go_at_the_open() -> None:
    run = scene("101 103 99 102", held=10.0, at_close=True)
    leave_wish(run, 0, 5.0, SIGNAL)
    leave_wish(run, 1, 0.0, RISK)
    execute(run, 0)
    assert fills(run) == [(0, -10, 101)]
    assert run.fills[F_AT_CLOSE] == 0
    execute_closes(run, 0)
    assert filled_of(run)[1] == (0, 0, 5, 100, SIGNAL)
    assert run.fills[N_FILL + F_AT_CLOSE] == 1


def test_market_orders_fill_at_the_close_and_others_wait_for_their_price() -> None:
    run = scene("101 103 99 102", at_close=True)
    stop = ordered(run, 3, STOP, i=1, stop=120.0)
    ordered(run, 4, i=1)
    ordered(run, -5, i=1)
    execute(run, 0)
    assert fills(run) == []
    execute_closes(run, 0)
    assert fills(run) == [(0, -5, 102), (0, 4, 102)]
    assert [run.fills[k * N_FILL + F_AT_CLOSE] for k in (0, 1)] == [1, 1]
    assert of(run, stop, O_STATE) == (IS_WORKING,)
    assert run.account[WORKING] == 1


def test_nothing_closes_where_nothing_waits() -> None:
    run = scene(FLAT, at_close=True)
    execute_closes(run, 0)
    assert filled_of(run) == []


def test_wishes_at_the_close_sell_before_they_buy() -> None:
    run = run_over((FLAT,), ("101 103 99 102",), at_close=True)
    leave_wish(run, 0, 1.0, SIGNAL)
    leave_wish(run, 1, -2.0, SIGNAL)
    execute_closes(run, 0)
    assert filled_of(run) == [(0, 1, -2, 102, SIGNAL), (0, 0, 1, 100, SIGNAL)]


@pytest.mark.parametrize(
    ("bar", "locks", "quantity", "expected"),
    [
        ("101 103 99 102", (), 5, 1),
        ("101 103 99 102 0", (), 5, 0),
        ("-", (), 5, 0),
        ("101 103 99 102", (1, 1), 5, 0),
        ("101 103 99 102", (1, -1), 5, 1),
        ("101 103 99 102", (-1, -1), -5, 0),
        ("101 103 99 102", (-1, 1), -5, 1),
    ],
)
def test_what_cannot_trade_at_the_close_waits(bar: str, locks: tuple[int, ...], quantity: float, expected: int) -> None:
    run = run_over((FLAT,), (bar,), locks=locks, at_close=True)
    ordered(run, quantity, i=1)
    fill_at_close(run, 1, 0, 1.0 if quantity > 0 else -1.0)
    assert len(filled_of(run)) == expected


def test_at_the_close_sleeping_orders_and_the_other_side_are_left_alone() -> None:
    run = scene("101 103 99 102", at_close=True)
    ordered(run, 5, i=1, parent=77.0)
    ordered(run, -6, i=1)
    ordered(run, 7, i=1)
    ordered(run, 8, i=1)
    fill_at_close(run, 1, 0, 1.0)
    assert fills(run) == [(0, 7, 102), (0, 8, 102)]


# --- how much


def test_only_hits_of_that_part_and_side_fill() -> None:
    run = scene(FLAT, FLAT)
    slots = [ordered(run, quantity, i=1) for quantity in (1, -2, 4, 8)]
    for slot, part in zip(slots, (AT_STOP, AT_STOP, AT_LIMIT, AT_STOP), strict=True):
        hit_at(run, slot, part, 90.0 + slot)
    fill_hits(run, 1, 1, (AT_STOP, 1.0))
    assert fills(run) == [(1, 1, 90), (1, 8, 93)]
    assert [of(run, slot, O_HIT)[0] for slot in slots] == [NO_HIT, AT_STOP, AT_LIMIT, NO_HIT]


def test_what_the_volume_leaves_over_waits_and_is_told_of_once() -> None:
    run = scene("100 100 100 100 45", "100 100 100 100 25", **SHARED)
    slot = ordered(run, -10, i=1)
    run.rows[N_ROW + POSITION] = 30.0
    for t in (0, 1):
        execute(run, t)
    assert fills(run) == [(0, -4, 100), (1, -2, 100)]
    assert told_of(run) == [(0, 1, -10, 4, S_PARTIAL, W_VOLUME)]
    assert of(run, slot, O_LEFT, O_QUANTITY, O_TOLD, O_STATE) == (4, 10, 1, IS_WORKING)


def test_no_room_at_all_is_told_of_and_nothing_fills() -> None:
    run = scene("100 100 100 100 5", **SHARED)
    slot = ordered(run, 10, i=1)
    execute(run, 0)
    assert (fills(run), told_of(run)) == ([], [(0, 1, 10, 0, S_PARTIAL, W_VOLUME)])
    assert of(run, slot, O_LEFT, O_STATE) == (10, IS_WORKING)


@pytest.mark.parametrize(("held", "quantity", "expected"), [(4, -10, [(0, -4, 95)]), (-4, 10, [(0, 4, 95)]), (10, -10, [(0, -10, 95)])])
def test_what_protects_a_position_only_reduces_it(held: float, quantity: float, expected: list[Numbers]) -> None:
    run = scene("100 110 90 100", held=held)
    slot = hit_at(run, ordered(run, quantity, STOP, i=1, stop=95.0, parent=GUARD), AT_STOP, 95.0)
    fill_order(run, slot, 0, (AT_STOP, False))
    assert fills(run) == expected


@pytest.mark.parametrize(("held", "quantity"), [(0, -10), (-4, -10), (4, 10)])
def test_what_protects_nothing_does_nothing(held: float, quantity: float) -> None:
    run = scene("100 110 90 100", held=held)
    slot = hit_at(run, ordered(run, quantity, STOP, i=1, stop=95.0, parent=GUARD), AT_STOP, 95.0)
    fill_order(run, slot, 0, (AT_STOP, False))
    assert (fills(run), told_of(run), of(run, slot, O_STATE)) == ([], [], (IS_WORKING,))


def test_what_protects_another_side_than_a_fraction_that_is_held_does_nothing() -> None:
    run = scene("100 110 90 100", held=-0.5, units=1e6)
    slot = hit_at(run, ordered(run, -1, STOP, i=1, stop=95.0, parent=GUARD), AT_STOP, 95.0)
    fill_order(run, slot, 0, (AT_STOP, False))
    assert fills(run) == []


def test_an_order_turns_a_position_round() -> None:
    run = scene(FLAT, held=4.0)
    ordered(run, -10, i=1)
    execute(run, 0)
    assert (fills(run), row(run, POSITION, 1), row(run, AVERAGE, 1)) == ([(0, -10, 100)], -6, 100)
    assert run.account[WORKING] == 0


@pytest.mark.parametrize(
    ("held", "expected", "event", "state"),
    [(4, [(0, -4, 100)], (0, 1, -10, 4, S_CANCELLED, W_NO_SHORT), IS_DONE), (0, [], (0, 1, -10, 0, S_CANCELLED, W_NO_SHORT), IS_DONE)],
)
def test_delivery_sells_no_more_than_is_held(held: float, expected: list[Numbers], event: Numbers, state: int) -> None:
    run = scene(FLAT, held=held, delivery=True)
    slot = hit_at(run, ordered(run, -10, i=1), AT_OPEN, 100.0)
    fill_order(run, slot, 0, (AT_OPEN, False))
    assert (fills(run), told_of(run), of(run, slot, O_STATE)) == (expected, [event], (state,))
    assert row(run, POSITION, 1) == 0


def test_delivery_sells_what_is_held_and_buys_at_will() -> None:
    run = scene(FLAT, held=10.0, delivery=True)
    ordered(run, -10, i=1)
    ordered(run, 3, i=1)
    execute(run, 0)
    assert (fills(run), told_of(run)) == ([(0, -10, 100), (0, 3, 100)], [])


@pytest.mark.parametrize(
    ("cash", "held", "expected", "event"),
    [
        (450.0, 0.0, [(0, 10, 4)], (0, 1, 10, 4, S_CUT, W_FUNDS)),
        (50.0, 0.0, [], (0, 1, 10, 0, S_REJECTED, W_FUNDS)),
    ],
)
def test_what_cannot_be_paid_is_cut_and_the_order_ends(cash: float, held: float, expected: list[Numbers], event: Numbers) -> None:
    run = scene(FLAT, held=held, cash=cash)
    slot = hit_at(run, ordered(run, 10, i=1), AT_OPEN, 100.0)
    fill_order(run, slot, 0, (AT_OPEN, False))
    assert [(one[0], 10, one[1]) for one in fills(run)] == expected
    assert (told_of(run), of(run, slot, O_STATE)) == ([event], (IS_DONE,))


def test_a_cut_counts_what_was_filled_before() -> None:
    run = scene(FLAT, cash=250.0)
    slot = hit_at(run, ordered(run, 10, i=1), AT_OPEN, 100.0)
    run.book[slot * N_ORDER + O_LEFT] = 7.0
    fill_order(run, slot, 0, (AT_OPEN, False))
    assert told_of(run) == [(0, 1, 10, 5, S_CUT, W_FUNDS)]


def test_a_turn_that_cannot_be_paid_still_closes() -> None:
    # The sale of three brings 300; of that nothing can back a short, for it is the proceeds.
    run = scene(FLAT, held=-3.0, cash=300.0)
    slot = hit_at(run, ordered(run, 10, i=1), AT_OPEN, 100.0)
    fill_order(run, slot, 0, (AT_OPEN, False))
    assert (fills(run), told_of(run)) == ([(0, 3, 100)], [(0, 1, 10, 3, S_CUT, W_FUNDS)])


@pytest.mark.parametrize(("kind", "expected"), [(LIMIT, 98.0), (STOP_LIMIT, 98.0), (STOP, 98.98), (MARKET, 98.98)])
def test_orders_with_a_limit_fill_no_worse_than_it(kind: int, expected: float) -> None:
    run = scene(FLAT, slip_fraction=0.01)
    slot = hit_at(run, ordered(run, 10, kind, i=1, limit=98.0, stop=97.0), AT_STOP, 98.0)
    fill_order(run, slot, 0, (AT_STOP, False))
    assert fills(run)[0] == pytest.approx((0, 10, expected))
    assert run.fills[F_KIND] == kind


def test_a_limit_holds_where_the_price_must_go_to_a_tick() -> None:
    run = scene(FLAT, is_plain=False)
    slot = hit_at(run, ordered(run, 10, STOP_LIMIT, i=1, limit=98.5, stop=97.0), AT_STOP, 99.0)
    fill_order(run, slot, 0, (AT_STOP, False))
    assert fills(run) == [(0, 10, 98.5)]
