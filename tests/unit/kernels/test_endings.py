"""What closes positions besides orders: the end of a session, of a contract, of the data, of the account."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kernels.loops import FLAT, Numbers, filled_of, row, run_over, told_of

from qts.kernels.decisions import leave_wish
from qts.kernels.endings import (
    close_part,
    close_position,
    expire,
    finish,
    force,
    is_watched,
    record,
    redo,
    square_at_close,
    square_at_open,
)
from qts.kernels.state import (
    AVERAGE,
    CARRIED,
    CASH,
    CLOSED,
    DUE,
    E_ORDER,
    END,
    ENDED,
    EXPIRY,
    F_AT_CLOSE,
    F_KIND,
    F_ORDER,
    F_SAME,
    F_SLICES,
    LAST,
    LAST_ID,
    MARK,
    MARKET,
    N_DUE,
    N_FILL,
    N_HELD,
    N_OVERDUE,
    N_ROW,
    N_TERM,
    ORDERS,
    OVERDUE,
    PENDING,
    POSITION,
    RISK,
    RUINED,
    S_EXPIRED,
    S_WITHDRAWN,
    SETTLEMENT,
    SIGNAL,
    SPENT,
    SQUARE_OFF,
    STOPPED,
    T_FREEZE,
    W_EXPIRED,
    W_RUIN,
    WANTED,
    Run,
)

SHARED = {"volume_share": 0.1, "is_plain": False}


def scene(*bars: str, held: float = 0.0, other: float = 0.0, mark: float = 100.0, **options: Any) -> Run:
    """Return a run whose second instrument has these bars and holds so much at a mark; the first one's are flat and hold ``other``."""
    run = run_over((FLAT,) * len(bars), bars, **options)
    for i, position in enumerate((other, held)):
        run.rows[i * N_ROW + MARK] = mark if i else 100.0
        run.rows[i * N_ROW + POSITION], run.rows[i * N_ROW + AVERAGE] = position, 100.0 if position else 0.0
        run.account[N_HELD] += float(position != 0.0)
    return run


def fills(run: Run) -> list[Numbers]:
    """Return the fills as instrument, signed quantity, price and reason."""
    return [one[1:] for one in filled_of(run)]


def noted(run: Run, *columns: int, k: int = 0) -> Numbers:
    return tuple(run.fills[k * N_FILL + column] for column in columns)


# --- closing


@pytest.mark.parametrize(("held", "at_close"), [(10.0, True), (-10.0, False)])
def test_closing_is_an_order_of_its_own(*, held: float, at_close: bool) -> None:
    run = scene(FLAT, FLAT, held=held)
    run.account[LAST_ID] = 6.0
    close_position(run, 1, 1, (97.0, SQUARE_OFF, at_close, MARKET))
    assert (filled_of(run), row(run, POSITION, 1)) == ([(1, 1, -held, 97, SQUARE_OFF)], 0)
    assert noted(run, F_AT_CLOSE, F_KIND, F_ORDER, F_SAME, F_SLICES) == (float(at_close), MARKET, 7, 0, 1)
    assert run.account[LAST_ID] == 7


@pytest.mark.parametrize(("kind", "expected"), [(MARKET, 4.0), (SETTLEMENT, 1.0)])
def test_the_freeze_quantity_cuts_a_closing_but_no_settlement(kind: int, expected: float) -> None:
    run = scene(FLAT, held=-100.0)
    run.terms[N_TERM + T_FREEZE] = 25.0
    # The whole is in one bar what the volume lets us have of it.
    close_part(run, (1, 0), 30.0, (100.0, EXPIRY, True, kind))
    assert noted(run, F_SLICES, F_KIND) == (expected, kind)


