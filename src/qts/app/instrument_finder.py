"""The search index of a home folder, built when something new was listed or stored and kept until then."""

from __future__ import annotations

from datetime import date
from threading import Lock
from typing import Final

from qts.core.instrument import InstrumentId
from qts.data.instruments import InstrumentMaster, SearchIndex
from qts.data.storage import BarStore

_KEPT: Final = 2
_Key = tuple[int, str, date]


class InstrumentFinder:
    """Search indices by what they were built from. Threads may share it; one builds while the others wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._built: dict[_Key, SearchIndex] = {}

    def index(self, master: InstrumentMaster, store: BarStore, on: date) -> SearchIndex:
        """Return the index of what was listed on a date and of what is stored."""
        key = (master.revision(), store.snapshot(), on)
        with self._lock:
            found = self._built.pop(key, None)
            if found is None:
                names = {info.key.instrument for info in store.series()}
                found = SearchIndex(master.rows(on), (InstrumentId(name) for name in sorted(names)), on=on)
            self._built[key] = found
            for old in list(self._built)[:-_KEPT]:
                del self._built[old]
        return found
