"""The bill inside the fills loop, against sums done by hand with rates that are easy to follow."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.unit.kernels.loops import run_over

from qts.kernels import charging
from qts.kernels.charging import AS_CONTRACT, AS_SHARE, Day, Part, Ways
from qts.kernels.compile import sample_run
from qts.kernels.state import (
    F_BAR,
    F_ORDER,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    F_SAME,
    F_SLICES,
    LATEST,
    N_FILL,
    N_RATE,
    N_ROW,
    N_TERM,
    PAID,
    PAID_ON,
    T_END_FEE,
    T_END_LONG_PART,
    T_END_LONG_UNIT,
    T_END_NOTHING,
    T_END_SHORT_PART,
    T_END_SHORT_UNIT,
    T_END_WORTHLESS,
    T_FORMULA,
    Run,
)

DAY = 86_400_000_000
# The day's fills stand in the second of two instruments, on the day its second regime of rates begins.
SECOND, TODAY = 1, 1
RATES = {
    charging.TURNOVER: 0.001,
    charging.TAX: 0.5,
    charging.INTRADAY_FEE: 0.01,
    charging.INTRADAY_CAP: 20.0,
    charging.DELIVERY_FEE: 0.02,
    charging.DELIVERY_CAP: 30.0,
    charging.INTRADAY_STT: 0.0025,
    charging.DELIVERY_STT_BUY: 0.003,
    charging.DELIVERY_STT_SELL: 0.004,
    charging.INTRADAY_STAMP_BUY: 0.0001,
    charging.INTRADAY_STAMP_SELL: 0.0002,
    charging.DELIVERY_STAMP_BUY: 0.0005,
    charging.DELIVERY_STAMP_SELL: 0.0007,
    charging.DP: 15.0,
    charging.FLAT_FEE: 0.0,
    charging.TRADED_STT_BUY: 0.006,
    charging.TRADED_STT_SELL: 0.008,
    charging.SQUARE_OFF_FEE: 59.0,
}
ROW = [RATES[column] for column in range(N_RATE)]
AT = 3 * N_RATE


class Filled(NamedTuple):
    """One fill: signed quantity, price, order, the order's fill before (counted from 1), slices; on which bar."""

    quantity: float
    price: float
    order: float
    same: float = 0.0
    slices: float = 1.0
    bar: int = 1


def run_of(*fills: Filled, intraday: bool = False, formula: int = AS_SHARE) -> Run:
    """Return a run whose second instrument has these fills: bar 0 is yesterday, bar 1 today."""
    table = [0.0] * (N_FILL * len(fills))
    for k, fill in enumerate(fills):
        at = k * N_FILL
        table[at + F_BAR], table[at + F_QUANTITY], table[at + F_PRICE] = float(fill.bar), fill.quantity, fill.price
        table[at + F_PREVIOUS], table[at + F_ORDER] = float(k), fill.order
        table[at + F_SAME], table[at + F_SLICES] = fill.same, fill.slices
    rows, terms = [0.0] * (2 * N_ROW), [0.0] * (2 * N_TERM)
    rows[N_ROW + LATEST] = float(len(fills))
    terms[N_TERM + T_FORMULA] = float(formula)
    run = sample_run()
    return run._replace(
        ts=[0, DAY],
        starts=[TODAY],
        rates=[99.0] * AT + ROW,
        rows=rows,
        terms=terms,
        fills=table,
        rules=run.rules._replace(n_instruments=2, intraday=intraday),
    )


def mirrored(run: Run) -> Run:
    """Return the run with every purchase a sale and the other way round."""
    return run._replace(fills=[-number if at % N_FILL == F_QUANTITY else number for at, number in enumerate(run.fills)])


@pytest.mark.parametrize(
    ("ts", "day"),
    [
        pytest.param(0, 0, id="half past five in the morning"),
        pytest.param(66_600_000_000 - 1, 0, id="the last moment before midnight in India"),
        pytest.param(66_600_000_000, 1, id="midnight in India"),
        pytest.param(-19_800_000_001, -1, id="the day before"),
    ],
)
def test_days_are_those_of_india(ts: int, day: int) -> None:
    assert charging.day_of(ts) == day


@pytest.mark.parametrize(("day", "regime"), [(9, 0), (10, 1), (19, 1), (20, 2), (25, 2)])
def test_rates_change_on_the_day_they_start(day: int, regime: int) -> None:
    assert charging.regime_of([10, 20], day) == regime


