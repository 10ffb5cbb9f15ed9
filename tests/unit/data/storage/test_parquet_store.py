from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import BadParameter, BadPath, DamagedFile, UnknownInstrument
from qts.data.storage import FileState, ParquetStore, PriceBasis, Provenance, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")
DAY_US = 86_400_000_000
NEW_YEAR_2024 = 1_704_047_400_000_000


def key_of(instrument: str, interval: Interval = Interval.DAY) -> SeriesKey:
    return SeriesKey(instrument=InstrumentId(instrument), interval=interval)


def days(key: SeriesKey, first: int, closes: list[float]) -> SeriesBars:
    """Return daily bars from a day counted from 1 January 2024."""
    close = np.array(closes)
    ts = NEW_YEAR_2024 + (first + np.arange(len(closes), dtype=np.int64)) * DAY_US + 33_300_000_000
    bars = Bars(
        instrument=key.instrument, interval=key.interval, ts=ts, open=close, high=close, low=close, close=close, volume=close, oi=close
    )
    return SeriesBars(key=key, bars=bars)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path)
    yield opened
    opened.close()


def files_in(home: Path) -> list[str]:
    return sorted(path.relative_to(home).as_posix() for path in (home / "data").rglob("*") if path.is_file())


def test_the_files_stand_where_the_layout_says(store: ParquetStore, tmp_path: Path) -> None:
    adjusted = SeriesKey(instrument=InstrumentId("BSE:A"), interval=Interval.DAY, basis=PriceBasis.ADJUSTED)
    keys = [key_of("NSE:M&M", Interval.MINUTE_1), key_of("NSE:NIFTY 50", Interval.MINUTE_1), key_of("NSE:A"), key_of("NSE:B"), adjusted]
    report = store.upsert([days(key, -1, [1.0, 2.0]) for key in keys], SOURCE, at=AT)
    patterns = [
        r"data/bars/1d/BSE/adjusted/2023-[0-9a-f]{8}\.parquet",
        r"data/bars/1d/BSE/adjusted/2024-[0-9a-f]{8}\.parquet",
        r"data/bars/1d/NSE/raw/2023-[0-9a-f]{8}\.parquet",
        r"data/bars/1d/NSE/raw/2024-[0-9a-f]{8}\.parquet",
        r"data/bars/1m/NSE/raw/\d+/2023-[0-9a-f]{8}\.parquet",
        r"data/bars/1m/NSE/raw/\d+/2024-[0-9a-f]{8}\.parquet",
    ] + [r"data/bars/1m/NSE/raw/\d+/202[34]-[0-9a-f]{8}\.parquet"] * 2
    found = files_in(tmp_path)
    assert report.files_written == len(found) == len(patterns)
    assert all(re.fullmatch(pattern, path) for pattern, path in zip(patterns, found, strict=True))
    assert (tmp_path / "manifest.sqlite").is_file()


def test_only_the_files_that_a_commit_touches_are_written_anew(store: ParquetStore, tmp_path: Path) -> None:
    keys = [key_of("NSE:A"), key_of("NSE:B")]
    store.upsert([days(key, -1, [1.0, 2.0]) for key in keys], SOURCE, at=AT)
    before = set(files_in(tmp_path))
    report = store.upsert([days(keys[0], -1, [1.0, 2.0, 3.0])], SOURCE, at=AT)
    fresh = set(files_in(tmp_path)) - before
    assert report.files_written == len(fresh) == 1
    assert "/2024-" in fresh.pop()
    assert before <= set(files_in(tmp_path)), "older snapshots keep their files"


def test_a_second_import_of_the_same_bars_writes_nothing_at_all(store: ParquetStore, tmp_path: Path) -> None:
    batches = [days(key_of("NSE:A"), 0, [1.0, 2.0]), days(key_of("NSE:A", Interval.MINUTE_1), 0, [1.0, 2.0])]
    store.upsert(batches, SOURCE, at=AT)

    def state() -> dict[str, tuple[int, int, int]]:
        paths = [path for path in tmp_path.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}

    before = state()
    assert store.upsert(batches, SOURCE, at=AT).files_written == 0
    assert state() == before


