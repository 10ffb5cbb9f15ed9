"""What a strategy sees bar by bar: the past, and nothing after it."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from qts.core import Bars
from qts.core.errors import BadParameter
from qts.kernels import ema
from qts.strategies import Column, Indicator
from qts.strategies.feed import Feed

Walk = Callable[..., Bars]


def test_a_history_holds_what_is_known_and_no_more(walk: Walk) -> None:
    bars = walk(5)
    feed = Feed(bars)
    close = feed.column("close")
    assert close == []
    for k in range(5):
        feed.advance()
        assert close == bars.close[: k + 1].tolist()
        with pytest.raises(IndexError):
            close[k + 1]


def test_a_history_asked_for_late_begins_with_the_first_bar(walk: Walk) -> None:
    bars = walk(5)
    feed = Feed(bars)
    feed.advance()
    feed.advance()
    assert feed.column("high") == bars.high[:2].tolist()
    feed.advance()
    assert feed.column("high") == bars.high[:3].tolist()


def test_writing_into_a_history_changes_nothing_else(walk: Walk) -> None:
    bars = walk(3)
    feed = Feed(bars)
    feed.advance()
    feed.column("close")[0] = -1.0
    assert bars.close[0] > 0
    assert Feed(bars).column("close") == []


def test_an_indicator_is_revealed_in_step_and_equals_its_batch_form(walk: Walk) -> None:
    bars = walk(40)
    feed = Feed(bars)
    fast = feed.indicator(Indicator("ema", 5, of=Column("high")))
    expected = ema(bars.high, 5).tolist()
    for k in range(40):
        feed.advance()
        assert len(fast) == k + 1
        assert fast[-1] == expected[k] or (math.isnan(fast[-1]) and math.isnan(expected[k]))


def test_longer_bars_appear_when_they_close(minutes: Walk) -> None:
    bars = minutes(2 * 375)
    feed = Feed(bars)
    hours = feed.column("close", "60m")
    trend = feed.indicator(Indicator("sma", 2), "60m")
    lengths = []
    for _ in range(len(bars)):
        feed.advance()
        lengths.append(len(hours))
    assert [lengths[k] for k in (58, 59, 118, 119, 373, 374, 375, 433, 434)] == [0, 1, 1, 2, 6, 7, 7, 7, 8]
    assert hours[0] == bars.close[59]
    assert trend[1] == pytest.approx((hours[0] + hours[1]) / 2)
    late = feed.column("close", "60m")
    assert late is hours


def test_an_unknown_column_is_refused(walk: Walk) -> None:
    with pytest.raises(BadParameter, match="no such column"):
        Feed(walk(3)).column("mid")
