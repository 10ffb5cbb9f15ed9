"""What the manifest knows of a file, and what one commit asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from qts.core import InstrumentId
from qts.data.storage.layout import FileGroup
from qts.data.storage.lookup import Growth
from qts.data.storage.series import Provenance, SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of bars. ``path`` is relative to the root; it was live from snapshot ``begin`` until before ``end`` (None: still is).

    ``sha256`` is of its bytes, ``content`` of what it says, whatever the instruments' numbers and the encoding are.
    """

    id: int
    label: str
    path: str
    n_rows: int
    n_bytes: int
    sha256: str
    content: str
    ts_min: int
    ts_max: int
    begin: int
    end: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A file that was built and waits for its commit.

    ``temporary`` is where its bytes stand now, or None where a file of the same bytes is there already. ``growth`` tells by series
    what it adds to the version that it ``supersedes``.
    """

    group: FileGroup
    number: int | None
    path: str
    temporary: str | None
    n_rows: int
    n_bytes: int
    sha256: str
    content: str
    ts_min: int
    ts_max: int
    supersedes: StoredFile | None
    growth: Mapping[SeriesKey, Growth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Everything that becomes visible at once."""

    drafts: Sequence[Draft]
    numbers: Mapping[InstrumentId, int]
    provenance: Provenance
    at: datetime
    n_stored: int
    n_changed: int
    n_unchanged: int


class FileState(StrEnum):
    """What a check found of a file."""

    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFinding:
    """The state of one file, its path relative to the root.

    ``FOREIGN`` files stand among ours and are in no snapshot: left by a killed writer, or put there by hand. They harm nothing.
    ``reason`` says what is wrong with a damaged one.
    """

    path: str
    state: FileState
    is_live: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """What was done about damage: files moved out of the way and to where, and files whose bytes were found elsewhere and put back."""

    aside: Mapping[str, str]
    put_back: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Bars of a series that the manifest promises and no file holds: to be fetched or imported again. Both dates are included."""

    key: SeriesKey
    first: date
    last: date
    path: str
