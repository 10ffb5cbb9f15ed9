"""Histories that grow bar by bar: what a strategy sees of the past when it is called at the close of each bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from qts.core import Bars, Floats, Interval, parse_interval
from qts.core.errors import BadParameter
from qts.strategies.higher import HigherBars, higher_bars
from qts.strategies.term_values import values_of
from qts.strategies.terms import Indicator

COLUMNS: Final = ("open", "high", "low", "close", "volume", "oi")
Track = tuple[Callable[[float], None], list[float]]


class Feed:
    """The bars of one instrument, revealed one at a time.

    A history is a list that holds what is known so far and nothing else: the future cannot be reached from it, whatever the index. It is
    the strategy's own copy; writing into it changes nothing else. Indicators are computed once over all bars and revealed in step: the
    batch form of every indicator equals its incremental one bit for bit and never looks ahead, which the tests hold.
    """

    __slots__ = ("_bars", "_followed", "_higher", "at", "longer", "tracks")

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._followed: dict[object, list[float]] = {}
        self._higher: dict[Interval, HigherBars] = {}
        self.at = -1
        self.tracks: list[Track] = []
        self.longer: list[tuple[list[int], list[Track]]] = []

    def advance(self) -> None:
        """Reveal the next bar."""
        self.at += 1
        at = self.at
        for append, source in self.tracks:
            append(source[at])
        if self.longer:
            self.advance_longer(at)

    def advance_longer(self, at: int) -> None:
        """Reveal the longer bars that close with this one."""
        for latest, tracks in self.longer:
            if latest[at] != (latest[at - 1] if at else -1):
                for append, source in tracks:
                    append(source[latest[at]])

    def column(self, name: str, interval: str | None = None) -> list[float]:
        """Return the growing history of a column: of the bars, or of the closed bars of a longer interval."""
        if name not in COLUMNS:
            raise BadParameter("column", name, "bars have no such column", hint=f"Columns are {', '.join(COLUMNS)}.")
        if interval is None:
            return self._follow(("column", name), getattr(self._bars, name))
        return self._follow_longer(("column", name, interval), getattr(self._longer(interval).bars, name), interval)

    def indicator(self, term: Indicator, interval: str | None = None) -> list[float]:
        """Return the growing history of an indicator, one value for each bar; NaN until it is defined."""
        if interval is None:
            return self._follow(term, values_of(term, self._bars))
        longer = self._longer(interval)
        return self._follow_longer((term, interval), values_of(term, longer.bars), interval)

    def _follow(self, key: object, values: Floats) -> list[float]:
        if key not in self._followed:
            source: list[float] = values.tolist()
            history = source[: self.at + 1]
            self._followed[key] = history
            self.tracks.append((history.append, source))
        return self._followed[key]

    def _follow_longer(self, key: object, values: Floats, interval: str) -> list[float]:
        if key not in self._followed:
            latest: list[int] = self._longer(interval).latest.tolist()
            source: list[float] = values.tolist()
            history = source[: (latest[self.at] if self.at >= 0 else -1) + 1]
            self._followed[key] = history
            self.longer.append((latest, [(history.append, source)]))
        return self._followed[key]

    def _longer(self, text: str) -> HigherBars:
        interval = parse_interval(text)
        if interval not in self._higher:
            self._higher[interval] = higher_bars(self._bars, interval)
        return self._higher[interval]
