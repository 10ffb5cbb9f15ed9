"""A watch folder: files of prices that somebody puts there, bhavcopies or a vendor's, each taken in once."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qts.core.errors import BadPath
from qts.data.source import WatchedSource
from qts.data.unpack import unreadable

SETTLING: Final = 5.0
"""Seconds for which a file must not have changed before it is read: whoever copies it may not have finished."""
UNFINISHED: Final = frozenset({".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp"})
"""Endings that browsers and copying programs give to what is not whole yet."""
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file of the folder as it is now. ``mark`` changes whenever it does; ``changed_at`` is when it last did, in seconds since 1970."""

    path: Path
    mark: str
    changed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFile:
    """What is in the folder and was left there unread, with the reason."""

    path: Path
    reason: str


def find_files(folder: Path) -> Iterator[FoundFile | LeftFile]:
    """Yield everything in a folder and all below it, but hidden things, those that changed last at the end.

    Raises
    ------
    BadPath
        If it cannot be looked into.
    """
    locked: list[OSError] = []
    paths: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=locked.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(root, name) for name in names if not name.startswith(".")]
    for error in locked:
        if Path(error.filename) == folder:
            hint = "Make it, or name another in the setting inbox."
            raise BadPath(str(folder), unreadable(str(folder), error).reason, hint=hint) from error
        yield LeftFile(path=Path(error.filename), reason="may not be looked into")
    found = [look_at(path) for path in sorted(paths)]
    yield from sorted(found, key=lambda one: one.changed_at if isinstance(one, FoundFile) else 0.0)


def look_at(path: Path) -> FoundFile | LeftFile:
    """Return a file as it is now."""
    if path.suffix.lower() in UNFINISHED:
        return LeftFile(path=path, reason="is not whole yet, by the ending of its name")
    try:
        seen = path.stat()
    except OSError as error:
        return LeftFile(path=path, reason=unreadable(str(path), error).reason)
    if not stat.S_ISREG(seen.st_mode):
        return LeftFile(path=path, reason="is no ordinary file")
    if seen.st_size == 0:
        return LeftFile(path=path, reason="is empty so far")
    # The time of its last change, too: who copies a file may set its size and its date before its content.
    mark = f"{seen.st_size}/{seen.st_mtime_ns}/{seen.st_ctime_ns}/{seen.st_ino}"
    return FoundFile(path=path, mark=mark, changed_at=max(seen.st_mtime, seen.st_ctime))


def content_hash(path: Path) -> str:
    """Return the SHA-256 of what a file holds.

    Raises
    ------
    BadPath
        If it may not be read.
    """
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                total.update(block)
    except OSError as error:
        raise unreadable(str(path), error) from error
    return total.hexdigest()


SOURCE: Final = WatchedSource(
    title="Watch folder",
    simulated=False,
    note=(
        "Bhavcopies, Kite's candles and vendors' files in the folder of the setting `inbox`; whether prices are raw or adjusted is found "
        "from them, as by `qts import`. A file is taken in once, by its content, and never moved or deleted."
    ),
    licence="Whatever terms the files came under",
)
