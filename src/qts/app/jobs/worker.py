"""The worker: carries jobs out as durable workflows, takes over those of workers that died, and does what people asked of them.

The list of jobs says what is wanted; the engine (DBOS) keeps which steps were done, who is at what, and the queues. Every half second the
worker brings the second in line with the first. Whatever of the engine is lost can be made again from the list.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from dbos import DBOS, DBOSConfig, SetWorkflowID, StepOptions

import qts
from qts.app.broker import usable_token
from qts.app.errors import describe
from qts.app.jobs.document import ACTIVE, JobError, JobState
from qts.app.jobs.job_store import JobStore, JobTicket
from qts.app.jobs.kind import JobKind, JobOutcome, job_kinds
from qts.app.jobs.old_steps import forget_old_steps, shrink
from qts.app.jobs.presence import FOLDER, Presence, is_alive
from qts.app.jobs.scheduling import queue_due
from qts.app.jobs.turns import next_turns
from qts.app.jobs.work import RefusedTokens, Stopped, Work, mark_of
from qts.app.workspace import Workspace
from qts.core.errors import BadParameter, QtsError

if TYPE_CHECKING:
    from dbos import WorkflowStatus

T = TypeVar("T")
STEPS_FILE: Final = "steps.sqlite"
_LOOKS_EVERY: Final = 0.5
_ENDS_WITHIN: Final = 5.0
_ASKS_EVERY: Final = 5.0
_TIDIES_EVERY: Final = 86_400.0
_LIVE: Final = ("ENQUEUED", "PENDING")


class _Remembered:
    """Steps of the workflow that runs in this thread."""

    @staticmethod
    def run(name: str, step: Callable[[], T]) -> T:
        """Return what a step gives, or gave before."""
        return DBOS.run_step(StepOptions(name=name), step)


class Worker:
    """A worker of one home, at work between ``start`` and ``stop``. There is one engine, and so one worker, in a process.

    Parameters
    ----------
    workspace : Workspace
        The home.
    kinds : Mapping of str to JobKind
        What it can do.
    """

    def __init__(self, workspace: Workspace, kinds: Mapping[str, JobKind] | None = None) -> None:
        self._workspace = workspace
        self._kinds = job_kinds() if kinds is None else kinds
        self._jobs = JobStore(workspace.control.database)
        self._refused = RefusedTokens()
        self._ending = threading.Event()
        self._woken = threading.Event()
        self._asks_at = self._tidies_at = float("-inf")
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._left: set[str] = set()
        self._presence: Presence | None = None
        self._workflow: Callable[[str, int], None] | None = None

    def start(self) -> None:
        """Begin to take jobs."""
        home = self._workspace.settings.home
        self._presence = Presence(home)
        # The engine's own was made when it was imported, for the stream that stood there then.
        logging.getLogger("dbos").handlers[:] = [logging.StreamHandler()]
        DBOS(
            config=DBOSConfig(
                name="qts",
                system_database_url=_place(self._workspace),
                executor_id=self._presence.id,
                application_version=_version(),
                log_level="CRITICAL",
                scheduler_polling_interval_sec=3600.0,
            )
        )

        @DBOS.workflow(name="job")
        def job(job_id: str, attempt: int) -> None:
            self._carry_out(job_id, attempt)

        self._workflow = job
        DBOS.launch()
        for name, kind in self._kinds.items():
            DBOS.register_queue(_queue(name), global_concurrency=kind.at_once, polling_interval_sec=_LOOKS_EVERY)

    def tend(self) -> int:
        """Bring what runs in line with what is wanted, and return how many jobs are still to be done."""
        self._queue_due()
        self._log_in()
        with self._lock:
            left = frozenset(self._left)
        live = DBOS.list_workflows(status=list(_LIVE), load_input=False, load_output=False)
        tickets = self._jobs.find([_job_of(one.workflow_id) for one in live])
        self._let_go(live, tickets, left)
        self._take_over(live)
        active = self._jobs.tickets(ACTIVE)
        self._begin_next(active, frozenset(one.workflow_id for one in live))
        self._tidy()
        return len(active)

    def run(self, *, once: bool = False, stop: Callable[[], bool] = lambda: False) -> None:
        """Work until told to stop; with ``once`` until nothing is left that can be done now."""
        while not stop():
            if self.tend() == 0 and once:
                return
            # A job that has ended lets the next one begin at once.
            self._woken.wait(_LOOKS_EVERY)
            self._woken.clear()

    def stop(self) -> bool:
        """End: jobs are left after the step they are at, for the next worker. Return whether all threads have ended."""
        self._ending.set()
        self._woken.set()
        until = time.monotonic() + _ENDS_WITHIN
        while (is_busy := bool(self._running)) and time.monotonic() < until:
            time.sleep(0.05)
        DBOS.destroy(workflow_completion_timeout_sec=0, destroy_registry=True)
        if self._presence is not None and not is_busy:
            self._presence.leave()
        return not is_busy

    def _carry_out(self, job_id: str, attempt: int) -> None:
        ticket = self._jobs.find([job_id]).get(job_id)
        if ticket is None or ticket.attempt != attempt:
            return
        with self._lock:
            self._running.add(_id_of(ticket))
        try:
            outcome = self._outcome(ticket)
            self._jobs.finish(job_id, attempt=attempt, errors=outcome.errors, result=outcome.result or None, at=self._now())
        except Stopped:
            if self._ending.is_set():
                # Nobody is at it any more; the workflow stays with the engine for the next worker.
                self._jobs.move(job_id, JobState.QUEUED, among=(JobState.RUNNING,), at=self._now())
            else:
                with self._lock:
                    self._left.add(_id_of(ticket))
            raise
        finally:
            with self._lock:
                self._running.discard(_id_of(ticket))
            self._woken.set()

    def _outcome(self, ticket: JobTicket) -> JobOutcome:
        try:
            kind = self._kinds.get(ticket.kind)
            if kind is None:
                return _unknown(ticket.kind)
            work = Work(self._workspace, ticket, steps=_Remembered(), refused=self._refused, ending=self._ending)
            work.begin()
            return kind.run(work, kind.request.model_validate_json(ticket.request))
        except QtsError as error:
            return _failed(error)
        except Exception as error:  # noqa: BLE001 - the outermost shell of a job: whatever happens is its outcome
            found = describe(error, self._workspace.settings)
            return JobOutcome(result={}, errors=(JobError(kind=found.kind, message=found.message, hint=found.hint),))

    def _let_go(self, live: Iterable[WorkflowStatus], tickets: Mapping[str, JobTicket], left: frozenset[str]) -> None:
        """Withdraw what nobody wants any more, and what was stopped here: only what is withdrawn can be begun again."""
        for one in live:
            ticket = tickets.get(_job_of(one.workflow_id))
            is_old = ticket is None or _id_of(ticket) != one.workflow_id or self._is_foreign(one)
            is_resting = ticket is not None and ticket.state in {JobState.PAUSED, JobState.WAITING_FOR_LOGIN, JobState.CANCELLED}
            if one.workflow_id in left or is_old or is_resting:
                DBOS.cancel_workflow(one.workflow_id)
        with self._lock:
            self._left -= left

    def _take_over(self, live: Iterable[WorkflowStatus]) -> None:
        """Queue again what workers were at that are no more."""
        at_work = {one.executor_id for one in live if one.status == "PENDING" and one.executor_id}
        dead = [worker for worker in at_work if not is_alive(self._workspace.settings.home, worker)]
        if dead:
            # Asked for by the worker's name, in one statement: of two who find it dead one takes the job over.
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001 - the engine has no other name for it

    def _queue_due(self) -> None:
        """Queue what schedules have fallen due."""
        now = time.monotonic()
        if now >= self._asks_at:
            self._asks_at = now + _ASKS_EVERY
            queue_due(self._workspace)

    def _tidy(self) -> None:
        """Forget the steps of jobs that ended long ago, at the start and every day."""
        now = time.monotonic()
        if now >= self._tidies_at:
            self._tidies_at = now + _TIDIES_EVERY
            settings = self._workspace.settings
            if forget_old_steps(self._jobs, before=self._now() - timedelta(days=settings.steps_kept_days)):
                shrink(settings.home / FOLDER / STEPS_FILE)

    def _begin_next(self, active: Sequence[JobTicket], live_ids: frozenset[str]) -> None:
        """Begin as many of the waiting jobs as there is room for; users take turns."""
        by_kind: dict[str, list[JobTicket]] = {}
        for ticket in active:
            by_kind.setdefault(ticket.kind, []).append(ticket)
        for name, tickets in by_kind.items():
            kind = self._kinds.get(name)
            waiting = [ticket for ticket in tickets if _id_of(ticket) not in live_ids]
            if kind is None:
                for ticket in waiting:
                    self._jobs.finish(ticket.id, attempt=ticket.attempt, errors=_unknown(name).errors, result=None, at=self._now())
            elif waiting:
                at_work = [ticket.submitted_by for ticket in tickets if _id_of(ticket) in live_ids]
                last = self._jobs.last_began(name) if len({ticket.submitted_by for ticket in waiting}) > 1 else {}
                for ticket in next_turns(waiting, at_work, last_began=last, at_once=kind.at_once, per_user=kind.per_user):
                    self._begin(ticket)

    def _begin(self, ticket: JobTicket) -> None:
        workflow_id = _id_of(ticket)
        found = DBOS.get_workflow_status(workflow_id)
        if found is None:
            assert self._workflow is not None  # noqa: S101 - start() has set it
            with SetWorkflowID(workflow_id):
                DBOS.enqueue_workflow(_queue(ticket.kind), self._workflow, ticket.id, ticket.attempt)
        elif found.status == "CANCELLED" and not self._is_foreign(found):
            DBOS.resume_workflow(workflow_id, queue_name=_queue(ticket.kind))
        elif found.status not in _LIVE:
            # Its steps ended without an outcome, or belong to another release: what they did is kept, the rest is planned anew.
            self._jobs.begin_again(ticket, among=ACTIVE, at=self._now())

    def _is_foreign(self, one: WorkflowStatus) -> bool:
        is_at_work = one.status == "PENDING" and bool(one.executor_id) and is_alive(self._workspace.settings.home, str(one.executor_id))
        return one.app_version not in {None, _version()} and not is_at_work

    def _log_in(self) -> None:
        """Let jobs go on that waited for a login, if there is another session now."""
        waiting = self._jobs.tickets([JobState.WAITING_FOR_LOGIN])
        if not waiting:
            return
        token = None
        with suppress(QtsError):
            token = usable_token(self._workspace)
        mark = None if token is None else mark_of(token)
        for ticket in waiting:
            if ticket.refused is None or (mark is not None and mark != ticket.refused and mark not in self._refused.marks):
                self._jobs.log_in(ticket.id, at=self._now())

    def _now(self) -> datetime:
        return self._workspace.clock.now()


def _failed(error: QtsError) -> JobOutcome:
    return JobOutcome(result={}, errors=(JobError.of(error),))


def _unknown(kind: str) -> JobOutcome:
    return _failed(BadParameter("kind", kind, "this worker knows no such job", hint="Run a worker of the same release."))


def _id_of(ticket: JobTicket) -> str:
    return f"{ticket.id}.{ticket.attempt}"


def _job_of(workflow_id: str) -> str:
    return workflow_id.partition(".")[0]


def _queue(kind: str) -> str:
    return f"qts-{kind}"


def _version() -> str:
    # What steps gave is read again by the release that wrote it only.
    return f"qts {qts.__version__}"


def _place(workspace: Workspace) -> str:
    """Return where the engine keeps its steps: a file of its own, as it writes every second, in write-ahead mode."""
    path = workspace.settings.home / FOLDER / STEPS_FILE
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return f"sqlite:///{path}"
