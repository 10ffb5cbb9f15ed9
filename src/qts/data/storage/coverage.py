"""How many bars each series holds on each date, packed beside its file, so that nobody reads bars to count them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from qts.core import Ints
from qts.core.errors import DamagedFile
from qts.data.storage.seals import RESTORE_HINT

_IST_OFFSET_MICROS: Final = 19_800_000_000
_DAY_MICROS: Final = 86_400_000_000
_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Counts of bars by instrument number and date in India (days since 1970-01-01), sorted by both, each pair once, int64."""

    numbers: Ints
    days: Ints
    counts: Ints

    def __len__(self) -> int:
        return len(self.days)

    def parts(self) -> Iterator[tuple[int, Ints, Ints]]:
        """Yield ``(number, days, counts)`` of each instrument."""
        if len(self.days) == 0:
            return
        bounds = [0, *(np.flatnonzero(np.diff(self.numbers)) + 1).tolist(), len(self.days)]
        for start, stop in pairwise(bounds):
            yield int(self.numbers[start]), self.days[start:stop], self.counts[start:stop]

    def pack(self) -> bytes:
        """Return the counts as bytes: differences, which repeat, compressed."""
        columns = np.empty((3, len(self.days)), dtype="<i4")
        for row, values in zip(columns, (self.numbers, self.days), strict=False):
            row[:1] = values[:1]
            row[1:] = values[1:] - values[:-1]
        columns[2] = self.counts
        return zlib.compress(columns.tobytes(), 1)

    @classmethod
    def unpack(cls, packed: bytes) -> Coverage:
        """Return what was packed."""
        numbers, days, counts = np.frombuffer(zlib.decompress(packed), dtype="<i4").reshape(3, -1)
        return cls(numbers=np.cumsum(numbers, dtype=np.int64), days=np.cumsum(days, dtype=np.int64), counts=counts.astype(np.int64))


class DayCounts(Mapping[int, int]):
    """Bars of one series by date in India (days since 1970-01-01), put together when first asked for.

    Parameters
    ----------
    pieces : iterable of (Ints, Ints)
        Dates and counts of each file, of any width: thousands of series of ten years are held in memory.
    """

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Iterable[tuple[Ints, Ints]] = ()) -> None:
        self._pieces = list(pieces)

    def add(self, days: Ints, counts: Ints) -> None:
        """Add the counts of another file."""
        self._pieces.append((days, counts))

    @property
    def days(self) -> Ints:
        """Return the dates with bars, rising, int64 of shape ``(n_days,)``."""
        return self._whole()[0].astype(np.int64, copy=False)

    @property
    def counts(self) -> Ints:
        """Return the number of bars of each of the dates, int64 of shape ``(n_days,)``."""
        return self._whole()[1].astype(np.int64, copy=False)

    @property
    def ends(self) -> tuple[int, int]:
        """Return the first and the last date with bars, of which there must be one."""
        days = self._whole()[0]
        return int(days[0]), int(days[-1])

    def __getitem__(self, day: int) -> int:
        days, counts = self._whole()
        i_day = int(np.searchsorted(days, day))
        if i_day == len(days) or days[i_day] != day:
            raise KeyError(day)
        return int(counts[i_day])

    def __iter__(self) -> Iterator[int]:
        return iter(self.days.tolist())

    def __len__(self) -> int:
        return len(self._whole()[0])

    def __eq__(self, other: object) -> bool:
        return dict(self) == other if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # a mapping has none

    def __repr__(self) -> str:
        return f"DayCounts({dict(self)!r})"

    def _whole(self) -> tuple[Ints, Ints]:
        if len(self._pieces) != 1:
            self._pieces = [_summed(self._pieces)]
        return self._pieces[0]


def days_of(ts: Ints) -> Ints:
    """Return the dates in India, in days since 1970-01-01, of instants in microseconds UTC."""
    return (ts + _IST_OFFSET_MICROS) // _DAY_MICROS


def coverage_of(numbers: Ints, ts: Ints) -> Coverage:
    """Return the counts of rows sorted by number and instant (microseconds UTC)."""
    days = days_of(ts)
    is_first = np.ones(len(ts), dtype=np.bool_)
    np.not_equal(days[1:], days[:-1], out=is_first[1:])
    if len(ts) and numbers[0] != numbers[-1]:
        is_first[1:] |= numbers[1:] != numbers[:-1]
    starts = np.flatnonzero(is_first)
    return Coverage(numbers=numbers[starts], days=days[starts], counts=np.diff(starts, append=len(ts)))


def summed(coverages: Iterable[Coverage], *, less: Coverage | None = None) -> Coverage:
    """Return the counts of all together, less those of one; dates that come to nothing are left out."""
    parts = [(one, 1) for one in coverages] + ([] if less is None else [(less, -1)])
    numbers = np.concatenate([_NONE, *(one.numbers for one, _ in parts)])
    days = np.concatenate([_NONE, *(one.days for one, _ in parts)])
    counts = np.concatenate([_NONE, *(one.counts * sign for one, sign in parts)])
    order = np.lexsort((days, numbers))
    numbers, days, counts = numbers[order], days[order], counts[order]
    starts = np.flatnonzero(np.append(True, (numbers[1:] != numbers[:-1]) | (days[1:] != days[:-1]))) if len(days) else _NONE
    sums = np.add.reduceat(counts, starts) if len(starts) else _NONE
    kept = starts[sums != 0]
    return Coverage(numbers=numbers[kept], days=days[kept], counts=sums[sums != 0])


def seal_of(packed: bytes) -> str:
    """Return a short hash of packed counts."""
    return hashlib.sha256(packed).hexdigest()[:16]


def unsealed(packed: bytes, seal: str, path: str) -> Coverage:
    """Return packed counts that are those that were written.

    Raises
    ------
    DamagedFile
        If they are not.
    """
    if seal_of(packed) != seal:
        raise DamagedFile("manifest.sqlite", f"the counts of days of {path} differ from what was written", hint=RESTORE_HINT)
    return Coverage.unpack(packed)


def _summed(pieces: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    if not pieces:
        return _NONE, _NONE
    days = np.concatenate([days for days, _ in pieces])
    counts = np.concatenate([counts for _, counts in pieces])
    if not (days[1:] > days[:-1]).all():
        whole = summed([Coverage(numbers=np.zeros(len(days), dtype=np.int64), days=days.astype(np.int64), counts=counts)])
        return whole.days, whole.counts
    return days, counts
