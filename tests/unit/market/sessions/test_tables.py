"""Corrections in force: everything that asks the calendar follows them, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from qts.core import Exchange, Interval
from qts.market.listing.expiry import monthly_expiry
from qts.market.sessions import (
    UserCalendar,
    bars_expected,
    bars_per_year,
    calendar_version,
    holidays,
    is_session,
    known_span,
    parse_user_calendar,
    previous_session,
    session_on,
    sessions,
    square_off_at,
    use_calendar,
)

NSE = Exchange.NSE
TEXT = """
[[session]]
date = 2025-03-05
kind = "alter"
windows = ["09:15-12:00"]
note = "early close"
source = "me"

[[session]]
date = 2025-03-08
kind = "add"
note = "Saturday"
source = "me"

[[session]]
date = 2025-07-31
kind = "remove"
note = "flood"
source = "me"

[[hours]]
market = "cash"
valid_from = 2027-01-04
continuous = "09:00-16:00"
source = "me"

[[holidays]]
year = 2027
source = "me"
[holidays.days]
2027-01-26 = "Republic Day"
"""


@pytest.fixture(autouse=True)
def _shipped_again() -> Iterator[None]:
    yield
    use_calendar(UserCalendar())


def corrected() -> None:
    use_calendar(parse_user_calendar(TEXT, origin="calendar.toml"))


def test_sessions_hours_counts_and_square_off_follow() -> None:
    assert bars_expected(NSE, date(2025, 3, 5), Interval.MINUTE_1) == 375
    corrected()
    assert bars_expected(NSE, date(2025, 3, 5), Interval.MINUTE_1) == 165
    assert f"{square_off_at(NSE, date(2025, 3, 5)):%H:%M}" == "11:50"
    assert is_session(NSE, date(2025, 3, 8))
    assert previous_session(NSE, date(2025, 3, 10)) == date(2025, 3, 8)
    assert [holiday.name for holiday in holidays(NSE, date(2025, 7, 28), date(2025, 8, 1))] == ["flood"]
    use_calendar(UserCalendar())
    assert bars_expected(NSE, date(2025, 3, 5), Interval.MINUTE_1) == 375
    assert not is_session(NSE, date(2025, 3, 8))


def test_an_expiry_moves_off_a_removed_session() -> None:
    assert monthly_expiry(Exchange.NFO, "NIFTY", date(2025, 7, 1)) == date(2025, 7, 31)
    corrected()
    assert monthly_expiry(Exchange.NFO, "NIFTY", date(2025, 7, 1)) == date(2025, 7, 30)


def test_a_year_of_holidays_is_on_record_and_no_longer_an_estimate() -> None:
    before = bars_per_year(NSE, Interval.DAY, date(2027, 1, 1), date(2027, 12, 31))
    assert known_span()[1] == date(2026, 12, 31)
    corrected()
    assert known_span()[1] == date(2027, 12, 31)
    assert not is_session(NSE, date(2027, 1, 26))
    session = session_on(NSE, date(2027, 1, 27))
    assert session is not None
    assert not session.is_estimate
    assert "calendar.toml" in session.source
    assert bars_per_year(NSE, Interval.DAY, date(2027, 1, 1), date(2027, 12, 31)) < before
    plain = session_on(NSE, date(2027, 1, 27), has_derivatives=False)
    assert plain is not None
    assert [(f"{window.opens_at:%H:%M}", f"{window.closes_at:%H:%M}") for window in plain.windows] == [("09:00", "16:00")]


def test_the_simulated_market_and_index_levels_stay_as_they_are() -> None:
    spans = [(exchange, sessions(exchange, date(2025, 1, 1), date(2027, 12, 31))) for exchange in (Exchange.SIM, Exchange.INDEX)]
    corrected()
    for exchange, before in spans:
        assert sessions(exchange, date(2025, 1, 1), date(2027, 12, 31)) == before


def test_the_version_is_empty_until_something_is_corrected() -> None:
    assert calendar_version() == ""
    corrected()
    assert len(calendar_version()) == 12
