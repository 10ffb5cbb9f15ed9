"""From the conditions of one cell to its events in a tile: on which bars its rule changes its mind, and to what.

The same as ``qts.strategies.rule`` says bar by bar, but only bars on which something is true are visited.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from qts.core.arrays import Floats, Ints
from qts.kernels.crosses import (
    ABOVE,
    BARS_A_WORD,
    Mask,
    changes,
    compare,
    crossed,
    either,
    fill,
    last_bar,
    lowest_bar,
    next_true,
    untied,
    without,
)

# Columns of ``cells``: the bar signals count from; whether the rule is one pair of series that cross; then for each of enter, exit, short
# enter and short exit: how they are compared, and the rows on the left and right.
N_CELL: Final = 14
FIRST_BAR, IS_PAIR, ENTER = range(3)
EXIT, SHORT_ENTER, SHORT_EXIT = ENTER + 3, ENTER + 6, ENTER + 9

# What is remembered of a cell from tile to tile: the state of its rule, and whether the two series of a pair were equal at the end.
N_MIND: Final = 2
STATE, TIED = range(N_MIND)

# Masks of a tile: one for each of four conditions, and one for two of them together.
N_MASK: Final = 5


class Tile(NamedTuple):
    """A tile at work. ``minds`` and ``cells`` have a row for each cell; ``bars`` and ``states`` take the events of one of them."""

    rows: Floats
    cells: Ints
    minds: Ints
    masks: tuple[Mask, Mask, Mask, Mask, Mask]
    bars: Ints
    states: Ints


def find_events(tile: Tile, c: int, start: int, n: int) -> int:
    """Write the events of a cell in the tile of ``n`` bars from bar ``start`` on; return how many there are."""
    first = max(tile.cells[c, FIRST_BAR] - start, 0)
    if first >= n:
        return 0
    if tile.cells[c, IS_PAIR] != 0:
        return pair_events(tile, c, (first, start), n)
    return mask_events(tile, c, (first, start), n)


def pair_events(tile: Tile, c: int, begin: tuple[int, int], n: int) -> int:
    """Find where two series cross: at changes of sign, except for the first cross and where they touch."""
    i, start = begin
    rows, left, right = tile.rows, tile.cells[c, ENTER + 1], tile.cells[c, ENTER + 2]
    k = 0
    state = tile.minds[c, STATE]
    if state == 0:
        while i < n and state == 0:
            state = crossed(rows, left, right, i)
            i += 1
        if state == 0:
            return 0
        tile.bars[0], tile.states[0] = start + i - 1, state
        k = 1
    elif tile.minds[c, TIED] != 0:
        i = untied(rows, (left, right), 0, n)
        if i == n:
            return 0
        tile.minds[c, TIED] = 0
        if rows[left, i + 1] < rows[right, i + 1]:
            state = -1
            tile.bars[0], tile.states[0] = start + i, state
            k = 1
        i += 1
    tile.minds[c, STATE] = state
    return sign_changes(tile, c, (i, start, k), n) if i < n else k


def sign_changes(tile: Tile, c: int, begin: tuple[int, int, int], n: int) -> int:
    """Find the crosses of a pair after its first, from bar ``begin[0]`` of the tile on, and write them behind the ``begin[2]`` found."""
    i, start, k = begin
    rows, left, right = tile.rows, tile.cells[c, ENTER + 1], tile.cells[c, ENTER + 2]
    mask = tile.masks[0]
    compare(rows, (ABOVE, left, right), n, mask)
    # Bars behind the last are as the last: no change.
    fill(mask.bars, (n, len(mask.bars)), int(mask.bars[n - 1]))
    w = i // BARS_A_WORD
    before = last_bar(mask.words[w - 1]) if w > 0 else np.uint64(rows[left, 0] > rows[right, 0])
    keep = ~np.uint64(0) << np.uint64(8 * (i % BARS_A_WORD))
    for at in range(w, (n + BARS_A_WORD - 1) // BARS_A_WORD):
        word = mask.words[at]
        turns = changes(word, before) & keep
        keep = ~np.uint64(0)
        before = last_bar(word)
        while turns != np.uint64(0):
            bar = at * BARS_A_WORD + lowest_bar(turns)
            turns &= turns - np.uint64(1)
            k = turn(tile, c, (bar, start, k), n)
    return k


def turn(tile: Tile, c: int, found: tuple[int, int, int], n: int) -> int:
    """Take one change of sign: up is a cross, down is one unless the series only touch."""
    bar, start, k = found
    rows, left, right = tile.rows, tile.cells[c, ENTER + 1], tile.cells[c, ENTER + 2]
    state = tile.minds[c, STATE]
    if tile.masks[0].bars[bar] != 0:
        if state > 0:
            return k
        state = 1
    else:
        bar = untied(rows, (left, right), bar, n)
        if bar == n:
            tile.minds[c, TIED] = 1
            return k
        if rows[left, bar + 1] > rows[right, bar + 1]:
            return k
        state = -1
    tile.minds[c, STATE] = state
    tile.bars[k], tile.states[k] = start + bar, state
    return k + 1


def mask_events(tile: Tile, c: int, begin: tuple[int, int], n: int) -> int:
    """Walk from event to event of four conditions, looking only for what the present state waits for."""
    i, start = begin
    enter, leave, short_enter, short_leave, flat = tile.masks
    fill_masks(tile, c, n)
    k = 0
    state = tile.minds[c, STATE]
    while True:
        wanted = flat if state == 0 else leave if state > 0 else short_leave
        i = next_true(wanted.words, i)
        if i >= n:
            break
        if state > 0:
            state = -1 if short_enter.bars[i] != 0 else 0
        elif state < 0:
            state = 1 if enter.bars[i] != 0 else 0
        else:
            state = 1 if enter.bars[i] != 0 else -1
        tile.bars[k], tile.states[k] = start + i, state
        k += 1
        i += 1
    tile.minds[c, STATE] = state
    return k


def fill_masks(tile: Tile, c: int, n: int) -> None:
    """Compare all four conditions; a side whose exit is true is not entered."""
    enter, leave, short_enter, short_leave, flat = tile.masks
    cell = tile.cells[c]
    compare(tile.rows, (cell[ENTER], cell[ENTER + 1], cell[ENTER + 2]), n, enter)
    compare(tile.rows, (cell[EXIT], cell[EXIT + 1], cell[EXIT + 2]), n, leave)
    compare(tile.rows, (cell[SHORT_ENTER], cell[SHORT_ENTER + 1], cell[SHORT_ENTER + 2]), n, short_enter)
    compare(tile.rows, (cell[SHORT_EXIT], cell[SHORT_EXIT + 1], cell[SHORT_EXIT + 2]), n, short_leave)
    without(enter, leave)
    without(short_enter, short_leave)
    either(enter, short_enter, flat)


HELPERS: Final[tuple[Any, ...]] = (turn, sign_changes, pair_events, fill_masks, mask_events, find_events)
