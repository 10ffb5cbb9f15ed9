from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.data.fetching import closed_days, lost_days, needed_days, spans_of

EPOCH = date(1970, 1, 1)


@pytest.mark.parametrize(
    ("held", "fetched", "is_needed"),
    [
        pytest.param(0, None, True, id="nothing held, never asked"),
        pytest.param(374, None, True, id="a minute missing, never asked"),
        pytest.param(375, None, False, id="whole, whoever delivered it"),
        pytest.param(0, 0, False, id="asked, and nothing was there"),
        pytest.param(372, 372, False, id="asked, and three minutes had no trade"),
        pytest.param(371, 372, True, id="one of those was deleted"),
        pytest.param(375, 380, True, id="whole by the calendar, but the source gave more"),
        pytest.param(390, 380, False, id="more than the source gave"),
    ],
)
def test_a_day_is_asked_for_when_something_of_it_can_be_had(held: int, fetched: int | None, *, is_needed: bool) -> None:
    found = needed_days(
        np.array([100]), np.array([375]), held={100: held} if held else {}, fetched={} if fetched is None else {100: fetched}
    )
    assert found == ([100] if is_needed else [])


def test_a_session_that_promises_nothing_certain_is_asked_for_once() -> None:
    assert needed_days(np.array([7]), np.array([0]), held={}, fetched={}) == [7]
    assert needed_days(np.array([7]), np.array([0]), held={}, fetched={7: 0}) == []


@given(days=st.lists(st.integers(0, 3000), unique=True).map(sorted), most=st.integers(1, 400))
def test_spans_hold_every_day_in_as_few_requests_as_possible(days: list[int], most: int) -> None:
    spans = spans_of(days, most_days=most)
    numbers = [((span.first - EPOCH).days, (span.last - EPOCH).days) for span in spans]
    assert [day for first, last in numbers for day in days if first <= day <= last] == days
    assert all(last - first < most and first in days and last in days for first, last in numbers)
    # No span could have taken the first day of the next one: filling each up is the fewest there can be.
    assert all(later - first >= most for (first, _), (later, _) in pairwise(numbers))


def test_dates_are_those_of_the_days() -> None:
    (span,) = spans_of([20_000, 20_005], most_days=60)
    assert (span.first, span.last) == (EPOCH + timedelta(days=20_000), EPOCH + timedelta(days=20_005))


SESSIONS = np.array([4, 5, 6, 7, 8, 11, 12, 13])  # a Monday to a Friday, and three days of the next week


@pytest.mark.parametrize(
    ("needed", "first", "asked", "closed"),
    [
        pytest.param([11], 4, (), [9, 10], id="the weekend before a Monday"),
        pytest.param([5, 6, 12], 4, (), [], id="between two sessions there is nothing"),
        pytest.param([4], 2, (), [2, 3], id="no further back than is wanted"),
        pytest.param([4, 11], 4, (), [9, 10], id="a Monday that is the first day wanted"),
        pytest.param([11], 4, (11,), [], id="a Monday that was asked for has had its weekend"),
    ],
)
def test_days_before_a_session_that_was_never_asked_for_come_with_it(
    needed: list[int], first: int, asked: tuple[int, ...], closed: list[int]
) -> None:
    assert closed_days(needed, SESSIONS, first=first, asked=asked) == closed


def test_bars_of_a_day_that_is_no_session_are_lost_when_fewer_are_held_than_came() -> None:
    fetched = {5: 10, 9: 60, 10: 60, 30: 60}
    assert lost_days(fetched, SESSIONS, held={9: 60, 10: 59}, span=(4, 13)) == [10]