@pytest.mark.parametrize(
    ("held", "bar", "locks", "expected", "is_closed"),
    [
        pytest.param(10, FLAT, (), -10, True, id="whole"),
        pytest.param(-10, FLAT, (), 10, True, id="a short"),
        pytest.param(10, "100 100 100 100 45", (), -4, False, id="as much as there is volume for"),
        pytest.param(-10, "100 100 100 100 45", (), 4, False, id="of a short, too"),
        pytest.param(10, "100 100 100 100 9", (), 0, False, id="nothing where there is none"),
        pytest.param(10, FLAT, (0, -1), 0, False, id="nothing in a bar locked down"),
        pytest.param(10, FLAT, (-1, 1), -10, True, id="a sale in a bar locked up"),
        pytest.param(-10, FLAT, (0, 1), 0, False, id="no purchase in a bar locked up"),
        pytest.param(-10, FLAT, (1, -1), 10, True, id="a purchase in a bar locked down"),
        pytest.param(1, FLAT, (0, -1), 0, False, id="not one share in a bar locked down"),
        pytest.param(1, FLAT, (), -1, True, id="a single share"),
        pytest.param(-1, FLAT, (), 1, True, id="a single share short"),
    ],
)
def test_a_bar_closes_as_much_as_it_lets_us(held: float, bar: str, locks: tuple[int, ...], expected: float, *, is_closed: bool) -> None:
    run = scene(bar, held=held, locks=locks, **SHARED)
    assert force(run, 1, 0, (99.0, SQUARE_OFF, False, MARKET)) is is_closed
    assert fills(run) == ([(1, expected, 99, SQUARE_OFF)] if expected else [])


def test_the_lock_is_that_of_the_bar() -> None:
    run = scene(FLAT, FLAT, held=10.0, locks=(0, 0, 0, -1))
    assert not force(run, 1, 1, (99.0, SQUARE_OFF, False, MARKET))
    assert force(run, 1, 0, (99.0, SQUARE_OFF, False, MARKET))


