"""Workers of any home, forked: the seconds of imports of a new interpreter are saved, which is most of a hundred short lives.

For every line of JSON on standard input, ``{"environment": {...}, "words": [...]}``, a process is forked that carries out the command of
these words with this environment; its process id is printed. It has a session of its own, so that it can be killed from outside.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys

from qts.data.kite import pacing


def carry_out(environment: dict[str, str], words: list[str]) -> None:
    """Be the command, in this process, to its end."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.update(environment)
        log = os.open(environment["FORKED_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(log, stream)
        faster = float(environment.get("FORKED_FASTER", "1"))
        # The broker allows requests to follow one another so much faster; whose limits they are is the exchange's matter.
        pacing.SPACING.update({kind: seconds / faster for kind, seconds in pacing.SPACING.items()})  # type: ignore[attr-defined]
        from qts.cli.main import main  # noqa: PLC0415 - imported already

        main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os._exit(code)


def main() -> None:
    """Fork what the lines ask for, until there are no more."""
    for name in ("qts.cli.main", "qts.app.jobs.worker", "qts.app.jobs.kinds.ingest", "qts.data.storage", "qts.app.workspace"):
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            carry_out(asked["environment"], asked["words"])
        print(child, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
