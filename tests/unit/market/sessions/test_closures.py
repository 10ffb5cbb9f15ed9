"""Holidays with their names and sources."""

from __future__ import annotations

from datetime import date

import pytest

from qts.core import Exchange
from qts.market.sessions import holiday_name, holidays, is_session
from qts.market.sessions.holidays import holidays_by_year

NSE = Exchange.NSE


def test_the_sixteen_holidays_of_2026_have_names_and_a_source() -> None:
    found = holidays(NSE, date(2026, 1, 1), date(2026, 12, 31))
    assert len(found) == 16
    assert all(holiday.name and holiday.source and not holiday.is_estimate for holiday in found)
    assert (found[0].date, found[0].name) == (date(2026, 1, 15), "Municipal elections in Maharashtra")


def test_every_holiday_since_2006_has_a_name() -> None:
    nameless = [on for year, days in holidays_by_year().items() if year >= 2006 for on in days if not holiday_name(on)]
    assert nameless == []


@pytest.mark.parametrize(
    ("on", "name"),
    [
        ("2024-03-29", "Good Friday"),
        ("2025-10-02", "Mahatma Gandhi Jayanti, Dussehra"),
        ("2008-11-27", "Attacks on Mumbai"),
        ("1998-04-28", ""),
    ],
)
def test_names_come_from_the_table_the_rule_or_are_absent(on: str, name: str) -> None:
    assert holiday_name(date.fromisoformat(on)) == name


def test_holidays_are_the_weekdays_without_a_session() -> None:
    for exchange in Exchange:
        for holiday in holidays(exchange, date(2023, 1, 1), date(2026, 12, 31)):
            assert not is_session(exchange, holiday.date)
            assert holiday.date.weekday() < 5


def test_currency_has_more_holidays_than_shares() -> None:
    span = date(2026, 1, 1), date(2026, 12, 31)
    more = {holiday.date: holiday.name for holiday in holidays(NSE, *span, segment="currency")}
    assert len(more) == 20
    assert more[date(2026, 3, 19)] == "Gudi Padwa"


def test_commodities_are_shut_only_on_the_great_holidays() -> None:
    found = holidays(Exchange.MCX, date(2026, 1, 1), date(2026, 12, 31))
    assert [holiday.name for holiday in found] == ["Republic Day", "Good Friday", "Mahatma Gandhi Jayanti", "Christmas"]


def test_years_not_on_record_have_none() -> None:
    assert holidays(NSE, date(2040, 1, 1), date(2040, 12, 31)) == ()


def test_a_removed_session_is_a_holiday_with_the_words_of_its_row() -> None:
    (found,) = holidays(NSE, date(2013, 11, 15), date(2013, 11, 15))
    assert (found.name, found.is_estimate) == ("holiday moved from the 14th", False)