# What is the same in each: 7 of brokerage and 50 % on it make 10.5, and a thousandth of the value.
@pytest.mark.parametrize(
    ("traded", "intraday", "contract", "expected"),
    [
        # STT (4 * 0.0025 + 6 * 0.003) * 1440 / 14, stamp 100 * (4 * 0.0001 + 6 * 0.0005) and 110 * 4 * 0.0002.
        pytest.param(Day(10.0, 1000.0, 4.0, 440.0), False, False, 1.44 + 2.88 + 0.34 + 0.088 + 10.5, id="more bought than sold"),
        # STT (4 * 0.0025 + 1 * 0.003) * 100, stamp 100 * (4 * 0.0001 + 1 * 0.0005) and 100 * 4 * 0.0002.
        pytest.param(Day(5.0, 500.0, 4.0, 400.0), False, False, 0.9 + 1.3 + 0.09 + 0.08 + 10.5, id="one share more bought than sold"),
        # STT (4 * 0.0025 + 6 * 0.004) * 100, stamp 100 * 4 * 0.0001 and 100 * (4 * 0.0002 + 6 * 0.0007), DP 15.
        pytest.param(Day(4.0, 400.0, 10.0, 1000.0), False, False, 1.4 + 3.4 + 0.04 + 0.5 + 10.5 + 15.0, id="more sold than bought"),
        # STT 4 * 0.0025 * 105, stamp as above.
        pytest.param(Day(4.0, 400.0, 4.0, 440.0), False, False, 0.84 + 1.05 + 0.04 + 0.088 + 10.5, id="all sold again"),
        # STT 4 * 0.003 * 100, stamp 100 * 4 * 0.0005.
        pytest.param(Day(4.0, 400.0, 0.0, 0.0), False, False, 0.4 + 1.2 + 0.2 + 10.5, id="only bought"),
        # STT on sales at the day's average 10 * 100 * 0.0025, stamp 0.04 and 1000 * 0.0002.
        pytest.param(Day(4.0, 400.0, 10.0, 1000.0), True, False, 1.4 + 2.5 + 0.24 + 10.5, id="intraday"),
        # STT 400 * 0.006 + 1000 * 0.008, DP 15, which no row of a contract has.
        pytest.param(Day(4.0, 400.0, 10.0, 1000.0), False, True, 1.4 + 10.4 + 0.24 + 10.5 + 15.0, id="order by order"),
        pytest.param(Day(4.0, 400.0, 10.0, 1000.0), True, True, 1.4 + 10.4 + 0.24 + 10.5 + 15.0, id="order by order within the day"),
        pytest.param(Day(10.0, 1000.0, 0.5, 50.0), False, True, 1.05 + 6.4 + 0.11 + 10.5 + 15.0, id="less sold than bought"),
        pytest.param(Day(4.0, 400.0, 0.0, 0.0), False, True, 0.4 + 2.4 + 0.04 + 10.5, id="only bought, order by order"),
    ],
)
def test_totals_of_a_day_cost_what_the_sum_by_hand_says(*, traded: Day, intraday: bool, contract: bool, expected: float) -> None:
    cost = charging.cost_of_totals(traded, 7.0, [99.0] * AT + ROW, Ways(AT, 1.0, intraday, contract))
    assert cost == pytest.approx(expected, rel=1e-12)


def test_one_share_left_over_is_delivery_and_noise_is_none() -> None:
    rates = [0.0] * N_RATE
    rates[charging.DP] = 15.0
    ways = Ways(0, 1e6, False, False)
    assert charging.cost_of_totals(Day(0.1 + 0.7, 80.0, 0.8, 80.0), 0.0, rates, ways) == 0.0
    assert charging.cost_of_totals(Day(0.8, 80.0, 0.800001, 80.0), 0.0, rates, ways) == 15.0
    assert charging.cost_of_totals(Day(1.0, 80.0, 2.0, 80.0), 0.0, rates, Ways(0, 1.0, False, False)) == 15.0


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [
        pytest.param(-100.0, 10.0, 20.0 + 100 * (10 * 0.00125 + 0.25), id="of what was long"),
        pytest.param(100.0, 10.0, 20.0 + 100 * (10 * 0.0002 + 0.5), id="of what was short"),
        pytest.param(0.5, 10.0, 20.0 + 0.5 * (10 * 0.0002 + 0.5), id="of a fraction that was short"),
        pytest.param(-100.0, 0.05, 3.0, id="worthless, long"),
        pytest.param(100.0, 0.05, 3.0, id="worthless, short"),
        pytest.param(100.0, 0.10, 20.0 + 100 * (0.1 * 0.0002 + 0.5), id="worth a little"),
    ],
)
def test_the_end_of_a_contract_costs_its_fee_and_its_parts(quantity: float, price: float, expected: float) -> None:
    run = run_of()
    columns = (T_END_WORTHLESS, T_END_NOTHING, T_END_FEE, T_END_LONG_PART, T_END_LONG_UNIT, T_END_SHORT_PART, T_END_SHORT_UNIT)
    for column, number in zip(columns, (0.05, 3.0, 20.0, 0.00125, 0.25, 0.0002, 0.5), strict=True):
        run.terms[N_TERM + column] = number
    assert charging.end_cost(run, SECOND, quantity, price) == pytest.approx(expected, rel=1e-12)


