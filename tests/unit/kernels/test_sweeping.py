from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from qts.core.arrays import Floats
from qts.kernels.arithmetic import Cost, Size, Slip
from qts.kernels.compiled_sweep import sweep_nb
from qts.kernels.crosses import BARS_A_WORD, CROSS
from qts.kernels.lean import Book, Terms
from qts.kernels.lean_account import MEASURES, measure, new_accounts
from qts.kernels.signals import N_CELL, N_MIND
from qts.kernels.state import N_RATE, PERCENT_COST, SCHEDULED_COST
from qts.kernels.sweeping import LONGEST_TILE, SHORTEST_TILE, TILE_BYTES, Sweep, new_room, sweep_loop, tile_in, tile_length
from qts.kernels.tiles import EXPONENTIAL, N_MEMORY, NEEDED, SPAN, Source
from qts.kernels.twins import as_input

SPANS = (2, 3, 5, 8)
PAIRS = [(0, 2), (1, 2), (1, 3)]


def played(
    close: Floats,
    *,
    cost_kind: int,
    compiled: bool,
    pairs: Sequence[tuple[int, int]] = PAIRS,
    stops: Sequence[int] = (),
    with_ticks: bool = False,
) -> tuple[Floats, Floats]:
    n = len(close)
    series = np.array([(EXPONENTIAL, 0)] * len(SPANS))
    memory = np.zeros((len(SPANS), N_MEMORY))
    memory[:, SPAN], memory[:, NEEDED] = SPANS, 1.0
    cells = np.zeros((len(pairs), N_CELL), dtype=np.int64)
    for row, (fast, slow) in zip(cells, pairs, strict=True):
        row[:8] = [4, 1, CROSS, fast, slow, CROSS, slow, fast]
    minds = np.zeros((len(pairs), N_MIND), dtype=np.int64)
    accounts, measures, curve = new_accounts(len(pairs), 10_000.0), np.empty((len(pairs), len(MEASURES))), np.empty(n)
    room = new_room(len(SPANS), tile_length(len(SPANS)))
    ts, open_ = np.arange(n, dtype=np.int64) * 20_000_000_000, np.r_[close[0], close[:-1]] + 0.25
    blocked = np.where(np.arange(n) % 7 == 3, 3, 0).astype(np.uint8)
    # A tick before the first bar counts from it on.
    ticks = np.array([0.0, 500.0, n // 3, 100.0, n // 2, 10_000.0]) if with_ticks else np.zeros(0)
    starts, rates = np.array([1], dtype=np.int64), np.full((2, N_RATE), 0.001)
    spans = list(pairwise((0, *stops, n)))
    if compiled:
        columns = [as_input(column) for column in (ts, open_, close, blocked, ticks)]
        numbers = np.array([0, 10.0, 0.0005, 0.0, cost_kind, 0.001, 0.0, 1.0, 0.0])
        ends = (as_input(starts), as_input(rates), numbers)
        for span in spans:
            sweep_nb(*columns, np.zeros((0, 1)), series, memory, cells, minds, accounts, curve, measures, *room, *ends, *span)
    else:
        terms = Terms(Size(0, 10.0, 1.0, 0.0), Slip(0.0005, 0.0), Cost(cost_kind, 0.001, 0.0), 1.0, 0.0)
        book = Book(ts, open_, close, blocked, ticks, starts, rates, accounts, curve)
        with np.errstate(over="ignore"):
            for span in spans:
                sweep_loop(Sweep(Source(close, np.zeros((0, 1)), series, memory), tile_in(room, cells, minds), book, terms), *span)
        for c in range(len(pairs)):
            measure(accounts, c, n, measures)
    return measures, curve


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), n_bars=st.integers(1, 120), cost_kind=st.sampled_from([PERCENT_COST, SCHEDULED_COST]))
def test_the_compiled_loop_and_the_plain_one_give_the_same_bits(seed: int, n_bars: int, cost_kind: int) -> None:
    close = np.round(100.0 + np.cumsum(np.random.default_rng(seed).normal(0.0, 1.0, n_bars)))
    with_ticks = seed % 2 == 1
    plain, compiled = (played(close, cost_kind=cost_kind, compiled=compiled, with_ticks=with_ticks) for compiled in (False, True))
    np.testing.assert_array_equal(plain[0], compiled[0])
    np.testing.assert_array_equal(plain[1], compiled[1])


@pytest.mark.parametrize("cost_kind", [PERCENT_COST, SCHEDULED_COST])
@pytest.mark.parametrize("n_bars", [LONGEST_TILE - 1, LONGEST_TILE + 5, 2 * LONGEST_TILE, 5_000])
def test_a_pair_that_is_alone_is_walked_in_one_pass_with_the_same_bits(n_bars: int, cost_kind: int) -> None:
    # On whole rupees averages of a price that stands still touch; the one alone must take that as the tiles do.
    close = np.round(100.0 + np.cumsum(np.random.default_rng(n_bars).normal(0.0, 0.7, n_bars)))
    ways = [played(close, cost_kind=cost_kind, compiled=compiled, pairs=PAIRS[:1], with_ticks=True) for compiled in (False, True)]
    # Two cells of the same pair are not alone: they go through the tiles.
    ways.append(played(close, cost_kind=cost_kind, compiled=True, pairs=PAIRS[:1] * 2, with_ticks=True))
    for measures, curve in ways[1:]:
        np.testing.assert_array_equal(ways[0][0][0], measures[-1])
        np.testing.assert_array_equal(ways[0][1], curve)
    # It was worth a look: there were trades on both sides of the tiles' ends.
    assert ways[0][0][0, MEASURES.index("n_trades")] > 100


def test_a_pair_that_is_alone_can_be_played_in_parts() -> None:
    close = np.round(100.0 + np.cumsum(np.random.default_rng(1).normal(0.0, 1.0, 3 * LONGEST_TILE)))
    # Sums end with a tile; the first tile is the bar with which the averages begin.
    stops = (1 + LONGEST_TILE, 1 + 2 * LONGEST_TILE)
    whole = played(close, cost_kind=SCHEDULED_COST, compiled=True, pairs=PAIRS[:1])
    parts = played(close, cost_kind=SCHEDULED_COST, compiled=True, pairs=PAIRS[:1], stops=stops)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])


def test_a_tile_is_whole_words_and_fits_the_cache_where_it_can() -> None:
    for n_series in (0, 1, 24, 40, 100, 5_000):
        length = tile_length(n_series)
        assert length % BARS_A_WORD == 0
        assert SHORTEST_TILE <= length <= LONGEST_TILE
        assert length == SHORTEST_TILE or length * n_series * 8 <= TILE_BYTES
