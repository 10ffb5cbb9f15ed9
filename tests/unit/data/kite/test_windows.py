from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import IST, Interval
from qts.core.errors import BadParameter
from qts.data.kite import candle_windows
from qts.data.kite.windows import MOST_DAYS, SPELLINGS


@given(interval=st.sampled_from(sorted(MOST_DAYS)), first=st.dates(date(2010, 1, 1), date(2026, 1, 1)), n_days=st.integers(1, 6000))
def test_windows_cover_every_date_once_in_the_fewest_requests(interval: Interval, first: date, n_days: int) -> None:
    last = first + timedelta(days=n_days - 1)
    windows = candle_windows(interval, first, last)
    days = [one.first + timedelta(days=k) for one in windows for k in range((one.last - one.first).days + 1)]
    assert days == [first + timedelta(days=k) for k in range(n_days)]
    assert len(windows) == -(-n_days // MOST_DAYS[interval])
    assert all((one.end - one.start).total_seconds() < MOST_DAYS[interval] * 86_400 for one in windows)


def test_a_window_ends_within_its_last_minute_in_india() -> None:
    (window,) = candle_windows(Interval.MINUTE_5, date(2026, 1, 5), date(2026, 1, 5))
    assert (window.start.isoformat(), window.end.isoformat()) == ("2026-01-05T00:00:00+05:30", "2026-01-05T23:59:59+05:30")
    assert window.start.tzinfo is IST


def test_no_dates_need_no_request() -> None:
    assert candle_windows(Interval.DAY, date(2026, 1, 5), date(2026, 1, 4)) == ()


def test_what_the_broker_does_not_have_is_refused() -> None:
    with pytest.raises(BadParameter, match="no such candles"):
        candle_windows(Interval.WEEK, date(2026, 1, 5), date(2026, 1, 5))
    assert set(SPELLINGS) == set(MOST_DAYS)
