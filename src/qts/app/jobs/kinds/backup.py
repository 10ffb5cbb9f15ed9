"""Make a backup of the home, which may be in use."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from qts.app.backups import back_up
from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.work import Work
from qts.app.requests import Request


class BackupRequest(Request):
    """How many backups to keep."""

    keep: int | None = Field(default=None, ge=1, description="How many backups stay; the oldest go. All when absent.")


def _run(work: Work, request: BackupRequest) -> JobOutcome:
    report = work.step("back up", lambda: back_up(work.workspace, keep=request.keep))
    return JobOutcome(result=report.model_dump(mode="json"))


def _describe(request: BackupRequest) -> str:
    return "Make a backup of the home" + ("" if request.keep is None else f" and keep the last {request.keep}")


KIND: Final = JobKind(title="Back up", request=BackupRequest, describe=_describe, run=_run)
