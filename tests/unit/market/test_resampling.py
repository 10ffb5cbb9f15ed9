"""Longer bars out of shorter ones: the grid, the prices, and when a bar is known to be complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from qts.core import IST, Bars, Floats, InstrumentId, Interval, instant_of, micros_of
from qts.core.errors import BadParameter
from qts.market.resampling import resample
from qts.market.sessions import UserCalendar, parse_user_calendar, use_calendar


def minutes(*stamps: datetime, step: int = 1, close: Floats | None = None) -> Bars:
    n = len(stamps)
    closes = np.arange(100.0, 100.0 + n) if close is None else close
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval(f"{step}m"),
        ts=np.array([micros_of(stamp) for stamp in stamps], dtype=np.int64),
        open=closes - 0.5,
        high=closes + 1.0,
        low=closes - 1.0,
        close=closes,
        volume=np.full(n, 10.0),
        oi=np.full(n, np.nan),
    )


def session(day: str, n_bars: int = 375, *, step: int = 1, opens: str = "09:15") -> list[datetime]:
    first = datetime.fromisoformat(f"{day}T{opens}").replace(tzinfo=IST)
    return [first + k * step * timedelta(minutes=1) for k in range(n_bars)]


def test_hours_start_with_the_session_and_not_with_the_clock() -> None:
    longer = resample(minutes(*session("2024-07-03")), Interval.MINUTE_60)
    assert [f"{instant_of(int(ts)):%H:%M}" for ts in longer.bars.ts] == ["09:15", "10:15", "11:15", "12:15", "13:15", "14:15", "15:15"]
    assert longer.bars.volume.tolist() == [600.0] * 6 + [150.0]
    assert longer.closed_at.tolist() == [59, 119, 179, 239, 299, 359, 374]


def test_prices_are_first_highest_lowest_last() -> None:
    longer = resample(minutes(*session("2024-07-03", 15)), Interval.MINUTE_15).bars
    assert (longer.open[0], longer.high[0], longer.low[0], longer.close[0]) == (99.5, 115.0, 99.0, 114.0)


def test_a_day_is_complete_with_the_last_minute_of_its_session() -> None:
    bars = minutes(*session("2024-07-03"), *session("2024-07-04", 10))
    longer = resample(bars, Interval.DAY)
    assert [instant_of(int(ts)).isoformat() for ts in longer.bars.ts] == ["2024-07-03T09:15:00+05:30", "2024-07-04T09:15:00+05:30"]
    assert longer.closed_at.tolist() == [374, len(bars)]


def test_a_window_without_its_last_bar_is_complete_with_the_next_bar_only() -> None:
    stamps = session("2024-07-03")
    del stamps[59]
    longer = resample(minutes(*stamps), Interval.MINUTE_60)
    assert longer.closed_at[0] == 59
    assert f"{instant_of(int(minutes(*stamps).ts[59])):%H:%M}" == "10:15"


def test_a_day_without_its_last_minutes_is_complete_the_next_morning() -> None:
    longer = resample(minutes(*session("2024-07-03", 300), *session("2024-07-04", 5)), Interval.DAY)
    assert longer.closed_at.tolist() == [300, 305]


def test_a_muhurat_hour_is_a_day_of_its_own() -> None:
    longer = resample(minutes(*session("2024-11-01", 60, opens="18:00")), Interval.DAY)
    assert f"{instant_of(int(longer.bars.ts[0])):%Y-%m-%d %H:%M}" == "2024-11-01 09:15"
    assert longer.closed_at.tolist() == [59]


@pytest.mark.parametrize("on", ["2026-07-31", "2026-08-03"])
def test_a_share_that_stops_at_a_quarter_past_three_is_complete_the_next_morning(on: str) -> None:
    # 360 bars: all of them for a share with derivatives from 2026-08-03 on, and fifteen missing before.
    longer = resample(minutes(*session(on, 360)), Interval.MINUTE_15)
    assert longer.closed_at[-1] == 359
    day = resample(minutes(*session(on, 360)), Interval.DAY)
    assert day.closed_at.tolist() == [360]


def test_weeks_end_with_their_last_session() -> None:
    days = ["2024-10-28", "2024-10-29", "2024-10-30", "2024-10-31", "2024-11-01", "2024-11-04"]
    stamps = [datetime.fromisoformat(f"{day}T09:15").replace(tzinfo=IST) for day in days]
    bars = minutes(*stamps)
    daily = Bars(
        **{name: getattr(bars, name) for name in ("instrument", "ts", "open", "high", "low", "close", "volume", "oi")},
        interval=Interval.DAY,
    )
    longer = resample(daily, Interval.WEEK)
    assert [f"{instant_of(int(ts)):%Y-%m-%d}" for ts in longer.bars.ts] == ["2024-10-28", "2024-11-04"]
    assert longer.closed_at.tolist() == [4, 6]
    months = resample(daily, Interval.MONTH)
    assert [f"{instant_of(int(ts)):%Y-%m-%d}" for ts in months.bars.ts] == ["2024-10-28", "2024-11-01"]
    assert months.closed_at.tolist() == [3, 6]


def test_a_bar_without_a_price_does_not_open_or_close_a_window() -> None:
    close = np.arange(100.0, 115.0)
    close[[0, 14]] = np.nan
    longer = resample(minutes(*session("2024-07-03", 15), close=close), Interval.MINUTE_15).bars
    assert (longer.open[0], longer.close[0]) == (100.5, 113.0)


def test_what_no_bar_has_stays_absent_and_what_some_have_is_taken_of_those() -> None:
    bars = minutes(*session("2024-07-03"), *session("2024-07-04"))
    volume, oi = bars.volume.copy(), bars.oi.copy()
    volume[:375], oi[[400, 749]] = np.nan, (7.0, np.nan)
    volume[380] = np.nan
    days = resample(replace(bars, volume=volume, oi=oi), Interval.DAY).bars
    assert_array_equal(days.volume, [np.nan, 3_740.0])
    assert_array_equal(days.oi, [np.nan, 7.0])
    assert_array_equal(resample(bars, Interval.DAY).bars.oi, [np.nan, np.nan])


def test_a_day_is_complete_when_the_calendar_in_force_says_so() -> None:
    bars = minutes(*session("2024-07-03", 60))
    assert resample(bars, Interval.DAY).closed_at.tolist() == [60]
    text = """
        [[session]]
        date = 2024-07-03
        kind = "alter"
        windows = ["09:15-10:15"]
        note = "cut short"
        source = "own notes"
    """
    use_calendar(parse_user_calendar(text, origin="calendar.toml"))
    try:
        assert resample(bars, Interval.DAY).closed_at.tolist() == [59]
    finally:
        use_calendar(UserCalendar())
    assert resample(bars, Interval.DAY).closed_at.tolist() == [60]


@pytest.mark.parametrize(("have", "want"), [("1m", "1m"), ("3m", "10m"), ("15m", "5m")])
def test_what_does_not_divide_is_refused(have: str, want: str) -> None:
    bars = minutes(*session("2024-07-03", 5), step=int(have[:-1]))
    with pytest.raises(BadParameter, match="cannot be made of bars"):
        resample(bars, Interval(want))


def test_no_bars_give_none() -> None:
    assert len(resample(minutes(), Interval.DAY).bars) == 0


@given(missing=st.sets(st.integers(0, 749), max_size=700), want=st.sampled_from(["5m", "15m", "60m", "1d"]), cut=st.integers(1, 750))
def test_what_is_closed_never_changes_when_more_bars_come(missing: set[int], want: str, cut: int) -> None:
    stamps = [stamp for k, stamp in enumerate(session("2024-07-03") + session("2024-07-04")) if k not in missing]
    whole, part = minutes(*stamps), minutes(*stamps[:cut])
    later, now = resample(whole, Interval(want)), resample(part, Interval(want))
    n_closed = int(np.count_nonzero(now.closed_at < len(part)))
    assert n_closed == int(np.count_nonzero(later.closed_at < len(part)))
    for name in ("ts", "open", "high", "low", "close", "volume"):
        assert getattr(now.bars, name)[:n_closed].tolist() == getattr(later.bars, name)[:n_closed].tolist()
