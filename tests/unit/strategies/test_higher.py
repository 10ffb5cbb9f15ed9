"""Longer bars beside a strategy's own: only closed ones are seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qts.core import Bars, Interval
from qts.core.errors import BadParameter
from qts.kernels import ema
from qts.strategies import higher_bars

Minutes = Callable[..., Bars]


def test_the_day_is_seen_with_its_last_minute_and_not_before(minutes: Minutes) -> None:
    bars = minutes(2 * 375)
    daily = higher_bars(bars, "1d")
    assert daily.latest[:375].tolist() == [-1] * 374 + [0]
    assert daily.latest[375:].tolist() == [0] * 374 + [1]
    assert daily.bars.close.tolist() == bars.close[[374, 749]].tolist()
    seen = daily.of(daily.bars.close)
    assert np.isnan(seen[:374]).all()
    assert seen[374] == bars.close[374]
    assert seen[748] == bars.close[374]


def test_a_forming_bar_is_not_there(minutes: Minutes) -> None:
    assert len(higher_bars(minutes(30), "1d").bars) == 0
    assert len(higher_bars(minutes(70), "60m").bars) == 1


def test_a_strategy_on_two_intervals_sees_the_same_past_whatever_follows(minutes: Minutes) -> None:
    bars = minutes(5 * 375)

    def trend(series: Bars) -> list[float]:
        hourly = higher_bars(series, Interval.MINUTE_60)
        return list(hourly.of(ema(hourly.bars.close, 3)))

    whole = trend(bars)
    for cut in (1, 59, 60, 61, 374, 375, 376, 1000):
        assert np.array_equal(trend(bars.window(0, cut)), whole[:cut], equal_nan=True)


def test_values_of_another_length_are_refused(minutes: Minutes) -> None:
    with pytest.raises(BadParameter, match="there are 1 longer bars"):
        higher_bars(minutes(60), "60m").of(np.zeros(60))


@pytest.mark.parametrize("interval", ["1m", "7m"])
def test_what_is_not_longer_is_refused(minutes: Minutes, interval: str) -> None:
    with pytest.raises(BadParameter):
        higher_bars(minutes(60), interval)
