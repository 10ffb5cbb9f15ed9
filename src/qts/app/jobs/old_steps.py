"""Forget the steps of jobs that ended long ago: what came of them stands in the list of jobs, and nobody goes on with them."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from dbos import DBOS

from qts.app.jobs.document import PENDING
from qts.app.jobs.job_store import JobStore

_ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_AT_ONCE: Final = 200
# Rewriting the file is worth it when this much of it is empty.
_LEAST_EMPTY: Final = 8 << 20


def forget_old_steps(jobs: JobStore, *, before: datetime) -> int:
    """Delete from the engine what ended before an instant and return how much; jobs that rest keep their steps however old they are."""
    n_kept = n_gone = 0
    while True:
        found = DBOS.list_workflows(
            status=list(_ENDED), completed_before=before.isoformat(), limit=_AT_ONCE, offset=n_kept, load_input=False, load_output=False
        )
        if not found:
            return n_gone
        tickets = jobs.find([one.workflow_id.partition(".")[0] for one in found])
        resting = {f"{ticket.id}.{ticket.attempt}" for ticket in tickets.values() if ticket.state in PENDING}
        gone = [one.workflow_id for one in found if one.workflow_id not in resting]
        if gone:
            DBOS.delete_workflows(gone)
        n_gone += len(gone)
        n_kept += len(found) - len(gone)


def shrink(path: Path, *, least: int = _LEAST_EMPTY) -> bool:
    """Give the empty half of the steps' file back to the disk, unless somebody is at it just now; return whether it was."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
        empty, pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count", "page_size"))
        if 2 * empty > pages and empty * size >= least:
            connection.execute("VACUUM")
            return True
    return False
