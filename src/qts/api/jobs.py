"""Jobs over HTTP: what runs, how far it has come, and what may be done to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from qts.api.routes import ERRORS, Opened
from qts.app.jobs.asking import cancel_job, list_jobs, pause_job, resume_job, retry_job, show_job, submit_values
from qts.app.jobs.document import JobDocument

PREFIX: Final = "/api/jobs"

router = APIRouter(prefix=PREFIX, responses=ERRORS)


class SubmitRequest(BaseModel):
    """A job to be done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(description="What is to be done: ingest, backup, compact, verify or instruments.")
    request: dict[str, Any] = Field(default_factory=dict, description="How: the fields that the command of this name has as options.")


@router.post("", status_code=HTTPStatus.CREATED, responses={HTTPStatus.OK: {"model": JobDocument}})
def post_job(workspace: Opened, body: SubmitRequest, response: Response) -> JobDocument:
    """Queue a job and return it (201), or the pending job of the same request (200)."""
    job, is_new = submit_values(workspace, body.kind, body.request)
    return queued(job, response, is_new=is_new)


def queued(job: JobDocument, response: Response, *, is_new: bool) -> JobDocument:
    """Return a job, with where it is found from now on and whether it was made by this request."""
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    response.headers["location"] = f"{PREFIX}/{job.id}"
    return job


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
