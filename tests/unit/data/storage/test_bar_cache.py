from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval, instant_of
from qts.core.errors import BadParameter, DamagedFile, EmptySpan, UnknownInstrument
from qts.data.storage import BarCache, ParquetStore, Provenance, Reserve, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
FROM_FILE = Provenance(source="file:a")
FIRST = 1_704_166_500_000_000
MINUTE = 60_000_000
N_BARS = 1_001
COLUMNS = ("ts", "open", "high", "low", "close", "volume", "oi")
SIZE = 512 + 7 * 8 * 1_008


class Watch:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at


def key_of(name: str) -> SeriesKey:
    return SeriesKey(instrument=InstrumentId(name), interval=Interval.MINUTE_1)


def minutes(name: str, *, n_bars: int = N_BARS, seed: int = 1, first: int = FIRST) -> SeriesBars:
    rng = np.random.default_rng(seed)
    bars = Bars(
        instrument=InstrumentId(name),
        interval=Interval.MINUTE_1,
        ts=first + np.arange(n_bars) * MINUTE,
        open=rng.random(n_bars),
        high=rng.random(n_bars),
        low=rng.random(n_bars),
        close=rng.random(n_bars),
        volume=np.where(np.arange(n_bars) % 3, 7.0, np.nan),
        oi=np.full(n_bars, np.nan),
    )
    return SeriesBars(key=key_of(name), bars=bars)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore.open(tmp_path / "home")
    opened.upsert([minutes(name, seed=i) for i, name in enumerate(("NSE:A", "NSE:B", "NSE:C"))], FROM_FILE, at=AT)
    opened.upsert([minutes("NSE:SHORT", n_bars=255)], FROM_FILE, at=AT)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "bars"


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def make(folder: Path, watch: Watch) -> Callable[..., BarCache]:
    def make_cache(n_bytes: int = 1 << 20, reserve: Reserve | None = None) -> BarCache:
        return BarCache(folder, n_bytes=n_bytes, clock=watch, reserve=reserve or Reserve(n_bytes=0))

    return make_cache


Make = Callable[..., BarCache]


def assert_same_bits(left: Bars, right: Bars) -> None:
    assert (left.instrument, left.interval) == (right.instrument, right.interval)
    for name in COLUMNS:
        assert getattr(left, name).dtype == getattr(right, name).dtype
        assert getattr(left, name).tobytes() == getattr(right, name).tobytes(), name


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), (10, None), (None, 20), (10, 11), (-5, 10**7)], ids=["all", "from", "until", "one", "more than all"]
)
def test_what_is_read_is_what_is_stored_bit_for_bit(
    store: ParquetStore, make: Make, folder: Path, *, start: int | None, end: int | None
) -> None:
    first, stop = (None if i is None else instant_of(FIRST + i * MINUTE) for i in (start, end))
    expected = store.read(key_of("NSE:A"), start=first, end=stop)
    for cache in (make(), make()):
        for _ in range(2):
            found = cache.read(store, key_of("NSE:A"), start=first, end=stop, as_of=store.snapshot())
            assert_same_bits(found, expected)
            assert not any(getattr(found, name).flags.writeable for name in COLUMNS)
    assert [path.stat().st_size for path in files(folder)] == [SIZE]


def test_nothing_is_copied_for_a_second_read(store: ParquetStore, make: Make) -> None:
    cache = make()
    one, two = (cache.read(store, key_of("NSE:A"), as_of=store.snapshot()) for _ in range(2))
    assert all(np.shares_memory(getattr(one, name), getattr(two, name)) for name in COLUMNS)


def test_each_snapshot_reads_its_own_bars(store: ParquetStore, make: Make, folder: Path) -> None:
    cache, before = make(), store.snapshot()
    store.name_snapshot(before, "mine", at=AT)
    old = store.read(key_of("NSE:A"))
    assert_same_bits(cache.read(store, key_of("NSE:A"), as_of="mine"), old)
    store.upsert([minutes("NSE:A", n_bars=3, seed=9)], FROM_FILE, at=AT)
    new = store.read(key_of("NSE:A"))
    store.forget_name("mine")
    store.name_snapshot(store.snapshot(), "mine", at=AT)
    for as_of, expected in ((before, old), (store.snapshot(), new), (None, new), ("mine", new), (before, old)):
        assert_same_bits(cache.read(store, key_of("NSE:A"), as_of=as_of), expected)
    store.upsert([minutes("NSE:B", n_bars=3, seed=9)], FROM_FILE, at=AT)
    cache.read(store, key_of("NSE:A"), as_of=store.snapshot())
    assert len(files(folder)) == 2, "bars of another series make no new copy of this one"


def test_few_bars_are_read_where_they_are(store: ParquetStore, make: Make, folder: Path) -> None:
    assert len(make().read(store, key_of("NSE:SHORT"))) == 255
    assert len(make(n_bytes=2 * SIZE - 1).read(store, key_of("NSE:A"))) == N_BARS
    assert files(folder) == []


def test_what_is_not_there_is_said_in_the_words_of_the_store(store: ParquetStore, make: Make) -> None:
    cache = make()
    cache.read(store, key_of("NSE:A"))
    with pytest.raises(UnknownInstrument):
        cache.read(store, key_of("NSE:NONE"))
    with pytest.raises(EmptySpan):
        cache.read(store, key_of("NSE:A"), start=instant_of(FIRST + 10**12))
    with pytest.raises(BadParameter):
        cache.read(store, key_of("NSE:A"), as_of="0000000000000000")
    with pytest.raises(BadParameter, match="time zone"):
        cache.read(store, key_of("NSE:A"), start=datetime(2024, 1, 1))  # noqa: DTZ001 - the fault under test


