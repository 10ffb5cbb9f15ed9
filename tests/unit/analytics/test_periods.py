from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.analytics import monthly_returns, yearly_returns
from qts.core import IST, Floats, Ints, micros_of

Stamps = Callable[..., Ints]


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=80), st.integers(1, 40))
def test_months_and_years_compound_to_the_whole(stamps: Stamps, equity: list[float], every: int) -> None:
    ts, values = stamps(len(equity), every=every), np.array(equity)
    for table in (monthly_returns(ts, values, 1_000.0), yearly_returns(ts, values, 1_000.0)):
        assert math.prod(1.0 + period.value for period in table) == pytest.approx(equity[-1] / 1_000.0, rel=1e-9)
        assert [(period.year, period.month or 0) for period in table] == sorted({(period.year, period.month or 0) for period in table})


def test_a_month_runs_from_the_end_of_the_one_before(stamps: Stamps) -> None:
    january, february = monthly_returns(stamps(3, date(2024, 1, 30)), np.array([110.0, 99.0, 198.0]), 100.0)
    assert (january.year, january.month, february.month) == (2024, 1, 2)
    assert january.value == pytest.approx(-0.01)
    assert february.value == pytest.approx(1.0)


def test_the_date_is_that_of_india() -> None:
    before_midnight_utc = np.array([micros_of(datetime(2024, 2, 1, 0, 30, tzinfo=IST))])
    (only,) = monthly_returns(before_midnight_utc, np.array([1.0]), 1.0)
    assert only.month == 2


def test_the_table_ends_with_ruin(stamps: Stamps) -> None:
    table = monthly_returns(stamps(3, every=31), np.array([50.0, 0.0, 0.0]), 100.0)
    assert [period.value for period in table] == [-0.5, -1.0]


def test_no_bars_make_no_months() -> None:
    assert monthly_returns(np.array([], dtype=np.int64), np.array([]), 100.0) == ()


def grown(inputs: Any, name: str) -> tuple[Ints, Floats]:
    rows = [
        (micros_of(datetime.combine(date.fromisoformat(on), time(9, 15), IST)), float(value))
        for on, value in zip(inputs[name]["index"], inputs[name]["values"], strict=True)
        if not math.isnan(float(value))
    ]
    return np.array([ts for ts, _ in rows], dtype=np.int64), np.cumprod([1.0 + value for _, value in rows], dtype=np.float64)


@pytest.mark.realdata
@pytest.mark.parametrize(("table", "convert_to"), [(monthly_returns, "monthly"), (yearly_returns, "yearly")])
def test_periods_agree_with_the_published_values(truth: Callable[[str], Any], table: Callable[..., Any], convert_to: str) -> None:
    published = truth("metrics_empyrical_a")
    cases = [case for case in published["cases"] if case["metric"] == "aggregate_returns" and case["convert_to"] == convert_to]
    assert cases
    for case in cases:
        got = [period.value for period in table(*grown(published["inputs"], case["returns"]), 1.0)]
        assert got == pytest.approx(case["expected"], abs=1e-4)
