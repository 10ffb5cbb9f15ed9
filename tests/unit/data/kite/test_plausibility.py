from __future__ import annotations

from collections.abc import Sequence

import pytest

from qts.data.kite.plausibility import are_near, average_fits, book_fits, day_fits, segment_of

SHARE, OPTION, INDEX = 408065, 258, 256265


def test_the_lower_byte_of_a_token_is_its_segment() -> None:
    assert [segment_of(token) for token in (SHARE, OPTION, INDEX)] == [1, 2, 9]


@pytest.mark.parametrize(
    ("last", "day", "fits"),
    [
        pytest.param(100.0, (99.0, 101.0, 98.0), True, id="within the range"),
        pytest.param(100.0, (100.0, 100.0, 100.0), True, id="one price all day"),
        pytest.param(100.0, (0.0, 0.0, 0.0), True, id="before the open"),
        pytest.param(102.0, (99.0, 101.0, 98.0), False, id="a last price above the high"),
        pytest.param(100.0, (97.0, 101.0, 98.0), False, id="an open below the low"),
        pytest.param(100.0, (99.0, 98.0, 101.0), False, id="high and low turned round"),
    ],
)
def test_a_days_range_holds_its_open_and_its_last_price(last: float, day: tuple[float, float, float], *, fits: bool) -> None:
    assert day_fits(last, *day) is fits


@pytest.mark.parametrize(("average", "fits"), [(0.0, True), (88.2, True), (88.1, False), (111.0, True), (111.2, False)])
def test_an_average_may_lie_a_tenth_outside_the_range(average: float, *, fits: bool) -> None:
    assert average_fits(average, 101.0, 98.0) is fits
    assert average_fits(average, 0.0, 0.0)


@pytest.mark.parametrize(
    ("bids", "asks", "fits"),
    [
        pytest.param((3, 2, 2, 1), (4, 5, 5, 6), True, id="best first"),
        pytest.param((3, 0, 0, 0), (0, 0, 0, 0), True, id="a side is empty"),
        pytest.param((9, 8), (4, 5), True, id="crossed before an auction"),
        pytest.param((2, 3), (4, 5), False, id="bids that rise"),
        pytest.param((3, 2), (5, 4), False, id="asks that fall"),
    ],
)
def test_a_book_is_best_first(bids: Sequence[float], asks: Sequence[float], *, fits: bool) -> None:
    assert book_fits(bids, asks) is fits


@pytest.mark.parametrize(
    ("token", "day", "orders", "near"),
    [
        pytest.param(SHARE, (90.0,), (0.0, 80.0, 120.0), True, id="a share within its band"),
        pytest.param(SHARE, (1000.0,), (), True, id="a share on the day of ten for one"),
        pytest.param(SHARE, (), (4.9,), False, id="an order for a share at a twentieth"),
        pytest.param(SHARE, (2001.0,), (), False, id="a close at twenty times the price"),
        pytest.param(INDEX, (2001.0,), (), False, id="an index at twenty times its level"),
        pytest.param(OPTION, (0.05, 30_000.0), (0.05,), True, id="an option that rose and fell"),
        pytest.param(OPTION, (), (2_100.0,), True, id="an order for an option far above"),
        pytest.param(OPTION, (), (2_101.0,), False, id="an order for an option out of all proportion"),
    ],
)
def test_prices_are_near_the_last_one(token: int, day: Sequence[float], orders: Sequence[float], *, near: bool) -> None:
    assert are_near(token, 100.0, day=day, orders=orders) is near


def test_an_option_of_five_paise_may_have_orders_of_twenty_rupees() -> None:
    assert are_near(OPTION, 0.05, day=(0.0, 0.0, 0.0, 0.05), orders=(0.05, 20.0))
