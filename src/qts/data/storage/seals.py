"""How the manifest shows that its rows are those that were written: SQLite itself keeps no checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from qts.core.errors import DamagedFile

RESTORE_HINT: Final = "Restore a backup into an empty home with `qts --home FOLDER restore BACKUP`; `qts doctor` names the last one."
_MANIFEST: Final = "manifest.sqlite"
_MASK: Final = (1 << 64) - 1


def seal(values: Iterable[object]) -> str:
    """Return a short hash of a row's values."""
    return hashlib.sha256("\0".join(map(repr, values)).encode()).hexdigest()[:16]


def moved(total: str, *, plus: Iterable[str], minus: Iterable[str]) -> str:
    """Return the sum of many rows' seals after some came and some went; the sum of none is the empty text."""
    summed = sum(int(one, 16) for one in plus) - sum(int(one, 16) for one in minus) + int(total or "0", 16)
    return f"{summed & _MASK:016x}"


def require_equal(found: str, recorded: str, what: str) -> None:
    """Raise unless two seals are the same.

    Raises
    ------
    DamagedFile
        If they differ.
    """
    if found != recorded:
        raise DamagedFile(_MANIFEST, f"{what} differs from what was written", hint=RESTORE_HINT)
