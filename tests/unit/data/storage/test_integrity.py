from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval, instant_of, session_date_of
from qts.core.errors import DamagedFile
from qts.data.storage import FileState, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.retention import Retention
from qts.data.storage.sealed import seal_of_file

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
MINUTES = SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.MINUTE_1)
OTHERS = SeriesKey(instrument=InstrumentId("NSE:BBB"), interval=Interval.MINUTE_1)
DAYS = SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.DAY)
OTHER_DAYS = SeriesKey(instrument=InstrumentId("NSE:BBB"), interval=Interval.DAY)
KEYS = (MINUTES, OTHERS, DAYS, OTHER_DAYS)
N_CORRUPTIONS = 12 * int(os.environ.get("QTS_STRESS", "1"))


def walk(key: SeriesKey, *, n_bars: int = 300, raised: float = 0.0) -> SeriesBars:
    rng = np.random.default_rng(KEYS.index(key) if key in KEYS else len(KEYS))
    step = 60_000_000 if key.interval.is_intraday else 86_400_000_000
    price = np.round(100.0 * np.exp(np.cumsum(rng.normal(0, 0.001, n_bars))) + raised, 2)
    ts = 1_704_166_500_000_000 + np.arange(n_bars, dtype=np.int64) * step
    oi = np.full(n_bars, np.nan)
    bars = Bars(
        instrument=key.instrument, interval=key.interval, ts=ts, open=price, high=price, low=price, close=price, volume=price * 100, oi=oi
    )
    return SeriesBars(key=key, bars=bars)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(home)
    opened.upsert([walk(key) for key in KEYS], SOURCE, at=AT)
    yield opened
    opened.close()


def file_of(home: Path, store: ParquetStore, key: SeriesKey) -> Path:
    """Return the file of a series' bars, made writable."""
    number = 1 if key.instrument == "NSE:AAA" else 2
    folder = f"data/bars/{key.interval}/NSE/raw" + (f"/{number}" if key.interval.is_intraday else "")
    (path,) = (finding.path for finding in store.verify(quick=True) if finding.path.startswith(folder) and finding.is_live)
    (home / path).chmod(0o644)
    return home / path


