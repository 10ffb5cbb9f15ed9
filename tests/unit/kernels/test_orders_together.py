"""What orders have to do with one another: guards with their position, children with their entry, members with their group."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, NAN, Numbers, book, bracket, limited, of, ordered, run_over, told_of

from qts.kernels.orders import (
    ABOVE_ALL,
    GUARD,
    end_order,
    fall_with,
    shrink_exits,
    trigger_rest,
)
from qts.kernels.state import (
    IS_DONE,
    IS_DORMANT,
    IS_WORKING,
    LIMIT,
    MARKET,
    N_DONE,
    N_ORDER,
    N_ROW,
    O_ID,
    O_KIND,
    O_LEFT,
    O_QUANTITY,
    O_STATE,
    O_STOP,
    POSITION,
    S_CANCELLED,
    S_WITHDRAWN,
    STOP,
    STOP_LIMIT,
    TRAILING,
    W_FLAT,
    W_OCO,
    W_USER,
    Run,
)

ASKED = (S_CANCELLED, W_USER)


def guard(run: Run, quantity: float, left: float, position: float) -> int:
    slot = ordered(run, quantity, STOP, i=1, stop=95.0, parent=GUARD)
    run.book[slot * N_ORDER + O_LEFT] = left
    run.rows[POSITION] = 1000.0  # the first instrument's, which is not to be looked at
    run.rows[N_ROW + POSITION] = position
    return slot


@pytest.mark.parametrize(
    ("quantity", "left", "position", "expected"),
    [
        (-10, 10, 4, (4, 4)),
        (-10, 8, 4, (6, 4)),
        (-10, 10, 10, (10, 10)),
        (-10, 10, 1, (1, 1)),
        (-10, 6, 10, (10, 6)),
        (10, 10, -4, (4, 4)),
        (-10, 10, 0.5, (0.5, 0.5)),
    ],
)
def test_a_guard_is_no_larger_than_what_it_guards(quantity: float, left: float, position: float, expected: Numbers) -> None:
    run = book()
    slot = guard(run, quantity, left, position)
    shrink_exits(run, 1, 1)
    assert of(run, slot, O_QUANTITY, O_LEFT, O_STATE) == (*expected, IS_WORKING)
    assert told_of(run) == []


@pytest.mark.parametrize(("quantity", "position"), [(-10, 0), (-10, -3), (10, 3)])
def test_a_guard_of_nothing_is_withdrawn(quantity: float, position: float) -> None:
    run = book()
    slot = guard(run, quantity, 10, position)
    shrink_exits(run, 2, 1)
    assert of(run, slot, O_STATE) == (IS_DONE,)
    assert told_of(run) == [(2, 1, quantity, 0, S_WITHDRAWN, W_FLAT)]
    assert run.account[N_DONE] == 1


def test_guards_behind_others_are_looked_at_and_plain_orders_left_alone() -> None:
    run = book()
    plain = limited(run, -30, 120.0, i=1)
    first, second = guard(run, -10, 10, 4), guard(run, -8, 8, 4)
    shrink_exits(run, 2, 1)
    assert [of(run, slot, O_LEFT)[0] for slot in (plain, first, second)] == [30, 4, 4]
    run.rows[N_ROW + POSITION] = 0.0
    shrink_exits(run, 2, 1)
    assert [of(run, slot, O_STATE)[0] for slot in (plain, first, second)] == [IS_WORKING, IS_DONE, IS_DONE]


def test_the_children_of_an_entry_that_still_works_sleep_again() -> None:
    run = book()
    entry, stop, target = bracket(run)
    for slot in (stop, target):
        run.book[slot * N_ORDER + O_STATE] = float(IS_WORKING)
    shrink_exits(run, 1, 1)
    assert [of(run, slot, O_STATE)[0] for slot in (entry, stop, target)] == [IS_WORKING, IS_DORMANT, IS_DORMANT]
    assert run.account[N_DONE] == 0
    end_order(run, entry)
    for slot in (stop, target):
        run.book[slot * N_ORDER + O_STATE] = float(IS_WORKING)
    shrink_exits(run, 1, 1)
    assert [of(run, slot, O_STATE)[0] for slot in (entry, stop, target)] == [IS_DONE] * 3
    assert run.account[N_DONE] == 3


def test_the_child_of_the_very_first_slot_sleeps_again_too() -> None:
    run = run_over((FLAT,) * 3)
    entry = limited(run, 10, 98.0)
    child = ordered(run, -10, STOP, stop=95.0, parent=of(run, entry, O_ID)[0])
    run.book[child * N_ORDER + O_STATE] = float(IS_WORKING)
    shrink_exits(run, 1, 0)
    assert (entry, of(run, child, O_STATE)) == (0, (IS_DORMANT,))


def test_children_are_not_made_smaller_with_the_position() -> None:
    # Their quantities are those of their entry's fills, and they fill no more than is held.
    run = book()
    _, stop, _ = bracket(run)
    run.book[stop * N_ORDER + O_STATE] = float(IS_WORKING)
    run.rows[N_ROW + POSITION] = 4.0
    shrink_exits(run, 1, 1)
    assert of(run, stop, O_QUANTITY, O_LEFT, O_STATE) == (10, 10, IS_WORKING)


@pytest.mark.parametrize(
    ("quantity", "kind", "prices", "expected"),
    [
        (5, STOP_LIMIT, {"stop": 104.0, "limit": 105.0}, (LIMIT, 104)),
        (5, STOP, {"stop": 104.0}, (STOP, 0)),
        (-5, STOP, {"stop": 96.0}, (STOP, ABOVE_ALL)),
        (5, TRAILING, {"stop": 104.0, "trail": 4.0}, (TRAILING, 0)),
        (-5, TRAILING, {"stop": 96.0, "trail": 4.0}, (TRAILING, ABOVE_ALL)),
    ],
)
def test_the_rest_of_a_triggered_stop_waits_for_no_price(quantity: float, kind: int, prices: dict[str, Any], expected: Numbers) -> None:
    run = book()
    slot = ordered(run, quantity, kind, i=1, **prices)
    trigger_rest(run, slot)
    assert of(run, slot, O_KIND, O_STOP) == expected


@pytest.mark.parametrize(("kind", "limit"), [(LIMIT, 99.0), (MARKET, NAN)])
def test_other_orders_have_no_rest_to_trigger(kind: int, limit: float) -> None:
    run = book()
    slot = ordered(run, 5, kind, i=1, limit=limit)
    trigger_rest(run, slot)
    assert of(run, slot, O_KIND) == (kind,)
    assert math.isnan(of(run, slot, O_STOP)[0])


def group() -> tuple[Run, list[int]]:
    """Return a book with three members of a group in the second instrument, one of another group, and one of none."""
    run = book()
    members = [limited(run, -10, 110.0, i=1, group=6.0) for _ in range(3)]
    return run, [*members, limited(run, -10, 110.0, i=1, group=7.0), limited(run, -10, 110.0, i=1)]


def test_what_a_member_of_a_group_fills_is_taken_from_the_others() -> None:
    run, slots = group()
    run.book[slots[2] * N_ORDER + O_LEFT] = 5.0
    fall_with(run, 2, slots[1], 4.0)
    assert [of(run, slot, O_QUANTITY, O_LEFT) for slot in slots] == [(6, 6), (10, 10), (6, 1), (10, 10), (10, 10)]
    assert told_of(run) == []


def test_members_left_with_nothing_are_cancelled() -> None:
    run, slots = group()
    run.book[slots[2] * N_ORDER + O_LEFT] = 4.0
    fall_with(run, 2, slots[1], 4.0)
    assert of(run, slots[0], O_LEFT, O_STATE) == (6, IS_WORKING)
    assert of(run, slots[2], O_STATE) == (IS_DONE,)
    assert told_of(run) == [(2, 1, -10, 6, S_CANCELLED, W_OCO)]


def test_less_than_a_share_left_is_left() -> None:
    run, slots = group()
    fall_with(run, 2, slots[0], 9.5)
    assert of(run, slots[1], O_QUANTITY, O_LEFT, O_STATE) == (0.5, 0.5, IS_WORKING)


def test_sleeping_members_keep_their_quantity() -> None:
    run, slots = group()
    run.book[slots[2] * N_ORDER + O_STATE] = float(IS_DORMANT)
    fall_with(run, 2, slots[0], 4.0)
    assert of(run, slots[2], O_QUANTITY, O_LEFT) == (10, 10)


def test_orders_of_no_group_are_no_group() -> None:
    run, slots = group()
    other = limited(run, -10, 110.0, i=1)
    fall_with(run, 2, slots[4], 10.0)
    assert of(run, other, O_LEFT, O_STATE) == (10, IS_WORKING)


def test_a_group_numbered_one_is_a_group() -> None:
    run = book()
    one, other = (limited(run, -10, 110.0, i=1, group=1.0) for _ in range(2))
    fall_with(run, 2, one, 10.0)
    assert of(run, other, O_STATE) == (IS_DONE,)
