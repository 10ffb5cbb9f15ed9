"""Has anybody committed to a file of SQLite since? Asked before every read, by one statement on a connection kept for it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final, TypeAlias

Version: TypeAlias = tuple[int, int]
_WAIT_SECONDS: Final = 1.0


class CommitWatch:
    """Tells versions of a file: where two answers are equal, nobody committed between them. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._cursor: sqlite3.Cursor | None = None
        # SQLite counts for each connection anew.
        self._n_opened = 0

    def version(self) -> Version | None:
        """Return the version, or None where it cannot be told at this moment."""
        with self._lock:
            try:
                cursor = self._cursor or self._opened()
                ((count,),) = cursor.execute("PRAGMA data_version").fetchall()
            except sqlite3.Error:
                self._let_go()
                return None
            return self._n_opened, int(count)

    def close(self) -> None:
        """Close the connection; it is opened anew when it is asked again."""
        with self._lock:
            self._let_go()

    def _opened(self) -> sqlite3.Cursor:
        # Never one that takes the file as unchangeable, as others do on a full disk, and never a new file.
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None)
        self._n_opened += 1
        self._cursor = connection.cursor()
        return self._cursor

    def _let_go(self) -> None:
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None
