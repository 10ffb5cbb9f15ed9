from __future__ import annotations

from collections.abc import Iterator

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from qts.core import Floats
from qts.kernels.crosses import (
    ABOVE,
    ALWAYS,
    AT_LEAST,
    CROSS,
    NEVER,
    Mask,
    changes,
    compare,
    crossed,
    last_bar,
    lowest_bar,
    next_true,
    untied,
)
from qts.kernels.events import crosses_above, crosses_below
from qts.kernels.sweeping import new_room

LEVELS = st.sampled_from([1.0, 2.0, 3.0, float("nan")])
PAIRS = st.lists(st.tuples(LEVELS, LEVELS), min_size=2, max_size=40)


@pytest.fixture(autouse=True)
def wrapping_words() -> Iterator[None]:
    """Words wrap around, compiled without a word, plain with a warning."""
    with np.errstate(over="ignore"):
        yield


def mask_of(bars: list[bool]) -> Mask:
    room = new_room(1, (len(bars) + 7) // 8 * 8)
    mask = Mask(room.bars[0], room.words[0])
    mask.bars[: len(bars)] = bars
    return mask


def rows_of(pairs: list[tuple[float, float]]) -> Floats:
    return np.array(pairs, dtype=np.float64).T.copy()


@given(bars=st.lists(st.booleans(), min_size=1, max_size=70), start=st.integers(0, 80))
def test_the_next_true_bar(bars: list[bool], start: int) -> None:
    mask = mask_of(bars)
    after = [at for at in np.flatnonzero(mask.bars).tolist() if at >= start]
    assert next_true(mask.words, start) == (after[0] if after else len(mask.bars))


@pytest.mark.parametrize("first", range(8))
def test_the_lowest_bar_of_a_word(first: int) -> None:
    assert lowest_bar(mask_of([False] * first + [True] * (8 - first)).words[0]) == first
    assert lowest_bar(mask_of([False] * first + [True] + [False] * (7 - first)).words[0]) == first


@given(bars=st.lists(st.booleans(), min_size=8, max_size=8), before=st.booleans())
def test_changes_are_bars_that_differ_from_the_one_before(bars: list[bool], before: bool) -> None:  # noqa: FBT001 - drawn
    word = mask_of(bars).words[0]
    found = np.array([changes(word, np.uint64(before))]).view(np.uint8)
    assert found.tolist() == [int(now != then) for now, then in zip(bars, [before, *bars], strict=False)]
    assert last_bar(word) == int(bars[-1])


@given(pairs=PAIRS)
def test_masks_say_what_whole_arrays_say(pairs: list[tuple[float, float]]) -> None:
    rows = rows_of(pairs)
    left, right = rows
    n = len(left) - 1
    expected = {
        ABOVE: left > right,
        AT_LEAST: left >= right,
        CROSS: crosses_above(left, right),
        NEVER: np.zeros(n + 1, dtype=bool),
        ALWAYS: np.ones(n + 1, dtype=bool),
    }
    for how, wanted in expected.items():
        mask = mask_of([True] * (n + 5))
        compare(rows, (how, 0, 1), n, mask)
        assert mask.bars[:n].tolist() == wanted[1:].astype(int).tolist(), how
        assert not mask.bars[n:].any()


@given(pairs=PAIRS)
def test_a_cross_by_its_definition(pairs: list[tuple[float, float]]) -> None:
    rows = rows_of(pairs)
    up, down = crosses_above(*rows), crosses_below(*rows)
    assert [crossed(rows, 0, 1, i) for i in range(len(pairs) - 1)] == (up.astype(int) - down.astype(int))[1:].tolist()


@given(pairs=PAIRS, start=st.integers(0, 40))
def test_the_first_bar_on_which_two_series_differ(pairs: list[tuple[float, float]], start: int) -> None:
    rows = rows_of(pairs)
    n = len(pairs) - 1
    differ = [i for i in range(start, n) if rows[0, i + 1] != rows[1, i + 1]]
    assert untied(rows, (0, 1), start, n) == (differ[0] if differ else max(start, n))
