"""Which orders a bar reaches, in which part of it and where; and how trailing stops follow the price."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, NAN, Numbers, limited, of, ordered, row, run_over

from qts.kernels.hits import find_hits, follow, hit, is_out_of_reach, measure_reach
from qts.kernels.state import (
    AT_LIMIT,
    AT_OPEN,
    AT_STOP,
    HITS_LIMIT,
    HITS_OPEN,
    HITS_STOP,
    IS_DONE,
    IS_REACH_KNOWN,
    LIMIT,
    MARKET,
    N_ORDER,
    N_ROW,
    N_TERM,
    NO_HIT,
    O_FROM,
    O_HIT,
    O_KIND,
    O_REFERENCE,
    O_STATE,
    O_STOP,
    REACH_DOWN,
    REACH_UP,
    STOP,
    STOP_LIMIT,
    T_TICK_FROM,
    T_TICK_TO,
    TRAILING,
    WORKING,
    Run,
)

MANY = 32.0


def scene(*bars: str, locks: tuple[int, ...] = (), at_close: bool = False) -> Run:
    """Return a run whose second instrument has these bars from bar 1 on; the first one's flat bars reach its one order never."""
    run = run_over((FLAT,) * (len(bars) + 1), (FLAT, *bars), locks=locks, at_close=at_close)
    limited(run, 1, 50.0)
    return run


def hits_of(run: Run) -> list[float]:
    return [run.account[name] for name in (HITS_OPEN, HITS_STOP, HITS_LIMIT)]


NOT = (NO_HIT, 0.0)


@pytest.mark.parametrize(
    ("bar", "quantity", "kind", "limit", "stop", "expected"),
    [
        pytest.param("101 103 99 102", 5, MARKET, NAN, NAN, (AT_OPEN, 101), id="a market order: the open"),
        pytest.param("100 101 97 100", 5, LIMIT, 98, NAN, (AT_LIMIT, 98), id="a purchase whose limit is passed"),
        pytest.param("100 101 98 100", 5, LIMIT, 98, NAN, NOT, id="a purchase whose limit is touched"),
        pytest.param("98 101 98 100", 5, LIMIT, 98, NAN, (AT_OPEN, 98), id="an open at the limit"),
        pytest.param("97 101 96 100", 5, LIMIT, 98, NAN, (AT_OPEN, 97), id="an open below the limit"),
        pytest.param("100 103 99 100", -5, LIMIT, 102, NAN, (AT_LIMIT, 102), id="a sale whose limit is passed"),
        pytest.param("100 102 99 100", -5, LIMIT, 102, NAN, NOT, id="a sale whose limit is touched"),
        pytest.param("103 104 99 100", -5, LIMIT, 102, NAN, (AT_OPEN, 103), id="an open above a sale's limit"),
        pytest.param("100 104 90 100", 5, STOP, NAN, 104, (AT_STOP, 104), id="a stop to buy that is touched"),
        pytest.param("100 103.5 90 100", 5, STOP, NAN, 104, NOT, id="a stop to buy that is not reached"),
        pytest.param("104 105 90 100", 5, STOP, NAN, 104, (AT_OPEN, 104), id="an open at a stop to buy"),
        pytest.param("104.5 105 90 100", 5, STOP, NAN, 104, (AT_OPEN, 104.5), id="an open above a stop to buy"),
        pytest.param("100 110 96 100", -5, STOP, NAN, 96, (AT_STOP, 96), id="a stop to sell that is touched"),
        pytest.param("100 110 96.5 100", -5, STOP, NAN, 96, NOT, id="a stop to sell that is not reached"),
        pytest.param("95 110 94 100", -5, TRAILING, NAN, 96, (AT_OPEN, 95), id="an open below a trailing stop"),
        pytest.param("100 105 90 100", 5, STOP_LIMIT, 105, 104, (AT_STOP, 104), id="a stop-limit within its limit"),
        pytest.param("100 105 90 100", 5, STOP_LIMIT, 104, 104, (AT_STOP, 104), id="a stop-limit at its limit"),
        pytest.param("100 110 96 100", -5, STOP_LIMIT, 95, 96, (AT_STOP, 96), id="a sale's stop-limit within its limit"),
    ],
)
def test_where_an_order_executes(*, bar: str, quantity: float, kind: int, limit: float, stop: float, expected: Numbers) -> None:
    run = scene(bar)
    slot = ordered(run, quantity, kind, i=1, limit=limit, stop=stop)
    find_hits(run, 1)
    assert of(run, slot, O_HIT, O_REFERENCE) == expected
    assert hits_of(run) == [float(expected[0] == part) for part in (AT_OPEN, AT_STOP, AT_LIMIT)]


