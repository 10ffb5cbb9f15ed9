"""How the manifest shows that its rows are those that were written: SQLite itself keeps no checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from qts.core.errors import DamagedFile

_MANIFEST: Final = "manifest.sqlite"


def seal(values: Iterable[object]) -> str:
    """Return a short hash of a row's values."""
    return hashlib.sha256("\0".join(map(repr, values)).encode()).hexdigest()[:16]


def seal_of_all(seals: Iterable[str]) -> str:
    """Return a short hash of many rows' seals, in any order."""
    return hashlib.sha256("\n".join(sorted(seals)).encode()).hexdigest()[:16]


def require_equal(found: str, recorded: str, what: str) -> None:
    """Raise unless two seals are the same.

    Raises
    ------
    DamagedFile
        If they differ.
    """
    if found != recorded:
        raise DamagedFile(_MANIFEST, f"{what} differs from what was written")
