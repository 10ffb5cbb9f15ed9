"""Which days to ask for, and in how few requests."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from qts.core import Ints

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The dates of one request, both included."""

    first: date
    last: date


def needed_days(days: Ints, at_least: Ints, *, held: Mapping[int, int], fetched: Mapping[int, int]) -> list[int]:
    """Return the sessions to ask for, as days since 1970-01-01, oldest first.

    Parameters
    ----------
    days, at_least : ndarray of shape (n_sessions,)
        The sessions, and how many bars the calendar promises on each.
    held : Mapping of int to int
        How many bars are stored, by day.
    fetched : Mapping of int to int
        How many bars the source gave when it was asked after the session, by day; 0 where it had none.

    Notes
    -----
    A day that the source was asked for is asked for again only if fewer bars are held than it gave: they were deleted. Any other day is
    asked for unless as many bars are held as the calendar promises, whoever delivered them.
    """
    needed = []
    for day, promised in zip(days.tolist(), at_least.tolist(), strict=True):
        enough = fetched.get(day, max(promised, 1))
        if held.get(day, 0) < enough:
            needed.append(day)
    return needed


def closed_days(needed: Sequence[int], sessions: Ints, *, first: int, asked: Container[int]) -> list[int]:
    """Return the days without a session on record that are asked for along with the sessions that follow them, oldest first.

    A session that was called at short notice, on a Saturday say, may stand in no calendar. The days before a session cost no request of
    their own.

    Parameters
    ----------
    needed : sequence of int
        The sessions to ask for.
    sessions : ndarray of shape (n_sessions,)
        All sessions from ``first`` on.
    first : int
        The first day that is wanted.
    asked : container of int
        The sessions that were asked for before, and the days before them.
    """
    found: list[int] = []
    for day, place in zip(needed, np.searchsorted(sessions, needed).tolist(), strict=True):
        if day not in asked:
            found += range(int(sessions[place - 1]) + 1 if place else first, day)
    return found


def lost_days(fetched: Mapping[int, int], sessions: Ints, *, held: Mapping[int, int], span: tuple[int, int]) -> list[int]:
    """Return days of a span that are no sessions on record, of which fewer bars are held than the source gave, oldest first."""
    known = set(sessions.tolist())
    return sorted(day for day, count in fetched.items() if span[0] <= day <= span[1] and day not in known and held.get(day, 0) < count)


def spans_of(days: Sequence[int], *, most_days: int) -> tuple[Span, ...]:
    """Return the fewest spans of at most so many dates that hold all these days, which must rise; each begins and ends with one of them.

    >>> [(span.first.day, span.last.day) for span in spans_of([0, 1, 5, 30], most_days=10)]
    [(1, 6), (31, 31)]
    """
    spans: list[Span] = []
    start = 0
    for place, day in enumerate(days):
        is_last = place + 1 == len(days)
        if is_last or days[place + 1] - days[start] >= most_days:
            spans.append(Span(first=_date(days[start]), last=_date(day)))
            start = place + 1
    return tuple(spans)


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)