@pytest.mark.parametrize(("bar", "quantity", "limit", "stop"), [("106 107 105 106", 5, 105, 104), ("90 91 89 90", -5, 95, 96)])
def test_a_stop_triggered_beyond_its_limit_is_a_limit_from_the_next_bar_on(bar: str, quantity: float, limit: float, stop: float) -> None:
    run = scene(bar)
    slot = ordered(run, quantity, STOP_LIMIT, i=1, limit=limit, stop=stop)
    find_hits(run, 1)
    assert of(run, slot, O_HIT, O_KIND, O_FROM) == (NO_HIT, LIMIT, 2)


def test_filling_at_the_close_a_market_order_waits_for_it() -> None:
    run = scene(FLAT, at_close=True)
    slot = ordered(run, 5, i=1)
    find_hits(run, 1)
    assert (of(run, slot, O_HIT), hits_of(run)) == ((NO_HIT,), [0, 0, 0])


def test_what_executes_is_counted_anew_in_every_bar() -> None:
    run = scene("100 106 94 100", FLAT)
    for name in (HITS_OPEN, HITS_STOP, HITS_LIMIT):
        run.account[name] = 7.0
    for quantity, stop in ((-1, 95.0), (-2, 95.0), (3, 105.0)):
        ordered(run, quantity, STOP, i=1, stop=stop)
    for limit in (95.0, 96.0):
        limited(run, 1, limit, i=1)
    ordered(run, 1, i=1)
    find_hits(run, 1)
    assert hits_of(run) == [1, 3, 2]
    find_hits(run, 2)
    # The market order alone is reached by a flat bar; what was noted of the others is gone.
    assert hits_of(run) == [1, 0, 0]
    assert [of(run, slot, O_HIT)[0] for slot in range(1, 7)] == [NO_HIT] * 5 + [AT_OPEN]


@pytest.mark.parametrize("bar", ["-", "100 110 90 100 0"])
def test_a_bar_in_which_nothing_trades_reaches_no_order_and_the_next_instrument_is_looked_at(bar: str) -> None:
    run = run_over((FLAT, bar), (FLAT, "100 110 90 100"))
    slots = [hit_before(run, limited(run, 1, 99.0)) for _ in range(2)]
    limited(run, 1, 50.0, i=1)
    other = limited(run, 1, 99.0, i=1)
    find_hits(run, 1)
    assert [of(run, slot, O_HIT) for slot in slots] == [(NO_HIT,)] * 2
    assert of(run, other, O_HIT, O_REFERENCE) == (AT_LIMIT, 99)


def hit_before(run: Run, slot: int) -> int:
    run.book[slot * N_ORDER + O_HIT] = float(AT_STOP)
    return slot


@pytest.mark.parametrize(("lock", "buys", "sells"), [(1, False, True), (-1, True, False), (0, True, True)])
def test_a_locked_bar_reaches_orders_of_the_other_side_alone(lock: int, *, buys: bool, sells: bool) -> None:
    run = run_over((FLAT,), locks=(lock,))
    purchase, sale = ordered(run, 5), ordered(run, -5)
    find_hits(run, 0)
    assert (of(run, purchase, O_HIT)[0] == AT_OPEN, of(run, sale, O_HIT)[0] == AT_OPEN) == (buys, sells)


def test_orders_that_sleep_or_are_done_or_work_later_are_not_reached() -> None:
    run = scene(FLAT, FLAT)
    asleep, done, later, now = (
        ordered(run, 1, i=1, parent=77.0),
        ordered(run, 1, i=1),
        ordered(run, 1, i=1, at=2),
        ordered(run, 1, i=1, at=1),
    )
    run.book[done * N_ORDER + O_STATE] = float(IS_DONE)
    find_hits(run, 1)
    assert [of(run, slot, O_HIT)[0] for slot in (asleep, done, later, now)] == [NO_HIT, NO_HIT, NO_HIT, AT_OPEN]


