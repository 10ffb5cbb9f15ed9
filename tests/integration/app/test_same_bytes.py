"""A run is the same bytes whatever the time zone, the hash seed, the locale and the number of threads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

SURROUNDINGS = [
    {"TZ": "UTC", "PYTHONHASHSEED": "0", "NUMBA_NUM_THREADS": "1", "LANG": "C"},
    {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "42", "NUMBA_NUM_THREADS": "2", "LANG": "C.UTF-8"},
    {"TZ": "America/New_York", "PYTHONHASHSEED": "random", "NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "1"},
]


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Return a folder with two instruments of a year each."""
    folder = tmp_path / "prices"
    folder.mkdir()
    days = [day for n in range(400) if (day := date(2022, 1, 3) + timedelta(n)).weekday() < 5]
    for name, step in (("INFY", 7), ("TCS", 11)):
        lines = ["date,open,high,low,close,volume"]
        for i, day in enumerate(days):
            close = 1000 + (i * step) % 97 + 30 * ((i // 20) % 2)
            lines.append(f"{day},{close - 1}.35,{close + 4},{close - 4},{close}.7,{5000 + i}")
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


def run(home: Path, prices: Path, surroundings: dict[str, str]) -> dict[str, bytes]:
    environment = {**os.environ, **surroundings, "QTS_HOME": str(home)}
    command = [sys.executable, "-m", "qts"]
    subprocess.run([*command, "import", str(prices)], env=environment, check=True, capture_output=True)
    words = ["backtest", "ema_cross", "--instruments", "NSE:INFY,NSE:TCS", "--param", "fast=3", "--param", "slow=9", "--equity", "--json"]
    done = subprocess.run([*command, *words], env=environment, check=True, capture_output=True)
    document = json.loads(done.stdout)
    assert document["trades"]
    folder = home / "data" / "runs" / document["run_id"]
    return {path.name: path.read_bytes() for path in folder.iterdir()} | {"stdout": done.stdout}


def test_a_run_is_the_same_bytes_anywhere(tmp_path: Path, prices: Path) -> None:
    shutil.copytree(prices, tmp_path / "elsewhere")
    first = run(tmp_path / "home0", prices, SURROUNDINGS[0])
    for i, surroundings in enumerate(SURROUNDINGS[1:], start=1):
        again = run(tmp_path / f"home{i}", tmp_path / "elsewhere", surroundings)
        assert {name for name in first if first[name] != again[name]} == set(), surroundings
