"""The command line from its first moment on: ``qts`` and ``python -m qts`` begin here."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and end with its exit code, also where Ctrl-C comes while it is still being loaded."""
    try:
        from qts.cli.main import main as run_command_line  # noqa: PLC0415 - loading it takes long enough to be interrupted

        run_command_line()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