def flip(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


def cut(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(path.read_bytes()[: int(rng.integers(path.stat().st_size))])


def zero(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    start = int(rng.integers(len(content) - 8))
    content[start : start + 8] = bytes(8) if any(content[start : start + 8]) else b"\xff" * 8
    path.write_bytes(content)


def remove(path: Path, _rng: np.random.Generator) -> None:
    path.unlink()


HARMS: tuple[Callable[[Path, np.random.Generator], None], ...] = (flip, cut, zero, remove)


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        pytest.param(flip, (FileState.DAMAGED, "its bytes differ"), id="a bit that flipped"),
        pytest.param(cut, (FileState.DAMAGED, "bytes instead of"), id="a file that was cut"),
        pytest.param(remove, (FileState.MISSING, "it is missing"), id="a file that is gone"),
    ],
)
def test_harm_is_named_with_its_kind(
    home: Path, store: ParquetStore, harm: Callable[[Path, np.random.Generator], None], expected: tuple[FileState, str]
) -> None:
    state, reason = expected
    path = file_of(home, store, MINUTES)
    harm(path, np.random.default_rng(1))
    (finding,) = (finding for finding in store.verify() if finding.state is not FileState.OK)
    assert (finding.path, finding.state, finding.is_live) == (path.relative_to(home).as_posix(), state, True)
    assert reason in finding.reason


def test_only_what_a_snapshot_needs_that_can_be_read_is_needed(home: Path, store: ParquetStore) -> None:
    old = file_of(home, store, MINUTES).relative_to(home).as_posix()
    store.upsert([walk(MINUTES, raised=1.0)], SOURCE, at=AT)
    (home / old).unlink()

    def lost() -> list[tuple[str, bool, bool]]:
        return [(one.path, one.is_live, one.is_needed) for one in store.verify() if one.state is FileState.MISSING]

    assert lost() == [(old, False, True)], "the snapshot before can be read"
    # Collected, but within the time of grace of those that began to read before: its record is still there.
    keep = Retention(younger_than=timedelta(0), grace=timedelta(days=1))
    store.collect(at=AT + timedelta(hours=1), keep=keep)
    assert lost() == [(old, False, False)]
    store.collect(at=AT + timedelta(days=2), keep=keep)
    assert lost() == []


def test_a_quick_look_sees_what_is_gone_or_cut_and_no_more(home: Path, store: ParquetStore) -> None:
    cut(file_of(home, store, MINUTES), np.random.default_rng(1))
    flip(file_of(home, store, OTHERS), np.random.default_rng(1))
    assert [finding.state for finding in store.verify(quick=True)].count(FileState.DAMAGED) == 1
    assert [finding.state for finding in store.verify()].count(FileState.DAMAGED) == 2


def test_two_files_that_changed_places_are_named_and_put_back(home: Path, store: ParquetStore) -> None:
    left, right = file_of(home, store, MINUTES), file_of(home, store, OTHERS)
    store.upsert([walk(MINUTES, raised=1.0)], SOURCE, at=AT)  # of the same size or not, the bytes tell
    aside = home / "aside"
    shutil.move(left, aside)
    shutil.move(right, left)
    shutil.move(aside, right)
    findings = store.verify()
    harmed = [finding for finding in findings if finding.state is not FileState.OK]
    assert [finding.path for finding in harmed] == sorted(path.relative_to(home).as_posix() for path in (left, right))
    with pytest.raises(DamagedFile):
        store.read(OTHERS)
    quarantine = store.set_aside(findings, at=AT)
    assert sorted(quarantine.put_back) == [finding.path for finding in harmed]
    assert quarantine.aside == {}
    assert {finding.state for finding in store.verify()} == {FileState.OK}
    np.testing.assert_array_equal(store.read(OTHERS).close, walk(OTHERS).bars.close)


def test_damage_is_set_aside_and_its_bars_are_asked_for_until_they_are_stored_again(home: Path, store: ParquetStore) -> None:
    path = file_of(home, store, MINUTES)
    flip(path, np.random.default_rng(1))
    quarantine = store.set_aside(store.verify(), at=AT)
    relative = path.relative_to(home).as_posix()
    assert list(quarantine.aside) == [relative]
    assert (home / quarantine.aside[relative]).is_file(), "it is kept: its owner may want to look at it"
    (hole,) = store.refill()
    assert (hole.key, hole.first, hole.last, hole.path) == (MINUTES, date(2024, 1, 2), date(2024, 1, 2), relative)
    with pytest.raises(DamagedFile, match="missing"):
        store.read(MINUTES)
    for key in (OTHERS, DAYS, OTHER_DAYS):
        np.testing.assert_array_equal(store.read(key).close, walk(key).bars.close)
    store.upsert([walk(MINUTES)], SOURCE, at=AT)
    assert store.refill() == ()
    np.testing.assert_array_equal(store.read(MINUTES).close, walk(MINUTES).bars.close)
    assert {finding.state for finding in store.verify()} == {FileState.OK}


def test_later_bars_heal_a_file_of_one_instrument_if_they_leave_nothing_out(home: Path, store: ParquetStore) -> None:
    file_of(home, store, MINUTES).unlink()
    revised = walk(MINUTES, n_bars=320, raised=1.0)
    assert store.upsert([SeriesBars(key=MINUTES, bars=revised.bars.window(0, 299))], SOURCE, at=AT).waiting == 299
    assert [hole.key for hole in store.refill()] == [MINUTES]
    with pytest.raises(DamagedFile):
        store.read(MINUTES)
    report = store.upsert([SeriesBars(key=MINUTES, bars=revised.bars.window(1, 320))], SOURCE, at=AT)
    assert (report.stored, report.waiting, report.files_written) == (320, 0, 1), "with what waited it leaves nothing out"
    assert store.refill() == ()
    np.testing.assert_array_equal(store.read(MINUTES).close, revised.bars.close)
    info = store.info(MINUTES)
    assert info is not None
    assert (info.n_bars, info.last_close) == (320, float(revised.bars.close[-1]))
    again = ParquetStore.open(home / "again")
    again.upsert([revised, *(walk(key) for key in KEYS if key != MINUTES)], SOURCE, at=AT)
    assert again.snapshot() == store.snapshot(), "the state is that of a store that never was damaged"
    assert again.content_ids() == store.content_ids()
    again.close()


@pytest.mark.parametrize("key", [MINUTES, DAYS], ids=["minutes", "days"])
def test_new_days_need_not_wait_until_a_lost_file_is_mended(home: Path, store: ParquetStore, key: SeriesKey) -> None:
    flip(file_of(home, store, key), np.random.default_rng(1))
    store.set_aside(store.verify(), at=AT)
    whole = walk(key, n_bars=310).bars
    store.upsert([SeriesBars(key=key, bars=whole.window(300, 310))], SOURCE, at=AT)
    start = instant_of(int(whole.ts[300]))
    np.testing.assert_array_equal(store.read(key, start=start).close, whole.close[300:])
    with pytest.raises(DamagedFile):
        store.read(key)
    assert key in {hole.key for hole in store.refill()}
    store.compact(at=AT, everything=True)
    store.upsert([walk(other) for other in KEYS], SOURCE, at=AT)
    assert store.refill() == ()
    store.compact(at=AT, everything=True)
    np.testing.assert_array_equal(store.read(key).close, whole.close)
    assert {finding.state for finding in store.verify() if finding.is_live} == {FileState.OK}


def test_a_file_of_many_instruments_is_a_hole_in_each_of_their_series(home: Path, store: ParquetStore) -> None:
    file_of(home, store, DAYS).unlink()
    assert [(hole.key, hole.first, hole.last) for hole in store.refill()] == [
        (key, date(2024, 1, 2), date(2024, 10, 27)) for key in (DAYS, OTHER_DAYS)
    ]
    store.upsert([walk(DAYS), walk(OTHER_DAYS)], SOURCE, at=AT)
    assert store.refill() == ()


def test_a_file_of_one_import_is_a_hole_only_where_it_added_bars(home: Path, store: ParquetStore) -> None:
    many = [SeriesKey(instrument=InstrumentId(f"NSE:S{number:03}"), interval=Interval.MINUTE_1) for number in range(12)]
    whole = [walk(key, n_bars=8_100) for key in many]
    store.upsert([SeriesBars(key=one.key, bars=one.bars.window(0, 8_000)) for one in whole], SOURCE, at=AT)
    later = [SeriesBars(key=one.key, bars=one.bars.window(8_000, 8_100)) for one in whole]
    store.upsert(later, SOURCE, at=AT)
    (hot,) = (finding.path for finding in store.verify() if "/hot/" in finding.path and finding.is_live)
    (home / hot).unlink()
    holes = store.refill()
    last = whole[0].bars
    assert {hole.key for hole in holes} == set(many)
    assert {(hole.first, hole.last) for hole in holes} == {(session_date_of(int(last.ts[8_000])), session_date_of(int(last.ts[-1])))}
    assert len(store.read(many[0], end=instant_of(int(last.ts[8_000])))) == 8_000, "what lies in other files is still read"
    store.upsert(later, SOURCE, at=AT)
    assert store.refill() == ()
    assert len(store.read(many[0])) == 8_100


def test_the_sound_bytes_of_a_lost_file_are_taken_from_wherever_they_lie(home: Path, store: ParquetStore) -> None:
    path = file_of(home, store, MINUTES)
    path.rename(path.with_name("copy of a backup.parquet"))
    findings = store.verify()
    assert [finding.state for finding in findings].count(FileState.FOREIGN) == 1
    assert store.set_aside(findings, at=AT).put_back == (path.relative_to(home).as_posix(),)
    np.testing.assert_array_equal(store.read(MINUTES).close, walk(MINUTES).bars.close)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("series SET last_close = last_close + 1 WHERE end_snapshot IS NOT NULL", "the record of NSE:"),
        ("coverage SET packed = x'00' WHERE file_id = (SELECT max(file_id) FROM coverage)", "the counts of days of file"),
    ],
)
def test_rows_of_the_past_and_counts_of_days_that_were_changed_are_found(home: Path, store: ParquetStore, change: str, reason: str) -> None:
    store.upsert([walk(MINUTES, raised=1.0)], Provenance(source="again"), at=AT)
    assert store.database_findings() == ()
    with sqlite3.connect(home / "manifest.sqlite", isolation_level=None) as connection:
        connection.execute(f"UPDATE {change}")
    connection.close()
    (found,) = store.database_findings()
    assert found.startswith(reason)
    assert store.database_findings(quick=True) == ()


