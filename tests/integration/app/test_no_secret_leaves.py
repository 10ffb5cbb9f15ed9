"""Secrets with a mark in the environment, in the login and in a file of settings: after a day of work and of errors they stand nowhere."""

from __future__ import annotations

import base64
import io
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from tests.unit.api.conftest import Client

from qts.api.server import create_api
from qts.app.backtests import run_backtest
from qts.app.broker import kite_client, usable_token
from qts.app.clock import SystemClock
from qts.app.errors import describe
from qts.app.jobs.asking import submit_values
from qts.app.jobs.document import JobError
from qts.app.jobs.job_store import JobStore
from qts.app.requests import BacktestRequest, build
from qts.app.sandbox import SimulatedPrices
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import InstrumentId, Interval
from qts.core.errors import AuthExpired
from qts.data.sources import simulated_market
from qts.data.storage import SeriesBars, SeriesKey
from qts.data.testing import MemoryStore
from qts.sandbox import Accounts, App, Fault, FaultPlan, Meter, Sandbox
from qts.ui.asgi import SCRIPT
from qts.ui.page import HOME, pages
from qts.ui.workspace import share

KEY: Final = "canarykey0123456789"
SECRET: Final = "canarysecret0123456789"  # noqa: S105 - of an exchange that does not exist
OUTSIDE: Final = "canaryoutside0123456789"
WRONG: Final = "canarywrong0123456789"
NAME: Final = SimulatedPrices().listings[0].key
ASKED: Final = {"instruments": NAME, "from": "2026-01-01"}
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


def test_no_secret_is_on_a_page_or_in_an_answer(exchange: Sandbox, home: Path, qts: Qts, monkeypatch: pytest.MonkeyPatch) -> None:
    app = exchange.accounts.app(KEY)
    assert app is not None
    answer = exchange.accounts.log_in(app)
    for name in ("KITE_API_KEY", "KITE_API_SECRET"):
        with monkeypatch.context() as patch:
            patch.setenv(name, WRONG)
            assert qts("login", "--request-token", answer).code == 4
    assert qts("login", "--request-token", answer).code == 0
    (home / "qts.toml").write_text(f'kite_access_token = "{OUTSIDE}"\n')
    (home / "qts.toml").chmod(0o600)
    with open_workspace(load_settings()) as workspace:
        token = usable_token(workspace)
        assert token is not None
        assert marks_in(token.encode()) == ["canarytoken0"]
        run, job = traded(workspace), submit_values(workspace, "ingest", ASKED)[0].id
        seen = pages_of(workspace, run) | answers_of(workspace, run, job) | answers_of(workspace, "nosuch", "nosuch")
        assert any(NAME.encode() in data for data in seen.values())
        assert any(run.encode() in data for data in seen.values())
        # The session has ended, and a job says so.
        exchange.accounts.end_all()
        error = refused(workspace)
        assert JobStore(workspace.control.database).wait_for_login(job, JobError.of(error, NAME), refused=None, at=workspace.clock.now())
        ended = answers_of(workspace, run, job) | {"home": drawn(workspace, "", {})}
        assert b"There is no valid session" in ended[f"/api/jobs of {run}"]
        seen |= {f"{name}, ended": data for name, data in ended.items()}
        # Nobody foresaw an error that tells what it knows.
        broken = replace(workspace, store=Telling(f"{KEY} {SECRET} {OUTSIDE} {token}"))
        told = {f"{name}, broken": data for name, data in answers_of(broken, run, "nosuch").items()}
        told["page, broken"] = made_of(AppTest.from_function(telling))
        assert b"error id" in told["page, broken"]
        assert b"error id" in told[f"/api/catalog of {run}, broken"]
    leaks = {name: found for name, data in (seen | told).items() if (found := marks_in(data))}
    assert leaks == {}


def telling() -> None:
    """Be a page that fails as no page should."""
    import os  # noqa: PLC0415 - this function's text is run alone

    from qts.ui.errors import on_script_error  # noqa: PLC0415

    assert on_script_error(RuntimeError(os.environ["KITE_API_KEY"] + os.environ["KITE_API_SECRET"]))


