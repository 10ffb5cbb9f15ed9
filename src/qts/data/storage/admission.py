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
    most_waiting : int
        How many may wait; whoever comes on top of that is sent away at once.
    """

    def __init__(self, slots: int, *, most_waiting: int = MOST_WAITING) -> None:
        self._free = slots
        self._most_waiting = most_waiting
        self._line: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait for a turn, and give it back at the end.

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

    def _take(self, seconds: float) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            if len(self._line) >= self._most_waiting:
                raise QueryStopped(f"{len(self._line)} others are waiting already", hint="Try again in a moment.")
            mine = threading.Event()
            self._line.append(mine)
        if mine.wait(seconds):
            return
        with self._lock:
            if mine.is_set():  # the turn came between the two lines
                return
            self._line.remove(mine)
        raise QueryStopped(f"others kept it waiting for {seconds:g} s", hint="Try again in a moment.")

    def _pass_on(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._free += 1