@pytest.mark.parametrize(("spent", "due"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_standing_target_is_decided_again_unless_a_protection_closed_it(spent: float, due: float) -> None:
    run = scene(FLAT)
    run.rows[N_ROW + SPENT] = spent
    run.rows[N_ROW + DUE] = run.account[N_DUE] = spent
    redo(run, 1)
    assert (row(run, DUE, 1), run.account[N_DUE], row(run, DUE)) == (due, due, 0)


# --- square-off


def squared(bar: str, *, phase: int, held: float = 0.0, **options: Any) -> Run:
    """Return a run whose second instrument has this phase in bar 1; the first one has none."""
    return scene(FLAT, bar, held=held, phases=[0, 0, 0, phase], intraday=True, **options)


def test_from_the_square_off_time_on_positions_are_closed_at_the_open() -> None:
    run = squared("97 99 96 98", phase=CLOSED, held=10.0, other=5.0)
    square_at_open(run, 1)
    assert filled_of(run) == [(1, 1, -10, 97, SQUARE_OFF)]
    assert noted(run, F_AT_CLOSE, F_KIND) == (0, MARKET)
    # The target that stands is decided again, for the next session.
    assert (row(run, DUE, 1), run.account[N_DUE], row(run, DUE)) == (1, 1, 0)


@pytest.mark.parametrize("phase", [0, LAST])
def test_before_it_nothing_is_closed(phase: int) -> None:
    run = squared(FLAT, phase=phase, held=10.0)
    leave_wish(run, 1, 20.0, SIGNAL)
    square_at_open(run, 1)
    assert (fills(run), row(run, PENDING, 1), run.account[N_DUE]) == ([], 1, 0)


def test_wishes_end_at_the_square_off_and_are_decided_again() -> None:
    run = squared(FLAT, phase=CLOSED | LAST)
    leave_wish(run, 1, 20.0, SIGNAL)
    square_at_open(run, 1)
    assert (row(run, PENDING, 1), row(run, WANTED, 1), run.account[ORDERS]) == (0, 0, 0)
    assert (fills(run), row(run, DUE, 1), run.account[N_DUE]) == ([], 1, 1)


def test_where_nothing_waits_nothing_is_decided_again() -> None:
    run = squared(FLAT, phase=CLOSED)
    square_at_open(run, 1)
    assert (row(run, DUE, 1), run.account[N_DUE]) == (0, 0)


@pytest.mark.parametrize("bar", ["-", "97 99 96 98 0"])
def test_what_cannot_trade_is_squared_off_later(bar: str) -> None:
    run = squared(bar, phase=CLOSED, held=10.0)
    square_at_open(run, 1)
    assert (fills(run), row(run, DUE, 1)) == ([], 0)


def test_one_instrument_that_cannot_trade_keeps_no_other_from_it() -> None:
    run = run_over(("-",), (FLAT,), (FLAT,), phases=[CLOSED, 0, CLOSED], intraday=True)
    for i in range(3):
        run.rows[i * N_ROW + POSITION] = 10.0
    square_at_open(run, 0)
    assert fills(run) == [(2, -10, 100, SQUARE_OFF)]


def test_what_an_earlier_session_could_not_close_is_closed_at_the_next_open() -> None:
    run = squared("97 99 96 98", phase=0, held=10.0)
    run.rows[N_ROW + OVERDUE], run.account[N_OVERDUE] = 1.0, 3.0
    leave_wish(run, 1, 20.0, SIGNAL)
    square_at_open(run, 1)
    assert fills(run) == [(1, -10, 97, SQUARE_OFF)]
    assert (row(run, OVERDUE, 1), run.account[N_OVERDUE], row(run, DUE, 1)) == (0, 2, 1)
    # A wish of today is not one of the session that has ended.
    assert row(run, PENDING, 1) == 1


def test_what_is_closed_in_part_stays_overdue() -> None:
    run = squared("97 99 96 98 40", phase=0, held=10.0, **SHARED)
    run.rows[N_ROW + OVERDUE] = run.account[N_OVERDUE] = 1.0
    square_at_open(run, 1)
    assert (row(run, POSITION, 1), row(run, OVERDUE, 1), run.account[N_OVERDUE], row(run, DUE, 1)) == (6, 1, 1, 0)


def test_at_the_session_s_last_close_the_rest_is_closed() -> None:
    run = squared("97 99 96 98", phase=LAST, held=10.0, other=5.0, mark=98.0)
    leave_wish(run, 1, 20.0, SIGNAL)
    square_at_close(run, 1)
    assert filled_of(run) == [(1, 1, -10, 98, SQUARE_OFF)]
    assert noted(run, F_AT_CLOSE, F_KIND) == (1, MARKET)
    assert (row(run, PENDING, 1), run.account[ORDERS], row(run, DUE, 1), row(run, OVERDUE, 1)) == (0, 0, 1, 0)
    assert (run.account[N_OVERDUE], run.account[CARRIED]) == (0, 0)


@pytest.mark.parametrize(("bar", "phase"), [("-", LAST), (FLAT, CLOSED), (FLAT, 0)])
def test_the_close_is_that_of_the_last_bar_alone(bar: str, phase: int) -> None:
    run = squared(bar, phase=phase, held=10.0)
    leave_wish(run, 1, 20.0, SIGNAL)
    square_at_close(run, 1)
    assert (fills(run), row(run, PENDING, 1), row(run, DUE, 1), run.account[CARRIED]) == ([], 1, 0, 0)


def test_instruments_whose_session_goes_on_keep_no_other_open() -> None:
    run = run_over(("-",), (FLAT,), phases=[LAST, LAST], intraday=True)
    run.rows[POSITION] = run.rows[N_ROW + POSITION] = 10.0
    run.rows[N_ROW + MARK] = 100.0
    square_at_close(run, 0)
    assert fills(run) == [(1, -10, 100, SQUARE_OFF)]


@pytest.mark.parametrize(
    ("bar", "held", "before", "carried"),
    [
        pytest.param("97 99 96 98 0", 10, 0.0, 1, id="nothing traded"),
        pytest.param("97 99 96 98 40", 10, 0.0, 1, id="not enough traded"),
        pytest.param("97 99 96 98 40", 10, 1.0, 1, id="not enough traded, for a second time"),
        pytest.param("97 99 96 98 40", 4, 1.0, 0, id="enough traded at last"),
        pytest.param("97 99 96 98 0", 0, 0.0, 0, id="nothing held"),
    ],
)
def test_what_the_last_close_cannot_close_is_carried(bar: str, held: float, before: float, carried: float) -> None:
    run = squared(bar, phase=LAST, held=held, **SHARED)
    run.rows[N_ROW + OVERDUE], run.account[N_OVERDUE], run.account[CARRIED] = before, before + 2.0, 5.0
    square_at_close(run, 1)
    assert (row(run, OVERDUE, 1), run.account[N_OVERDUE], run.account[CARRIED]) == (carried, carried + 2, carried + 5)


@pytest.mark.parametrize(("bar", "carried"), [("97 99 96 98 0", 1), ("97 99 96 98 1", 0)])
def test_without_volume_nothing_closes_at_the_last_close_and_with_any_all(bar: str, carried: float) -> None:
    run = squared(bar, phase=LAST, held=10.0)
    square_at_close(run, 1)
    assert (row(run, POSITION, 1), row(run, OVERDUE, 1)) == (10 * carried, carried)


# --- a contract's end, the data's end


def test_a_contract_is_settled_at_its_mark_with_its_last_bar() -> None:
    run = scene(FLAT, "97 99 96 98", held=10.0, other=5.0, mark=98.0, expires=(-1, 1), slip_fraction=0.1)
    run.rows[N_ROW + OVERDUE], run.account[N_OVERDUE] = 1.0, 3.0
    leave_wish(run, 1, 4.0, SIGNAL)
    order = run.account[LAST_ID]
    expire(run, 0)
    assert (fills(run), row(run, ENDED, 1)) == ([], 0)
    expire(run, 1)
    assert filled_of(run) == [(1, 1, -10, 98, EXPIRY)]
    assert noted(run, F_AT_CLOSE, F_KIND, F_ORDER) == (1, SETTLEMENT, order + 1)
    assert (told_of(run), run.log[E_ORDER]) == ([(1, 1, -6, 0, S_EXPIRED, W_EXPIRED)], order)
    assert [row(run, name, 1) for name in (ENDED, OVERDUE, PENDING)] == [1, 0, 0]
    assert (run.account[N_OVERDUE], run.account[ORDERS], row(run, ENDED)) == (2, 0, 0)


def test_a_contract_nobody_holds_ends_in_silence() -> None:
    run = scene(FLAT, expires=(-1, 0))
    expire(run, 0)
    assert (fills(run), told_of(run), row(run, ENDED, 1), run.account[N_OVERDUE]) == ([], [], 1, 0)


@pytest.mark.parametrize(
    ("bars", "held", "locks", "expected"),
    [
        pytest.param((FLAT, "97 99 96 98"), 10, (), [(1, 1, -10, 98, END)], id="at the last close"),
        pytest.param((FLAT, "97 99 96 98"), -10, (), [(1, 1, 10, 98, END)], id="a short, too"),
        pytest.param((FLAT, "-"), 10, (), [(1, 1, -10, 98, END)], id="at the close of a bar before"),
        pytest.param((FLAT, "97 99 96 98 0"), 10, (), [], id="not where nothing traded"),
        pytest.param(("100 100 100 100 0", "-"), 10, (), [], id="not where nothing traded in its last bar"),
        pytest.param(("100 100 100 100 0", FLAT), 10, (), [(1, 1, -10, 98, END)], id="whatever traded before"),
        pytest.param((FLAT, FLAT), 10, (0, 0, 0, -1), [], id="no sale in a bar locked down"),
        pytest.param((FLAT, FLAT), -10, (0, 0, 0, 1), [], id="no purchase in a bar locked up"),
        pytest.param((FLAT, FLAT), 10, (0, 0, -1, 1), [(1, 1, -10, 98, END)], id="a sale in a bar locked up"),
        pytest.param((FLAT, "-"), 10, (0, 0, -1, 0), [], id="the lock of its last bar counts"),
        pytest.param((FLAT, "-"), -10, (0, 0, 1, 0), [], id="of a short's, too"),
        pytest.param((FLAT, "-"), -10, (0, 0, -1, 0), [(1, 1, 10, 98, END)], id="a short of a bar locked down"),
        pytest.param((FLAT, "-"), 1, (0, 0, -1, 0), [], id="not one share in a bar locked down"),
        pytest.param((FLAT, FLAT), 1, (), [(1, 1, -1, 98, END)], id="one share"),
        pytest.param((FLAT, FLAT), 0, (), [], id="nothing held"),
    ],
)
def test_what_is_open_when_the_data_end_is_closed(bars: tuple[str, ...], held: float, locks: tuple[int, ...], expected: Any) -> None:
    run = scene(*bars, held=held, mark=98.0, locks=locks)
    finish(run, 1)
    assert filled_of(run) == expected
    assert not expected or noted(run, F_AT_CLOSE, F_KIND) == (1, MARKET)


def test_the_lock_that_counts_at_the_end_is_that_of_the_last_bar_there_is() -> None:
    run = scene(FLAT, FLAT, "-", held=10.0, locks=(0, 0, 0, 0, -1, 0))
    finish(run, 2)
    assert fills(run) == []


def test_one_instrument_without_a_position_keeps_no_other_open_at_the_end() -> None:
    run = scene(FLAT, held=10.0)
    finish(run, 0)
    assert fills(run) == [(1, -10, 100, END)]


# --- the account


@pytest.mark.parametrize(
    ("limits", "counter", "expected"),
    [
        ({}, N_HELD, False),
        ({"daily_loss": 0.01}, N_HELD, True),
        ({"max_drawdown": 0.01}, N_HELD, True),
        ({"daily_loss": 0.01}, STOPPED, True),
        ({"daily_loss": 0.01}, CASH, False),
    ],
)
def test_limits_of_loss_are_watched_where_there_is_something_to_watch(limits: dict[str, Any], counter: int, *, expected: bool) -> None:
    run = run_over((FLAT,), **limits)
    run.account[counter] = 1.0
    assert is_watched(run) is expected


@pytest.mark.parametrize(("cash", "is_lost"), [(-999.0, False), (-1000.0, True), (-1001.0, True)])
def test_the_account_is_written_and_found_lost_when_nothing_is_left(*, cash: float, is_lost: bool) -> None:
    run = scene(FLAT, FLAT, held=10.0, cash=cash)
    assert record(run, 1) == cash + 1000
    assert (run.equity[1], run.cash[1], run.account[RUINED]) == (cash + 1000, cash, float(is_lost))
    assert (run.account[N_DUE], row(run, DUE), row(run, DUE, 1)) == (2.0 * is_lost, is_lost, is_lost)


def test_an_account_is_lost_once() -> None:
    run = scene(FLAT, cash=-10.0)
    run.account[RUINED] = 1.0
    record(run, 0)
    assert run.account[N_DUE] == 0


def test_a_lost_account_withdraws_what_waits_but_what_our_limits_close() -> None:
    run = scene(FLAT, FLAT, held=10.0, other=-10.0, cash=-5000.0)
    leave_wish(run, 0, 0.0, RISK)
    leave_wish(run, 1, 30.0, SIGNAL)
    record(run, 1)
    assert (told_of(run), run.log[E_ORDER]) == ([(1, 1, 20, 0, S_WITHDRAWN, W_RUIN)], 2)
    assert (row(run, PENDING), row(run, PENDING, 1), run.account[ORDERS]) == (1, 0, 1)
    assert (row(run, DUE), row(run, DUE, 1)) == (1, 1)
