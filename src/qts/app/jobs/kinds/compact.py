"""Put what imports brought lately into the files of their years."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.work import Work
from qts.app.requests import Request
from qts.app.snapshots import compact_store


class CompactRequest(Request):
    """What to compact."""

    everything: bool = Field(default=False, description="Also where there is little to gain.")


def _run(work: Work, request: CompactRequest) -> JobOutcome:
    done = work.step("compact", lambda: compact_store(work.workspace, everything=request.everything))
    return JobOutcome(result={"datasets": [one.model_dump(mode="json") for one in done]})


KIND: Final = JobKind(
    title="Compact the store",
    request=CompactRequest,
    describe=lambda request: "Put lately imported bars into the files of their years" + (", everywhere" if request.everything else ""),
    run=_run,
)
