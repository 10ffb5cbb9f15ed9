"""What a deal costs: its price, its volume, its charges, against sums done by hand."""

from __future__ import annotations

import math

import pytest
from tests.unit.kernels.deals import N_BARS, NAN, SECOND, VOLUME, Filled, deal, run_of, with_terms, with_ticks

from qts.kernels import charging, funding
from qts.kernels.state import (
    F_QUANTITY,
    LIMIT,
    N_FILL,
    N_RATE,
    N_ROW,
    NO_COST,
    PER_SHARE_COST,
    PERCENT_COST,
    SCHEDULED_COST,
    SETTLEMENT,
    STOP_LIMIT,
    TAKEN,
    TAKEN_AT,
)

# --- prices


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize(("quantity", "expected"), [pytest.param(3.0, 101.5, id="bought"), pytest.param(-3.0, 98.5, id="sold")])
def test_slippage_of_a_fraction_and_of_rupees_is_against_us(*, is_plain: bool, quantity: float, expected: float) -> None:
    run = run_of(is_plain=is_plain, slip_fraction=0.01, slip_offset=0.5)
    assert funding.price_of(run, deal(quantity), quantity) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("kind", [LIMIT, STOP_LIMIT])
@pytest.mark.parametrize("is_plain", [True, False])
def test_a_limit_order_does_not_slip(*, is_plain: bool, kind: int) -> None:
    run = run_of(is_plain=is_plain, slip_fraction=0.01, slip_offset=0.5, slip_ticks=3.0)
    assert funding.price_of(run, deal(3.0, kind=kind), 3.0) == 100.0


def test_a_settlement_is_at_its_price_whatever_the_tick() -> None:
    run = with_ticks(run_of(is_plain=False, slip_fraction=0.01), (0, 500.0))
    assert funding.price_of(run, deal(3.0, 100.03, kind=SETTLEMENT, limit=90.0), 3.0) == 100.03


@pytest.mark.parametrize(
    ("ticks", "quantity", "expected"),
    [
        pytest.param((), 3.0, 100.13, id="without a table they are a twentieth of a rupee"),
        pytest.param(((0, 100.0),), 3.0, 100.05, id="of a paisa"),
        pytest.param(((0, 1.0),), 3.0, 100.0302, id="of the finest kind"),
        pytest.param(((0, 500.0),), 3.0, 100.15, id="and the price goes up to its tick"),
        pytest.param(((0, 500.0),), -3.0, 99.9, id="or down where it is sold"),
        pytest.param(((0, 500.0),), 1.0, 100.15, id="up for one share, too"),
        pytest.param(((0, 100.0), (2, 500.0)), 3.0, 100.05, id="of that time"),
    ],
)
def test_slippage_in_ticks_is_of_the_instruments_ticks(ticks: tuple[tuple[int, float], ...], quantity: float, expected: float) -> None:
    run = run_of(is_plain=False, slip_ticks=2.0)
    run = with_ticks(run, *ticks) if ticks else run
    assert funding.price_of(run, deal(quantity, 100.03), quantity) == pytest.approx(expected, rel=1e-15)


def test_rupees_and_ticks_of_slippage_add_up() -> None:
    run = run_of(is_plain=False, slip_ticks=2.0, slip_offset=0.3)
    assert funding.price_of(run, deal(3.0), 3.0) == pytest.approx(100.4, rel=1e-15)


@pytest.mark.parametrize(
    ("quantity", "limit", "expected"),
    [
        pytest.param(3.0, 100.0, 100.0, id="a purchase pays at most its limit"),
        pytest.param(3.0, 100.04, 100.04, id="also where the limit is between ticks"),
        pytest.param(3.0, 100.5, 100.05, id="and less where the market is better"),
        pytest.param(-3.0, 100.02, 100.02, id="a sale brings at least its limit"),
        pytest.param(-3.0, 99.0, 100.0, id="and more where the market is better"),
    ],
)
def test_nothing_trades_beyond_its_limit(quantity: float, limit: float, expected: float) -> None:
    run = with_ticks(run_of(is_plain=False), (0, 500.0))
    assert funding.price_of(run, deal(quantity, 100.03, kind=LIMIT, limit=limit), quantity) == expected


