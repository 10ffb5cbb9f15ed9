"""The processes that ``qts up`` keeps running: how each is started, how to see that it answers, and where its words go."""

from __future__ import annotations

import socket
import sys
from typing import Final

from qts.app.jobs.presence import has_worker
from qts.app.sandbox_address import PORT, READY_PATH
from qts.app.settings import Settings
from qts.app.supervisor import Address, PortTaken, Server, check_port, is_ready

_LOOPBACK: Final = "127.0.0.1"
_VARIABLE: Final = "QTS_SANDBOX_ROOT"


def web_server(settings: Settings, *, allow_remote: bool, sandbox: Address | None = None) -> Server:
    """Return the web interface."""
    address = Address(host=settings.host, port=settings.port)
    words = ["serve", "--host", settings.host, "--port", str(settings.port), *(["--allow-remote"] if allow_remote else [])]
    return Server(
        name="web interface",
        command=_command(settings, *words),
        answers=lambda: is_ready(address),
        log=settings.logs_folder / "web.log",
        environment=_environment(sandbox),
    )


def worker_server(settings: Settings, *, sandbox: Address | None = None) -> Server:
    """Return the worker, which carries out jobs."""
    return Server(
        name="worker",
        command=_command(settings, "worker"),
        answers=lambda: has_worker(settings.home),
        log=settings.logs_folder / "worker.log",
        environment=_environment(sandbox),
    )


def sandbox_server(settings: Settings, address: Address) -> Server:
    """Return the simulated exchange, which this machine alone can reach."""
    return Server(
        name="simulated exchange",
        command=_command(settings, "sandbox", "--host", address.host, "--port", str(address.port)),
        answers=lambda: is_ready(address, READY_PATH),
        log=settings.logs_folder / "sandbox.log",
    )


def sandbox_address() -> Address:
    """Return where a simulated exchange can listen: its usual port, or any that is free where somebody has that one."""
    usual = Address(host=_LOOPBACK, port=PORT)
    try:
        check_port(usual)
    except PortTaken:
        with socket.socket() as probe:
            probe.bind((_LOOPBACK, 0))
            return Address(host=_LOOPBACK, port=probe.getsockname()[1])
    return usual


def _command(settings: Settings, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "qts", "--home", str(settings.home), *words)


def _environment(sandbox: Address | None) -> dict[str, str]:
    return {} if sandbox is None else {_VARIABLE: sandbox.url}
