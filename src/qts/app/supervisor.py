"""Keep one server process running: start it, wait until it is healthy, start it again when it dies, and leave none behind."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from qts.core.errors import InputError, QtsError

READY_PATH: Final = "/health/ready"
_OK: Final = 200
_POLL_SECONDS: Final = 0.1
_READY_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 10.0
_MAX_PAUSE_SECONDS: Final = 30.0
# A server that stood this long was healthy: the next crash counts as the first again.
_STEADY_SECONDS: Final = 60.0
_MAX_FAILED_STARTS: Final = 3


class PortTaken(InputError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} of {host} is in use by another program.",
            hint=f"Stop that program, or choose another port: --port {port + 1 if port < 65535 else 8501}.",
        )


class ServerFailed(QtsError):
    """The server process does not come up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the address as a browser takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def check_port(address: Address) -> None:
    """Make sure that nobody listens on the port.

    Raises
    ------
    PortTaken
        If somebody does.
    InputError
        If the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except PermissionError as error:
            raise InputError(f"Port {address.port} may not be used.", hint="Choose one above 1023 with --port.") from error
        except (socket.gaierror, UnicodeError) as error:
            raise InputError(f"{address.host!r} is no address of this machine.", hint="Use --host 127.0.0.1.") from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise InputError(f"{address.host!r} is no address of this machine.", hint="Use --host 127.0.0.1.") from error
            raise PortTaken(address.host, address.port) from error


def is_ready(address: Address) -> bool:
    """Return whether the server says that it is ready to answer."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    try:
        connection.request("GET", READY_PATH)
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class ServerProcess:
    """A server as a child process in a group of its own, which ends when we do, however we end.

    The child inherits the read end of a pipe of which we hold the other: when we are gone, even by SIGKILL, it reads the end of the
    pipe and stops. ``command`` gets ``--parent-pipe FD`` appended.
    """

    def __init__(self, command: Sequence[str]) -> None:
        reading, self._writing = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is our own
                [*command, "--parent-pipe", str(reading)], pass_fds=(reading,), stdin=subprocess.DEVNULL, start_new_session=True
            )
        except BaseException:
            os.close(self._writing)
            raise
        finally:
            os.close(reading)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait until it has ended."""
        return self._process.wait()

    def stop(self) -> None:
        """End it and whatever it started: first politely, after ten seconds by force."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            os.close(self._writing)


def supervise(command: Sequence[str], address: Address, *, on_ready: Callable[[], None], tell: Callable[[str], None]) -> None:
    """Run a server until interrupted; ``on_ready`` is called once, when it answers for the first time.

    Raises
    ------
    ServerFailed
        If it does not come up.
    KeyboardInterrupt
        When the person or the system ends us; the server is stopped then.
    """
    n_failed, announced = 0, False
    while True:
        server, started = ServerProcess(command), time.monotonic()
        try:
            if _wait_until_ready(server, address):
                if not announced:
                    announced = True
                    on_ready()
                server.wait()
        finally:
            server.stop()
        n_failed = 1 if time.monotonic() - started > _STEADY_SECONDS else n_failed + 1
        if n_failed >= _MAX_FAILED_STARTS and not announced:
            raise ServerFailed("The server does not start.", hint="Its own messages above say why.")
        pause = min(2.0 ** (n_failed - 1), _MAX_PAUSE_SECONDS)
        tell(f"The server ended with exit code {server.exit_code()}; starting it again in {pause:.0f} s.")
        time.sleep(pause)


def _wait_until_ready(server: ServerProcess, address: Address) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if server.exit_code() is not None:
            return False
        if is_ready(address):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def end_with_parent(pipe: int) -> None:
    """Stop this process when the other end of the pipe is closed, which happens when the parent has ended, however it ended."""

    def watch() -> None:
        with suppress(OSError):
            while os.read(pipe, 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
