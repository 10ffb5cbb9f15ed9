from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qts.app import supervisor
from qts.app.supervisor import Address, PortTaken, ServerFailed, ServerProcess, check_port, is_ready, supervise
from qts.core.errors import InputError

# A server that is ready at once, and ends when its parent has.
SERVER = """
import http.server, sys
from qts.app.supervisor import end_with_parent
end_with_parent(int(sys.argv[-1]))
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == '/health/ready' else 503); self.end_headers()
    def log_message(self, *args): pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Ready).serve_forever()
"""

PARENT = """
import sys, time
from qts.app.supervisor import ServerProcess
server = ServerProcess(sys.argv[1:])
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def address() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address(host="127.0.0.1", port=probe.getsockname()[1])


@pytest.fixture
def taken() -> Iterator[Address]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield Address(host="127.0.0.1", port=listener.getsockname()[1])


def command(address: Address) -> list[str]:
    return [sys.executable, "-c", SERVER, str(address.port)]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)


def test_a_taken_port_is_named_with_another_to_use(taken: Address) -> None:
    with pytest.raises(PortTaken, match=str(taken.port)) as caught:
        check_port(taken)
    assert "--port" in caught.value.hint


def test_a_free_port_is_free(address: Address) -> None:
    check_port(address)
    assert not is_ready(address)


def test_a_host_that_is_none_is_named() -> None:
    with pytest.raises(InputError):
        check_port(Address(host="192.0.2.1", port=8501))


def test_addresses_are_written_as_a_browser_takes_them() -> None:
    assert Address(host="127.0.0.1", port=1).url == "http://127.0.0.1:1"
    assert Address(host="::1", port=1).url == "http://[::1]:1"


def test_a_server_is_started_announced_once_restarted_when_it_dies_and_stopped_at_the_end(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[ServerProcess] = []
    told: list[str] = []
    announced: list[int] = []
    real = ServerProcess

    def starting(words: list[str]) -> ServerProcess:
        if len(started) == 2:
            raise KeyboardInterrupt
        started.append(real(words))
        return started[-1]

    def kill_when_ready() -> None:
        announced.append(started[-1].pid)
        os.kill(started[-1].pid, 9)

    ready = is_ready

    def killing_the_second(where: Address) -> bool:
        if ready(where) and len(started) == 2:
            os.kill(started[-1].pid, 9)
        return ready(where)

    monkeypatch.setattr(supervisor, "ServerProcess", starting)
    monkeypatch.setattr(supervisor, "is_ready", killing_the_second)
    with pytest.raises(KeyboardInterrupt):
        supervise(command(address), address, on_ready=kill_when_ready, tell=told.append)
    assert len(announced) == 1
    assert "starting it again in 1 s" in told[0]
    for server in started:
        assert not is_running(server.pid)


def test_a_server_that_never_comes_up_is_given_up(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_MAX_PAUSE_SECONDS", 0.01)
    told: list[str] = []
    with pytest.raises(ServerFailed):
        supervise([sys.executable, "-c", "raise SystemExit(3)"], address, on_ready=lambda: None, tell=told.append)
    assert len(told) == 2
    assert "exit code 3" in told[0]


def test_a_server_that_will_not_listen_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 0.3)
    server = ServerProcess([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"])
    time.sleep(0.5)
    server.stop()
    assert server.exit_code() == -9


def test_the_server_ends_when_the_parent_is_killed(address: Address) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT,
            *command(address),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    deadline = time.monotonic() + 20
    while not is_ready(address) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_ready(address)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for_end(pid)


def test_an_address_of_another_machine_is_not_called_taken() -> None:
    with pytest.raises(InputError, match="no address of this machine"):
        check_port(Address(host="192.0.2.1", port=18656))
