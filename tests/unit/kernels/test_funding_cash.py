"""What the account can pay, against sums done by hand."""

from __future__ import annotations

import math

import pytest
from tests.unit.kernels.deals import N_BARS, SECOND, deal, run_of, with_terms

from qts.kernels import funding
from qts.kernels.state import (
    MARK,
    N_ROW,
    NO_COST,
    PER_SHARE_COST,
    PERCENT_COST,
    POSITION,
)

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
        pytest.param((0.5, 0.25), 0.0, 1000.0, id="parts of a share, too"),
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


def test_free_cash_is_known_though_what_is_not_held_has_no_price_yet() -> None:
    run = run_of()
    run.rows[MARK] = math.nan
    assert funding.free_cash(run, deal(1.0), 0.0) == 1000.0


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
