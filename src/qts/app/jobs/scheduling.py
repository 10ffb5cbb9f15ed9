"""What is done again and again: list, add, remove, run, pause and resume schedules, and queue what has fallen due."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from qts.app.jobs.asking import request_of
from qts.app.jobs.document import PENDING, JobDocument
from qts.app.jobs.job_store import LOCAL, JobOrder, JobStore, UnknownJob
from qts.app.jobs.kind import kind_named
from qts.app.jobs.offers import OFFERS
from qts.app.jobs.schedule_store import ScheduleRow, ScheduleStore, UnknownSchedule
from qts.app.jobs.timing import Timing, due_between, next_due, parse_timing
from qts.app.requests import Request
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter, DamagedFile
from qts.core.instrument import Exchange

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class ScheduleDocument(BaseModel):
    """A schedule, or with the state ``off`` one that is offered and can be added by its name.

    ``state`` is on, paused or off; or damaged, where its row differs from what was written and it is not run, as ``last_outcome`` tells.
    ``needs`` are the values that have to be given when it is added. Instants are in Indian time.
    ``merged`` counts the due times before the last one for which its run stood in. ``waits_for`` is the job of the last run while that
    goes on: what falls due meanwhile is done once after it. ``last_outcome`` says in words how the last run ended.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    state: str
    what: str
    kind: str
    request: dict[str, Any]
    when: str
    when_words: str
    exchange: str
    needs: tuple[str, ...] = ()
    submitted_by: str = LOCAL
    next_due_at: str | None = None
    last_due_at: str | None = None
    merged: int = 0
    last_job: JobDocument | None = None
    last_outcome: str = ""
    waits_for: str | None = None


def list_schedules(workspace: Workspace) -> tuple[ScheduleDocument, ...]:
    """Return the schedules by name, then those whose rows are damaged, then those that are offered."""
    store = _store(workspace)
    kept = [_document(workspace, row) for row in store.all()]
    kept += [_damaged(name, error) for name, error in store.damages().items()]
    names = {document.name for document in kept}
    offered = tuple(
        ScheduleDocument(
            name=name,
            state="off",
            what=offer.title,
            kind=offer.kind,
            request=dict(offer.values),
            when=offer.timing,
            when_words=parse_timing(offer.timing).words,
            exchange=Exchange.NSE,
            needs=offer.needs,
        )
        for name, offer in OFFERS.items()
        if name not in names
    )
    return (*kept, *offered)


def show_schedule(workspace: Workspace, name: str) -> ScheduleDocument:
    """Return a schedule; raises UnknownSchedule, and DamagedFile where its row differs from what was written."""
    return _document(workspace, _store(workspace).find(name))


def add_schedule(
    workspace: Workspace,
    name: str,
    values: Mapping[str, object],
    *,
    kind: str | None = None,
    when: str | None = None,
    exchange: str = Exchange.NSE,
    submitted_by: str = LOCAL,
) -> ScheduleDocument:
    """Add a schedule, from the present on, and return it.

    Parameters
    ----------
    workspace : Workspace
        The home.
    name : str
        One of those offered, or any other.
    values : Mapping of str to object
        Fields of the request of its jobs.
    kind, when : str, optional
        What is done and when, such as ``close+45``; what an offer of this name says by default.
    exchange : str
        Whose trading days and hours count.
    submitted_by : str
        Whose the jobs are.

    Raises
    ------
    BadParameter
        If there is a schedule of this name, a value does not fit or is absent, or it would never be due or have nothing to do.
    """
    offer = OFFERS.get(name)
    if _NAME.fullmatch(name) is None:
        raise BadParameter("name", name, "is not made of small letters, digits, - and _", hint="Name it after what it does: nifty-minutes.")
    kind, when = kind or (offer.kind if offer else None), when or (offer.timing if offer else None)
    if kind is None or when is None:
        missing = "kind" if kind is None else "when"
        raise BadParameter(missing, "", f"is needed, as no schedule {name!r} is offered", hint=f"Give {missing}, or use one of {_names()}.")
    timing, venue = parse_timing(when), _exchange(exchange)
    given = (dict(offer.values) if offer and kind == offer.kind else {}) | dict(values)
    found = kind_named(kind)
    request = _request(name, kind, given)
    found.check(workspace, request)
    found.check_repeated(workspace, request)
    now = workspace.clock.now()
    if next_due(timing, venue, after=now) is None:
        reason = "has no trading days that are known, so this would never be due"
        raise BadParameter("exchange", venue.value, reason, hint="Use NSE, or a time of the clock such as daily@18:00.")
    row = ScheduleRow(
        name=name,
        kind=kind,
        what=found.describe(request),
        request=request.model_dump_json(by_alias=False),
        timing=timing.text,
        exchange=venue.value,
        submitted_by=submitted_by,
        settled_until=now,
        added_at=now,
    )
    if not _store(workspace).add(row):
        raise BadParameter("name", name, "there is a schedule of this name", hint=f"`qts schedule remove {name}` removes it.")
    return show_schedule(workspace, name)


def remove_schedule(workspace: Workspace, name: str) -> ScheduleDocument:
    """Remove a schedule, also one whose row is damaged, and return what it was; its jobs stay. Raises UnknownSchedule."""
    store = _store(workspace)
    damage = store.damages().get(name)
    document = show_schedule(workspace, name) if damage is None else _damaged(name, damage)
    store.remove(name)
    return document