def test_hits_of_one_part_are_counted_one_by_one() -> None:
    run = scene(FLAT)
    slot = limited(run, 1, 98.0, i=1)
    for _ in range(2):
        hit(run, slot, AT_LIMIT, 97.5)
    assert (of(run, slot, O_HIT, O_REFERENCE), hits_of(run)) == ((AT_LIMIT, 97.5), [0, 0, 2])


# --- how near the nearest level is


def test_only_in_a_large_book_the_reach_is_measured() -> None:
    run = scene(FLAT, FLAT)
    limited(run, 1, 98.0, i=1)
    run.account[WORKING] = MANY - 1.0
    find_hits(run, 1)
    assert row(run, IS_REACH_KNOWN, 1) == 0
    run.account[WORKING] = MANY
    find_hits(run, 1)
    assert [row(run, name, 1) for name in (IS_REACH_KNOWN, REACH_DOWN, REACH_UP)] == [1, 98, math.inf]


def test_the_reach_lies_between_the_nearest_levels_of_both_sides() -> None:
    run = scene(FLAT)
    for quantity, limit in ((1, 95.0), (1, 97.0), (-1, 105.0), (-1, 104.0)):
        limited(run, quantity, limit, i=1)
    for quantity, stop in ((-1, 96.0), (1, 103.0), (1, 106.0)):
        ordered(run, quantity, STOP, i=1, stop=stop)
    measure_reach(run, 1)
    assert [row(run, name, 1) for name in (REACH_DOWN, REACH_UP, IS_REACH_KNOWN)] == [97, 103, 1]


def test_a_stop_to_sell_bounds_the_reach_below_and_a_stop_limit_by_its_stop() -> None:
    run = scene(FLAT)
    ordered(run, -1, STOP, i=1, stop=96.0)
    ordered(run, 1, STOP_LIMIT, i=1, stop=104.0, limit=107.0)
    limited(run, 1, 99.0, i=1, parent=77.0)
    gone = limited(run, 1, 99.5, i=1)
    run.book[gone * N_ORDER + O_STATE] = float(IS_DONE)
    measure_reach(run, 1)
    assert [row(run, name, 1) for name in (REACH_DOWN, REACH_UP, IS_REACH_KNOWN)] == [96, 104, 1]


@pytest.mark.parametrize("kind", [MARKET, TRAILING])
def test_orders_that_move_or_execute_anyway_leave_the_reach_unknown(kind: int) -> None:
    run = scene(FLAT)
    limited(run, 1, 98.0, i=1)
    ordered(run, -1, kind, i=1, stop=90.0, trail=5.0)
    measure_reach(run, 1)
    assert row(run, IS_REACH_KNOWN, 1) == 0


def test_an_order_about_to_execute_leaves_the_reach_unknown() -> None:
    run = scene(FLAT)
    hit_before(run, limited(run, 1, 98.0, i=1))
    measure_reach(run, 1)
    assert row(run, IS_REACH_KNOWN, 1) == 0


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ("100 102 98 100", True),
        ("100 102 97 100", False),
        ("100 103 98 100", False),
        ("97 102 98 100", False),
        ("103 102 98 100", False),
        ("97.5 102.5 97.5 100", True),
    ],
)
def test_a_bar_that_touches_a_level_or_opens_beyond_it_is_looked_at(bar: str, *, expected: bool) -> None:
    run = scene(bar)
    run.rows[N_ROW + REACH_DOWN], run.rows[N_ROW + REACH_UP] = 97.0, 103.0
    assert is_out_of_reach(run, 1, 1) is False
    run.rows[N_ROW + IS_REACH_KNOWN] = 1.0
    assert is_out_of_reach(run, 1, 1) is expected


def test_a_bar_out_of_reach_is_passed_over() -> None:
    run = scene("100 101 99 100")
    slot = limited(run, 1, 99.5, i=1)
    run.rows[N_ROW + REACH_DOWN], run.rows[N_ROW + REACH_UP], run.rows[N_ROW + IS_REACH_KNOWN] = 98.0, 103.0, 1.0
    find_hits(run, 1)
    assert of(run, slot, O_HIT) == (NO_HIT,)


