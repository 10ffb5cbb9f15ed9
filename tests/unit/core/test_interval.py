from __future__ import annotations

import pytest

from qts.core import Interval, parse_interval
from qts.core.errors import BadParameter


@pytest.mark.parametrize("interval", list(Interval))
def test_every_interval_reads_back_from_its_own_name(interval: Interval) -> None:
    assert parse_interval(str(interval)) is interval
    assert parse_interval(f" {interval.upper()} ") is interval


@pytest.mark.parametrize(
    ("text", "expected"),
    [("minute", "1m"), ("60minute", "60m"), ("1h", "60m"), ("day", "1d"), ("D", "1d"), ("week", "1w"), ("month", "1mo")],
)
def test_brokers_spellings_are_understood(text: str, expected: str) -> None:
    assert parse_interval(text) == expected


def test_an_unknown_interval_lists_those_there_are() -> None:
    with pytest.raises(BadParameter) as caught:
        parse_interval("7m")
    assert "7m" in caught.value.message
    assert "15m" in caught.value.hint


def test_minutes_are_those_of_intraday_intervals_only() -> None:
    assert Interval.MINUTE_15.minutes == 15
    assert Interval.DAY.minutes is None
    assert [i for i in Interval if not i.is_intraday] == [Interval.DAY, Interval.WEEK, Interval.MONTH]
