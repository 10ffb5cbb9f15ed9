"""Regular hours: rows by date, summer time of New York, Good Friday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.market.sessions.hours import Market, good_friday, hours_on, is_us_summer, parse_span


@given(st.dates(date(1987, 1, 1), date(2050, 12, 31)))
def test_summer_time_is_that_of_the_zone_database(on: date) -> None:
    noon = datetime(on.year, on.month, on.day, 17, tzinfo=UTC).astimezone(ZoneInfo("America/New_York"))
    assert is_us_summer(on) == (noon.dst() != timedelta(0))


@pytest.mark.parametrize(
    "friday", ["1997-03-28", "2000-04-21", "2008-03-21", "2019-04-19", "2023-04-07", "2024-03-29", "2025-04-18", "2026-04-03"]
)
def test_good_friday_is_that_of_the_exchanges_lists(friday: str) -> None:
    assert good_friday(int(friday[:4])).isoformat() == friday


def test_market_without_a_row_yet_has_no_hours_only_for_the_auction() -> None:
    assert hours_on(Market.CASH_WITH_DERIVATIVES, date(2026, 8, 2)) is None
    for market in set(Market) - {Market.CASH_WITH_DERIVATIVES}:
        assert hours_on(market, date(1950, 1, 2)) is not None


def test_window_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        parse_span("15:30-09:15")
