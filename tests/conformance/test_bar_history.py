"""What every keeper of bars promises of its past: deletions that can be undone, names of snapshots, comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument
from qts.data.storage import BarStore, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.testing import MemoryStore

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
FROM_FILE = Provenance(source="file:a.csv")


@pytest.fixture(params=["memory", "parquet"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BarStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = ParquetStore.open(tmp_path)
    yield opened
    opened.close()


def key_of(instrument: str = "NSE:INFY") -> SeriesKey:
    return SeriesKey(instrument=InstrumentId(instrument), interval=Interval.DAY)


def daily(key: SeriesKey, first: date, closes: Sequence[float]) -> SeriesBars:
    opening = micros_of(datetime(first.year, first.month, first.day, 9, 15, tzinfo=IST))
    ts = opening + np.arange(len(closes), dtype=np.int64) * 86_400_000_000
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), np.array(closes))
    return SeriesBars(key=key, bars=Bars(instrument=key.instrument, interval=key.interval, ts=ts, **columns))


def test_deleted_bars_are_gone_until_the_deletion_is_undone(store: BarStore) -> None:
    given_ = daily(key_of(), date(2023, 12, 30), [1.0, 2.0, 3.0, 4.0])
    before = store.upsert([given_, daily(key_of("NSE:TCS"), date(2024, 1, 1), [9.0])], FROM_FILE, at=AT).snapshot
    report = store.delete(key_of(), start=datetime(2023, 12, 31, tzinfo=IST), end=datetime(2024, 1, 2, tzinfo=IST), at=AT)
    assert (report.deleted, report.snapshot) == (2, store.snapshot())
    assert store.read(key_of()).close.tolist() == [1.0, 4.0]
    assert store.read(key_of(), as_of=before).close.tolist() == [1.0, 2.0, 3.0, 4.0]
    info = store.info(key_of())
    assert info is not None
    assert (info.n_bars, info.last_close) == (2, 4.0)
    assert sum(store.bars_per_day()[key_of()].values()) == 2
    assert [one.kind for one in store.snapshots()] == ["import", "delete"]
    undone = store.undo(report.snapshot, at=AT)
    assert (undone.stored, undone.changed, undone.snapshot) == (2, 0, before)
    assert_array_equal(store.read(key_of()).close, given_.bars.close)
    assert_array_equal(store.read(key_of()).ts, given_.bars.ts)
    assert store.series() == store.series(as_of=before)
    assert [one.kind for one in store.snapshots()] == ["import", "delete", "undo"]


def test_the_last_bars_deleted_are_no_longer_the_last(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0, 3.0])], FROM_FILE, at=AT)
    same = store.upsert([daily(key_of("NSE:TCS"), date(2024, 1, 1), [9.0])], FROM_FILE, at=AT).snapshot
    store.upsert([daily(key_of("NSE:TCS"), date(2024, 1, 2), [8.0])], FROM_FILE, at=AT)
    store.delete(key_of("NSE:TCS"), start=datetime(2024, 1, 2, tzinfo=IST), at=AT)
    assert store.snapshot() == same, "the same bars have the same id, whatever happened to others"
    info = store.info(key_of("NSE:TCS"))
    assert info is not None
    assert (info.last_close, info.first_ts, info.last_ts) == (9.0, *[store.read(key_of("NSE:TCS")).ts[0]] * 2)


def test_a_series_deleted_whole_comes_back_as_it_was_known(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0])], Provenance(source="simulated-market", simulated=True), at=AT)
    store.upsert([daily(key_of(), date(2024, 1, 2), [2.0])], FROM_FILE, at=AT)
    known = store.series()
    report = store.delete(key_of(), at=AT)
    assert (report.deleted, store.series(), store.info(key_of())) == (2, (), None)
    assert report.snapshot == "e3b0c44298fc1c14", "the id of a store without bars"
    with pytest.raises(UnknownInstrument):
        store.read(key_of())
    store.undo(report.snapshot, at=AT)
    assert store.series() == known


def test_undoing_leaves_what_came_later_alone(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0, 3.0])], FROM_FILE, at=AT)
    report = store.delete(key_of(), start=datetime(2024, 1, 2, tzinfo=IST), at=AT)
    store.upsert([daily(key_of(), date(2024, 1, 3), [33.0, 44.0])], FROM_FILE, at=AT)
    assert store.undo(report.snapshot, at=AT).stored == 1
    assert store.read(key_of()).close.tolist() == [1.0, 2.0, 33.0, 44.0]
    assert store.undo(report.snapshot, at=AT).stored == 0, "undone already"


def test_only_what_is_there_is_deleted_and_only_a_deletion_undone(store: BarStore) -> None:
    snapshot = store.upsert([daily(key_of(), date(2024, 1, 1), [1.0])], FROM_FILE, at=AT).snapshot
    with pytest.raises(UnknownInstrument):
        store.delete(key_of("NSE:TCS"), at=AT)
    with pytest.raises(EmptySpan):
        store.delete(key_of(), start=datetime(2025, 1, 1, tzinfo=IST), at=AT)
    with pytest.raises(BadParameter, match="no deletion made it"):
        store.undo(snapshot, at=AT)
    assert len(store.snapshots()) == 1


def test_a_snapshot_answers_to_its_name(store: BarStore) -> None:
    first = store.upsert([daily(key_of(), date(2024, 1, 1), [1.0])], FROM_FILE, at=AT).snapshot
    second = store.upsert([daily(key_of(), date(2024, 1, 2), [2.0])], FROM_FILE, at=AT).snapshot
    store.name_snapshot(first, "before-split", at=AT)
    store.name_snapshot(first, "a.b_c", at=AT)
    store.name_snapshot(first, "a.b_c", at=AT)
    assert store.read(key_of(), as_of="before-split").close.tolist() == [1.0]
    assert [one.names for one in store.snapshots()] == [("a.b_c", "before-split"), ()]
    with pytest.raises(BadParameter, match="is called that"):
        store.name_snapshot(second, "before-split", at=AT)
    store.forget_name("before-split")
    store.name_snapshot("a.b_c", "again", at=AT)
    store.name_snapshot(second, "before-split", at=AT)
    assert store.read(key_of(), as_of="before-split").close.tolist() == [1.0, 2.0]
    assert store.read(key_of(), as_of="again").close.tolist() == [1.0]
    for unfit in ("", "1st", "with space", "x" * 65, "abcdef0123456789"):
        with pytest.raises(BadParameter, match="name"):
            store.name_snapshot(second, unfit, at=AT)
    with pytest.raises(BadParameter, match="no such snapshot"):
        store.name_snapshot("0123", "good", at=AT)
    with pytest.raises(BadParameter, match="no snapshot is called"):
        store.forget_name("nobody")


def test_two_snapshots_are_compared_by_what_they_hold(store: BarStore) -> None:
    keys = [key_of(f"NSE:{name}") for name in ("GONE", "MORE", "NEW", "OTHER", "SAME")]
    gone, more, new, other, same = keys
    before = store.upsert([daily(key, date(2024, 1, 1), [1.0, 2.0]) for key in (gone, more, other, same)], FROM_FILE, at=AT).snapshot
    store.upsert([daily(more, date(2024, 1, 3), [3.0]), daily(other, date(2024, 1, 2), [2.5])], FROM_FILE, at=AT)
    store.upsert([daily(same, date(2024, 1, 1), [7.0])], FROM_FILE, at=AT)
    store.upsert([daily(same, date(2024, 1, 1), [1.0]), daily(new, date(2024, 1, 1), [1.0])], FROM_FILE, at=AT)
    after = store.delete(gone, at=AT).snapshot
    found = store.compare(before, after)
    assert found == store.compare(before)
    assert [(one.key, one.bars_before, one.bars_after) for one in found.added] == [(new, 0, 1)]
    assert [(one.key, one.bars_before, one.bars_after) for one in found.removed] == [(gone, 2, 0)]
    assert [(one.key, one.bars_before, one.bars_after) for one in found.changed] == [(more, 2, 3), (other, 2, 2)]
    back = store.compare(after, before)
    assert (len(back.added), len(back.removed), len(back.changed)) == (1, 1, 2)


def test_the_latest_bars_of_many_series_are_told_at_once(store: BarStore) -> None:
    keys = [key_of(f"NSE:S{i}") for i in range(5)]
    store.upsert([daily(key, date(2024, 1, 1), [1.0, 2.0 + i]) for i, key in enumerate(keys)], FROM_FILE, at=AT)
    assert store.latest([]) == {}
    latest = store.latest([*keys, key_of("NSE:NONE")])
    assert [latest[key].close for key in keys] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert len(latest) == 5
    store.upsert([daily(keys[0], date(2024, 1, 3), [9.0])], FROM_FILE, at=AT)
    assert store.latest(keys[:1])[keys[0]] == (store.read(keys[0]).ts[-1], 9.0)
