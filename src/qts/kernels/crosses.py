"""On which bars of a tile the conditions of a rule are true: eight bars are compared to a word of eight bytes, and words are searched.

A tile is a stretch of bars that fits the cache. ``rows`` holds one series in each row: the value of the bar before the tile, then those of
its bars; NaN where a series is undefined, and no comparison with NaN is true. A mask has a byte for each bar, 1 or 0, and zeros behind.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qts.core.arrays import Floats

Bytes: TypeAlias = "NDArray[np.uint8]"
Words: TypeAlias = "NDArray[np.uint64]"

# How two series are compared; CROSS is "was at or below, is now above".
NEVER, ALWAYS, ABOVE, AT_LEAST, CROSS = range(5)

BARS_A_WORD: Final = 8
_BITS: Final = np.uint64(8)
_TOP: Final = np.uint64(56)
_ONE: Final = np.uint64(1)
_NONE: Final = np.uint64(0)
_ALL: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
# Times the lowest bit of byte k, its three highest bits are k.
_PLACES: Final = np.uint64(0x0020_4060_80A0_C0E0)
_KEEP_THREE: Final = np.uint64(61)


class Mask(NamedTuple):
    """One mask, as bytes and as words of eight of them: the same memory."""

    bars: Bytes
    words: Words


def compare(rows: Floats, pair: tuple[int, int, int], n: int, mask: Mask) -> None:
    """Fill the mask of the first ``n`` bars with a comparison: how, and the rows on its left and right."""
    how, left, right = pair
    bars = mask.bars
    if how == ABOVE:
        for i in range(n):
            bars[i] = rows[left, i + 1] > rows[right, i + 1]
    elif how == AT_LEAST:
        for i in range(n):
            bars[i] = rows[left, i + 1] >= rows[right, i + 1]
    elif how == CROSS:
        for i in range(n):
            bars[i] = (rows[left, i] <= rows[right, i]) & (rows[left, i + 1] > rows[right, i + 1])
    else:
        fill(bars, (0, n), 1 if how == ALWAYS else 0)
    fill(bars, (n, len(bars)), 0)


def fill(bars: Bytes, span: tuple[int, int], value: int) -> None:
    """Write one value into a stretch of bytes."""
    for i in range(span[0], span[1]):
        bars[i] = value


def without(mask: Mask, other: Mask) -> None:
    """Take out of a mask what is in the other."""
    for k in range(len(mask.words)):
        mask.words[k] &= ~other.words[k]


def either(left: Mask, right: Mask, into: Mask) -> None:
    """Join two masks into a third."""
    for k in range(len(into.words)):
        into.words[k] = left.words[k] | right.words[k]


def next_true(words: Words, start: int) -> int:
    """Return the first bar from ``start`` on that is in the mask, or one behind the last word."""
    k = start // BARS_A_WORD
    if k >= len(words):
        return len(words) * BARS_A_WORD
    word = words[k] & (_ALL << (_BITS * np.uint64(start % BARS_A_WORD)))
    while word == _NONE:
        k += 1
        if k == len(words):
            return k * BARS_A_WORD
        word = words[k]
    return k * BARS_A_WORD + lowest_bar(word)


def lowest_bar(word: np.uint64) -> int:
    """Return which of the word's eight bars is its first true one; there must be one."""
    return int(((word & (~word + _ONE)) * _PLACES) >> _KEEP_THREE)


def changes(word: np.uint64, before: np.uint64) -> np.uint64:
    """Return the word of bars that differ from the bar before them; ``before`` is that of the first one."""
    return word ^ ((word << _BITS) | before)


def last_bar(word: np.uint64) -> np.uint64:
    """Return the word's last bar, as the ``before`` of the next word."""
    return word >> _TOP


def crossed(rows: Floats, left: int, right: int, i: int) -> int:
    """Return 1 if the left series crosses above the right one on bar ``i``, -1 if below, else 0, by the definition."""
    before, after = rows[left, i] - rows[right, i], rows[left, i + 1] - rows[right, i + 1]
    if before <= 0.0 and after > 0.0:
        return 1
    return -1 if before >= 0.0 and after < 0.0 else 0


def untied(rows: Floats, pair: tuple[int, int], start: int, n: int) -> int:
    """Return the first bar from ``start`` on where the two series differ, or ``n``."""
    left, right = pair
    i = start
    while i < n and rows[left, i + 1] == rows[right, i + 1]:
        i += 1
    return i


HELPERS: Final[tuple[Any, ...]] = (
    fill,
    compare,
    without,
    either,
    lowest_bar,
    next_true,
    changes,
    last_bar,
    crossed,
    untied,
)
