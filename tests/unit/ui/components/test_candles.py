from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from qts.core import IST, Bars, Floats, InstrumentId, Interval, micros_of
from qts.ui.components.candles import MAX_BARS, ChartLine, Mark, Span, chart_data, span_drawn, wall_seconds


def bars_of(n: int, *, instrument: str = "NSE:INFY", close: float = 1234.55, interval: Interval = Interval.DAY) -> Bars:
    closes: Floats = np.asarray(close + np.arange(n) * 0.05, np.float64)
    start = micros_of(datetime(2026, 11, 20, 9, 15, tzinfo=IST))
    nothing = np.full(n, np.nan)
    return Bars(
        instrument=InstrumentId(instrument),
        interval=interval,
        ts=start + np.arange(n, dtype=np.int64) * 86_400_000_000,
        open=closes,
        high=np.add(closes, 1.0),
        low=np.subtract(closes, 1.0),
        close=closes,
        volume=nothing,
        oi=nothing,
    )


def drawn(bars: Bars, **parts: Any) -> Any:
    return chart_data(bars, **{"lines": [], "marks": [], **parts})


def test_times_are_the_clock_on_the_wall_in_india() -> None:
    at = micros_of(datetime(2026, 11, 20, 9, 15, tzinfo=IST))
    assert wall_seconds(at) % 86_400 == 9 * 3600 + 15 * 60


def test_prices_travel_as_whole_paise_and_come_back_exact() -> None:
    data = drawn(bars_of(50))
    table = data["bars"]
    assert str(table["close"].type) == "int32"
    assert_array_equal(np.asarray(table["close"]) / data["scale"], np.round(bars_of(50).close, 2))


def test_currencies_keep_four_decimals() -> None:
    data = drawn(bars_of(5, instrument="CDS:USDINR26NOVFUT", close=84.1275))
    assert data["precision"] == 4
    assert_allclose(np.asarray(data["bars"]["close"])[0] / data["scale"], 84.1275, rtol=0, atol=1e-12)


def test_prices_too_large_for_whole_numbers_still_travel() -> None:
    data = drawn(bars_of(3, close=3e7))
    assert_allclose(np.asarray(data["bars"]["close"]) / data["scale"], bars_of(3, close=3e7).close)


def test_an_index_without_volume_has_no_volume_pane() -> None:
    assert drawn(bars_of(3))["has_volume"] is False


def test_lines_and_marks_say_where_they_belong() -> None:
    line = ChartLine(title="RSI 14", values=np.array([np.nan, 40.0, 60.0]), is_overlay=False, levels=(30.0, 70.0))
    at = micros_of(datetime(2026, 11, 20, 9, 15, tzinfo=IST))
    data = drawn(bars_of(3), lines=[line], marks=[Mark(at=at, is_buy=True, text="B 10")])
    assert data["lines"] == [{"column": "line0", "title": "RSI 14", "overlay": False, "pane": "line0", "levels": [30.0, 70.0]}]
    assert data["marks"].to_pylist() == [{"time": wall_seconds(at), "buy": 1, "text": "B 10"}]
    assert np.isnan(np.asarray(data["bars"]["line0"])[0])


def test_another_bar_or_mark_is_another_version() -> None:
    one, two = (drawn(bars_of(n))["version"] for n in (3, 4))
    marked = drawn(bars_of(3), marks=[Mark(at=0, is_buy=False, text="S")])["version"]
    assert len({one, two, marked}) == 3


@pytest.mark.parametrize(
    ("n", "focus", "expected"),
    [
        pytest.param(100, None, (0, 100), id="few bars are all drawn"),
        pytest.param(MAX_BARS + 10, None, (10, MAX_BARS + 10), id="of many the last"),
        pytest.param(3 * MAX_BARS, 0, (0, MAX_BARS), id="or the first, to look at the start"),
        pytest.param(3 * MAX_BARS, 7_500, (5_000, 10_000), id="or those around what to look at"),
        pytest.param(3 * MAX_BARS, 14_999, (10_000, 15_000), id="up to the end"),
        pytest.param(0, None, (0, 0), id="none"),
    ],
)
def test_which_bars_are_drawn(n: int, focus: int | None, expected: tuple[int, int]) -> None:
    span = span_drawn(np.arange(n, dtype=np.int64), focus)
    assert (span.start, span.stop) == expected


def test_what_is_not_drawn_is_said() -> None:
    assert Span(start=0, stop=5, total=5).note == ""
    assert Span(start=5, stop=10, total=10).note == "Showing the last 5 of 10 bars."
    assert Span(start=1_000, stop=6_000, total=100_000).note == "Showing 5,000 of 1,00,000 bars."
