"""Which workers of a home are alive: each holds a lock that the system lets go when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

FOLDER: Final = "jobs"
_SUFFIX: Final = ".worker"


class Presence:
    """A worker's own lock; ``id`` names the worker for as long as it lives."""

    def __init__(self, home: Path) -> None:
        folder = home / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        self.id = secrets.token_hex(8)
        self._path = folder / f"{self.id}{_SUFFIX}"
        # Locked before it has its name: nobody can find it unlocked.
        unnamed = self._path.with_suffix(".new")
        self._held = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        unnamed.rename(self._path)

    def leave(self) -> None:
        """Let others see that this worker has ended."""
        self._path.unlink(missing_ok=True)
        os.close(self._held)


def is_alive(home: Path, worker: str) -> bool:
    """Return whether a worker of this home still lives."""
    path = home / FOLDER / f"{worker}{_SUFFIX}"
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    path.unlink(missing_ok=True)
    return False


def has_worker(home: Path) -> bool:
    """Return whether any worker of this home is alive."""
    return any(is_alive(home, path.stem) for path in (home / FOLDER).glob(f"*{_SUFFIX}"))
