"""What a kind of job declares: what may be asked of it, how to say so in words, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from qts.app.jobs import kinds as kind_package
from qts.app.jobs.document import JobError
from qts.app.jobs.work import Work
from qts.app.requests import Request
from qts.app.workspace import Workspace
from qts.core import discover
from qts.core.errors import BadParameter


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What came of a job: figures for whoever asked, and what could not be done."""

    result: dict[str, Any]
    errors: tuple[JobError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A kind of job.

    ``describe`` says in words what a request will do; ``check`` refuses a request that can come to nothing, ``check_repeated`` one that a
    schedule would repeat for nothing; ``run`` does it, in steps: it must come to the same steps again when the results of the earlier ones
    are the same. At most ``at_once`` jobs of the kind run
    in one home, and ``per_user`` of one user.
    """

    title: str
    request: type[Request]
    describe: Callable[[Any], str]
    run: Callable[[Work, Any], JobOutcome]
    check: Callable[[Workspace, Any], object] = lambda _workspace, _request: None
    check_repeated: Callable[[Workspace, Any], object] = lambda _workspace, _request: None
    at_once: int = 1
    per_user: int = 1


@cache
def job_kinds() -> Mapping[str, JobKind]:
    """Return the kinds by id."""
    return discover(kind_package, "KIND", JobKind)


def kind_named(name: str) -> JobKind:
    """Return a kind; raises BadParameter."""
    found = job_kinds().get(name)
    if found is None:
        raise BadParameter("kind", name, "there is no such kind of job", hint=f"Use one of {', '.join(sorted(job_kinds()))}.")
    return found
