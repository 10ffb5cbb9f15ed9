from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from qts.core import Bars, InstrumentId, Interval
from qts.kernels import INDICATORS, ema, macd, rsi, supertrend
from qts.ui.components.indicators import OFFERED, lines, parse, warm_up

CLOSE = 100.0 + np.cumsum(np.sin(np.arange(80.0)))
BARS = Bars(
    instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY, ts=np.arange(80, dtype=np.int64), open=CLOSE, high=CLOSE, low=CLOSE,
    close=CLOSE, volume=CLOSE, oi=CLOSE,
)  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "emma:9", "ema:", "ema:x", "ema:-5", "ema:0", "ema:2001", "ema:1.5", "ema:9:3", "macd:26:12", "vwap:3"]
)
def test_what_is_no_indicator_is_none(text: str) -> None:
    assert parse(text) is None


def test_every_offered_indicator_is_one() -> None:
    assert all(parse(text) is not None for text in OFFERED)


def test_lines_are_the_kernels_own_numbers_in_their_place() -> None:
    fast, oscillator = lines(BARS, ["ema:9", "nonsense", "RSI 14"])
    assert_array_equal(fast.values, ema(CLOSE, 9))
    assert_array_equal(oscillator.values, rsi(CLOSE, 14))
    assert (fast.title, fast.is_overlay) == ("EMA 9", True)
    assert (oscillator.title, oscillator.is_overlay, oscillator.levels) == ("RSI 14", False, (30.0, 70.0))


def test_every_indicator_is_offered_and_can_be_drawn() -> None:
    assert {text.partition(":")[0] for text in OFFERED} == set(INDICATORS)
    assert len(lines(BARS, OFFERED)) >= len(OFFERED)


def test_outputs_of_one_indicator_share_a_pane_and_its_levels() -> None:
    drawn = lines(BARS, ["macd:3:6:2", "rsi:14"])
    assert [(line.title, line.pane, line.levels) for line in drawn] == [
        ("MACD 3 6 2", "MACD 3 6 2", (0.0,)),
        ("MACD 3 6 2 signal", "MACD 3 6 2", ()),
        ("MACD 3 6 2 histogram", "MACD 3 6 2", ()),
        ("RSI 14", "RSI 14", (30.0, 70.0)),
    ]
    assert_array_equal([line.values for line in drawn[:3]], macd(CLOSE, 3, 6, 2))


def test_a_direction_is_not_drawn_on_the_prices() -> None:
    (line,) = lines(BARS, ["supertrend:5:2"])
    assert_array_equal(line.values, supertrend(CLOSE, CLOSE, CLOSE, span=5, width=2)[0])
    assert line.is_overlay


def test_the_longest_warm_up_counts() -> None:
    assert warm_up(["ema:20", "macd:12:26:9", "nonsense"]) == 3 * 34
    assert warm_up([]) == 0
