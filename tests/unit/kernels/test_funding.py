"""What a deal costs and what the account can pay, against sums done by hand."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pytest

from qts.kernels import charging, funding
from qts.kernels.compile import sample_run
from qts.kernels.funding import Deal
from qts.kernels.state import (
    CASH,
    F_BAR,
    F_ORDER,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    F_SLICES,
    LATEST,
    LIMIT,
    MARK,
    MARKET,
    N_ACCOUNT,
    N_FILL,
    N_RATE,
    N_ROW,
    N_TERM,
    NO_COST,
    PER_SHARE_COST,
    PERCENT_COST,
    POSITION,
    SCHEDULED_COST,
    SETTLEMENT,
    STOP_LIMIT,
    T_END_FEE,
    T_END_SHORT_PART,
    T_FORMULA,
    T_LONG_BASE,
    T_LONG_PART,
    T_LOT,
    T_SHORT_BASE,
    T_SHORT_PART,
    T_TICK_FROM,
    T_TICK_TO,
    TAKEN,
    TAKEN_AT,
    Run,
)

DAY = 86_400_000_000
NAN = math.nan
# The deals are in the second of two instruments, whose bars stand after the first one's; bar 0 is yesterday's, bars 1 and 2 are today's.
SECOND, N_BARS = 1, 3
VOLUME = 1000.0


class Filled(NamedTuple):
    """A fill of the second instrument: bar, signed quantity, price, order."""

    bar: int
    quantity: float
    price: float
    order: float


def run_of(*fills: Filled, cash: float = 1000.0, lot: float = 1.0, **rules: Any) -> Run:
    """Return a run with little in it: no slippage, no costs, no ticks; the first instrument's numbers are never the second's."""
    run = sample_run()
    account = [0.0] * N_ACCOUNT
    account[CASH] = cash
    terms = [77.0] * N_TERM + [0.0] * N_TERM
    terms[N_TERM + T_LOT] = lot
    rows = [0.0] * (2 * N_ROW)
    rows[N_ROW + LATEST] = float(len(fills))
    table = [0.0] * (N_FILL * len(fills))
    for k, fill in enumerate(fills):
        at = k * N_FILL
        table[at + F_BAR], table[at + F_QUANTITY], table[at + F_PRICE] = float(fill.bar), fill.quantity, fill.price
        table[at + F_ORDER], table[at + F_PREVIOUS], table[at + F_SLICES] = fill.order, float(k), 1.0
    return run._replace(
        ts=[0, DAY, DAY + 1],
        close=[1.0, 1.0, 1.0, 100.0, 100.0, 100.0],
        volume=[3.0, 3.0, 3.0, VOLUME, VOLUME, VOLUME],
        terms=terms,
        rows=rows,
        account=account,
        fills=table,
        rules=run.rules._replace(**{"n_instruments": 2, "cost_kind": NO_COST, **rules}),
    )


def deal(quantity: float, reference: float = 100.0, **more: float) -> Deal:
    made = Deal(SECOND, 1, quantity, reference, 0, False, MARKET, 0.0, 0.0, 1.0, NAN)
    return made._replace(**more)  # type: ignore[arg-type]


def with_ticks(run: Run, *rows: tuple[int, float]) -> Run:
    """Return the run with a table of ticks (from which bar on, in ten-thousandths) whose first and last rows are not the instrument's."""
    run.terms[N_TERM + T_TICK_FROM], run.terms[N_TERM + T_TICK_TO] = 1.0, 1.0 + len(rows)
    return run._replace(ticks=[float(number) for row in ((0, 999.0), *rows, (0, 777.0)) for number in row])


def with_terms(run: Run, **columns: float) -> Run:
    named = {
        "long_part": T_LONG_PART,
        "long_base": T_LONG_BASE,
        "short_part": T_SHORT_PART,
        "short_base": T_SHORT_BASE,
        "formula": T_FORMULA,
        "end_fee": T_END_FEE,
        "end_short": T_END_SHORT_PART,
    }
    for name, number in columns.items():
        run.terms[N_TERM + named[name]] = number
    return run


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


# --- what the account can pay


@pytest.mark.parametrize("buys", [True, False])
@pytest.mark.parametrize(
    ("asked", "lot", "rules", "expected"),
    [
        pytest.param(10.0, 1.0, {}, 10.0, id="all of it to the last rupee"),
        pytest.param(15.0, 1.0, {}, 10.0, id="as many as the cash pays"),
        pytest.param(11.0, 1.0, {}, 10.0, id="one less"),
        pytest.param(15.0, 3.0, {}, 9.0, id="whole lots"),
        pytest.param(15.0, 15.0, {}, 0.0, id="not one lot"),
        pytest.param(1500.0, 1.0, {}, 10.0, id="far too many"),
        pytest.param(15.0, 1.0, {"cost_kind": PERCENT_COST, "cost_rate": 0.01}, 9.0, id="with their charges"),
        pytest.param(15.0, 1.0, {"cost_kind": PER_SHARE_COST, "cost_minimum": 200.0}, 8.0, id="with the least charge"),
        pytest.param(10.75, 1.0, {"units": 4.0}, 10.0, id="in quarters, the cash all spent"),
        pytest.param(15.0, 1.0, {"units": 4.0, "cost_kind": PERCENT_COST, "cost_rate": 0.02}, 9.75, id="in quarters, with charges"),
    ],
)
def test_as_much_is_opened_as_can_be_paid(*, buys: bool, asked: float, lot: float, rules: dict[str, float], expected: float) -> None:
    sign = 1.0 if buys else -1.0
    run = run_of(lot=lot, **rules)
    assert funding.affordable(run, deal(sign * asked), 0.0) == sign * expected
    assert funding.affordable_apart(run, deal(sign * asked), 0.0) == sign * expected


