"""What a deal leaves behind: in cash, in the position, in the list of fills; against sums done by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from qts.kernels import booking
from qts.kernels.charging import SQUARE_OFF_FEE, TURNOVER
from qts.kernels.compile import sample_run
from qts.kernels.funding import Deal
from qts.kernels.state import (
    AVERAGE,
    CASH,
    E_BAR,
    E_FILLED,
    E_INSTRUMENT,
    E_KIND,
    E_ORDER,
    E_QUANTITY,
    E_SIDE,
    E_STATUS,
    E_WHY,
    F_AT_CLOSE,
    F_BAR,
    F_COST,
    F_INSTRUMENT,
    F_KIND,
    F_ORDER,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    F_REASON,
    F_REFERENCE,
    F_SAME,
    F_SLICES,
    FILLS,
    LATEST,
    LOGGED,
    MARK,
    N_ACCOUNT,
    N_EVENT,
    N_FILL,
    N_HELD,
    N_RATE,
    N_ROW,
    N_TERM,
    OVERFLOW,
    PAID,
    PAID_ON,
    PERCENT_COST,
    POSITION,
    SCHEDULED_COST,
    SQUARE_OFF,
    STOP,
    STOP_LOSS,
    T_LOT,
    TAKEN,
    TAKEN_AT,
    Run,
)

DAY = 86_400_000_000
# The deals are in the second of two instruments.
SECOND, ROW = 1, N_ROW


def run_of(**rules: Any) -> Run:
    """Return a run of two instruments with 1000 rupees, room for two fills and two events, and costs of a hundredth."""
    run = sample_run()
    account, terms = [0.0] * N_ACCOUNT, [0.0] * (2 * N_TERM)
    account[CASH], terms[N_TERM + T_LOT] = 1000.0, 1.0
    rates = [0.0] * (2 * N_RATE)
    rates[N_RATE + TURNOVER] = 0.001
    return run._replace(
        ts=[0, DAY, DAY + 1],
        terms=terms,
        rates=rates,
        rows=[0.0] * (2 * N_ROW),
        account=account,
        fills=[0.0] * (2 * N_FILL),
        log=[0.0] * (2 * N_EVENT),
        rules=run.rules._replace(**{"n_instruments": 2, "cost_kind": PERCENT_COST, "cost_rate": 0.01, "slip_offset": 1.0, **rules}),
    )


def deal(quantity: float, reference: float = 100.0, *, bar: int = 1, at_close: bool = False, same: float = 0.0) -> Deal:
    return Deal(SECOND, bar, quantity, reference, STOP_LOSS, at_close, STOP, 8.0, same, 2.0, math.nan)


def fill_of(run: Run, k: int) -> dict[int, float]:
    return {column: run.fills[k * N_FILL + column] for column in range(N_FILL)}


# --- a deal


@pytest.mark.parametrize("book", [booking.trade, booking.trade_apart])
def test_a_deal_is_written_down_in_full(book: object) -> None:
    assert callable(book)
    run = run_of()
    book(run, deal(-2.0, bar=0))
    book(run, deal(3.0, at_close=True, same=1.0))
    assert fill_of(run, 0)[F_PREVIOUS] == 0.0
    assert fill_of(run, 0)[F_AT_CLOSE] == 0.0
    # Three at 101, with the slippage of a rupee, and a hundredth of 303.
    assert fill_of(run, 1) == {
        F_BAR: 1.0,
        F_INSTRUMENT: 1.0,
        F_QUANTITY: 3.0,
        F_REFERENCE: 100.0,
        F_PRICE: 101.0,
        F_REASON: float(STOP_LOSS),
        F_AT_CLOSE: 1.0,
        F_COST: pytest.approx(3.03, rel=1e-12),
        F_PREVIOUS: 1.0,
        F_KIND: float(STOP),
        F_ORDER: 8.0,
        F_SLICES: 2.0,
        F_SAME: 1.0,
    }
    # 1000 + 2 * 99 - 1.98 - 303 - 3.03.
    assert run.account[CASH] == pytest.approx(889.99, rel=1e-12)
    assert run.account[FILLS] == 2.0
    assert run.account[OVERFLOW] == 0.0
    assert run.rows[ROW + LATEST] == 2.0
    assert run.rows[ROW + POSITION] == 1.0
    assert run.rows[:N_ROW] == [0.0] * N_ROW


def test_a_deal_without_room_for_its_fill_leaves_all_as_it_is() -> None:
    run = run_of()
    booking.trade(run, deal(1.0))
    booking.trade(run, deal(1.0))
    before = (list(run.rows), list(run.fills), [number for at, number in enumerate(run.account) if at != OVERFLOW])
    booking.trade(run, deal(1.0))
    assert (list(run.rows), list(run.fills), [number for at, number in enumerate(run.account) if at != OVERFLOW]) == before
    assert run.account[OVERFLOW] == 1.0


def test_a_quantity_loses_the_noise_of_fractions() -> None:
    run = run_of(units=10.0)
    booking.trade(run, deal(0.1 + 0.2))
    assert fill_of(run, 0)[F_QUANTITY] == 0.3
    assert run.rows[ROW + POSITION] == 0.3


def test_what_a_day_has_paid_adds_up_and_begins_anew() -> None:
    # A thousandth of the value: 0.1 for one at 100, and what the day's fills come to together less what was paid.
    run = run_of(cost_kind=SCHEDULED_COST, slip_offset=0.0)
    run.rows[ROW + PAID], run.rows[ROW + PAID_ON] = 50.0, 7.0
    booking.trade(run, deal(1.0))
    assert run.rows[ROW + PAID] == pytest.approx(0.1, rel=1e-12)
    assert run.rows[ROW + PAID_ON] == 1.0
    booking.trade(run, deal(2.0, bar=2))
    assert run.rows[ROW + PAID] == pytest.approx(0.3, rel=1e-12)
    assert fill_of(run, 1)[F_COST] == pytest.approx(0.2, rel=1e-12)


def test_what_the_broker_takes_for_squaring_off_is_no_part_of_what_the_day_has_paid() -> None:
    run = run_of(cost_kind=SCHEDULED_COST, slip_offset=0.0)
    # A regime's row for each instrument; the fee is that of the second, and of each of two slices.
    run.rates[N_RATE + SQUARE_OFF_FEE] = 59.0
    booking.trade(run, deal(10.0))
    booking.trade(run, deal(-10.0)._replace(reason=SQUARE_OFF))
    assert [fill_of(run, k)[F_COST] for k in (0, 1)] == [pytest.approx(1.0), pytest.approx(119.0)]
    assert run.rows[ROW + PAID] == pytest.approx(2.0)
    assert run.account[CASH] == pytest.approx(1000.0 - 120.0)


def test_only_the_schedule_remembers_what_a_day_has_paid() -> None:
    run = run_of()
    booking.trade(run, deal(1.0))
    assert (run.rows[ROW + PAID], run.rows[ROW + PAID_ON]) == (0.0, 0.0)


def test_what_is_taken_of_a_bars_volume_adds_up_and_begins_anew() -> None:
    run = run_of(volume_share=1.0)
    run.rows[ROW + TAKEN], run.rows[ROW + TAKEN_AT] = 50.0, 1.0
    booking.trade(run, deal(-2.0))
    assert (run.rows[ROW + TAKEN], run.rows[ROW + TAKEN_AT]) == (2.0, 2.0)
    booking.trade(run, deal(3.0))
    assert (run.rows[ROW + TAKEN], run.rows[ROW + TAKEN_AT]) == (5.0, 2.0)


def test_volume_is_not_counted_where_nothing_caps_it() -> None:
    run = run_of()
    booking.trade(run, deal(-2.0))
    assert (run.rows[ROW + TAKEN], run.rows[ROW + TAKEN_AT]) == (0.0, 0.0)


# --- a position


@pytest.mark.parametrize(
    ("held", "quantity", "position", "average", "n_held"),
    [
        pytest.param(0.0, 4.0, 4.0, 120.0, 6.0, id="opened long"),
        pytest.param(0.0, -4.0, -4.0, 120.0, 6.0, id="opened short"),
        pytest.param(4.0, 1.0, 5.0, 104.0, 5.0, id="added to long: (400 + 120) / 5"),
        pytest.param(-4.0, -1.0, -5.0, 104.0, 5.0, id="added to short"),
        pytest.param(1.0, 1.0, 2.0, 110.0, 5.0, id="added to one"),
        pytest.param(4.0, -1.0, 3.0, 100.0, 5.0, id="reduced long"),
        pytest.param(-4.0, 1.0, -3.0, 100.0, 5.0, id="reduced short"),
        pytest.param(4.0, -4.0, 0.0, 100.0, 4.0, id="closed"),
        pytest.param(4.0, -6.0, -2.0, 120.0, 5.0, id="turned short"),
        pytest.param(-4.0, 6.0, 2.0, 120.0, 5.0, id="turned long"),
        pytest.param(0.5, -0.25, 0.25, 100.0, 5.0, id="reduced by less than a share"),
    ],
)
def test_a_position_keeps_what_it_cost(*, held: float, quantity: float, position: float, average: float, n_held: float) -> None:
    run = run_of(units=4.0)
    run.rows[ROW + POSITION], run.rows[ROW + AVERAGE], run.account[N_HELD] = held, 100.0, 5.0
    booking.hold(run, SECOND, quantity, 120.0)
    assert run.rows[ROW + POSITION] == position
    assert run.rows[ROW + AVERAGE] == pytest.approx(average, rel=1e-12)
    assert run.account[N_HELD] == n_held
    assert run.rows[:N_ROW] == [0.0] * N_ROW


def test_a_position_loses_the_noise_of_fractions() -> None:
    run = run_of(units=10.0)
    booking.hold(run, SECOND, 0.1, 100.0)
    booking.hold(run, SECOND, 0.2, 100.0)
    assert run.rows[ROW + POSITION] == 0.3


# --- the log


@pytest.mark.parametrize(("quantity", "side"), [(5.0, 1.0), (-5.0, -1.0)])
def test_an_event_is_written_down_in_full(quantity: float, side: float) -> None:
    run = run_of()
    booking.note(run, 9, (0, 0, 0.0), (1.0, 0.0, 0.0, 0.0))
    booking.note(run, 2, (1, 3, 7.0), (quantity, 2.0, 4.0, 6.0))
    event = {column: run.log[N_EVENT + column] for column in range(N_EVENT)}
    expected = {E_BAR: 2.0, E_INSTRUMENT: 1.0, E_SIDE: side, E_KIND: 3.0, E_QUANTITY: 5.0, E_FILLED: 2.0, E_STATUS: 4.0, E_WHY: 6.0}
    assert event == {**expected, E_ORDER: 7.0}
    assert (run.account[LOGGED], run.account[OVERFLOW], run.log[E_BAR]) == (2.0, 0.0, 9.0)


def test_an_event_without_room_is_not_written() -> None:
    run = run_of()
    for _ in range(2):
        booking.note(run, 1, (1, 3, 7.0), (5.0, 2.0, 4.0, 6.0))
    before = list(run.log)
    booking.note(run, 2, (0, 1, 2.0), (3.0, 4.0, 5.0, 6.0))
    assert (list(run.log), run.account[LOGGED], run.account[OVERFLOW]) == (before, 2.0, 1.0)


# --- the account


def test_equity_is_cash_and_every_position_at_its_mark() -> None:
    run = run_of()
    for i, (position, mark) in enumerate(((3.0, 50.0), (-2.0, 100.0))):
        run.rows[i * N_ROW + POSITION], run.rows[i * N_ROW + MARK] = position, mark
    assert booking.account_equity(run) == 950.0


def test_what_is_not_held_needs_no_mark() -> None:
    run = run_of()
    run.rows[MARK], run.rows[ROW + MARK] = math.nan, 100.0
    run.rows[ROW + POSITION] = 1.0
    assert booking.account_equity(run) == 1100.0
