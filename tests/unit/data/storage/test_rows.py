from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import DataError
from qts.data.storage.rows import Rows, earlier_content, gather, join, merge, overlay, require_sound, rows_of

Keyed = dict[tuple[int, int], tuple[float, ...]]
VALUE = st.sampled_from([0.0, 1.0, 2.5, float("nan")])
KEYED = st.dictionaries(st.tuples(st.integers(1, 3), st.integers(0, 6)), st.tuples(*[VALUE] * 6), max_size=12)


def as_rows(keyed: Keyed) -> Rows:
    keys = sorted(keyed)
    values = np.array([keyed[key] for key in keys], dtype=np.float64).reshape(len(keys), 6).T
    values = np.ascontiguousarray(values)
    return Rows(
        numbers=np.array([key[0] for key in keys], dtype=np.int64), ts=np.array([key[1] for key in keys], dtype=np.int64), values=values
    )


def as_keyed(rows: Rows) -> dict[tuple[int, int], list[str]]:
    return {(int(rows.numbers[i]), int(rows.ts[i])): [repr(float(value)) for value in rows.values[:, i]] for i in range(len(rows))}


def bars_at(ts: list[int], price: float) -> Bars:
    column = np.full(len(ts), price)
    return Bars(
        instrument=InstrumentId("NSE:A"),
        interval=Interval.DAY,
        ts=np.array(ts, dtype=np.int64),
        open=column,
        high=column,
        low=column,
        close=column,
        volume=column,
        oi=column,
    )


@settings(max_examples=60)
@given(old=KEYED, new=KEYED)
def test_merging_is_a_dictionary_update(old: Keyed, new: Keyed) -> None:
    merged = merge(as_rows(old), as_rows(new))
    assert as_keyed(merged.rows) == as_keyed(as_rows(old | new))
    text = as_keyed(as_rows(old)), as_keyed(as_rows(new))
    keys = sorted(new)
    assert merged.is_new.tolist() == [key not in old for key in keys]
    assert merged.is_changed.tolist() == [key in old and text[0][key] != text[1][key] for key in keys]
    assert merged.rows.values.flags.c_contiguous


def test_of_bars_with_one_instant_the_last_given_stays() -> None:
    rows = rows_of([(2, bars_at([5, 6], 1.0)), (1, bars_at([5], 2.0)), (2, bars_at([4, 6], 3.0))])
    assert list(zip(rows.numbers.tolist(), rows.ts.tolist(), rows.values[3].tolist(), strict=True)) == [
        (1, 5, 2.0),
        (2, 4, 3.0),
        (2, 5, 1.0),
        (2, 6, 3.0),
    ]


def test_a_negative_zero_is_a_zero() -> None:
    assert not np.signbit(rows_of([(1, bars_at([1], -0.0))]).values).any()


@settings(max_examples=60)
@given(keys=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), max_size=6))
def test_rows_are_sorted_where_each_key_is_above_the_one_before(keys: list[tuple[int, int]]) -> None:
    numbers, ts = np.array(keys, dtype=np.int64).reshape(-1, 2).T
    rows = Rows(numbers=numbers, ts=ts, values=np.zeros((6, len(keys))))
    assert rows.is_sorted == all(before < after for before, after in pairwise(keys))


def test_series_that_begin_before_others_end_are_sound() -> None:
    require_sound([bars_at([5, 6, 7], 1.0), bars_at([1, 2], 1.0), bars_at([], 1.0), bars_at([2], 1.0)])
    require_sound([])


@pytest.mark.parametrize("n_bars", [3, 20_000])
@pytest.mark.parametrize("place", [0, 1, 39])
@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("close", np.inf, r"NSE:BAD 1d: close = inf at 1970-01-01 05:30"),
        ("open", np.nan, r"open = nan"),
        ("oi", -np.inf, r"oi = -inf"),
        ("ts", 9, r"is older than the one before"),
        ("ts", 1, r"two bars open at"),
        ("ts", -(2**62), r"outside the years 1900 to 2199"),
    ],
)
def test_the_one_bad_series_of_many_is_named(*, n_bars: int, place: int, column: str, value: float, told: str) -> None:
    series = [bars_at(list(range(n_bars)), 1.0) for _ in range(40)]
    good = getattr(series[place], column)
    wrong = np.concatenate([np.array([value], dtype=good.dtype), good[1:]])
    changed: dict[str, Any] = {"instrument": InstrumentId("NSE:BAD"), column: wrong}
    series[place] = replace(series[place], **changed)
    with pytest.raises(DataError, match=told):
        require_sound(series)


@pytest.mark.parametrize("place", [0, 1])
def test_a_column_that_is_too_short_is_told_in_any_series(place: int) -> None:
    series = [bars_at([1, 2], 1.0), bars_at([1, 2], 1.0)]
    series[place] = replace(series[place], high=np.array([1.0]))
    with pytest.raises(DataError, match="not of one length"):
        require_sound(series)


