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