class Telling(MemoryStore):
    """A store whose errors tell whatever it knows."""

    def __init__(self, known: str) -> None:
        super().__init__()
        self._known = known

    def snapshot(self) -> str:
        """Fail."""
        raise RuntimeError(self._known)

    def series(self, *, as_of: str | None = None) -> Any:
        """Fail."""
        del as_of
        raise RuntimeError(self._known)


def traded(workspace: Workspace) -> str:
    """Store the days of one share and return the id of a run of it."""
    market: Any = simulated_market.SOURCE
    key = SeriesKey(instrument=InstrumentId(NAME), interval=Interval.DAY)
    batch = SeriesBars(key=key, bars=market.bars(key))
    workspace.store.upsert([batch], market.provenance("simulated_market"), at=workspace.clock.now())
    return run_backtest(workspace, build(BacktestRequest, strategy="ema_cross", instruments=[NAME])).run_id


def refused(workspace: Workspace) -> AuthExpired:
    """Return with what the broker refuses a session that has ended."""
    with kite_client(workspace) as client, pytest.raises(AuthExpired) as caught:
        client.profile()
    return caught.value


def pages_of(workspace: Workspace, run: str) -> dict[str, bytes]:
    """Return every page, in what states it has, as all that its elements are made of."""
    queries: list[tuple[str, dict[str, str]]] = [(page, {}) for page in pages()]
    queries += [("backtest", {"run": run, "tab": tab}) for tab in ("Chart", "Trades", "Orders", "Costs", "Details")]
    queries += [("backtest", {"run": "0123456789abcdef"}), ("view", {"instrument": "NSE:NOSUCH"}), ("strategies", {"strategy": "nosuch"})]
    return {f"{page} {query}": drawn(workspace, "" if page == HOME else page, query) for page, query in queries}


def drawn(workspace: Workspace, page: str, query: dict[str, str]) -> bytes:
    """Return a page as its elements come to the browser."""
    st.cache_resource.clear()
    share(workspace)
    session = AppTest.from_file(str(SCRIPT), default_timeout=60)
    for name, value in query.items():
        session.query_params[name] = value
    session._page_hash = calc_hash(page)  # noqa: SLF001 - pages are functions, which its own switch_page does not take
    return made_of(session)


def made_of(session: AppTest) -> bytes:
    """Run a page and return all that its elements are made of."""
    _, *nodes = session.run()._tree  # noqa: SLF001 - nothing public has every element
    parts = [node.proto.SerializeToString() for node in nodes if node.proto is not None]
    assert parts
    return b"".join(parts) + str(dict(session.query_params)).encode()


def answers_of(workspace: Workspace, run: str, job: str) -> dict[str, bytes]:
    """Return what every request of the API that only reads answers, and the wrong ones of the login."""
    app = create_api(workspace)
    client = Client(app)
    given = {"run_id": run, "job_id": job, "name": "backup", "index": "NIFTY50", "instrument": NAME, "underlying": "NIFTY", "text": "a"}
    seen = {}
    for path, methods in app.openapi()["paths"].items():
        if "get" in methods:
            needed = [one["name"] for one in methods["get"].get("parameters", ()) if one["required"] and one["in"] == "query"]
            answer = client.get(path.format(**given), params={name: given[name] for name in needed})
            seen[f"{path} of {run}"] = answer.content + str(answer.headers).encode()
    address = client.get("/api/broker/kite/login").headers["location"]  # the broker's own, with the key that it asks for
    state = parse_qs(parse_qs(urlsplit(address).query)["redirect_params"][0])["state"][0]
    back = {"request_token": f"canarynotatoken{secrets.token_hex(4)}"}
    for kind, mark in (("refused", state), ("forged", "forged")):
        seen[f"callback {kind} of {run}"] = client.get("/api/broker/kite/callback", params=back | {"state": mark}).content
    assert b"invalid or has expired" in seen[f"callback refused of {run}"]
    for name, body in (("jobs", {"kind": "ingest", "request": {"source": "kite"}}), ("schedules", {"name": "x"})):
        seen[f"POST {name} of {run}"] = client.post(f"/api/{name}", json=body).content
    return seen | {path: client.get(path).content for path in ("/api/nosuch", "/health/ready", "/health/live")}


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
    marks = [KEY, SECRET, OUTSIDE, WRONG, "canarytoken0", "canarynotatoken"]
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
