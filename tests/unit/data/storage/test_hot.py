from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import DamagedFile
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.hot import FILE_COST, MOST_HOT, absorbed_by, goes_hot
from qts.data.storage.records import StoredFile
from qts.data.testing import MemoryStore

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
OPENING = 1_704_166_500_000_000
DAY = 86_400_000_000
N_SERIES = 20


def key_of(i: int, interval: Interval = Interval.MINUTE_1) -> SeriesKey:
    return SeriesKey(instrument=InstrumentId(f"NSE:S{i:03}"), interval=interval)


def bars_of(key: SeriesKey, day: int, *, n_bars: int = 5, price: float = 100.0, first: int = 0) -> SeriesBars:
    """Return the first minutes of a day counted from 2 January 2024."""
    ts = OPENING + day * DAY + (first + np.arange(n_bars, dtype=np.int64)) * 60_000_000
    close = price + np.arange(n_bars, dtype=np.float64)
    bars = Bars(
        instrument=key.instrument, interval=key.interval, ts=ts, open=close, high=close, low=close, close=close, volume=close, oi=close
    )
    return SeriesBars(key=key, bars=bars)


def session(day: int, *, price: float = 100.0, n_series: int = N_SERIES, interval: Interval = Interval.MINUTE_1) -> list[SeriesBars]:
    return [bars_of(key_of(i, interval), day, price=price + i) for i in range(n_series)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path)
    yield opened
    opened.close()


def live_files(store: ParquetStore) -> list[str]:
    return [finding.path for finding in store.verify() if finding.is_live]


def hot_file(n_rows: int, layer: int) -> StoredFile:
    return StoredFile(
        id=layer,
        label=f"1m/NSE/raw/hot/{layer}",
        path="",
        year=2024,
        n_rows=n_rows,
        n_bytes=0,
        sha256="",
        content="",
        ts_min=0,
        ts_max=0,
        layer=layer,
        number_min=1,
        number_max=1,
        n_over=0,
        net="",
        begin=layer,
        end=None,
        seal="",
    )


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param({"a": (375, 90_000)}, {"a"}, id="a day on a long year"),
        pytest.param({"a": (375, 1_000)}, set(), id="a day on a short year: rewriting it is little"),
        pytest.param({str(i): (375, 1_000) for i in range(500)}, {str(i) for i in range(500)}, id="many short years"),
        pytest.param({"a": (93_750, 0)}, set(), id="a year at once"),
        pytest.param({"a": (93_750, 93_750)}, set(), id="a year over a year"),
        pytest.param({"a": (93_750, 0), **{str(i): (1, 0) for i in range(20)}}, {str(i) for i in range(20)}, id="each as it is best"),
        pytest.param({}, set(), id="nothing"),
    ],
)
def test_bars_go_to_a_hot_file_where_rewriting_costs_much_more(sizes: dict[str, tuple[int, int]], expected: set[str]) -> None:
    assert FILE_COST > 0
    assert goes_hot(sizes) == expected


@settings(max_examples=100)
@given(sizes=st.lists(st.integers(1, 100_000), min_size=1, max_size=60))
def test_there_are_never_more_hot_files_than_allowed_and_few_bars_are_rewritten(sizes: list[int]) -> None:
    hot: list[StoredFile] = []
    n_written = 0
    for layer, n_rows in enumerate(sizes, 1):
        taken = absorbed_by(n_rows, hot)
        assert hot[len(hot) - len(taken) :] == taken, "the highest layers, and all of them"
        whole = n_rows + sum(file.n_rows for file in taken)
        hot = [*hot[: len(hot) - len(taken)], hot_file(whole, layer)]
        n_written += whole
        assert len(hot) <= MOST_HOT
    assert sum(file.n_rows for file in hot) == sum(sizes)
    assert n_written <= sum(sizes) * (len(sizes).bit_length() + 2) + sum(sizes) * len(sizes) // MOST_HOT


def test_a_day_of_many_series_is_one_file_and_reads_like_any_other(store: ParquetStore) -> None:
    for day in range(3):
        report = store.upsert(session(day), SOURCE, at=AT)
        assert (report.stored, report.changed, report.files_written) == (5 * N_SERIES, 0, 1)
    assert len(live_files(store)) == 3
    for i in (0, 7, N_SERIES - 1):
        read = store.read(key_of(i))
        np.testing.assert_array_equal(read.close, np.tile(100.0 + i + np.arange(5), 3))
        assert np.all(np.diff(read.ts) > 0)


def test_the_same_day_again_writes_no_file(store: ParquetStore) -> None:
    first = store.upsert(session(0), SOURCE, at=AT)
    again = store.upsert(session(0), SOURCE, at=AT)
    assert (again.stored, again.unchanged, again.files_written, again.snapshot) == (0, 5 * N_SERIES, 0, first.snapshot)
    some = store.upsert(session(0)[3:5], SOURCE, at=AT)
    assert (some.stored, some.files_written) == (0, 0)


