from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qts.data.storage.decoded import Decoded
from qts.data.storage.rows import VALUES, Rows

N_ROWS = 10
N_BYTES = N_ROWS * 8 * (2 + len(VALUES))


def rows_of(number: int) -> Rows:
    ts = np.arange(N_ROWS, dtype=np.int64)
    return Rows(numbers=np.full(N_ROWS, number, dtype=np.int64), ts=ts, values=np.full((len(VALUES), N_ROWS), float(number)))


class Source:
    """Decodes rows whose number is their key, and remembers what it was asked for."""

    def __init__(self, decoded: Decoded) -> None:
        self._decoded = decoded
        self.asked: list[int] = []

    def read(self, *keys: int) -> list[int]:
        def decode(places: list[int]) -> Sequence[Rows]:
            self.asked += [keys[place] for place in places]
            return [rows_of(keys[place]) for place in places]

        return [int(rows.numbers[0]) for rows in self._decoded.rows(keys, decode)]


def test_what_is_kept_is_not_decoded_again_and_comes_in_the_order_asked_for() -> None:
    source = Source(Decoded())
    assert source.read(2, 1) == [2, 1]
    assert source.read(3, 1, 2, 4) == [3, 1, 2, 4]
    assert source.asked == [2, 1, 3, 4]


def test_what_was_used_longest_ago_goes_first() -> None:
    source = Source(Decoded(2 * N_BYTES))
    source.read(1)
    source.read(2)
    source.read(1)
    source.read(3)
    source.asked.clear()
    assert source.read(1, 3, 2) == [1, 3, 2]
    assert source.asked == [2]


def test_more_than_there_is_room_for_is_decoded_and_not_kept() -> None:
    source = Source(Decoded(N_BYTES - 1))
    assert [source.read(1), source.read(1)] == [[1], [1]]
    assert source.asked == [1, 1]
