from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.app.jobs.timing import due_between, next_due, parse_timing
from qts.core.clock import IST
from qts.core.errors import BadParameter
from qts.core.instrument import Exchange


def ist(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=IST)


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        pytest.param("close+45", "2024-08-14", "2024-08-17", ["2024-08-14T16:45", "2024-08-16T16:45"], id="not on a holiday"),
        pytest.param("close+45", "2024-03-01T20:00", "2024-03-04", ["2024-03-02T13:15"], id="a special Saturday"),
        pytest.param("close+30", "2024-10-31T20:00", "2024-11-04", ["2024-11-01T19:30"], id="the Muhurat hour"),
        pytest.param("close+30", "2026-11-07", "2026-11-09", ["2026-11-08T19:45"], id="the Muhurat hour on a Sunday"),
        pytest.param("trading@08:30", "2024-08-14", "2024-08-17", ["2024-08-14T08:30", "2024-08-16T08:30"], id="trading days"),
        pytest.param("daily@02:00", "2024-08-14T02:00", "2024-08-16T02:00", ["2024-08-15T02:00", "2024-08-16T02:00"], id="after, until"),
        pytest.param("sunday@03:00", "2024-08-01", "2024-08-12", ["2024-08-04T03:00", "2024-08-11T03:00"], id="a weekday"),
    ],
)
def test_it_is_due_when_the_calendar_says(text: str, start: str, end: str, expected: list[str]) -> None:
    found = due_between(parse_timing(text), Exchange.NSE, after=ist(start), until=ist(end))
    assert [due.astimezone(IST).strftime("%Y-%m-%dT%H:%M") for due in found] == expected


def test_what_is_due_after_midnight_belongs_to_the_session_before() -> None:
    found = due_between(parse_timing("close+45"), Exchange.MCX, after=ist("2024-08-13T20:00"), until=ist("2024-08-14T20:00"))
    assert [due.isoformat() for due in found] == ["2024-08-14T00:15:00+05:30"]


@pytest.mark.parametrize("text", ["", "daily", "daily@24:00", "someday@08:30", "close", "close+29", "close+721", "close-5", "08:30"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadParameter) as refused:
        parse_timing(text)
    assert "close+45" in refused.value.hint


@pytest.mark.parametrize("text", ["daily@02:00", "trading@08:30", "monday@00:00", "close+45"])
def test_what_is_written_is_read_again(text: str) -> None:
    assert parse_timing(text).text == text
    assert parse_timing(f" {text.upper()} ") == parse_timing(text)


@given(
    text=st.sampled_from(["daily@02:00", "trading@08:30", "friday@23:59", "close+45"]),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001 - placed in India below
    cuts=st.lists(st.integers(0, 20 * 1440), min_size=1, max_size=6),
)
def test_looking_often_finds_what_looking_once_finds(text: str, start: datetime, cuts: list[int]) -> None:
    timing, after = parse_timing(text), start.replace(tzinfo=IST)
    looks = [after, *(after + timedelta(minutes=cut) for cut in sorted(cuts))]
    parts = [due for a, b in itertools.pairwise(looks) for due in due_between(timing, Exchange.NSE, after=a, until=b)]
    whole = due_between(timing, Exchange.NSE, after=after, until=looks[-1])
    assert parts == list(whole)
    following = next_due(timing, Exchange.NSE, after=after)
    assert following is not None
    assert not whole or whole[0] == following