def test_bars_that_are_not_those_of_the_manifest_are_found_by_what_they_say(home: Path, store: ParquetStore) -> None:
    """Bytes and their hash agree, and yet it is another file: only its content tells."""
    wrong = file_of(home, store, OTHERS)
    path = file_of(home, store, MINUTES)
    shutil.copyfile(wrong, path)
    connection = sqlite3.connect(home / "manifest.sqlite", isolation_level=None)
    connection.row_factory = sqlite3.Row
    (row,) = connection.execute("SELECT * FROM file WHERE path = ?", [path.relative_to(home).as_posix()]).fetchall()
    (other,) = connection.execute("SELECT * FROM file WHERE path = ?", [wrong.relative_to(home).as_posix()]).fetchall()
    forged = {**dict(row), "sha256": other["sha256"], "n_bytes": other["n_bytes"]}
    sealed = seal_of_file(forged)
    query = "UPDATE file SET sha256 = ?, n_bytes = ?, seal = ? WHERE id = ?"
    connection.execute(query, [forged["sha256"], forged["n_bytes"], sealed, row["id"]])
    connection.close()
    (finding,) = (finding for finding in store.verify() if finding.state is not FileState.OK)
    assert finding.path == path.relative_to(home).as_posix()
    assert finding.reason == f"it holds what belongs in {wrong.relative_to(home).as_posix()}"


def test_no_corruption_is_read_and_every_one_is_found_and_healed(home: Path, store: ParquetStore) -> None:
    rng = np.random.default_rng(int(os.environ.get("QTS_SEED", "11")))
    truth = {key: walk(key).bars.close for key in KEYS}
    for _ in range(N_CORRUPTIONS):
        key = KEYS[int(rng.integers(len(KEYS)))]
        path = file_of(home, store, key)
        HARMS[int(rng.integers(len(HARMS)))](path, rng)
        fresh = ParquetStore.open(home)
        findings = fresh.verify()
        assert [finding.path for finding in findings if finding.state is not FileState.OK] == [path.relative_to(home).as_posix()]
        fresh.set_aside(findings, at=AT)
        holed = {hole.key for hole in fresh.refill()}
        assert key in holed
        for read in KEYS:
            if read in holed:
                with pytest.raises(DamagedFile):
                    fresh.read(read)
            else:
                np.testing.assert_array_equal(fresh.read(read).close, truth[read])
        fresh.upsert([walk(hole) for hole in sorted(holed, key=str)], SOURCE, at=AT)
        assert fresh.refill() == ()
        np.testing.assert_array_equal(fresh.read(key).close, truth[key])
        fresh.close()
