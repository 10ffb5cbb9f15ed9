"""One number for the quality of a series over a span, from 0 to 100, with its working: each deduction named, counted and priced.

The formula stands in ``docs/reference/quality.md``; ``FORMULA`` changes whenever a number here does, or what counts as an issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from qts.data.coverage import Coverage, Hole, PartialDay
from qts.data.quality.findings import MOST_LISTED, Finding, Issue, IssueKind

FORMULA: Final = "2"
_NONE: Final = Finding(kind=IssueKind.MISSING_BARS, count=0, of=0, issues=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What one finding costs: so many points for each per cent of ``of`` that is affected, and at most ``cap`` points."""

    weight: float
    cap: float


WEIGHTS: Final = {
    IssueKind.MISSING_BARS: Weight(weight=1.0, cap=100.0),
    IssueKind.DUPLICATES: Weight(weight=0.1, cap=5.0),
    IssueKind.OHLC_BREAKS: Weight(weight=1.0, cap=30.0),
    IssueKind.STALE_RUNS: Weight(weight=1.0, cap=30.0),
    IssueKind.OUTLIERS: Weight(weight=5.0, cap=20.0),
    IssueKind.JUMPS: Weight(weight=20.0, cap=30.0),
    IssueKind.ZERO_VOLUME: Weight(weight=0.5, cap=20.0),
    IssueKind.SESSION_MISMATCH: Weight(weight=1.0, cap=20.0),
    IssueKind.INTERVALS: Weight(weight=0.5, cap=20.0),
    IssueKind.SOURCES: Weight(weight=0.5, cap=20.0),
    IssueKind.LARGE_MOVES: Weight(weight=0.0, cap=0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """What one kind of issue takes off: ``points = min(cap, weight * 100 * count / of)``."""

    kind: IssueKind
    count: int
    of: int
    weight: float
    cap: float
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The score, how it came about, and the issues. ``score`` is None where no calendar says which bars there should be."""

    score: float | None
    deductions: tuple[Deduction, ...]
    issues: tuple[Issue, ...]


def score(findings: Iterable[Finding], coverage: Coverage | None) -> Quality:
    """Return the score of a series: 100 less the points of every deduction, never below 0.

    Parameters
    ----------
    findings : iterable of Finding
        What the checks found; those of one kind are added up, and the larger ``of`` counts.
    coverage : Coverage or None
        Its missing bars are the first deduction.
    """
    merged: dict[IssueKind, Finding] = {}
    for finding in (_missing(coverage), *findings):
        merged[finding.kind] = _added(merged.get(finding.kind), finding)
    deductions = tuple(_deduction(merged[kind]) for kind in IssueKind if kind in merged and merged[kind].count)
    issues = tuple(issue for kind in IssueKind if kind in merged for issue in merged[kind].issues)
    is_known = coverage is not None and coverage.n_expected > 0
    total = round(max(0.0, 100.0 - sum(deduction.points for deduction in deductions)), 2)
    return Quality(score=total if is_known else None, deductions=deductions, issues=issues)


def _missing(coverage: Coverage | None) -> Finding:
    if coverage is None:
        return _NONE
    dated = [(hole.first, _hole_issue(hole)) for hole in coverage.holes()]
    dated += [(part.on, _part_issue(part)) for part in coverage.partial_days()]
    dated.sort(key=lambda one: one[0])
    return Finding(
        kind=IssueKind.MISSING_BARS,
        count=coverage.n_expected - coverage.n_held,
        of=coverage.n_expected,
        issues=tuple(issue for _, issue in dated[:MOST_LISTED]),
    )


def _hole_issue(hole: Hole) -> Issue:
    span = f"{hole.first}" if hole.first == hole.last else f"{hole.first} to {hole.last}"
    sessions = "1 session" if hole.n_sessions == 1 else f"{hole.n_sessions} sessions"
    return Issue(kind=IssueKind.MISSING_BARS, ts=None, value=None, text=f"{span}: {sessions} without a bar", n_bars=hole.n_bars)


def _part_issue(part: PartialDay) -> Issue:
    text = f"{part.on}: {part.held} of {part.at_least} bars"
    return Issue(kind=IssueKind.MISSING_BARS, ts=None, value=float(part.held), text=text, n_bars=part.at_least - part.held)


def _added(one: Finding | None, other: Finding) -> Finding:
    if one is None:
        return other
    issues = sorted((*one.issues, *other.issues), key=lambda issue: (issue.ts is None, issue.ts or 0))
    return Finding(kind=one.kind, count=one.count + other.count, of=max(one.of, other.of), issues=tuple(issues[:MOST_LISTED]))


def _deduction(finding: Finding) -> Deduction:
    weight = WEIGHTS[finding.kind]
    points = min(weight.cap, weight.weight * 100.0 * finding.count / finding.of) if finding.of else weight.cap
    return Deduction(kind=finding.kind, count=finding.count, of=finding.of, weight=weight.weight, cap=weight.cap, points=round(points, 4))
