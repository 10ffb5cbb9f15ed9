"""The book of orders, entry by entry: who stands where, what ends with whom, and whose slot is free again."""

from __future__ import annotations

import pytest
from tests.unit.kernels.loops import FLAT, book, bracket, chain, limited, of, ordered, row, run_over, states, told_of

from qts.kernels.orders import (
    GUARD,
    Ticket,
    add_order,
    drop_children,
    end_order,
    prune,
    slot_of,
    withdraw,
    withdraw_all,
)
from qts.kernels.state import (
    AT_LIMIT,
    FREE,
    HEAD,
    IS_DONE,
    IS_DORMANT,
    IS_FREE,
    IS_REACH_KNOWN,
    IS_WORKING,
    LAST_ID,
    N_DONE,
    N_ORDER,
    N_ROW,
    O_DAY,
    O_FROM,
    O_GROUP,
    O_HIT,
    O_ID,
    O_INSTRUMENT,
    O_IS_FRACTION,
    O_KIND,
    O_LEFT,
    O_LIMIT,
    O_NEXT,
    O_PARENT,
    O_QUANTITY,
    O_REASON,
    O_REFERENCE,
    O_SAME,
    O_SIDE,
    O_STATE,
    O_STOP,
    O_TOLD,
    O_TRAIL,
    OVERFLOW,
    S_CANCELLED,
    SLOTS,
    STOP,
    STOP_LIMIT,
    TAIL,
    W_USER,
    WORKING,
)

ASKED = (S_CANCELLED, W_USER)


TICKET = Ticket(
    instrument=1,
    side=-1.0,
    quantity=12.0,
    kind=STOP_LIMIT,
    limit=93.0,
    stop=94.0,
    trail=3.0,
    is_fraction=1.0,
    day=19000.0,
    group=8.0,
    parent=0.0,
    reason=5,
)
WRITTEN = {
    O_ID: 2,
    O_INSTRUMENT: 1,
    O_KIND: STOP_LIMIT,
    O_SIDE: -1,
    O_QUANTITY: 12,
    O_LEFT: 12,
    O_LIMIT: 93,
    O_STOP: 94,
    O_TRAIL: 3,
    O_IS_FRACTION: 1,
    O_DAY: 19000,
    O_GROUP: 8,
    O_PARENT: 0,
    O_STATE: IS_WORKING,
    O_HIT: 0,
    O_REFERENCE: 0,
    O_NEXT: 0,
    O_REASON: 5,
    O_FROM: 2,
    O_TOLD: 0,
    O_SAME: 0,
}


def test_an_order_is_written_whole_over_what_its_slot_held() -> None:
    run = book()
    run.book[N_ORDER : 2 * N_ORDER] = [7.5] * N_ORDER
    assert add_order(run, TICKET, 2) == 1
    assert of(run, 1, *WRITTEN) == tuple(map(float, WRITTEN.values()))
    assert (run.account[SLOTS], run.account[LAST_ID], run.account[WORKING], run.account[FREE]) == (2, 2, 2, 0)


@pytest.mark.parametrize(("parent", "state"), [(0.0, IS_WORKING), (GUARD, IS_WORKING), (1.0, IS_DORMANT), (2.0, IS_DORMANT)])
def test_an_order_with_an_entry_sleeps_at_first(parent: float, state: int) -> None:
    run = book()
    slot = add_order(run, TICKET._replace(parent=parent), 0)
    assert of(run, slot, O_STATE, O_PARENT) == (state, parent)


def test_a_slot_that_is_free_is_taken_first_and_the_one_behind_it_next() -> None:
    run = book()
    for price in (51.0, 52.0, 53.0):
        limited(run, 1, price, i=1)
    withdraw(run, 0, 1, ASKED)
    withdraw(run, 0, 2, ASKED)
    prune(run)
    assert (run.account[FREE], states(run)) == (3, [IS_WORKING, IS_FREE, IS_FREE, IS_WORKING])
    assert [limited(run, 1, price, i=1) for price in (54.0, 55.0, 56.0)] == [2, 1, 4]
    assert (run.account[FREE], run.account[SLOTS], run.account[WORKING]) == (0, 5, 5)
    assert chain(run, 1) == [3, 2, 1, 4]


