"""Servers that send a byte now and then, so that no single wait is long."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from qts.app.control import ControlDatabase
from qts.core.errors import SourceDown
from qts.data.kite.client import Access, KiteClient, RetryPolicy, Timing
from qts.data.kite.deadline import ending, open_http
from qts.data.kite.pacing import CallKind, Pacer

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n"
BODY = b'{"status":"success","data":{}}          '
SECONDS = 0.5


class Dripping(socketserver.ThreadingTCPServer):
    """Sends so many bytes at once, then the others one by one, and then keeps the connection open."""

    daemon_threads = True

    def __init__(self, at_once: bytes, slowly: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Drop)
        self.at_once, self.slowly, self.ended = at_once, slowly, threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the other end has gone, which is what it should do."""


class Drop(socketserver.BaseRequestHandler):
    server: Dripping

    def handle(self) -> None:
        while self.request.recv(65536):
            self.request.sendall(self.server.at_once)
            for place in range(len(self.server.slowly)):
                self.request.sendall(self.server.slowly[place : place + 1])
                if self.server.ended.wait(0.2):
                    return


@pytest.fixture
def drip() -> Iterator[Callable[[bytes, bytes], str]]:
    """Return what starts such a server and gives its address."""
    opened: list[Dripping] = []

    def start(at_once: bytes, slowly: bytes) -> str:
        opened.append(Dripping(at_once, slowly))
        return opened[-1].address

    yield start
    for server in opened:
        server.ended.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("at_once", "slowly"),
    [
        pytest.param(b"", HEAD + BODY, id="headers that drip"),
        pytest.param(HEAD, BODY, id="a body that drips"),
        pytest.param(b"", b"", id="nothing"),
    ],
)
def test_a_call_ends_at_its_deadline_however_slowly_bytes_come(
    drip: Callable[[bytes, bytes], str], tmp_path: Path, at_once: bytes, slowly: bytes
) -> None:
    control = ControlDatabase.open(tmp_path / "control.sqlite")

    class Now:
        def now(self) -> datetime:
            return datetime(2026, 1, 5, tzinfo=UTC)

    timing = Timing(clock=Now(), seconds=time.monotonic, sleep=lambda _: None)
    pacer = Pacer(control.database, "key", clock=Now(), sleep=lambda _: None, spacing=dict.fromkeys(CallKind, 0.0))
    policy = RetryPolicy(n_tries=1, deadline=SECONDS)
    began = time.monotonic()
    with open_http(drip(at_once, slowly), trust_env=False) as http:
        client = KiteClient(http, Access(api_key="key", token=lambda: "token"), pacer=pacer, timing=timing, policy=policy)
        with pytest.raises(SourceDown):
            client.profile()
    assert SECONDS <= time.monotonic() - began < 5.0
    control.close()


def test_a_connection_that_is_kept_is_bounded_anew_by_every_call(drip: Callable[[bytes, bytes], str]) -> None:
    address = drip(HEAD + BODY, b"")
    with open_http(address, trust_env=False) as http:
        with ending(lambda: 5.0):
            assert http.get("/").json() == {"status": "success", "data": {}}
        with ending(lambda: 0.0), pytest.raises(httpx.TimeoutException):
            http.get("/")
        assert http.get("/").status_code == 200


def test_a_proxy_is_taken_from_the_environment_unless_it_is_not_to_be_trusted(
    drip: Callable[[bytes, bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", drip(HEAD + BODY, b""))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with open_http("http://broker.invalid") as http:
        assert http.get("/").status_code == 200
    with open_http(drip(b"HTTP/1.1 204 No Content\r\n\r\n", b"")) as http:
        assert http.get("/").status_code == 204
