"""Open copies of an old home, each in a process that is killed before its n-th statement. Run as a script; prints how many there were."""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path

from alembic import operations  # noqa: F401 - imported once, before the forks
from alembic.runtime import migration  # noqa: F401 - see above
from alembic.script import ScriptDirectory  # noqa: F401 - see above
from sqlalchemy import Engine, event

from qts.app.control import CONTROL
from qts.data.storage.database import Database
from qts.data.storage.manifest import MANIFEST

CHAINS = {"manifest": MANIFEST, "control": CONTROL}


def open_and_die(path: Path, kill_at: int) -> None:
    """Open the database; die before statement number ``kill_at``, or at the first commit after it was the last."""
    n_statements = 0

    def statement(*_: object) -> None:
        nonlocal n_statements
        n_statements += 1
        if n_statements == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", statement)
    Database.open(path, migrations=CHAINS[path.stem]).close()


def main(old: Path, folder: Path) -> None:
    """Die at every statement in turn, until there are no more."""
    for kill_at in count(1):
        path = folder / str(kill_at) / old.name
        path.parent.mkdir()
        path.write_bytes(old.read_bytes())
        child = os.fork()
        if child == 0:
            open_and_die(path, kill_at)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            print(kill_at - 1)  # noqa: T201 - the answer of a script
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
