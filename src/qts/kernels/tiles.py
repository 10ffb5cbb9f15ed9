"""The series that rules compare, tile by tile: each is made once, whatever number of rules reads it, and none is ever held in full.

Exponential averages, by far the most frequent, are made here, four at a time: each value waits for the one before it, so a processor that
has one of them to make does nothing most of the time.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from qts.core.arrays import Floats, Ints
from qts.kernels.smoothing import seeded

# Where a series comes from: an average of closes, a row made outside, or a number that never changes.
EXPONENTIAL, GIVEN, CONSTANT = range(3)

# Columns of ``series``: which of the above; the row outside.
N_SERIES: Final = 2
SOURCE, PLACE = range(N_SERIES)

# Columns of ``memory``: what the average has seen and what it is, as in ``smoothing``; its span and after how many values it begins, or
# the number itself.
N_MEMORY: Final = 4
SEEN, AVERAGE, SPAN, NEEDED = range(N_MEMORY)


class Source(NamedTuple):
    """What the rows are made of. ``given`` holds a row for each series made outside: the bar before the chunk, then its bars."""

    close: Floats
    given: Floats
    series: Ints
    memory: Floats


def fill_rows(source: Source, rows: Floats, start: int, within: tuple[int, int]) -> None:
    """Fill the rows of a tile from bar ``start`` on; ``within`` is its place in the chunk and its length."""
    offset, n = within
    waiting = 0
    together = (0, 0, 0)
    for s in range(len(source.series)):
        kind = source.series[s, SOURCE]
        if kind == GIVEN:
            copy_row(source.given[source.series[s, PLACE]], rows[s], offset, n + 1)
        elif kind == CONSTANT:
            fill_row(rows[s], source.memory[s, SPAN], n + 1)
        elif source.memory[s, SEEN] < source.memory[s, NEEDED]:
            begin_average(source, rows, s, (start, n))
        elif waiting == 3:
            four_averages(source, rows, (*together, s), (start, n))
            waiting = 0
        else:
            together = (s, s, s) if waiting == 0 else (together[0], s, s) if waiting == 1 else (together[0], together[1], s)
            waiting += 1
    if waiting > 0:
        four_averages(source, rows, (*together, together[2]), (start, n))


def copy_row(given: Floats, row: Floats, offset: int, n: int) -> None:
    """Copy values of a row made outside."""
    for i in range(n):
        row[i] = given[offset + i]


def fill_row(row: Floats, value: float, n: int) -> None:
    """Write a number that never changes."""
    for i in range(n):
        row[i] = value


def begin_average(source: Source, rows: Floats, s: int, span: tuple[int, int]) -> None:
    """Fill the row of an average that may not have begun yet."""
    start, n = span
    state = source.memory[s]
    rows[s, 0] = state[AVERAGE] if state[SEEN] >= state[NEEDED] and state[SEEN] > 0.0 else float("nan")
    for i in range(n):
        rows[s, i + 1] = seeded(state, SEEN, (state[SPAN], state[NEEDED]), source.close[start + i])


def until_begun(source: Source, most: int) -> int:
    """Return after how many bars all averages have begun, or ``most`` if they have or take longer: what has begun is made faster."""
    left = 0
    for s in range(len(source.series)):
        if source.series[s, SOURCE] == EXPONENTIAL:
            left = max(left, int(source.memory[s, NEEDED] - source.memory[s, SEEN]))
    return min(left, most) if left > 0 else most


def four_averages(source: Source, rows: Floats, which: tuple[int, int, int, int], span: tuple[int, int]) -> None:
    """Fill the rows of four averages that have begun; the same one may come more than once."""
    start, n = span
    memory = source.memory
    a, b, c, d = which
    alpha_a, alpha_b = 2.0 / (memory[a, SPAN] + 1.0), 2.0 / (memory[b, SPAN] + 1.0)
    alpha_c, alpha_d = 2.0 / (memory[c, SPAN] + 1.0), 2.0 / (memory[d, SPAN] + 1.0)
    first, second, third, fourth = memory[a, AVERAGE], memory[b, AVERAGE], memory[c, AVERAGE], memory[d, AVERAGE]
    rows[a, 0], rows[b, 0], rows[c, 0], rows[d, 0] = first, second, third, fourth
    for i in range(n):
        value = source.close[start + i]
        first += alpha_a * (value - first)
        second += alpha_b * (value - second)
        third += alpha_c * (value - third)
        fourth += alpha_d * (value - fourth)
        rows[a, i + 1] = first
        rows[b, i + 1] = second
        rows[c, i + 1] = third
        rows[d, i + 1] = fourth
    memory[a, AVERAGE], memory[b, AVERAGE], memory[c, AVERAGE], memory[d, AVERAGE] = first, second, third, fourth


HELPERS: Final[tuple[Any, ...]] = (copy_row, fill_row, begin_average, until_begun, four_averages, fill_rows)
