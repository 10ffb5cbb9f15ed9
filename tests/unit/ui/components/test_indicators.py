from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from qts.core import Bars, InstrumentId, Interval
from qts.kernels import ema, rsi
from qts.ui.components.indicators import OFFERED, lines, parse

CLOSE = 100.0 + np.cumsum(np.sin(np.arange(80.0)))
BARS = Bars(
    instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY, ts=np.arange(80, dtype=np.int64), open=CLOSE, high=CLOSE, low=CLOSE,
    close=CLOSE, volume=CLOSE, oi=CLOSE,
)  # fmt: skip


@pytest.mark.parametrize("text", ["", "ema", "ema:", "ema:x", "ema:-5", "ema:0", "ema:2001", "macd:9", "ema:1.5"])
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
