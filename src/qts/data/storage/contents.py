"""What names the bars of a store, wherever they lie: a sum over bars, so that a commit costs what it touches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qts.core import InstrumentId, Interval
from qts.data.storage.rows import Rows

Hashes: TypeAlias = NDArray[np.uint64]

_WORD: Final = 64
_MASK: Final = (1 << _WORD) - 1
_BLOCK: Final = 16_384
_LANES: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
_LAST: Final = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_HALF, _THIRD = np.uint64(32), np.uint64(29)


@dataclass(frozen=True, slots=True)
class Content:
    """A sum over bars, 128 bits: two sums modulo 2**64 of two hashes of each bar and of the series that it belongs to.

    Equal sets of bars have equal sums in whatever order, files or store they are; taking bars out subtracts what adding them added.
    """

    high: int = 0
    low: int = 0

    def __add__(self, other: Content) -> Content:
        return Content(self.high + other.high & _MASK, self.low + other.low & _MASK)

    def __sub__(self, other: Content) -> Content:
        return Content(self.high - other.high & _MASK, self.low - other.low & _MASK)

    def __str__(self) -> str:
        return f"{self.high:016x}{self.low:016x}"

    @property
    def state_id(self) -> str:
        """Return the snapshot id of a store that holds exactly these bars."""
        return hashlib.sha256(b"" if self == Content() else str(self).encode()).hexdigest()[:16]

    @classmethod
    def parse(cls, text: str) -> Content:
        """Return the content that was written as text.

        Raises
        ------
        ValueError
            If it is none.
        """
        if len(text) != 2 * _WORD // 4:
            raise ValueError(text)
        return cls(int(text[:16], 16), int(text[16:], 16))


def total(contents: Iterable[Content]) -> Content:
    """Return the sum of all."""
    summed = Content()
    for content in contents:
        summed += content
    return summed


def row_hashes(rows: Rows, names: Mapping[int, InstrumentId], *, interval: Interval, basis: str) -> Hashes:
    """Return two hashes of every row, uint64 of shape ``(2, n)``: of its instant, its values and the name of its series.

    Notes
    -----
    O(n) with two temporary blocks. Every step maps 64 bits to 64 bits one to one. The hashes find accidents; they are no defence
    against somebody who forges bars to fit, against whom the files' SHA-256 stands.
    """
    hashes = np.empty((2, len(rows)), dtype=np.uint64)
    if len(rows) == 0:
        return hashes
    for number, start, stop in rows.parts():
        hashes[:, start:stop] = np.array(_seed(names[number], interval, basis), dtype=np.uint64)[:, np.newaxis]
    columns = [np.ascontiguousarray(rows.ts).view(np.uint64), *(np.ascontiguousarray(column).view(np.uint64) for column in rows.values)]
    spare = np.empty(_BLOCK, dtype=np.uint64)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(rows)))
        parts = [column[block] for column in columns]
        for lane, factor in enumerate(_LANES):
            _mix(hashes[lane, block], parts, factor, spare[: block.stop - start])
    return hashes


def content_of(hashes: Hashes) -> Content:
    """Return the sum of the hashes of some rows."""
    high, low = hashes.sum(axis=1, dtype=np.uint64).tolist()
    return Content(high, low)


def content_of_rows(rows: Rows, names: Mapping[int, InstrumentId], *, interval: Interval, basis: str) -> Content:
    """Return the content of rows of one interval and basis."""
    return content_of(row_hashes(rows, names, interval=interval, basis=basis))


def _mix(out: Hashes, columns: list[Hashes], factor: np.uint64, spare: Hashes) -> None:
    for column in columns:
        np.bitwise_xor(out, column, out=out)
        np.multiply(out, factor, out=out)
        np.right_shift(out, _HALF, out=spare)
        np.bitwise_xor(out, spare, out=out)
    for last in _LAST:
        np.multiply(out, last, out=out)
        np.right_shift(out, _THIRD, out=spare)
        np.bitwise_xor(out, spare, out=out)


def _seed(instrument: InstrumentId, interval: Interval, basis: str) -> tuple[int, int]:
    digest = hashlib.sha256(f"{instrument}\0{interval}\0{basis}".encode()).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:16])
