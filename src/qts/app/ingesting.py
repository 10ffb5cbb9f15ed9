"""Download history: plan what is missing, ask for that alone, store each reply at once, remember what was had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final

import httpx

from qts.app.broker import kite_client
from qts.app.call_hooks import NO_HOOKS, CallHooks
from qts.app.inbox import InboxPorts, take_in
from qts.app.ingest_document import FILES, InboxFile, IngestDocument, IngestRequest, PlannedWindow, SeriesOutcome
from qts.app.ingest_universe import Universe, open_universe, universe_warnings
from qts.app.ingest_windows import SeriesPlan, WindowResult, fetch_window, find_listing, outcome_of, plan_series
from qts.app.instruments import NotListed
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.run_document import ListPart
from qts.app.sandbox_login import sandbox_client
from qts.app.workspace import Workspace
from qts.core.errors import AccessDenied, AuthExpired, BadParameter, QtsError, RateLimited, SourceDown
from qts.core.instrument import InstrumentId
from qts.data.kite.bar_source import SANDBOX, KiteBars
from qts.data.kite.client import KiteClient
from qts.data.kite.pacing import CallKind, Pacer
from qts.data.source import BarSource, Listed, asked_sources, watched_sources
from qts.data.sources.yahoo import Web, YahooBars

YAHOO: Final = "yahoo"
STEP: Final = "Downloading"
BYTES_A_BAR: Final = 6
"""About what a stored bar takes; measured on minutes, see the results of the benchmarks."""


def ingest(
    workspace: Workspace,
    request: IngestRequest,
    on_progress: OnProgress = ignore_progress,
    *,
    transport: httpx.BaseTransport | None = None,
    hooks: CallHooks = NO_HOOKS,
) -> IngestDocument:
    """Download what is missing of these series, or take in the files of the watch folder; with ``dry_run`` tell what would be done.

    Every reply is stored in a commit of its own, so that a download that was stopped is continued by the same request. What the source
    was asked for after the session is remembered: the same request again asks for nothing.

    Raises
    ------
    BadParameter
        If the interval cannot be had, the span is turned round, or a list is unknown.
    NotListed
        If an instrument is not listed today.
    BadPath
        If the watch folder cannot be looked into.
    NotConfigured, AuthExpired
        If there is no session with the broker.
    SourceError
        If the list of instruments could not be had.
    """
    began = workspace.clock.now()
    if request.source == FILES:
        ports = InboxPorts(sleep=hooks.sleep, on_progress=on_progress)
        return inbox_document(workspace, request, take_in(workspace, dry_run=request.dry_run, ports=ports))
    check_interval(request)
    universe = open_universe(workspace, request)
    with open_source(workspace, request.source, transport=transport, hooks=hooks) as source:
        listings, missing = _listings(workspace, source, universe)
        lists = universe.without(missing)
        tasks = [plan_series(workspace, request, listing) for listing in listings]
        if request.dry_run:
            return ingest_document(workspace, request, tasks, (), lists=lists)
        run = _Run(workspace=workspace, source=source, request=request, on_progress=on_progress, n_planned=_count(tasks))
        outcomes = run.all(tasks)
    seconds = (workspace.clock.now() - began).total_seconds()
    return ingest_document(workspace, request, tasks, outcomes, lists=lists, seconds=round(max(0.0, seconds), 3))


def _listings(workspace: Workspace, source: BarSource, universe: Universe) -> tuple[list[Listed], list[InstrumentId]]:
    """Return how the source knows the instruments, and the members of lists that it does not know: those stop no other."""
    found: list[Listed] = []
    missing: list[InstrumentId] = []
    for name in universe.instruments:
        try:
            found.append(find_listing(workspace, source, name))
        except NotListed:
            if name not in universe.members:
                raise
            missing.append(name)
    return found, missing


def inbox_document(workspace: Workspace, request: IngestRequest, files: Sequence[InboxFile]) -> IngestDocument:
    """Return the document of files that were taken in."""
    return IngestDocument(
        source=request.source,
        dry_run=request.dry_run,
        interval=request.interval.value,
        requests=0,
        eta_seconds=0.0,
        disk_bytes=0,
        windows=(),
        series=(),
        files=tuple(files),
        notes=(watched_sources()[request.source].note,),
        stored=sum(file.stored for file in files),
        snapshot=workspace.store.snapshot(),
        complete=not any(file.outcome == "refused" for file in files),
        seconds=0.0,
    )


def check_interval(request: IngestRequest) -> None:
    """Refuse an interval that the source has no bars of; raises BadParameter."""
    known = asked_sources()[request.source].most_days
    if request.interval not in known:
        raise BadParameter("interval", request.interval, f"{request.source} has no such bars", hint=f"Use one of {', '.join(known)}.")


@contextmanager
def open_source(
    workspace: Workspace, name: str, *, transport: httpx.BaseTransport | None = None, hooks: CallHooks = NO_HOOKS
) -> Iterator[BarSource]:
    """Yield a source, opened to be asked, with the present session where it needs one.

    Raises
    ------
    NotConfigured
        If there are no keys for the broker.
    SourceDown
        If the simulated exchange does not run.
    SourceError
        If the library behind it is not installed.
    """
    if name == YAHOO:
        spacing = {CallKind.HISTORICAL: asked_sources()[YAHOO].spacing()}
        pacer = Pacer(workspace.control.database, YAHOO, clock=workspace.clock, sleep=hooks.sleep, spacing=spacing)
        web = Web(root=workspace.settings.yahoo_root, turn=lambda: pacer.going(CallKind.HISTORICAL))
        with closing(YahooBars(web, folder=workspace.settings.home / "cache" / "yahoo", clock=workspace.clock)) as yahoo:
            yield yahoo
        return
    with source_client(workspace, name, transport=transport, hooks=hooks) as client:
        yield KiteBars(client, workspace.instruments, clock=workspace.clock, source=name)


@contextmanager
def source_client(
    workspace: Workspace, name: str, *, transport: httpx.BaseTransport | None = None, hooks: CallHooks = NO_HOOKS
) -> Iterator[KiteClient]:
    """Yield a client of the broker, or of the simulated exchange that speaks as he does, with the present session.

    Raises
    ------
    NotConfigured
        If there are no keys for the broker.
    SourceDown
        If the simulated exchange does not run.
    """
    with (sandbox_client if name == SANDBOX else kite_client)(workspace, transport=transport, hooks=hooks) as client:
        yield client


class _Run:
    """One download: its series one after the other, until something happens that concerns them all."""

    def __init__(self, *, workspace: Workspace, source: BarSource, request: IngestRequest, on_progress: OnProgress, n_planned: int) -> None:
        self._workspace = workspace
        self._source = source
        self._request = request
        self._on_progress = on_progress
        self._n_planned = n_planned
        self._n_done = 0

    def all(self, plans: Sequence[SeriesPlan]) -> tuple[SeriesOutcome, ...]:
        """Return what came of every series."""
        outcomes: list[SeriesOutcome] = []
        ended: QtsError | None = None
        for plan in plans:
            results: list[WindowResult] = []
            error = ended
            if ended is None:
                error = self._one(plan, results)
                ended = error if isinstance(error, (AuthExpired, AccessDenied, RateLimited, SourceDown)) else None
            outcomes.append(outcome_of(plan, results, error))
        return tuple(outcomes)

    def _one(self, plan: SeriesPlan, results: list[WindowResult]) -> QtsError | None:
        """Carry out a plan, and return the error that ended it, if there was one."""
        try:
            if self._windows(plan, results):
                again = plan_series(self._workspace, self._request, plan.listing, anew=True)
                self._n_planned += len(again.spans)
                self._windows(again, results)
        except QtsError as error:
            return error
        return None

    def _windows(self, plan: SeriesPlan, results: list[WindowResult]) -> bool:
        """Fetch the spans of a plan; return True, with the rest left, where the past was found rewritten."""
        for span in plan.spans:
            result = fetch_window(self._workspace, self._source, plan, span, source_id=self._request.source)
            results.append(result)
            self._n_done += 1
            self._on_progress(Progress(step=STEP, done=self._n_done, total=self._n_planned, detail=str(plan.key.instrument)))
            if result.rewritten is not None:
                return True
        return False


def ingest_document(
    workspace: Workspace,
    request: IngestRequest,
    tasks: Sequence[SeriesPlan],
    outcomes: Sequence[SeriesOutcome],
    *,
    lists: Sequence[ListPart] = (),
    seconds: float = 0.0,
) -> IngestDocument:
    """Return the document of a download or of the plan of one."""
    n_requests = _count(tasks)
    return IngestDocument(
        source=request.source,
        dry_run=request.dry_run,
        interval=request.interval.value,
        requests=n_requests if request.dry_run else sum(one.requests for one in outcomes),
        eta_seconds=round(n_requests * asked_sources()[request.source].spacing(), 1),
        disk_bytes=sum(task.n_expected for task in tasks) * BYTES_A_BAR,
        windows=tuple(
            PlannedWindow(instrument=task.key.instrument, start=span.first.isoformat(), end=span.last.isoformat())
            for task in tasks
            for span in task.spans
        ),
        series=tuple(outcomes),
        lists=tuple(lists),
        notes=(asked_sources()[request.source].note,),
        warnings=universe_warnings(lists, request.source),
        stored=sum(one.stored for one in outcomes),
        snapshot=workspace.store.snapshot(),
        complete=all(one.error is None for one in outcomes),
        seconds=seconds,
    )


def _count(tasks: Sequence[SeriesPlan]) -> int:
    return sum(len(task.spans) for task in tasks)
