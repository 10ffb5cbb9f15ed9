"""What the manifest knows of a file, and what one commit asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from qts.core import Exchange, InstrumentId, Interval
from qts.data.storage.contents import Content
from qts.data.storage.layout import Dataset
from qts.data.storage.lookup import Growth
from qts.data.storage.series import PriceBasis, Provenance, SeriesInfo, SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of bars. ``path`` is relative to the root; it was live from snapshot ``begin`` until before ``end`` (None: still is).

    ``sha256`` is of its bytes, ``content`` of what it says, whatever the instruments' numbers and the encoding are; files of the
    earlier format have a content of 64 digits. ``layer`` is 0 for the file of a group; of two files with a bar, the higher layer's
    counts. ``net`` is what the file adds to the content of the store, ``n_over`` how many bars below it replaces.
    """

    id: int
    label: str
    path: str
    year: int
    n_rows: int
    n_bytes: int
    sha256: str
    content: str
    ts_min: int
    ts_max: int
    layer: int
    number_min: int
    number_max: int
    n_over: int
    net: str
    begin: int
    end: int | None
    seal: str

    @property
    def dataset(self) -> Dataset:
        """Return the dataset that its bars are of."""
        interval, exchange, basis, _ = self.label.split("/", 3)
        return Dataset(interval=Interval(interval), exchange=Exchange(exchange), basis=PriceBasis(basis))

    @property
    def is_hot(self) -> bool:
        """Return whether this is a file of one commit rather than of one group."""
        return self.layer > 0

    @property
    def is_counted(self) -> bool:
        """Return whether its content is a sum over bars, as all are since the second format."""
        return len(self.content) == len(str(Content()))

    def may_hold(self, *, first: int, last: int, ts_first: int, ts_last: int) -> bool:
        """Return whether bars of instruments ``first..last`` between two instants (both included) may be in it."""
        return self.number_min <= last and self.number_max >= first and self.ts_min <= ts_last and self.ts_max >= ts_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A file that was built and waits for its commit.

    ``temporary`` is where its bytes stand now, or None where a file of the same bytes is there already. It takes the place of what it
    ``supersedes``. ``layer`` None is the layer of the coming commit. ``counts`` are its packed counts of days.
    """

    dataset: Dataset
    instrument: InstrumentId | None
    number: int | None
    year: int
    layer: int | None
    path: str
    temporary: str | None
    n_rows: int
    n_bytes: int
    sha256: str
    content: Content
    ts_min: int
    ts_max: int
    number_min: int
    number_max: int
    n_over: int
    net: Content
    counts: bytes
    supersedes: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Everything that becomes visible at once.

    ``ended`` are files that go without another in their place. ``growth`` is what an import adds to the series, ``infos`` what other
    commits leave of them (None: nothing); ``restored`` is what was known of series that come back; ``provenance`` says where what grows
    comes from.
    """

    drafts: Sequence[Draft]
    at: datetime
    kind: str
    note: str
    ended: Sequence[StoredFile] = ()
    growth: Mapping[SeriesKey, Growth] | None = None
    infos: Mapping[SeriesKey, SeriesInfo | None] | None = None
    restored: Mapping[SeriesKey, SeriesInfo] | None = None
    numbers: Mapping[InstrumentId, int] | None = None
    provenance: Provenance | None = None
    n_stored: int = 0
    n_changed: int = 0
    n_unchanged: int = 0


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
    ``reason`` says what is wrong with a damaged one. A file is live if the present state needs it, and needed if any snapshot does that
    can be read: the others wait to be collected.
    """

    path: str
    state: FileState
    is_live: bool
    reason: str = ""
    is_needed: bool = True


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
