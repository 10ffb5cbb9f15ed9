"""What a check of bars finds: issues with their instant and value, counted in full and listed up to a limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qts.core import Ints

MOST_LISTED: Final = 200
"""Issues of a kind that are listed one by one; all are counted."""


class IssueKind(StrEnum):
    """What is wrong or doubtful. ``LARGE_MOVE`` is a remark: it costs no points."""

    MISSING_BARS = "missing_bars"
    DUPLICATES = "duplicates"
    OHLC_BREAKS = "ohlc_breaks"
    STALE_RUNS = "stale_runs"
    OUTLIERS = "outliers"
    JUMPS = "jumps_without_action"
    ZERO_VOLUME = "zero_volume"
    SESSION_MISMATCH = "session_mismatch"
    INTERVALS = "interval_disagreement"
    SOURCES = "source_disagreement"
    LARGE_MOVES = "large_moves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing found: where (``ts``: microseconds UTC, None where only a count is known), the value that shows it, and it in words."""

    kind: IssueKind
    ts: int | None
    value: float | None
    text: str
    n_bars: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All issues of a kind: ``count`` bars (of jumps and disagreements: days) out of ``of``, and the first issues."""

    kind: IssueKind
    count: int
    of: int
    issues: tuple[Issue, ...]


def found_at(places: Ints, of: int, kind: IssueKind, describe: Callable[[int], Issue]) -> Finding:
    """Return the finding of single bars at these places, the first of them described."""
    return Finding(kind=kind, count=len(places), of=of, issues=tuple(describe(place) for place in places[:MOST_LISTED].tolist()))
