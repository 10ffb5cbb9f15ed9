from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qts.app.catalog import SeriesDocument
from qts.ui.components.series import first_choice, first_day, instruments, intervals, last_day, months_before


def held(instrument: str, interval: str, first: str = "2026-01-01", last: str = "2026-11-20") -> SeriesDocument:
    return SeriesDocument(
        instrument=instrument, interval=interval, prices="raw", first=f"{first}T03:45:00+00:00", last=f"{last}T03:45:00+00:00", bars=1,
        missing=None, quality=None, simulated=False, sources=(), last_close=1.0,
    )  # fmt: skip


SERIES = (
    held("INDEX:SP500", "1d"),
    held("SIM:ABC", "1d"),
    held("NSE:INFY", "1d", last="2026-11-19"),
    held("NSE:INFY", "1m", first="2026-09-01"),
    held("NSE:TCS", "1m"),
)


def test_shares_come_first_then_contracts_and_indices_last() -> None:
    series = (*SERIES, held("NFO:ABC25DECFUT", "1d"))
    assert instruments(series) == ["NSE:INFY", "NSE:TCS", "NFO:ABC25DECFUT", "SIM:ABC", "INDEX:SP500"]


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param(SERIES, "NSE:INFY", id="daily bars before minutes"),
        pytest.param((held("NSE:AAA", "1d"), held("NSE:ZZZ", "1d").model_copy(update={"bars": 900})), "NSE:ZZZ", id="the longest history"),
        pytest.param((held("NSE:ZZZ", "1d"), held("NSE:AAA", "1d")), "NSE:AAA", id="by name where equal"),
        pytest.param((held("NFO:AAA", "1d"), held("NSE:TCS", "1m")), "NSE:TCS", id="a share before a contract"),
        pytest.param((), None, id="nothing held"),
    ],
)
def test_the_first_choice_is_a_share_with_a_long_daily_history(series: tuple[SeriesDocument, ...], expected: str | None) -> None:
    assert first_choice(series) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(["NSE:INFY"], ["1m", "1d"]), (["NSE:INFY", "NSE:TCS"], ["1m"]), (["NSE:TCS", "SIM:ABC"], []), ([], []), (["NSE:NONE"], [])],
)
def test_intervals_are_those_that_all_share(wanted: list[str], expected: list[str]) -> None:
    assert intervals(SERIES, wanted) == expected


def test_the_span_covers_all_that_are_wanted() -> None:
    assert first_day(SERIES, ["NSE:INFY", "NSE:TCS"], "1m") == date(2026, 1, 1)
    assert last_day(SERIES, ["NSE:INFY", "SIM:ABC"], "1d") == date(2026, 11, 20)
    assert first_day(SERIES, ["NSE:TCS"], "1d") is None
    assert last_day(SERIES, ["NSE:TCS"], "1d") is None


def test_the_span_is_that_of_the_prices_that_are_read() -> None:
    raw = held("NSE:INFY", "1d", first="2020-01-01", last="2026-11-20")
    adjusted = held("NSE:INFY", "1d", first="2010-01-01", last="2024-04-02").model_copy(update={"prices": "adjusted"})
    assert last_day([raw, adjusted], ["NSE:INFY"], "1d") == date(2024, 4, 2)
    assert first_day([raw, adjusted], ["NSE:INFY"], "1d") == date(2010, 1, 1)


@given(some.dates(date(1980, 1, 1), date(2100, 1, 1)), some.integers(1, 120))
def test_months_before_is_that_many_months_earlier(day: date, months: int) -> None:
    earlier = months_before(day, months)
    assert (day.year - earlier.year) * 12 + day.month - earlier.month == months
    assert earlier.day <= day.day
