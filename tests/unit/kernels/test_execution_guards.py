"""What a fill starts and ends around it: the children of brackets, the guards of positions, what is left of an entry."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, NAN, Numbers, bracket, chain, filled_of, limited, of, ordered, row, run_over, told_of

from qts.kernels.decisions import leave_wish
from qts.kernels.execution import after_fill, begin, end_entry, execute, execute_closes, guard, set_guards, start_children
from qts.kernels.orders import GUARD, prune, withdraw_all
from qts.kernels.state import (
    AT_LIMIT,
    AT_OPEN,
    AT_STOP,
    AVERAGE,
    E_ORDER,
    IS_DONE,
    IS_DORMANT,
    IS_REACH_KNOWN,
    IS_WORKING,
    LAST_ID,
    LIMIT,
    MARK,
    N_ORDER,
    N_ROW,
    N_TERM,
    NO_HIT,
    O_FROM,
    O_GROUP,
    O_HIT,
    O_ID,
    O_IS_FRACTION,
    O_KIND,
    O_LEFT,
    O_LIMIT,
    O_PARENT,
    O_QUANTITY,
    O_REASON,
    O_REFERENCE,
    O_SIDE,
    O_STATE,
    O_STOP,
    O_TRAIL,
    ORDERS,
    PENDING,
    POSITION,
    S_CANCELLED,
    S_WITHDRAWN,
    SIGNAL,
    SPENT,
    STOP,
    STOP_LIMIT,
    STOP_LOSS,
    T_TICK_FROM,
    T_TICK_TO,
    TAKE_PROFIT,
    TOLD,
    TRAILING,
    TRAILING_STOP,
    W_FLAT,
    W_OCO,
    W_REPLACED,
    WISH,
    Run,
)
from qts.kernels.wishes import FILLED_IN_PART

SHARED = {"volume_share": 0.1, "is_plain": False}


def scene(*bars: str, held: float = 0.0, **rules: Any) -> Run:
    """Return a run whose second instrument has these bars and holds so much at 100; slot 0 holds an order of the first."""
    run = run_over((FLAT,) * len(bars), bars, **rules)
    run.rows[MARK] = run.rows[N_ROW + MARK] = 100.0
    run.rows[N_ROW + POSITION], run.rows[N_ROW + AVERAGE] = held, 100.0 if held else 0.0
    limited(run, 1, 50.0)
    return run


def fills(run: Run) -> list[Numbers]:
    """Return the fills as bar, signed quantity and price."""
    return [(one[0], one[2], one[3]) for one in filled_of(run)]


# --- brackets


def test_after_an_entry_within_the_bar_the_target_waits_for_the_next() -> None:
    run = scene("100 111 97 100", "100 111 99 100")
    _, stop, target = bracket(run)
    execute(run, 0)
    assert fills(run) == [(0, 10, 98)]
    assert (of(run, stop, O_FROM), of(run, target, O_FROM)) == ((0,), (1,))
    execute(run, 1)
    assert fills(run)[1:] == [(1, -10, 110)]


def test_children_grow_with_what_their_entry_fills() -> None:
    run = scene("97 99 96 98 40", "97 99 96 98 30", "97 99 96 98", **SHARED)
    entry, stop, target = bracket(run)
    for t, (filled, left) in enumerate(((4, 6), (7, 3), (10, 0))):
        execute(run, t)
        assert of(run, entry, O_LEFT) == (left,)
        assert [of(run, slot, O_QUANTITY, O_LEFT, O_STATE) for slot in (stop, target)] == [(filled, filled, IS_WORKING)] * 2
    assert chain(run, 1) == [stop, target]


def test_children_of_another_entry_and_those_that_are_done_stay_as_they_are() -> None:
    run = scene(FLAT)
    entry, stop, target = bracket(run)
    _, other, _ = bracket(run)
    run.book[stop * N_ORDER + O_STATE] = float(IS_DONE)
    start_children(run, entry, 0, (AT_OPEN, 4.0, False))
    assert of(run, stop, O_QUANTITY, O_STATE) == (10, IS_DONE)
    assert of(run, target, O_QUANTITY, O_LEFT, O_STATE) == (4, 4, IS_WORKING)
    assert of(run, other, O_QUANTITY, O_STATE) == (10, IS_DORMANT)


def test_an_exit_ends_what_is_left_of_its_entry() -> None:
    run = scene("97 99 96 98 40", "94 99 93 98 0", "94 99 93 98", **SHARED)
    entry, *_ = bracket(run)
    execute(run, 0)
    order = of(run, entry, O_ID)[0]
    run.rows[N_ROW + POSITION] = 4.0
    end_entry(run, 1, 1, order)
    assert told_of(run)[1:] == [(1, 1, 10, 4, S_CANCELLED, W_OCO)]
    assert of(run, entry, O_STATE) == (IS_DONE,)
    end_entry(run, 1, 1, 99.0)  # one that has gone already
    assert len(told_of(run)) == 2
    assert row(run, SPENT, 1) == 0


def test_a_guard_s_exit_spends_the_target_and_ends_a_wish_that_filled_in_part() -> None:
    run = scene(FLAT, FLAT, held=4.0)
    leave_wish(run, 1, 10.0, SIGNAL)
    run.rows[N_ROW + TOLD] = FILLED_IN_PART
    end_entry(run, 1, 1, GUARD)
    assert (row(run, SPENT, 1), row(run, PENDING, 1), run.account[ORDERS]) == (1, 0, 0)
    assert (told_of(run), run.log[E_ORDER]) == ([(1, 1, 6, 0, S_CANCELLED, W_OCO)], row(run, WISH, 1))


@pytest.mark.parametrize("told", [0.0, 1.0])
def test_a_wish_that_has_filled_nothing_yet_is_another_decision(told: float) -> None:
    run = scene(FLAT, held=4.0)
    leave_wish(run, 1, 10.0, SIGNAL)
    run.rows[N_ROW + TOLD] = told
    end_entry(run, 0, 1, GUARD)
    assert (row(run, SPENT, 1), row(run, PENDING, 1), told_of(run)) == (1, 1, [])


def test_a_wish_that_was_dropped_is_not_told_of() -> None:
    run = scene(FLAT, held=4.0)
    run.rows[N_ROW + TOLD] = FILLED_IN_PART
    end_entry(run, 0, 1, GUARD)
    assert (told_of(run), run.account[ORDERS]) == ([], 0)


@pytest.mark.parametrize(
    ("kind", "level", "bar", "part", "expected"),
    [
        # Hit, its reference, and the bar it works from. The child sells what was bought at 100.
        pytest.param(STOP, 95, "100 101 95 99", AT_OPEN, (AT_STOP, 95, 1), id="a stop that is reached"),
        pytest.param(STOP, 95, "100 101 95.5 99", AT_OPEN, (NO_HIT, 0, 1), id="a stop that is not"),
        pytest.param(STOP, 95, "100 101 94 99", AT_LIMIT, (AT_STOP, 95, 1), id="a stop after an entry within the bar"),
        pytest.param(STOP, 100, "100 101 95 99", AT_OPEN, (AT_STOP, 100, 1), id="a stop at the entry"),
        pytest.param(STOP, 101, "100 103 99 99", AT_OPEN, (AT_STOP, 100, 1), id="a stop that the entry is beyond"),
        pytest.param(STOP, 100.5, "100 103 99 99", AT_OPEN, (AT_STOP, 100, 1), id="a stop that the entry is a little beyond"),
        pytest.param(TRAILING, 95, "100 101 94 99", AT_STOP, (AT_STOP, 95, 1), id="a trailing stop"),
        pytest.param(LIMIT, 105, "100 106 99 99", AT_OPEN, (AT_LIMIT, 105, 1), id="a target that is passed"),
        pytest.param(LIMIT, 105, "100 105 99 99", AT_OPEN, (NO_HIT, 0, 1), id="a target that is touched"),
        pytest.param(LIMIT, 105, "100 106 99 99", AT_LIMIT, (NO_HIT, 0, 2), id="a target after an entry within the bar"),
        pytest.param(LIMIT, 95, "100 103 97 99", AT_OPEN, (AT_LIMIT, 97, 1), id="a target that the whole bar is beyond"),
    ],
)
def test_what_a_child_does_in_the_bar_of_its_entry(*, kind: int, level: float, bar: str, part: int, expected: Numbers) -> None:
    run = scene(FLAT, bar)
    slot = ordered(run, -10, kind, i=1, limit=level if kind == LIMIT else NAN, stop=NAN if kind == LIMIT else level, at=7)
    begin(run, slot, 1, (part, 100.0, False))
    assert of(run, slot, O_HIT, O_REFERENCE, O_FROM) == expected


@pytest.mark.parametrize(
    ("kind", "level", "bar", "expected"),
    [
        pytest.param(STOP, 105, "100 105 99 99", (AT_STOP, 105, 1), id="a stop that is reached"),
        pytest.param(STOP, 105, "100 104 90 99", (NO_HIT, 0, 1), id="a stop that is not"),
        pytest.param(STOP, 99, "100 104 98 99", (AT_STOP, 100, 1), id="a stop that the entry is beyond"),
        pytest.param(LIMIT, 95, "100 101 94 99", (AT_LIMIT, 95, 1), id="a target that is passed"),
        pytest.param(LIMIT, 95, "100 101 95 99", (NO_HIT, 0, 1), id="a target that is touched"),
        pytest.param(LIMIT, 105, "100 103 97 99", (AT_LIMIT, 103, 1), id="a target that the whole bar is beyond"),
    ],
)
def test_the_children_of_a_short_mirror_it(*, kind: int, level: float, bar: str, expected: Numbers) -> None:
    run = scene(FLAT, bar)
    slot = ordered(run, 10, kind, i=1, limit=level if kind == LIMIT else NAN, stop=NAN if kind == LIMIT else level)
    begin(run, slot, 1, (AT_OPEN, 100.0, False))
    assert of(run, slot, O_HIT, O_REFERENCE, O_FROM) == expected


@pytest.mark.parametrize("kind", [STOP, LIMIT])
def test_a_child_of_an_entry_at_the_close_begins_with_the_next_bar(kind: int) -> None:
    run = scene(FLAT, "100 120 80 100")
    slot = ordered(run, -10, kind, i=1, limit=105.0, stop=95.0)
    begin(run, slot, 1, (AT_OPEN, 100.0, True))
    assert of(run, slot, O_HIT, O_FROM) == (NO_HIT, 2)


@pytest.mark.parametrize(("lock", "is_hit"), [(-1, False), (1, True), (0, True)])
def test_a_bar_locked_against_it_keeps_a_child_from_acting(lock: int, *, is_hit: bool) -> None:
    run = scene(FLAT, "100 120 80 100", locks=(0, 0, 0, lock))
    slot = ordered(run, -10, STOP, i=1, stop=95.0)
    begin(run, slot, 1, (AT_OPEN, 100.0, False))
    assert of(run, slot, O_HIT, O_FROM) == (AT_STOP if is_hit else NO_HIT, 1)


# --- guards

GUARDED = {"stop_loss": 0.05, "take_profit": 0.1, "trailing": 0.08}


def guards_of(run: Run) -> list[Numbers]:
    columns = (O_SIDE, O_QUANTITY, O_KIND, O_LIMIT, O_STOP, O_TRAIL, O_IS_FRACTION, O_REASON)
    return [of(run, slot, *columns) for slot in chain(run, 1)]


@pytest.mark.parametrize(
    ("held", "levels"), [(10.0, (95, 110, 92)), (-10.0, (105, 90, 108)), (1.0, (95, 110, 92))], ids=["a long", "a short", "one share"]
)
def test_a_position_is_guarded_by_one_group_around_its_average(held: float, levels: Numbers) -> None:
    run = scene(FLAT, FLAT, held=held, **GUARDED)
    run.account[LAST_ID] = 40.0
    set_guards(run, 1, 1, (AT_OPEN, 100.0, True))
    side, size = (-1.0 if held > 0 else 1.0), abs(held)
    assert guards_of(run) == [
        pytest.approx((side, size, STOP, NAN, levels[0], 0, 0, STOP_LOSS), nan_ok=True),
        pytest.approx((side, size, LIMIT, levels[1], NAN, 0, 0, TAKE_PROFIT), nan_ok=True),
        pytest.approx((side, size, TRAILING, NAN, levels[2], 0.08, 1, TRAILING_STOP), nan_ok=True),
    ]
    assert [of(run, slot, O_ID, O_GROUP, O_PARENT, O_FROM, O_STATE) for slot in chain(run, 1)] == [
        (42 + k, 41, GUARD, 2, IS_WORKING) for k in range(3)
    ]


@pytest.mark.parametrize(("name", "kind"), [("stop_loss", STOP), ("take_profit", LIMIT), ("trailing", TRAILING)])
def test_only_what_is_asked_for_guards_it(name: str, kind: int) -> None:
    run = scene(FLAT, held=10.0, **{name: 0.5})
    guard(run, 1, 0, (0.0, AT_OPEN, 100.0, False))
    assert [of(run, slot, O_KIND) for slot in chain(run, 1)] == [(kind,)]


@pytest.mark.parametrize(("held", "average", "levels"), [(10.0, 100.1, (95.0, 110.25, 92.0)), (-10.0, 99.9, (105.0, 89.75, 108.0))])
def test_stops_go_to_the_tick_away_and_the_target_farther(held: float, average: float, levels: Numbers) -> None:
    run = scene(FLAT, FLAT, held=held, **GUARDED)
    # A rupee at first, a quarter of one from bar 1 on.
    run = run._replace(ticks=[7.0, 7.0, 0.0, 10_000.0, 1.0, 2500.0])
    run.terms[N_TERM + T_TICK_FROM], run.terms[N_TERM + T_TICK_TO] = 1.0, 3.0
    # 100.1 * 0.95 = 95.095, * 1.1 = 110.11, * 0.92 = 92.092; 99.9 * 1.05 = 104.895, * 0.9 = 89.91, * 1.08 = 107.892.
    run.rows[N_ROW + AVERAGE] = average
    set_guards(run, 1, 1, (AT_OPEN, 100.0, True))
    stop, target, trailing = chain(run, 1)
    found = [of(run, stop, O_STOP)[0], of(run, target, O_LIMIT)[0], of(run, trailing, O_STOP)[0]]
    assert found == pytest.approx(levels)


@pytest.mark.parametrize(
    ("before", "held", "is_new"),
    [
        (0, 10, True),
        (0, 0, False),
        (5, 10, True),
        (10, 10, False),
        (12, 10, False),
        (-5, 10, True),
        (-20, 10, True),
        (20, 0, False),
        (0.5, -0.5, True),
    ],
)
def test_guards_are_made_anew_when_a_position_grows_or_turns(before: float, held: float, *, is_new: bool) -> None:
    run = scene(FLAT, FLAT, held=held, stop_loss=0.05)
    old = ordered(run, -7, STOP, i=1, stop=91.0, parent=GUARD)
    child, asleep = limited(run, -7, 120.0, i=1), ordered(run, -7, STOP, i=1, stop=91.0, parent=77.0)
    guard(run, 1, 1, (before, AT_OPEN, 100.0, False))
    assert of(run, old, O_STATE) == (IS_DONE if is_new else IS_WORKING,)
    assert (of(run, child, O_STATE), of(run, asleep, O_STATE)) == ((IS_WORKING,), (IS_DORMANT,))
    assert told_of(run) == ([(1, 1, -7, 0, S_WITHDRAWN, W_REPLACED)] if is_new else [])
    assert len(chain(run, 1)) == 3 + is_new


def test_a_guard_acts_in_the_bar_of_its_entry() -> None:
    run = scene(FLAT, "100 101 94 100", held=10.0, stop_loss=0.05)
    guard(run, 1, 1, (0.0, AT_OPEN, 100.0, False))
    (slot,) = chain(run, 1)
    assert of(run, slot, O_HIT, O_REFERENCE, O_FROM) == (AT_STOP, 95, 1)


# --- wishes that are guarded


def test_a_wish_filled_at_the_open_is_guarded_in_that_bar() -> None:
    run = scene("100 101 94 100", stop_loss=0.05)
    leave_wish(run, 1, 1.0, SIGNAL)
    execute(run, 0)
    assert fills(run) == [(0, 1, 100), (0, -1, 95)]
    assert row(run, SPENT, 1) == 1


def test_a_wish_filled_at_the_close_is_guarded_from_the_next_bar_on() -> None:
    run = scene(FLAT, "100 101 94 98", "98 99 90 95", stop_loss=0.05, at_close=True)
    leave_wish(run, 1, 10.0, SIGNAL)
    execute_closes(run, 1)
    (slot,) = chain(run, 1)
    assert (fills(run), of(run, slot, O_FROM, O_HIT)) == ([(1, 10, 98)], (2, NO_HIT))
    assert of(run, slot, O_STOP)[0] == pytest.approx(93.1)


def test_a_wish_that_leaves_takes_the_guards_along() -> None:
    run = scene(FLAT, FLAT, held=10.0, stop_loss=0.05)
    ordered(run, -10, STOP, i=1, stop=90.0, parent=GUARD)
    leave_wish(run, 1, 0.0, SIGNAL)
    execute(run, 1)
    assert (fills(run), chain(run, 1)) == ([(1, -10, 100)], [])
    assert told_of(run) == [(1, 1, -10, 0, S_WITHDRAWN, W_FLAT)]


def test_a_wish_that_leaves_a_part_is_a_sale_and_comes_before_purchases() -> None:
    for play, at_close in ((execute, False), (execute_closes, True)):
        run = scene(FLAT, FLAT, held=10.0, at_close=at_close)
        leave_wish(run, 0, 1.0, SIGNAL)
        leave_wish(run, 1, 4.0, SIGNAL)
        play(run, 1)
        assert [one[1:3] for one in filled_of(run)] == [(1, -6), (0, 1)]


def test_a_wish_that_an_order_has_granted_is_dropped() -> None:
    run = scene(FLAT, held=4.0)
    leave_wish(run, 1, 10.0, SIGNAL)
    ordered(run, 6, i=1)
    execute(run, 0)
    assert (fills(run), row(run, PENDING, 1), run.account[ORDERS]) == ([(0, 6, 100)], 0, 0)


# --- an order's own books


def test_what_an_order_fills_is_guarded_too_and_never_leaves_better_than_it_traded() -> None:
    run = scene(FLAT, held=10.0, stop_loss=0.05)
    run.rows[N_ROW + AVERAGE] = 200.0
    ordered(run, 10, i=1)
    execute(run, 0)
    # Five per cent below an average of 150 is above the open: it leaves where it entered.
    assert fills(run) == [(0, 10, 100), (0, -20, 100)]


def test_an_order_of_which_one_share_is_left_goes_on() -> None:
    run = scene(FLAT, held=9.0)
    slot = limited(run, 10, 99.0, i=1)
    after_fill(run, slot, 0, (AT_OPEN, 9.0, False, 0.0))
    assert of(run, slot, O_LEFT, O_STATE) == (1, IS_WORKING)


def test_the_entry_that_an_exit_ends_may_be_the_first_of_all_orders() -> None:
    run = run_over((FLAT,))
    entry = limited(run, 10, 98.0)
    end_entry(run, 0, 0, of(run, entry, O_ID)[0])
    assert (entry, of(run, entry, O_STATE)) == (0, (IS_DONE,))


def test_children_wake_wherever_in_the_book_they_are_kept() -> None:
    run = run_over((FLAT,), (FLAT,))
    for _ in range(2):
        limited(run, 1, 50.0)
    withdraw_all(run, 0, 0, (S_CANCELLED, W_OCO))
    prune(run)
    entry, stop, target = bracket(run)
    start_children(run, entry, 0, (AT_OPEN, 4.0, False))
    assert ((entry, stop), [of(run, slot, O_STATE) for slot in (stop, target)]) == ((1, 0), [(IS_WORKING,)] * 2)


def test_a_fill_makes_the_reach_unknown_and_a_stop_s_rest_a_triggered_one() -> None:
    run = scene(FLAT, FLAT)
    slot = ordered(run, 10, STOP_LIMIT, i=1, stop=99.0, limit=101.0)
    run.rows[N_ROW + IS_REACH_KNOWN], run.rows[N_ROW + POSITION] = 1.0, 4.0
    after_fill(run, slot, 1, (AT_STOP, 4.0, False, 0.0))
    assert (row(run, IS_REACH_KNOWN, 1), of(run, slot, O_LEFT, O_KIND, O_STATE)) == (0, (6, LIMIT, IS_WORKING))


def test_the_rest_of_a_group_falls_by_what_filled() -> None:
    run = scene(FLAT, FLAT, held=10.0)
    first, other = (limited(run, -10, price, i=1, group=5.0) for price in (105.0, 110.0))
    after_fill(run, first, 1, (AT_LIMIT, 4.0, False, 14.0))
    assert (of(run, first, O_LEFT), of(run, other, O_LEFT, O_QUANTITY)) == ((6,), (6, 6))
    after_fill(run, first, 1, (AT_LIMIT, 6.0, False, 10.0))
    assert (of(run, first, O_STATE), of(run, other, O_STATE)) == ((IS_DONE,), (IS_DONE,))
    assert (told_of(run), run.log[E_ORDER]) == ([(1, 1, -6, 0, S_CANCELLED, W_OCO)], of(run, other, O_ID)[0])
