"""What was decoded of files last, kept for the next reader: neighbours in a file, and users of one chart, ask for the same rows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Final

from qts.data.storage.rows import Rows

MOST_BYTES: Final = 128 << 20


class Decoded:
    """Rows by a key that stands for their content, the ones used longest ago dropped for new ones. Threads may share it.

    Parameters
    ----------
    n_bytes : int
        How much memory they may take together.
    """

    def __init__(self, n_bytes: int = MOST_BYTES) -> None:
        self._n_bytes = n_bytes
        self._n_held = 0
        self._rows: OrderedDict[Hashable, Rows] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, keys: Sequence[Hashable], decode: Callable[[list[int]], Sequence[Rows]]) -> list[Rows]:
        """Return the rows of these keys; those that are not kept are decoded, given their places among the keys.

        They belong to all who ask: copy them before they are handed on.
        """
        with self._lock:
            found = {place: rows for place, key in enumerate(keys) if (rows := self._rows.get(key)) is not None}
            for place in found:
                self._rows.move_to_end(keys[place])
        missing = [place for place in range(len(keys)) if place not in found]
        if missing:
            # Two who come together both decode: neither waits for the other.
            fresh = dict(zip(missing, decode(missing), strict=True))
            self._keep({keys[place]: rows for place, rows in fresh.items()})
            found |= fresh
        return [found[place] for place in range(len(keys))]

    def _keep(self, fresh: dict[Hashable, Rows]) -> None:
        with self._lock:
            for key, rows in fresh.items():
                if key not in self._rows:
                    self._rows[key] = rows
                    self._n_held += _size(rows)
            while self._n_held > self._n_bytes:
                self._n_held -= _size(self._rows.popitem(last=False)[1])


def _size(rows: Rows) -> int:
    # Numbers of a file of one instrument are one number, seen as many; counted nevertheless.
    return rows.numbers.nbytes + rows.ts.nbytes + rows.values.nbytes
