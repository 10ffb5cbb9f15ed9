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
from qts.sandbox import Accounts, App, Meter, Sandbox, VirtualClock

Qts = Callable[..., Any]
PRICES = SimulatedPrices()
NAME = PRICES.listings[0].key
ASK = ("ingest", "--source", "sandbox", "--instruments", NAME, "--from", "2024-01-01", "--to", "2024-03-28", "--background")


@pytest.fixture
def exchange(home: Path, serve: Callable[[Sandbox], str], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    del home
    clock = VirtualClock(SystemClock(), began_at=datetime(2026, 11, 20, 17, tzinfo=IST), speed=0.0)
    sandbox = Sandbox(PRICES, Accounts([App(api_key=KEY, api_secret=SECRET)], clock), clock=clock, meter=Meter(time.monotonic))
    monkeypatch.setenv("QTS_KITE_ROOT", f"http://{serve(sandbox)}")
    return sandbox


@pytest.mark.usefixtures("home")
def test_what_is_queued_is_listed_and_a_double_click_queues_nothing(qts: Qts) -> None:
    assert "There are no jobs" in qts("jobs", "list").out
    assert "No job is pending. `qts jobs list`" in qts("jobs", "watch").out
    first = qts(*ASK)
    assert (first.code, "is queued" in first.out, "qts jobs watch" in first.out, "qts worker" in first.err) == (0, True, True, True)
    again = qts(*ASK)
    assert (again.code, "nothing was queued" in again.out) == (0, True)
    listed = qts("jobs", "list", "--json").document
    assert (len(listed), listed[0]["state"], listed[0]["progress"], listed[0]["errors"]) == (1, "queued", 0.0, [])
    assert {"id", "kind", "state", "progress", "eta_seconds", "errors"} <= set(listed[0])
    assert listed[0]["id"] in qts("jobs", "list").out
    assert "0 of 0" not in qts("jobs", "show", listed[0]["id"]).out


@pytest.mark.usefixtures("home")
def test_a_job_is_paused_resumed_cancelled_and_retried_by_its_id(qts: Qts) -> None:
    job = qts(*ASK, "--json").document["id"]
    assert f"Job {job} is paused" in qts("jobs", "pause", job).out
    assert qts("jobs", "watch", job, "--json").code == 4
    assert qts("jobs", "resume", job, "--json").document["state"] == "queued"
    assert qts("jobs", "cancel", job, "--json").document["state"] == "cancelled"
    refused = qts("jobs", "pause", job, "--json")
    assert (refused.code, refused.document["error"]["kind"]) == (2, "WrongState")
    assert qts("jobs", "retry", job, "--json").document["attempt"] == 2
    unknown = qts("jobs", "show", "nobody", "--json")
    assert (unknown.code, unknown.document["error"]["kind"]) == (2, "UnknownJob")


@pytest.mark.usefixtures("exchange")
def test_a_worker_does_what_is_queued_and_the_rest_is_told(qts: Qts) -> None:
    job = qts(*ASK, "--json").document["id"]
    lost = qts(
        "ingest", "--source", "sandbox", "--instruments", "SIM:ZORVINBANKS", "--from", "2024-01-01", "--background", "--json"
    ).document
    assert qts("worker", "--once").code == 0
    watched = qts("jobs", "watch", job, "--json")
    assert (watched.code, watched.document["state"], watched.document["result"]["stored"]) == (0, "done", 62)
    shown = qts("jobs", "show", lost["id"])
    assert (shown.code, "failed" in shown.out, "SIM:ZORVINBANKS" in shown.out, NAME in shown.out) == (0, True, True, True)
    followed = qts("jobs", "watch", lost["id"])
    assert (followed.code, f"{lost['id']}  failed" in followed.err) == (4, True)
    assert qts(*ASK[:-1], "--json").document["requests"] == 0


@pytest.mark.usefixtures("exchange")
def test_every_other_kind_is_submitted_done_and_told_of_one_way(qts: Qts, home: Path) -> None:
    ids = {
        kind: qts("jobs", "submit", kind, *values, "--json").document["id"]
        for kind, values in {"backup": ["keep=2"], "compact": [], "verify": ["quick=yes"], "instruments": ["source=sandbox"]}.items()
    }
    assert "nothing was queued" in qts("jobs", "submit", "verify", "quick=true").out
    assert qts("worker", "--once").code == 0
    found = {kind: qts("jobs", "show", job, "--json").document for kind, job in ids.items()}
    assert {kind: (job["state"], job["errors"]) for kind, job in found.items()} == dict.fromkeys(ids, ("done", []))
    assert found["instruments"]["result"]["exchanges"]["SIM"]["listed"] == len(PRICES.listings)
    assert found["verify"]["result"]["sound"]
    assert [path.name for path in (home / "backups").iterdir() if path.is_dir()] == [found["backup"]["result"]["name"]]
    assert qts("instruments", "show", NAME, "--json").document["instrument"] == NAME


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("words", [("tidy",), ("backup", "keep"), ("backup", "keep=none"), ("backup", "folder=x"), ("instruments",)])
def test_what_cannot_be_submitted_is_refused_with_a_way_out(qts: Qts, words: tuple[str, ...]) -> None:
    refused = qts("jobs", "submit", *words, "--json")
    assert (refused.code, bool(refused.document["error"]["hint"])) == (2, True)
    assert qts("jobs", "list", "--json").document == []
