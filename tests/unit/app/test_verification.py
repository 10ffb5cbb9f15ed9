from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from qts.app.backtests import load_run, run_backtest
from qts.app.backups import back_up
from qts.app.control import ControlDatabase
from qts.app.doctor import Health, examine
from qts.app.requests import BacktestRequest, build
from qts.app.restoring import check_backup, restore
from qts.app.settings import load_settings
from qts.app.snapshots import collect_snapshots
from qts.app.verification import verify_home
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey


@pytest.fixture
def filed(workspace: Workspace) -> Iterator[Workspace]:
    """Return the workspace with a store of files beside its runs."""
    store = ParquetStore.open(workspace.settings.store_root)
    yield replace(workspace, store=store)
    store.close()


@pytest.fixture
def kept(workspace: Workspace) -> Path:
    """Return the folder of a run that is kept."""
    request = build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params={"fast": 5, "slow": 20})
    return workspace.settings.runs_folder / run_backtest(workspace, request).run_id


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.unlink()  # a backup on the same disk is another name for the same bytes
    path.write_bytes(content)


def test_harm_to_a_run_is_named_with_its_cure_and_left_alone_where_that_was_asked(workspace: Workspace, kept: Path) -> None:
    assert verify_home(workspace.settings).sound
    flip(kept / "fills.parquet")
    (kept / "run.json").unlink()
    found = verify_home(workspace.settings, look_only=True)
    assert [(one.path.rpartition("/")[2], one.state, one.put_back) for one in found.damage] == [
        ("fills.parquet", "damaged", False),
        ("run.json", "missing", False),
    ]
    assert f"qts replay {kept.name}" in found.damage[0].cure
    assert "run the backtest again" in found.damage[1].cure


def test_the_files_of_a_run_are_taken_from_a_backup(filed: Workspace, kept: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    back_up(filed, tmp_path / "backups")
    flip(kept / "run.json")
    (kept / "files.json").unlink()
    found = verify_home(filed.settings, backups=tmp_path / "backups")
    assert {one.path.rpartition("/")[2]: one.put_back for one in found.damage} == {"files.json": True}
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    assert verify_home(filed.settings).sound
    shutil.rmtree(kept)
    found = verify_home(filed.settings, quick=True)
    assert [(one.path, one.state, one.put_back) for one in found.damage] == [(f"data/runs/{kept.name}", "missing", False)]
    assert [one.put_back for one in verify_home(filed.settings, quick=True, backups=tmp_path / "backups").damage] == [True]
    assert load_run(filed, kept.name).document.run_id == kept.name


def test_harm_to_what_is_past_ends_when_the_past_is_given_up(filed: Workspace, make_bars: Callable[..., Bars]) -> None:
    bars = make_bars("NSE:GAMMA", Exchange.NSE, seed=3, n_bars=5)
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval)
    early, late = filed.clock.now() - timedelta(days=9), filed.clock.now() - timedelta(days=8)
    filed.store.upsert([SeriesBars(key=key, bars=bars)], Provenance(source="a"), at=early)
    (old,) = (finding.path for finding in filed.files.verify())
    filed.store.upsert([SeriesBars(key=key, bars=replace(bars, close=bars.close + 0.5))], Provenance(source="b"), at=late)
    flip(filed.settings.store_root / old)
    found = verify_home(filed.settings)
    assert [(one.path, "qts snapshots collect" in one.cure) for one in found.damage] == [(old, True)]
    assert verify_home(filed.settings).damage[0].state == "missing", "it was set aside, and is asked for until it is given up"
    collect_snapshots(filed, keep_days=0)
    assert verify_home(filed.settings).sound