YESTERDAY = Filled(5.0, 90.0, 1.0, bar=0)


def test_an_orders_part_is_billed_with_the_days_fills_before_it() -> None:
    run = run_of(YESTERDAY, Filled(10.0, 100.0, 2.0), Filled(-4.0, 110.0, 3.0))
    part = (-2.0, 120.0, 0.0, 1.0)
    assert charging.day_with(run, SECOND, TODAY, part) == Day(10.0, 1000.0, 6.0, 680.0)
    # Fees 2.4 + 4.4 + 6 + 8 and half of it on top, STT (6 * 0.0025 + 4 * 0.003) * 105, stamp 0.26 and 0.136, a thousandth of 1680.
    expected = 20.8 * 1.5 + 2.835 + 0.26 + 0.136 + 1.68
    assert charging.day_cost(run, SECOND, TODAY, part) == pytest.approx(expected, rel=1e-12)
    assert charging.scheduled_cost(run, SECOND, 1, part) == pytest.approx(expected, rel=1e-12)
    run.rows[N_ROW + PAID], run.rows[N_ROW + PAID_ON] = 10.0, float(TODAY)
    assert charging.scheduled_cost(run, SECOND, 1, part) == pytest.approx(expected - 10.0, rel=1e-12)
    run.rows[N_ROW + PAID_ON] = 0.0
    assert charging.scheduled_cost(run, SECOND, 1, part) == pytest.approx(expected, rel=1e-12)


def test_a_day_order_by_order_is_charged_by_what_was_traded() -> None:
    # Fees 10 and 4.4 and half of them on top, STT 1000 * 0.006 and 440 * 0.008, stamp 0.1 and 0.088, a thousandth of 1440, DP 15.
    run = run_of(Filled(10.0, 100.0, 2.0), formula=AS_CONTRACT)
    assert charging.day_cost(run, SECOND, TODAY, (-4.0, 110.0, 0.0, 1.0)) == pytest.approx(21.6 + 9.52 + 0.188 + 1.44 + 15.0, rel=1e-12)


def fee_of(run: Run, part: Part) -> float:
    traded = charging.day_with(run, SECOND, TODAY, part)
    matched = min(traded.bought, traded.sold)
    return charging.brokerage_of_day(run, SECOND, TODAY, (part, (traded.bought - matched, traded.sold - matched), AT))


@pytest.mark.parametrize(
    ("intraday", "formula", "expected"),
    [
        # The last two are delivery, and two of the three before; the first share sold is the one bought.
        pytest.param(False, AS_SHARE, 4.8 + 1.1 + 4.4 + 1.0, id="shares that are kept are those of the last orders"),
        pytest.param(True, AS_SHARE, 2.4 + 3.3 + 1.0, id="nothing is kept within the day"),
        pytest.param(False, AS_CONTRACT, 2.4 + 3.3 + 1.0, id="nor of contracts"),
    ],
)
def test_each_order_pays_by_its_intraday_and_its_delivery_part(*, intraday: bool, formula: int, expected: float) -> None:
    run = run_of(YESTERDAY, Filled(1.0, 100.0, 2.0), Filled(-3.0, 110.0, 3.0), intraday=intraday, formula=formula)
    assert fee_of(run, (-2.0, 120.0, 0.0, 1.0)) == pytest.approx(expected, rel=1e-12)
    assert fee_of(mirrored(run), (2.0, 120.0, 0.0, 1.0)) == pytest.approx(expected, rel=1e-12)


PARTS = (YESTERDAY, Filled(10.0, 100.0, 7.0, slices=2.0), Filled(5.0, 110.0, 7.0, same=2.0, slices=5.0), Filled(-3.0, 105.0, 8.0))


@pytest.mark.parametrize(
    ("intraday", "expected"),
    [
        # 1000 + 550 + 600 is one order of 20 shares at 107.5 in two slices; 17 of them are kept.
        pytest.param(True, 21.5 + 3.15, id="within the day"),
        pytest.param(False, 3 * 107.5 * 0.01 + 17 * 107.5 * 0.02 + 3.15, id="delivery"),
    ],
)
def test_an_order_in_parts_pays_once(*, intraday: bool, expected: float) -> None:
    run = run_of(*PARTS, intraday=intraday)
    assert fee_of(run, (5.0, 120.0, 3.0, 5.0)) == pytest.approx(expected, rel=1e-12)
    assert fee_of(mirrored(run), (-5.0, 120.0, 3.0, 5.0)) == pytest.approx(expected, rel=1e-12)


