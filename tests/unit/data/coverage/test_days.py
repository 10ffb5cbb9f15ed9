"""States of days: the calendar beside counts."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange, Interval
from qts.data.coverage import COUNTED, Coverage, DayState, Hole, PartialDay, cover

EPOCH = date(1970, 1, 1)
NSE = Exchange.NSE


def day(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


def states(coverage: Coverage) -> dict[str, str]:
    return {
        date.fromordinal(EPOCH.toordinal() + int(on)).isoformat(): coverage.state_of(i).value for i, on in enumerate(coverage.days.tolist())
    }


def found(coverage: Coverage | None) -> Coverage:
    assert coverage is not None
    return coverage


def test_every_state_is_told_from_counts_alone() -> None:
    held = {day("2024-01-15"): 375, day("2024-01-16"): 300, day("2024-01-20"): 542, day("2024-01-24"): 375, day("2024-01-26"): 3}
    coverage = found(
        cover(
            held,
            NSE,
            Interval.MINUTE_1,
            known_empty={day("2024-01-18"), day("2024-01-16")},
            no_trade={day("2024-01-19")},
        )
    )
    assert states(coverage) == {
        "2024-01-15": "complete",
        "2024-01-16": "partial",
        "2024-01-17": "missing",
        "2024-01-18": "known_empty",
        "2024-01-19": "no_trade",
        "2024-01-20": "unexpected",
        "2024-01-23": "missing",
        "2024-01-24": "complete",
        "2024-01-25": "missing",
        "2024-01-26": "unexpected",
    }
    # The weekday holiday of the 22nd has no bars; that of the 26th has some.
    assert coverage.counts[DayState.HOLIDAY] == 1
    assert coverage.partial_days() == (PartialDay(on=date(2024, 1, 16), held=300, at_least=375),)
    assert coverage.n_expected == 375 * 7
    assert coverage.n_held == 375 * 3 + 300


def test_holes_are_runs_of_sessions_over_weekends_and_holidays() -> None:
    held = dict.fromkeys((day("2024-01-15"), day("2024-01-29"), day("2024-02-02")), 1)
    coverage = found(cover(held, NSE, Interval.DAY))
    assert coverage.holes() == (
        Hole(first=date(2024, 1, 16), last=date(2024, 1, 25), n_sessions=8, n_bars=8),
        Hole(first=date(2024, 1, 30), last=date(2024, 2, 1), n_sessions=3, n_bars=3),
    )
    assert coverage.n_holes == 2
    assert coverage.share == pytest.approx(100 * 3 / 14, abs=0.01)


def test_a_known_empty_day_is_no_hole_and_splits_none() -> None:
    held = dict.fromkeys((day("2024-01-15"), day("2024-01-19")), 1)
    coverage = found(cover(held, NSE, Interval.DAY, known_empty={day("2024-01-17")}))
    assert [(hole.first.day, hole.last.day) for hole in coverage.holes()] == [(16, 16), (18, 18)]


def test_a_span_beyond_the_bars_is_missing_and_one_within_looks_at_less() -> None:
    held = dict.fromkeys((day("2024-01-16"), day("2024-01-17")), 1)
    wide = found(cover(held, NSE, Interval.DAY, span=(day("2024-01-15"), day("2024-01-18"))))
    assert list(states(wide).values()) == ["missing", "complete", "complete", "missing"]
    narrow = found(cover(held, NSE, Interval.DAY, span=(day("2024-01-16"), day("2024-01-16"))))
    assert (narrow.n_expected, narrow.n_held, narrow.share) == (1, 1, 100.0)
    nothing = found(cover({}, NSE, Interval.DAY, span=(day("2024-01-15"), day("2024-01-16"))))
    assert nothing.share == 0.0


def test_more_bars_than_estimated_hours_hold_are_not_held_against_a_day() -> None:
    # The hours of 2009 are recalled.
    assert states(found(cover({day("2009-06-01"): 500}, NSE, Interval.MINUTE_1))) == {"2009-06-01": "complete"}


def test_a_share_with_either_hours_is_whole_since_the_closing_auction() -> None:
    held = {day("2026-08-03"): 360, day("2026-08-04"): 375, day("2026-08-05"): 359, day("2026-08-06"): 376}
    assert list(states(found(cover(held, NSE, Interval.MINUTE_1))).values()) == ["complete", "complete", "partial", "unexpected"]
    strict = found(cover(held, NSE, Interval.MINUTE_1, has_derivatives=True))
    assert list(states(strict).values()) == ["complete", "unexpected", "partial", "unexpected"]


def test_weeks_are_held_wherever_in_the_week_they_are_stamped() -> None:
    held = {day("2024-01-15"): 1, day("2024-01-22"): 1, day("2024-02-05"): 1}
    coverage = found(cover(held, NSE, Interval.WEEK))
    assert list(states(coverage).values()) == ["complete", "complete", "missing", "complete"]
    assert coverage.counts[DayState.HOLIDAY] == 0
    months = found(cover({day("2024-01-01"): 1, day("2024-03-01"): 1}, NSE, Interval.MONTH))
    assert list(states(months).values()) == ["complete", "missing", "complete"]


def test_nothing_is_said_without_a_calendar_or_without_bars() -> None:
    assert cover({day("2024-01-15"): 1}, Exchange.INDEX, Interval.DAY) is None
    assert cover({}, NSE, Interval.DAY) is None


@given(
    st.dictionaries(st.integers(day("2023-01-01"), day("2024-12-31")), st.integers(1, 400), min_size=1, max_size=60),
    st.sampled_from([Interval.MINUTE_1, Interval.DAY]),
    st.sets(st.integers(day("2023-01-01"), day("2024-12-31")), max_size=20),
)
def test_states_share_out_the_days_of_the_span(held: dict[int, int], interval: Interval, empty: set[int]) -> None:
    coverage = found(cover(held, NSE, interval, known_empty=empty))
    counts = coverage.counts
    assert sum(counts[state] for state in DayState if state is not DayState.HOLIDAY) == len(coverage.days)
    assert 0 <= coverage.n_held <= coverage.n_expected
    assert sum(hole.n_sessions for hole in coverage.holes()) == counts[DayState.MISSING]
    lacking = sum(hole.n_bars for hole in coverage.holes()) + sum(part.at_least - part.held for part in coverage.partial_days())
    assert coverage.n_expected - coverage.n_held == lacking
    assert int(coverage.held.sum()) == sum(held.values())
    assert set(COUNTED) <= set(counts)


@given(
    held=st.dictionaries(st.integers(day("2024-01-01"), day("2024-03-31")), st.integers(1, 400), min_size=1),
    interval=st.sampled_from([Interval.MINUTE_1, Interval.DAY, Interval.WEEK, Interval.MONTH]),
    empty=st.sets(st.integers(day("2024-01-01"), day("2024-03-31"))),
)
def test_a_tally_has_the_figures_of_the_days(held: dict[int, int], interval: Interval, empty: set[int]) -> None:
    coverage = found(cover(held, NSE, interval, known_empty=empty))
    tally = coverage.tally()
    names = ("counts", "n_expected", "n_held", "n_holes", "n_missing", "share")
    assert [getattr(tally, name) for name in names] == [getattr(coverage, name) for name in names]
    assert tally.n_estimated == int(coverage.is_estimate.sum())
    assert tally.n_holes == len(coverage.holes())


@given(held=st.dictionaries(st.integers(day("2024-01-01"), day("2024-03-31")), st.integers(1, 400)), sessions_only=st.booleans())
def test_every_day_has_the_bars_that_are_held(held: dict[int, int], *, sessions_only: bool) -> None:
    span = day("2024-01-01"), day("2024-03-31")
    every = found(cover({}, NSE, Interval.MINUTE_1, span=span))
    if sessions_only:
        held = {on: count for on, count in held.items() if on in set(every.days.tolist())}
    coverage = found(cover(held, NSE, Interval.MINUTE_1, span=span))
    bars = dict(zip(coverage.days.tolist(), coverage.held.tolist(), strict=True))
    assert {on: count for on, count in bars.items() if count} == held
    assert set(bars) == set(every.days.tolist()) | set(held)
    assert coverage.days.tolist() == sorted(bars)
