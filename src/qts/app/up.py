"""From nothing to a finished backtest on screen: prepare the data, and say which run to open."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from qts.app.demo import has_own_prices, prepare_demo, run_featured
from qts.app.importing import ImportDocument, import_files
from qts.app.progress import OnProgress, ignore_progress
from qts.app.requests import ImportRequest, build
from qts.app.supervisor import Address
from qts.app.workspace import Workspace
from qts.core.errors import BadParameter, InputError

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def prepare(workspace: Workspace, on_progress: OnProgress = ignore_progress) -> str:
    """Make sure that there is something to look at, and return the id of the run to open.

    Prices of one's own are used where there are any; otherwise the simulated market and the real index levels are prepared.
    """
    if has_own_prices(workspace):
        return run_featured(workspace, on_progress)
    return prepare_demo(workspace, on_progress).runs[0]


def import_folder(workspace: Workspace, folder: Path | str, on_progress: OnProgress = ignore_progress) -> ImportDocument:
    """Import a folder or file of prices before the start.

    Raises
    ------
    QtsError
        If nothing in it could be stored.
    """
    outcome = import_files(workspace, build(ImportRequest, paths=[folder]), on_progress)
    if outcome.failures:
        raise outcome.failures[0]
    return outcome.document


def check_host(host: str, *, allow_remote: bool) -> None:
    """Refuse to listen to other machines unless it is asked for in so many words: there is no login yet.

    Raises
    ------
    InputError
        If the host is not a loopback address and ``allow_remote`` is off.
    """
    if not host.strip():
        raise BadParameter("host", host, "names no address", hint="Use --host 127.0.0.1.")
    if host not in LOOPBACK and not allow_remote:
        raise InputError(
            f"{host} would let other machines in, and there is no login yet.",
            hint="Use --host 127.0.0.1, or --allow-remote where the network itself keeps strangers out.",
        )


def run_url(address: Address, run_id: str) -> str:
    """Return the link that opens a run in the browser."""
    return f"{address.url}/backtest?run={run_id}"


def has_display() -> bool:
    """Return whether a browser could be seen here."""
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
