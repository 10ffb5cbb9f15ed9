from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import qts.strategies.library

Qts = Callable[..., Any]
COMMAND = [sys.executable, "-m", "qts"]


def weekdays(n: int, start: date = date(2022, 3, 21)) -> list[date]:
    """Return dates without Indian holidays: whole weeks of 2022 from late March leave some out."""
    holidays = {date(2022, 4, 14), date(2022, 4, 15), date(2022, 5, 3), date(2022, 8, 9), date(2022, 8, 15), date(2022, 8, 31)}
    days = (start + timedelta(days=i) for i in range(2 * n + 40))
    return [day for day in days if day.weekday() < 5 and day not in holidays][:n]


def prices(n: int = 110) -> str:
    rows = []
    for i, day in enumerate(weekdays(n)):
        close = 1000 + 90 * ((i // 12) % 2) + i % 5
        rows.append(f"{day},{close - 1},{close + 3},{close - 4},{close},{1000 + i}")
    return "\n".join(["date,open,high,low,close,volume", *rows]) + "\n"


@pytest.fixture
def stored(home: Path, tmp_path: Path, qts: Qts) -> Path:
    """Return the home after an import of NSE:INFY, 110 days."""
    file = tmp_path / "INFY.csv"
    file.write_text(prices())
    assert qts("import", file).code == 0
    return home


def tree(home: Path) -> dict[str, bytes]:
    """Return every file of the store with its content, but for what SQLite keeps open."""
    return {str(path.relative_to(home)): path.read_bytes() for path in (home / "data").rglob("*") if path.is_file()}


def test_importing_twice_stores_nothing_and_makes_no_file(stored: Path, tmp_path: Path, qts: Qts) -> None:
    before = tree(stored)
    done = qts("import", tmp_path / "INFY.csv", "--json")
    (file,) = done.document["files"]
    assert (done.code, file["stored"], file["unchanged"]) == (0, 0, 110)
    assert tree(stored) == before
    assert done.document["snapshot"] == qts("catalog", "--json").document["snapshot"]


def test_bars_come_out_as_they_went_in(stored: Path, tmp_path: Path) -> None:
    assert stored.exists()
    given = list(csv.DictReader(io.StringIO(prices())))
    bars = json.loads(_stdout("bars", "NSE:INFY", "--json"))
    assert [bar["close"] for bar in bars] == [float(row["close"]) for row in given]
    assert _stdout("bars", "NSE:INFY", "--format", "csv").decode().startswith("ts,open,high,low,close,volume,oi,simulated\n")
    (tmp_path / "out.parquet").write_bytes(_stdout("bars", "NSE:INFY", "--format", "parquet"))
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 110
    table = _stdout("bars", "NSE:INFY").decode()
    assert "70 bars between are not shown" in table


def test_the_catalogue_counts_what_is_there(stored: Path, qts: Qts) -> None:
    assert stored.exists()
    (series,) = qts("catalog", "--json").document["series"]
    assert {"instrument", "interval", "first", "last", "bars", "missing", "quality"} <= set(series)
    assert (series["instrument"], series["bars"], series["missing"], series["quality"]) == ("NSE:INFY", 110, 0, 100.0)
    assert "NSE:INFY" in qts("catalog").out


def test_a_backtest_is_kept_listed_and_repeated(stored: Path, qts: Qts) -> None:
    words = ("backtest", "ema_cross", "--instruments", "NSE:INFY", "--param", "fast=3", "--param", "slow=8")
    document = qts(*words, "--json").document
    assert "equity" not in document
    assert document["trades"]
    assert len(qts(*words, "--equity", "--json").document["equity"]) == 110
    plain = qts(*words)
    assert "EMA crossover" in plain.out
    assert "Max drawdown" in plain.out
    (run,) = qts("runs", "--json").document
    assert run["run_id"] == document["run_id"]
    assert document["run_id"] in qts("runs").out
    assert qts("replay", document["run_id"], "--json").document["identical"] is True
    assert "identical" in qts("replay", document["run_id"]).out
    path = stored / "data" / "runs" / document["run_id"] / "run.json"
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b'"n_trades":', b'"n_trades":1'))
    done = qts("replay", document["run_id"], "--json")
    assert (done.code, done.document["identical"]) == (5, False)
    assert path.read_bytes() == sound, "what was kept is known by its hash, and put right"
    path.write_bytes(sound.replace(b'"n_trades":', b'"n_trades":1'))
    assert "DIFFERENT" in qts("replay", document["run_id"]).out
    assert qts("replay", document["run_id"], "--json").document["identical"] is True


def test_a_copy_with_one_line_changed_is_a_strategy_and_a_broken_copy_is_listed(stored: Path, qts: Qts) -> None:
    library = Path(str(qts_library()))
    copy = stored / "strategies" / "my_cross.py"
    shutil.copy(library / "ema_cross.py", copy)
    copy.write_text(copy.read_text().replace("EMA crossover", "My crossover"))
    (stored / "strategies" / "broken.py").write_text(copy.read_text() + "\n)")
    listed = {entry["id"]: entry for entry in qts("strategies", "--json").document}
    assert (listed["my_cross"]["title"], listed["my_cross"]["source"], listed["my_cross"]["error"]) == ("My crossover", "user", None)
    assert listed["broken"]["error"]["line"] == copy.read_text().count("\n") + 2
    assert "broken: " in qts("strategies").out
    done = qts("backtest", "my_cross", "--instruments", "NSE:INFY", "--json")
    assert (done.code, done.document["strategy"]["id"]) == (0, "my_cross")
    assert qts("backtest", "broken", "--instruments", "NSE:INFY", "--json").code == 2
    assert qts("backtest", copy, "--instruments", "NSE:INFY", "--json").document["run_id"] == done.document["run_id"]


def qts_library() -> Path:
    """Return the folder of the built-in strategies."""
    return Path(str(qts.strategies.library.__file__)).parent


def test_head_ends_a_long_answer_without_an_error(stored: Path) -> None:
    assert stored.exists()
    line = f"{sys.executable} -m qts bars NSE:INFY --format csv | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ts,open,high,low,close,volume,oi,simulated", "0"]
    assert done.stderr == ""


def test_it_works_with_a_bare_locale(stored: Path) -> None:
    assert stored.exists()
    bare = {**os.environ, "LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    for words in (["costs"], ["catalog"], ["backtest", "ema_cross", "--instruments", "NSE:INFY"], ["--help"], ["costs", "--json"]):
        done = subprocess.run([*COMMAND, *words], capture_output=True, env=bare, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    json.loads(done.stdout.decode("ascii"))


def _stdout(*words: str) -> bytes:
    return subprocess.run([*COMMAND, *words], capture_output=True, check=True).stdout
