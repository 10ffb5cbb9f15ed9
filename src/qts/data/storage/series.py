"""What a series of bars is, who delivered it, and what storing it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from qts.core import Bars, InstrumentId, Interval


class PriceBasis(StrEnum):
    """What the prices mean. The two never share a series or a file.

    ``RAW`` is the price as traded; ``ADJUSTED`` is back-adjusted for corporate actions by whoever delivered it.
    """

    RAW = "raw"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesKey:
    """The name of a series: one instrument, one bar length, one price basis."""

    instrument: InstrumentId
    interval: Interval
    basis: PriceBasis = PriceBasis.RAW

    def __hash__(self) -> int:
        # That of an enumeration's member is slow, and few series share an instrument.
        return hash(self.instrument)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBars:
    """Bars to be stored under a key."""

    key: SeriesKey
    bars: Bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where bars came from: ``file:reliance.csv`` or the name of a source. ``simulated`` marks invented prices."""

    source: str
    simulated: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInfo:
    """What is stored of a series: first and last open instant in microseconds UTC, the last close in rupees, the number of bars.

    ``simulated`` stays true once any simulated bar was stored. ``sources`` are distinct names, the newest last, at most
    16; the ingest log has them all. ``content`` names the bars: equal bars have equal contents, on any machine.
    """

    key: SeriesKey
    first_ts: int
    last_ts: int
    last_close: float
    n_bars: int
    simulated: bool
    sources: tuple[str, ...]
    content: str = ""


class LatestBar(NamedTuple):
    """The last stored bar of a series: its open instant in microseconds UTC and its close in rupees."""

    ts: int
    close: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertReport:
    """What one commit did.

    ``stored`` counts bars that are new or differ from what was there, ``changed`` those of them that replaced a different bar,
    ``unchanged`` bars that were there already. ``snapshot`` names the state after it. ``waiting`` of the unchanged ones are of a file that
    was lost to damage: they are kept, and read again once all that it held was given.
    """

    stored: int
    unchanged: int
    changed: int
    snapshot: str
    files_written: int
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteReport:
    """What a deletion took out. ``snapshot`` names the state after it, and is what ``undo`` takes."""

    deleted: int
    snapshot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A state of the store. ``id`` depends on the bars alone: the same bars give the same id on any machine, in any order of import.

    ``kind`` is ``import``, ``delete``, ``undo``, ``compaction`` (the same bars in other files) or ``format`` (the same bars under an
    id of the present format). ``names`` are those that users gave it. ``replaced_at`` is when the last commit with this id gave way to the
    next one, whether that is still kept or was collected; None where it is the present.
    """

    seq: int
    id: str
    at: datetime
    kind: str
    note: str
    names: tuple[str, ...] = ()
    replaced_at: datetime | None = None
