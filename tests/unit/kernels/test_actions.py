"""What a corporate action does to a position, to cash, to a waiting wish and to the orders in the book."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, NAN, Numbers, bracket, chain, limited, of, ordered, row, run_over, told_of

from qts.kernels.actions import act, act_with_orders, scaled
from qts.kernels.decisions import leave_wish
from qts.kernels.orders import ABOVE_ALL, GUARD
from qts.kernels.state import (
    ACTED,
    AVERAGE,
    CASH,
    E_ORDER,
    FREE,
    IS_DORMANT,
    IS_FREE,
    IS_REACH_KNOWN,
    IS_WORKING,
    MARK,
    N_ACTED,
    N_DONE,
    N_EVENT,
    N_HELD,
    N_ORDER,
    N_OVERDUE,
    N_ROW,
    N_TERM,
    O_IS_FRACTION,
    O_LEFT,
    O_LIMIT,
    O_PARENT,
    O_QUANTITY,
    O_STATE,
    O_STOP,
    O_TRAIL,
    ORDERS,
    OVERDUE,
    PENDING,
    POSITION,
    S_ACTION,
    S_CANCELLED,
    S_WITHDRAWN,
    SIGNAL,
    STOP,
    T_TICK_FROM,
    T_TICK_TO,
    TRAILING,
    W_ACTION,
    W_FLAT,
    WANTED,
    WISH,
    WORKING,
    Run,
)


def scene(*actions: tuple[int, int, float, float], held: float = 0.0, mark: float = 120.0, **options: Any) -> Run:
    """Return a run of four bars whose second instrument holds so much at an average of 90."""
    run = run_over((FLAT,) * 4, (FLAT,) * 4, actions=actions, **options)
    run.rows[MARK], run.rows[N_ROW + MARK] = 100.0, mark
    run.rows[N_ROW + POSITION], run.rows[N_ROW + AVERAGE] = held, 90.0 if held else 0.0
    run.account[N_HELD] = 1.0 if held else 0.0
    return run


def acted(run: Run, k: int = 0) -> Numbers:
    """Return what an action did: the position before and after, in lieu, paid."""
    return tuple(run.acted[k * N_ACTED : (k + 1) * N_ACTED])


# --- the position


@pytest.mark.parametrize(
    ("ratio", "paid", "held", "expected"),
    [
        # The position after, its average, the mark, the cash that came in; and what is told of it.
        pytest.param(5.0, 0.0, 10.0, (50, 18, 24, 0, (10, 50, 0, 0)), id="a split"),
        pytest.param(0.5, 0.0, 10.0, (5, 180, 240, 0, (10, 5, 0, 0)), id="shares joined"),
        pytest.param(1.5, 0.0, 7.0, (10, 60, 80, 40, (7, 10, 40, 0)), id="half a share is paid at the new mark"),
        pytest.param(1.0, 3.0, 10.0, (10, 90, 120, 30, (10, 10, 0, 30)), id="a dividend"),
        pytest.param(2.0, 3.0, 10.0, (20, 45, 60, 30, (10, 20, 0, 30)), id="both: it is paid on old shares"),
        pytest.param(1.5, 0.0, -7.0, (-10, 60, 80, -40, (-7, -10, -40, 0)), id="a short pays for the fraction"),
        pytest.param(1.0, 3.0, -10.0, (-10, 90, 120, -30, (-10, -10, 0, -30)), id="a short pays the dividend"),
        pytest.param(1.5, 3.0, 0.0, (0, 0, 80, 0, (0, 0, 0, 0)), id="nothing held: the mark alone"),
    ],
)
def test_what_becomes_of_a_position(ratio: float, paid: float, held: float, expected: tuple[Any, ...]) -> None:
    run = scene((1, 1, ratio, paid), held=held)
    act(run, 1)
    position, average, mark, cash, effect = expected
    assert [row(run, name, 1) for name in (POSITION, AVERAGE, MARK)] == pytest.approx([position, average, mark])
    assert (run.account[CASH], acted(run), run.account[ACTED]) == (100_000 + cash, effect, 1)
    assert run.account[N_HELD] == float(held != 0)
    assert [row(run, name) for name in (POSITION, MARK)] == [0, 100]
    assert told_of(run) == ([(1, 1, held, abs(position), S_ACTION, W_ACTION)] if held else [])


def test_a_position_that_comes_to_nothing_is_paid_out_and_held_no_more() -> None:
    run = scene((0, 1, 0.1, 0.0), held=5.0)
    run.rows[N_ROW + OVERDUE] = run.account[N_OVERDUE] = 1.0
    act(run, 0)
    # Half of a new share at 1,200.
    assert (row(run, POSITION, 1), run.account[CASH], acted(run)) == (0, 100_600, (5, 0, 600, 0))
    assert (run.account[N_HELD], run.account[N_OVERDUE], row(run, OVERDUE, 1)) == (0, 0, 0)


def test_a_position_that_stays_overdue_is_still_to_be_closed() -> None:
    run = scene((0, 1, 2.0, 0.0), held=5.0)
    run.rows[N_ROW + OVERDUE] = run.account[N_OVERDUE] = 1.0
    act(run, 0)
    assert (run.account[N_HELD], run.account[N_OVERDUE], row(run, OVERDUE, 1)) == (1, 1, 1)


@pytest.mark.parametrize("play", [act, act_with_orders])
def test_actions_take_effect_in_their_bar_each_once_and_late_where_bars_were_passed_over(play: Any) -> None:
    run = scene((0, 1, 2.0, 0.0), (2, 1, 1.0, 1.0), (2, 0, 5.0, 0.0), (3, 1, 3.0, 0.0), held=10.0)
    play(run, 0)
    assert (row(run, POSITION, 1), run.account[ACTED], run.account[CASH]) == (20, 1, 100_000)
    play(run, 0)
    play(run, 1)
    assert (row(run, POSITION, 1), run.account[ACTED]) == (20, 1)
    play(run, 2)
    assert (run.account[ACTED], run.account[CASH], row(run, MARK)) == (3, 100_020, 20)
    play(run, 3)
    play(run, 3)
    assert (row(run, POSITION, 1), run.account[ACTED]) == (60, 4)
    assert [acted(run, k) for k in range(4)] == [(10, 20, 0, 0), (20, 20, 0, 20), (0, 0, 0, 0), (20, 60, 0, 0)]
    # The log's number of an order is that of the action.
    assert [run.log[k * N_EVENT + E_ORDER] for k in range(3)] == [0, 1, 3]


def test_two_actions_missed_are_played_one_after_the_other() -> None:
    run = scene((0, 1, 2.0, 0.0), (1, 1, 3.0, 0.0), held=10.0)
    act_with_orders(run, 3)
    assert (row(run, POSITION, 1), run.account[ACTED]) == (60, 2)


def test_fractions_of_a_share_are_kept_where_they_are_traded() -> None:
    run = scene((0, 1, 1.5, 0.0), held=7.0, units=1e6)
    act(run, 0)
    assert (row(run, POSITION, 1), run.account[CASH]) == (10.5, 100_000)


@pytest.mark.parametrize(
    ("quantity", "ratio", "parts", "expected"),
    [
        (7, 1.5, (1, 1), 10),
        (-7, 1.5, (1, 1), -10),
        (7, 1.5, (1, 5), 10),
        (-8, 1.5, (1, 5), -10),
        (7, 0.1, (10, 1), 0.7),
        (0.5, 2, (10, 1), 1),
        (0, 2, (1, 1), 0),
    ],
)
def test_quantities_are_cut_towards_zero_to_what_is_traded(
    quantity: float, ratio: float, parts: tuple[float, float], expected: float
) -> None:
    found = scaled(quantity, ratio, parts)
    assert found == expected
    assert str(found) != "-0.0"


# --- a wish


def test_a_wish_asks_for_as_many_new_shares() -> None:
    run = scene((1, 1, 5.0, 0.0), held=4.0)
    leave_wish(run, 1, 10.0, SIGNAL)
    act(run, 1)
    assert (row(run, WANTED, 1), row(run, PENDING, 1), run.account[ORDERS]) == (50, 1, 1)


def test_a_wish_is_cut_to_whole_lots() -> None:
    run = scene((1, 1, 1.5, 0.0), lots=(7.0, 25.0))
    leave_wish(run, 1, 50.0, SIGNAL)
    act(run, 1)
    assert (row(run, WANTED, 1), row(run, PENDING, 1)) == (75, 1)
    leave_wish(run, 1, -25.0, SIGNAL)
    run.account[ACTED] = 0.0
    act(run, 1)
    assert row(run, WANTED, 1) == -25


def test_a_dividend_leaves_wishes_as_they_are() -> None:
    run = scene((1, 1, 1.0, 2.0), held=4.5)
    leave_wish(run, 1, 10.5, SIGNAL)
    act(run, 1)
    assert (row(run, WANTED, 1), row(run, PENDING, 1)) == (10.5, 1)


def test_a_wish_that_misses_nothing_any_more_is_cancelled() -> None:
    run = scene((1, 1, 0.1, 0.0))
    leave_wish(run, 1, 5.0, SIGNAL)
    order = row(run, WISH, 1)
    act(run, 1)
    assert (row(run, PENDING, 1), run.account[ORDERS]) == (0, 0)
    assert [one[2:] for one in told_of(run)] == [(0, 0, S_CANCELLED, W_ACTION)]
    assert run.log[E_ORDER] == order


def test_a_wish_that_has_been_dropped_is_not_told_of() -> None:
    run = scene((1, 1, 0.1, 0.0))
    run.rows[N_ROW + WANTED] = 5.0
    act(run, 1)
    assert (told_of(run), row(run, WANTED, 1)) == ([], 5)


# --- the book


def booked(ratio: float, paid: float = 0.0, held: float = 0.0, **options: Any) -> Run:
    """Return a run with an action of the second instrument in bar 1, and an order of the first in slot 0."""
    run = scene((1, 1, ratio, paid), held=held, **options)
    limited(run, 3, 60.0)
    return run


def test_orders_are_stated_in_new_shares_and_prices() -> None:
    run = booked(5.0, held=20.0)
    limit, stop = limited(run, 10, 90.0, i=1), ordered(run, -20, STOP, i=1, stop=80.0)
    run.book[limit * N_ORDER + O_LEFT] = 4.0
    run.rows[N_ROW + IS_REACH_KNOWN] = 1.0
    act_with_orders(run, 1)
    assert of(run, limit, O_QUANTITY, O_LEFT, O_LIMIT) == (50, 20, 18)
    assert of(run, stop, O_QUANTITY, O_LEFT, O_STOP) == (100, 100, 16)
    assert of(run, 0, O_QUANTITY, O_LEFT, O_LIMIT) == (3, 3, 60)
    assert (row(run, IS_REACH_KNOWN, 1), run.account[WORKING]) == (0, 3)


def test_each_action_plays_by_its_own_ratio() -> None:
    run = scene((0, 1, 1.5, 0.0), (1, 1, 2.0, 1.0), held=7.0)
    slot = limited(run, 10, 90.0, i=1)
    act_with_orders(run, 0)
    assert (of(run, slot, O_QUANTITY, O_LIMIT), acted(run)) == ((15, 60), (7, 10, 40, 0))
    act_with_orders(run, 1)
    assert (of(run, slot, O_QUANTITY, O_LIMIT), acted(run, 1)) == ((30, 30), (10, 20, 0, 10))


def test_a_dividend_leaves_orders_as_they_are() -> None:
    run = booked(1.0, 4.0)
    slot = ordered(run, -10, TRAILING, i=1, stop=80.005, trail=5.0)
    limit = limited(run, 2.5, 90.0001, i=1)
    act_with_orders(run, 1)
    assert of(run, slot, O_QUANTITY, O_LEFT, O_STOP, O_TRAIL) == (10, 10, 80.005, 5)
    assert of(run, limit, O_QUANTITY, O_LEFT, O_LIMIT) == (2.5, 2.5, 90.0001)


def test_orders_that_come_to_nothing_end_and_make_room() -> None:
    run = booked(0.1)
    small, large = limited(run, 9, 90.0, i=1), limited(run, 10, 90.0, i=1)
    act_with_orders(run, 1)
    assert (of(run, small, O_STATE), of(run, large, O_STATE, O_QUANTITY, O_LIMIT)) == ((IS_FREE,), (IS_WORKING, 1, 900))
    # The prices are the new ones by then, the quantity is still the old one.
    assert told_of(run) == [(1, 1, 9, 0, S_CANCELLED, W_ACTION)]
    assert (chain(run, 1), run.account[WORKING], run.account[FREE], run.account[N_DONE]) == ([large], 2, small + 1, 0)


def test_a_guard_that_comes_to_nothing_went_with_its_position() -> None:
    run = booked(0.1, held=5.0)
    slot = ordered(run, -5, STOP, i=1, stop=80.0, parent=GUARD)
    act_with_orders(run, 1)
    assert of(run, slot, O_STATE) == (IS_FREE,)
    assert [one[4:] for one in told_of(run)] == [(S_ACTION, W_ACTION), (S_WITHDRAWN, W_FLAT)]


def test_a_guard_is_no_larger_than_what_is_left_of_its_position() -> None:
    # Seven become ten and a half, of which ten are kept; the guard of fractions would be larger.
    run = booked(1.5, held=7.0)
    slot = ordered(run, -8, STOP, i=1, stop=80.0, parent=GUARD)
    act_with_orders(run, 1)
    assert of(run, slot, O_LEFT) == (10,)


def test_an_exit_larger_than_its_position_goes_with_it() -> None:
    run = booked(0.1, held=9.0)
    slot = ordered(run, -10, STOP, i=1, stop=80.0)
    run.book[slot * N_ORDER + O_PARENT] = 77.0
    act_with_orders(run, 1)
    assert of(run, slot, O_STATE, O_QUANTITY) == (IS_FREE, 1)
    assert told_of(run)[1:] == [(1, 1, -1, 0, S_WITHDRAWN, W_FLAT)]


def test_a_stop_below_a_rupee_is_divided_like_any() -> None:
    run = booked(2.0)
    slot = ordered(run, -10, STOP, i=1, stop=0.8)
    act_with_orders(run, 1)
    assert of(run, slot, O_STOP) == (0.4,)


def test_children_that_sleep_keep_their_quantity_and_take_the_new_prices() -> None:
    run = booked(2.0)
    entry, stop, target = bracket(run)
    act_with_orders(run, 1)
    assert of(run, entry, O_QUANTITY, O_LIMIT, O_STATE) == (20, 49, IS_WORKING)
    assert of(run, stop, O_QUANTITY, O_STOP, O_STATE) == (10, 47.5, IS_DORMANT)
    assert of(run, target, O_QUANTITY, O_LIMIT, O_STATE) == (10, 55, IS_DORMANT)


def test_a_stop_that_has_triggered_stands_at_no_price() -> None:
    run = booked(2.0)
    slots = [ordered(run, 10 * side, STOP, i=1, stop=stop) for side, stop in ((1, 0.0), (-1, ABOVE_ALL))]
    act_with_orders(run, 1)
    assert [of(run, slot, O_STOP, O_QUANTITY) for slot in slots] == [(0, 20), (ABOVE_ALL, 20)]


@pytest.mark.parametrize(("is_fraction", "expected"), [(0.0, 3.0), (1.0, 6.0)])
def test_a_distance_in_rupees_is_divided_and_a_fraction_stays(is_fraction: float, expected: float) -> None:
    run = booked(2.0)
    slot = ordered(run, -10, TRAILING, i=1, stop=80.0, trail=6.0, is_fraction=is_fraction)
    act_with_orders(run, 1)
    assert of(run, slot, O_STOP, O_TRAIL, O_IS_FRACTION) == (40, expected, is_fraction)


@pytest.mark.parametrize(
    ("quantity", "limit", "stop", "expected"),
    [
        pytest.param(10, 90.1, NAN, (30.0, NAN), id="a limit to buy: down"),
        pytest.param(-10, 110.1, NAN, (36.75, NAN), id="a limit to sell: up"),
        pytest.param(10, NAN, 110.1, (NAN, 36.75), id="a stop to buy: up"),
        pytest.param(-10, NAN, 80.0, (NAN, 26.5), id="a stop to sell: down"),
    ],
)
def test_new_prices_are_on_the_tick_of_the_bar(quantity: float, limit: float, stop: float, expected: Numbers) -> None:
    run = booked(3.0)
    # A rupee at first, a quarter of one from bar 1 on.
    run = run._replace(ticks=[7.0, 7.0, 0.0, 10_000.0, 1.0, 2500.0])
    run.terms[N_TERM + T_TICK_FROM], run.terms[N_TERM + T_TICK_TO] = 1.0, 3.0
    slot = ordered(run, quantity, STOP, i=1, limit=limit, stop=stop)
    act_with_orders(run, 1)
    assert of(run, slot, O_LIMIT, O_STOP) == pytest.approx(expected, nan_ok=True)
