"""The time of the simulated exchange: it may start anywhere and run faster than ours."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from qts.core import Clock


class VirtualClock:
    """A clock that began at an instant and runs so many times as fast as another one. Threads may share it.

    Parameters
    ----------
    clock : Clock
        The clock that it follows.
    began_at : datetime
        What it shows at first, aware.
    speed : float
        Its seconds in one second of the other clock; 0 stands still.
    """

    def __init__(self, clock: Clock, *, began_at: datetime, speed: float = 1.0) -> None:
        self._clock = clock
        self._origin = clock.now()
        self._began_at = began_at
        self._speed = speed
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the instant that it shows."""
        with self._lock:
            return self._began_at + (self._clock.now() - self._origin) * self._speed

    def advance(self, by: timedelta) -> datetime:
        """Put it forward, or back, and return what it shows then."""
        with self._lock:
            self._began_at += by
        return self.now()
