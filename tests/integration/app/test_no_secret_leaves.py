"""Secrets with a mark in the environment, in the login and in a file of settings: after a day of work and of errors they stand nowhere."""

from __future__ import annotations

import base64
import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from qts.app.broker import kite_client
from qts.app.clock import SystemClock
from qts.app.errors import describe
from qts.app.sandbox import SimulatedPrices
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.sandbox import Accounts, App, Fault, FaultPlan, Meter, Sandbox

KEY: Final = "canarykey0123456789"
SECRET: Final = "canarysecret0123456789"  # noqa: S105 - of an exchange that does not exist
OUTSIDE: Final = "canaryoutside0123456789"
NAME: Final = SimulatedPrices().listings[0].key
Qts = Callable[..., Any]


@pytest.fixture
def exchange(home: Path, serve: Callable[[Sandbox], str], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return an exchange whose tokens have a mark, too, and let it be the broker."""
    numbers = count()
    clock = SystemClock()
    accounts = Accounts([App(api_key=KEY, api_secret=SECRET)], clock, new_token=lambda: f"canarytoken{next(numbers):010d}")
    sandbox = Sandbox(SimulatedPrices(), accounts, clock=clock, meter=Meter(time.monotonic))
    given = {"KITE_API_KEY": KEY, "KITE_API_SECRET": SECRET, "QTS_KITE_ROOT": f"http://{serve(sandbox)}", "QTS_KEEP_FREE": "0"}
    given |= {"QTS_KEY_FILE": str(home.parent / "keys" / "secret.key"), "QTS_LOG_LEVEL": "debug"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return sandbox


def test_no_secret_is_in_what_is_written_shown_or_kept(exchange: Sandbox, home: Path, qts: Qts, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def run(*words: str, code: int | None = 0) -> None:
        done = qts(*words)
        shown.extend((done.out, done.err))
        assert code is None or done.code == code, done

    app = exchange.accounts.app(KEY)
    assert app is not None
    token = exchange.accounts.log_in(app)
    run("login", "--request-token", token, "--json")
    run("login", "--request-token", token, "--json", code=2)  # given before
    run("login", "--request-token", "canarynotatoken", code=4)
    run("login", "--status", "--json")
    ask = ("ingest", "--instruments", NAME, "--interval", "1d", "--from", "2026-01-01", "--source", "kite", "--json")
    run(*ask, "--background")
    # Replies that are none, and a session that ends.
    place = len(exchange.meter.arrivals)
    faults = [Fault.WEB_PAGE, Fault.CUT_JSON, Fault.RESET]
    exchange.faults = FaultPlan(at=dict(enumerate(faults, start=place)) | {place + 4: Fault.DEAD_TOKEN})
    shown.append(worked())
    run("jobs", "list", "--json")
    exchange.accounts.end_all()
    run(*ask, code=None)
    monkeypatch.setenv("KITE_ACCESS_TOKEN", OUTSIDE)
    run(*ask, "--interval", "60m", code=None)
    run("login", "--log-out", code=None)
    shown.append(crashed())
    (home / "qts.toml").write_text(f'kite_api_secret = "{SECRET}"\nkite_access_token = "{OUTSIDE}"\n')
    (home / "qts.toml").chmod(0o600)
    run("doctor", "--json", code=None)
    backup = home.parent / "backup"
    run("backup", "--to", str(backup), "--json")
    (home / "qts.toml").unlink()
    leaks = {path: found for path, data in kept(home, backup) if (found := marks_in(data))}
    assert leaks == {}
    assert [text for text in shown if marks_in(text.encode())] == []
    assert any("canary" not in text and len(text) > 100 for text in shown)
    assert list(home.rglob("qts.log"))


def crashed() -> str:
    """Let a call fail in a way that nobody foresaw, with the token at hand, and return what is told of it; the rest goes to the log."""

    def odd(request: httpx.Request) -> httpx.Response:
        assert OUTSIDE in request.headers["authorization"]
        raise RuntimeError("odd")

    settings = load_settings()
    workspace = open_workspace(settings)
    try:
        with kite_client(workspace, transport=httpx.MockTransport(odd)) as client:
            client.profile()
    except RuntimeError as error:
        return describe(error, settings).model_dump_json() + repr(settings) + str(settings)
    finally:
        workspace.close()
    raise AssertionError


def worked() -> str:
    """Let a worker do what is queued, and return what it printed and what a list of processes shows of it."""
    words = [sys.executable, "-m", "qts", "worker", "--once"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True) as process:
        seen = ""
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            seen += Path(f"/proc/{process.pid}/cmdline").read_text(errors="replace")
            time.sleep(0.2)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        printed = process.communicate(timeout=30)[0]
    assert "worker" in seen
    return printed + seen


def marks_in(data: bytes) -> list[str]:
    """Return which marks stand in bytes: as they are, in base64 (whatever comes before them) or as digits."""
    marks = [KEY, SECRET, OUTSIDE, "canarytoken0", "canarynotatoken"]
    return [mark for mark in marks if any(form in data for form in forms(mark.encode()))]


def forms(mark: bytes) -> Iterator[bytes]:
    yield mark
    yield mark.hex().encode()
    yield mark[::-1]
    for shift in range(3):  # what stands before it moves it by up to two bytes; the first and last characters are shared with others
        yield base64.b64encode(b"\0" * shift + mark)[4:-4]


def kept(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file, unpacked as far as it can be, and every value of every table."""
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            yield str(path), data
            if zipfile.is_zipfile(io.BytesIO(data)):
                with zipfile.ZipFile(path) as packed:
                    yield from ((f"{path}/{name}", packed.read(name)) for name in packed.namelist())
            if data.startswith(b"SQLite format 3"):
                yield from ((f"{path}#{place}", value) for place, value in enumerate(values_of(path)))


def values_of(path: Path) -> Iterator[bytes]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name of our own
                for value in row:
                    data = value if isinstance(value, bytes) else str(value).encode()
                    yield data
                    yield unpacked(data)
    connection.close()


def unpacked(data: bytes) -> bytes:
    for unpack in (zlib.decompress, lambda given: base64.b64decode(given, validate=True)):
        try:
            return unpack(data)
        except (ValueError, zlib.error):
            continue
    return b""