def test_a_file_is_read_only(store: ParquetStore, tmp_path: Path) -> None:
    store.upsert([days(key_of("NSE:A"), 0, [1.0])], SOURCE, at=AT)
    assert ((tmp_path / files_in(tmp_path)[0]).stat().st_mode & 0o222) == 0


def test_a_name_that_another_content_holds_is_made_longer(store: ParquetStore, tmp_path: Path) -> None:
    store.upsert([days(key_of("NSE:A"), 0, [1.0])], SOURCE, at=AT)
    (name,) = files_in(tmp_path)
    other = ParquetStore.open(tmp_path / "other")
    squatter = tmp_path / "other" / name
    squatter.parent.mkdir(parents=True)
    squatter.write_bytes(b"something else")
    other.upsert([days(key_of("NSE:A"), 0, [1.0])], SOURCE, at=AT)
    assert squatter.read_bytes() == b"something else"
    assert other.read(key_of("NSE:A")).close.tolist() == [1.0]
    states = {finding.path: finding.state for finding in other.verify()}
    assert states.pop(name) is FileState.FOREIGN
    ((longer, state),) = states.items()
    assert re.fullmatch(r"data/bars/1d/NSE/raw/2024-[0-9a-f]{16}\.parquet", longer)
    assert longer.startswith(name.removesuffix(".parquet"))
    assert state is FileState.OK
    other.close()


def test_a_commit_leaves_no_temporary_file(store: ParquetStore, tmp_path: Path) -> None:
    store.upsert([days(key_of(f"NSE:S{i}", Interval.MINUTE_1), 0, [1.0]) for i in range(20)], SOURCE, at=AT)
    assert all(path.endswith(".parquet") for path in files_in(tmp_path))
    (path,) = files_in(tmp_path)
    assert re.fullmatch(r"data/bars/1m/NSE/raw/hot/2024-[0-9a-f]{8}\.parquet", path), "a few bars of many series share one file"


def test_an_import_that_fails_midway_leaves_nothing(store: ParquetStore, tmp_path: Path) -> None:
    """One of its files has no place to go to: the others are taken back."""
    store.upsert([days(key_of("NSE:A"), 0, [1.0, 2.0])], SOURCE, at=AT)
    snapshot = store.snapshot()
    (live,) = files_in(tmp_path)
    folder = (tmp_path / live).parent
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("no folder")
    batches = [days(key_of(f"NSE:S{i}", Interval.MINUTE_1), 0, [1.0]) for i in range(10)]
    with pytest.raises(BadPath, match="file exists"):
        store.upsert([*batches, days(key_of("NSE:A"), 800, [9.0])], SOURCE, at=AT)
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    assert files_in(tmp_path) == [live]
    assert store.snapshot() == snapshot
    assert store.info(batches[0].key) is None


def test_many_instruments_are_stored_and_found(store: ParquetStore) -> None:
    keys = [key_of(f"NSE:S{i:04}") for i in range(1_200)]
    report = store.upsert([days(key, 0, [float(i + 1)]) for i, key in enumerate(keys)], SOURCE, at=AT)
    assert (report.stored, report.files_written) == (1_200, 1)
    assert len(store.series()) == 1_200
    assert store.read(keys[777]).close.tolist() == [778.0]


