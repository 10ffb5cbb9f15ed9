"""Keep the quotes of an underlying's options, as they are now, beside those that were kept before."""

from __future__ import annotations

from typing import Any, Final

from qts.app.broker import find_keys
from qts.app.chain_document import KeepChainRequest
from qts.app.chains import keep_chain
from qts.app.ingesting import source_client
from qts.app.jobs.document import JobError
from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.patience import ask_source
from qts.app.jobs.work import Work
from qts.app.workspace import Workspace


def _check(workspace: Workspace, request: KeepChainRequest) -> None:
    if request.source == "kite":
        find_keys(workspace)


def _run(work: Work, request: KeepChainRequest) -> JobOutcome:
    def kept() -> dict[str, Any]:
        with source_client(work.workspace, request.source, hooks=work.hooks) as client:
            return keep_chain(work.workspace, request, client, check=work.check).model_dump(mode="json")

    can_log_in = request.source == "sandbox"
    found = work.step("keep", lambda: ask_source(work, kept, about=request.underlying, can_log_in=can_log_in))
    return JobOutcome(result={}, errors=(found,)) if isinstance(found, JobError) else JobOutcome(result=found)


def _describe(request: KeepChainRequest) -> str:
    days = "the next expiry" if request.expiries == 1 else f"the next {request.expiries} expiries"
    return f"Keep the quotes of {request.underlying} and its options of {days} from {request.source}"


KIND: Final = JobKind(title="Keep an option chain", request=KeepChainRequest, describe=_describe, check=_check, run=_run)
