"""What arrived when, and whether it was too much: the log that proves a client's manners."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SECOND: Final = 1.0
# Requests a second by kind of call and key. Source: staff on the forum of Kite Connect, 2026.
LIMITS: Final[Mapping[str, int]] = {"quote": 1, "historical": 3, "other": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request. ``at`` counts real seconds from any origin; ``fault`` names what was done to the reply, if anything."""

    at: float
    key: str
    kind: str
    path: str
    status: int
    fault: str = ""


class Meter:
    """Counts requests by key and kind over the last second, and keeps the log of all. Threads may share it.

    Parameters
    ----------
    seconds : callable
        Returns the present, in real seconds from any origin, never going back.
    limits : Mapping of str to int
        Requests a second by kind.
    """

    def __init__(self, seconds: Callable[[], float], *, limits: Mapping[str, int] = LIMITS) -> None:
        self._seconds = seconds
        self._limits = limits
        self._recent: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._log: list[Arrival] = []
        self._lock = threading.Lock()

    def admit(self, key: str, kind: str) -> tuple[float, bool]:
        """Return the instant of a request, and whether it is within the limit. One that is not counts all the same."""
        with self._lock:
            at = self._seconds()
            recent = self._recent[key, kind]
            while recent and at - recent[0] >= SECOND:
                recent.popleft()
            recent.append(at)
            return at, len(recent) <= self._limits[kind]

    def note(self, arrival: Arrival) -> None:
        """Write a request into the log."""
        with self._lock:
            self._log.append(arrival)

    @property
    def arrivals(self) -> Sequence[Arrival]:
        """Return all requests so far, in the order in which they were answered."""
        with self._lock:
            return tuple(self._log)


def most_in_a_second(arrivals: Sequence[Arrival], kind: str) -> int:
    """Return the largest number of requests of a kind within any second."""
    instants = sorted(arrival.at for arrival in arrivals if arrival.kind == kind)
    most, start = 0, 0
    for end, at in enumerate(instants):
        while at - instants[start] >= SECOND:
            start += 1
        most = max(most, end - start + 1)
    return most
