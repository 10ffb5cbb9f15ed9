"""What is told of a job: its state, how far it has come, when it will be done, and what went wrong with the way out."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from qts.core.errors import QtsError


class JobState(StrEnum):
    """What a job is doing; the last three are for good, unless it is retried."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING_FOR_LOGIN = "waiting_for_login"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE: Final = (JobState.QUEUED, JobState.RUNNING)
PENDING: Final = (*ACTIVE, JobState.PAUSED, JobState.WAITING_FOR_LOGIN)
ENDED: Final = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class JobError(BaseModel):
    """What went wrong, with what it concerns (an instrument, or nothing in particular) and the way out."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    about: str | None = None
    kind: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: QtsError, about: str | None = None) -> JobError:
        """Return an error in words."""
        return cls(about=about, kind=error.kind, message=error.message, hint=error.hint)


class JobDocument(BaseModel):
    """A job. ``progress`` is a fraction, ``done`` of ``total`` its units, ``rate`` units a second, ``retries`` requests made again.

    ``schedule`` is the name of the schedule that it is a run of, None where somebody asked for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: str
    kind: str
    what: str
    state: JobState
    progress: float
    done: int
    total: int
    detail: str
    rate: float | None
    eta_seconds: float | None
    retries: int
    attempt: int
    submitted_by: str
    schedule: str | None
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    errors: tuple[JobError, ...]
    result: dict[str, Any] | None
