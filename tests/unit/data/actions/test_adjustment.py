"""Back-adjusted prices: by hand on small series, and as laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from qts.core import Bars
from qts.data.actions import ActionRecord, Step, back_adjust, closes_needed, last_closes, steps_of

MakeBars = Callable[..., Bars]
MakeRecord = Callable[..., ActionRecord]
DAY = date(2024, 1, 1)


def test_prices_before_a_bonus_are_halved_and_volumes_doubled(make_bars: MakeBars, make_record: MakeRecord) -> None:
    bars = make_bars([200.0, 210.0, 104.0, 105.0], volume=1000.0)
    steps = steps_of([make_record("bonus", "2024-01-03").action], {})
    adjusted = back_adjust(bars, steps)
    assert_array_equal(adjusted.close, [100.0, 105.0, 104.0, 105.0])
    assert_array_equal(adjusted.high[:2], bars.high[:2] / 2)
    assert_array_equal(adjusted.volume, [2000.0, 2000.0, 1000.0, 1000.0])
    assert_array_equal(bars.close, [200.0, 210.0, 104.0, 105.0])


def test_factors_of_later_actions_multiply_and_those_of_one_day_too(make_bars: MakeBars, make_record: MakeRecord) -> None:
    bars = make_bars([1000.0, 1000.0, 100.0, 50.0])
    records = [make_record("bonus", "2024-01-03"), make_record("split", "2024-01-03", ratio="5"), make_record("bonus", "2024-01-04")]
    adjusted = back_adjust(bars, steps_of([record.action for record in records], {}))
    assert_allclose(adjusted.close, [50.0, 50.0, 50.0, 50.0], rtol=1e-15)


def test_dividends_count_in_the_total_return_only_and_leave_volumes_alone(make_bars: MakeBars, make_record: MakeRecord) -> None:
    bars = make_bars([100.0, 98.0])
    dividend = make_record("dividend", "2024-01-02", cash="2").action
    assert closes_needed([dividend]) == ()
    assert closes_needed([dividend], total_return=True) == (date(2024, 1, 2),)
    closes = last_closes(bars, [date(2024, 1, 2)])
    assert closes == {date(2024, 1, 2): 100.0}
    assert back_adjust(bars, steps_of([dividend], closes)) is bars
    total = back_adjust(bars, steps_of([dividend], closes, total_return=True))
    assert_array_equal(total.close, [98.0, 98.0])
    assert_array_equal(total.volume, bars.volume)


def test_rights_are_priced_at_the_last_close_before_them(make_bars: MakeBars, make_record: MakeRecord) -> None:
    bars = make_bars([157.80, 128.3])
    rights = make_record("rights", "2024-01-02", ratio="1.5", price="70").action
    adjusted = back_adjust(bars, steps_of([rights], last_closes(bars, closes_needed([rights]))))
    assert adjusted.close[0] == pytest.approx((2 * 157.80 + 70) / 3, rel=1e-12)


def test_an_action_before_the_first_bar_adjusts_nothing(make_bars: MakeBars, make_record: MakeRecord) -> None:
    bars = make_bars([100.0, 101.0])
    rights = make_record("rights", "2023-12-29", ratio="1.5", price="70").action
    assert last_closes(bars, [rights.ex_date]) == {}
    assert steps_of([rights], {}) == ()
    assert_array_equal(back_adjust(bars, steps_of([make_record("bonus", "2024-01-01").action], {})).close, bars.close)


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    days = draw(st.lists(st.integers(-3, 33), max_size=6))
    return [Step(ex_date=DAY + timedelta(days=day), factor=draw(st.floats(0.05, 2.0))) for day in days]


@given(given=steps(), data=st.data())
def test_each_bar_is_multiplied_by_the_product_of_the_later_factors(make_bars: MakeBars, given: list[Step], data: st.DataObject) -> None:
    bars = _walk(make_bars, data)
    adjusted = back_adjust(bars, given)
    for i in range(len(bars)):
        expected = np.prod([step.factor for step in given if step.ex_date > DAY + timedelta(days=i)])
        assert adjusted.close[i] == pytest.approx(bars.close[i] * expected, rel=1e-12)
    # The value traded stays, and so does the order of the four prices.
    assert_allclose(adjusted.close * adjusted.volume, bars.close * bars.volume, rtol=1e-12)
    assert np.all((adjusted.low <= adjusted.open) & (adjusted.open <= adjusted.high))


@given(given=steps(), data=st.data())
def test_a_later_action_scales_the_past_and_changes_no_return_in_it(make_bars: MakeBars, given: list[Step], data: st.DataObject) -> None:
    bars = _walk(make_bars, data)
    before = back_adjust(bars, given)
    after = back_adjust(bars, [*given, Step(ex_date=DAY + timedelta(days=40), factor=0.5)])
    assert_allclose(after.close, before.close * 0.5, rtol=1e-12)


def _walk(make_bars: MakeBars, data: st.DataObject) -> Bars:
    n_bars = data.draw(st.integers(1, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars)))
    return make_bars(close.tolist())
