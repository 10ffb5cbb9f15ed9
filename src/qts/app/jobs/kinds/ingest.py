"""Download history: each request of the plan is a step of its own, stored at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, TypeVar

from qts.app.broker import find_keys
from qts.app.inbox import InboxPorts, take_in
from qts.app.ingest_document import FILES, IngestRequest, SeriesOutcome
from qts.app.ingest_universe import open_universe
from qts.app.ingest_windows import SeriesPlan, WindowResult, fetch_window, find_listing, outcome_of, plan_series
from qts.app.ingesting import check_interval, inbox_document, ingest_document, open_source
from qts.app.instruments import NotListed
from qts.app.jobs.document import JobError
from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.patience import ask_source
from qts.app.jobs.work import Work
from qts.app.progress import Progress
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import AccessDenied, BadFile, BadParameter, SourceDown
from qts.core.instrument import InstrumentId
from qts.data.source import BarSource

T = TypeVar("T")
# What a job says by itself, or no longer matters once it is done.
_NOT_TOLD: Final = {"windows", "dry_run", "eta_seconds", "seconds", "complete"}


def _describe(request: IngestRequest) -> str:
    if request.source == FILES:
        return "Take in new files of the watch folder"
    first, *more = request.instruments
    names = first if not more else f"{first} and {len(more)} more"
    until = "the last session that is over" if request.end is None else request.end.isoformat()
    return f"Download {request.interval} bars of {names} from {request.source}, {request.start} to {until}"


def _check(workspace: Workspace, request: IngestRequest) -> None:
    if request.source != FILES:
        check_interval(request)
    if request.dry_run:
        raise BadParameter("dry_run", "on", "a plan is made at once and needs no job", hint="Ask for the plan without --background.")
    if request.end is not None and request.end < request.first:
        raise BadParameter("to", request.end, "lies before the first date", hint="Turn the two dates round.")
    if request.source != FILES:
        open_universe(workspace, request)
    if request.source == "kite":
        find_keys(workspace)


def _check_repeated(workspace: Workspace, request: IngestRequest) -> None:
    today = workspace.clock.now().astimezone(IST).date()
    if request.start is not None and request.start > today:
        reason = "lies in the future, so there would be nothing to download until then"
        raise BadParameter("from", request.start, reason, hint="Give the first date of the history that you want: from=2020-01-01.")
    if request.end is not None and request.end < today:
        reason = "lies in the past, so after the first run there would be nothing left to download"
        raise BadParameter("to", request.end, reason, hint="Leave it out, and each run goes on to the last session that is over.")


def _run(work: Work, request: IngestRequest) -> JobOutcome:
    if request.source == FILES:
        return _taken_in(work, request)
    with ExitStack() as stack:
        return _Download(work, request, stack).all()


def _taken_in(work: Work, request: IngestRequest) -> JobOutcome:
    """Take in files. They need no steps: one that was taken in is remembered by its content."""

    def tell(progress: Progress) -> None:
        work.advance(progress.done, progress.total, progress.detail or progress.step)

    ports = InboxPorts(sleep=work.sleep, on_progress=tell, check=work.check)
    document = inbox_document(work.workspace, request, take_in(work.workspace, ports=ports))
    refused = [file for file in document.files if file.outcome == "refused"]
    errors = [JobError(about=file.path, kind=BadFile.__name__, message=file.reason or "", hint=file.hint or "") for file in refused]
    return JobOutcome(result=document.model_dump(mode="json", by_alias=True, exclude=_NOT_TOLD), errors=tuple(errors))


class _Download:
    """One download. The source is opened when the first step needs it: steps that are only remembered need none."""

    def __init__(self, work: Work, request: IngestRequest, stack: ExitStack) -> None:
        self._work = work
        self._request = request
        self._stack = stack
        self._opened: BarSource | None = None
        self._n_done = 0
        self._n_planned = 0

    def all(self) -> JobOutcome:
        """Plan every series, then carry the plans out until something happens that concerns them all."""
        plans: list[SeriesPlan] = []
        errors: list[JobError] = []
        missing: list[InstrumentId] = []
        # Remembered, so that a job that goes on another day is still of the same instruments.
        universe = self._work.step("instruments", lambda: open_universe(self._work.workspace, self._request))
        for name in universe.instruments:
            planned = self._step(f"plan {name}", name, lambda name=name: self._planned(name))  # type: ignore[misc]
            if isinstance(planned, JobError) and planned.kind == NotListed.__name__ and name in universe.members:
                missing.append(name)
            elif isinstance(planned, JobError):
                errors.append(planned)
                if _ends_all(planned):
                    return JobOutcome(result={}, errors=tuple(errors))
            else:
                plans.append(planned)
        self._n_planned = sum(len(plan.spans) for plan in plans)
        outcomes: list[SeriesOutcome] = []
        ended: JobError | None = None
        for plan in plans:
            outcome, error = self._series(plan) if ended is None else (outcome_of(plan, ()), _left(ended, plan))
            outcomes.append(outcome)
            if error is not None:
                errors.append(error)
                ended = ended or (error if _ends_all(error) else None)
        document = ingest_document(self._work.workspace, self._request, plans, outcomes, lists=universe.without(missing))
        result = document.model_dump(mode="json", by_alias=True, exclude=_NOT_TOLD)
        return JobOutcome(result=result, errors=tuple(errors))

    def _series(self, plan: SeriesPlan) -> tuple[SeriesOutcome, JobError | None]:
        results: list[WindowResult] = []
        error = self._windows(plan, results)
        if error is None and results and results[-1].rewritten is not None:
            name = str(plan.key.instrument)
            again = self._step(f"plan {name} anew", name, lambda: self._planned(name, anew=True))
            if isinstance(again, JobError):
                return outcome_of(plan, results), again
            self._n_planned += len(again.spans)
            error = self._windows(again, results)
        return outcome_of(plan, results), error

    def _windows(self, plan: SeriesPlan, results: list[WindowResult]) -> JobError | None:
        for span in plan.spans:
            name = str(plan.key.instrument)
            self._work.advance(self._n_done, self._n_planned, name)
            result = self._step(f"{name} {span.first}..{span.last}", name, lambda span=span: self._fetched(plan, span))  # type: ignore[misc]
            if isinstance(result, JobError):
                return result
            results.append(result)
            self._n_done += 1
            self._work.advance(self._n_done, self._n_planned, name)
            if result.rewritten is not None:
                return None
        return None

    def _planned(self, name: str, *, anew: bool = False) -> SeriesPlan:
        workspace, request = self._work.workspace, self._request
        listing = find_listing(workspace, self._source(), InstrumentId(name))
        return plan_series(workspace, request, listing, anew=anew)

    def _fetched(self, plan: SeriesPlan, span: object) -> WindowResult:
        work, source_id = self._work, self._request.source
        return fetch_window(work.workspace, self._source(), plan, span, source_id=source_id, before_store=work.check)  # type: ignore[arg-type]

    def _step(self, name: str, about: str, step: Callable[[], T]) -> T | JobError:
        """Return what a step gives, or in words why it gives nothing."""
        can_log_in = self._request.source == "sandbox"
        return self._work.step(name, lambda: ask_source(self._work, step, about=about, can_log_in=can_log_in))

    def _source(self) -> BarSource:
        if self._opened is None:
            self._opened = self._stack.enter_context(open_source(self._work.workspace, self._request.source, hooks=self._work.hooks))
        return self._opened


def _ends_all(error: JobError) -> bool:
    return error.kind in {AccessDenied.__name__, SourceDown.__name__}


def _left(ended: JobError, plan: SeriesPlan) -> JobError:
    return ended.model_copy(update={"about": str(plan.key.instrument)})


KIND: Final = JobKind(
    title="Download history",
    request=IngestRequest,
    describe=_describe,
    check=_check,
    check_repeated=_check_repeated,
    run=_run,
    at_once=8,
    per_user=2,
)
