"""Raw beside adjusted: each step of their ratio is an action, whatever single days do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from qts.core import Bars
from qts.data.actions import compare_series

MakeBars = Callable[..., Bars]


@pytest.fixture
def raw(make_bars: MakeBars) -> Bars:
    rng = np.random.default_rng(2)
    return make_bars(np.round(1000 * np.exp(np.cumsum(rng.normal(0, 0.01, 120))), 2).tolist())


def adjusted(raw: Bars, *steps: tuple[int, float]) -> Bars:
    scale = np.ones(len(raw))
    for i_bar, factor in steps:
        scale[:i_bar] *= factor
    return replace(raw, close=np.round(raw.close * scale, 2))


def told(raw: Bars, other: Bars) -> list[tuple[int, str, float]]:
    days = {str(record.action.ex_date): record.action for record in compare_series(raw, other)}
    stamps = [str(np.datetime64(int(ts) + 19_800_000_000, "us"))[:10] for ts in raw.ts]
    return [(stamps.index(day), action.kind, round(action.price_factor(), 4)) for day, action in days.items()]


def test_each_step_is_told_with_its_day_and_factor(raw: Bars) -> None:
    other = adjusted(raw, (30, 0.5), (60, 2 / 3), (100, 0.9424))
    assert told(raw, other) == [(30, "split", 0.5), (60, "split", 0.6667), (100, "demerger", 0.9424)]


def test_a_join_of_shares_is_a_split_by_less_than_one(raw: Bars) -> None:
    assert told(raw, adjusted(raw, (50, 10.0))) == [(50, "split", 10.0)]


def test_single_days_that_are_off_are_no_actions(raw: Bars) -> None:
    close = raw.close.copy()
    close[[20, 21, 70]] *= [1.009, 0.995, 1.018]
    assert told(raw, replace(raw, close=close)) == []


def test_a_step_beside_a_day_that_is_off_is_still_found(raw: Bars) -> None:
    other = adjusted(raw, (50, 0.5))
    other.close[45] *= 1.01
    assert told(raw, other) == [(50, "split", 0.5)]


def test_only_common_days_are_compared(raw: Bars) -> None:
    other = adjusted(raw, (30, 0.5), (60, 0.75))
    assert told(raw, other.window(40, 120)) == [(60, "split", 0.75)]
    assert compare_series(raw, other.window(0, 3)) == ()
