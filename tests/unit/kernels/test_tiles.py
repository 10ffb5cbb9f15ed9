from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from qts.kernels import ema
from qts.kernels.tiles import CONSTANT, EXPONENTIAL, GIVEN, N_MEMORY, NEEDED, SPAN, Source, fill_rows


@given(
    spans=st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=11),
    lengths=st.lists(st.integers(1, 25), min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_averages_made_tile_by_tile_are_the_averages(spans: list[tuple[int, bool]], lengths: list[int], seed: int) -> None:
    close = np.random.default_rng(seed).normal(100.0, 3.0, sum(lengths))
    memory = np.zeros((len(spans), N_MEMORY))
    memory[:, SPAN] = [span for span, _ in spans]
    memory[:, NEEDED] = [1 if is_first else span for span, is_first in spans]
    source = Source(close, np.zeros((0, 1)), np.array([(EXPONENTIAL, 0)] * len(spans)), memory)
    rows = np.full((len(spans), max(lengths) + 1), np.nan)
    whole = [np.r_[np.nan, ema(close, span, seed="first" if is_first else "sma")] for span, is_first in spans]
    at = 0
    for n in lengths:
        fill_rows(source, rows, at, (at, n))
        for row, expected in zip(rows, whole, strict=True):
            # The column before the tile's bars is the bar before them.
            assert_array_equal(row[: n + 1], expected[at : at + n + 1])
        at += n


@pytest.mark.parametrize(("offset", "n"), [(0, 3), (2, 2)])
def test_rows_made_outside_and_numbers_are_taken_as_they_are(offset: int, n: int) -> None:
    given_rows = np.arange(12.0).reshape(2, 6)
    memory = np.zeros((2, N_MEMORY))
    memory[0, SPAN] = 7.5
    source = Source(np.ones(6), given_rows, np.array([(CONSTANT, 0), (GIVEN, 1)]), memory)
    rows = np.empty((2, 6))
    fill_rows(source, rows, 0, (offset, n))
    assert rows[0, : n + 1].tolist() == [7.5] * (n + 1)
    assert rows[1, : n + 1].tolist() == given_rows[1, offset : offset + n + 1].tolist()
