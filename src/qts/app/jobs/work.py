"""One job at work: steps that are remembered, progress that others can read, and ears for who wants it to stop."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol, TypeVar

from qts.app.broker import usable_token
from qts.app.call_hooks import CallHooks
from qts.app.jobs.document import JobError, JobState
from qts.app.jobs.job_store import JobStore, JobTicket
from qts.app.workspace import Workspace
from qts.core.errors import AuthExpired

T = TypeVar("T")
_LISTENS_EVERY: Final = 0.25
_TELLS_EVERY: Final = 0.5


class Stopped(BaseException):
    """The job is to be left as it is: somebody paused or cancelled it, it waits, or the worker ends. No step may catch it."""


class Steps(Protocol):
    """Remembers what steps gave: a step that was finished before a process died is not done again."""

    def run(self, name: str, step: Callable[[], T]) -> T:
        """Return what a step gives, or gave."""
        ...


@dataclass(frozen=True, slots=True)
class RefusedTokens:
    """The tokens that the broker has refused, for all jobs of a worker: none is tried twice. Kept as hashes."""

    marks: set[str] = field(default_factory=set)


def mark_of(token: str) -> str:
    """Return what a token is known by without being known."""
    return hashlib.sha256(f"token/{token}".encode()).hexdigest()


class Work:
    """What a kind of job works with.

    Parameters
    ----------
    workspace : Workspace
        The home.
    ticket : JobTicket
        The job.
    steps : Steps
        Remembers.
    refused : RefusedTokens
        Shared by the jobs of a worker.
    ending : threading.Event
        Set when the worker ends.
    """

    def __init__(self, workspace: Workspace, ticket: JobTicket, *, steps: Steps, refused: RefusedTokens, ending: threading.Event) -> None:
        self.workspace = workspace
        self._jobs = JobStore(workspace.control.database)
        self._ticket = ticket
        self._steps = steps
        self._refused = refused
        self._ending = ending
        self._listened_at = self._told_at = float("-inf")
        self._began: tuple[float, int] | None = None
        self._has_acted = False
        self._retries = self._jobs.document(ticket.id).retries
        self._last_mark = ""

    @property
    def job_id(self) -> str:
        """Return the id of the job."""
        return self._ticket.id

    @property
    def hooks(self) -> CallHooks:
        """Return what a client is to do while it waits."""
        return CallHooks(sleep=self.sleep, on_retry=self._count_retry, may_use=self._may_use)

    def begin(self) -> None:
        """Set the job running, unless it is no longer wanted."""
        state = self._jobs.start(self._ticket.id, attempt=self._ticket.attempt, at=self.workspace.clock.now())
        if state is not JobState.RUNNING:
            raise Stopped

    def step(self, name: str, step: Callable[[], T]) -> T:
        """Return what a step gives, or gave before the job was interrupted."""
        self.check()
        return self._steps.run(name, lambda: self._acted(step))

    def check(self) -> None:
        """Stop here if somebody wants the job to stop."""
        if self._ending.is_set():
            raise Stopped
        now = time.monotonic()
        if now - self._listened_at < _LISTENS_EVERY:
            return
        self._listened_at = now
        state = self._jobs.state(self._ticket.id, attempt=self._ticket.attempt)
        if state is JobState.QUEUED:  # paused and resumed before we heard of it
            self.begin()
        elif state is not JobState.RUNNING:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, and hear meanwhile who wants the job to stop."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            self._ending.wait(min(left, _LISTENS_EVERY))
            self.check()

    def advance(self, done: int, total: int, detail: str = "") -> None:
        """Tell how far the job has come; written at most twice a second."""
        now = time.monotonic()
        if self._began is None or not self._has_acted:
            # Steps that are only remembered say nothing of the pace.
            self._began = (now, done)
        if now - self._told_at < _TELLS_EVERY and done < total:
            return
        self._told_at = now
        began_at, done_then = self._began
        rate = (done - done_then) / (now - began_at) if done > done_then and now > began_at else None
        values: dict[str, object] = {"done": done, "total": total, "detail": detail, "rate": rate, "retries": self._retries}
        self._jobs.advance(self._ticket.id, values, at=self.workspace.clock.now())

    def tell(self, detail: str) -> None:
        """Say what the job is at, at once."""
        self._jobs.advance(self._ticket.id, {"detail": detail, "retries": self._retries}, at=self.workspace.clock.now())

    def wait_for_login(self, error: AuthExpired, *, can_log_in: bool) -> NoReturn:
        """Let the job wait for another session; with ``can_log_in`` the next start makes one itself."""
        mark = self._last_mark
        if mark:
            self._refused.marks.add(mark)
        refused = None if can_log_in else mark if usable_token(self.workspace) is not None else ""
        self._jobs.wait_for_login(self._ticket.id, JobError.of(error), refused=refused, at=self.workspace.clock.now())
        raise Stopped

    def _acted(self, step: Callable[[], T]) -> T:
        self._has_acted = True
        return step()

    def _count_retry(self) -> None:
        self._retries += 1

    def _may_use(self, token: str) -> bool:
        self._last_mark = mark_of(token)
        return self._last_mark not in self._refused.marks
