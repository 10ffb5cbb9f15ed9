from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, Exchange, InstrumentId, Interval, micros_of
from qts.core.errors import DamagedFile
from qts.data.storage import FileState, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.healing import FOLDER
from qts.data.storage.retention import Retention
from qts.market.sessions import daily_stamp, sessions

AT = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = [session.date for session in sessions(Exchange.NSE, date(2024, 1, 1), date(2024, 2, 28))][:20]
KEYS = [SeriesKey(instrument=InstrumentId(f"NSE:S{number:02}"), interval=Interval.DAY) for number in range(30)]


def held_on(i_day: int) -> list[SeriesKey]:
    """Return who traded on a day: as in the exchange's files, not everybody every day."""
    return [key for i, key in enumerate(KEYS) if (i + i_day) % 7 or i == 1]


def day_file(i_day: int, *, raised: float = 0.0) -> list[SeriesBars]:
    """Return what the exchange's file of one day holds."""
    ts = np.array([micros_of(daily_stamp(Exchange.NSE, DAYS[i_day]))], np.int64)
    batches = []
    for key in held_on(i_day):
        price = np.array([100.0 + KEYS.index(key) + i_day / 100 + raised])
        columns = dict.fromkeys(("open", "high", "low", "close", "volume"), price)
        batches.append(
            SeriesBars(key=key, bars=Bars(instrument=key.instrument, interval=key.interval, ts=ts, oi=price * np.nan, **columns))
        )
    return batches


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(params=[5])
def store(home: Path, request: pytest.FixtureRequest) -> Iterator[ParquetStore]:
    """Return a store of so many files of a day, each a commit of its own, whose earlier versions are gone."""
    opened = ParquetStore.open(home)
    for i_day in range(request.param):
        opened.upsert(day_file(i_day), Provenance(source=f"file:{i_day}"), at=AT)
    opened.collect(at=datetime(2100, 1, 1, tzinfo=UTC), keep=Retention(younger_than=timedelta(0), grace=timedelta(0)))
    yield opened
    opened.close()


def lose(home: Path, store: ParquetStore) -> str:
    """Damage the file of the year and set it aside."""
    (path,) = [finding.path for finding in store.verify() if finding.is_live]
    content = bytearray((home / path).read_bytes())
    content[len(content) // 2] ^= 1
    (home / path).chmod(0o644)
    (home / path).write_bytes(content)
    assert list(store.set_aside(store.verify(), at=AT).aside) == [path]
    return path


def days_missing(store: ParquetStore, key: SeriesKey) -> list[date]:
    spans = [(hole.first, hole.last) for hole in store.refill() if hole.key == key]
    return [day for i, day in enumerate(DAYS) if key in held_on(i) and any(first <= day <= last for first, last in spans)]


@pytest.mark.parametrize("store", [20], indirect=True)
def test_a_year_that_came_day_by_day_is_healed_day_by_day(home: Path, store: ParquetStore) -> None:
    snapshot, commits = store.snapshot(), len(store.snapshots())
    truth = {key: store.read(key) for key in KEYS}
    lose(home, store)
    order = np.random.default_rng(4).permutation(len(DAYS)).tolist()
    left = set(range(len(DAYS)))
    for i_day in order[:-1]:
        report = store.upsert(day_file(i_day), Provenance(source=f"file:{i_day}"), at=AT)
        assert (report.stored, report.unchanged, report.waiting) == (0, len(held_on(i_day)), len(held_on(i_day)))
        left.remove(i_day)
        for key in KEYS[:2]:
            assert days_missing(store, key) == [DAYS[i] for i in sorted(left) if key in held_on(i)], "what is still lacking is listed"
            with pytest.raises(DamagedFile):
                store.read(key)
    report = store.upsert(day_file(order[-1]), Provenance(source="file:last"), at=AT)
    assert (report.waiting, report.files_written) == (0, 1)
    assert store.refill() == ()
    assert {finding.state for finding in store.verify()} == {FileState.OK}
    assert (store.snapshot(), len(store.snapshots())) == (snapshot, commits), "every snapshot is what it was"
    for key, bars in truth.items():
        np.testing.assert_array_equal(store.read(key).ts, bars.ts)
        np.testing.assert_array_equal(store.read(key).close, bars.close)
    assert list((home / FOLDER).iterdir()) == []


def test_a_new_day_is_stored_and_read_while_others_wait(home: Path, store: ParquetStore) -> None:
    lose(home, store)
    store.upsert(day_file(3), Provenance(source="file:3"), at=AT)
    later = daily_stamp(Exchange.NSE, date(2024, 3, 4))
    price = np.array([5.0])
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), price)
    bars = Bars(instrument=KEYS[0].instrument, interval=Interval.DAY, ts=np.array([micros_of(later)], np.int64), **columns)
    assert store.upsert([SeriesBars(key=KEYS[0], bars=bars)], Provenance(source="file:new"), at=AT).stored == 1
    assert store.read(KEYS[0], start=later).close.tolist() == [5.0]
    for i_day in range(5):
        store.upsert(day_file(i_day), Provenance(source="file:again"), at=AT)
    assert store.refill() == ()
    assert store.read(KEYS[1]).close.tolist() == [101.0 + i / 100 for i in range(5)]


def test_wrong_bars_are_never_read_and_right_ones_given_later_take_their_place(home: Path, store: ParquetStore) -> None:
    lose(home, store)
    for i_day in range(5):
        store.upsert(day_file(i_day, raised=1.0 if i_day == 3 else 0.0), Provenance(source="file:again"), at=AT)
    assert days_missing(store, KEYS[1]) == DAYS[:5], "all was given and yet it is not what was lost: nobody knows where it differs"
    with pytest.raises(DamagedFile):
        store.read(KEYS[1])
    store.upsert(day_file(3), Provenance(source="file:right"), at=AT)
    assert store.refill() == ()
    assert store.read(KEYS[1]).close[3] == 101.03


def test_what_waits_and_is_damaged_too_has_to_be_given_again(home: Path, store: ParquetStore) -> None:
    lose(home, store)
    store.upsert(day_file(0), Provenance(source="file:0"), at=AT)
    (piece,) = (home / FOLDER).rglob("*.parquet")
    piece.chmod(0o644)
    piece.write_bytes(piece.read_bytes()[:-20])
    assert DAYS[0] in days_missing(store, KEYS[1])
    for i_day in range(5):
        store.upsert(day_file(i_day), Provenance(source="file:again"), at=AT)
    assert store.refill() == ()


def test_what_waits_for_a_file_that_came_back_another_way_is_removed(home: Path, store: ParquetStore) -> None:
    (path,) = [finding.path for finding in store.verify() if finding.is_live]
    spare = home.parent / "spare" / path
    spare.parent.mkdir(parents=True)
    spare.write_bytes((home / path).read_bytes())
    lose(home, store)
    store.upsert(day_file(0), Provenance(source="file:0"), at=AT)
    assert store.set_aside(store.verify(), at=AT, spare=[home.parent / "spare"]).put_back == (path,)
    assert list((home / FOLDER).iterdir()) == []
    assert store.refill() == ()
