from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import InstrumentId
from qts.core.errors import BadParameter
from qts.market.continuous import Adjustment, FutureDays, Leg, Roll, RollKind, continuous_legs, leg_of, parse_roll

NEAR, NEXT, FAR = (InstrumentId(f"NFO:NIFTY26{month}FUT") for month in ("JAN", "FEB", "MAR"))
# Ten sessions from Monday 2026-01-05 on, the contracts ending on the third, the seventh and after all of them.
DAYS = [date(2026, 1, day) for day in (5, 6, 7, 8, 9, 12, 13, 14, 15, 16)]
LAST_DAY = Roll(kind=RollKind.LAST_DAY)


def future(name: InstrumentId, expiry: date, days: list[date], *, price: float, interest: list[float] | None = None) -> FutureDays:
    closes = {day: price + i for i, day in enumerate(days)}
    return FutureDays(instrument=name, expiry=expiry, closes=closes, open_interest=dict(zip(days, interest or [], strict=False)))


THREE = [
    future(FAR, date(2026, 3, 31), DAYS, price=120.0),
    future(NEAR, DAYS[2], DAYS[:3], price=100.0),
    future(NEXT, DAYS[6], DAYS[:7], price=110.0),
]


def joined(contracts: list[FutureDays], roll: Roll, adjustment: Adjustment) -> tuple[Leg, ...]:
    return continuous_legs(contracts, roll, adjustment, sessions=DAYS)


def spans(legs: tuple[Leg, ...]) -> list[tuple[str, int, int]]:
    return [(leg.instrument, DAYS.index(leg.first), DAYS.index(leg.last)) for leg in legs]


