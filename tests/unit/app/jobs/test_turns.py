from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.app.jobs.document import JobState
from qts.app.jobs.job_store import JobTicket
from qts.app.jobs.turns import next_turns


def tickets(users: str) -> list[JobTicket]:
    return [
        JobTicket(id=f"{user}{i}", kind="k", request="{}", attempt=1, state=JobState.QUEUED, refused=None, submitted_by=user)
        for i, user in enumerate(users)
    ]


@pytest.mark.parametrize(
    ("waiting", "at_work", "last_began", "at_once", "per_user", "expected"),
    [
        pytest.param("aaab", "", {}, 2, 2, ["a0", "b3"], id="each one"),
        pytest.param("aaab", "", {"a": "2026"}, 1, 1, ["b3"], id="who never had a turn comes first"),
        pytest.param("ab", "", {"a": "2025", "b": "2026"}, 1, 1, ["a0"], id="whose turn is longest ago comes first"),
        pytest.param("aaab", "aa", {}, 8, 2, ["b3"], id="no more of one user than he may have"),
        pytest.param("abab", "a", {}, 4, 8, ["b1", "a0", "b3"], id="who has fewest at work comes first"),
        pytest.param("aa", "bb", {}, 2, 2, [], id="no room"),
        pytest.param("aaa", "", {}, 8, 2, ["a0", "a1"], id="the oldest first"),
    ],
)
def test_whose_turn_it_is(  # noqa: PLR0917 - a row of the table
    waiting: str, at_work: str, last_began: dict[str, str], at_once: int, per_user: int, expected: list[str]
) -> None:
    found = next_turns(tickets(waiting), at_work, last_began=last_began, at_once=at_once, per_user=per_user)
    assert [one.id for one in found] == expected


@given(waiting=st.text("abcd", max_size=40), at_work=st.text("abcd", max_size=6), at_once=st.integers(1, 8), per_user=st.integers(1, 8))
def test_limits_hold_no_place_is_left_empty_and_nobody_is_passed_over_twice(
    waiting: str, at_work: str, at_once: int, per_user: int
) -> None:
    chosen = next_turns(tickets(waiting), at_work, last_began={}, at_once=at_once, per_user=per_user)
    before = Counter(at_work)
    after = before + Counter(one.submitted_by for one in chosen)
    assert len({one.id for one in chosen}) == len(chosen)
    assert after.total() <= max(at_once, len(at_work))
    assert all(after[user] <= max(per_user, before[user]) for user in after)
    left = Counter(waiting) - Counter(one.submitted_by for one in chosen)
    if after.total() < at_once:
        assert all(after[user] >= per_user for user in left)
    for user in left:  # whoever waits has as many at work as anybody who was given a place, or one less
        given_one = [after[other] for other in {one.submitted_by for one in chosen}]
        assert after[user] >= per_user or not given_one or after[user] >= max(given_one) - 1


def test_fifty_jobs_of_one_let_the_only_one_of_another_be_second() -> None:
    waiting, order = tickets("a" * 50 + "b"), []
    last: dict[str, str] = {}
    for turn in range(51):
        (one,) = next_turns(waiting, "", last_began=last, at_once=1, per_user=1)
        last[one.submitted_by] = f"{turn:03}"
        waiting.remove(one)
        order.append(one.id)
    assert order[:3] == ["a0", "b50", "a1"]
    assert order[2:] == [f"a{i}" for i in range(1, 50)]
