"""A job whose row differs from what was written is in no state, and the jobs beside it go on."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.app.jobs.document import PENDING, JobError, JobState
from qts.app.jobs.job_store import JobOrder, JobStore, UnknownJob
from qts.core.errors import DamagedFile

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
VICTIM = JobOrder(kind="fake", request="{}", what="Do it", key="k")
OTHER = JobOrder(kind="fake", request="{}", what="Do that", key="o", submitted_by="bob")
ERROR = JobError(kind="BadReply", message="It makes no sense.")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Return a database with two jobs at work, closed, and their ids."""
    path = tmp_path_factory.mktemp("made") / "control.sqlite"
    control = ControlDatabase.open(path)
    jobs = JobStore(control.database)
    ids = [jobs.add(order, at=AT + timedelta(seconds=number))[0] for number, order in enumerate((VICTIM, OTHER))]
    for job in ids:
        jobs.start(job, attempt=1, at=AT)
    control.close()
    return path, ids[0], ids[1]


@pytest.mark.parametrize(
    "change",
    [
        "state = 'runninf'",
        "state = 'done'",
        "state = 'queued'",
        "request = '{'",
        "errors = '[{'",
        "result = '{\"stored\": 9'",
        "attempt = 3",
        "total = 'many'",
        "rate = 'fast'",
        "submitted_at = 'then'",
        "submitted_at = CAST(x'ff32303236' AS TEXT)",
        "detail = CAST(x'41ff' AS TEXT)",
        "submitted_by = CAST(x'ff' AS TEXT)",
        "refused = ''",
        "row_seal = NULL",
    ],
)
def test_a_damaged_job_is_in_no_state_and_hides_no_other(made: tuple[Path, str, str], tmp_path: Path, change: str) -> None:
    source, victim, other = made
    path = Path(shutil.copyfile(source, tmp_path / "control.sqlite"))
    control = ControlDatabase.open(path)
    jobs = JobStore(control.database)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE jobs SET {change} WHERE id = '{victim}'")  # noqa: S608 - our own words
        before = connection.execute("SELECT hex(CAST(state AS BLOB)), attempt, updated_at FROM jobs WHERE id = ?", [victim]).fetchone()
    with pytest.raises(DamagedFile, match=f"the record of {victim} in jobs differs") as caught:
        jobs.document(victim)
    assert f"qts jobs cancel {victim}" in caught.value.hint
    assert "restore BACKUP" in caught.value.hint
    told = {job.id: job for job in jobs.documents()}
    assert (told[victim].state, told[victim].errors[0].kind, told[other].state) == (JobState.FAILED, "DamagedFile", JobState.RUNNING)
    assert "differs from what was written" in told[victim].detail

    everything = tuple(JobState)
    assert [ticket.id for ticket in jobs.tickets(everything)] == [other] == list(jobs.find([victim, other]))
    assert [jobs.state(victim, attempt=attempt) or jobs.start(victim, attempt=attempt, at=AT) for attempt in (1, 3)] == [None, None]
    later = AT + timedelta(days=1)
    assert not jobs.move(victim, JobState.CANCELLED, among=everything, at=later)
    assert not jobs.finish(victim, attempt=1, errors=[ERROR], result=None, at=later)
    assert not jobs.wait_for_login(victim, ERROR, refused="", at=later)
    jobs.advance(victim, {"done": 1}, at=later)
    with sqlite3.connect(path) as connection:
        query = "SELECT hex(CAST(state AS BLOB)), attempt, updated_at FROM jobs WHERE id = ?"
        assert connection.execute(query, [victim]).fetchone() == before
    connection.close()

    assert (jobs.last_began("fake"), jobs.pending_like(victim)) == ({"bob": AT.isoformat()}, None)
    again, is_new = jobs.add(VICTIM, at=later)
    assert (is_new, again != victim) == (True, True)
    assert jobs.finish(other, attempt=1, errors=(), result=None, at=later)
    assert jobs.drop_damaged(other) is None
    dropped = jobs.drop_damaged(victim)
    assert dropped is not None
    assert (dropped.id, dropped.state) == (victim, JobState.CANCELLED)
    with pytest.raises(UnknownJob):
        jobs.document(victim)
    assert [job.id for job in jobs.documents()] == [again, other]
    control.close()


def test_a_job_whose_id_was_changed_is_not_called_unknown(made: tuple[Path, str, str], tmp_path: Path) -> None:
    source, victim, other = made
    path = Path(shutil.copyfile(source, tmp_path / "control.sqlite"))
    control = ControlDatabase.open(path)
    jobs = JobStore(control.database)
    with pytest.raises(UnknownJob):
        jobs.document("nosuch")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE jobs SET id = 'nearly' WHERE id = ?", [victim])
    connection.close()
    for job in (victim, "nearly"):
        with pytest.raises(DamagedFile, match="the record of nearly in jobs"):
            jobs.document(job)
    assert [ticket.id for ticket in jobs.tickets(PENDING)] == [other]
    control.close()
