from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from qts.app.jobs.asking import list_jobs, pause_job, resume_job, show_job
from qts.app.jobs.document import JobState
from qts.app.jobs.job_store import JobOrder, JobStore
from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.presence import FOLDER
from qts.app.jobs.scheduling import add_schedule, list_schedules
from qts.app.jobs.work import Work
from qts.app.jobs.worker import STEPS_FILE, Worker
from qts.app.requests import Request
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import FixedClock
from qts.core.errors import StoreBusy


class Nothing(Request):
    """Asks for nothing."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=tmp_path / "home", keep_free="0")) as opened:
        yield opened


def kind(run: object, *, at_once: int = 1, per_user: int = 1) -> JobKind:
    return JobKind(title="Fake", request=Nothing, describe=lambda _: "Do it", run=run, at_once=at_once, per_user=per_user)  # type: ignore[arg-type]


def order(workspace: Workspace, number: int, user: str = "local", name: str = "fake") -> str:
    wanted = JobOrder(kind=name, request="{}", what=f"{user} {number}", key=f"{user} {number}", submitted_by=user)
    return JobStore(workspace.control.database).add(wanted, at=workspace.clock.now() + timedelta(seconds=number))[0]


def work_through(workspace: Workspace, kinds: dict[str, JobKind]) -> None:
    worker = Worker(workspace, kinds)
    worker.start()
    try:
        worker.run(once=True)
    finally:
        assert worker.stop()


def workflows(workspace: Workspace) -> dict[str, str]:
    with closing(sqlite3.connect(workspace.settings.home / FOLDER / STEPS_FILE)) as connection:
        return dict(connection.execute("SELECT workflow_uuid, status FROM workflow_status").fetchall())


def test_the_only_job_of_one_user_does_not_wait_for_the_many_of_another(workspace: Workspace) -> None:
    done: list[str] = []
    lock, at_work, most = threading.Lock(), [0], [0]

    def run(work: Work, request: Nothing) -> JobOutcome:
        del request
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        work.sleep(0.02)
        with lock:
            at_work[0] -= 1
            done.append(JobStore(workspace.control.database).document(work.job_id).what)
        return JobOutcome(result={})

    for number in range(8):
        order(workspace, number, "ann")
    order(workspace, 100, "bob")
    work_through(workspace, {"fake": kind(run)})
    assert done == ["ann 0", "bob 100", *(f"ann {number}" for number in range(1, 8))]
    assert most == [1]


def test_a_user_with_many_jobs_leaves_room_for_others(workspace: Workspace) -> None:
    met = threading.Barrier(3, timeout=20)

    def run(work: Work, request: Nothing) -> JobOutcome:
        del work, request
        met.wait()  # goes on only when two of one user and one of another are at work together
        return JobOutcome(result={})

    ids = [order(workspace, 0, "ann"), order(workspace, 1, "ann"), order(workspace, 100, "bob")]
    work_through(workspace, {"fake": kind(run, at_once=3, per_user=2)})
    assert [show_job(workspace, job).state for job in ids] == [JobState.DONE] * 3


def test_whatever_a_job_raises_is_told_in_words_with_a_way_out(workspace: Workspace) -> None:
    def busy(work: Work, request: Nothing) -> JobOutcome:
        del request
        raise StoreBusy(str(work.workspace.settings.home))

    def broken(work: Work, request: Nothing) -> JobOutcome:
        del work, request
        raise ZeroDivisionError

    ids = [order(workspace, 0, name="busy"), order(workspace, 1, name="broken"), order(workspace, 2, name="forgotten")]
    work_through(workspace, {"busy": kind(busy), "broken": kind(broken)})
    jobs = [show_job(workspace, job) for job in ids]
    assert [job.state for job in jobs] == [JobState.FAILED] * 3
    assert [job.errors[0].kind for job in jobs] == ["StoreBusy", "InternalError", "BadParameter"]
    assert all(job.errors[0].message and job.errors[0].hint for job in jobs)


def test_a_job_that_is_damaged_before_or_while_it_runs_keeps_no_other_from_its_turn(workspace: Workspace) -> None:
    done: list[str] = []

    def damage(job_id: str) -> None:
        with closing(sqlite3.connect(workspace.settings.home / "control.sqlite")) as connection, connection:
            connection.execute("UPDATE jobs SET done = 77, detail = CAST(x'ff' AS TEXT) WHERE id = ?", [job_id])

    def run(work: Work, request: Nothing) -> JobOutcome:
        del request
        done.append(work.job_id)
        if work.job_id == during:
            damage(during)
            work.sleep(20.0)  # hears of it long before
        return JobOutcome(result={})

    before, during, sound = (order(workspace, number) for number in range(3))
    damage(before)
    work_through(workspace, {"fake": kind(run)})
    assert done == [during, sound]
    told = {job.id: (job.state, [error.kind for error in job.errors]) for job in list_jobs(workspace)}
    failed = JobState.FAILED, ["DamagedFile"]
    assert told == {before: failed, during: failed, sound: (JobState.DONE, [])}


def test_steps_of_jobs_that_ended_long_ago_are_forgotten_and_their_outcomes_kept(workspace: Workspace) -> None:
    steps: list[str] = []
    rest = threading.Event()

    def run(work: Work, request: Nothing) -> JobOutcome:
        del request
        work.step("first", lambda: steps.append(work.job_id))
        if not rest.is_set():
            rest.set()
            pause_job(workspace, work.job_id)
            work.sleep(5.0)
        return JobOutcome(result={"done": 1})

    resting, ended = order(workspace, 0), order(workspace, 1)
    kinds = {"fake": kind(run)}
    work_through(workspace, kinds)
    assert workflows(workspace) == {f"{resting}.1": "CANCELLED", f"{ended}.1": "SUCCESS"}
    work_through(workspace, kinds)
    assert len(workflows(workspace)) == 2  # they are not old
    later = replace(workspace, clock=FixedClock(workspace.clock.now() + timedelta(days=8)))
    work_through(later, kinds)
    assert list(workflows(workspace)) == [f"{resting}.1"]
    assert show_job(workspace, ended).result == {"done": 1}
    resume_job(workspace, resting)
    work_through(later, kinds)
    assert (show_job(workspace, resting).state, sorted(steps)) == (JobState.DONE, sorted([resting, ended]))


def test_a_worker_does_what_is_due_when_it_comes(workspace: Workspace) -> None:
    yesterday = replace(workspace, clock=FixedClock(workspace.clock.now() - timedelta(days=3)))
    add_schedule(yesterday, "compact", {})
    worker = Worker(workspace)
    worker.start()
    worker.run(once=True)
    assert worker.stop()
    (job,) = list_jobs(workspace)
    assert (job.schedule, job.kind, job.state) == ("compact", "compact", JobState.DONE)
    kept = list_schedules(workspace)[0]
    assert (kept.last_outcome, kept.merged in {2, 3}) == ("done", True)
