"""Schedules over HTTP: what is done again and again, when it is due, and how the last run ended."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from qts.api.jobs import queued
from qts.api.routes import ERRORS, Opened
from qts.app.jobs.document import JobDocument
from qts.app.jobs.scheduling import (
    ScheduleDocument,
    add_schedule,
    list_schedules,
    pause_schedule,
    remove_schedule,
    resume_schedule,
    run_schedule,
    show_schedule,
)

PREFIX: Final = "/api/schedules"

router = APIRouter(prefix=PREFIX, responses=ERRORS)


class AddScheduleRequest(BaseModel):
    """A schedule to be turned on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="One of those that are offered, or any other name.")
    request: dict[str, Any] = Field(default_factory=dict, description="The fields of the request of its jobs.")
    kind: str | None = Field(default=None, description="Kind of job; that of the offer when absent.")
    when: str | None = Field(default=None, description="daily@02:00, trading@08:30, sunday@03:00 or close+45, in Indian time.")
    exchange: str = Field(default="NSE", description="Exchange whose trading days and hours count.")


@router.get("")
def get_schedules(workspace: Opened) -> tuple[ScheduleDocument, ...]:
    """Return the schedules, and those that are off but can be added by their names."""
    return list_schedules(workspace)


@router.post("", status_code=HTTPStatus.CREATED)
def post_schedule(workspace: Opened, body: AddScheduleRequest) -> ScheduleDocument:
    """Turn a schedule on, from now."""
    return add_schedule(workspace, body.name, body.request, kind=body.kind, when=body.when, exchange=body.exchange)


@router.get("/{name}")
def get_schedule(workspace: Opened, name: str) -> ScheduleDocument:
    """Return a schedule."""
    return show_schedule(workspace, name)


@router.delete("/{name}")
def delete_schedule(workspace: Opened, name: str) -> ScheduleDocument:
    """Remove a schedule and return what it was; its jobs stay."""
    return remove_schedule(workspace, name)


@router.post("/{name}/run", status_code=HTTPStatus.CREATED, responses={HTTPStatus.OK: {"model": JobDocument}})
def post_run(workspace: Opened, name: str, response: Response) -> JobDocument:
    """Queue now what a schedule does, and return the job (201); while its last run goes on, that (200)."""
    job, is_new = run_schedule(workspace, name)
    return queued(job, response, is_new=is_new)


@router.post("/{name}/pause")
def post_pause(workspace: Opened, name: str) -> ScheduleDocument:
    """Let a schedule rest; what falls due meanwhile is not done later."""
    return pause_schedule(workspace, name)


@router.post("/{name}/resume")
def post_resume(workspace: Opened, name: str) -> ScheduleDocument:
    """Let a schedule go on with what falls due from now."""
    return resume_schedule(workspace, name)
