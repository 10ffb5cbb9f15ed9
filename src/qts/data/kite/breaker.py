"""When to stop asking a source that is down, and when to try again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from qts.core.errors import SourceDown


class Breaker:
    """Opens after so many failures in a row, and lets one request through after a while to see. Threads may share it.

    Parameters
    ----------
    seconds : callable
        Returns the present in seconds from any origin, never going back.
    n_failures : int
        After how many failures in a row it opens.
    pause : float
        Seconds for which it stays open.
    """

    def __init__(self, seconds: Callable[[], float], *, n_failures: int = 8, pause: float = 30.0) -> None:
        self._seconds = seconds
        self._n_failures = n_failures
        self._pause = pause
        self._failed = 0
        self._opened_at = 0.0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise while it is open.

        Raises
        ------
        SourceDown
            Saying for how long nothing is asked.
        """
        with self._lock:
            if self._failed < self._n_failures:
                return
            left = self._opened_at + self._pause - self._seconds()
            if left > 0:
                raise SourceDown(f"{self._failed} requests failed in a row, and none is made for another {left:.0f} s")
            # One may try; for the others the pause begins anew, until it is known how that went.
            self._opened_at = self._seconds()

    def note(self, *, is_answered: bool) -> None:
        """Take in how a request went: an answer that says no is an answer."""
        with self._lock:
            if is_answered:
                self._failed = 0
                return
            self._failed += 1
            if self._failed >= self._n_failures:
                self._opened_at = self._seconds()
