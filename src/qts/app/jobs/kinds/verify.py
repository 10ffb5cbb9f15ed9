"""Check that all that is stored is what was written."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from qts.app.jobs.document import JobError
from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.work import Work
from qts.app.requests import Request
from qts.app.verification import verify_home


class VerifyRequest(Request):
    """How closely to look."""

    quick: bool = Field(default=False, description="Look at sizes and pages only, not at every byte.")


def _run(work: Work, request: VerifyRequest) -> JobOutcome:
    workspace = work.workspace
    found = work.step("verify", lambda: verify_home(workspace.settings, quick=request.quick, clock=workspace.clock))
    hint = "`qts verify` names what to import again."
    errors = [
        JobError(about=damage.path, kind="DamagedFile", message=f"{damage.path} is {damage.state}: {damage.reason}.", hint=hint)
        for damage in found.damage
        if not damage.put_back
    ]
    return JobOutcome(result={"sound": found.sound, "files": found.files, "runs": found.runs}, errors=tuple(errors))


KIND: Final = JobKind(
    title="Verify",
    request=VerifyRequest,
    describe=lambda request: "Check the stored files" + (", sizes only" if request.quick else ", every byte"),
    run=_run,
)
