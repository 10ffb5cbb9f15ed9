"""Bars of a session and of a year."""

from __future__ import annotations

from datetime import date

import pytest

from qts.core import Exchange, Interval
from qts.market.sessions import BarRange, bar_range, bars_expected, bars_per_year, sessions

NSE, DAY, MINUTE = Exchange.NSE, Interval.DAY, Interval.MINUTE_1
CLOSING_AUCTION = date(2026, 8, 3)


@pytest.mark.parametrize(
    ("interval", "plain", "with_derivatives"),
    [("1m", 375, 360), ("5m", 75, 72), ("15m", 25, 24), ("30m", 13, 12), ("60m", 7, 6)],
)
def test_shares_have_the_known_counts(interval: str, plain: int, with_derivatives: int) -> None:
    length = Interval(interval)
    assert bars_expected(NSE, date(2024, 7, 3), length) == plain
    assert bars_expected(NSE, date(2026, 7, 31), length, has_derivatives=True) == plain
    assert bars_expected(NSE, CLOSING_AUCTION, length, has_derivatives=True) == with_derivatives
    assert bars_expected(NSE, CLOSING_AUCTION, length, has_derivatives=False) == plain
    assert bars_expected(NSE, CLOSING_AUCTION, length) is None


@pytest.mark.parametrize(
    ("exchange", "on", "expected"),
    [
        pytest.param(Exchange.NFO, "2026-07-31", 375, id="derivatives before the extension"),
        pytest.param(Exchange.NFO, "2026-08-03", 385, id="derivatives to 15:40"),
        pytest.param(NSE, "2025-10-21", 60, id="Muhurat"),
        pytest.param(NSE, "2024-03-02", 105, id="two short sessions"),
        pytest.param(NSE, "2024-05-18", 105, id="two short sessions, second drill"),
        pytest.param(NSE, "2026-02-01", 375, id="Budget Sunday"),
        pytest.param(NSE, "2024-01-22", 0, id="holiday"),
        pytest.param(Exchange.CDS, "2024-07-03", 480, id="currency"),
        pytest.param(Exchange.MCX, "2024-07-03", 870, id="commodity"),
        pytest.param(Exchange.INDEX, "2024-07-03", None, id="index: hours unknown"),
        pytest.param(NSE, "2010-01-04", 390, id="opening at 09:00, before the nominal open"),
    ],
)
def test_minutes_of_a_session(exchange: Exchange, on: str, expected: int | None) -> None:
    assert bars_expected(exchange, date.fromisoformat(on), MINUTE) == expected


def test_day_has_one_bar_and_a_holiday_none() -> None:
    assert bars_expected(NSE, date(2024, 7, 3), DAY) == 1
    assert bars_expected(NSE, CLOSING_AUCTION, DAY) == 1
    assert bars_expected(NSE, date(2024, 1, 22), DAY) == 0
    assert bars_expected(NSE, date(2024, 7, 3), Interval.WEEK) is None


def test_day_without_regular_hours_is_known_whatever_the_security() -> None:
    assert bars_expected(NSE, date(2026, 11, 8), MINUTE) == 60


def test_years_of_days_are_counted_on_the_calendar() -> None:
    start, end = date(2011, 1, 1), date(2020, 12, 31)
    assert bars_per_year(NSE, DAY, start, end) == pytest.approx(len(sessions(NSE, start, end)) / 3653 * 365.25)
    assert 246 < bars_per_year(NSE, DAY, start, end) < 250


def test_span_of_a_few_days_takes_the_whole_year() -> None:
    assert bars_per_year(NSE, DAY, date(2024, 3, 1), date(2024, 3, 5)) == pytest.approx(249 / 366 * 365.25)


def test_minutes_of_a_year_count_special_sessions_by_their_length() -> None:
    # 249 sessions in 2024: 246 full ones, Muhurat of 60 minutes, two drills of 105 minutes.
    assert bars_per_year(NSE, MINUTE, date(2024, 1, 1), date(2024, 12, 31)) == pytest.approx((246 * 375 + 60 + 2 * 105) / 366 * 365.25)


def test_securities_with_derivatives_have_fewer_minutes_since_the_auction() -> None:
    span = date(2026, 1, 1), date(2026, 12, 31)
    assert bars_per_year(NSE, MINUTE, *span, has_derivatives=True) < bars_per_year(NSE, MINUTE, *span)


@pytest.mark.parametrize(
    ("exchange", "interval", "expected"),
    [
        (Exchange.INDEX, DAY, 252.0),
        (Exchange.INDEX, Interval.MINUTE_60, 252.0 * 7),
        (NSE, Interval.MONTH, 12.0),
        (NSE, Interval.WEEK, 365.25 / 7),
    ],
)
def test_bars_without_a_calendar_have_conventional_counts(exchange: Exchange, interval: Interval, expected: float) -> None:
    assert bars_per_year(exchange, interval, date(2020, 1, 1), date(2022, 1, 1)) == pytest.approx(expected)


def test_years_beyond_the_table_do_not_raise() -> None:
    assert bars_per_year(NSE, DAY, date(2030, 1, 1), date(2031, 12, 31)) == pytest.approx(261, abs=1.5)


@pytest.mark.parametrize(
    ("exchange", "on", "interval", "expected"),
    [
        pytest.param(NSE, "2026-08-03", "1m", (360, 375), id="a share nobody knows about"),
        pytest.param(NSE, "2026-08-03", "15m", (24, 25), id="in quarters of an hour"),
        pytest.param(NSE, "2026-07-31", "1m", (375, 375), id="the day before the auction came"),
        pytest.param(Exchange.NFO, "2026-08-03", "1m", (385, 385), id="derivatives"),
        pytest.param(NSE, "2024-03-02", "5m", (21, 21), id="a drill in two sessions"),
        pytest.param(NSE, "2024-01-22", "1m", (0, 0), id="a holiday"),
        pytest.param(NSE, "2026-08-03", "1d", (1, 1), id="a day is one bar"),
    ],
)
def test_bars_of_a_session_lie_in_a_range(exchange: Exchange, on: str, interval: str, expected: tuple[int, int]) -> None:
    found = bar_range(exchange, date.fromisoformat(on), Interval(interval))
    assert found is not None
    assert (found.at_least, found.at_most) == expected


@pytest.mark.parametrize(("has_derivatives", "n_bars"), [(True, 360), (False, 375)])
def test_the_range_is_one_number_where_the_security_is_known(*, has_derivatives: bool, n_bars: int) -> None:
    found = bar_range(NSE, CLOSING_AUCTION, MINUTE, has_derivatives=has_derivatives)
    assert found == BarRange(at_least=n_bars, at_most=n_bars, is_estimate=False)


def test_a_year_without_a_list_of_holidays_gives_estimates() -> None:
    found = bar_range(NSE, date(2031, 1, 6), MINUTE)
    assert found is not None
    assert found.is_estimate


@pytest.mark.parametrize(("exchange", "interval"), [(NSE, Interval.WEEK), (NSE, Interval.MONTH), (Exchange.INDEX, MINUTE)])
def test_nothing_is_said_where_nothing_is_known(exchange: Exchange, interval: Interval) -> None:
    assert bar_range(exchange, date(2024, 7, 3), interval) is None
