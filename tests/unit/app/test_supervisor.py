from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qts.app import supervisor
from qts.app.supervisor import Address, PortTaken, Server, ServerFailed, ServerProcess, Supervisor, check_port, is_ready
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


def serving(address: Address, **changes: Any) -> Server:
    return replace(Server(name="clerk", command=tuple(command(address)), answers=lambda: is_ready(address)), **changes)


def tend_until(servers: Supervisor, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        servers.tend()
        time.sleep(0.02)


def pids_of(servers: Supervisor) -> list[int]:
    return list(servers.pids())


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


def test_a_server_that_dies_is_started_again_and_all_are_stopped_at_the_end(address: Address, tmp_path: Path) -> None:
    told: list[str] = []
    log = tmp_path / "logs" / "other.log"
    other = Server(name="other", command=("sh", "-c", "echo I am up; exec sleep 60"), answers=lambda: True, log=log)
    with Supervisor(told.append) as servers:
        server = serving(address)
        servers.start(server)
        servers.start(other)
        servers.wait(server)
        first, second = pids_of(servers)
        os.kill(first, 9)
        tend_until(servers, lambda: pids_of(servers)[0] not in {0, first})
        servers.wait(server)
        assert told == ["The clerk was ended by the signal SIGKILL; starting it again in 1 s."]
        again = pids_of(servers)[0]
    assert not any(is_running(pid) for pid in (first, second, again))
    assert log.read_text() == "I am up\n"
    assert log.stat().st_mode & 0o077 == 0


def test_a_server_that_never_comes_up_is_given_up_with_its_last_words(address: Address, tmp_path: Path) -> None:
    told: list[str] = []
    log = tmp_path / "clerk.log"
    log.write_text("of an earlier day\n")
    words = ("sh", "-c", "echo the ledger is locked; exit 3")
    with Supervisor(told.append, pauses=lambda _n_failed: 0.01) as servers:
        server = serving(address, command=words, log=log)
        servers.start(server)
        with pytest.raises(ServerFailed, match="exit code 3") as caught:
            servers.wait(server)
    assert len(told) == 2
    assert "The clerk ended with exit code 3; starting it again" in told[0]
    assert str(log) in told[0]
    assert told[0].endswith("    the ledger is locked")
    assert "of an earlier day" not in told[0]
    assert "the ledger is locked" in caught.value.hint


def test_a_server_that_falls_silent_is_told_of_once_and_when_it_answers_again(address: Address, tmp_path: Path) -> None:
    told: list[str] = []
    answers = [True]
    words = ("sh", "-c", "echo thinking; exec sleep 60")
    server = serving(address, command=words, log=tmp_path / "clerk.log", answers=lambda: answers[-1])
    with Supervisor(told.append, looks_every=0.01, silent_for=0.3) as servers:
        servers.start(server)
        servers.wait(server)
        answers.append(False)
        tend_until(servers, lambda: told)
        assert "The clerk has not answered for" in told[0]
        assert "thinking" in told[0]
        for _ in range(20):
            servers.tend()
            time.sleep(0.01)
        assert len(told) == 1
        answers.append(True)
        tend_until(servers, lambda: len(told) > 1)
        assert told[1] == "The clerk answers again."


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "clerk.log"
    log.write_bytes(b"x" * 5_000_001)
    with Supervisor(lambda _text: None) as servers:
        server = Server(
            name="clerk", command=("sh", "-c", "echo anew; exec sleep 60"), answers=lambda: log.read_text() == "anew\n", log=log
        )
        servers.start(server)
        servers.wait(server)
    assert (tmp_path / "clerk.log.1").stat().st_size == 5_000_001


def test_a_server_that_will_not_listen_is_ended_by_force(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 0.3)
    deaf = tmp_path / "deaf"
    words = "import pathlib, signal, sys, time; signal.signal(15, signal.SIG_IGN); pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    server = ServerProcess([sys.executable, "-c", words, str(deaf)])
    deadline = time.monotonic() + 20
    while not deaf.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
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