# --- trailing stops


def trailed(bar: str, quantity: float, stop: float, *, at: int = 1, **more: float) -> tuple[Run, int]:
    run = scene(bar, FLAT)
    ordered(run, quantity, STOP, i=1, stop=stop)
    return run, ordered(run, quantity, TRAILING, i=1, stop=stop, at=at, **more)


@pytest.mark.parametrize(
    ("bar", "quantity", "stop", "more", "expected"),
    [
        pytest.param("100 108 99 107", -5, 95, {"trail": 5.0}, 103, id="below the high, for a sale"),
        pytest.param("100 101 92 93", 5, 105, {"trail": 5.0}, 97, id="above the low, for a purchase"),
        pytest.param("100 99.5 99 99", -5, 95, {"trail": 5.0}, 95, id="never back down, for a sale"),
        pytest.param("100 101 100.5 101", 5, 105, {"trail": 5.0}, 105, id="never back up, for a purchase"),
        pytest.param("100 110 99 107", -5, 95, {"trail": 0.1, "is_fraction": 1.0}, 99, id="a fraction below the high"),
        pytest.param("100 101 90 93", 5, 105, {"trail": 0.1, "is_fraction": 1.0}, 99, id="a fraction above the low"),
        pytest.param("-", -5, 95, {"trail": 5.0}, 95, id="not where there is no bar"),
    ],
)
def test_where_a_trailing_stop_goes(*, bar: str, quantity: float, stop: float, more: dict[str, Any], expected: float) -> None:
    run, slot = trailed(bar, quantity, stop, **more)
    follow(run, 1)
    assert of(run, slot, O_STOP)[0] == pytest.approx(expected)
    # The plain stop before it stays where it is.
    assert of(run, slot - 1, O_STOP) == (stop,)


def test_a_trailing_stop_that_works_later_or_is_done_stays() -> None:
    run, later = trailed("100 108 99 107", -5, 95, at=2, trail=5.0)
    done = ordered(run, -5, TRAILING, i=1, stop=95.0, trail=5.0)
    asleep = ordered(run, -5, TRAILING, i=1, stop=95.0, trail=5.0, parent=77.0)
    run.book[done * N_ORDER + O_STATE] = float(IS_DONE)
    follow(run, 1)
    assert [of(run, slot, O_STOP)[0] for slot in (later, done, asleep)] == [95, 95, 95]


def test_a_hole_in_the_bars_of_another_keeps_nothing_from_trailing() -> None:
    run = run_over((FLAT, FLAT, "-"), (FLAT, "100 108 99 107", FLAT))
    slot = ordered(run, -5, TRAILING, i=1, stop=95.0, trail=5.0)
    follow(run, 1)
    assert of(run, slot, O_STOP) == (103,)


def test_where_the_reach_is_known_the_first_of_all_orders_does_not_trail() -> None:
    run = run_over(("100 108 99 107",))
    slot = ordered(run, -5, TRAILING, stop=95.0, trail=5.0)
    run.rows[IS_REACH_KNOWN] = 1.0
    follow(run, 0)
    assert (slot, of(run, slot, O_STOP)) == (0, (95,))


def test_where_the_reach_is_known_nothing_trails() -> None:
    run, slot = trailed("100 108 99 107", -5, 95, trail=5.0)
    run.rows[N_ROW + IS_REACH_KNOWN] = 1.0
    follow(run, 1)
    assert of(run, slot, O_STOP) == (95,)


@pytest.mark.parametrize(("quantity", "bar", "expected"), [(-5, "100 108.17 99 107", 103.1), (5, "100 101 91.93 93", 97.0)])
def test_the_level_is_on_the_tick_of_that_bar_away_from_the_price(quantity: float, bar: str, expected: float) -> None:
    run, slot = trailed(bar, quantity, 95.0 if quantity < 0 else 105.0, trail=5.0)
    # Five paise at first, ten from bar 1 on.
    run = run._replace(ticks=[7.0, 7.0, 0.0, 500.0, 1.0, 1000.0])
    run.terms[N_TERM + T_TICK_FROM], run.terms[N_TERM + T_TICK_TO] = 1.0, 3.0
    follow(run, 1)
    assert of(run, slot, O_STOP)[0] == pytest.approx(expected)
