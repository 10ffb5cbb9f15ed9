"""``qts up`` and ``qts serve``, as a person starts and stops them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from qts.app.backtests import list_runs
from qts.app.bars import is_simulated
from qts.app.demo import simulated_series
from qts.app.jobs.asking import list_jobs
from qts.app.jobs.document import JobState
from qts.app.settings import load_settings
from qts.app.up import is_held
from qts.app.workspace import open_workspace
from qts.core import Interval

Start = Callable[..., "subprocess.Popen[str]"]
COMMAND = [sys.executable, "-m", "qts"]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
        return free


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Return what starts a command; whatever is left of it is killed."""
    assert home.exists()
    started: list[subprocess.Popen[str]] = []

    def run(*words: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        for pid in (*children(process.pid), process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.communicate()


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    folder = tmp_path / "prices"
    folder.mkdir()
    days = [day for n in range(200) if (day := date(2022, 1, 3) + timedelta(n)).weekday() < 5]
    rows = [f"{day},{100 + i % 9},{110 + i % 9},{90 + i % 9},{101 + i % 9},10" for i, day in enumerate(days)]
    (folder / "INFY.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")
    return folder


def get(port: int, path: str) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == pid and words[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.1)
    pytest.fail("it did not happen in time")


def answers(port: int) -> bool:
    try:
        return get(port, "/health/ready")[0] == 200
    except OSError:
        return False


def server_of(port: int, pid: int) -> int:
    """Return which child of a process serves the pages."""
    words = {child: Path(f"/proc/{child}/cmdline").read_text().split("\0") for child in children(pid)}
    (found,) = [child for child, said in words.items() if "serve" in said and str(port) in said]
    return found


def test_up_downloads_a_market_as_a_job_and_shows_a_finished_backtest_on_it(start: Start, home: Path, port: int) -> None:
    process = start("up", "--port", port, "--no-browser", "--json")
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert get(port, "/" + ready["url"].split("/", 3)[3])[0] == 200
    run = json.loads(get(port, f"/api/runs/{ready['run_id']}")[1])
    assert (run["simulated"], run["data"]["bars"], run["data"]["instruments"][0][:4]) == (True, 1242, "SIM:")
    assert ready["login_url"] is None
    started = children(process.pid)
    assert len(started) == 3
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    err = process.communicate()[1]
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)
    words = ("Downloading simulated prices", "Running ema_cross on SIM:", "Interrupted.")
    assert all(word in err for word in words)
    assert {path.name for path in (home / "logs").iterdir()} == {"web.log", "worker.log", "sandbox.log"}
    with open_workspace(load_settings(home=home)) as workspace:
        jobs = {job.what.split()[1]: job for job in list_jobs(workspace)}
        assert (jobs["1d"].state, jobs["1d"].done) == (JobState.DONE, 20)
        assert jobs["1m"].state in {JobState.QUEUED, JobState.RUNNING, JobState.DONE}
        info = workspace.store.info(simulated_series(Interval.DAY)[0])
        assert info is not None
        assert is_simulated(info)
        assert {run.simulated for run in list_runs(workspace)} == {True, False}
        # The second time nothing is asked for that is held: the day's job is not even made.
        assert is_held(workspace, Interval.DAY)


def test_up_with_files_shows_a_backtest_on_them_and_leaves_no_process(start: Start, prices: Path, port: int) -> None:
    process = start("up", "--data", prices, "--port", port, "--no-browser", "--json")
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    status, _, headers = get(port, "/")
    assert status == 200
    assert headers["x-content-type-options"] == "nosniff"
    run = json.loads(get(port, f"/api/runs/{ready['run_id']}")[1])
    assert run["data"]["instruments"] == ["NSE:INFY"]
    assert ready["url"].startswith(f"http://127.0.0.1:{port}/")
    assert ready["run_id"] in ready["url"]
    assert get(port, "/" + ready["url"].split("/", 3)[3])[0] == 200
    started = children(process.pid)
    assert len(started) == 2
    os.kill(server_of(port, process.pid), signal.SIGKILL)
    until(lambda: set(children(process.pid)) - set(started))
    until(lambda: answers(port))
    again = children(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    err = process.communicate()[1]
    assert "The web interface was ended by the signal SIGKILL; starting it again in 1 s." in err
    assert "Interrupted." in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in (*started, *again))
    assert not answers(port)


@pytest.mark.skipif(not os.environ.get("QTS_STRESS"), reason="QTS_STRESS is not set; what is offered is tried without processes, too")
def test_with_keys_for_a_broker_up_offers_the_login(start: Start, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITE_API_KEY", "mykey")
    monkeypatch.setenv("KITE_API_SECRET", "mysecret")
    process = start("up", "--port", port, "--no-browser")
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(4)]
    assert said[1] == f"Ready: http://127.0.0.1:{port}/\n"
    assert said[2] == f"Log in to the broker: http://127.0.0.1:{port}/api/broker/kite/login\n"
    assert f"http://127.0.0.1:{port}/api/broker/kite/callback" in said[3]
    status, _, headers = get(port, "/api/broker/kite/login")
    assert (status, headers["location"].split("?")[0]) == (302, "https://kite.zerodha.com/connect/login")
    started = children(process.pid)
    process.kill()
    process.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), 20)


def test_a_taken_port_is_named_before_anything_is_done(start: Start, home: Path, port: int) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        for command in ("up", "serve"):
            process = start(command, "--port", port, "--json")
            out, err = process.communicate(timeout=60)
            assert process.returncode == 2
            error = json.loads(out)["error"]
            assert str(port) in error["message"]
            assert "--port" in error["hint"]
            assert "Traceback" not in err
    assert list((home / "data").glob("runs/*")) == []


def test_serve_ends_cleanly_on_ctrl_c(start: Start, port: int) -> None:
    process = start("serve", "--port", port)
    until(lambda: answers(port))
    assert get(port, "/health/live")[0] == 200
    process.send_signal(signal.SIGINT)
    process.wait(30)
    out, err = process.communicate()
    assert "Serving on" in out
    assert "Traceback" not in err
    assert not answers(port)


def test_the_demo_tells_what_it_did_and_does_it_once(home: Path) -> None:
    first = subprocess.run([*COMMAND, "demo", "--json"], capture_output=True, text=True, check=True)
    document = json.loads(first.stdout)
    assert (document["home"], document["simulated"], len(document["runs"])) == (str(home), True, 2)
    assert document["stored_series"] > 20
    again = json.loads(subprocess.run([*COMMAND, "demo", "--json"], capture_output=True, text=True, check=True).stdout)
    assert (again["stored_series"], again["runs"]) == (0, document["runs"])
    plain = subprocess.run([*COMMAND, "demo"], capture_output=True, text=True, check=True)
    assert "invented" in plain.stdout
    bars = json.loads(subprocess.run([*COMMAND, "runs", "--json"], capture_output=True, text=True, check=True).stdout)
    assert sorted(run["simulated"] for run in bars) == [False, True]
