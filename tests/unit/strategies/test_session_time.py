"""Where in its session a bar stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from qts.core import Bars, Interval
from qts.core.errors import BadParameter
from qts.strategies import session_time

Make = Callable[..., Bars]


def test_minutes_count_from_the_session_s_nominal_open(minutes: Make) -> None:
    time = session_time(minutes(2 * 375))
    assert time.opened.tolist() == [*range(375), *range(375)]
    assert (time.closed == time.opened + 1).all()
    assert (time.day[:375] == time.day[0]).all()
    assert (time.day[375:] == time.day[0] + 1).all()


def test_the_close_is_a_bar_later_than_the_open(minutes: Make) -> None:
    five = dataclasses.replace(minutes(30), interval=Interval.MINUTE_5)
    assert (session_time(five).closed == session_time(five).opened + 5).all()


def test_each_exchange_has_its_own_open(minutes: Make) -> None:
    assert session_time(minutes(1, name="MCX:GOLD26DECFUT")).opened.tolist() == [15]


def test_no_bars_have_no_times(minutes: Make) -> None:
    assert len(session_time(minutes(0)).day) == 0


def test_bars_of_a_day_have_no_time_of_day(walk: Make) -> None:
    with pytest.raises(BadParameter, match="1d: has no time of day"):
        session_time(walk(3))
