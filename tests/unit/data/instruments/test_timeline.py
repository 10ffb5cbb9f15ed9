"""Dumps in any order, against the plain reading of them: the state of a date is the last dump up to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from qts.data.instruments.listing import OPEN_END, DumpRow
from qts.data.instruments.timeline import HeldRow, changes_of

FIRST = date(2026, 11, 2)
ROWS = [DumpRow("NSE", f"S{i // 2}", i, "", None, None, 500 + i % 2, 1, "EQ", "NSE") for i in range(8)]


class Kept:
    """The rows of one exchange, changed as the master's table is."""

    def __init__(self) -> None:
        self.rows: dict[int, HeldRow] = {}
        self.dates: set[date] = set()
        self.n_made = 0

    def put(self, on: date, wanted: list[DumpRow]) -> bool:
        next_on = min((day for day in self.dates if day > on), default=None)
        touching = [one for one in self.rows.values() if one.valid_to >= on and one.valid_from <= (next_on or OPEN_END)]
        changes = changes_of(touching, wanted, on=on, next_on=next_on)
        for id_ in changes.dropped:
            del self.rows[id_]
        for period in changes.periods:
            row = self.rows[period.id].row
            self.rows[period.id] = HeldRow(id=period.id, row=row, valid_from=period.valid_from, valid_to=period.valid_to)
        for arrival in changes.arrivals:
            self.n_made += 1
            self.rows[self.n_made] = HeldRow(id=self.n_made, row=arrival.row, valid_from=arrival.valid_from, valid_to=arrival.valid_to)
        self.dates.add(on)
        return changes.is_empty

    def at(self, on: date) -> set[DumpRow]:
        return {one.row for one in self.rows.values() if one.valid_from <= on < one.valid_to}


def expected_at(dumps: Mapping[date, frozenset[DumpRow]], on: date) -> frozenset[DumpRow]:
    last = max((day for day in dumps if day <= on), default=None)
    return frozenset() if last is None else dumps[last]


dump_days = st.integers(0, 7).map(lambda n: FIRST + timedelta(days=n))
contents = st.frozensets(st.sampled_from(ROWS), max_size=6)


@given(loads=st.lists(st.tuples(dump_days, contents), min_size=1, max_size=12))
def test_dumps_in_any_order_and_replaced_give_the_state_of_every_date(loads: list[tuple[date, frozenset[DumpRow]]]) -> None:
    kept = Kept()
    dumps: dict[date, frozenset[DumpRow]] = {}
    for on, rows in loads:
        kept.put(on, sorted(rows, key=str))
        dumps[on] = rows
    for n in range(-1, 10):
        day = FIRST + timedelta(days=n)
        assert kept.at(day) == expected_at(dumps, day)


@given(loads=st.dictionaries(dump_days, contents, min_size=1), data=st.data())
def test_the_order_of_loading_changes_nothing_of_what_is_kept(loads: dict[date, frozenset[DumpRow]], data: st.DataObject) -> None:
    def periods(order: list[date]) -> set[tuple[DumpRow, date, date]]:
        kept = Kept()
        for on in order:
            kept.put(on, sorted(loads[on], key=str))
        return {(one.row, one.valid_from, one.valid_to) for one in kept.rows.values()}

    assert periods(data.draw(st.permutations(sorted(loads)))) == periods(sorted(loads))


@given(loads=st.dictionaries(dump_days, contents, min_size=1), data=st.data())
def test_a_dump_loaded_twice_changes_nothing(loads: dict[date, frozenset[DumpRow]], data: st.DataObject) -> None:
    kept = Kept()
    for on, rows in loads.items():
        kept.put(on, sorted(rows, key=str))
    again = data.draw(st.sampled_from(sorted(loads)))
    assert kept.put(again, sorted(loads[again], key=str))


def test_a_row_that_comes_back_is_kept_twice_and_a_late_dump_joins_the_two() -> None:
    kept, row = Kept(), ROWS[0]
    monday, tuesday, wednesday = (FIRST + timedelta(days=n) for n in range(3))
    kept.put(monday, [row])
    kept.put(tuesday, [])
    kept.put(wednesday, [row])
    assert len(kept.rows) == 2
    kept.put(tuesday, [row])
    assert [(one.valid_from, one.valid_to) for one in kept.rows.values()] == [(monday, OPEN_END)]
