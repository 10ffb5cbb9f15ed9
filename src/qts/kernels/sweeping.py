"""Many rules over the same bars, one instrument: tile after tile, and in each tile series, then events, then accounts.

Work per bar and rule is what a sweep is made of. It is kept small in three ways: a series is made once for all rules that read it, while
the tile is in the cache; events are found eight bars at a time; an account is touched only at its events and while it holds something.
Memory does not grow with the bars: what is remembered of a rule is a row of numbers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from qts.core.arrays import Floats, Ints
from qts.kernels.crosses import BARS_A_WORD, Bytes, Mask, Words
from qts.kernels.lean import Book, Events, Terms, play_events
from qts.kernels.pair import is_simple, play_pair
from qts.kernels.signals import N_MASK, Tile, find_events
from qts.kernels.tiles import Source, fill_rows, until_begun

# The rows of a tile take about this many bytes, half of a second-level cache of the present day.
TILE_BYTES: Final = 400_000
SHORTEST_TILE: Final = 64
LONGEST_TILE: Final = 2048


class Room(NamedTuple):
    """Memory for a tile: a row for each series, the masks as bytes and as words, and the bars and states of events."""

    rows: Floats
    bars: Bytes
    words: Words
    events: Ints


class Sweep(NamedTuple):
    """Everything a sweep reads and writes. The tile is memory to work in."""

    source: Source
    tile: Tile
    book: Book
    terms: Terms


def sweep_loop(sweep: Sweep, start: int, stop: int) -> None:
    """Play the bars from ``start`` to ``stop`` for every cell; the bars before them must have been played."""
    tile = sweep.tile
    events = Events(tile.bars, tile.states)
    at = start
    while at < stop:
        n = min(until_begun(sweep.source, len(tile.bars)), stop - at)
        fill_rows(sweep.source, tile.rows, at, (at - start, n))
        for c in range(len(tile.cells)):
            k = find_events(tile, c, at, n)
            play_events(sweep.book, sweep.terms, c, (events, (at, at + n - 1), k))
        at += n
        if is_simple(sweep.source.series, sweep.source.memory, tile.cells, tile.minds):
            play_pair(sweep.source.memory, tile.cells, tile.minds, (sweep.book, sweep.terms, len(tile.bars), (at, stop)))
            at = stop


def tile_length(n_series: int) -> int:
    """Return how many bars a tile has, a multiple of a word's."""
    fitting = TILE_BYTES // (8 * max(n_series, 1)) // BARS_A_WORD * BARS_A_WORD
    return min(max(fitting, SHORTEST_TILE), LONGEST_TILE)


def new_room(n_series: int, n_tile: int) -> Room:
    """Return the room that a tile of so many series and bars needs; the compiled loop cannot make it, since it counts no references."""
    words = np.zeros((N_MASK, n_tile // BARS_A_WORD), dtype=np.uint64)
    return Room(np.empty((n_series, n_tile + 1)), words.view(np.uint8), words, np.empty((2, n_tile), dtype=np.int64))


def tile_in(room: Room, cells: Ints, minds: Ints) -> Tile:
    """Return the tile that works in this room."""
    bars, words = room.bars, room.words
    masks = (
        Mask(bars[0], words[0]),
        Mask(bars[1], words[1]),
        Mask(bars[2], words[2]),
        Mask(bars[3], words[3]),
        Mask(bars[4], words[4]),
    )
    return Tile(room.rows, cells, minds, masks, room.events[0], room.events[1])


HELPERS: Final[tuple[Any, ...]] = (tile_in, sweep_loop)
