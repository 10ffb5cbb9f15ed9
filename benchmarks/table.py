"""How the results are written: figures with their floor and aim, and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ABSENT: Final = "-"
MILLISECOND: Final = 0.001
MILLION: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure to reach: what was seen, and the least that is accepted and what is aimed at, in the same unit."""

    what: str
    seen: float
    floor: float = math.nan  # no number: nothing is asked of it
    aim: float = math.nan
    unit: str = ""
    more_is_better: bool = True
    how: str = ""
    doubt: str = ""  # why the figure does not count, or was not measured

    def verdict(self) -> str:
        """Say whether floor and aim were reached."""
        if self.doubt:
            return f"**{self.doubt}**"
        if math.isnan(self.seen):
            return "**not measured**"
        if math.isnan(self.floor) and math.isnan(self.aim):
            return ""
        if self._reaches(self.aim):
            return "aim reached"
        if math.isnan(self.floor):
            return "aim missed"
        return "floor reached" if self._reaches(self.floor) else "**floor missed**"

    def cells(self) -> list[str]:
        """Return its row: what, seen, floor, aim, verdict, how."""
        sign = "≥" if self.more_is_better else "≤"
        least, best = ("" if math.isnan(value) else f"{sign} {shown(value)}{self.unit}" for value in (self.floor, self.aim))
        seen = ABSENT if math.isnan(self.seen) else f"{shown(self.seen)}{self.unit}"
        return [self.what, seen, least, best, self.verdict(), self.how]

    def _reaches(self, mark: float) -> bool:
        return self.seen >= mark if self.more_is_better else self.seen <= mark


HEADS = ("what", "seen", "floor", "aim", "verdict", "how")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, words, and a table."""

    title: str
    words: str = ""
    heads: Sequence[str] = ("what", "figure", "how")
    rows: Sequence[Sequence[str]] = ()

    def lines(self) -> list[str]:
        """Return it as Markdown."""
        lines = ["", f"## {self.title}", ""]
        if self.words:
            lines += [self.words, ""]
        if self.rows:
            lines += ["| " + " | ".join(self.heads) + " |", "|" + "---|" * len(self.heads)]
            lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return lines


def shown(value: float) -> str:
    """Return a number with three digits that count."""
    if value == 0 or math.isnan(value) or math.isinf(value):
        return f"{value:g}"
    if abs(value) >= MILLION:
        return f"{value / MILLION:.3g} M"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(value: float) -> str:
    """Return a time in the unit it is read in."""
    if math.isnan(value):
        return ABSENT
    if value < MILLISECOND:
        return f"{shown(value * 1e6)} µs"
    return f"{shown(value * 1e3)} ms" if value < 1 else f"{shown(value)} s"


def megabytes(value: float) -> str:
    """Return an amount of memory."""
    return ABSENT if math.isnan(value) else f"{value:,.0f} MB" if value >= 10 else f"{value:.1f} MB"


def ratio(ours: float, theirs: float) -> float:
    """Return how many times faster we are."""
    return theirs / ours if ours > 0 else math.nan
