from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from qts.kernels import ad, mfi, obv, vwap

IST = timezone(timedelta(hours=5, minutes=30))
NAN = math.nan


def test_vwap_starts_anew_each_day_in_india() -> None:
    opened = [datetime(2024, 1, day, hour, tzinfo=IST) for day in (1, 2) for hour in (0, 9, 15, 23)]
    ts = np.array([int(at.timestamp()) * 1_000_000 for at in opened])
    rng = np.random.default_rng(0)
    high, low, close = rng.uniform(99, 101, (3, 8))
    volume = rng.integers(1, 1000, 8).astype(np.float64)
    got = vwap(ts, high, low, close, volume=volume)
    for at in range(8):
        first = 0 if at < 4 else 4
        typical = [(high[i] + low[i] + close[i]) / 3 for i in range(first, at + 1)]
        assert_allclose(got[at], np.average(typical, weights=volume[first : at + 1]), rtol=1e-14)


def test_vwap_is_undefined_until_something_has_traded() -> None:
    ts = np.arange(4) * 60_000_000
    flat = np.full(4, 5.0)
    assert_array_equal(vwap(ts, flat, flat, flat, volume=np.array([0.0, 2.0, NAN, 0.0])), [NAN, 5.0, NAN, 5.0])


def test_on_balance_volume_follows_the_closes() -> None:
    assert_array_equal(obv(np.array([2.0, 3.0, 3.0, 1.0]), np.array([5.0, 7.0, 9.0, 4.0])), [5.0, 12.0, 12.0, 8.0])


def test_money_flow_is_the_share_of_what_was_paid_on_the_way_up() -> None:
    price = np.array([10.0, 11.0, 10.0, 10.0, 10.0])
    volume = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert_allclose(mfi(price, price, price, volume=volume, span=2), [NAN, NAN, 100 * 22 / 52, 0.0, 0.0])


def test_distribution_weighs_the_volume_by_the_place_of_the_close() -> None:
    high, low, close = np.array([[4.0, 4.0, 3.0], [2.0, 2.0, 3.0], [4.0, 2.5, 3.0]])
    assert_allclose(ad(high, low, close, np.array([10.0, 10.0, 10.0])), [10.0, 5.0, 5.0])
