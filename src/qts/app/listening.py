"""Who may reach a server of ours, and whether a browser can be seen here."""

from __future__ import annotations

import os
import sys
from typing import Final

from qts.core.errors import BadParameter, InputError

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


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


def has_display() -> bool:
    """Return whether a browser could be seen here."""
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
