"""What a person may do with jobs: submit, look, pause, resume, cancel, retry. A worker hears of it within a second."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from qts.app.jobs.document import ACTIVE, PENDING, JobDocument, JobState
from qts.app.jobs.job_store import LOCAL, JobOrder, JobStore
from qts.app.jobs.kind import kind_named
from qts.app.jobs.presence import has_worker
from qts.app.requests import Request, build
from qts.app.workspace import Workspace
from qts.core.errors import BadParameter, DamagedFile, InputError

NO_WORKER: Final = "No worker is running here: start one with `qts worker`."
_RETRIED: Final = (JobState.FAILED, JobState.CANCELLED)


class WrongState(InputError):
    """A job is not in a state in which this can be done to it."""

    def __init__(self, job: JobDocument, verb: str) -> None:
        self.job = job
        self.verb = verb
        can_begin_again = job.state in _RETRIED and verb != "retried"
        hint = "`qts jobs retry` begins it again." if can_begin_again else f"`qts jobs show {job.id}` tells more."
        super().__init__(f"Job {job.id} is {job.state.replace('_', ' ')} and cannot be {verb}.", hint=hint)


class AtItAlready(InputError):
    """Another job is at the same request."""

    def __init__(self, job_id: str, other: str) -> None:
        self.job_id = job_id
        self.other = other
        super().__init__(
            f"Job {other} is at the same already, so {job_id} is not begun again.", hint=f"Follow it: `qts jobs watch {other}`."
        )


def submit(workspace: Workspace, kind: str, request: Request, *, submitted_by: str = LOCAL) -> tuple[JobDocument, bool]:
    """Queue a job and return it with True, or the pending job of the same request with False: a double click asks once.

    Parameters
    ----------
    workspace : Workspace
        The home.
    kind : str
        What is to be done, such as ``backup``.
    request : Request
        How; of the kind's own class.
    submitted_by : str
        Whose job it is: users take turns.

    Raises
    ------
    BadParameter
        If there is no such kind, or the request can come to nothing.
    """
    found = kind_named(kind)
    found.check(workspace, request)
    text = request.model_dump_json(by_alias=False)
    key = hashlib.sha256(f"{submitted_by}\n{kind}\n{text}".encode()).hexdigest()
    jobs = JobStore(workspace.control.database)
    order = JobOrder(kind=kind, request=text, what=found.describe(request), key=key, submitted_by=submitted_by)
    job_id, is_new = jobs.add(order, at=workspace.clock.now())
    return jobs.document(job_id), is_new


def submit_values(workspace: Workspace, kind: str, values: Mapping[str, object], *, submitted_by: str = LOCAL) -> tuple[JobDocument, bool]:
    """Queue a job from the fields of its request by name; returns and raises what :func:`submit` does."""
    return submit(workspace, kind, request_of(kind, values), submitted_by=submitted_by)


def request_of(kind: str, values: Mapping[str, object]) -> Request:
    """Return the request of a kind from its fields by name.

    Raises
    ------
    BadParameter
        If there is no such kind, or a field is none of its, or does not fit.
    """
    model = kind_named(kind).request
    known = sorted(field.alias or name for name, field in model.model_fields.items())
    for name in values:
        if name not in known and name not in model.model_fields:
            raise BadParameter(name, values[name], f"a {kind} job has no such field", hint=f"It has {', '.join(known)}.")
    return build(model, **values)


def list_jobs(workspace: Workspace, *, limit: int = 100) -> tuple[JobDocument, ...]:
    """Return the latest jobs, the latest first; one whose row is damaged is told of as failed for that."""
    return JobStore(workspace.control.database).documents(limit=limit)


def show_job(workspace: Workspace, job_id: str) -> JobDocument:
    """Return a job; raises UnknownJob, and DamagedFile where its row differs from what was written."""
    return JobStore(workspace.control.database).document(job_id)


def cancel_job(workspace: Workspace, job_id: str) -> JobDocument:
    """End a job; what it did is kept. One that is cancelled already stays so; raises UnknownJob, WrongState.

    One whose row is damaged, which nobody works on, is taken off the list.
    """
    try:
        return _moved(workspace, job_id, JobState.CANCELLED, among=PENDING, verb="cancelled")
    except DamagedFile:
        dropped = JobStore(workspace.control.database).drop_damaged(job_id)
        if dropped is None:
            raise
        return dropped


def pause_job(workspace: Workspace, job_id: str) -> JobDocument:
    """Let a job rest until it is resumed; raises UnknownJob, WrongState."""
    return _moved(workspace, job_id, JobState.PAUSED, among=(*ACTIVE, JobState.WAITING_FOR_LOGIN), verb="paused")


def resume_job(workspace: Workspace, job_id: str) -> JobDocument:
    """Let a job go on that rests or waits; raises UnknownJob, WrongState."""
    among = (JobState.PAUSED, JobState.WAITING_FOR_LOGIN)
    job = show_job(workspace, job_id)
    if job.state in ACTIVE:
        return job
    return _moved(workspace, job_id, JobState.QUEUED, among=among, verb="resumed")


def retry_job(workspace: Workspace, job_id: str) -> JobDocument:
    """Begin a job again that failed or was cancelled; it does what is still to do. Raises UnknownJob, WrongState, AtItAlready."""
    jobs = JobStore(workspace.control.database)
    job = jobs.document(job_id)
    ticket = jobs.find([job_id])[job_id]
    other = jobs.pending_like(job_id) if job.state in _RETRIED else None
    if other is not None:
        raise AtItAlready(job_id, other)
    if not jobs.begin_again(ticket, among=_RETRIED, at=workspace.clock.now()):
        raise WrongState(jobs.document(job_id), "retried")
    return jobs.document(job.id)


def worker_is_missing(workspace: Workspace, jobs: Sequence[JobDocument]) -> bool:
    """Return whether jobs wait for a worker, and none is there."""
    return any(job.state in ACTIVE for job in jobs) and not has_worker(workspace.settings.home)


def _moved(workspace: Workspace, job_id: str, state: JobState, *, among: Sequence[JobState], verb: str) -> JobDocument:
    jobs = JobStore(workspace.control.database)
    moved = jobs.move(job_id, state, among=among, at=workspace.clock.now())
    job = jobs.document(job_id)
    if not moved and job.state is not state:
        raise WrongState(job, verb)
    return job
