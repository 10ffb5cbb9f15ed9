from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]
SWEEP = ("sweep", "ema_cross", "--instruments", "NSE:INFY", "--costs", "percent:0.0005")
GRID = ("--grid", "fast=2:6:2", "--grid", "slow=4,8")


@pytest.fixture
def stored(home: Path, tmp_path: Path, qts: Qts) -> Path:
    days = [day for day in (date(2022, 3, 1) + timedelta(days=k) for k in range(200)) if day.weekday() < 5]
    rows = [
        f"{day},{1000 + 90 * (k // 12 % 2)},{1100 + k % 5},{990 - k % 3},{1000 + 90 * (k // 12 % 2) + k % 5},1000"
        for k, day in enumerate(days)
    ]
    file = tmp_path / "INFY.csv"
    file.write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")
    assert qts("import", file).code == 0
    return home


@pytest.mark.usefixtures("stored")
def test_a_sweep_shows_the_best_and_an_honest_sentence(qts: Qts) -> None:
    done = qts(*SWEEP, *GRID)
    assert done.code == 0
    assert "4 sets of parameters tried, 2 skipped as not allowed" in done.out
    header = next(line for line in done.out.splitlines() if line.startswith("fast"))
    assert header.split()[:3] == ["fast", "slow", "Return"]
    assert "tried 4 times" in done.err
    assert "about 0 s left" in done.err


@pytest.mark.usefixtures("stored")
def test_a_sweep_answers_with_one_json_document(qts: Qts) -> None:
    done = qts(*SWEEP, *GRID, "--objective", "total_return", "--top", "1", "--workers", "2", "--from", "2022-04-01", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.document["trials"], done.document["skipped"], len(done.document["best"])) == (4, 2, 1)
    assert set(done.document["best"][0]) == {"params", "metrics"}
    assert done.document["data"]["from"] == "2022-04-01"
    assert done.document["overfitting"].keys() == {"trials", "deflated_sharpe", "pbo", "notes"}


def test_a_sweep_takes_every_option_of_a_backtest(qts: Qts) -> None:
    def options(command: str) -> set[str]:
        return {word.strip(",") for word in qts(command, "--help").out.split() if word.startswith("--")}

    assert options("backtest") - options("sweep") == {"--equity"}
    assert options("sweep") - options("backtest") == {"--grid", "--objective", "--workers", "--top"}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "Missing option", id="no grid"),
        pytest.param(["--grid", "fast"], "not of the form name=value", id="no values"),
        pytest.param(["--grid", "fast=2:6:0"], "leads nowhere", id="a step of zero"),
        pytest.param(["--grid", "speed=1:2:1"], "no such parameter", id="an unknown parameter"),
        pytest.param(["--grid", "fast=2:3:1", "--objective", "luck"], "luck", id="an unknown objective"),
        pytest.param(["--grid", "fast=2:200:0.0001", "--grid", "slow=3:400:1"], "more than 1,000,000", id="too many cells"),
    ],
)
def test_what_cannot_be_swept_ends_with_2(qts: Qts, arguments: list[str], said: str) -> None:
    done = qts(*SWEEP, *arguments)
    assert done.code == 2
    assert said in done.err


SLOW = """
import time
from pathlib import Path
import numpy as np
from qts.strategies import Param, Strategy

{first}

def targets(bars, *, k):
    {each}
    return np.ones(len(bars))


STRATEGY = Strategy(title="Slow", params={{"k": Param(1)}}, targets=targets)
"""


def interrupted(stored: Path, *arguments: str, **parts: str) -> tuple[int, str, str]:
    """Return the code and output of a sweep that is interrupted once its strategy has left a mark; it ends within five seconds."""
    mark = stored / "mark"
    slow = stored / "strategies" / "slow.py"
    slow.parent.mkdir(exist_ok=True)
    slow.write_text(SLOW.format(**{name: text.format(mark=f"Path({str(mark)!r}).touch()") for name, text in parts.items()}))
    child = subprocess.Popen(
        [sys.executable, "-m", "qts", "sweep", "slow", "--instruments", "NSE:INFY", "--grid", "k=1:2000:1", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "QTS_HOME": str(stored)},
    )
    limit = time.monotonic() + 60.0
    while not mark.exists() and time.monotonic() < limit:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = child.communicate(timeout=30)
    assert time.monotonic() - began < 5.0
    return child.returncode, out, err


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupted_sweep_shows_what_was_done_and_ends_with_130(stored: Path, as_json: bool) -> None:  # noqa: FBT001 - a case
    code, out, err = interrupted(stored, *(["--json"] if as_json else []), first="", each="{mark}; time.sleep(0.1)")
    assert code == 130
    assert "Stopping" in err
    assert ('"complete": false' if as_json else "sets of parameters tried") in out


def test_a_sweep_interrupted_before_its_first_cell_ends_at_once(stored: Path) -> None:
    code, out, err = interrupted(stored, first="{mark}; time.sleep(20)", each="pass")
    assert (code, out) == (130, "")
    assert "Interrupted." in err
