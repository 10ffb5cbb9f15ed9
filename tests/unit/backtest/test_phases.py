from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from qts.backtest import BacktestSettings, FillTiming
from qts.backtest.inputs import gather
from qts.backtest.phases import session_phases
from qts.core import IST, Bars, Interval, Product
from qts.core.errors import BadParameter
from qts.kernels.state import CLOSED, LAST
from qts.strategies import Strategy

MakeBars = Callable[..., Bars]
FLAT = Strategy(title="Flat", targets=lambda bars: np.zeros(len(bars)))
MIS = BacktestSettings(product=Product.MIS)
AFTERNOON = datetime(2024, 5, 6, 15, 0, tzinfo=IST)


def phases(bars: Bars, settings: BacktestSettings = MIS) -> list[int]:
    return [int(phase) for phase in session_phases(gather(FLAT, {}, [bars]), bars.interval, settings).reshape(-1)]


def test_products_held_overnight_have_no_phases(make_bars: MakeBars) -> None:
    assert phases(make_bars([(1, 1)]), BacktestSettings()) == []


def test_each_daily_bar_is_a_session_s_last(make_bars: MakeBars) -> None:
    assert phases(make_bars([(1, 1)] * 3)) == [LAST] * 3


def test_from_the_square_off_time_on_the_session_is_closed(make_bars: MakeBars) -> None:
    bars = make_bars([(1, 1)] * 6, start=AFTERNOON, interval=Interval.MINUTE_5)
    got = phases(bars)
    assert got[0] == 0
    assert got[-1] == CLOSED | LAST
    assert got == sorted(got)


def test_an_index_has_no_square_off_time(make_bars: MakeBars) -> None:
    assert phases(make_bars([(1, 1)] * 6, name="INDEX:SP500", start=AFTERNOON, interval=Interval.MINUTE_5)) == [0, 0, 0, 0, 0, LAST]


def test_the_last_bar_is_the_last_with_prices(make_bars: MakeBars) -> None:
    bars = make_bars([(1, 1)] * 3, start=datetime(2024, 5, 6, 10, 0, tzinfo=IST), interval=Interval.MINUTE_5)
    assert phases(replace(bars, close=np.array([1.0, 1.0, np.nan]))) == [0, LAST, 0]


@pytest.mark.parametrize("interval", [Interval.WEEK, Interval.MONTH])
def test_bars_longer_than_a_session_are_refused(make_bars: MakeBars, interval: Interval) -> None:
    with pytest.raises(BadParameter, match="MIS"):
        phases(make_bars([(1, 1)], interval=interval))


def test_buying_and_squaring_off_at_one_close_is_refused(make_bars: MakeBars) -> None:
    with pytest.raises(BadParameter, match="fill = close"):
        phases(make_bars([(1, 1)]), BacktestSettings(product=Product.MIS, fill=FillTiming.CLOSE))