def test_the_first_slot_can_be_free_too() -> None:
    run = book()
    withdraw(run, 0, 0, ASKED)
    prune(run)
    assert run.account[FREE] == 1
    assert limited(run, 1, 51.0, i=1) == 0


def test_a_full_book_says_so_and_takes_nothing() -> None:
    run = book()._replace(book=[0.0] * (2 * N_ORDER))
    run.account[SLOTS] = 1.0
    assert limited(run, 1, 51.0, i=1) == 1
    before = list(run.account)
    assert limited(run, 1, 52.0, i=1) == -1
    before[OVERFLOW] = 1.0
    assert run.account == before
    assert chain(run, 1) == [1]


def test_orders_stand_in_the_order_they_came() -> None:
    run = book()
    run.rows[N_ROW + IS_REACH_KNOWN] = run.rows[IS_REACH_KNOWN] = 1.0
    assert [limited(run, 1, 60.0, i=1) for _ in range(3)] == [1, 2, 3]
    assert (chain(run, 0), chain(run, 1)) == ([0], [1, 2, 3])
    assert [row(run, column, 1) for column in (HEAD, TAIL, IS_REACH_KNOWN)] == [2, 4, 0]
    assert row(run, IS_REACH_KNOWN, 0) == 1
    assert run.account[WORKING] == 4


def test_an_order_ends_once() -> None:
    run = book()
    slot = limited(run, 1, 60.0, i=1)
    run.book[slot * N_ORDER + O_HIT] = float(AT_LIMIT)
    for _ in range(2):
        end_order(run, slot)
        assert of(run, slot, O_STATE, O_HIT) == (IS_DONE, 0)
        assert (run.account[N_DONE], run.account[WORKING]) == (1, 2)
    assert states(run) == [IS_WORKING, IS_DONE]


def test_a_withdrawn_order_tells_what_it_had_filled() -> None:
    run = book()
    slot = ordered(run, -12, STOP, i=1, stop=90.0)
    run.book[slot * N_ORDER + O_LEFT] = 5.0
    run.book[O_TRAIL] = float(IS_DONE)  # a number of the order before, which is not to be taken for a state
    withdraw(run, 2, slot, ASKED)
    assert told_of(run) == [(2, 1, -12, 7, S_CANCELLED, W_USER)]
    withdraw(run, 2, slot, ASKED)
    assert len(told_of(run)) == 1
    assert (states(run), run.account[N_DONE]) == ([IS_WORKING, IS_DONE], 1)


def test_a_sleeping_order_is_withdrawn_without_a_word() -> None:
    run = book()
    slot = limited(run, 1, 60.0, i=1, parent=1.0)
    withdraw(run, 2, slot, ASKED)
    assert (told_of(run), of(run, slot, O_STATE)) == ([], (IS_DONE,))


def test_the_sleeping_children_of_an_order_go_with_it_and_no_others() -> None:
    run = book()
    entry, stop, target = bracket(run)
    other = limited(run, -10, 120.0, i=1, parent=99.0)
    late = limited(run, -10, 121.0, i=1, parent=of(run, entry, O_ID)[0])
    withdraw(run, 1, entry, ASKED)
    assert [of(run, slot, O_STATE)[0] for slot in (entry, stop, target, other, late)] == [*[IS_DONE] * 3, IS_DORMANT, IS_DORMANT]
    assert told_of(run) == [(1, 1, 10, 0, S_CANCELLED, W_USER)]
    assert run.account[N_DONE] == 3


def test_children_in_slots_that_were_free_go_with_their_entry() -> None:
    # The entry takes slot 1, which is free; its only child slot 0, which was free before; both slots are all there is.
    run = run_over((FLAT,) * 3)._replace(book=[0.0] * (2 * N_ORDER))
    for slot in (limited(run, 1, 50.0), limited(run, 1, 51.0)):
        withdraw(run, 0, slot, ASKED)
    prune(run)
    entry = limited(run, 10, 98.0)
    child = limited(run, -10, 110.0, parent=of(run, entry, O_ID)[0])
    assert (entry, child) == (1, 0)
    withdraw(run, 1, entry, ASKED)
    assert states(run) == [IS_DONE, IS_DONE]