def test_of_two_hot_files_the_newer_counts(store: ParquetStore) -> None:
    store.upsert(session(0), SOURCE, at=AT)
    before = store.snapshot()
    report = store.upsert(session(0, price=200.0)[:15] + session(0)[15:], SOURCE, at=AT)
    assert (report.stored, report.changed, report.unchanged) == (75, 75, 25)
    assert store.read(key_of(0)).close.tolist() == [200.0, 201.0, 202.0, 203.0, 204.0]
    assert store.read(key_of(19)).close[0] == 119.0
    assert store.read(key_of(0), as_of=before).close[0] == 100.0
    assert store.bars_per_day()[key_of(0)] == {19_724: 5}
    with store.sql() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT (instrument, ts)) FROM bars").fetchone() == (100, 100)
        assert connection.execute("SELECT max(close) FROM bars WHERE instrument = 'NSE:S000'").fetchone() == (204.0,)


def test_hot_bars_over_a_file_of_their_group_count_once(store: ParquetStore) -> None:
    store.upsert([bars_of(key_of(0), day, n_bars=375) for day in range(100)], SOURCE, at=AT)
    (cold,) = live_files(store)
    report = store.upsert([bars_of(key_of(0), 50, n_bars=10, price=1.0), bars_of(key_of(0), 100, n_bars=3), *session(0)[1:]], SOURCE, at=AT)
    assert (report.stored, report.changed, report.files_written) == (13 + 95, 10, 1)
    assert cold in live_files(store)
    read = store.read(key_of(0))
    assert len(read) == 37_503
    assert read.close[50 * 375 : 50 * 375 + 11].tolist() == [*range(1, 11), 110.0]
    assert store.bars_per_day()[key_of(0)] == dict.fromkeys(range(19_724, 19_824), 375) | {19_824: 3}
    with store.sql() as connection:
        query = "SELECT count(*), count(DISTINCT ts), sum(close) FROM bars WHERE instrument = 'NSE:S000'"
        assert connection.execute(query).fetchone() == (37_503, 37_503, float(read.close.sum()))


def test_a_long_history_under_hot_bars_is_seen(store: ParquetStore) -> None:
    """A file of a group lies below every hot one: what both have must not be put there."""
    store.upsert(session(50), SOURCE, at=AT)
    report = store.upsert([bars_of(key_of(3), day, n_bars=375, price=7.0) for day in range(100)], SOURCE, at=AT)
    assert (report.stored, report.changed) == (37_500, 5)
    assert store.read(key_of(3)).close.tolist() == list(7.0 + np.arange(375)) * 100
    info = store.info(key_of(3))
    assert info is not None
    assert info.n_bars == 37_500


def test_many_days_are_taken_into_few_files(store: ParquetStore) -> None:
    memory = MemoryStore()
    for day in range(20):
        for each in (store, memory):
            each.upsert(session(day), SOURCE, at=AT)
            each.upsert(session(day // 2, price=200.0 + day)[:10], SOURCE, at=AT)
        assert store.snapshot() == memory.snapshot()
    assert len(live_files(store)) <= MOST_HOT
    for i in range(N_SERIES):
        left, right = store.read(key_of(i)), memory.read(key_of(i))
        np.testing.assert_array_equal(left.ts, right.ts)
        np.testing.assert_array_equal(left.close, right.close)
    assert store.bars_per_day() == memory.bars_per_day()
    assert store.series() == memory.series()


def test_bhavcopies_of_many_series_do_not_rewrite_the_year(store: ParquetStore) -> None:
    n_bytes = []
    for day in range(40):
        batches = [bars_of(key_of(i, Interval.DAY), day, n_bars=1) for i in range(400)]
        store.upsert(batches, SOURCE, at=AT)
        n_bytes.append(sum(path.stat().st_size for path in store.root.rglob("*.parquet")))
    year = 40 * 400 * 20
    assert n_bytes[-1] < 6 * year, "rewriting the year each day would have taken twenty years' room"
    assert len(store.read(key_of(123, Interval.DAY))) == 40


def test_the_same_bars_have_one_id_hot_or_not(store: ParquetStore, tmp_path: Path) -> None:
    other = ParquetStore.open(tmp_path / "other")
    days = [batch for day in range(12) for batch in session(day)]
    whole = other.upsert([batch for batch in days for _ in range(2)], SOURCE, at=AT)
    for day in reversed(range(12)):
        report = store.upsert(session(day), SOURCE, at=AT)
    assert report.snapshot == whole.snapshot
    other.close()


def test_a_damaged_hot_file_is_named_and_healed_by_its_import(store: ParquetStore, tmp_path: Path) -> None:
    store.upsert(session(0), SOURCE, at=AT)
    snapshot = store.upsert(session(1), SOURCE, at=AT).snapshot
    second = max(live_files(store), key=lambda path: (tmp_path / path).stat().st_mtime_ns)
    (tmp_path / second).unlink()
    with pytest.raises(DamagedFile) as caught:
        store.read(key_of(0))
    assert caught.value.path == second
    assert len(store.read(key_of(0), end=datetime(2024, 1, 3, tzinfo=UTC))) == 5, "the other days still serve"
    other = store.upsert(session(1, price=3.0), SOURCE, at=AT)
    assert (other.stored, other.snapshot) == (0, snapshot), "they are not those that it held"
    assert other.waiting == other.unchanged > 0
    with pytest.raises(DamagedFile):
        store.read(key_of(0))
    report = store.upsert(session(1), SOURCE, at=AT)
    assert (report.stored, report.files_written, report.waiting) == (0, 1, 0)
    assert len(store.read(key_of(0))) == 10
