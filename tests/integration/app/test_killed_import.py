"""An import that is killed at any moment loses nothing that was stored, doubles nothing and tears nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

# Kills: some in the gate, fifty and more with QTS_STRESS set.
N_KILLS: Final = 56 if os.environ.get("QTS_STRESS") else 16

# One process imports the libraries once; every import to be killed, and every look at the store, is a fork of it.
PROGRAM = """
import json, os, random, signal, sys, time
from datetime import date, timedelta
from pathlib import Path
from qts.app.importing import import_files
from qts.app.requests import ImportRequest, build
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
import qts.data.ingestion, pyarrow.csv, pyarrow.parquet, duckdb

ROOT, N_KILLS = Path(sys.argv[1]), int(sys.argv[2])
N_BARS = 40
random.seed(7)

def files(i):
    folder = ROOT / f"files{i}"
    folder.mkdir()
    for name in "ABC":
        days = [day for n in range(90) if (day := date(2023, 5, 2) + timedelta(n)).weekday() < 5 and day != date(2023, 6, 29)][:N_BARS]
        rows = "".join(f"{day},{100 + k},{103 + k},{99 + k},{101 + k},{1000 + i}\\n" for k, day in enumerate(days))
        (folder / f"K{i}{name}.csv").write_text("date,open,high,low,close,volume\\n" + rows)
    return folder

def store(home, folder):
    with open_workspace(load_settings(home=home)) as workspace:
        return import_files(workspace, build(ImportRequest, paths=[folder])).document.snapshot

def look(home):
    with open_workspace(load_settings(home=home)) as workspace:
        held = {info.key.instrument: info.n_bars for info in workspace.store.series()}
        read = {info.key.instrument: len(workspace.store.read(info.key)) for info in workspace.store.series()}
        unsound = [found.path for found in workspace.store.verify() if found.state in ("missing", "damaged")]
    return {"held": held, "read": read, "unsound": unsound}

def in_child(work, *, kill_after=None):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, json.dumps(work()).encode())
        os._exit(0)
    os.close(writing)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(content) if content else None

started = time.monotonic()
in_child(lambda: store(ROOT / "clean", files("warm")))
whole = time.monotonic() - started
finished, before = 0, {}
for i in range(N_KILLS):
    folder = files(i)
    finished += in_child(lambda: store(ROOT / "home", folder), kill_after=random.uniform(0.02, whole * 1.1)) is not None
    if i % 8 == 7:
        seen = in_child(lambda: look(ROOT / "home"))
        assert seen["unsound"] == [], seen["unsound"]
        assert seen["held"] == seen["read"]
        assert set(seen["held"].values()) <= {N_BARS}, seen["held"]
        assert before.items() <= seen["held"].items(), "something stored was lost"
        before = seen["held"]
folders = [ROOT / f"files{i}" for i in (*range(N_KILLS), "warm")]
ends = []
for home in ("home", "clean"):
    ends.append(in_child(lambda: [store(ROOT / home, folder) for folder in folders][-1]))
print(json.dumps({"killed": N_KILLS - finished, "survived": len(before), "same": ends[0] == ends[1]}))
"""


@pytest.mark.crash
def test_an_import_killed_again_and_again_loses_doubles_and_tears_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(N_KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["same"], "the store differs from one that was never interrupted"
    assert outcome["killed"] >= N_KILLS // 5, "too few imports were still running when they were killed"
