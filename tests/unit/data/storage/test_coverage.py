from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.core.errors import DamagedFile
from qts.data.storage.coverage import Coverage, DayCounts, coverage_of, seal_of, summed, unsealed

COUNTS = st.dictionaries(st.tuples(st.integers(1, 2**31 - 1), st.integers(-25_000, 84_000)), st.integers(1, 1_500), max_size=30)
DAY = 86_400_000_000


def as_coverage(counts: dict[tuple[int, int], int]) -> Coverage:
    keys = sorted(counts)
    return Coverage(
        numbers=np.array([key[0] for key in keys], dtype=np.int64),
        days=np.array([key[1] for key in keys], dtype=np.int64),
        counts=np.array([counts[key] for key in keys], dtype=np.int64),
    )


def as_dict(coverage: Coverage) -> dict[tuple[int, int], int]:
    return {(number, day): n for number, days, counts in coverage.parts() for day, n in zip(days.tolist(), counts.tolist(), strict=True)}


@settings(max_examples=60)
@given(counts=COUNTS)
def test_what_is_packed_comes_back(counts: dict[tuple[int, int], int]) -> None:
    packed = as_coverage(counts).pack()
    assert as_dict(Coverage.unpack(packed)) == counts
    assert as_dict(unsealed(packed, seal_of(packed), "a.parquet")) == counts


def test_a_year_of_minutes_takes_little_room() -> None:
    days = {(7, 19_000 + i): 375 for i in range(365) if i % 7 < 5}
    assert len(as_coverage(days).pack()) < 100


@settings(max_examples=60)
@given(parts=st.lists(COUNTS, max_size=3), less=COUNTS)
def test_counts_of_files_add_up(parts: list[dict[tuple[int, int], int]], less: dict[tuple[int, int], int]) -> None:
    expected: dict[tuple[int, int], int] = {}
    for part in [*parts, less]:
        for key, n in part.items():
            expected[key] = expected.get(key, 0) + n
    assert as_dict(summed([as_coverage(part) for part in [*parts, less]])) == expected
    without = {key: n - less.get(key, 0) for key, n in expected.items() if n != less.get(key, 0)}
    assert as_dict(summed([as_coverage(expected)], less=as_coverage(less))) == without


def test_bars_are_counted_by_instrument_and_date_in_india() -> None:
    midnight = 19_000 * DAY - 19_800_000_000
    numbers = np.array([1, 1, 1, 4, 4])
    ts = np.array([midnight - 1, midnight, midnight + DAY - 1, midnight, midnight + DAY])
    assert as_dict(coverage_of(numbers, ts)) == {(1, 18_999): 1, (1, 19_000): 2, (4, 19_000): 1, (4, 19_001): 1}
    assert len(coverage_of(numbers[:0], ts[:0])) == 0


def test_changed_counts_are_named() -> None:
    packed = as_coverage({(1, 1): 2}).pack()
    with pytest.raises(DamagedFile, match=r"days of a\.parquet"):
        unsealed(packed, seal_of(packed + b"x"), "a.parquet")


def test_counts_of_a_series_are_a_mapping_put_together_from_pieces() -> None:
    one, two = np.array([5, 7]), np.array([3, 7])
    held = DayCounts([(one, np.array([10, 20])), (two, np.array([1, 2]))])
    assert held == {3: 1, 5: 10, 7: 22}
    assert list(held) == [3, 5, 7]
    assert (held[7], held.get(4), 4 in held, len(held)) == (22, None, False, 3)
    assert held.counts.tolist() == [1, 10, 22]
    assert DayCounts() == {}
    assert repr(held) == "DayCounts({3: 1, 5: 10, 7: 22})"
    with pytest.raises(KeyError):
        held[99]
