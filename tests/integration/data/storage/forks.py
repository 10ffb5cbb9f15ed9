"""Processes that work until they are killed, started and ended one after another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


class Forks:
    """A process that forks others from a script that was imported once; the script says what it reads and answers."""

    def __init__(self, script: Path) -> None:
        self._server = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, home: Path, log: Path, first: int) -> int:
        """Start one at a home, from an operation on, and return its process id."""
        return self._ask(f"{home}\t{log}\t{first}\n")

    def kill(self, child: int) -> int:
        """Kill it and return its status: the signal's number, negative, unless it had ended by itself."""
        os.kill(child, signal.SIGKILL)
        return self._ask("\n")

    def close(self) -> None:
        """End the process that forks."""
        self._server.communicate()

    def _ask(self, line: str) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(line)
        self._server.stdin.flush()
        return int(self._server.stdout.readline())