def pause_schedule(workspace: Workspace, name: str) -> ScheduleDocument:
    """Let a schedule rest: what falls due meanwhile is not done later. Raises UnknownSchedule."""
    _store(workspace).set_paused(name, paused=True, at=workspace.clock.now())
    return show_schedule(workspace, name)


def resume_schedule(workspace: Workspace, name: str) -> ScheduleDocument:
    """Let a schedule go on with what falls due from now; raises UnknownSchedule."""
    _store(workspace).set_paused(name, paused=False, at=workspace.clock.now())
    return show_schedule(workspace, name)


def run_schedule(workspace: Workspace, name: str) -> tuple[JobDocument, bool]:
    """Do now what a schedule does, and return the job with True, or its last one with False while that goes on; raises UnknownSchedule."""
    store, jobs, now = _store(workspace), JobStore(workspace.control.database), workspace.clock.now()
    row = store.find(name)
    job_id = store.run(row, _order(row, now), due=None, n_missed=0, at=now)
    if job_id is not None:
        return jobs.document(job_id), True
    last = store.find(name).last_job
    if last is None:
        raise UnknownSchedule(name)
    return jobs.document(last), False


def queue_due(workspace: Workspace) -> tuple[str, ...]:
    """Queue a job for every schedule that has fallen due since it was last seen to, and return their ids.

    However many times it was due, one job stands in for all of them. While the last run goes on nothing is queued: what falls due
    meanwhile is done once after it. Of several workers that ask at the same moment one queues it.
    """
    store, now = _store(workspace), workspace.clock.now()
    queued = []
    for row in store.all():
        if row.paused or row.settled_until >= now:
            continue
        due = due_between(parse_timing(row.timing), Exchange(row.exchange), after=row.settled_until, until=now)
        if due:
            queued.append(store.run(row, _order(row, due[-1]), due=due[-1], n_missed=len(due) - 1, at=now))
    return tuple(job for job in queued if job is not None)


def _store(workspace: Workspace) -> ScheduleStore:
    return ScheduleStore(workspace.control.database)


def _order(row: ScheduleRow, at: datetime) -> JobOrder:
    # A run of its own beside a like job that somebody asked for: that one may have been planned before this was due.
    key = hashlib.sha256(f"schedule\n{row.name}\n{row.added_at.isoformat()}\n{at.isoformat()}".encode()).hexdigest()
    return JobOrder(kind=row.kind, request=row.request, what=row.what, key=key, submitted_by=row.submitted_by, schedule=row.name)


def _request(name: str, kind: str, given: Mapping[str, object]) -> Request:
    try:
        return request_of(kind, given)
    except BadParameter as error:
        offer = OFFERS.get(name)
        if offer is None or offer.kind != kind or error.name not in offer.needs or given.get(error.name):
            raise
        hint = f"For example: qts schedule add {name} {offer.example}"
        raise BadParameter(error.name, "", f"the schedule {name} needs it", hint=hint) from error


def _exchange(text: str) -> Exchange:
    try:
        return Exchange(text.strip().upper())
    except ValueError as error:
        raise BadParameter("exchange", text, "there is no such exchange", hint=f"Use one of {', '.join(sorted(Exchange))}.") from error


def _names() -> str:
    return ", ".join(sorted(OFFERS))


def _document(workspace: Workspace, row: ScheduleRow) -> ScheduleDocument:
    timing, (last, outcome) = parse_timing(row.timing), _last(workspace, row)
    return ScheduleDocument(
        name=row.name,
        state="paused" if row.paused else "on",
        what=row.what,
        kind=row.kind,
        request={name: value for name, value in json.loads(row.request).items() if value not in (None, [])},
        when=row.timing,
        when_words=timing.words,
        exchange=row.exchange,
        submitted_by=row.submitted_by,
        next_due_at=None if row.paused else _next(workspace, row, timing),
        last_due_at=None if row.last_due_at is None else row.last_due_at.astimezone(IST).isoformat(),
        merged=row.n_missed,
        last_job=last,
        last_outcome=outcome,
        waits_for=last.id if last is not None and last.state in PENDING else None,
    )


def _damaged(name: str, error: DamagedFile) -> ScheduleDocument:
    outcome = f"{error.message} {error.hint}"
    return ScheduleDocument(
        name=name, state="damaged", what="unknown", kind="", request={}, when="", when_words="never", exchange="", last_outcome=outcome
    )


def _last(workspace: Workspace, row: ScheduleRow) -> tuple[JobDocument | None, str]:
    """Return the job of the last run and how it ended in words; a job that is no more, or damaged, keeps no schedule from being told."""
    if row.last_job is None:
        return None, ""
    try:
        job = JobStore(workspace.control.database).document(row.last_job)
    except UnknownJob:
        return None, ""
    except DamagedFile as error:
        return None, f"{error.message} {error.hint}"
    return job, _outcome(job)


def _next(workspace: Workspace, row: ScheduleRow, timing: Timing) -> str | None:
    due = next_due(timing, Exchange(row.exchange), after=max(row.settled_until, workspace.clock.now()))
    return None if due is None else due.astimezone(IST).isoformat()


def _outcome(job: JobDocument) -> str:
    state = job.state.replace("_", " ")
    if not job.errors:
        return state
    first, more = job.errors[0], len(job.errors) - 1
    about = f"{first.about}: " if first.about else ""
    rest = f" And {more} more: `qts jobs show {job.id}`." if more else ""
    return f"{state}. {about}{first.message} {first.hint}".rstrip() + rest
