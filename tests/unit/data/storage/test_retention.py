from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import BadParameter, DamagedFile
from qts.data.storage import FileState, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.retention import Retention

START = datetime(2024, 1, 1, tzinfo=UTC)
LATER = datetime(2124, 1, 1, tzinfo=UTC)
KEY = SeriesKey(instrument=InstrumentId("NSE:A"), interval=Interval.DAY)
SOURCE = Provenance(source="file:a.csv")
NOTHING = Retention(younger_than=timedelta(0))


def days(closes: list[float]) -> SeriesBars:
    close = np.array(closes)
    ts = 1_704_166_500_000_000 + np.arange(len(closes), dtype=np.int64) * 86_400_000_000
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), close)
    return SeriesBars(key=KEY, bars=Bars(instrument=KEY.instrument, interval=KEY.interval, ts=ts, **columns))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    """Six states of one series, a day apart."""
    opened = ParquetStore.open(tmp_path)
    for i in range(6):
        opened.upsert([days([1.0 + i] * (i + 1))], SOURCE, at=START + timedelta(days=i))
    yield opened
    opened.close()


def files(store: ParquetStore) -> list[str]:
    return sorted(finding.path for finding in store.verify())


def ids(store: ParquetStore) -> list[str]:
    return [snapshot.id for snapshot in store.snapshots()]


def test_only_the_present_is_left_where_nothing_else_is_kept(store: ParquetStore) -> None:
    before = ids(store)
    dry = store.collect(at=LATER, keep=NOTHING, dry_run=True)
    assert (dry.snapshots, len(dry.files)) == (tuple(before[:-1]), 5)
    assert (ids(store), len(files(store))) == (before, 6), "a dry run only tells"
    done = store.collect(at=LATER, keep=NOTHING)
    assert (done.snapshots, sorted(done.files), done.n_bytes) == (dry.snapshots, sorted(dry.files), dry.n_bytes)
    assert done.n_bytes > 0
    assert ids(store) == before[-1:]
    assert [finding.state for finding in store.verify()] == [FileState.OK]
    assert store.read(KEY).close.tolist() == [6.0] * 6
    with pytest.raises(BadParameter, match="was collected"):
        store.read(KEY, as_of=before[0])
    again = store.collect(at=LATER, keep=NOTHING)
    assert (again.snapshots, again.files, again.n_bytes) == ((), (), 0)
    reopened = ParquetStore.open(store.root)
    assert reopened.snapshot() == before[-1]
    reopened.close()


def test_when_a_state_was_replaced_does_not_change_as_its_successor_is_collected(store: ParquetStore) -> None:
    before = store.snapshots()
    assert [one.replaced_at for one in before] == [*(one.at for one in before[1:]), None]
    store.name_snapshot(before[1].id, "second", at=START)
    store.collect(at=LATER, keep=NOTHING)
    assert [(one.id, one.replaced_at) for one in store.snapshots()] == [(before[1].id, before[2].at), (before[5].id, None)]


def test_young_named_cited_and_pinned_snapshots_stay(store: ParquetStore) -> None:
    before = ids(store)
    store.name_snapshot(before[0], "first", at=START)
    assert store.acquire("backup", "me", at=LATER, until=LATER + timedelta(hours=1), pins=before[2])
    keep = Retention(younger_than=LATER - START - timedelta(days=3, hours=12), cited=frozenset({before[1]}))
    assert store.collect(at=LATER, keep=keep).snapshots == (before[3],)
    assert ids(store) == [before[0], before[1], before[2], before[4], before[5]]
    for i in (0, 1, 2, 4, 5):
        assert store.read(KEY, as_of=before[i]).close.tolist() == [1.0 + i] * (i + 1)
    store.release("backup", "me")
    store.forget_name("first")
    assert store.collect(at=LATER, keep=keep).snapshots == (before[0], before[2])


def test_what_went_out_of_use_stays_for_a_day(store: ParquetStore) -> None:
    at = START + timedelta(days=5, hours=12)
    done = store.collect(at=at, keep=NOTHING)
    assert len(done.snapshots) == 5
    assert done.files == (), "the files themselves are of today"
    assert len(files(store)) == 6
    assert len(store.collect(at=LATER, keep=NOTHING).files) == 5


