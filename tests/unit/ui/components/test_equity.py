from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from qts.core import IST, Floats, micros_of
from qts.ui.components.equity import MAX_POINTS, Curves, spec, takeaway, thinned


def curves(equity: Floats) -> Curves:
    start = micros_of(datetime(2026, 11, 20, 9, 15, tzinfo=IST))
    drawdown = equity / np.maximum.accumulate(equity) - 1
    ts = start + np.arange(len(equity), dtype=np.int64) * 86_400_000_000
    return Curves(ts=ts, equity=equity, benchmark=equity[::-1].copy(), drawdown=drawdown)


@given(arrays.arrays(np.float64, some.integers(1, 5_000), elements=some.floats(1, 1e9)), some.integers(4, 400))
def test_thinning_keeps_the_ends_and_every_extreme(values: Floats, limit: int) -> None:
    kept = thinned(values, limit)
    assert len(kept) <= max(limit, 4)
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert values[kept].max() == values.max()
    assert values[kept].min() == values.min()
    assert np.all(np.diff(kept) > 0)


def test_few_points_are_all_drawn() -> None:
    assert len(thinned(np.ones(MAX_POINTS))) == MAX_POINTS


@pytest.mark.parametrize(
    ("rupees", "unit", "first"),
    [(50_000.0, "₹", 50_000.0), (1_000_000.0, "₹ lakh", 10.0), (25_000_000.0, "₹ crore", 2.5)],
)
def test_amounts_are_in_the_unit_india_would_use(rupees: float, unit: str, first: float) -> None:
    drawn = spec(curves(np.array([rupees, rupees * 0.9])), is_log=False, is_intraday=False)
    assert drawn["yAxis"][0]["name"] == unit
    assert drawn["dataset"]["source"]["Strategy"].to_pylist() == [first, pytest.approx(first * 0.9)]


def test_the_axis_has_dates_or_instants_of_india() -> None:
    equity = np.array([1e6, 2e6])
    days, minutes = (spec(curves(equity), is_log=True, is_intraday=flag)["dataset"]["source"]["at"].to_pylist() for flag in (False, True))
    assert days[0] == "2026-11-20"
    assert minutes[0] == "2026-11-20 09:15"
    assert spec(curves(equity), is_log=True, is_intraday=False)["yAxis"][0]["type"] == "log"


def test_the_takeaway_tells_what_the_eye_sees() -> None:
    told = takeaway(curves(np.array([1e6, 1.2e6, 9e5, 1.5e6])))
    assert told.startswith("Equity from ₹10.00 L to ₹15.00 L, buying and holding ₹10.00 L")
    assert "-25.00 % on 2026-11-22" in told
    assert takeaway(curves(np.empty(0))) == "No bars"
