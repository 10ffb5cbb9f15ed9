"""Which minutes of a day are not there."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from qts.core import IST, Exchange, Interval, Ints, micros_of
from qts.data.coverage import missing_stretches

NSE = Exchange.NSE


def minutes(on: str, *spans: tuple[str, str], step: int = 1) -> Ints:
    found: list[int] = []
    for first, last in spans:
        start, stop = (micros_of(datetime.fromisoformat(f"{on}T{at}").replace(tzinfo=IST)) for at in (first, last))
        found.extend(range(start, stop + 1, step * 60_000_000))
    return np.array(found, dtype=np.int64)


def told(
    ts: Ints, on: str, interval: str = "1m", *, exchange: Exchange = NSE, has_derivatives: bool | None = None
) -> list[tuple[str, str, int]]:
    stretches = missing_stretches(ts, exchange, date.fromisoformat(on), Interval(interval), has_derivatives=has_derivatives)
    return [(f"{one.first:%H:%M}", f"{one.last:%H:%M}", one.n_bars) for one in stretches]


def test_a_whole_day_lacks_nothing() -> None:
    assert told(minutes("2024-07-03", ("09:15", "15:29")), "2024-07-03") == []


def test_stretches_are_told_by_their_first_and_last_bar() -> None:
    held = minutes("2024-07-03", ("09:23", "11:59"), ("12:01", "15:28"))
    assert told(held, "2024-07-03") == [("09:15", "09:22", 8), ("12:00", "12:00", 1), ("15:29", "15:29", 1)]


def test_bars_that_nobody_expects_take_nothing_away() -> None:
    assert told(minutes("2024-07-03", ("09:15", "15:45")), "2024-07-03") == []


def test_a_drill_has_two_sessions_and_a_break_between() -> None:
    assert told(minutes("2024-03-02", ("09:15", "09:59")), "2024-03-02") == [("11:30", "12:29", 60)]


def test_longer_bars_lie_on_the_grid_from_the_open() -> None:
    held = minutes("2024-07-03", ("09:15", "14:15"), step=60)
    assert told(held, "2024-07-03", "60m") == [("15:15", "15:15", 1)]


@pytest.mark.parametrize(("has_derivatives", "last"), [(None, "15:14"), (True, "15:14"), (False, "15:29")])
def test_only_what_every_security_must_have_is_missed_after_the_auction_came(*, has_derivatives: bool | None, last: str) -> None:
    stretches = told(minutes("2026-08-03", ("09:15", "15:00")), "2026-08-03", has_derivatives=has_derivatives)
    assert stretches[0][:2] == ("15:01", last)


def test_a_holiday_a_day_and_an_index_lack_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert told(none, "2024-01-22") == []
    assert told(none, "2024-07-03", "1d") == []
    assert told(none, "2024-07-03", exchange=Exchange.INDEX) == []
