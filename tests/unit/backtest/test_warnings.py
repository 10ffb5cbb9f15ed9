from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from qts.backtest import BacktestResult
from qts.core import IST, Bars

MakeBars = Callable[..., Bars]
Play = Callable[..., BacktestResult]


def test_a_clean_run_says_nothing(play: Play, make_bars: MakeBars) -> None:
    assert play([1, 0, 0], make_bars([(100, 100)] * 3)).warnings == ()


def test_several_orders_are_told_in_the_plural(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 0, 1, 1], make_bars([(100, 100)] * 4), capital="10")
    assert result.warnings == ("2 orders were not filled, for the cash could not pay one share.",)


def test_a_size_too_small_for_a_share_is_told(play: Play, make_bars: MakeBars) -> None:
    result = play([1, 0, 0], make_bars([(100, 100)] * 3), size="cash:99")
    assert result.fills == ()
    assert result.warnings[0].startswith("1 target was too small for one share: nothing was held.")
    assert play([1, 0, 0], make_bars([(100, 100)] * 3), size="cash:99", fractional=True).fills


def test_each_estimated_rate_is_told_once(play: Play, make_bars: MakeBars) -> None:
    bars = make_bars([(100, 100)] * 5, start=datetime(2018, 5, 7, 9, 15, tzinfo=IST))
    told = play([1, 0, 1, 0, 0], bars, costs="zerodha").warnings
    assert told
    assert len(set(told)) == len(told)
    assert all(sentence.startswith("A rate used is an estimate: ") for sentence in told)
    assert play([0, 0, 0, 0, 0], bars, costs="zerodha").warnings == ()
