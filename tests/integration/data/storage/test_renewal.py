"""A home of the first format is counted anew before its first commit: its bars get the ids that they have everywhere."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qts.data.storage import FileState, ParquetStore, Provenance, SeriesBars

RECIPE = Path(__file__).parent / "version_1"
AT = datetime(2026, 1, 5, tzinfo=UTC)
SOURCE = Provenance(source="file:a.csv")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    shutil.copytree(RECIPE / "data", folder / "data")
    connection = sqlite3.connect(folder / "manifest.sqlite")
    connection.executescript((RECIPE / "manifest.sql").read_text())
    connection.close()
    return folder


def bars_of(store: ParquetStore) -> list[SeriesBars]:
    return [SeriesBars(key=info.key, bars=store.read(info.key)) for info in store.series()]


def test_the_same_bars_have_one_id_in_an_old_home_and_a_new_one(home: Path, tmp_path: Path) -> None:
    old, new = ParquetStore.open(home), ParquetStore.open(tmp_path / "new")
    earlier = [snapshot.id for snapshot in old.snapshots()]
    before = {snapshot: [batch.bars.close.tolist() for batch in bars_of(old)] for snapshot in earlier[-1:]}
    days = old.bars_per_day()
    given = bars_of(old)
    report = new.upsert(given, SOURCE, at=AT)
    same = old.upsert(given, SOURCE, at=AT)
    assert (same.stored, same.files_written) == (0, 0)
    assert same.snapshot == old.snapshot() == report.snapshot
    assert [(snapshot.id, snapshot.kind) for snapshot in old.snapshots()][len(earlier) :] == [(report.snapshot, "format")]
    assert {key: dict(counts) for key, counts in days.items()} == old.bars_per_day() == new.bars_per_day()
    assert old.content_ids() == new.content_ids()
    assert old.compare(earlier[-1]).changed == ()
    for snapshot, closes in before.items():
        assert [old.read(batch.key, as_of=snapshot).close.tolist() for batch in given] == closes
    assert {finding.state for finding in old.verify()} == {FileState.OK}
    old.upsert(given, SOURCE, at=AT)
    old.close()
    again = ParquetStore.open(home)
    again.upsert(given, SOURCE, at=AT)
    assert len(again.snapshots()) == len(earlier) + 1, "once"
    again.close()
    new.close()


def test_an_old_file_that_is_damaged_waits_until_it_is_mended(home: Path) -> None:
    old = ParquetStore.open(home)
    given = bars_of(old)
    first = next(finding.path for finding in old.verify() if finding.is_live)
    sound = (home / first).read_bytes()
    (home / first).chmod(0o644)
    (home / first).write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    other = next(batch for batch in given if str(batch.key.interval) not in first)
    later = SeriesBars(key=other.key, bars=other.bars.window(0, 1))
    changed = SeriesBars(key=other.key, bars=replace(later.bars, close=later.bars.close + 0.5))
    old.upsert([changed], SOURCE, at=AT)
    assert old.read(other.key).close[0] == other.bars.close[0] + 0.5
    (home / first).write_bytes(sound)
    old.close()
    healed = ParquetStore.open(home)
    healed.upsert([later], SOURCE, at=AT)
    fresh = ParquetStore.open(home.parent / "fresh")
    assert healed.snapshot() == fresh.upsert(given, SOURCE, at=AT).snapshot
    np.testing.assert_array_equal(healed.read(other.key).close, other.bars.close)
    healed.close()
    fresh.close()