def test_closing_pays_for_opening() -> None:
    # Five are short at 100: buying them back takes 500 of the 2000, and 15 more can be bought.
    run = run_of(cash=2000.0)
    run.rows[N_ROW + POSITION], run.rows[N_ROW + MARK] = -5.0, 100.0
    assert funding.affordable(run, deal(20.0), 5.0) == 15.0
    # Five are long: selling them brings 500, and 15 can be sold short with 1000 in cash.
    run = run_of()
    run.rows[N_ROW + POSITION], run.rows[N_ROW + MARK] = 5.0, 100.0
    assert funding.affordable(run, deal(-20.0), -5.0) == -15.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_less_than_a_share_is_opened_on_its_side(sign: float) -> None:
    assert funding.affordable(run_of(units=4.0, cash=50.0), deal(sign * 0.75), 0.0) == sign * 0.5


def test_a_lot_is_counted_in_parts_of_a_share() -> None:
    assert funding.lots_of(run_of(lot=25.0), SECOND, 3.0) == 75.0
    assert funding.lots_of(run_of(units=4.0), SECOND, 3.0) == 0.75


@pytest.mark.parametrize(
    ("quantity", "closing", "free", "fits"),
    [
        pytest.param(10.0, 0.0, 1000.0, True, id="to the last rupee"),
        pytest.param(10.0, 0.0, 999.99, False, id="a paisa short"),
        pytest.param(10.0, 0.0, 1000.0 - 5e-9, True, id="but for the noise of floats"),
        pytest.param(0.0, 0.0, 0.0, True, id="nothing costs nothing"),
    ],
)
def test_what_fits(*, quantity: float, closing: float, free: float, fits: bool) -> None:
    assert funding.fits(run_of(cost_kind=NO_COST), deal(10.0), closing, (quantity, free)) == fits
    least = run_of(cost_kind=PER_SHARE_COST, cost_minimum=20.0)
    charges = 20.0 if quantity else 0.0
    assert funding.fits(least, deal(10.0), closing, (quantity, free + charges)) == fits


def test_charges_are_those_of_the_whole_deal() -> None:
    # Ten at 100 and a hundredth of the fifteen, closing part and all: 1015.
    run = run_of(cost_kind=PERCENT_COST, cost_rate=0.01)
    assert funding.fits(run, deal(10.0), 5.0, (10.0, 1015.0))
    assert not funding.fits(run, deal(10.0), 5.0, (10.0, 1014.99))
    assert funding.fits(run, deal(-10.0), -5.0, (10.0, 1015.0))
    assert not funding.fits(run, deal(-10.0), -5.0, (10.0, 1014.99))
    assert funding.fits(run, deal(1.0), 1.0, (1.0, 102.0))
    assert not funding.fits(run, deal(1.0), 1.0, (1.0, 101.99))
    assert funding.fits(run, deal(10.0), 5.0, (0.0, 5.0))
    assert not funding.fits(run, deal(10.0), 5.0, (0.0, 4.99))


def test_the_closing_part_trades_at_the_price_of_what_is_done() -> None:
    # Of a volume of 100, ten move the price to 101 and fifteen to 102.25: closing five is 6.25 cheaper than was reckoned.
    run = run_of(is_plain=False, impact=1.0)
    run.volume[N_BARS + 1] = 100.0
    assert funding.fits(run, deal(10.0), 5.0, (5.0, 505.0 - 6.25))
    assert not funding.fits(run, deal(10.0), 5.0, (5.0, 505.0 - 6.26))
    # And so where it is sold: at 99 instead of 97.75 five more bring 6.25 more.
    assert funding.fits(run, deal(-10.0), -5.0, (5.0, 495.0 - 6.25))
    assert not funding.fits(run, deal(-10.0), -5.0, (5.0, 495.0 - 6.26))
    # Closing one: five are at 100.25 and ten at 101.
    assert funding.fits(run, deal(9.0), 1.0, (4.0, 401.0 - 0.75))
    assert not funding.fits(run, deal(9.0), 1.0, (4.0, 401.0 - 0.76))
    # Without a closing part nothing is added: five alone are at 100.25.
    assert funding.fits(run, deal(10.0), 0.0, (5.0, 501.25))
    assert not funding.fits(run, deal(10.0), 0.0, (5.0, 501.24))


