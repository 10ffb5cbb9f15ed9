"""What every keeper of bars promises: the one on disk and its stand-in in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.core.errors import BadParameter, DataError, DuplicateBar, EmptySpan, UnknownInstrument
from qts.data.storage import BarStore, ParquetStore, PriceBasis, Provenance, SeriesBars, SeriesKey
from qts.data.testing import MemoryStore

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
FROM_FILE = Provenance(source="file:a.csv")
INFY = InstrumentId("NSE:INFY")
DAY, MINUTE = Interval.DAY, Interval.MINUTE_1
COLUMNS = ("ts", "open", "high", "low", "close", "volume", "oi")
MakeStore = Callable[[], BarStore]
Row = tuple[int, float, float, float, float, float, float]


@pytest.fixture(params=["memory", "parquet"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    opened: list[ParquetStore] = []

    def make() -> BarStore:
        if request.param == "memory":
            return MemoryStore()
        opened.append(ParquetStore.open(tmp_path / f"home {len(opened)}"))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make_store: MakeStore) -> BarStore:
    return make_store()


def key_of(instrument: str = INFY, interval: Interval = DAY, basis: PriceBasis = PriceBasis.RAW) -> SeriesKey:
    return SeriesKey(instrument=InstrumentId(instrument), interval=interval, basis=basis)


def batch(key: SeriesKey, rows: Sequence[Row]) -> SeriesBars:
    columns = [np.array([row[i] for row in rows], dtype=np.int64 if i == 0 else np.float64) for i in range(len(COLUMNS))]
    bars = Bars(instrument=key.instrument, interval=key.interval, **dict(zip(COLUMNS, columns, strict=True)))  # type: ignore[arg-type]
    return SeriesBars(key=key, bars=bars)


def daily(key: SeriesKey, first: date, closes: Sequence[float], volume: float = 100.0) -> SeriesBars:
    start = datetime(first.year, first.month, first.day, 9, 15, tzinfo=IST)
    rows = [
        (micros_of(start + timedelta(days=i)), close, close + 1, close - 1, close, volume, float("nan")) for i, close in enumerate(closes)
    ]
    return batch(key, rows)


def assert_same(left: Bars, right: Bars) -> None:
    for column in COLUMNS:
        assert_array_equal(getattr(left, column), getattr(right, column))


def test_what_was_stored_is_read_back_bit_for_bit(store: BarStore) -> None:
    given_ = daily(key_of(), date(2023, 12, 28), [100.05, 1013.5, 99.1, 0.05, 2500.0, 7.77, 8.88])
    report = store.upsert([given_], FROM_FILE, at=AT)
    assert (report.stored, report.unchanged, report.changed) == (7, 0, 0)
    read = store.read(key_of())
    assert_same(read, given_.bars)
    assert (read.instrument, read.interval) == (INFY, DAY)
    for column in COLUMNS:
        array = getattr(read, column)
        assert array.flags.c_contiguous
        assert array.dtype == (np.int64 if column == "ts" else np.float64)


def test_storing_the_same_again_changes_nothing(store: BarStore) -> None:
    given_ = [daily(key_of(), date(2024, 1, 1), [1.0, 2.0]), daily(key_of("NSE:TCS"), date(2024, 1, 1), [3.0])]
    first = store.upsert(given_, FROM_FILE, at=AT)
    again = store.upsert(given_, Provenance(source="file:b.csv"), at=AT)
    assert (again.stored, again.unchanged, again.changed, again.files_written) == (0, 3, 0, 0)
    assert again.snapshot == first.snapshot == store.snapshot()
    assert len(store.snapshots()) == 1
    assert store.series()[0].sources == ("file:a.csv",)


def test_the_last_bar_given_wins_and_is_counted_as_changed(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0, 3.0])], FROM_FILE, at=AT)
    report = store.upsert([daily(key_of(), date(2024, 1, 2), [2.5, 3.0, 4.0])], FROM_FILE, at=AT)
    assert (report.stored, report.unchanged, report.changed) == (2, 1, 1)
    assert store.read(key_of()).close.tolist() == [1.0, 2.5, 3.0, 4.0]


def test_within_one_commit_the_later_batch_wins(store: BarStore) -> None:
    report = store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0]), daily(key_of(), date(2024, 1, 1), [9.0])], FROM_FILE, at=AT)
    assert (report.stored, report.changed) == (2, 0)
    assert store.read(key_of()).close.tolist() == [9.0, 2.0]


def test_a_volume_that_changes_to_absent_is_a_change(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0])], FROM_FILE, at=AT)
    report = store.upsert([daily(key_of(), date(2024, 1, 1), [1.0], volume=float("nan"))], FROM_FILE, at=AT)
    assert report.changed == 1
    assert np.isnan(store.read(key_of()).volume[0])


def test_nothing_to_store_is_no_commit(store: BarStore) -> None:
    before = store.snapshot()
    report = store.upsert([], FROM_FILE, at=AT)
    empty = store.upsert([daily(key_of(), date(2024, 1, 1), [])], FROM_FILE, at=AT)
    assert (report.stored, report.snapshot, empty.snapshot) == (0, before, before)
    assert store.snapshots() == ()
    assert store.series() == ()
    assert store.info(key_of()) is None


def test_a_span_is_closed_at_its_start_and_open_at_its_end(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2023, 12, 30), [1.0, 2.0, 3.0, 4.0])], FROM_FILE, at=AT)
    start, end = datetime(2023, 12, 31, 9, 15, tzinfo=IST), datetime(2024, 1, 2, 9, 15, tzinfo=IST)
    assert store.read(key_of(), start=start, end=end).close.tolist() == [2.0, 3.0]
    assert store.read(key_of(), start=start + timedelta(microseconds=1)).close.tolist() == [3.0, 4.0]
    assert store.read(key_of(), end=end + timedelta(microseconds=1)).close.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_an_instant_may_be_given_in_any_zone(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0])], FROM_FILE, at=AT)
    assert store.read(key_of(), start=datetime(2024, 1, 2, 3, 45, tzinfo=UTC)).close.tolist() == [2.0]


def test_a_snapshot_is_read_again_as_it_was(store: BarStore) -> None:
    empty = store.snapshot()
    first = store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0])], FROM_FILE, at=AT).snapshot
    second = store.upsert(
        [daily(key_of(), date(2024, 1, 2), [5.0, 6.0]), daily(key_of("NSE:TCS"), date(2024, 1, 1), [9.0])], FROM_FILE, at=AT
    ).snapshot
    assert len({empty, first, second}) == 3
    assert store.read(key_of(), as_of=first).close.tolist() == [1.0, 2.0]
    assert store.read(key_of(), as_of=second).close.tolist() == store.read(key_of()).close.tolist() == [1.0, 5.0, 6.0]
    assert [(info.key.instrument, info.n_bars, info.last_close) for info in store.series(as_of=first)] == [(INFY, 2, 2.0)]
    assert store.series(as_of=empty) == ()
    with pytest.raises(UnknownInstrument):
        store.read(key_of("NSE:TCS"), as_of=first)
    with pytest.raises(UnknownInstrument):
        store.read(key_of(), as_of=empty)


def test_a_state_that_comes_back_has_its_id_back(store: BarStore) -> None:
    one, two = daily(key_of(), date(2024, 1, 1), [1.0]), daily(key_of(), date(2024, 1, 1), [2.0])
    ids = [store.upsert([each], FROM_FILE, at=AT).snapshot for each in (one, two, one)]
    assert ids[0] == ids[2] != ids[1]
    assert store.read(key_of(), as_of=ids[0]).close.tolist() == [1.0]
    assert store.read(key_of(), as_of=ids[1]).close.tolist() == [2.0]
    assert [snapshot.id for snapshot in store.snapshots()] == ids


def test_the_snapshots_tell_when_and_why(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0])], FROM_FILE, at=AT)
    store.upsert([daily(key_of(), date(2024, 1, 2), [1.0])], Provenance(source="file:b.csv", note="second half"), at=AT + timedelta(days=1))
    assert [(one.seq, one.at, one.kind, one.note) for one in store.snapshots()] == [
        (1, AT, "import", "file:a.csv"),
        (2, AT + timedelta(days=1), "import", "second half"),
    ]


def test_an_unknown_snapshot_is_named(store: BarStore) -> None:
    for ask in (lambda: store.series(as_of="0123"), lambda: store.read(key_of(), as_of="0123")):
        with pytest.raises(BadParameter, match="as_of = 0123"):
            ask()


@pytest.mark.parametrize("symbol", ["M&M", "NIFTY 50", "BAJAJ-AUTO", "A.B_C*D$E", "CON", "X" * 64])
@pytest.mark.parametrize("interval", [DAY, MINUTE])
def test_a_symbol_may_carry_any_character_that_symbols_have(store: BarStore, symbol: str, interval: Interval) -> None:
    key = key_of(f"NSE:{symbol}", interval)
    given_ = daily(key, date(2024, 1, 1), [1.0, 2.0])
    store.upsert([given_], FROM_FILE, at=AT)
    assert_same(store.read(key), given_.bars)
    assert [info.key for info in store.series()] == [key]


def test_raw_and_adjusted_prices_stay_apart(store: BarStore) -> None:
    raw, adjusted = key_of(), key_of(basis=PriceBasis.ADJUSTED)
    store.upsert([daily(raw, date(2024, 1, 1), [1000.0]), daily(adjusted, date(2024, 1, 1), [500.0])], FROM_FILE, at=AT)
    store.upsert([daily(adjusted, date(2024, 1, 1), [250.0])], FROM_FILE, at=AT)
    assert store.read(raw).close.tolist() == [1000.0]
    assert store.read(adjusted).close.tolist() == [250.0]
    assert [info.key for info in store.series()] == [adjusted, raw]


def test_intervals_and_exchanges_stay_apart(store: BarStore) -> None:
    keys = [key_of("BSE:INFY"), key_of(INFY, MINUTE), key_of(INFY, DAY), key_of(INFY, Interval.WEEK)]
    store.upsert([daily(key, date(2024, 1, 1), [float(i + 2)]) for i, key in enumerate(keys)], FROM_FILE, at=AT)
    assert [store.read(key).close.tolist() for key in keys] == [[2.0], [3.0], [4.0], [5.0]]
    assert [info.key for info in store.series()] == keys


def test_bars_are_counted_by_the_date_in_india(store: BarStore) -> None:
    day = key_of()
    minute = key_of(interval=MINUTE)
    store.upsert([daily(day, date(2023, 12, 30), [1.0, 2.0, 3.0])], FROM_FILE, at=AT)
    first = store.snapshot()
    # 23:55 IST and 00:05 IST are one date in London and two in India.
    late = datetime(2023, 12, 30, 23, 55, tzinfo=IST)
    rows: list[Row] = [(micros_of(late + timedelta(minutes=i)), 1.0, 1.0, 1.0, 1.0, 1.0, float("nan")) for i in range(10)]
    store.upsert([batch(minute, rows)], FROM_FILE, at=AT)
    i_day = (date(2023, 12, 30) - date(1970, 1, 1)).days
    assert store.bars_per_day() == {day: {i_day: 1, i_day + 1: 1, i_day + 2: 1}, minute: {i_day: 5, i_day + 1: 5}}
    assert store.bars_per_day(as_of=first).keys() == {day}


def test_a_content_id_changes_with_the_bars_of_its_series_alone(store: BarStore) -> None:
    one, other = key_of(), SeriesKey(instrument=InstrumentId("NSE:OTHER"), interval=Interval.DAY)
    store.upsert([daily(one, date(2024, 1, 10), [5.0, 6.0]), daily(other, date(2024, 1, 10), [1.0])], FROM_FILE, at=AT)
    before, first = store.content_ids(), store.snapshot()
    assert before.keys() == {one, other}
    store.upsert([daily(one, date(2024, 1, 11), [6.5])], FROM_FILE, at=AT)
    after = store.content_ids()
    assert after[one] != before[one]
    assert after[other] == before[other]
    store.upsert([daily(one, date(2024, 1, 11), [6.5])], FROM_FILE, at=AT)
    assert store.content_ids() == after
    assert store.content_ids(as_of=first) == before


def test_the_series_tell_first_last_and_close_without_a_scan(store: BarStore) -> None:
    newer = daily(key_of(), date(2024, 1, 10), [5.0, 6.0])
    older = daily(key_of(), date(2022, 12, 31), [1.0, 2.0])
    store.upsert([newer], FROM_FILE, at=AT)
    store.upsert([older], Provenance(source="simulated-market", simulated=True), at=AT)
    info = store.info(key_of())
    assert info is not None
    assert (info.first_ts, info.last_ts, info.last_close, info.n_bars) == (older.bars.ts[0], newer.bars.ts[-1], 6.0, 4)
    assert info.simulated
    assert info.sources == ("file:a.csv", "simulated-market")
    store.upsert([daily(key_of(), date(2024, 1, 11), [6.5])], FROM_FILE, at=AT)
    corrected = store.info(key_of())
    assert corrected is not None
    assert (corrected.last_close, corrected.n_bars) == (6.5, 4)
    assert corrected.sources == ("simulated-market", "file:a.csv")


def test_of_many_sources_the_newest_16_are_named(store: BarStore) -> None:
    for i in range(20):
        store.upsert([daily(key_of(), date(2024, 1, 1 + i), [1.0])], Provenance(source=f"file:{i}"), at=AT)
    info = store.info(key_of())
    assert info is not None
    assert info.sources == tuple(f"file:{i}" for i in range(4, 20))


def test_an_unknown_instrument_is_met_with_near_names(store: BarStore) -> None:
    store.upsert([daily(key_of(name), date(2024, 1, 1), [1.0]) for name in (INFY, "BSE:RELIANCE", "NSE:TCS")], FROM_FILE, at=AT)
    with pytest.raises(UnknownInstrument) as caught:
        store.read(key_of("NSE:INFI"))
    assert caught.value.near == (INFY,)
    with pytest.raises(UnknownInstrument) as caught:
        store.read(key_of("NSE:RELIANCE"))
    assert caught.value.near == ("BSE:RELIANCE",)


def test_an_empty_span_names_the_dates_that_are_stored(store: BarStore) -> None:
    store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0])], FROM_FILE, at=AT)
    with pytest.raises(EmptySpan) as caught:
        store.read(key_of(), start=datetime(2019, 1, 1, tzinfo=IST), end=datetime(2019, 4, 1, tzinfo=IST))
    assert (caught.value.start, caught.value.end) == (date(2019, 1, 1), date(2019, 3, 31))
    assert caught.value.stored == (date(2024, 1, 1), date(2024, 1, 2))
    with pytest.raises(EmptySpan, match="NSE:INFY has no 1m bars"):
        store.read(key_of(INFY, MINUTE))
    with pytest.raises(EmptySpan) as caught:
        store.read(key_of(), start=datetime(2025, 1, 1, tzinfo=IST), end=datetime(2024, 1, 1, tzinfo=IST))


def test_an_instant_without_a_zone_is_refused(store: BarStore) -> None:
    naive = datetime(2024, 1, 1)  # noqa: DTZ001 - the point of the test
    with pytest.raises(BadParameter, match="start"):
        store.read(key_of(), start=naive)
    with pytest.raises(BadParameter, match="no time zone"):
        store.upsert([daily(key_of(), date(2024, 1, 1), [1.0])], FROM_FILE, at=naive)
    assert store.series() == ()


def test_unsound_bars_are_refused_and_nothing_is_stored(store: BarStore) -> None:
    good = daily(key_of("NSE:TCS"), date(2024, 1, 1), [1.0])
    row: Row = (micros_of(AT), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    later: Row = (row[0] + 1, *row[1:])
    with pytest.raises(DuplicateBar, match="two bars open at 2026-01-05 17:30"):
        store.upsert([good, batch(key_of(), [row, row])], FROM_FILE, at=AT)
    with pytest.raises(DataError, match="older than the one before"):
        store.upsert([good, batch(key_of(), [later, row])], FROM_FILE, at=AT)
    with pytest.raises(DataError, match="low = nan"):
        store.upsert([good, batch(key_of(), [(row[0], 1.0, 1.0, float("nan"), 1.0, 1.0, 1.0)])], FROM_FILE, at=AT)
    with pytest.raises(DataError, match="volume = inf"):
        store.upsert([good, batch(key_of(), [(row[0], 1.0, 1.0, 1.0, 1.0, float("inf"), 1.0)])], FROM_FILE, at=AT)
    with pytest.raises(DataError, match="1900 to 2199"):
        store.upsert([good, batch(key_of(), [(-(2**62), *row[1:])])], FROM_FILE, at=AT)
    assert store.series() == ()
    assert store.snapshots() == ()


SERIES = [key_of(), key_of("NSE:M&M"), key_of(INFY, MINUTE), key_of(INFY, DAY, PriceBasis.ADJUSTED)]
PRICE = st.one_of(
    st.integers(1, 10**9).map(lambda paise: paise / 100),
    st.integers(1, 10**9).map(lambda units: units / 10_000),
    st.floats(1e-9, 1e12, allow_nan=False),
)
COUNT = st.one_of(st.just(float("nan")), st.integers(0, 2**53).map(float), st.floats(0, 1e6))
TS = st.integers(0, 12).map(lambda i: micros_of(datetime(2023, 12, 26, 9, 15, tzinfo=IST) + timedelta(days=i)))
ROW = st.tuples(TS, PRICE, PRICE, PRICE, PRICE, COUNT, COUNT)
BATCH = st.tuples(
    st.sampled_from(SERIES), st.lists(ROW, max_size=6, unique_by=lambda row: row[0]).map(lambda rows: sorted(rows, key=lambda row: row[0]))
)
COMMITS = st.lists(st.lists(BATCH, max_size=3), max_size=4)


def as_rows(bars: Bars) -> list[tuple[float, ...]]:
    return list(zip(*(getattr(bars, column).tolist() for column in COLUMNS), strict=True))


@settings(max_examples=15)
@given(commits=COMMITS)
@pytest.mark.parametrize("kind", ["memory", "parquet"])
def test_any_history_of_commits_reads_like_a_dictionary(kind: str, commits: list[list[tuple[SeriesKey, list[Row]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store: BarStore = MemoryStore() if kind == "memory" else ParquetStore.open(Path(folder))
        truth: dict[SeriesKey, dict[int, Row]] = {}
        history = [(store.snapshot(), truth)]
        for batches in commits:
            store.upsert([batch(key, rows) for key, rows in batches], FROM_FILE, at=AT)
            truth = {key: dict(rows) for key, rows in truth.items()}
            for key, rows in batches:
                for row in rows:
                    truth.setdefault(key, {})[row[0]] = row
            history.append((store.snapshot(), truth))
        for snapshot, held in history:
            for key, rows_by_ts in held.items():
                expected = [row for _, row in sorted(rows_by_ts.items())]
                assert_array_equal(np.array(as_rows(store.read(key, as_of=snapshot))), np.array(expected))
            infos = {info.key: (info.n_bars, info.first_ts, info.last_ts) for info in store.series(as_of=snapshot)}
            assert infos == {key: (len(rows), min(rows), max(rows)) for key, rows in held.items()}
        if isinstance(store, ParquetStore):
            store.close()


@settings(max_examples=15)
@given(batches=st.lists(BATCH, min_size=1, max_size=4, unique_by=lambda one: one[0]), data=st.data())
def test_the_snapshot_depends_on_the_bars_alone(batches: list[tuple[SeriesKey, list[Row]]], data: st.DataObject) -> None:
    """Not on the store, the order of import, the number of commits or the time."""
    given_ = [batch(key, rows) for key, rows in batches]
    with tempfile.TemporaryDirectory() as folder:
        one, other, memory = ParquetStore.open(Path(folder) / "a"), ParquetStore.open(Path(folder) / "b"), MemoryStore()
        one.upsert(given_, FROM_FILE, at=AT)
        memory.upsert(given_, FROM_FILE, at=AT)
        for each in data.draw(st.permutations(given_)):
            other.upsert([each], Provenance(source="elsewhere"), at=AT + timedelta(days=9))
        assert one.snapshot() == other.snapshot() == memory.snapshot()
        one.close()
        other.close()


def test_the_history_of_a_series_tells_each_commit_that_touched_it(store: BarStore) -> None:
    key, other = key_of(), key_of("NSE:TCS")
    store.upsert([daily(key, date(2024, 1, 1), [1.0, 2.0])], FROM_FILE, at=AT)
    store.upsert([daily(other, date(2024, 1, 1), [1.0])], FROM_FILE, at=AT)
    again = daily(key, date(2024, 1, 2), [2.5, 3.0, 4.0])
    store.upsert([again, daily(other, date(2024, 1, 1), [1.0])], Provenance(source="sandbox", simulated=True), at=AT + timedelta(days=1))
    store.upsert([again], FROM_FILE, at=AT + timedelta(days=2))
    gone = store.delete(key, end=datetime(2024, 1, 3, tzinfo=IST), at=AT + timedelta(days=3), note="wrong")
    store.delete(key, at=AT + timedelta(days=4))
    store.undo(gone.snapshot, at=AT + timedelta(days=5))
    fields = ("seq", "kind", "source", "simulated", "n_bars", "n_added", "n_stored", "n_changed", "n_unchanged")
    assert [tuple(getattr(one, field) for field in fields) for one in store.history(key)] == [
        (1, "import", "file:a.csv", False, 2, 2, 2, 0, 0),
        (3, "import", "sandbox", True, 4, 2, 3, 1, 1),
        (4, "delete", "", False, 2, -2, None, None, None),
        (5, "delete", "", False, 0, -2, None, None, None),
        (6, "undo", "sandbox", True, 2, 2, 2, 0, 0),
    ]
    found = store.history(key)
    assert [one.snapshot for one in found] == [store.snapshots()[seq - 1].id for seq in (1, 3, 4, 5, 6)]
    assert [one.note for one in found][2:4] == ["wrong", "NSE:INFY 1d raw"]
    assert [one.at for one in found] == [AT + timedelta(days=days) for days in (0, 1, 3, 4, 5)]
    assert (any(one.is_collected for one in found), store.history(key_of("NSE:NONE"))) == (False, ())


def test_what_is_known_of_a_series_can_be_asked_of_a_snapshot(store: BarStore) -> None:
    first = store.upsert([daily(key_of(), date(2024, 1, 1), [1.0, 2.0])], FROM_FILE, at=AT).snapshot
    (before,) = store.series()
    store.upsert([daily(key_of(), date(2024, 1, 3), [3.0])], FROM_FILE, at=AT)
    assert (store.info(key_of(), as_of=first), store.info(key_of())) == (before, store.series()[0])
    assert store.info(key_of("NSE:TCS"), as_of=first) is None
    with pytest.raises(BadParameter):
        store.info(key_of(), as_of="0000000000000000")