def test_a_manifest_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    ParquetStore.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "manifest.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(BadPath, match="later release"):
        ParquetStore.open(tmp_path)


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        pytest.param("import qts.data.storage", "duckdb sqlalchemy pyarrow pandas", id="naming the types"),
        pytest.param("ParquetStore.open(HOME)", "duckdb pyarrow pandas", id="opening a store"),
        pytest.param(
            "STORE = ParquetStore.open(HOME); INFO = STORE.series()[0]; BARS = STORE.read(INFO.key)\n"
            "STORE.upsert([SeriesBars(key=SeriesKey(instrument='BSE:NEW', interval=INFO.key.interval), bars=BARS)],"
            " Provenance(source='x'), at=datetime(2026, 1, 1, tzinfo=UTC))",
            "duckdb pandas",
            id="reading and writing",
        ),
    ],
)
def test_nothing_is_imported_before_it_is_needed(store: ParquetStore, tmp_path: Path, program: str, absent: str) -> None:
    store.upsert([days(key_of("NSE:A"), 0, [1.0, 2.0])], SOURCE, at=AT)
    head = (
        "import sys\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey\nHOME = Path(sys.argv[1])\n"
    )
    tail = f"\nprint([name for name in {absent.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", head + program + tail, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def closes(store: ParquetStore, key: SeriesKey, as_of: str | None = None) -> list[float]:
    closes: list[float] = store.read(key, as_of=as_of).close.tolist()
    return closes


def test_what_one_store_commits_the_next_read_of_another_gives(store: ParquetStore, tmp_path: Path) -> None:
    key = key_of("NSE:A")
    other = ParquetStore.open(tmp_path)
    try:
        for n_bars in range(1, 6):
            other.upsert([days(key, n_bars, [float(n_bars)])], SOURCE, at=AT)
            expected = [float(n) for n in range(1, n_bars + 1)]
            assert closes(store, key) == closes(other, key) == expected
            assert len(store.series()) == 1
            assert store.latest([key])[key].close == store.series()[0].last_close == float(n_bars)
        other.compact(at=AT, everything=True)
        assert closes(store, key) == [1.0, 2.0, 3.0, 4.0, 5.0]
        gone = other.delete(key, at=AT)
        with pytest.raises(UnknownInstrument):
            store.read(key)
        other.undo(gone.snapshot, at=AT)
        assert closes(store, key) == [1.0, 2.0, 3.0, 4.0, 5.0]
    finally:
        other.close()


def test_a_name_given_to_another_snapshot_is_followed(store: ParquetStore, tmp_path: Path) -> None:
    key = key_of("NSE:A")
    reports = [store.upsert([days(key, n, [float(n)])], SOURCE, at=AT) for n in (1, 2)]
    other = ParquetStore.open(tmp_path)
    try:
        for report, expected in zip(reports, ([1.0], [1.0, 2.0]), strict=True):
            other.name_snapshot(report.snapshot, "mine", at=AT)
            assert closes(store, key, "mine") == expected
            other.forget_name("mine")
            with pytest.raises(BadParameter):
                store.read(key, as_of="mine")
    finally:
        other.close()


def test_a_file_that_is_damaged_between_two_reads_is_found_out(store: ParquetStore, tmp_path: Path) -> None:
    key = key_of("NSE:A")
    store.upsert([days(key, 0, [1.0, 2.0])], SOURCE, at=AT)
    assert closes(store, key) == [1.0, 2.0]
    (path,) = (tmp_path / "data").rglob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(content))
    with pytest.raises(DamagedFile, match="bytes differ"):
        store.read(key)


def test_a_crowd_of_readers_beside_a_writer_sees_only_whole_commits(store: ParquetStore, tmp_path: Path) -> None:
    keys = [key_of(f"NSE:A{i}") for i in range(3)]
    writer = ParquetStore.open(tmp_path)
    writer.upsert([days(key, 0, [0.0] * 20) for key in keys], SOURCE, at=AT)
    acknowledged = [0.0]

    def read(place: int) -> None:
        for _ in range(12):
            least = acknowledged[0]
            found = closes(store, keys[place % len(keys)])
            assert len(set(found)) == 1
            assert found[0] >= least

    try:
        with ThreadPoolExecutor(24) as pool:
            readers = [pool.submit(read, place) for place in range(24)]
            for number in range(1, 9):
                writer.upsert([days(key, 0, [float(number)] * 20) for key in keys], SOURCE, at=AT)
                acknowledged[0] = float(number)
            for reader in readers:
                reader.result()
    finally:
        writer.close()
