"""Many rules over the same bars, one instrument: tile after tile, and in each tile series, then events, then accounts.

Work per bar and rule is what a sweep is made of. It is kept small in three ways: a series is made once for all rules that read it, while
the tile is in the cache; events are found eight bars at a time; an account is touched only at its events and while it holds something.
Memory does not grow with the bars: what is remembered of a rule is a row of numbers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from qts.core.arrays import Ints
from qts.kernels.crosses import BARS_A_WORD, Mask
from qts.kernels.lean import Book, Events, Terms, play_events
from qts.kernels.signals import Tile, find_events
from qts.kernels.tiles import Source, fill_rows

# The rows of a tile take about this many bytes, half of a second-level cache of the present day.
TILE_BYTES: Final = 400_000
SHORTEST_TILE: Final = 64
LONGEST_TILE: Final = 2048


class Sweep(NamedTuple):
    """Everything a sweep reads and writes. ``cells`` and ``minds`` have a row for each cell, see ``signals``."""

    source: Source
    cells: Ints
    minds: Ints
    book: Book
    terms: Terms


def sweep_loop(sweep: Sweep, start: int, stop: int) -> None:
    """Play the bars from ``start`` to ``stop`` for every cell; the bars before them must have been played."""
    n_tile = tile_length(len(sweep.source.series))
    tile = new_tile(sweep, n_tile)
    events = Events(tile.bars, tile.states)
    at = start
    while at < stop:
        n = min(n_tile, stop - at)
        fill_rows(sweep.source, tile.rows, at, (at - start, n))
        for c in range(len(sweep.cells)):
            k = find_events(tile, c, at, n)
            play_events(sweep.book, sweep.terms, c, (events, (at, at + n - 1), k))
        at += n


def tile_length(n_series: int) -> int:
    """Return how many bars a tile has, a multiple of a word's."""
    fitting = TILE_BYTES // (8 * max(n_series, 1)) // BARS_A_WORD * BARS_A_WORD
    return min(max(fitting, SHORTEST_TILE), LONGEST_TILE)


def new_tile(sweep: Sweep, n_tile: int) -> Tile:
    """Return the room a tile needs."""
    rows = np.empty((len(sweep.source.series), n_tile + 1))
    masks = (new_mask(n_tile), new_mask(n_tile), new_mask(n_tile), new_mask(n_tile), new_mask(n_tile))
    return Tile(rows, sweep.cells, sweep.minds, masks, np.empty(n_tile, np.int64), np.empty(n_tile, np.int64))


def new_mask(n_tile: int) -> Mask:
    """Return an empty mask."""
    words = np.zeros(n_tile // BARS_A_WORD, np.uint64)
    return Mask(words.view(np.uint8), words)


HELPERS: Final[tuple[Any, ...]] = (tile_length, new_mask, new_tile, sweep_loop)
