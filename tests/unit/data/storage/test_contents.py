from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.core import InstrumentId, Interval
from qts.data.storage.contents import Content, content_of, content_of_rows, row_hashes, total
from qts.data.storage.rows import Rows, join

NAMES = {1: InstrumentId("NSE:A"), 2: InstrumentId("NSE:B"), 9: InstrumentId("NSE:A")}
MINUTE = Interval.MINUTE_1


def rows_at(number: int, ts: list[int], price: float = 1.5) -> Rows:
    n_rows = len(ts)
    return Rows(numbers=np.full(n_rows, number), ts=np.array(ts, dtype=np.int64), values=np.full((6, n_rows), price))


def content(rows: Rows, *, interval: Interval = MINUTE, basis: str = "raw") -> Content:
    return content_of_rows(rows, NAMES, interval=interval, basis=basis)


@settings(max_examples=50)
@given(ts=st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=40, unique=True), data=st.data())
def test_the_content_of_a_whole_is_the_sum_of_its_parts(ts: list[int], data: st.DataObject) -> None:
    ts.sort()
    cut = data.draw(st.integers(0, len(ts)))
    whole, left, right = rows_at(1, ts), rows_at(1, ts[:cut]), rows_at(1, ts[cut:])
    assert content(left) + content(right) == content(whole)
    assert content(whole) - content(right) == content(left)
    assert total([content(right), content(left)]) == content(whole)


def test_each_thing_that_a_bar_says_tells_in_its_content() -> None:
    base = rows_at(1, [1_000])
    changed = [rows_at(2, [1_000]), rows_at(1, [1_001]), rows_at(1, [1_000], 1.25)]
    for i_value in range(6):
        values = base.values.copy()
        values[i_value] = np.nan
        changed.append(Rows(numbers=base.numbers, ts=base.ts, values=values))
    contents = [content(base), content(base, interval=Interval.DAY), content(base, basis="adjusted"), *map(content, changed)]
    assert len(set(contents)) == len(contents)


def test_the_number_of_an_instrument_here_is_no_part_of_it() -> None:
    assert content(rows_at(1, [5, 6])) == content(rows_at(9, [5, 6]))


def test_values_that_change_places_are_another_content() -> None:
    rows = rows_at(1, [1, 2])
    rows.values[:, 0] = 2.5
    swapped = Rows(numbers=rows.numbers, ts=rows.ts, values=np.ascontiguousarray(rows.values[:, ::-1]))
    assert content(rows) != content(swapped)


def test_the_hashes_of_many_like_bars_do_not_repeat() -> None:
    """Prices on a tick, instants a minute apart: alike in most of their bits."""
    n_rows = 200_000
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(0, 1, (6, n_rows)).cumsum(axis=1) / 10, 2)
    rows = Rows(numbers=np.full(n_rows, 1), ts=np.arange(n_rows) * 60_000_000, values=values)
    for lane in row_hashes(rows, NAMES, interval=MINUTE, basis="raw"):
        assert len(np.unique(lane)) == n_rows
        bits = np.unpackbits(lane.view(np.uint8)).reshape(n_rows, 64).mean(axis=0)
        assert np.all(np.abs(bits - 0.5) < 0.01), "every bit is as often 0 as 1"


def test_the_content_is_the_same_on_every_machine() -> None:
    """Worked out once; a change of it would give every stored snapshot another id."""
    rows = join([rows_at(1, [1_700_000_000_000_000, 1_700_000_060_000_000], 101.25), rows_at(2, [0], -0.05)])
    assert str(content(rows)) == "761443695f5dec5ea8394b3060219e1c"
    assert content(rows).state_id == "7cd7f9243bacbf99"


def test_a_content_is_written_and_read_back() -> None:
    given_ = content(rows_at(1, [1]))
    assert Content.parse(str(given_)) == given_
    assert Content.parse(str(Content())) == content_of(np.empty((2, 0), dtype=np.uint64)) == Content()
    with pytest.raises(ValueError, match="abc"):
        Content.parse("abc")


def test_a_store_without_bars_has_the_id_that_it_always_had() -> None:
    assert Content().state_id == "e3b0c44298fc1c14"
