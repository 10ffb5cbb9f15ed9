from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from qts.backtest import BacktestResult
from qts.core import IST, Bars, Interval, Product

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


@pytest.mark.parametrize(("year", "n_told"), [(2025, 0), (2031, 1)])
def test_fills_after_the_rates_were_last_confirmed_are_told(play: Play, make_bars: MakeBars, year: int, n_told: int) -> None:
    bars = make_bars([(100, 100)] * 4, start=datetime(year, 9, 8, 9, 15, tzinfo=IST))
    told = play([1, 0, 0, 0], bars, costs="zerodha").warnings
    assert sum(sentence.startswith("The rates were last confirmed on ") for sentence in told) == n_told
    assert not any("confirmed" in sentence for sentence in play([1, 0, 0, 0], bars, costs="none").warnings)


@pytest.mark.parametrize(("year", "n_told"), [(2025, 0), (2026, 1)])
def test_an_estimated_time_of_squaring_off_is_told(play: Play, make_bars: MakeBars, year: int, n_told: int) -> None:
    # Since the closing auction of 2026-08-03 the broker's time is not on record.
    bars = make_bars([(100, 100)] * 3, start=datetime(year, 9, 10, 13, 35, tzinfo=IST), interval=Interval.MINUTE_60)
    told = play([1, 1, 1], bars, product=Product.MIS).warnings
    assert sum(sentence.startswith("The time from which intraday positions are closed is an estimate: ") for sentence in told) == n_told


def test_squaring_off_at_the_close_of_a_daily_bar_needs_no_time(play: Play, make_bars: MakeBars) -> None:
    bars = make_bars([(100, 100)] * 3, start=datetime(2026, 9, 9, 9, 15, tzinfo=IST))
    assert not any("estimate" in sentence for sentence in play([1, 1, 1], bars, product=Product.MIS).warnings)


def test_estimates_of_intraday_rates_are_told_for_delivery_sold_the_same_day(play: Play, make_bars: MakeBars) -> None:
    bars = make_bars([(100, 100)] * 4, start=datetime(2020, 6, 10, 9, 15, tzinfo=IST), interval=Interval.MINUTE_1)
    assert any("brokerage" in sentence for sentence in play([1, 0, 0, 0], bars, costs="zerodha").warnings)
    assert not any("brokerage" in sentence for sentence in play([1, 1, 1, 1], bars, costs="zerodha").warnings)


def test_shares_settled_order_by_order_are_told(play: Play, make_bars: MakeBars) -> None:
    bars = [make_bars([(100, 100)] * 3, name=name) for name in ("NSE:XYZ-BE", "NSE:INFY", "NSE:ABC-BZ")]
    said = "Settled order by order, as a trade-to-trade series is: what was bought and sold on one day was not netted"
    unknown = "Sales before the shares were delivered were not refused: NSE:XYZ-BE, NSE:ABC-BZ."
    assert play([1, 0, 0], *bars).warnings == (f"{said}. {unknown}",)
    assert f"{said}, and each order paid the charges of delivery. {unknown}" in play([1, 0, 0], *bars, costs="zerodha").warnings
    assert play([0, 0, 0], *bars).warnings == ()
