"""Keep server processes running: start them, see that they are healthy, start again what dies, and leave none behind."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from qts.core.errors import InputError, QtsError

READY_PATH: Final = "/health/ready"
_OK: Final = 200
_POLL_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 30.0
_READY_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 10.0
_MAX_PAUSE_SECONDS: Final = 30.0
# A server that stood this long was healthy: the next crash counts as the first again.
_STEADY_SECONDS: Final = 60.0
_MAX_FAILED_STARTS: Final = 3
_MOST_LOG_BYTES: Final = 5_000_000
_TAIL_BYTES: Final = 8_192
_TAIL_LINES: Final = 4
_TAIL_WIDTH: Final = 160


class PortTaken(InputError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} of {host} is in use by another program.",
            hint=f"Stop that program, or choose another port: --port {port + 1 if port < 65535 else 8501}.",
        )


class ServerFailed(QtsError):
    """A server process does not come up."""


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


def is_ready(address: Address, path: str = READY_PATH) -> bool:
    """Return whether the server says that it is ready to answer."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class ServerProcess:
    """A server as a child process in a group of its own, which ends when we do, however we end.

    The child inherits the read end of a pipe of which we hold the other: when we are gone, even by SIGKILL, it reads the end of the
    pipe and stops. ``command`` gets ``--parent-pipe FD`` appended. What it writes goes to the file ``log``, or where ours goes.
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, log: Path | None = None) -> None:
        reading, self._writing = os.pipe()
        with ExitStack() as stack:
            stack.callback(os.close, reading)
            output = None if log is None else stack.enter_context(open(_opened_log(log), "ab", buffering=0))
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the command is our own
                    [*command, "--parent-pipe", str(reading)],
                    pass_fds=(reading,),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            except BaseException:
                os.close(self._writing)
                raise

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

    def ask_to_end(self) -> None:
        """Tell it and whatever it started to end, and do not wait."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def stop(self) -> None:
        """End it and whatever it started: first politely, after ten seconds by force."""
        self.ask_to_end()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            os.close(self._writing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to keep running: its name in sentences, its command, how to see that it answers, and the file for what it writes."""

    name: str
    command: tuple[str, ...]
    answers: Callable[[], bool]
    log: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)  # changes as its server comes and goes
class _Kept:
    server: Server
    process: ServerProcess | None = None
    started_at: float = 0.0
    looked_at: float = 0.0
    answered_at: float = 0.0
    begins_at: float = 0.0
    log_from: int = 0
    n_failed: int = 0
    is_up: bool = False
    was_up: bool = False
    is_silent: bool = False


class Supervisor:
    """Keeps servers running for as long as the block lasts, and stops them all at its end, however that comes.

    Parameters
    ----------
    tell : callable
        Takes sentences for a person: what died, what is started again, and what it wrote last.
    looks_every : float
        After how many seconds a server that is up is looked at again.
    silent_for : float
        After how many seconds without an answer that is told; a machine that is busy with a backtest may let us wait.
    pauses : callable
        Returns how many seconds to wait before a server is started again that failed so many times in a row.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        *,
        looks_every: float = _LOOK_SECONDS,
        silent_for: float = _SILENT_SECONDS,
        pauses: Callable[[int], float] = lambda n_failed: min(2.0 ** (n_failed - 1), _MAX_PAUSE_SECONDS),
    ) -> None:
        self._tell = tell
        self._looks_every = looks_every
        self._silent_for = silent_for
        self._pauses = pauses
        self._kept: list[_Kept] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, server: Server) -> None:
        """Start a server, and keep it running from now on."""
        kept = _Kept(server)
        self._kept.append(kept)
        _launch(kept)

    def tend(self) -> None:
        """Look after every server once: start again what died, tell of what does not answer.

        Raises
        ------
        ServerFailed
            If one has never come up and will not.
        """
        for kept in self._kept:
            now = time.monotonic()
            if kept.process is None:
                if now >= kept.begins_at:
                    _launch(kept)
            elif kept.process.exit_code() is not None:
                self._died(kept, now)
            elif kept.is_up:
                self._look(kept, now)
            elif kept.server.answers():
                kept.is_up = kept.was_up = True
                kept.answered_at = kept.looked_at = time.monotonic()
            elif now - kept.started_at > _READY_SECONDS:
                self._died(kept, now)

    def wait(self, server: Server) -> None:
        """Return once a server answers; raises ServerFailed where it never does."""
        kept = next(one for one in self._kept if one.server is server)
        self.tend()
        while not kept.is_up:
            time.sleep(_POLL_SECONDS)
            self.tend()

    def pids(self) -> tuple[int, ...]:
        """Return the process ids in the order in which the servers were started; 0 for one that waits to be started again."""
        return tuple(0 if kept.process is None else kept.process.pid for kept in self._kept)

    def run(self) -> NoReturn:
        """Look after the servers until somebody interrupts."""
        while True:
            self.tend()
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End all servers: they are asked at once, and waited for one by one."""
        with ExitStack() as stack:
            for kept in self._kept:
                if kept.process is not None:
                    stack.callback(kept.process.stop)
                    kept.process.ask_to_end()
        self._kept.clear()

    def _look(self, kept: _Kept, now: float) -> None:
        if now - kept.looked_at < self._looks_every:
            return
        answers = kept.server.answers()
        kept.looked_at = now = time.monotonic()
        if answers:
            kept.answered_at = now
            if kept.is_silent:
                self._tell(f"The {kept.server.name} answers again.")
            kept.is_silent = False
        elif now - kept.answered_at > self._silent_for and not kept.is_silent:
            kept.is_silent = True
            self._tell(f"The {kept.server.name} has not answered for {now - kept.answered_at:.0f} s.{_last_words(kept)}")

    def _died(self, kept: _Kept, now: float) -> None:
        assert kept.process is not None  # noqa: S101 - it is called for those that have one
        found = kept.process.exit_code()
        kept.process.stop()
        kept.process, kept.is_up, kept.is_silent = None, False, False
        kept.n_failed = 1 if now - kept.started_at > _STEADY_SECONDS else kept.n_failed + 1
        words = _last_words(kept)
        if kept.n_failed >= _MAX_FAILED_STARTS and not kept.was_up:
            hint = words.strip() or "Its own messages above say why."
            raise ServerFailed(f"The {kept.server.name} does not start: it {_end_of(found)}.", hint=hint)
        pause = self._pauses(kept.n_failed)
        kept.begins_at = time.monotonic() + pause
        self._tell(f"The {kept.server.name} {_end_of(found)}; starting it again in {pause:.0f} s.{words}")


def _launch(kept: _Kept) -> None:
    server = kept.server
    if server.log is not None:
        kept.log_from = _made_room(server.log)
    kept.process = ServerProcess(server.command, environment=server.environment, log=server.log)
    kept.started_at = time.monotonic()


def _end_of(exit_code: int | None) -> str:
    if exit_code is None:
        return f"did not come up within {_READY_SECONDS:.0f} s"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    known = {number.value: number.name for number in signal.Signals}
    return f"was ended by the signal {known.get(-exit_code, -exit_code)}"


def _made_room(log: Path) -> int:
    """Set a long log aside, and return how long it is now."""
    try:
        size = log.stat().st_size
        if size <= _MOST_LOG_BYTES:
            return size
        log.replace(log.with_name(f"{log.name}.1"))
    except FileNotFoundError:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return 0


def _opened_log(log: Path) -> int:
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _last_words(kept: _Kept) -> str:
    """Return the last lines that a server wrote since its start, to be put behind a sentence; nothing where it wrote nothing."""
    log = kept.server.log
    if log is None:
        return ""
    try:
        with log.open("rb") as file:
            file.seek(max(kept.log_from, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    printable = ("".join(mark for mark in line if mark.isprintable()).rstrip() for line in text.splitlines())
    lines = [line[:_TAIL_WIDTH] for line in printable if line][-_TAIL_LINES:]
    return "".join([f"\n  Its last lines in {log}:", *(f"\n    {line}" for line in lines)]) if lines else ""


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
