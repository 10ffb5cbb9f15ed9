"""Make a backup of the home, which may be in use."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from qts.app.backups import back_up
from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.work import Work
from qts.app.requests import Request
from qts.core.errors import BadParameter


def _count(value: object) -> object:
    # True would count as one, and all backups but the last would go.
    if isinstance(value, bool):
        raise BadParameter("keep", value, "is no number", hint="Say how many backups stay, such as 14; leave it out to keep all.")
    return value


class BackupRequest(Request):
    """How many backups to keep."""

    keep: Annotated[int | None, BeforeValidator(_count)] = Field(
        default=None, ge=1, description="How many backups stay; the oldest go. All when absent."
    )


def _run(work: Work, request: BackupRequest) -> JobOutcome:
    report = work.step("back up", lambda: back_up(work.workspace, keep=request.keep))
    return JobOutcome(result=report.model_dump(mode="json"))


def _describe(request: BackupRequest) -> str:
    return "Make a backup of the home" + ("" if request.keep is None else f" and keep the last {request.keep}")


KIND: Final = JobKind(title="Back up", request=BackupRequest, describe=_describe, run=_run)
