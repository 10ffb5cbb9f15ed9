from __future__ import annotations

from collections.abc import Callable

import pytest

from qts.core import Interval
from qts.data.reports import FileReport
from qts.data.storage import PriceBasis


def stacked(*, step: int, n: int = 40) -> str:
    rows = (f"2024-01-02 {9 + (15 + i * step) // 60:02d}:{(15 + i * step) % 60:02d},S{s},1,1,1,1" for s in range(3) for i in range(n))
    return "date,symbol,open,high,low,close\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("step", "n", "expected"),
    [
        (1, 40, "1m"),
        (3, 40, "3m"),
        (5, 40, "5m"),
        (10, 30, "10m"),
        (15, 25, "15m"),
        (30, 13, "30m"),
        (60, 7, "60m"),
        (2, 20, "1m"),
        (45, 5, "15m"),
    ],
)
def test_the_commonest_step_within_a_day_is_the_bar(bring: Callable[..., FileReport], *, step: int, n: int, expected: str) -> None:
    report = bring("x.csv", stacked(step=step, n=n))
    assert (report.interval, report.rejected_count) == (Interval(expected), 0)


@pytest.mark.parametrize(
    ("n_off", "basis"), [(0, PriceBasis.RAW), (1, PriceBasis.RAW), (2, PriceBasis.ADJUSTED), (150, PriceBasis.ADJUSTED)]
)
def test_one_row_in_a_hundred_between_two_paise_makes_prices_adjusted(
    bring: Callable[..., FileReport], *, n_off: int, basis: PriceBasis
) -> None:
    rows = [f"2024-01-02,S{i},{price},{price},{price},{price}" for i in range(150) for price in [1234.567 if i < n_off else 1234.55]]
    assert bring("x.csv", "date,symbol,open,high,low,close\n" + "\n".join(rows) + "\n").basis is basis


def test_large_prices_with_two_decimals_are_not_taken_for_adjusted(bring: Callable[..., FileReport]) -> None:
    rows = "".join(f"2024-01-02,S{i},{value},{value},{value},{value}\n" for i in range(100) for value in [f"{987654 + i}.{i:02d}"])
    assert bring("x.csv", "date,symbol,open,high,low,close\n" + rows).basis is PriceBasis.RAW