@pytest.mark.parametrize("name", ["manifest.sqlite", "control.sqlite"])
def test_a_database_that_was_lost_and_made_anew_is_damage(filed: Workspace, kept: Path, make_bars: Callable[..., Bars], name: str) -> None:
    assert kept.is_dir()
    bars = make_bars("NSE:GAMMA", Exchange.NSE, seed=3, n_bars=5)
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval)
    filed.store.upsert([SeriesBars(key=key, bars=bars)], Provenance(source="a"), at=filed.clock.now())
    filed.files.close()
    filed.control.close()
    for path in filed.settings.home.glob(f"{name}*"):
        path.unlink()
    for _ in range(2):
        found = verify_home(filed.settings)
        if name == "control.sqlite":
            ControlDatabase.open(filed.settings.control_path).close()
    assert [(one.path, one.state, "restore BACKUP" in one.cure) for one in found.damage] == [(name, "missing", True)]


def test_a_damaged_record_of_an_earlier_commit_is_told_beside_the_harm_to_files(filed: Workspace, make_bars: Callable[..., Bars]) -> None:
    bars = make_bars("NSE:GAMMA", Exchange.NSE, seed=3, n_bars=5)
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval)
    for add in (0.0, 0.5):
        added = replace(bars, high=bars.high + add, close=bars.close + add)
        filed.store.upsert([SeriesBars(key=key, bars=added)], Provenance(source="a"), at=filed.clock.now())
    with sqlite3.connect(filed.settings.store_root / "manifest.sqlite") as connection:
        connection.execute("UPDATE snapshot SET note = 'another' WHERE seq = 1")
    connection.close()
    assert isinstance(filed.store, ParquetStore)
    (partition, *_) = filed.store.partitions(key)
    flip(filed.settings.store_root / partition.path)
    found = verify_home(filed.settings, look_only=True)
    assert [one.path for one in found.damage] == ["manifest.sqlite", partition.path]
    assert "the record of 1 in snapshot differs from what was written" in found.damage[0].reason
    (problem,) = (one for one in examine(filed.settings).findings if one.about == "manifest")
    assert (problem.health, "manifest.sqlite" in problem.text, "restore BACKUP" in problem.hint) == (Health.PROBLEM, True, True)


def test_a_run_without_hashes_is_told_of_and_no_damage(workspace: Workspace, kept: Path) -> None:
    (kept / "files.json").unlink()
    with workspace.control.database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET seal = NULL, row_seal = NULL")
    found = verify_home(workspace.settings)
    assert (found.sound, found.unhashed_runs, found.runs) == (True, (kept.name,), 1)
    (kept / "equity.parquet").write_bytes(b"")
    assert [one.path for one in verify_home(workspace.settings).damage] == [f"data/runs/{kept.name}/equity.parquet"]


def test_a_backup_leaves_out_the_files_of_a_run_that_are_not_what_was_written(filed: Workspace, kept: Path, tmp_path: Path) -> None:
    first = back_up(filed, tmp_path / "backups")
    flip(kept / "trades.parquet")
    second = back_up(filed, tmp_path / "more")
    path = f"data/runs/{kept.name}/trades.parquet"
    assert (first.missing, second.missing, check_backup(Path(second.path)).missing) == ((), (path,), (path,))
    assert check_backup(Path(second.path)).damaged == {}
    restore(Path(first.path), load_settings(home=tmp_path / "again"))
    assert verify_home(load_settings(home=tmp_path / "again")).sound


def test_a_row_of_the_control_database_that_changed_is_named_and_all_else_is_checked_on(workspace: Workspace, kept: Path) -> None:
    workspace.watchlists.add("Mine", [InstrumentId("NSE:ALPHA")], at=workspace.clock.now())
    assert verify_home(workspace.settings).sound
    with sqlite3.connect(workspace.settings.control_path) as connection:
        connection.execute("UPDATE watchlist_items SET instrument = 'NSE:ALPHB'")
    connection.close()
    flip(kept / "fills.parquet")
    found = verify_home(workspace.settings, quick=True)
    row, file = verify_home(workspace.settings, look_only=True).damage
    assert (row.path, row.state) == ("control.sqlite", "damaged")
    assert row.reason == "the record of mine NSE:ALPHB in watchlist_items differs from what was written"
    assert "restore BACKUP" in row.cure
    assert file.path.endswith("fills.parquet")
    assert found.damage == (row,)
