from __future__ import annotations

import math

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from qts.core import Bools, Floats
from qts.kernels import crosses_above, crosses_below, hold

NAN = math.nan
PAIRS = st.integers(0, 30).flatmap(
    lambda n: st.tuples(*(hnp.arrays(np.float64, n, elements=st.sampled_from([1.0, 2.0, 3.0, NAN])) for _ in range(2)))
)


@pytest.mark.parametrize(
    ("fast", "slow", "above", "below"),
    [
        pytest.param([1, 3], [2, 2], [False, True], [False, False], id="from below to above"),
        pytest.param([3, 1], [2, 2], [False, False], [False, True], id="from above to below"),
        pytest.param([2, 3], [2, 2], [False, True], [False, False], id="from equal to above"),
        pytest.param([1, 2], [2, 2], [False, False], [False, False], id="touching is no cross"),
        pytest.param([3, 2, 3], [2, 2, 2], [False, False, True], [False, False, False], id="touching from above and turning counts again"),
        pytest.param([NAN, 3], [2, 2], [False, False], [False, False], id="undefined before"),
        pytest.param([1, NAN, 3], [2, 2, 2], [False, False, False], [False, False, False], id="undefined between"),
        pytest.param([], [], [], [], id="no bars"),
        pytest.param([5], [1], [False], [False], id="one bar"),
    ],
)
def test_crosses(fast: list[float], slow: list[float], above: list[bool], below: list[bool]) -> None:
    assert crosses_above(np.array(fast), np.array(slow)).tolist() == above
    assert crosses_below(np.array(fast), np.array(slow)).tolist() == below


@given(pair=PAIRS)
def test_crosses_are_what_the_words_say(pair: tuple[Floats, Floats]) -> None:
    fast, slow = pair
    for t in range(len(fast)):
        up = t > 0 and fast[t - 1] <= slow[t - 1] and fast[t] > slow[t]
        down = t > 0 and fast[t - 1] >= slow[t - 1] and fast[t] < slow[t]
        assert crosses_above(fast, slow)[t] == up
        assert crosses_below(fast, slow)[t] == down


@given(events=hnp.arrays(np.bool_, st.tuples(st.just(2), st.integers(0, 30))), outside=st.sampled_from([0.0, -1.0]))
def test_hold_switches_at_events_and_keeps_between(events: Bools, outside: float) -> None:
    enter, leave = events
    state, expected = 0.0, []
    for goes_in, goes_out in zip(enter, leave, strict=True):
        state = outside if goes_out else 1.0 if goes_in else state
        expected.append(state)
    assert_array_equal(hold(enter, leave, outside=outside), expected)