def test_a_new_order_leaves_the_parts_of_the_one_before_together() -> None:
    # 1550 and 315 at a hundredth, and 240 of the new one.
    assert fee_of(run_of(*PARTS, intraday=True), (2.0, 120.0, 0.0, 1.0)) == pytest.approx(15.5 + 3.15 + 2.4, rel=1e-12)


def test_a_part_joins_the_first_fill_of_the_day_only_where_it_is_of_its_order() -> None:
    first = Filled(10.0, 100.0, 1.0)
    # 1000 and 600 are one order; a new one beside 1000 and 550 pays for itself, also where those are the first order of the run.
    assert fee_of(run_of(first, intraday=True), (5.0, 120.0, 1.0, 1.0)) == pytest.approx(16.0, rel=1e-12)
    assert fee_of(run_of(first, Filled(5.0, 110.0, 1.0, same=1.0), intraday=True), (2.0, 120.0, 0.0, 1.0)) == pytest.approx(17.9, rel=1e-12)


def test_one_share_and_less_than_one_are_split_as_many_are() -> None:
    assert fee_of(run_of(), (1.0, 100.0, 0.0, 1.0)) == pytest.approx(2.0, rel=1e-12)
    # Of half a share bought 0.2 are sold again: 20 and 20 at a hundredth, 30 at two.
    assert fee_of(run_of(Filled(-0.2, 100.0, 2.0)), (0.5, 100.0, 0.0, 1.0)) == pytest.approx(1.0, rel=1e-12)


def test_one_share_more_after_a_round_trip_is_the_one_that_is_kept() -> None:
    run, part = run_of(Filled(10.0, 100.0, 2.0), Filled(-10.0, 100.0, 3.0)), (1.0, 100.0, 0.0, 1.0)
    assert charging.day_with(run, SECOND, TODAY, part) == Day(11.0, 1100.0, 10.0, 1000.0)
    # Twice 1000 at a hundredth, 100 at two.
    assert fee_of(run, part) == pytest.approx(22.0, rel=1e-12)
    assert fee_of(mirrored(run), (-1.0, 100.0, 0.0, 1.0)) == pytest.approx(22.0, rel=1e-12)


def test_later_parts_are_those_of_the_same_order() -> None:
    three = run_of(Filled(10.0, 100.0, 7.0), Filled(5.0, 110.0, 7.0, same=1.0), Filled(4.0, 120.0, 7.0, same=2.0))
    assert charging.later_parts(three, 3, 1) == (9.0, 1030.0)
    run = run_of(*PARTS)
    assert charging.later_parts(run, 4, 2) == (5.0, 550.0)
    assert charging.later_parts(mirrored(run), 4, 2) == (5.0, 550.0)
    assert charging.later_parts(run, 4, 4) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("intraday", "delivery", "slices", "flat", "expected"),
    [
        pytest.param(1000.0, 500.0, 1.0, 0.0, 20.0, id="below the caps"),
        pytest.param(5000.0, 5000.0, 1.0, 0.0, 50.0, id="at most the caps"),
        pytest.param(5000.0, 5000.0, 2.0, 0.0, 100.0, id="for each slice"),
        pytest.param(1000.0, 500.0, 3.0, 0.5, 1.5, id="a flat fee for each slice"),
    ],
)
def test_an_orders_fee(*, intraday: float, delivery: float, slices: float, flat: float, expected: float) -> None:
    rates = [99.0] * AT + ROW
    rates[AT + charging.FLAT_FEE] = flat
    assert charging.order_fee(rates, AT, intraday, (delivery, slices)) == expected


@pytest.mark.parametrize(("i", "t", "expected"), [(0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 1, 4)])
def test_the_fee_for_squaring_off_is_the_instrument_s_own_at_that_date(i: int, t: int, expected: float) -> None:
    run = run_over(("1 1 1 1",) * 2, ("1 1 1 1",) * 2, days=(4, 5))
    # Two regimes of each instrument, the second one from day 5 on.
    rates = [0.0] * (4 * N_RATE)
    for k in range(4):
        rates[k * N_RATE + charging.SQUARE_OFF_FEE] = k + 1.0
    assert charging.square_off_fee(run._replace(starts=[5], rates=rates), i, t) == expected
