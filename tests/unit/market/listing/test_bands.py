"""Price bands: limits on the tick, and bars that look locked at them."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core.errors import BadParameter
from qts.market.listing import BandClass, LockSide, band_limits, band_rule, is_on_tick, locked_bars, looks_locked

TICK = Decimal("0.05")
CLOSES = st.decimals(Decimal("1.00"), Decimal(40000), places=2)
FRACTIONS = st.sampled_from(band_rule(BandClass.SHARE).fractions)
TICKS = st.sampled_from([Decimal("0.01"), TICK, Decimal("0.10")])


@pytest.mark.parametrize(
    ("close", "fraction", "lower", "upper"),
    [
        pytest.param("100", "0.20", "80", "120", id="exact"),
        pytest.param("101.35", "0.05", "96.30", "106.40", id="both limits are rounded towards the close"),
        pytest.param("0.40", "0.02", "0.40", "0.40", id="a band narrower than a tick lets nothing move"),
    ],
)
def test_limits(close: str, fraction: str, lower: str, upper: str) -> None:
    limits = band_limits(Decimal(close), Decimal(fraction), TICK)
    assert (limits.lower, limits.upper) == (Decimal(lower), Decimal(upper))


@given(CLOSES, CLOSES, FRACTIONS, TICKS)
def test_limits_grow_with_the_close_and_lie_on_the_tick_within_the_band(
    one: Decimal, other: Decimal, fraction: Decimal, tick: Decimal
) -> None:
    less, more = (band_limits(close, fraction, tick) for close in sorted((one, other)))
    assert less.lower <= more.lower
    assert less.upper <= more.upper
    assert is_on_tick(less.lower, tick)
    assert is_on_tick(less.upper, tick)
    assert less.lower >= min(one, other) * (1 - fraction)
    assert less.upper <= min(one, other) * (1 + fraction)


@given(CLOSES, TICKS)
def test_a_wider_band_holds_a_narrower_one(close: Decimal, tick: Decimal) -> None:
    bands = [band_limits(close, fraction, tick) for fraction in band_rule(BandClass.SHARE).fractions]
    assert [band.upper for band in bands] == sorted(band.upper for band in bands)
    assert [band.lower for band in bands] == sorted((band.lower for band in bands), reverse=True)


@pytest.mark.parametrize(
    ("close", "fraction", "tick", "name"),
    [
        ("0", "0.05", "0.05", "previous_close"),
        ("100", "5", "0.05", "fraction"),
        ("100", "0", "0.05", "fraction"),
        ("100", "0.05", "0", "tick"),
    ],
)
def test_numbers_that_make_no_band_are_refused(close: str, fraction: str, tick: str, name: str) -> None:
    with pytest.raises(BadParameter) as caught:
        band_limits(Decimal(close), Decimal(fraction), Decimal(tick))
    assert caught.value.name == name


def test_bands_by_class() -> None:
    assert [str(fraction) for fraction in band_rule(BandClass.SHARE).fractions] == ["0.02", "0.05", "0.10", "0.20"]
    assert [str(fraction) for fraction in band_rule(BandClass.ETF).fractions] == ["0.05", "0.10", "0.20"]
    assert band_rule(BandClass.SHARE_WITH_DERIVATIVES).fractions == ()
    assert band_rule(BandClass.SHARE_WITH_DERIVATIVES).dynamic == Decimal("0.10")


@pytest.mark.parametrize(
    ("high", "low", "close", "expected"),
    [
        pytest.param("106.40", "106.40", "106.40", (LockSide.UPPER, "0.05"), id="at the upper edge"),
        pytest.param("96.30", "96.30", "96.30", (LockSide.LOWER, "0.05"), id="at the lower edge"),
        pytest.param("121.60", "121.60", "121.60", (LockSide.UPPER, "0.20"), id="at that of 20 %"),
        pytest.param("106.40", "106.30", "106.40", None, id="a bar that moved"),
        pytest.param("106.45", "106.45", "106.45", None, id="a tick beyond"),
        pytest.param("106.35", "106.35", "106.35", None, id="a tick within"),
        pytest.param("101.35", "101.35", "101.35", None, id="no change"),
    ],
)
def test_a_bar_looks_locked(high: str, low: str, close: str, expected: tuple[LockSide, str] | None) -> None:
    lock = looks_locked(high=Decimal(high), low=Decimal(low), close=Decimal(close), previous_close=Decimal("101.35"), tick=TICK)
    assert (None if lock is None else (lock.side, str(lock.fraction))) == expected


def test_a_band_narrower_than_a_tick_locks_nothing() -> None:
    price = Decimal("0.40")
    assert looks_locked(high=price, low=price, close=price, previous_close=price, tick=TICK) is None


@st.composite
def flat_bars(draw: st.DrawFn) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Draw high, close, previous close and tick, often at the edge of a band or a tick from it."""
    previous, tick = draw(CLOSES), draw(TICKS)
    limits = band_limits(previous, draw(FRACTIONS), tick)
    near = st.sampled_from([limits.lower, limits.upper, limits.lower - tick, limits.lower + tick, limits.upper - tick, limits.upper + tick])
    close = draw(near | CLOSES)
    return draw(st.sampled_from([close, close, close + tick])), close, previous, tick


@given(st.lists(flat_bars(), min_size=1, max_size=20))
def test_arrays_say_what_single_bars_say(bars: list[tuple[Decimal, Decimal, Decimal, Decimal]]) -> None:
    expected = []
    for high, close, previous, tick in bars:
        lock = looks_locked(high=high, low=close, close=close, previous_close=previous, tick=tick)
        expected.append(0 if lock is None else 1 if lock.side is LockSide.UPPER else -1)
    highs, closes, previous_closes, ticks = (np.array([float(number) for number in column]) for column in zip(*bars, strict=True))
    found = locked_bars(high=highs, low=closes, close=closes, previous_close=previous_closes, tick=ticks)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, expected)


def test_without_a_previous_close_no_bar_is_locked() -> None:
    price, previous = np.array([106.4, 106.4, np.nan]), np.array([np.nan, 101.35, 101.35])
    np.testing.assert_array_equal(locked_bars(high=price, low=price, close=price, previous_close=previous, tick=0.05), [0, 1, 0])


@pytest.mark.realdata
def test_no_share_locked_all_day_stands_beyond_the_limit_rounded_towards_the_close(realdata: Path) -> None:
    n_locked, beyond = 0, []
    for name in ("cm04JAN2016bhav.csv.gz", "cm07SEP2017bhav.csv.gz", "cm01DEC2017bhav.csv.gz"):
        with gzip.open(realdata / name, "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                high, low, close, previous = (Decimal(row[key]) for key in ("HIGH", "LOW", "CLOSE", "PREVCLOSE"))
                if row["SERIES"] not in {"EQ", "BE", "BZ"} or not high == low == close or previous < 20:
                    continue
                n_locked += looks_locked(high=high, low=low, close=close, previous_close=previous, tick=TICK) is not None
                limits = band_limits(previous, Decimal("0.05"), TICK)
                # Rounding the other way would put the edge one tick outside.
                if close in {limits.upper + TICK, limits.lower - TICK}:
                    beyond.append(row["SYMBOL"])
    assert n_locked == 27
    assert beyond == []
