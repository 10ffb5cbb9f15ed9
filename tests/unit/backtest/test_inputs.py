from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from qts.backtest.inputs import check_bars, gather
from qts.core import Bars, Interval
from qts.core.errors import BadParameter, DataError, DuplicateBar
from qts.strategies import Strategy

MakeBars = Callable[..., Bars]
FLAT = Strategy(title="Flat", targets=lambda bars: np.zeros(len(bars)))


def test_no_instrument_is_refused() -> None:
    with pytest.raises(BadParameter, match="instruments"):
        gather(FLAT, {}, [])


def test_an_instrument_given_twice_is_refused(make_bars: MakeBars) -> None:
    with pytest.raises(BadParameter, match="twice"):
        gather(FLAT, {}, [make_bars([(1, 1)]), make_bars([(1, 1)])])


def test_mixed_intervals_are_refused(make_bars: MakeBars) -> None:
    minutes = make_bars([(1, 1)], name="NSE:B", interval=Interval.MINUTE_5)
    with pytest.raises(BadParameter, match="5m bars"):
        gather(FLAT, {}, [make_bars([(1, 1)]), minutes])


def test_no_bars_are_refused(make_bars: MakeBars) -> None:
    with pytest.raises(DataError, match="NSE:INFY has no bars"):
        check_bars(make_bars([]))


@pytest.mark.parametrize("price", [0.0, -5.0, math.inf, -math.inf, 1e13])
@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
def test_a_price_that_is_none_names_the_bar(make_bars: MakeBars, column: str, price: float) -> None:
    bars = make_bars([(1, 1), (2, 2), (3, 3)])
    wrong = getattr(bars, column).copy()
    wrong[1] = price
    with pytest.raises(DataError, match=rf"1d bar of NSE:INFY at 2024-05-07T09:15:00\+05:30 has {column} {price}"):
        check_bars(replace(bars, **{column: wrong}))


def test_a_zero_beside_a_nan_is_still_found(make_bars: MakeBars) -> None:
    bars = make_bars([(1, 1), (2, 2), (3, 3)])
    with pytest.raises(DataError, match=r"open 0\.0"):
        check_bars(replace(bars, open=np.array([math.nan, 0.0, 3.0])))


@pytest.mark.parametrize("volume", [-1.0, math.inf])
def test_a_volume_that_is_none_names_the_bar(make_bars: MakeBars, volume: float) -> None:
    with pytest.raises(DataError, match="2024-05-06"):
        check_bars(make_bars([(1, 1)], volumes=[volume]))


def test_unsorted_and_doubled_bars_are_named(make_bars: MakeBars) -> None:
    bars = make_bars([(1, 1), (2, 2), (3, 3)])
    with pytest.raises(DataError, match=r"2024-05-07.*after a later one"):
        check_bars(replace(bars, ts=bars.ts[[0, 2, 1]]))
    with pytest.raises(DuplicateBar, match=r"2024-05-07.*twice"):
        check_bars(replace(bars, ts=bars.ts[[0, 1, 1]]))


def test_columns_lie_on_the_union_of_the_instants(make_bars: MakeBars) -> None:
    a = make_bars([(1, 10), (2, 20), (3, 30)], name="NSE:A", skip=[1])
    b = make_bars([(4, 40), (5, 50), (6, 60)], name="NSE:B", skip=[2])
    line = gather(Strategy(title="On", targets=lambda bars: np.ones(len(bars))), {}, [a, b])
    np.testing.assert_array_equal(line.close, [[10, math.nan, 30], [40, 50, math.nan]])
    np.testing.assert_array_equal(line.target, [[1, math.nan, 1], [1, 1, math.nan]])
    assert len(line.ts) == 3


def test_a_bar_with_a_nan_price_says_nothing(make_bars: MakeBars) -> None:
    bars = make_bars([(1, 10), (math.nan, 20), (3, 30)])
    line = gather(Strategy(title="On", targets=lambda bars: -np.ones(len(bars))), {}, [bars])
    np.testing.assert_array_equal(line.close[0], [10, math.nan, 30])
    np.testing.assert_array_equal(line.target[0], [-1, math.nan, -1])
    assert line.n_below_zero == 2


def test_a_strategy_that_never_decides_warms_up_for_ever(make_bars: MakeBars) -> None:
    mute = Strategy(title="Mute", targets=lambda bars: np.full(len(bars), math.nan))
    assert gather(mute, {}, [make_bars([(1, 1)] * 4)]).warmup_bars == 4


def test_the_warm_up_is_that_of_the_slowest_instrument(make_bars: MakeBars) -> None:
    def late(bars: Bars) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        wanted = np.ones(len(bars))
        wanted[: 3 if bars.instrument == "NSE:B" else 1] = math.nan
        return wanted

    pair = [make_bars([(1, 1)] * 4, name=name) for name in ("NSE:A", "NSE:B")]
    assert gather(Strategy(title="Late", targets=late), {}, pair).warmup_bars == 3
