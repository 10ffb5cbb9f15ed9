from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import qts
from qts.app import verbs
from qts.core.errors import BadPath


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    rows = [f"2022-01-{day:02d},{100 + day},{103 + day},{99 + day},{101 + day},10" for day in (3, 4, 5, 6, 7, 10, 11, 12, 13, 14)]
    (tmp_path / "INFY.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")
    return tmp_path / "INFY.csv"


def test_the_verbs_of_the_command_line_are_functions_of_the_package(home: Path, prices: Path) -> None:
    package: Any = qts
    assert package.import_files(prices).files[0].stored == 10
    assert len(package.bars("NSE:INFY", end="2022-01-07")) == 5
    assert [series.instrument for series in package.catalog()] == ["NSE:INFY"]
    document = package.backtest("buy_and_hold", instruments=["NSE:INFY"], costs="none")
    assert [run.run_id for run in package.runs()] == [document.run_id]
    assert package.run(document.run_id).document == document
    assert package.replay(document.run_id).identical
    found = package.sweep("ema_cross", instruments="NSE:INFY", grid={"fast": [2, 3], "slow": "4:8:4"}, costs="none")
    assert [len(found.best), found.trials, found.overfitting.trials] == [4, 4, 4]
    assert "ema_cross" in {entry.id for entry in package.strategies()}
    assert package.calendar(start="2022-01-24", end="2022-01-30").sessions
    assert package.costs(quantity=10, price=1000).total.total > 0
    assert (home / "control.sqlite").exists()


def test_a_home_is_looked_after_from_a_notebook(home: Path, prices: Path, tmp_path: Path) -> None:
    package: Any = qts
    package.import_files(prices)
    assert package.verify().sound
    report = package.backup(tmp_path / "backups", keep=1)
    assert package.restore(report.path, home=tmp_path / "again").snapshot == report.snapshot
    assert len(package.bars("NSE:INFY", home=tmp_path / "again")) == 10
    (snapshot,) = package.snapshots()
    assert package.compare_snapshots(snapshot.id).changes == ()
    assert package.name_snapshot("first").id == snapshot.id
    assert package.compact(everything=True) == ()
    assert package.collect_snapshots(keep_days=0).snapshots == ()
    assert package.doctor().well
    assert package.doctor(security=True).home == str(home)


def test_a_brokers_file_is_reconciled_without_a_home(tmp_path: Path) -> None:
    file = tmp_path / "note.csv"
    file.write_text("symbol,trade_date,exchange,trade_type,quantity,price,STT\nINFY,2026-10-05,NSE,buy,1000,1000,1250\n")
    package: Any = qts
    assert package.reconcile(file).differing == 1
    assert package.reconcile(str(file), mode="exact").mode == "exact"


def test_a_home_can_be_named(tmp_path: Path, prices: Path) -> None:
    verbs.import_files([prices], home=tmp_path / "other")
    assert verbs.coverage(home=tmp_path / "other").series[0].share == 100.0
    assert verbs.quality(home=tmp_path / "other").series[0].score == 100.0
    assert len(verbs.catalog(home=tmp_path / "other")) == 1
    with pytest.raises(BadPath):
        verbs.import_files(tmp_path / "absent", home=tmp_path / "other")


def test_a_package_that_is_a_verb_stays_a_package() -> None:
    assert callable(qts.backtest)
    assert qts.backtest.run.__module__ == "qts.backtest.engine"


def test_a_name_that_is_none_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        _ = getattr(qts, "nosuch")  # noqa: B009
    assert {"bars", "backtest"} <= set(dir(qts))


def test_importing_the_package_loads_nothing() -> None:
    program = "import sys, qts; print(sorted(name for name in sys.modules if name.startswith(('qts', 'numpy', 'pydantic'))))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['qts']"


def test_bars_leave_the_store_and_come_back(home: Path, prices: Path, tmp_path: Path) -> None:
    verbs.import_files(prices, home=home)
    (held,) = verbs.catalog(home=home)
    (told,) = verbs.series(held.instrument, home=home)
    assert (told.bars, len(told.history)) == (held.bars, 1)
    assert verbs.export(tmp_path / "out.csv", held.instrument, home=home).bars == held.bars
    assert verbs.delete(held.instrument, dry_run=True, home=home).bars == held.bars
    gone = verbs.delete(held.instrument, home=home)
    assert verbs.catalog(home=home) == ()
    assert (verbs.undo(home=home).undone, verbs.catalog(home=home)[0].bars) == (gone.snapshot, held.bars)
