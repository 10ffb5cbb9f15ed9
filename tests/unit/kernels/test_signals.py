from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from qts.kernels.crosses import ABOVE, AT_LEAST, CROSS, NEVER
from qts.kernels.events import crosses_above
from qts.kernels.signals import FIRST_BAR, IS_PAIR, N_CELL, N_MIND, find_events
from qts.kernels.sweeping import new_room, tile_in

LEVELS: Final = st.sampled_from([1.0, 2.0, 3.0])
UP: Final = (CROSS, 0, 1)
DOWN: Final = (CROSS, 1, 0)
NONE: Final = (NEVER, 0, 0)
Compared = tuple[int, int, int]


@pytest.fixture(autouse=True)
def wrapping_words() -> Iterator[None]:
    with np.errstate(over="ignore"):
        yield


def states_of(conditions: list[Compared], series: np.ndarray[tuple[int, int], np.dtype[np.float64]], first: int) -> list[int]:
    """Walk bar by bar, by the words of the rule."""
    truths = []
    for how, left, right in conditions:
        a, b = series[left], series[right]
        truths.append({ABOVE: a > b, AT_LEAST: a >= b, CROSS: crosses_above(a, b), NEVER: np.zeros(len(a), dtype=bool)}[how])
    enter, leave, short_enter, short_leave = truths
    state, states = 0, []
    for i in range(series.shape[1]):
        if i >= first:
            goes_long, goes_short = enter[i] and not leave[i], short_enter[i] and not short_leave[i]
            if (state > 0 and leave[i]) or (state < 0 and short_leave[i]):
                goes_long, goes_short = goes_long and state < 0, goes_short and state > 0
                state = 0
            if state == 0:
                state = 1 if goes_long else -1 if goes_short else 0
        states.append(state)
    return states


def events_of(cell: list[int], series: np.ndarray[tuple[int, int], np.dtype[np.float64]], lengths: list[int]) -> list[tuple[int, int]]:
    """Find events tile by tile."""
    longest = (max(lengths) + 7) // 8 * 8
    tile = tile_in(new_room(len(series), longest), np.array([cell]), np.zeros((1, N_MIND), np.int64))
    before = np.column_stack([np.full(len(series), np.nan), series])
    found, at = [], 0
    for n in lengths:
        tile.rows[:, : n + 1] = before[:, at : at + n + 1]
        k = find_events(tile, 0, at, n)
        found += list(zip(tile.bars[:k].tolist(), tile.states[:k].tolist(), strict=True))
        at += n
    return found


def cell_of(conditions: list[Compared], first: int, *, is_pair: bool) -> list[int]:
    cell = [0] * N_CELL
    cell[FIRST_BAR], cell[IS_PAIR] = first, int(is_pair)
    cell[2:] = [part for condition in conditions for part in condition]
    return cell


@settings(max_examples=300)
@given(
    pairs=st.lists(st.tuples(LEVELS, LEVELS), min_size=40, max_size=40),
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=8).filter(lambda lengths: sum(lengths) <= 40),
    first=st.integers(0, 12),
    has_short=st.booleans(),
)
def test_a_pair_s_events_are_the_changes_of_the_rule_s_state(
    pairs: list[tuple[float, float]], lengths: list[int], first: int, *, has_short: bool
) -> None:
    series = np.array(pairs[: sum(lengths)]).T.copy()
    conditions = [UP, DOWN, DOWN, UP] if has_short else [UP, DOWN, NONE, NONE]
    states = states_of(conditions, series, first)
    held, expected = 0, []
    for bar, state in enumerate(states):
        if state != held:
            expected.append((bar, state))
            held = state
    found = events_of(cell_of(conditions, first, is_pair=True), series, lengths)
    if not has_short:
        # A pair without shorts tells of every cross down as below; that is flat, and the first of them may come while flat.
        found = [(bar, max(state, 0)) for bar, state in found]
        found = found[1:] if found and found[0][1] == 0 else found
    assert found == expected


@settings(max_examples=300)
@given(
    rows=st.lists(st.tuples(LEVELS, LEVELS, LEVELS), min_size=40, max_size=40),
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=8).filter(lambda lengths: sum(lengths) <= 40),
    first=st.integers(0, 12),
    conditions=st.lists(
        st.tuples(st.sampled_from([ABOVE, AT_LEAST, CROSS, NEVER]), st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=4
    ),
)
def test_events_of_any_four_conditions_are_the_changes_of_the_rule_s_state(
    rows: list[tuple[float, float, float]], lengths: list[int], first: int, conditions: list[Compared]
) -> None:
    series = np.array(rows[: sum(lengths)]).T.copy()
    states = states_of(conditions, series, first)
    expected = [(bar, state) for bar, (state, before) in enumerate(zip(states, [0, *states], strict=False)) if state != before]
    assert events_of(cell_of(conditions, first, is_pair=False), series, lengths) == expected
