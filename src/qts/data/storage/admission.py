"""Who may query now: a few at a time, the others in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from qts.core.errors import QueryStopped

MOST_WAITING: Final = 100


class Admission:
    """Turns for heavy work, first come, first served. Threads share one object.

    Parameters
    ----------
    slots : int
        How many may work at a time.
    most_waiting : int or None
        How many may wait; whoever comes on top of that is sent away at once. None lets all wait.
    """

    def __init__(self, slots: int, *, most_waiting: int | None = MOST_WAITING) -> None:
        self._free = slots
        self._most_waiting = most_waiting
        # Each waits for its own lock, which is held until its turn comes.
        self._line: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, seconds: float | None = None) -> Iterator[None]:
        """Wait for a turn, and give it back at the end; None waits as long as it takes.

        Raises
        ------
        QueryStopped
            If too many wait already, or no turn comes within ``seconds``.
        """
        self._take(seconds)
        try:
            yield
        finally:
            self._pass_on()

    def _take(self, seconds: float | None) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            if self._most_waiting is not None and len(self._line) >= self._most_waiting:
                raise QueryStopped(f"{len(self._line)} others are waiting already", hint="Try again in a moment.")
            mine = threading.Lock()
            mine.acquire()
            self._line.append(mine)
        try:
            has_come = mine.acquire(timeout=-1 if seconds is None else seconds)
        except BaseException:
            # Interrupted while waiting: a turn that came meanwhile is the next one's.
            if not self._leave(mine):
                self._pass_on()
            raise
        if not has_come and self._leave(mine):
            raise QueryStopped(f"others kept it waiting for {seconds:g} s", hint="Try again in a moment.")

    def _leave(self, mine: threading.Lock) -> bool:
        """Leave the line; return False where the turn had come."""
        with self._lock:
            if mine not in self._line:
                return False
            self._line.remove(mine)
            return True

    def _pass_on(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().release()
            else:
                self._free += 1