def test_the_search_for_children_ends_with_the_line_in_a_full_book() -> None:
    run = book()._replace(book=[0.0] * (4 * N_ORDER))
    run.account[SLOTS] = 1.0
    entry, stop, target = bracket(run)
    drop_children(run, entry)
    assert (stop, target, states(run)[1:]) == (2, 3, [IS_WORKING, IS_DONE, IS_DONE])


def test_the_withdrawal_of_a_sleeping_order_takes_what_sleeps_behind_it() -> None:
    run = book()
    outer = limited(run, 10, 98.0, i=1, parent=1.0)
    inner = limited(run, -10, 99.0, i=1, parent=of(run, outer, O_ID)[0])
    withdraw(run, 1, outer, ASKED)
    assert (of(run, inner, O_STATE), run.account[N_DONE]) == ((IS_DONE,), 2)


def test_a_child_that_works_outlives_its_entry_and_its_sibling_does_not() -> None:
    run = book()
    entry, stop, target = bracket(run)
    run.book[stop * N_ORDER + O_STATE] = float(IS_WORKING)
    drop_children(run, entry)
    assert [of(run, slot, O_STATE)[0] for slot in (entry, stop, target)] == [IS_WORKING, IS_WORKING, IS_DONE]
    assert told_of(run) == []


def test_all_orders_of_one_instrument_are_withdrawn() -> None:
    run = book()
    for price in (60.0, 61.0, 62.0):
        limited(run, 2, price, i=1)
    withdraw_all(run, 2, 1, ASKED)
    assert states(run) == [IS_WORKING, IS_DONE, IS_DONE, IS_DONE]
    assert told_of(run) == [(2, 1, 2, 0, S_CANCELLED, W_USER)] * 3
    withdraw_all(run, 2, 0, ASKED)
    assert states(run) == [IS_DONE] * 4


def test_an_order_is_found_by_its_number_while_it_lives() -> None:
    run = book()
    slots = [limited(run, 1, 60.0, i=1) for _ in range(3)]
    assert [slot_of(run, number) for number in (1.0, 2.0, 3.0, 4.0)] == [0, *slots]
    assert slot_of(run, 5.0) == -1
    withdraw(run, 0, 2, ASKED)
    assert slot_of(run, 3.0) == -1
    prune(run)
    assert slot_of(run, 3.0) == -1
    assert slot_of(run, 4.0) == 3


def test_slots_that_were_never_taken_are_not_searched() -> None:
    run = book()
    run.book[5 * N_ORDER + O_ID], run.book[5 * N_ORDER + O_STATE] = 77.0, float(IS_WORKING)
    assert slot_of(run, 77.0) == -1


@pytest.mark.parametrize(
    ("ended", "left", "free"),
    [([1], [2, 3], 2), ([2], [1, 3], 3), ([3], [1, 2], 4), ([1, 3], [2], 4), ([1, 2, 3], [], 4), ([], [1, 2, 3], 0)],
)
def test_finished_orders_leave_the_line(ended: list[int], left: list[int], free: int) -> None:
    run = book()
    for price in (60.0, 61.0, 62.0):
        limited(run, 2, price, i=1)
    for slot in ended:
        end_order(run, slot)
    prune(run)
    assert (chain(run, 0), chain(run, 1)) == ([0], left)
    assert (row(run, TAIL, 1), row(run, TAIL, 0)) == (left[-1] + 1 if left else 0, 1)
    assert (run.account[FREE], run.account[N_DONE], run.account[WORKING]) == (free, 0, 4 - len(ended))
    assert [states(run)[slot] for slot in ended] == [IS_FREE] * len(ended)


def test_freed_slots_point_to_one_another() -> None:
    run = book()
    for price in (60.0, 61.0, 62.0):
        limited(run, 2, price, i=1)
    for slot in (1, 3):
        end_order(run, slot)
    prune(run)
    assert (run.account[FREE], of(run, 3, O_NEXT), of(run, 1, O_NEXT)) == (4, (2,), (0,))


def test_nothing_is_walked_where_nothing_has_finished() -> None:
    run = book()
    run.book[O_STATE] = float(IS_DONE)  # not counted
    prune(run)
    assert states(run) == [IS_DONE]
