"""The opening range breakout on sessions made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from qts.core import Bars, Floats, InstrumentId, Interval
from qts.core.errors import BadParameter
from qts.strategies import load_catalog

STRATEGY = load_catalog().get("opening_range_breakout").require()
# 09:15 in India on Monday the sixth of July 2020.
OPENED = 1_594_007_100_000_000
HALF_AN_HOUR = {"minutes": 30, "leave": 120}


def sessions(*days: Sequence[float], minutes: int = 15) -> Bars:
    """Return a session for each list of closes; highs and lows are one above and below."""
    close = np.array([price for day in days for price in day], dtype=np.float64)
    ts = [OPENED + 86_400_000_000 * k + 60_000_000 * minutes * slot for k, day in enumerate(days) for slot in range(len(day))]
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval(f"{minutes}m"),
        ts=np.array(ts, dtype=np.int64),
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.full(len(close), 1000.0),
        oi=np.full(len(close), np.nan),
    )


def wanted(bars: Bars, **params: object) -> Floats:
    return STRATEGY.exposure(bars, {**HALF_AN_HOUR, **params})


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        pytest.param([100, 100, 101, 101.5, 101, 101, 101], [0, 0, 0, 1, 1, 1, 1], id="long above the range, not on its edge"),
        pytest.param([100, 100, 99, 98, 98, 98, 98], [0, 0, 0, -1, -1, -1, -1], id="short below it"),
        pytest.param([100, 100, 102, 100, 98, 104, 104], [0, 0, 1, 1, 0, 0, 0], id="left beyond the other side, and one trade only"),
        pytest.param([100, 100, 98, 102, 97, 97, 97], [0, 0, -1, 0, 0, 0, 0], id="a short left above the range"),
        pytest.param([100, 106, 105, 104, 105, 106, 107], [0] * 7, id="inside the range"),
        pytest.param([100, 100, 102, 102, 102, 102, 102, 102, 102], [0, 0, 1, 1, 1, 1, 1, 0, 0], id="flat from the set time on"),
        pytest.param([100, 100, 100, 100, 100, 100, 100, 102, 102], [0] * 9, id="no entry at the set time"),
        pytest.param([100], [0], id="a session cut inside the range"),
    ],
)
def test_one_session(closes: list[float], expected: list[float]) -> None:
    assert wanted(sessions(closes)).tolist() == expected


def test_each_session_has_its_own_range_and_begins_flat() -> None:
    bars = sessions([100, 100, 105, 105], [200, 200, 195, 195])
    assert wanted(bars).tolist() == [0, 0, 1, 1, 0, 0, -1, -1]
    assert wanted(bars, short=False).tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


def test_a_session_without_its_first_bars_is_left_alone() -> None:
    bars = sessions([100, 100, 105, 110, 90])
    assert wanted(bars.window(1, 5)).tolist() == [0, 1, 1, 0]
    assert wanted(bars.window(2, 5)).tolist() == [0, 0, 0]


def test_bars_before_the_session_opens_are_no_part_of_the_range() -> None:
    bars = sessions([150, 100, 100, 105, 105])
    early = replace(bars, ts=bars.ts - 15 * 60_000_000)
    assert wanted(early).tolist() == [0, 0, 0, 1, 1]


def test_prices_that_are_missing_make_no_range() -> None:
    bars = sessions([100, 100, 105, 105])
    nothing = np.array([np.nan, np.nan, 105, 105])
    assert wanted(replace(bars, high=nothing, low=nothing, close=nothing)).tolist() == [0, 0, 0, 0]


def test_the_range_is_of_whole_bars() -> None:
    with pytest.raises(BadParameter, match="minutes = 20: is not a number of whole bars of 15m"):
        wanted(sessions([100] * 5), minutes=20)


def test_bars_of_a_day_are_refused_with_the_way_out() -> None:
    daily = replace(sessions([100], [101], [102]), interval=Interval.DAY)
    with pytest.raises(BadParameter, match="1d: has no time of day"):
        wanted(daily)
