"""The generated holiday table."""

from __future__ import annotations

from datetime import date, timedelta

import exchange_calendars
import pytest

from qts.market.sessions import known_span
from qts.market.sessions.holidays import holidays_by_year


def test_holidays_of_2026_are_the_sixteen_published_ones() -> None:
    published = "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10 11-24 12-25"
    assert holidays_by_year()[2026] == {date.fromisoformat(f"2026-{day}") for day in published.split()}


def test_every_year_of_the_span_has_holidays_on_weekdays_only() -> None:
    table = holidays_by_year()
    first, last = known_span()
    assert sorted(table) == list(range(first.year, last.year + 1))
    # The library misses most holidays of 1998; the overlay corrects that year from observed trades.
    assert all(len(days) in range(4 if year == 1998 else 9, 26) for year, days in table.items())
    assert all(day.weekday() < 5 and day.year == year for year, days in table.items() for day in days)


# The library's own use of pandas is deprecated there.
@pytest.mark.filterwarnings("ignore:Series.values")
def test_table_is_the_librarys() -> None:
    first, last = known_span()
    library = exchange_calendars.get_calendar("XBOM", start=first.isoformat(), end=last.isoformat())
    held = {stamp.date() for stamp in library.sessions}
    days = (first + timedelta(days=i) for i in range((last - first).days + 1))
    closed = {day for day in days if day.weekday() < 5 and day not in held}
    assert {day for days_of_year in holidays_by_year().values() for day in days_of_year} == closed
