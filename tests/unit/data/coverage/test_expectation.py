"""What the calendar promises, as arrays."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from qts.core import Exchange, Interval
from qts.data.coverage import expected_days, key_of_day
from qts.market.sessions import bars_expected, sessions

EPOCH = date(1970, 1, 1)


def day(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


@pytest.mark.parametrize("interval", [Interval.DAY, Interval.MINUTE_1, Interval.MINUTE_15, Interval.MINUTE_60])
def test_it_is_the_calendars_own_count(interval: Interval) -> None:
    found = expected_days(Exchange.NSE, interval, day("2023-12-20"), day("2024-03-10"))
    assert found is not None
    wanted = [(session.date - EPOCH).days for session in sessions(Exchange.NSE, date(2023, 12, 20), date(2024, 3, 10))]
    assert found.days.tolist() == wanted
    counts = [
        bars_expected(Exchange.NSE, session.date, interval) for session in sessions(Exchange.NSE, date(2023, 12, 20), date(2024, 3, 10))
    ]
    assert found.at_least.tolist() == found.at_most.tolist() == counts


def test_a_share_nobody_describes_has_a_range_since_the_closing_auction() -> None:
    span = day("2026-07-31"), day("2026-08-03")
    found = expected_days(Exchange.NSE, Interval.MINUTE_1, *span)
    assert found is not None
    assert (found.at_least.tolist(), found.at_most.tolist()) == ([375, 360], [375, 375])
    known = expected_days(Exchange.NSE, Interval.MINUTE_1, *span, has_derivatives=True)
    assert known is not None
    assert known.at_most.tolist() == [375, 360]
    simulated = expected_days(Exchange.SIM, Interval.MINUTE_1, *span)
    assert simulated is not None
    assert simulated.at_least.tolist() == [375, 375]


def test_weeks_and_months_begin_with_their_first_session() -> None:
    span = day("2024-01-17"), day("2024-01-31")
    weeks = expected_days(Exchange.NSE, Interval.WEEK, *span)
    months = expected_days(Exchange.NSE, Interval.MONTH, *span)
    assert weeks is not None
    assert months is not None
    # Monday 22 January was a holiday.
    assert weeks.days.tolist() == [day("2024-01-15"), day("2024-01-23"), day("2024-01-29")]
    assert months.days.tolist() == [day("2024-01-01")]
    assert set(weeks.at_most.tolist()) == {1}


def test_keys_join_the_days_whose_bars_are_one() -> None:
    days = np.array([day("2024-01-31"), day("2024-02-01"), day("2024-02-04"), day("2024-02-05")])
    assert len(set(key_of_day(days, Interval.WEEK)[:3].tolist())) == 1
    assert len(set(key_of_day(days, Interval.WEEK).tolist())) == 2
    assert key_of_day(days, Interval.MONTH).tolist() == [648, 649, 649, 649]
    assert key_of_day(days, Interval.DAY).tolist() == days.tolist()


def test_index_levels_have_no_calendar() -> None:
    assert expected_days(Exchange.INDEX, Interval.DAY, day("2024-01-01"), day("2024-02-01")) is None


def test_years_without_a_list_of_holidays_are_estimates() -> None:
    found = expected_days(Exchange.NSE, Interval.DAY, day("2026-12-30"), day("2027-01-05"))
    assert found is not None
    assert found.is_estimate.tolist() == [False, False, True, True, True]
