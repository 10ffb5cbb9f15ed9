from __future__ import annotations

import io
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qts.app.clock import SystemClock
from qts.app.sandbox import SimulatedPrices
from qts.sandbox import Accounts, App, Meter, Sandbox

Qts = Callable[..., Any]
HUSH = "canary-secret"


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    del home
    monkeypatch.setenv("KITE_API_KEY", "canary-api-key")
    monkeypatch.setenv("KITE_API_SECRET", HUSH)


@pytest.fixture
def exchange(keys: None, serve: Callable[[Sandbox], str], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Let the broker be a simulated exchange that knows our keys."""
    del keys
    clock = SystemClock()
    app = App(api_key="canary-api-key", api_secret=HUSH, user_id="AB1234", user_name="A B")
    sandbox = Sandbox(SimulatedPrices(), Accounts([app], clock), clock=clock, meter=Meter(time.monotonic))
    monkeypatch.setenv("QTS_KITE_ROOT", f"http://{serve(sandbox)}")
    return sandbox


@pytest.mark.usefixtures("home")
def test_without_keys_the_way_to_give_them_is_told(qts: Qts) -> None:
    done = qts("login")
    assert (done.code, "KITE_API_KEY" in done.err) == (2, True)
    assert qts("login", "--status", "--json").document["state"] == "not_configured"


@pytest.mark.usefixtures("keys")
def test_where_nobody_can_be_asked_the_address_is_printed(qts: Qts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    done = qts("login")
    assert (done.code, "api_key=canary-api-key" in done.out, "--request-token" in done.out) == (0, True, True)
    assert qts("login", "--json").document["login_url"].startswith("https://kite.zerodha.com/connect/login?")


@pytest.mark.parametrize("way", ["argument", "stdin"])
def test_a_pasted_address_logs_in(qts: Qts, exchange: Sandbox, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    app = exchange.accounts.app("canary-api-key")
    assert app is not None
    address = f"http://127.0.0.1:8501/api/broker/kite/callback?status=success&request_token={exchange.accounts.log_in(app)}"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{address}\n"))
    done = qts("login", "--request-token", address if way == "argument" else "-")
    assert (done.code, "Logged in as A B (AB1234), key …-key, until about" in done.out) == (0, True)
    again = qts("login")
    assert "A session holds already" in again.err
    reused = qts("login", "--request-token", address, "--json")
    assert (reused.code, reused.document["error"]["kind"]) == (2, "BadParameter")
    assert qts("login", "--log-out", "--json").document["state"] == "logged_out"
    assert [arrival.path for arrival in exchange.meter.arrivals] == ["/session/token"] * 2


@pytest.mark.usefixtures("keys")
def test_a_damaged_session_is_told_and_another_login_is_the_way_out(qts: Qts, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    qts("login")
    with closing(sqlite3.connect(home / "control.sqlite")) as connection, connection:
        connection.execute("INSERT INTO secrets SELECT 'kite/session', salt, nonce, sealed, made_at, row_seal FROM secrets")
    for words in (("login",), ("login", "--status"), ("login", "--log-out")):
        told = qts(*words)
        assert (told.code != 0, "kite/session in secrets differs" in told.err, "qts login --again" in told.err) == (True, True, True), words
        if words[-1] == "--log-out":
            assert qts("login", "--status", "--json").document["state"] == "logged_out"
        else:
            assert "api_key=canary-api-key" in qts("login", "--again").out


@pytest.mark.usefixtures("keys")
def test_what_holds_no_token_is_refused_without_being_repeated(qts: Qts) -> None:
    done = qts("login", "--request-token", "what is this", "--json")
    assert (done.code, done.document["error"]["kind"], "what is this" in json.dumps(done.document)) == (2, "BadParameter", False)
