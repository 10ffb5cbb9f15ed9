from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qts.core.errors import BadParameter
from qts.kernels import atr, cci, cmo, macd, mom, roc, rsi, stoch, stochrsi, trix, willr

NAN = math.nan
VALUES = np.array([1.0, 2.0, 4.0, 3.0, 5.0])


def test_relative_strength_weighs_gains_against_losses() -> None:
    assert_allclose(rsi(VALUES, 2), [NAN, NAN, 100.0, 60.0, 1.375 / 1.625 * 100])
    assert_allclose(rsi(np.ones(4), 2), [NAN, NAN, 0.0, 0.0])


def test_the_average_range_counts_the_gap_from_the_last_close() -> None:
    assert_allclose(atr(VALUES + 1, VALUES - 1, VALUES, 2), [NAN, NAN, 2.5, 2.25, 2.625])


def test_spans_without_meaning_are_refused() -> None:
    with pytest.raises(BadParameter, match="span = 1"):
        rsi(np.ones(3), 1)
    with pytest.raises(BadParameter, match="span = 0"):
        atr(np.ones(3), np.ones(3), np.ones(3), 0)
    with pytest.raises(BadParameter, match="fast = 5: must be below slow = 5"):
        macd(np.ones(3), 5, 5, 2)


def test_the_outputs_of_macd_begin_together() -> None:
    # Averages over 1 and 2 bars: the slow one is 1.5, 19/6, 55/18, …; the signal is the mean of the first two lines.
    line, signal, histogram = macd(VALUES, 1, 2, 2)
    assert_allclose(line, [NAN, NAN, 4 - 19 / 6, 3 - 55 / 18, 5 - 235 / 54])
    assert_allclose(signal[2], (0.5 + 5 / 6) / 2)
    assert_allclose(histogram, line - signal)


def test_changes_over_a_span_in_units_and_in_percent() -> None:
    assert_allclose(mom(VALUES, 2), [NAN, NAN, 3.0, 1.0, 1.0])
    assert_allclose(roc(VALUES, 2), [NAN, NAN, 300.0, 50.0, 25.0])
    assert_allclose(roc(np.array([0.0, 3.0]), 1), [NAN, 0.0])
    assert_allclose(trix(np.array([2.0, 3.0, 0.0, 4.0]), 1), [NAN, 50.0, -100.0, 0.0])


def test_what_stands_still_has_no_place_in_its_range() -> None:
    flat = np.full(12, 100.1)
    high, low, close = flat, flat, flat
    for output in (
        cmo(flat, 3),
        *stoch(high, low, close, span=3, smooth=2, signal=2),
        willr(high, low, close, 3),
        cci(high, low, close, 3),
        *stochrsi(flat, 3, 3, 2),
    ):
        assert output[-1] == 0.0
