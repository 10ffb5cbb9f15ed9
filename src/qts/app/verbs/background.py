"""Jobs and schedules from a notebook."""

from __future__ import annotations

from collections.abc import Mapping

from qts.app.jobs.asking import cancel_job as cancel_one
from qts.app.jobs.asking import list_jobs, show_job, submit_values
from qts.app.jobs.asking import pause_job as pause_one
from qts.app.jobs.asking import resume_job as resume_one
from qts.app.jobs.asking import retry_job as retry_one
from qts.app.jobs.document import JobDocument
from qts.app.jobs.scheduling import ScheduleDocument, list_schedules
from qts.app.jobs.scheduling import add_schedule as add_one
from qts.app.jobs.scheduling import pause_schedule as rest_one
from qts.app.jobs.scheduling import remove_schedule as remove_one
from qts.app.jobs.scheduling import resume_schedule as go_on_with
from qts.app.jobs.scheduling import run_schedule as run_one
from qts.app.verbs.opening import Home, opened


def jobs(*, limit: int = 100, home: Home = None) -> tuple[JobDocument, ...]:
    """Return the latest jobs in the background, the latest first."""
    with opened(home) as workspace:
        return list_jobs(workspace, limit=limit)


def job(job_id: str, *, home: Home = None) -> JobDocument:
    """Return a job: how far it has come, and what went wrong with the way out."""
    with opened(home) as workspace:
        return show_job(workspace, job_id)


def submit_job(kind: str, request: Mapping[str, object] | None = None, *, home: Home = None) -> JobDocument:
    """Queue a job for a worker and return it, or the pending job of the same request: ``submit_job("backup", {"keep": 14})``."""
    with opened(home) as workspace:
        return submit_values(workspace, kind, request or {})[0]


def pause_job(job_id: str, *, home: Home = None) -> JobDocument:
    """Let a job rest after the request it is at."""
    with opened(home) as workspace:
        return pause_one(workspace, job_id)


def resume_job(job_id: str, *, home: Home = None) -> JobDocument:
    """Let a job go on where it was."""
    with opened(home) as workspace:
        return resume_one(workspace, job_id)


def cancel_job(job_id: str, *, home: Home = None) -> JobDocument:
    """End a job; what it did is kept."""
    with opened(home) as workspace:
        return cancel_one(workspace, job_id)


def retry_job(job_id: str, *, home: Home = None) -> JobDocument:
    """Begin a job again that failed or was cancelled; what it did before is not done twice."""
    with opened(home) as workspace:
        return retry_one(workspace, job_id)


def schedules(*, home: Home = None) -> tuple[ScheduleDocument, ...]:
    """Return what a worker does again and again, and what is off but can be added by its name."""
    with opened(home) as workspace:
        return list_schedules(workspace)


def add_schedule(
    name: str,
    request: Mapping[str, object] | None = None,
    *,
    kind: str | None = None,
    when: str | None = None,
    exchange: str = "NSE",
    home: Home = None,
) -> ScheduleDocument:
    """Turn a schedule on, from now: one that is offered by its name, or ``kind`` of job at ``when``, such as ``close+45``."""
    with opened(home) as workspace:
        return add_one(workspace, name, request or {}, kind=kind, when=when, exchange=exchange)


def remove_schedule(name: str, *, home: Home = None) -> ScheduleDocument:
    """Remove a schedule and return what it was; its jobs stay."""
    with opened(home) as workspace:
        return remove_one(workspace, name)


def run_schedule(name: str, *, home: Home = None) -> JobDocument:
    """Queue now what a schedule does, and return the job; while its last run goes on, that."""
    with opened(home) as workspace:
        return run_one(workspace, name)[0]


def pause_schedule(name: str, *, home: Home = None) -> ScheduleDocument:
    """Let a schedule rest; what falls due meanwhile is not done later."""
    with opened(home) as workspace:
        return rest_one(workspace, name)


def resume_schedule(name: str, *, home: Home = None) -> ScheduleDocument:
    """Let a schedule go on with what falls due from now."""
    with opened(home) as workspace:
        return go_on_with(workspace, name)
