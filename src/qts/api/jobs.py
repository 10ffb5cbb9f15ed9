"""Jobs over HTTP: what runs, how far it has come, and what may be done to it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query

from qts.api.routes import ERRORS, Opened
from qts.app.jobs.asking import cancel_job, list_jobs, pause_job, resume_job, retry_job, show_job
from qts.app.jobs.document import JobDocument

PREFIX: Final = "/api/jobs"

router = APIRouter(prefix=PREFIX, responses=ERRORS)


@router.get("")
def get_jobs(workspace: Opened, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> tuple[JobDocument, ...]:
    """Return the latest jobs, the latest first."""
    return list_jobs(workspace, limit=limit)


@router.get("/{job_id}")
def get_job(workspace: Opened, job_id: str) -> JobDocument:
    """Return a job."""
    return show_job(workspace, job_id)


@router.post("/{job_id}/cancel")
def post_cancel(workspace: Opened, job_id: str) -> JobDocument:
    """End a job; what it did is kept."""
    return cancel_job(workspace, job_id)


@router.post("/{job_id}/pause")
def post_pause(workspace: Opened, job_id: str) -> JobDocument:
    """Let a job rest after the request it is at."""
    return pause_job(workspace, job_id)


@router.post("/{job_id}/resume")
def post_resume(workspace: Opened, job_id: str) -> JobDocument:
    """Let a job go on where it was."""
    return resume_job(workspace, job_id)


@router.post("/{job_id}/retry")
def post_retry(workspace: Opened, job_id: str) -> JobDocument:
    """Begin a job again that failed or was cancelled."""
    return retry_job(workspace, job_id)