@pytest.mark.parametrize(
    ("quantity", "free"),
    [pytest.param(10.0, 230.0, id="ten long: a fifth and 3 a unit"), pytest.param(-10.0, 350.0, id="ten short: 0.3 and 5")],
)
def test_on_margin_only_a_part_is_blocked(quantity: float, free: float) -> None:
    run = with_terms(run_of(is_margined=True), long_part=0.2, long_base=3.0, short_part=0.3, short_base=5.0)
    one = deal(quantity / 10.0)
    assert funding.fits(run, one, 0.0, (1.0, free / 10.0))
    assert not funding.fits(run, one, 0.0, (1.0, free / 10.0 - 0.01))
    assert funding.fits(run, deal(quantity), 0.0, (10.0, free))
    assert not funding.fits(run, deal(quantity), 0.0, (10.0, free - 0.01))
    run = run._replace(rules=run.rules._replace(cost_kind=PER_SHARE_COST, cost_minimum=20.0))
    assert funding.fits(run, deal(quantity), 0.0, (10.0, free + 20.0))
    assert not funding.fits(run, deal(quantity), 0.0, (10.0, free + 19.99))


@pytest.mark.parametrize(
    ("held", "closing", "expected"),
    [
        pytest.param((0.0, 0.0), 0.0, 1000.0, id="the cash"),
        pytest.param((3.0, 4.0), 0.0, 1000.0, id="long positions are paid"),
        pytest.param((-3.0, 4.0), 0.0, 700.0, id="the other is short: twice its value"),
        pytest.param((3.0, -4.0), 0.0, 200.0, id="this one is short"),
        pytest.param((3.0, -4.0), 4.0, 596.0, id="closing it at 101 frees it"),
        pytest.param((3.0, 4.0), -4.0, 1396.0, id="selling what is long, at 99"),
        pytest.param((0.0, -4.0), 1.0, 299.0, id="closing a part of it"),
    ],
)
def test_free_cash_leaves_the_backing_of_shorts(held: tuple[float, float], closing: float, expected: float) -> None:
    run = run_of(slip_fraction=0.01)
    for i, mark in enumerate((50.0, 100.0)):
        run.rows[i * N_ROW + POSITION], run.rows[i * N_ROW + MARK] = held[i], mark
    assert funding.free_cash(run, deal(1.0 if closing >= 0.0 else -1.0), closing) == pytest.approx(expected, rel=1e-12)


def test_the_closing_part_is_priced_with_all_of_the_deal() -> None:
    # Ten of a volume of 100 are at 101.
    run = run_of(is_plain=False, impact=1.0)
    run.volume[N_BARS + 1] = 100.0
    assert funding.free_cash(run, deal(6.0), 4.0) == pytest.approx(1000.0 - 404.0, rel=1e-12)


@pytest.mark.parametrize(
    ("held", "closing", "expected"),
    [
        pytest.param((0.0, 0.0), 0.0, 1000.0, id="the cash"),
        # 2 * 100 less 2 * (100 * 0.2 + 3).
        pytest.param((0.0, 2.0), 0.0, 1000.0 + 200.0 - 46.0, id="long"),
        pytest.param((0.0, 1.0), 0.0, 1000.0 + 100.0 - 23.0, id="one long"),
        # -2 * 100 less 2 * (100 * 0.3 + 5).
        pytest.param((0.0, -2.0), 0.0, 1000.0 - 200.0 - 70.0, id="short"),
        pytest.param((0.0, 2.0), -2.0, 1000.0 + 200.0, id="closed"),
        # 3 * 50 less 3 * (50 * 77 + 77) of the first, whose terms are large.
        pytest.param((3.0, 0.0), 0.0, 1000.0 + 150.0 - 11_781.0, id="the other one"),
    ],
)
def test_free_cash_on_margin_is_equity_less_what_is_blocked(held: tuple[float, float], closing: float, expected: float) -> None:
    run = with_terms(run_of(is_margined=True), long_part=0.2, long_base=3.0, short_part=0.3, short_base=5.0)
    for i, mark in enumerate((50.0, 100.0)):
        run.rows[i * N_ROW + POSITION], run.rows[i * N_ROW + MARK] = held[i], mark
    assert funding.free_cash(run, deal(-1.0), closing) == pytest.approx(expected, rel=1e-12)


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


def test_what_an_order_filled_today_leaves_out_other_orders_and_days() -> None:
    yesterday, today = Filled(0, 7.0, 9.0, 4.0), (Filled(1, -10.0, 100.0, 4.0), Filled(1, 3.0, 50.0, 5.0), Filled(2, -20.0, 110.0, 4.0))
    assert funding.filled_today(run_of(yesterday, *today), deal(1.0, order=4.0)) == (30.0, 3200.0)
    assert funding.filled_today(run_of(*today), deal(1.0, order=4.0)) == (30.0, 3200.0)
    assert funding.filled_today(run_of(*today), deal(1.0, order=6.0)) == (0.0, 0.0)
    assert funding.filled_today(run_of(), deal(1.0, order=4.0)) == (0.0, 0.0)
