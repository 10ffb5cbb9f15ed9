from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from qts.app.calendar import list_sessions, parse_exchange
from qts.app.requests import CalendarRequest
from qts.core import Exchange, FixedClock
from qts.core.errors import BadParameter

CLOCK = FixedClock(datetime(2026, 11, 20, 20, tzinfo=UTC))


def test_without_a_span_it_starts_today_in_india() -> None:
    document = list_sessions(CalendarRequest(), CLOCK)
    assert (document.start, document.end) == ("2026-11-21", "2026-12-21")


def test_an_end_alone_looks_thirty_days_back() -> None:
    document = list_sessions(CalendarRequest(end=date(2022, 1, 31)), CLOCK)
    assert (document.start, document.end) == ("2022-01-01", "2022-01-31")


def test_a_republic_day_week_has_four_sessions() -> None:
    document = list_sessions(CalendarRequest(start=date(2022, 1, 24), end=date(2022, 1, 30)), CLOCK)
    assert [session.date[-2:] for session in document.sessions] == ["24", "25", "27", "28"]
    window = next(part for part in document.sessions[0].windows if part.kind == "continuous")
    assert (window.opens_at, window.closes_at) == ("2022-01-24T09:15:00+05:30", "2022-01-24T15:30:00+05:30")
    assert document.sessions[0].weekday == "Monday"


def test_2027_is_estimated_and_does_not_fail() -> None:
    document = list_sessions(CalendarRequest(start=date(2027, 6, 1), end=date(2027, 6, 30)), CLOCK)
    assert document.sessions
    assert all(session.is_estimate for session in document.sessions)


@pytest.mark.parametrize(
    ("start", "end"), [(date(2022, 2, 1), date(2022, 1, 1)), (date(1900, 1, 1), date(2022, 1, 1))], ids=["turned round", "too long"]
)
def test_a_span_that_makes_no_sense_is_refused(start: date, end: date) -> None:
    with pytest.raises(BadParameter, match="to = 2022-01-01"):
        list_sessions(CalendarRequest(start=start, end=end), CLOCK)


def test_exchanges_are_read_in_any_case() -> None:
    assert parse_exchange(" nse ") is Exchange.NSE
    with pytest.raises(BadParameter, match="NYSE"):
        parse_exchange("NYSE")


@pytest.mark.parametrize(
    ("request_", "edges"),
    [
        pytest.param(CalendarRequest(start=date.max), ("9999-12-31", "9999-12-31"), id="the last date there is"),
        pytest.param(CalendarRequest(end=date.min), ("0001-01-01", "0001-01-01"), id="the first date there is"),
    ],
)
def test_the_edges_of_the_calendar_can_be_asked_for(request_: CalendarRequest, edges: tuple[str, str]) -> None:
    document = list_sessions(request_, FixedClock(datetime(2026, 1, 1, tzinfo=UTC)))
    assert (document.start, document.end) == edges


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-11-20T20:00+05:30", "2026-11-23", id="after the last window of a Friday"),
        pytest.param("2026-11-20T15:45+05:30", "2026-11-20", id="before the post-close"),
        pytest.param("2026-11-23T16:30+05:30", "2026-11-25", id="the next day is a holiday"),
        pytest.param("2026-01-31T12:00+05:30", "2026-02-01", id="the Budget Sunday"),
    ],
)
def test_the_session_that_comes_next_is_told(now: str, expected: str) -> None:
    document = list_sessions(CalendarRequest(), FixedClock(datetime.fromisoformat(now)))
    assert document.next_session.date == expected


def test_next_session_is_that_of_the_segment() -> None:
    clock = FixedClock(datetime.fromisoformat("2026-03-31T20:00+05:30"))
    assert list_sessions(CalendarRequest(), clock).next_session.date == "2026-04-01"
    assert list_sessions(CalendarRequest(segment="currency"), clock).next_session.date == "2026-04-02"


def test_holidays_of_the_span_have_names_and_sources() -> None:
    document = list_sessions(CalendarRequest(start=date(2022, 1, 24), end=date(2022, 1, 30)), CLOCK)
    (holiday,) = document.holidays
    assert (holiday.date, holiday.weekday, holiday.name) == ("2022-01-26", "Wednesday", "Republic Day")
    assert holiday.source