def flip(at: int) -> Callable[[Path, Path], None]:
    def harm(path: Path, other: Path) -> None:
        del other
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        replace(path, bytes(content))

    return harm


def cut(path: Path, other: Path) -> None:
    del other
    replace(path, path.read_bytes()[:-8])


def empty(path: Path, other: Path) -> None:
    del other
    replace(path, b"")


def lengthen(path: Path, other: Path) -> None:
    del other
    replace(path, path.read_bytes() + bytes(8))


def swap(path: Path, other: Path) -> None:
    replace(path, other.read_bytes())


def replace(path: Path, content: bytes) -> None:
    # A file that is mapped is not written into, which would end the process: another takes its name.
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [flip(3), flip(400), flip(600), flip(-9), cut, empty, lengthen, swap, lambda path, _: path.unlink()])
def test_a_damaged_copy_is_never_read_but_made_again(
    store: ParquetStore, make: Make, folder: Path, harm: Callable[[Path, Path], None]
) -> None:
    cache, expected = make(), store.read(key_of("NSE:A"))
    cache.read(store, key_of("NSE:A"))
    (path,) = files(folder)
    cache.read(store, key_of("NSE:B"))
    (other,) = set(files(folder)) - {path}
    sound = path.read_bytes()
    for reader in (make(), cache):
        harm(path, other)
        assert_same_bits(reader.read(store, key_of("NSE:A")), expected)
        assert path.read_bytes() == sound


def test_a_copy_of_damaged_bars_is_not_made(store: ParquetStore, make: Make, folder: Path) -> None:
    for path in (store.root / "data" / "bars").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(DamagedFile):
        make().read(store, key_of("NSE:A"))
    assert files(folder) == []


def test_the_folder_may_be_deleted_at_any_time(store: ParquetStore, make: Make, folder: Path) -> None:
    cache, expected = make(), store.read(key_of("NSE:A"))
    held = cache.read(store, key_of("NSE:A"))
    for _ in range(3):
        shutil.rmtree(folder.parent)
        assert_same_bits(held, expected)
        assert_same_bits(cache.read(store, key_of("NSE:A")), expected)
        assert len(files(folder)) == 1


def test_what_was_used_longest_ago_makes_room(store: ParquetStore, make: Make, folder: Path, watch: Watch) -> None:
    cache = make(n_bytes=2 * SIZE)
    for name in ("NSE:A", "NSE:B", "NSE:A"):
        cache.read(store, key_of(name))
        watch.at += timedelta(minutes=20)
    kept = {path.name for path in files(folder)}
    cache.read(store, key_of("NSE:C"))
    now = {path.name for path in files(folder)}
    contents = store.content_ids()
    assert kept == {f"{contents[key_of(name)]}.bars" for name in ("NSE:A", "NSE:B")}
    assert now == {f"{contents[key_of(name)]}.bars" for name in ("NSE:A", "NSE:C")}


def test_what_is_in_use_is_not_dropped_for_another(store: ParquetStore, make: Make, folder: Path, watch: Watch) -> None:
    cache = make(n_bytes=2 * SIZE)
    cache.read(store, key_of("NSE:A"))
    cache.read(store, key_of("NSE:B"))
    watch.at += timedelta(minutes=9)
    before = files(folder)
    assert_same_bits(cache.read(store, key_of("NSE:C")), store.read(key_of("NSE:C")))
    assert files(folder) == before


def test_what_a_killed_process_left_is_cleared_away(store: ParquetStore, make: Make, folder: Path, watch: Watch) -> None:
    folder.mkdir(parents=True)
    left = folder / ".x-1-a.tmp"
    left.write_bytes(b"half")
    os.utime(left, (AT.timestamp(), AT.timestamp()))
    watch.at = AT + timedelta(minutes=30)
    make().read(store, key_of("NSE:A"))
    assert len(files(folder)) == 2
    watch.at += timedelta(hours=1)
    make().read(store, key_of("NSE:B"))
    assert {path.suffix for path in files(folder)} == {".bars"}


def test_without_room_bars_are_read_where_they_are(store: ParquetStore, make: Make, folder: Path) -> None:
    full = Reserve(n_bytes=1 << 62, share=1.0)
    folder.parent.mkdir()
    assert_same_bits(make(reserve=full).read(store, key_of("NSE:A")), store.read(key_of("NSE:A")))
    folder.write_text("a file where the folder would be")
    assert_same_bits(make().read(store, key_of("NSE:A")), store.read(key_of("NSE:A")))


def test_many_read_while_files_come_and_go(store: ParquetStore, make: Make, folder: Path) -> None:
    names = ("NSE:A", "NSE:B", "NSE:C")
    expected = {name: store.read(key_of(name)) for name in names}
    caches = [make() for _ in range(3)]

    def work(i: int) -> None:
        rng = np.random.default_rng(i)
        for _ in range(60):
            name = names[int(rng.integers(3))]
            assert_same_bits(caches[i % 3].read(store, key_of(name)), expected[name])
            if rng.random() < 0.1:
                shutil.rmtree(folder, ignore_errors=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