def test_leftovers_go_but_never_those_of_a_living_writer_or_of_others(store: ParquetStore, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "bars" / "1d" / "NSE" / "raw"
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    leftovers = {
        "2024-0123456789abcdef.parquet": True,
        "2024-01234567.parquet": True,
        ".2024-0123456789abcdef.tmp": True,
        f".2024-{dead.stdout.strip()}-0123456789abcdef.tmp": True,
        f"2024-01234567.parquet.{dead.stdout.strip()}-0123456789abcdef.tmp": True,
        f".2024-{os.getpid()}-0123456789abcdef.tmp": False,
        "note.txt": False,
        "prices.parquet": False,
    }
    for name in leftovers:
        (folder / name).write_bytes(b"left")
    young = folder / "2023-89abcdef.parquet"
    young.write_bytes(b"being written")
    os.utime(young, (LATER.timestamp() - 3_600,) * 2)
    done = store.collect(at=LATER, keep=Retention(younger_than=LATER - START + timedelta(days=9)))
    assert sorted(path.rsplit("/", 1)[-1] for path in done.files) == sorted(name for name, goes in leftovers.items() if goes)
    assert all((folder / name).exists() is not goes for name, goes in leftovers.items())
    assert young.exists()
    assert len(ids(store)) == 6


def test_bars_whose_manifest_was_lost_are_not_taken_for_leftovers(store: ParquetStore, tmp_path: Path) -> None:
    store.close()
    for path in tmp_path.glob("manifest.sqlite*"):
        path.unlink()
    held = sorted(tmp_path.rglob("*.parquet"))
    for path in held:
        os.utime(path, (START.timestamp(),) * 2)
    with closing(ParquetStore.open(tmp_path)) as fresh:
        for dry_run in (True, False):
            with pytest.raises(DamagedFile, match="it was lost"):
                fresh.collect(at=LATER, keep=NOTHING, dry_run=dry_run)
        fresh.upsert([days([1.5])], SOURCE, at=START + timedelta(days=9))
        assert fresh.collect(at=LATER, keep=NOTHING).files == ()
        assert set(held) < set(tmp_path.rglob("*.parquet"))


def test_a_file_that_two_states_share_stays_as_long_as_one_is_kept(store: ParquetStore) -> None:
    store.delete(KEY, start=datetime(2024, 1, 2, 12, tzinfo=UTC), at=START + timedelta(days=6))
    store.upsert([days([6.0] * 6)], SOURCE, at=START + timedelta(days=7))
    store.collect(at=LATER, keep=NOTHING)
    assert store.read(KEY).close.tolist() == [6.0] * 6
    assert [finding.state for finding in store.verify()] == [FileState.OK]


def test_a_writer_whose_file_was_taken_meanwhile_writes_it_again(store: ParquetStore, tmp_path: Path) -> None:
    """It found the bytes there already; before it could commit, a collector removed them as nobody's."""
    from qts.data.storage.committing import commit  # noqa: PLC0415 - the moment between building and committing
    from qts.data.storage.upserting import Upsert, grouped  # noqa: PLC0415 - see above

    vault, manifest = store._vault, store._manifest  # noqa: SLF001 - see above
    numbers = {KEY.instrument: 1}
    change = Upsert(groups=grouped([days([9.0])], numbers), numbers=numbers, provenance=SOURCE, at=LATER, vault=vault, manifest=manifest)
    with manifest.reading() as ledger, change.prepared(change.base(ledger)) as prepared:
        (draft,) = prepared.commit.drafts
    (tmp_path / draft.path).unlink()
    assert not vault.has_all([draft])
    _, snapshot = commit(change, manifest, vault)
    assert store.snapshot() == snapshot
    assert store.read(KEY).close[0] == 9.0


def test_what_was_deleted_can_be_undone_until_it_is_collected(store: ParquetStore) -> None:
    gone = store.delete(KEY, at=START + timedelta(days=6)).snapshot
    store.upsert([days([2.0])], SOURCE, at=START + timedelta(days=7))
    store.collect(at=LATER, keep=NOTHING)
    with pytest.raises(BadParameter, match="collected since"):
        store.undo(gone, at=LATER)