@pytest.mark.parametrize(
    ("impact", "volume", "taken_at", "expected"),
    [
        # A fifth of the volume: 0.5 * 0.2 * 0.2.
        pytest.param(0.5, VOLUME, 2.0, 0.02, id="with what was filled in the bar before"),
        pytest.param(0.5, VOLUME, 1.0, 0.005, id="not with what was filled in another bar"),
        pytest.param(1.0, VOLUME, 1.0, 0.01, id="a coefficient of one"),
        pytest.param(0.0, VOLUME, 2.0, 0.0, id="no impact"),
        pytest.param(0.5, 1.0, 1.0, 5000.0, id="a hundred times the volume"),
        pytest.param(0.5, 0.0, 2.0, 0.0, id="no volume"),
        pytest.param(0.5, NAN, 2.0, 0.0, id="an unknown volume"),
    ],
)
def test_our_own_volume_moves_the_price(impact: float, volume: float, taken_at: float, expected: float) -> None:
    run = run_of(is_plain=False, impact=impact)
    run.rows[N_ROW + TAKEN], run.rows[N_ROW + TAKEN_AT] = 100.0, taken_at
    run.volume[N_BARS + 1] = volume
    assert funding.impact_of(run, deal(-100.0), -100.0) == pytest.approx(expected, rel=1e-12)
    assert funding.price_of(run, deal(100.0), 100.0) == pytest.approx(100.0 * (1.0 + expected), rel=1e-12)


@pytest.mark.parametrize(("bar", "expected"), [(0, 100.0), (1, 100.0), (2, 500.0), (5, 500.0)])
def test_a_tick_is_that_of_its_bar(bar: int, expected: float) -> None:
    assert funding.tick_at(with_ticks(run_of(), (0, 100.0), (2, 500.0)), SECOND, bar) == expected


def test_an_instrument_without_ticks_has_none() -> None:
    run = run_of()._replace(ticks=[0.0, 999.0, 0.0, 777.0])
    assert funding.tick_at(run, SECOND, 1) == 0.0


# --- volume


def test_the_volume_is_that_of_the_last_bar_there_is() -> None:
    run = run_of()
    run.volume[N_BARS:] = [5.0, NAN, NAN]
    run.close[N_BARS:] = [100.0, NAN, NAN]
    assert [funding.volume_at(run, SECOND, t) for t in range(N_BARS)] == [5.0, 5.0, 5.0]
    run.volume[N_BARS + 1], run.close[N_BARS + 1] = 7.0, 100.0
    assert [funding.volume_at(run, SECOND, t) for t in range(N_BARS)] == [5.0, 7.0, 7.0]


def test_the_volume_before_the_first_bar_is_not_that_of_another_instrument() -> None:
    run = run_of()
    run.volume[N_BARS], run.close[N_BARS] = NAN, NAN
    assert math.isnan(funding.volume_at(run, SECOND, 0))


@pytest.mark.parametrize(
    ("share", "volume", "taken", "expected"),
    [
        # A tenth of 1057 is 105 whole shares.
        pytest.param(0.1, 1057.0, (20.0, 1.0), 100.0, id="whole lots of what is left"),
        pytest.param(0.1, 1057.0, (20.0, 2.0), 80.0, id="less what is taken"),
        pytest.param(0.1, 1057.0, (105.0, 2.0), 0.0, id="nothing when all is taken"),
        pytest.param(0.1, 1057.0, (200.0, 2.0), 0.0, id="nor when more is"),
        pytest.param(1.0, 1057.0, (0.0, 2.0), 1050.0, id="all of it"),
        pytest.param(0.1, NAN, (0.0, 2.0), math.inf, id="no cap where the volume is unknown"),
        pytest.param(0.0, 1057.0, (20.0, 2.0), math.inf, id="no cap where none is set"),
    ],
)
def test_only_a_part_of_a_bars_volume_is_ours(share: float, volume: float, taken: tuple[float, float], expected: float) -> None:
    run = run_of(volume_share=share, lot=10.0)
    run.volume[N_BARS + 1] = volume
    run.rows[N_ROW + TAKEN], run.rows[N_ROW + TAKEN_AT] = taken
    assert funding.volume_left(run, SECOND, 1) == expected


def test_fractions_of_a_share_are_left_of_whole_shares_of_volume() -> None:
    # A tenth of 1057 is 105 whole shares; less 0.3 are 104.7, of which quarters are 104.5.
    run = run_of(volume_share=0.1, units=4.0)
    run.volume[N_BARS + 1] = 1057.0
    run.rows[N_ROW + TAKEN], run.rows[N_ROW + TAKEN_AT] = 0.3, 2.0
    assert funding.volume_left(run, SECOND, 1) == 104.5


