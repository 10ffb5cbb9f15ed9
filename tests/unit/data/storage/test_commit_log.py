"""One value of a commit, its name or what it brought that changed by itself is told by whoever would have used it, and by nobody else."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import DamagedFile
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.retention import Retention

AT = datetime(2026, 1, 5, tzinfo=UTC)
LATER = AT + timedelta(days=90)
ONE, TWO = (SeriesKey(instrument=InstrumentId(f"NSE:{name}"), interval=Interval.DAY) for name in ("ONE", "TWO"))
# The commits are: 1 an import of both, 2 another of one, which is called "before", 3 a deletion of the other, 4 an import of one.
N_FIRST = 5


def batch(key: SeriesKey, *, first: int = 0) -> SeriesBars:
    ts = 1_704_166_200_000_000 + (first + np.arange(N_FIRST, dtype=np.int64)) * 86_400_000_000
    close = np.arange(100.0 + first, 100.0 + first + N_FIRST, dtype=np.float64)
    bars = Bars(
        instrument=key.instrument, interval=key.interval, ts=ts, open=close, high=close, low=close, close=close, volume=close, oi=close
    )
    return SeriesBars(key=key, bars=bars)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of four commits, closed."""
    home = tmp_path_factory.mktemp("made") / "home"
    store = ParquetStore.open(home)
    store.upsert([batch(ONE), batch(TWO)], Provenance(source="a"), at=AT)
    store.upsert([batch(ONE, first=10)], Provenance(source="b"), at=AT + timedelta(days=1))
    store.name_snapshot(store.snapshot(), "before", at=AT)
    store.delete(TWO, at=AT + timedelta(days=2))
    store.upsert([batch(ONE, first=20)], Provenance(source="c"), at=AT + timedelta(days=3))
    store.close()
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def change(home: Path, place: tuple[str, str], to: object) -> None:
    (table, column), where = place[0].split("."), place[1]
    connection = sqlite3.connect(home / "manifest.sqlite", isolation_level=None)
    done = connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (to,))  # noqa: S608 - our own names
    assert done.rowcount == 1
    connection.close()


def id_of(home: Path, seq: int) -> str:
    connection = sqlite3.connect(home / "manifest.sqlite")
    (found,) = connection.execute("SELECT id FROM snapshot WHERE seq = ?", (seq,)).fetchone()
    connection.close()
    return str(found)


def is_told(use: Callable[[ParquetStore], object], store: ParquetStore) -> bool:
    """Return whether a use is refused for the damage, with the way out."""
    try:
        use(store)
    except DamagedFile as error:
        return error.path == "manifest.sqlite" and bool(error.hint)
    return False


USES: dict[str, Callable[[ParquetStore], object]] = {
    "snapshots": lambda store: store.snapshots(),
    "history of one": lambda store: store.history(ONE),
    "history of two": lambda store: store.history(TWO),
    "partitions": lambda store: store.partitions(ONE, as_of="before"),
    "a name": lambda store: store.read(ONE, as_of="before"),
    "an id": lambda store: store.read(ONE, as_of=id_of(store.root, 1)),
    "undo": lambda store: store.undo(id_of(store.root, 3), at=LATER),
    "naming": lambda store: store.name_snapshot(store.snapshot(), "after", at=LATER),
    "unnaming": lambda store: store.forget_name("before"),
    "collecting": lambda store: store.collect(at=LATER, keep=Retention(), dry_run=True),
}
OF_ALL = {"snapshots", "collecting"}
OF_NAMES = {*OF_ALL, "a name", "partitions", "naming", "unnaming"}
OF_FIRST = {*OF_ALL, "history of one", "history of two", "an id"}
OF_SECOND = {*OF_ALL, "history of one", "a name", "partitions", "undo"}
OF_THIRD = {*OF_ALL, "history of two", "undo"}


@pytest.mark.parametrize(
    ("place", "to", "stopped"),
    [
        (("snapshot.note", "seq = 1"), "another", OF_FIRST),
        (("snapshot.at_us", "seq = 2"), 7, OF_SECOND),
        (("snapshot.kind", "seq = 3"), "import", OF_THIRD),
        (("snapshot.id", "seq = 2"), "00" * 8, OF_SECOND),
        (("snapshot.content", "seq = 2"), "00" * 16, OF_SECOND),
        (("snapshot_name.name", "name = 'before'"), "befora", OF_NAMES),
        (("snapshot_name.snapshot", "name = 'before'"), 1, OF_NAMES),
        (("snapshot_name.at_us", "name = 'before'"), 7, OF_NAMES),
        (("ingest_log.source", "snapshot = 1"), "z", {"history of one", "history of two"}),
        (("ingest_log.n_stored", "snapshot = 2"), 7, {"history of one"}),
        (("ingest_log.simulated", "snapshot = 4"), 1, {"history of one"}),
        (("ingest_log.snapshot", "snapshot = 4"), 3, {"history of one", "history of two"}),
        (("instrument.name", "symbol = 'ONE'"), "A name", set()),
    ],
)
def test_a_changed_value_stops_those_who_use_its_row_and_leaves_the_present_bars_readable(
    home: Path, place: tuple[str, str], to: object, stopped: set[str]
) -> None:
    change(home, place, to)
    table, _ = place[0].split(".")
    store = ParquetStore.open(home)
    assert len(store.read(ONE)) == 3 * N_FIRST
    (finding, *_) = store.database_findings()
    assert finding.endswith(f"in {table} differs from what was written")
    assert {name for name, use in USES.items() if is_told(use, store)} == stopped
    store.close()


@pytest.mark.parametrize(("column", "to"), [("note", "another"), ("kind", "impord"), ("at_us", 7), ("id", "00" * 8)])
def test_what_the_last_commit_says_is_checked_as_the_store_is_opened(home: Path, column: str, to: object) -> None:
    change(home, (f"snapshot.{column}", "seq = 4"), to)
    with pytest.raises(DamagedFile, match="the record of 4 in snapshot differs"):
        ParquetStore.open(home)


def test_a_sound_store_answers_every_question_and_has_no_findings(home: Path) -> None:
    store = ParquetStore.open(home)
    for use in USES.values():
        use(store)
    assert store.collect(at=LATER, keep=Retention()).snapshots
    assert store.database_findings() == (), "what is written of a commit later is outside its hash"
    last = store.history(ONE)[-1]
    assert (last.source, last.n_stored) == ("c", N_FIRST)
    store.close()
