from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qts.app.clock import SystemClock
from qts.app.sandbox import KEY, SECRET, SimulatedPrices
from qts.core import IST
from qts.sandbox import Accounts, App, Fault, FaultPlan, Meter, Sandbox, VirtualClock

Qts = Callable[..., Any]
PRICES = SimulatedPrices()
NAME = PRICES.listings[0].key
ASK = ("ingest", "--source", "sandbox", "--instruments", NAME, "--from", "2024-01-01", "--to", "2024-03-28")


@pytest.fixture
def exchange(home: Path, serve: Callable[[Sandbox], str], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    del home
    clock = VirtualClock(SystemClock(), began_at=datetime(2026, 11, 20, 17, tzinfo=IST), speed=0.0)
    sandbox = Sandbox(PRICES, Accounts([App(api_key=KEY, api_secret=SECRET)], clock), clock=clock, meter=Meter(time.monotonic))
    monkeypatch.setenv("QTS_KITE_ROOT", f"http://{serve(sandbox)}")
    return sandbox


@pytest.mark.usefixtures("exchange")
def test_a_plan_a_download_and_nothing_left(qts: Qts) -> None:
    plan = qts(*ASK, "--dry-run")
    assert (plan.code, "1 requests for 1d bars" in plan.out, "2024-01-01" in plan.out, "MB on the disk" in plan.out) == (
        0,
        True,
        True,
        True,
    )
    done = qts(*ASK, "--json")
    assert (done.code, done.document["requests"], done.document["stored"], done.document["complete"]) == (0, 1, 62, True)
    assert qts("catalog", "--json").document["series"][0]["simulated"] is True
    again = qts(*ASK)
    assert (again.code, "Nothing was missing" in again.out) == (0, True)
    assert "no request would be made" in qts(*ASK, "--dry-run").out


@pytest.mark.usefixtures("home")
def test_without_the_exchange_it_says_how_to_start_one(qts: Qts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTS_KITE_ROOT", "http://127.0.0.1:1")
    done = qts(*ASK, "--json")
    assert (done.code, done.document["error"]["kind"]) == (4, "SourceDown")
    assert "qts sandbox" in done.document["error"]["message"]


@pytest.mark.usefixtures("home")
def test_without_keys_the_broker_is_not_asked(qts: Qts) -> None:
    done = qts("ingest", "--instruments", "NSE:INFY", "--from", "2024-01-01", "--json")
    assert (done.code, done.document["error"]["kind"]) == (2, "NotConfigured")


def test_a_session_that_ends_is_told_with_the_way_out(qts: Qts, exchange: Sandbox) -> None:

    exchange.faults = FaultPlan(at={2: Fault.DEAD_TOKEN})
    done = qts(*ASK)
    assert (done.code, "not finished" in done.out, "qts login" in done.err) == (4, True, True)


def test_files_are_taken_in_and_what_is_refused_is_told_once_by_the_exit_code(qts: Qts, home: Path) -> None:
    inbox = home / "inbox"
    inbox.mkdir()
    rows = "date,open,high,low,close,volume\n2022-01-03,10,12,9,11,100\n2022-01-04,11,13,10,12,100\n2022-01-05,5,4,3,4,1\n"
    (inbox / "INFY.csv").write_text(rows)
    (inbox / "notes.txt").write_text("hello")
    assert "INFY.csv" in qts("ingest", "--source", "files", "--dry-run").out
    first = qts("ingest", "--source", "files")
    assert first.code == 3
    assert "Refused: notes.txt: " in first.err
    assert "INFY.csv: 1 rows refused: high below open, low or close" in first.err
    again = qts("ingest", "--source", "files", "--json")
    assert (again.code, again.document["stored"], again.document["complete"]) == (0, 0, True)
    assert {file["path"]: file["outcome"] for file in again.document["files"]} == {"INFY.csv": "known", "notes.txt": "refused_before"}
    shown = qts("ingest", "--source", "files")
    assert ("There is no new file." in shown.out, "1 files were taken in before" in shown.out, "Refused before" in shown.err) == (True,) * 3


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("words", "parameter"),
    [
        pytest.param(["--source", "files", "--instruments", "NSE:INFY"], "source", id="instruments for files"),
        pytest.param(["--from", "2024-01-01"], "instruments", id="no instruments"),
        pytest.param(["--instruments", "NSE:INFY"], "from", id="no first date"),
        pytest.param(
            ["--source", "yahoo", "--instruments", "NSE:INFY", "--from", "2024-01-01", "--interval", "1m"], "interval", id="minutes"
        ),
    ],
)
def test_what_does_not_fit_the_source_is_named(qts: Qts, words: list[str], parameter: str) -> None:
    done = qts("ingest", *words, "--json")
    assert (done.code, done.document["error"]["kind"], done.document["error"]["message"].split()[0]) == (2, "BadParameter", parameter)


def test_yahoo_that_is_not_there_fails_by_its_own_exit_code(qts: Qts, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del home
    monkeypatch.setenv("QTS_YAHOO_ROOT", "http://127.0.0.1:1")
    done = qts("ingest", "--source", "yahoo", "--instruments", "NSE:INFY", "--from", "2024-01-01", "--json")
    assert (done.code, done.document["series"][0]["kind"]) == (4, "SourceDown")