# --- charges


def test_an_end_costs_by_the_schedule_or_nothing() -> None:
    # A fee of 20 and a thousandth of 300.
    scheduled = with_terms(run_of(cost_kind=SCHEDULED_COST), end_fee=20.0, end_short=0.001)
    assert funding.cost_of(scheduled, deal(3.0, kind=SETTLEMENT), 3.0) == pytest.approx(20.3, rel=1e-12)
    percent = with_terms(run_of(cost_kind=PERCENT_COST, cost_rate=0.01), end_fee=20.0)
    assert funding.cost_of(percent, deal(3.0, kind=SETTLEMENT), 3.0) == 0.0


def test_a_scheduled_deal_pays_its_days_fee_for_each_slice() -> None:
    # What stands already comes to 7 and a thousandth of 500, and is not noted as paid. The deal adds a thousandth of 1000; as an order of
    # its own a flat fee of 7 for each of three slices, as a part of the order before it none.
    run = with_terms(run_of(Filled(1, 5.0, 100.0, 9.0), cost_kind=SCHEDULED_COST), formula=float(charging.AS_CONTRACT))
    rates = [0.0] * (2 * N_RATE)
    rates[N_RATE + charging.FLAT_FEE], rates[N_RATE + charging.TURNOVER] = 7.0, 0.001
    run = run._replace(rates=rates)
    assert funding.cost_of(run, deal(10.0, slices=3.0), 10.0) == pytest.approx(7.5 + 22.0, rel=1e-12)
    assert funding.cost_of(run, deal(10.0, order=9.0, same=1.0), 10.0) == pytest.approx(7.5 + 1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # Twenty at 110.
        pytest.param(PERCENT_COST, 22.0, id="a hundredth of the value"),
        # Fifty cost 25, thirty have paid the least, 20.
        pytest.param(PER_SHARE_COST, 5.0, id="one minimum for all parts"),
        pytest.param(NO_COST, 0.0, id="nothing"),
    ],
)
def test_parts_of_an_order_pay_together(kind: int, expected: float) -> None:
    rate = 0.01 if kind == PERCENT_COST else 0.5
    run = run_of(Filled(1, 10.0, 90.0, 9.0), Filled(1, 20.0, 120.0, 9.0), cost_kind=kind, cost_rate=rate, cost_minimum=20.0)
    assert funding.cost_of(run, deal(20.0, 110.0, order=9.0, same=2.0), 20.0) == pytest.approx(expected, rel=1e-12)
    sold = run._replace(fills=[-number if at % N_FILL == F_QUANTITY else number for at, number in enumerate(run.fills)])
    assert funding.cost_of(sold, deal(-20.0, 110.0, order=9.0, same=2.0), -20.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("same", [pytest.param(0.0, id="a new order"), pytest.param(1.0, id="an order whose parts are of yesterday")])
def test_the_minimum_is_paid_on_each_day(same: float) -> None:
    run = run_of(Filled(0, 10.0, 90.0, 9.0), cost_kind=PER_SHARE_COST, cost_rate=0.5, cost_minimum=20.0)
    assert funding.cost_of(run, deal(-20.0, order=9.0, same=same), -20.0) == 20.0


def test_a_part_of_the_first_order_of_the_run_pays_no_second_minimum() -> None:
    # Thirty cost 15, less than the 20 that were paid for ten.
    run = run_of(Filled(1, 10.0, 90.0, 9.0), cost_kind=PER_SHARE_COST, cost_rate=0.5, cost_minimum=20.0)
    assert funding.cost_of(run, deal(20.0, order=9.0, same=1.0), 20.0) == 0.0


def test_what_an_order_filled_today_leaves_out_other_orders_and_days() -> None:
    yesterday, today = Filled(0, 7.0, 9.0, 4.0), (Filled(1, -10.0, 100.0, 4.0), Filled(1, 3.0, 50.0, 5.0), Filled(2, -20.0, 110.0, 4.0))
    assert funding.filled_today(run_of(yesterday, *today), deal(1.0, order=4.0)) == (30.0, 3200.0)
    assert funding.filled_today(run_of(*today), deal(1.0, order=4.0)) == (30.0, 3200.0)
    assert funding.filled_today(run_of(*today), deal(1.0, order=6.0)) == (0.0, 0.0)
    assert funding.filled_today(run_of(), deal(1.0, order=4.0)) == (0.0, 0.0)
