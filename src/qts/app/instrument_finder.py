"""The search index of a home folder, built when something new was listed or stored and kept until then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from threading import Lock

from qts.core.collection import collection_paused
from qts.core.instrument import InstrumentId
from qts.data.instruments import InstrumentMaster, SearchIndex
from qts.data.storage import BarStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    """An index and what it was built from. ``snapshot`` is the last one whose instruments were looked at."""

    index: SearchIndex
    revision: int
    on: date
    names: frozenset[InstrumentId]
    snapshot: str


class InstrumentFinder:
    """The last index that was built. Threads may share it; one builds while the others wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: _Built | None = None

    def index(self, master: InstrumentMaster, store: BarStore, on: date) -> SearchIndex:
        """Return the index of what was listed on a date and of what is stored.

        New bars of known instruments change nothing of it, so that it is not built anew with every import.
        """
        revision, snapshot = master.revision(), store.snapshot()
        with self._lock:
            last = self._last
            if last is not None and (last.revision, last.on, last.snapshot) == (revision, on, snapshot):
                return last.index
            names = frozenset(info.key.instrument for info in store.series())
            if last is not None and (last.revision, last.on, last.names) == (revision, on, names):
                self._last = replace(last, snapshot=snapshot)
                return last.index
            with collection_paused():
                index = SearchIndex(master.rows(on), sorted(names), on=on)
            self._last = _Built(index=index, revision=revision, on=on, names=names, snapshot=snapshot)
            return index
