"""Which days of a series are whole, which are not, and which have nothing to hold: the calendar beside counts of bars, without a bar."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qts.core import Bools, Exchange, Interval, Ints
from qts.data.coverage.expectation import Expectation, expected_days, key_of_day
from qts.data.storage.coverage import DayCounts

_EPOCH: Final = date(1970, 1, 1)
_SATURDAY: Final = 5
_THURSDAY: Final = 3
_LONG: Final = frozenset({Interval.WEEK, Interval.MONTH})


class DayState(StrEnum):
    """What a day is like. For weeks and months read: a week, a month."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"
    NO_TRADE = "no_trade"
    KNOWN_EMPTY = "known_empty"
    UNEXPECTED = "unexpected"
    HOLIDAY = "holiday"


STATES: Final = tuple(DayState)
COUNTED: Final = (DayState.COMPLETE, DayState.PARTIAL, DayState.MISSING)
"""States whose bars a series should have."""
_CODE: Final = {state: i for i, state in enumerate(STATES)}
# A session with more bars than its hours hold has all that it should have.
_IS_COUNTED: Final = np.array([state in COUNTED or state is DayState.UNEXPECTED for state in STATES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Sessions in a row without a bar; ``n_bars`` is how many there should be at least."""

    first: date
    last: date
    n_sessions: int
    n_bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialDay:
    """A session of which ``held`` bars are there and ``at_least`` so many should be."""

    on: date
    held: int
    at_least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The days of a series in figures, each as of the property of ``Coverage`` of this name; ``n_estimated`` days are an estimate."""

    counts: Mapping[DayState, int]
    n_expected: int
    n_held: int
    n_holes: int
    n_estimated: int

    @property
    def n_missing(self) -> int:
        """Return how many sessions have no bar that should have some."""
        return self.counts[DayState.MISSING]

    @property
    def share(self) -> float | None:
        """Return the share of the expected bars that is held, 0 to 100, or None where none are expected."""
        return _share(self.n_held, self.n_expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Days of a series, oldest first; each array has shape ``(n_days,)``.

    It has every session of the span and every day with bars. ``held`` bars are stored, ``at_least`` and ``at_most`` are promised.
    ``codes`` are places in ``STATES``.
    """

    interval: Interval
    first: int
    last: int
    days: Ints
    held: Ints
    at_least: Ints
    at_most: Ints
    codes: NDArray[np.uint8]
    is_estimate: Bools

    @property
    def counts(self) -> Mapping[DayState, int]:
        """Return how many days there are of each state; holidays are weekdays without a session and without bars."""
        found = np.bincount(self.codes, minlength=len(STATES)).tolist()
        counts = dict(zip(STATES, found, strict=True))
        if not self.interval.is_intraday and self.interval is not Interval.DAY:
            return counts
        weekdays = _weekdays_before(self.last + 1) - _weekdays_before(self.first)
        place = self.days + _THURSDAY
        # Twice as fast as the remainder.
        return counts | {DayState.HOLIDAY: weekdays - int(np.count_nonzero(place - place // 7 * 7 < _SATURDAY))}

    def tally(self) -> Tally:
        """Return all figures at once."""
        counts, here = self.counts, self._counts_here
        at_least = self.at_least[here]
        return Tally(
            counts=counts,
            n_expected=int(at_least.sum()),
            n_held=int(np.minimum(self.held[here], at_least).sum()),
            n_holes=self.n_holes if counts[DayState.MISSING] else 0,
            n_estimated=int(np.count_nonzero(self.is_estimate)),
        )

    @property
    def n_expected(self) -> int:
        """Return how many bars there should be at least, without days on which nothing traded or nothing is to be had."""
        return int(self.at_least[self._counts_here].sum())

    @property
    def n_held(self) -> int:
        """Return how many of the expected bars are there; bars beyond a day's number do not make up for those of another day."""
        part = self._counts_here
        return int(np.minimum(self.held[part], self.at_least[part]).sum())

    @property
    def n_missing(self) -> int:
        """Return how many sessions have no bar that should have some."""
        return int(np.count_nonzero(self.codes == _CODE[DayState.MISSING]))

    @property
    def share(self) -> float | None:
        """Return the share of the expected bars that is held, 0 to 100, or None where none are expected."""
        return _share(self.n_held, self.n_expected)

    def holes(self) -> tuple[Hole, ...]:
        """Return the runs of sessions without a bar, oldest first."""
        expected, edges = self._edges_of_holes()
        found = []
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            part = expected[start:stop]
            found.append(
                Hole(
                    first=_EPOCH + timedelta(days=int(self.days[part[0]])),
                    last=_EPOCH + timedelta(days=int(self.days[part[-1]])),
                    n_sessions=len(part),
                    n_bars=int(self.at_least[part].sum()),
                )
            )
        return tuple(found)

    @property
    def n_holes(self) -> int:
        """Return how many such runs there are."""
        return len(self._edges_of_holes()[1]) // 2

    def partial_days(self) -> tuple[PartialDay, ...]:
        """Return the sessions of which only a part is there, oldest first."""
        return tuple(
            PartialDay(on=_EPOCH + timedelta(days=int(self.days[i])), held=int(self.held[i]), at_least=int(self.at_least[i]))
            for i in np.flatnonzero(self.codes == _CODE[DayState.PARTIAL]).tolist()
        )

    def days_of(self, state: DayState) -> Ints:
        """Return the days of a state, as days since 1970-01-01."""
        return np.asarray(self.days[self.codes == _CODE[state]])

    def state_of(self, place: int) -> DayState:
        """Return the state of the day at a place."""
        return STATES[int(self.codes[place])]

    def _edges_of_holes(self) -> tuple[Ints, Ints]:
        """Return the places of all sessions, and among them where holes begin and end, in turn."""
        expected = np.flatnonzero(self.at_most > 0)
        is_missing = self.codes[expected] == _CODE[DayState.MISSING]
        return expected, np.flatnonzero(np.diff(np.concatenate(([False], is_missing, [False])).astype(np.int8)))

    @property
    def _counts_here(self) -> Bools:
        return _IS_COUNTED[self.codes] & (self.at_least > 0)


def _share(n_held: int, n_expected: int) -> float | None:
    return round(100.0 * n_held / n_expected, 2) if n_expected else None


def _weekdays_before(day: int) -> int:
    weeks, rest = divmod(day + _THURSDAY, 7)
    return weeks * _SATURDAY + min(rest, _SATURDAY)


def cover(
    held: Mapping[int, int],
    exchange: Exchange,
    interval: Interval,
    *,
    span: tuple[int, int] | None = None,
    known_empty: Collection[int] = (),
    no_trade: Collection[int] = (),
    has_derivatives: bool | None = None,
) -> Coverage | None:
    """Return the coverage of a series, or None where no calendar is on record or nothing is held and no span is given.

    Parameters
    ----------
    held : Mapping of int to int
        How many bars each date in India holds; dates are days since 1970-01-01.
    span : tuple of int, optional
        First and last day to look at, both included; from the first to the last day held by default.
    known_empty, no_trade : collection of int
        Days without bars of which it is known that there are none: the source was asked and had nothing; the exchange's own list of the
        day has no trade. Bars that are held nevertheless win.
    has_derivatives : bool or None
        As of :func:`expected_days`.

    Notes
    -----
    O(n_days). A day is UNEXPECTED that is no session and has bars, or has more bars than its hours hold, unless these are an estimate.
    """
    given, counts = arrays_of(held)
    if span is None:
        if not len(given):
            return None
        span = (int(given[0]), int(given[-1]))
    else:
        part = slice(int(np.searchsorted(given, span[0])), int(np.searchsorted(given, span[1], side="right")))
        given, counts = given[part], counts[part]
    expected = expected_days(exchange, interval, *span, has_derivatives=has_derivatives)
    if expected is None:
        return None
    return _compared(interval, span, expected, given, counts, known_empty=known_empty, no_trade=no_trade)


def arrays_of(held: Mapping[int, int]) -> tuple[Ints, Ints]:
    """Return the days and counts of a mapping as arrays, the days rising."""
    if isinstance(held, DayCounts):
        return held.days, held.counts
    days = np.fromiter(held.keys(), np.int64, len(held))
    counts = np.fromiter(held.values(), np.int64, len(held))
    order = np.argsort(days, kind="stable")
    return days[order], counts[order]


def _compared(  # noqa: PLR0917 - the two sides of one comparison
    interval: Interval,
    span: tuple[int, int],
    expected: Expectation,
    given: Ints,
    counts: Ints,
    *,
    known_empty: Collection[int],
    no_trade: Collection[int],
) -> Coverage:
    days, at_least, at_most, is_estimate = expected.days, expected.at_least, expected.at_most, expected.is_estimate
    held = _on_sessions(expected.days, given, counts, interval)
    if held is None:
        wanted_keys, given_keys = key_of_day(expected.days, interval), key_of_day(given, interval)
        keys, first = np.unique(np.concatenate([wanted_keys, given_keys]), return_index=True)
        days = np.concatenate([expected.days, given])[first]
        at_least, at_most = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
        is_estimate = np.zeros(len(keys), np.bool_)
        at = np.searchsorted(keys, wanted_keys)
        at_least[at], at_most[at], is_estimate[at] = expected.at_least, expected.at_most, expected.is_estimate
        held = np.zeros(len(days), np.int64)
        # Several bars may be of one week or month.
        np.add.at(held, np.searchsorted(keys, given_keys), counts)
    codes = np.full(len(days), _CODE[DayState.COMPLETE], np.uint8)
    codes[held < at_least] = _CODE[DayState.PARTIAL]
    nothing = held == 0
    codes[nothing] = _CODE[DayState.MISSING]
    for state, known in ((DayState.NO_TRADE, no_trade), (DayState.KNOWN_EMPTY, known_empty)):
        if known:
            codes[nothing & np.isin(days, np.fromiter(known, np.int64, len(known)))] = _CODE[state]
    codes[(held > at_most) & ~(is_estimate & (at_most > 0))] = _CODE[DayState.UNEXPECTED]
    return Coverage(
        interval=interval,
        first=span[0],
        last=span[1],
        days=days,
        held=held,
        at_least=at_least,
        at_most=at_most,
        codes=codes,
        is_estimate=is_estimate,
    )


def _on_sessions(sessions: Ints, given: Ints, counts: Ints, interval: Interval) -> Ints | None:
    """Return how many bars each session holds, or None where there are bars on other days, or more than a day makes a bar."""
    if interval in _LONG:
        return None
    if len(given) == len(sessions) and np.array_equal(given, sessions):
        return counts
    if len(given) > len(sessions) or not len(given):
        return None if len(given) else np.zeros(len(sessions), np.int64)
    # A place for every date: far quicker than looking each one up.
    first = min(int(sessions[0]), int(given[0]))
    every = np.zeros(max(int(sessions[-1]), int(given[-1])) - first + 1, np.int64)
    every[given - first] = counts
    held = every[sessions - first]
    return held if np.count_nonzero(held) == len(given) else None
