"""The score and its working."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange, Interval
from qts.data.coverage import cover
from qts.data.quality import Finding, Issue, IssueKind, score
from qts.data.quality.score import WEIGHTS

DAY = (date(2024, 1, 15) - date(1970, 1, 1)).days


def finding(kind: IssueKind, count: int, of: int) -> Finding:
    return Finding(kind=kind, count=count, of=of, issues=())


def whole_week() -> dict[int, int]:
    return dict.fromkeys(range(DAY, DAY + 5), 1)


def test_a_whole_series_without_findings_has_a_hundred() -> None:
    found = score([], cover(whole_week(), Exchange.NSE, Interval.DAY))
    assert (found.score, found.deductions, found.issues) == (100.0, (), ())


def test_missing_bars_cost_their_share() -> None:
    held = {day: 1 for day in whole_week() if day != DAY + 2}
    found = score([], cover(held, Exchange.NSE, Interval.DAY))
    (deduction,) = found.deductions
    assert (deduction.kind, deduction.count, deduction.of, deduction.points) == (IssueKind.MISSING_BARS, 1, 5, 20.0)
    assert found.score == 80.0
    assert found.issues[0].text == "2024-01-17: 1 session without a bar"


def test_a_partial_day_is_listed_with_its_count() -> None:
    found = score([], cover({DAY: 375, DAY + 1: 300}, Exchange.NSE, Interval.MINUTE_1))
    assert [issue.text for issue in found.issues] == ["2024-01-16: 300 of 375 bars"]
    assert found.score == 90.0


@pytest.mark.parametrize(
    ("kind", "count", "of", "points"),
    [
        pytest.param(IssueKind.OHLC_BREAKS, 1, 100, 1.0, id="a broken bar counts as one bar"),
        pytest.param(IssueKind.OUTLIERS, 1, 500, 1.0, id="an outlier counts as five"),
        pytest.param(IssueKind.JUMPS, 1, 1000, 2.0, id="a jump counts as twenty days"),
        pytest.param(IssueKind.JUMPS, 50, 1000, 30.0, id="jumps cost thirty points at most"),
        pytest.param(IssueKind.ZERO_VOLUME, 2, 100, 1.0, id="a bar without a trade counts as half"),
        pytest.param(IssueKind.DUPLICATES, 1, 1, 5.0, id="repeated rows cost five points at most"),
        pytest.param(IssueKind.LARGE_MOVES, 10, 100, 0.0, id="a remark costs nothing"),
    ],
)
def test_each_finding_costs_what_its_row_says(kind: IssueKind, count: int, of: int, points: float) -> None:
    found = score([finding(kind, count, of)], cover(whole_week(), Exchange.NSE, Interval.DAY))
    assert [deduction.points for deduction in found.deductions] == [pytest.approx(points)]
    assert found.score == pytest.approx(100.0 - points)


def test_findings_of_one_kind_are_added_up() -> None:
    parts = [finding(IssueKind.OHLC_BREAKS, 1, 100), finding(IssueKind.OHLC_BREAKS, 2, 90)]
    (deduction,) = score(parts, cover(whole_week(), Exchange.NSE, Interval.DAY)).deductions
    assert (deduction.count, deduction.of, deduction.points) == (3, 100, 3.0)


def test_without_a_calendar_there_is_no_score_but_there_are_findings() -> None:
    issue = Issue(kind=IssueKind.OHLC_BREAKS, ts=0, value=1.0, text="broken")
    found = score([Finding(kind=IssueKind.OHLC_BREAKS, count=1, of=10, issues=(issue,))], None)
    assert found.score is None
    assert found.issues == (issue,)
    assert found.deductions[0].points == 10.0


@given(st.lists(st.tuples(st.sampled_from(IssueKind), st.integers(0, 500), st.integers(1, 1000)), max_size=20))
def test_the_score_is_a_hundred_less_the_points_shown(parts: list[tuple[IssueKind, int, int]]) -> None:
    found = score(
        [finding(kind, min(count, of), of) for kind, count, of in parts if kind is not IssueKind.MISSING_BARS],
        cover(whole_week(), Exchange.NSE, Interval.DAY),
    )
    assert found.score == pytest.approx(max(0.0, 100.0 - sum(deduction.points for deduction in found.deductions)), abs=0.006)
    assert all(0 <= deduction.points <= deduction.cap for deduction in found.deductions)


def test_every_kind_has_a_weight() -> None:
    assert set(WEIGHTS) == set(IssueKind)