@pytest.mark.parametrize(
    ("roll", "expected"),
    [
        ("last-day", [(NEAR, 0, 2), (NEXT, 3, 6), (FAR, 7, 9)]),
        ("days:0", [(NEAR, 0, 2), (NEXT, 3, 6), (FAR, 7, 9)]),
        ("days:1", [(NEAR, 0, 1), (NEXT, 2, 5), (FAR, 6, 9)]),
        ("days:2", [(NEAR, 0, 0), (NEXT, 1, 4), (FAR, 5, 9)]),
        ("days:3", [(NEXT, 0, 3), (FAR, 4, 9)]),
        ("open-interest", [(NEAR, 0, 2), (NEXT, 3, 6), (FAR, 7, 9)]),
    ],
)
def test_a_series_rolls_by_its_rule(roll: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans(joined(THREE, parse_roll(roll), Adjustment.NONE)) == expected


def test_open_interest_rolls_after_the_close_that_shows_it_and_never_back() -> None:
    near = future(NEAR, DAYS[6], DAYS[:7], price=100.0, interest=[9, 9, 4, 9, 9, 9, 9])
    following = future(NEXT, date(2026, 2, 24), DAYS, price=110.0, interest=[1, 2, 5, 1, 1, 1, 1, 1, 1, 1])
    legs = joined([near, following], Roll(kind=RollKind.OPEN_INTEREST), Adjustment.NONE)
    assert spans(legs) == [(NEAR, 0, 2), (NEXT, 3, 9)]


def test_older_contracts_are_level_with_newer_ones_at_each_roll() -> None:
    by_difference = joined(THREE, LAST_DAY, Adjustment.DIFFERENCE)
    # At the first roll 112 - 102, at the second 126 - 116.
    assert [(leg.factor, leg.offset) for leg in by_difference] == [(1.0, 20.0), (1.0, 10.0), (1.0, 0.0)]
    by_ratio = joined(THREE, LAST_DAY, Adjustment.RATIO)
    assert [leg.factor for leg in by_ratio] == pytest.approx([112 / 102 * 126 / 116, 126 / 116, 1.0])
    assert all(leg.offset == 0.0 for leg in by_ratio)


def test_contracts_without_a_common_day_cannot_be_adjusted_and_need_not_be() -> None:
    two = [future(NEAR, DAYS[2], DAYS[:3], price=100.0), future(NEXT, DAYS[6], DAYS[3:7], price=110.0)]
    assert spans(joined(two, LAST_DAY, Adjustment.NONE)) == [(NEAR, 0, 2), (NEXT, 3, 6)]
    with pytest.raises(BadParameter, match="did not trade on any day that NFO:NIFTY26JANFUT did until 2026-01-07") as caught:
        joined(two, LAST_DAY, Adjustment.RATIO)
    assert "--adjust none" in caught.value.hint


def test_days_after_an_expiry_are_not_used_and_a_contract_that_stopped_early_is_held_to_its_end() -> None:
    near = future(NEAR, DAYS[2], DAYS[:6], price=100.0)
    assert spans(joined([near, THREE[0]], LAST_DAY, Adjustment.NONE)) == [(NEAR, 0, 2), (FAR, 3, 9)]
    silent = future(NEAR, DAYS[4], DAYS[:2], price=100.0)
    # No bar of it after the second day, and none of the next one before its roll: the hole is told by the data.
    assert spans(joined([silent, THREE[0]], LAST_DAY, Adjustment.NONE)) == [(NEAR, 0, 4), (FAR, 5, 9)]


def test_sessions_before_an_expiry_are_counted_to_the_expiry_and_not_to_where_the_prices_end() -> None:
    two = [future(NEAR, DAYS[8], DAYS[:6], price=100.0), future(NEXT, date(2026, 2, 24), DAYS[:6], price=110.0)]
    assert [(leg.instrument, leg.last) for leg in joined(two, parse_roll("days:2"), Adjustment.NONE)] == [(NEAR, DAYS[6])]
    assert spans(joined(two, parse_roll("days:5"), Adjustment.NONE)) == [(NEAR, 0, 3), (NEXT, 4, 5)]


def test_nothing_to_join_and_two_contracts_of_one_day_are_refused() -> None:
    with pytest.raises(BadParameter, match="have no day"):
        joined([], LAST_DAY, Adjustment.NONE)
    with pytest.raises(BadParameter, match="expires on the day that"):
        joined([THREE[1], future(NEXT, DAYS[2], DAYS[:3], price=1.0)], LAST_DAY, Adjustment.NONE)


@pytest.mark.parametrize("text", ["", "never", "days", "days:", "days:x", "days:61", "days:-1", "last-day:3"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="roll = "):
        parse_roll(text)


def test_the_leg_of_a_day_is_found() -> None:
    legs = joined(THREE, LAST_DAY, Adjustment.NONE)
    found = [leg_of(legs, day) for day in (DAYS[0] - timedelta(days=1), DAYS[2], DAYS[3], DAYS[9], DAYS[9] + timedelta(days=1))]
    assert [leg and leg.instrument for leg in found] == [None, NEAR, NEXT, FAR, None]


@given(
    prices=st.lists(st.floats(50, 500), min_size=3, max_size=3),
    expiries=st.lists(st.integers(1, 9), min_size=2, max_size=2, unique=True).map(sorted),
    days=st.integers(0, 4),
    adjustment=st.sampled_from(list(Adjustment)),
)
def test_legs_follow_each_other_without_overlap_and_cover_every_day(
    prices: list[float], expiries: list[int], days: int, adjustment: Adjustment
) -> None:
    ends = [DAYS[expiries[0]], DAYS[expiries[1]], date(2026, 3, 31)]
    contracts = [
        future(name, end, [day for day in DAYS if day <= end], price=price)
        for name, end, price in zip((NEAR, NEXT, FAR), ends, prices, strict=True)
    ]
    legs = joined(contracts, Roll(kind=RollKind.DAYS_BEFORE, days=days), adjustment)
    assert all(leg_of(legs, day) is not None for day in DAYS)
    assert (legs[-1].factor, legs[-1].offset) == (1.0, 0.0)
    closes = {contract.instrument: contract.closes for contract in contracts}
    for leg, newer in pairwise(legs):
        assert leg.last < newer.first
        if adjustment is not Adjustment.NONE:
            level = [closes[one.instrument][leg.last] * one.factor + one.offset for one in (leg, newer)]
            assert level[0] == pytest.approx(level[1])