def test_the_same_bars_in_one_part_or_several_are_the_same_rows() -> None:
    whole = replace(bars_at([1, 2, 3, 4], -0.0), oi=np.array([np.nan, -0.0, 1.0, -np.nan]))
    one, two = rows_of([(7, whole)]), rows_of([(7, whole.window(0, 1)), (7, whole.window(1, 4))])
    assert [rows.tobytes() for rows in (one.numbers, one.ts, one.values)] == [rows.tobytes() for rows in (two.numbers, two.ts, two.values)]
    assert not np.signbit(one.values[:, 1]).any()


def test_the_parts_are_the_instruments() -> None:
    rows = as_rows({(1, 1): (1.0,) * 6, (1, 2): (1.0,) * 6, (7, 1): (1.0,) * 6})
    assert list(rows.parts()) == [(1, 0, 2), (7, 2, 3)]
    assert list(as_rows({}).parts()) == []


def test_the_content_of_a_file_of_the_first_format_is_the_hash_that_its_layout_promised() -> None:
    """Worked out by hand: name, count, instants, then the six columns, little-endian, instruments in alphabetical order."""
    rows = as_rows({(1, 10): (1.0, 2.0, 0.5, 1.5, 9.0, float("nan")), (2, 10): (3.0,) * 6, (2, 20): (4.0,) * 6})
    digest = hashlib.sha256()
    digest.update(b"NSE:A\x002\x00" + struct.pack("<2q12d", 10, 20, *[3.0, 4.0] * 6))
    digest.update(b"NSE:B\x001\x00" + struct.pack("<q6d", 10, 1.0, 2.0, 0.5, 1.5, 9.0, np.nan))
    assert earlier_content(rows, {1: "NSE:B", 2: "NSE:A"}) == digest.hexdigest()


def test_the_first_format_does_not_see_which_nan_it_is() -> None:
    odd = np.array([0x7FF8_0000_0000_0001], dtype=np.uint64).view(np.float64)[0]
    plain, strange = (as_rows({(1, 1): (1.0, 1.0, 1.0, 1.0, value, value)}) for value in (float("nan"), float(odd)))
    assert earlier_content(plain, {1: "NSE:A"}) == earlier_content(strange, {1: "NSE:A"})


@settings(max_examples=60)
@given(old=KEYED, new=KEYED)
def test_what_a_merge_replaced_is_told_in_the_order_of_the_new(old: Keyed, new: Keyed) -> None:
    merged = merge(as_rows(old), as_rows(new))
    changed = [key for key, is_changed in zip(sorted(new), merged.is_changed.tolist(), strict=True) if is_changed]
    assert as_keyed(merged.replaced) == as_keyed(as_rows({key: old[key] for key in changed}))
    assert list(as_keyed(merged.replaced)) == changed


@settings(max_examples=60)
@given(layers=st.lists(KEYED, min_size=1, max_size=4))
def test_of_layers_the_highest_that_has_a_bar_counts(layers: list[Keyed]) -> None:
    together: Keyed = {}
    for layer in layers:
        together |= layer
    assert as_keyed(overlay([as_rows(layer) for layer in layers])) == as_keyed(as_rows(together))


def test_there_is_one_nan() -> None:
    odd = np.array([0xFFF8_0000_0000_0001], dtype=np.uint64).view(np.float64)[0]
    given_ = bars_at([1], 1.0)
    rows = rows_of([(1, replace(given_, volume=np.array([odd]), oi=np.array([odd])))])
    assert rows.values[4:].view(np.uint64).tolist() == [[np.array([np.nan]).view(np.uint64)[0]]] * 2


def test_parts_that_follow_one_another_become_rows_of_their_own() -> None:
    whole = rows_of([(7, bars_at(list(range(9)), 2.0))])
    parts = [whole.part(0, 4), whole.part(4, 4), whole.part(4, 9)]
    for some in (parts, parts[:1]):
        rows = gather(some, 7)
        assert as_keyed(rows) == as_keyed(join(some))
        assert not np.shares_memory(rows.values, whole.values)
        assert not np.shares_memory(rows.ts, whole.ts)


ONE = st.dictionaries(st.tuples(st.just(1), st.integers(0, 9)), st.tuples(*[VALUE] * 6), max_size=10)


@settings(max_examples=60)
@given(layers=st.lists(ONE, min_size=1, max_size=4), n_together=st.integers(1, 3))
def test_layers_of_one_instrument_are_an_update_after_the_other_however_they_are_grouped(layers: list[Keyed], n_together: int) -> None:
    expected: Keyed = {}
    for layer in layers:
        expected |= layer
    rows = [as_rows(layer) for layer in layers]
    assert as_keyed(overlay(rows)) == as_keyed(as_rows(expected))
    grouped = [overlay(rows[:n_together]), *([overlay(rows[n_together:])] if rows[n_together:] else [])]
    assert as_keyed(overlay(grouped)) == as_keyed(as_rows(expected))
