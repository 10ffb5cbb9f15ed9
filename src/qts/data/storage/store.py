"""What anything that keeps bars promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from qts.core import Bars
from qts.data.storage.archive import SeriesCommit
from qts.data.storage.history import Comparison
from qts.data.storage.series import DeleteReport, LatestBar, Provenance, SeriesBars, SeriesInfo, SeriesKey, Snapshot, UpsertReport

if TYPE_CHECKING:  # what compacts brings a database library
    from qts.data.storage.compaction import Compacted


class BarStore(Protocol):
    """A keeper of bars. Each commit makes a snapshot; a snapshot can be read for ever."""

    def upsert(self, batches: Sequence[SeriesBars], provenance: Provenance, *, at: datetime) -> UpsertReport:
        """Store all batches in one atomic commit; per series and instant the last bar given wins.

        Bars that are stored already are left alone: storing the same again writes nothing and makes no snapshot.

        Parameters
        ----------
        batches : sequence of SeriesBars
            Any number of series; a series may come in several batches.
        provenance : Provenance
            Where they came from.
        at : datetime
            The present instant, aware; recorded with the commit.

        Raises
        ------
        DataError
            If a batch has prices that are not finite or instants that do not increase; nothing is stored then.
        StoreFull
            If the disk is full; nothing is stored then.
        """
        ...

    def read(self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, as_of: str | None = None) -> Bars:
        """Return the bars that open in ``[start, end)``, oldest first.

        Raises
        ------
        UnknownInstrument
            If nothing at all is stored under the instrument.
        EmptySpan
            If the series has no bars in the span.
        DamagedFile
            If what is stored is not what was written.
        BadParameter
            If ``as_of`` names no snapshot, or an instant has no zone.
        """
        ...

    def series(self, *, as_of: str | None = None) -> tuple[SeriesInfo, ...]:
        """Return all series, sorted by instrument, interval length and basis, without reading a bar."""
        ...

    def info(self, key: SeriesKey, *, as_of: str | None = None) -> SeriesInfo | None:
        """Return what is stored of a series, or None.

        Raises
        ------
        BadParameter
            If ``as_of`` names no snapshot.
        """
        ...

    def history(self, key: SeriesKey) -> tuple[SeriesCommit, ...]:
        """Return the commits that touched a series, oldest first; nothing for one that never was."""
        ...

    def bars_per_day(self, *, as_of: str | None = None) -> Mapping[SeriesKey, Mapping[int, int]]:
        """Return, for every series, how many bars each date in India holds; dates are days since 1970-01-01.

        Raises
        ------
        DamagedFile
            If what is stored is not what was written.
        BadParameter
            If ``as_of`` names no snapshot.
        """
        ...

    def content_ids(self, *, as_of: str | None = None) -> Mapping[SeriesKey, str]:
        """Return, for every series, an id that changes whenever one of its bars does; stored under the same id, its bars are the same.

        Raises
        ------
        BadParameter
            If ``as_of`` names no snapshot.
        """
        ...

    def snapshot(self) -> str:
        """Return the id of the present state."""
        ...

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every commit, oldest first."""
        ...

    def delete(
        self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, at: datetime, note: str = ""
    ) -> DeleteReport:
        """Take the bars of a series that open in ``[start, end)`` out of the store, as a commit of its own.

        Raises
        ------
        UnknownInstrument, EmptySpan
            If there are none.
        """
        ...

    def undo(self, snapshot: str, *, at: datetime) -> UpsertReport:
        """Bring back what the deletion that made this snapshot took, except where there are bars again.

        Raises
        ------
        BadParameter
            If the snapshot was not made by a deletion, or what it took was collected since.
        """
        ...

    def name_snapshot(self, snapshot: str, name: str, *, at: datetime) -> None:
        """Call a snapshot by a name, which ``as_of`` then takes like its id; a named snapshot is never collected.

        Raises
        ------
        BadParameter
            If there is no such snapshot, the name cannot be one, or another snapshot has it.
        """
        ...

    def forget_name(self, name: str) -> None:
        """Take a name away.

        Raises
        ------
        BadParameter
            If no snapshot has it.
        """
        ...

    def compare(self, before: str, after: str | None = None) -> Comparison:
        """Return which series were added, removed or changed between two snapshots (None: the present)."""
        ...

    def latest(self, keys: Iterable[SeriesKey]) -> Mapping[SeriesKey, LatestBar]:
        """Return the last stored bar of each of these series that has one, without reading bars."""
        ...

    def compact(self, *, at: datetime, everything: bool = False) -> tuple[Compacted, ...]:
        """Put bars that came in small portions where they are read best, if they are many (or ``everything``); no bar changes."""
        ...
