from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qts.core import IST, FixedClock
from qts.core.errors import BadPath, NotPrices, StoreFull
from qts.data.ingestion import Importer, ImportProgress, import_paths
from qts.data.storage import ParquetStore, Provenance, SeriesBars, UpsertReport
from qts.data.testing import MemoryStore

HEAD = "date,open,high,low,close,volume\n"
CLOCK = FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=IST))


def test_a_file_or_folder_without_permission_is_named(tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "INFY.csv").write_text(HEAD)
    (tmp_path / "folder").mkdir()

    def refuse(path: Path, *_args: Any, **_kwargs: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(os, "scandir", lambda folder: refuse(Path(folder)))
    files = import_paths([tmp_path / "INFY.csv", tmp_path / "folder"], Importer(store=store, clock=CLOCK)).files
    assert [type(file.error) for file in files] == [BadPath, BadPath]
    assert all("may not be read" in str(file.error) for file in files)


def test_a_folder_is_searched_and_one_bad_file_stops_no_other(tmp_path: Path, store: MemoryStore) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "TCS.csv").write_text(f"{HEAD}2024-01-02,1,1,1,1,1\n")
    (tmp_path / "INFY.csv").write_text(f"{HEAD}2024-01-02,1,1,1,1,1\n")
    (tmp_path / "README.md").write_text("# About\nthese files\n")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b\x08broken")
    (tmp_path / "picture.png").write_bytes(bytes(range(256)))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("SBIN.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n")
        archive.writestr("help.txt", "read me")
    seen: list[ImportProgress] = []
    report = import_paths([tmp_path], Importer(store=store, clock=CLOCK, on_progress=seen.append))
    by_name = {Path(file.path).name: file for file in report.files}
    assert {name: (file.stored, file.skipped, file.error is not None) for name, file in by_name.items()} == {
        "INFY.csv": (1, False, False),
        "README.md": (0, True, False),
        "broken.csv.gz": (0, False, True),
        "TCS.csv": (1, False, False),
        "picture.png": (0, True, False),
        "SBIN.csv": (1, False, False),
        "help.txt": (0, True, False),
    }
    assert "neither text nor Parquet" in by_name["picture.png"].notes[0]
    assert by_name["SBIN.csv"].path.endswith("two.zip/SBIN.csv")
    assert report.snapshot == store.snapshot()
    assert [Path(progress.path).name for progress in seen] == ["INFY.csv", "TCS.csv", "SBIN.csv"]
    assert store.series()[0].sources == ("file:INFY.csv",)


def test_paths_that_are_not_there_and_empty_folders_are_reported(tmp_path: Path, store: MemoryStore) -> None:
    (tmp_path / "empty").mkdir()
    report = import_paths([tmp_path / "nothing.csv", tmp_path / "empty"], Importer(store=store, clock=CLOCK))
    assert [type(file.error) for file in report.files] == [BadPath, BadPath]
    assert "no such file" in str(report.files[0].error)
    assert "folder without files" in str(report.files[1].error)


class FullAfterOne(MemoryStore):
    """A store whose disk is full after its first commit."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0

    def upsert(self, batches: Sequence[SeriesBars], provenance: Provenance, *, at: datetime) -> UpsertReport:
        if self.commits == 1:
            raise StoreFull("data")
        self.commits += 1
        return super().upsert(batches, provenance, at=at)


def test_a_full_disk_stops_the_import_and_tells_what_was_stored(tmp_path: Path) -> None:
    for name in ("A", "B", "C"):
        (tmp_path / f"{name}STOCK.csv").write_text(f"{HEAD}2024-01-02,1,1,1,1,1\n")
    store = FullAfterOne()
    files = import_paths([tmp_path], Importer(store=store, clock=CLOCK)).files
    assert [Path(file.path).name for file in files] == ["ASTOCK.csv", "BSTOCK.csv", "CSTOCK.csv"]
    assert [file.stored for file in files] == [1, 0, 0]
    assert isinstance(files[1].error, StoreFull)
    assert files[2].skipped
    assert files[2].notes == ("Not tried: the disk is full.",)
    assert [info.key.instrument for info in store.series()] == ["NSE:ASTOCK"]


def test_the_files_of_a_store_itself_are_skipped_because_their_instruments_are_numbers(tmp_path: Path, store: MemoryStore) -> None:
    (tmp_path / "INFY.csv").write_text(f"{HEAD}2024-01-02,1,1,1,1,1\n2024-01-03,1,1,1,1,1\n2024-01-04,1,1,1,1,1\n")
    own = ParquetStore.open(tmp_path / "home")
    import_paths([tmp_path / "INFY.csv"], Importer(store=own, clock=CLOCK))
    own.close()
    by_suffix = {Path(file.path).suffix: file for file in import_paths([tmp_path], Importer(store=store, clock=CLOCK)).files}
    assert by_suffix[".parquet"].skipped
    assert by_suffix[".parquet"].notes == ("Skipped: is a file of a store's own, in which instruments are numbers.",)
    assert [info.key.instrument for info in store.series()] == ["NSE:INFY"]
    [named] = import_paths([Path(by_suffix[".parquet"].path)], Importer(store=store, clock=CLOCK)).files
    assert isinstance(named.error, NotPrices)
    assert "export its bars" in named.error.hint
