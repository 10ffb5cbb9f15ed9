"""The list of jobs in the control database: what was asked for, how far it has come, and the one outcome that each has."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from qts.app.jobs.document import ACTIVE, ENDED, PENDING, JobDocument, JobError, JobState
from qts.core.errors import InputError
from qts.data.storage.database import Database

_JOBS: Final = sa.Table(
    "jobs",
    sa.MetaData(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("rate", sa.Float),
    sa.Column("retries", sa.Integer, nullable=False),
    sa.Column("errors", sa.Text, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("refused", sa.String(64)),
    sa.Column("submitted_at", sa.String(40), nullable=False),
    sa.Column("started_at", sa.String(40)),
    sa.Column("finished_at", sa.String(40)),
    sa.Column("updated_at", sa.String(40), nullable=False),
    sa.Column("submitted_by", sa.String(64), nullable=False),
    sa.Column("schedule", sa.String(40)),
)


LOCAL: Final = "local"
"""Whose jobs are while nobody has to log in."""


class UnknownJob(InputError):
    """No job has this id."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"There is no job {job_id!r}.", hint="`qts jobs list` lists them.")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """A job to be done: its kind, its request as JSON, what it does in words, the key under which one is enough, and whose it is."""

    kind: str
    request: str
    what: str
    key: str
    submitted_by: str = LOCAL
    schedule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTicket:
    """What a worker needs to know of a job. ``refused`` is the mark of the token that the broker refused, None where none is needed."""

    id: str
    kind: str
    request: str
    attempt: int
    state: JobState
    refused: str | None
    submitted_by: str = LOCAL


class JobStore:
    """The jobs of one home. A change of state happens only from the states that it may come from, whoever else tries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, order: JobOrder, *, at: datetime) -> tuple[str, bool]:
        """Add a job and return its id and True, or the id of the pending one with the same key and False."""
        with self._database.writing() as connection:
            return add_job(connection, order, at=at)

    def documents(self, *, limit: int = 100) -> tuple[JobDocument, ...]:
        """Return the latest jobs, the latest first."""
        query = sa.select(_JOBS).order_by(_JOBS.c.submitted_at.desc(), _JOBS.c.id).limit(limit)
        with self._database.reading() as connection:
            return tuple(_document(row) for row in connection.execute(query).mappings())

    def document(self, job_id: str) -> JobDocument:
        """Return a job; raises UnknownJob."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(_JOBS).where(_JOBS.c.id == job_id)).mappings().first()
        if row is None:
            raise UnknownJob(job_id)
        return _document(row)

    def tickets(self, states: Iterable[JobState]) -> tuple[JobTicket, ...]:
        """Return the jobs in these states, the oldest first."""
        return self._tickets(_JOBS.c.state.in_(tuple(states)))

    def last_began(self, kind: str) -> dict[str, str]:
        """Return when the last job of a kind began, by user."""
        query = sa.select(_JOBS.c.submitted_by, sa.func.max(_JOBS.c.started_at)).where(
            _JOBS.c.kind == kind, _JOBS.c.started_at.is_not(None)
        )
        with self._database.reading() as connection:
            return {str(user): str(at) for user, at in connection.execute(query.group_by(_JOBS.c.submitted_by)).all()}

    def find(self, job_ids: Sequence[str]) -> dict[str, JobTicket]:
        """Return those of these jobs that there are."""
        return {ticket.id: ticket for ticket in self._tickets(_JOBS.c.id.in_(tuple(job_ids)))}

    def pending_like(self, job_id: str) -> str | None:
        """Return the pending job of the same request as a job that has ended, if there is one."""
        key = sa.select(_JOBS.c.key).where(_JOBS.c.id == job_id).scalar_subquery()
        query = sa.select(_JOBS.c.id).where(_JOBS.c.key == key, _JOBS.c.id != job_id, _JOBS.c.state.in_(PENDING))
        with self._database.reading() as connection:
            found = connection.execute(query).scalars().first()
        return None if found is None else str(found)

    def move(self, job_id: str, state: JobState, *, among: Sequence[JobState], at: datetime) -> bool:
        """Change the state of a job that is in one of these, and return whether it was; an end is stamped."""
        ended: dict[str, object] = {"finished_at": at.isoformat(), "detail": ""} if state in ENDED else {}
        return self._changed(job_id, among=among, at=at, values={"state": state} | ended)

    def start(self, job_id: str, *, attempt: int, at: datetime) -> JobState | None:
        """Set a queued job running, and return what state it is in then; None where this attempt is no longer the present one."""
        with self._database.writing() as connection:
            row = connection.execute(sa.select(_JOBS).where(_JOBS.c.id == job_id, _JOBS.c.attempt == attempt)).first()
            if row is None:
                return None
            if row.state != JobState.QUEUED:
                return JobState(row.state)
            values = {"state": JobState.RUNNING, "started_at": row.started_at or at.isoformat(), "updated_at": at.isoformat()}
            connection.execute(sa.update(_JOBS).where(_JOBS.c.id == job_id).values(values))
        return JobState.RUNNING

    def state(self, job_id: str, *, attempt: int) -> JobState | None:
        """Return the state of a job; None where this attempt is no longer the present one."""
        query = sa.select(_JOBS.c.state).where(_JOBS.c.id == job_id, _JOBS.c.attempt == attempt)
        with self._database.reading() as connection:
            found = connection.execute(query).scalars().first()
        return None if found is None else JobState(found)

    def advance(self, job_id: str, values: dict[str, object], *, at: datetime) -> None:
        """Note how far a job has come that has not ended."""
        self._changed(job_id, among=PENDING, at=at, values=values)

    def wait_for_login(self, job_id: str, error: JobError, *, refused: str | None, at: datetime) -> bool:
        """Let a job wait until there is another session than the one refused; return whether it was running."""
        values = {
            "state": JobState.WAITING_FOR_LOGIN,
            "refused": refused,
            "rate": None,
            "detail": error.message,
            "errors": _errors_text([error]),
        }
        return self._changed(job_id, among=ACTIVE, at=at, values=values)

    def log_in(self, job_id: str, *, at: datetime) -> bool:
        """Let a job go on that waited for a login."""
        values = {"state": JobState.QUEUED, "refused": None, "detail": "", "errors": "[]"}
        return self._changed(job_id, among=(JobState.WAITING_FOR_LOGIN,), at=at, values=values)

    def finish(self, job_id: str, *, attempt: int, errors: Sequence[JobError], result: dict[str, Any] | None, at: datetime) -> bool:
        """Give a job its outcome, done or with errors failed, and return whether it had none yet."""
        values = {
            "state": JobState.FAILED if errors else JobState.DONE,
            "errors": _errors_text(errors),
            "result": None if result is None else json.dumps(result, allow_nan=False),
            "detail": "",
            "finished_at": at.isoformat(),
        }
        return self._changed(job_id, among=PENDING, at=at, values=values, attempt=attempt)

    def begin_again(self, ticket: JobTicket, *, among: Sequence[JobState], at: datetime) -> bool:
        """Queue a job for another attempt, from its beginning, and return whether nobody else did."""
        values: dict[str, object] = {
            "state": JobState.QUEUED,
            "attempt": ticket.attempt + 1,
            "errors": "[]",
            "result": None,
            "done": 0,
            "total": 0,
            "rate": None,
            "detail": "",
            "finished_at": None,
            "refused": None,
        }
        return self._changed(ticket.id, among=among, at=at, values=values, attempt=ticket.attempt)

    def _tickets(self, where: sa.ColumnElement[bool]) -> tuple[JobTicket, ...]:
        columns = ("id", "kind", "request", "attempt", "state", "refused", "submitted_by")
        query = sa.select(*(_JOBS.c[name] for name in columns)).where(where).order_by(_JOBS.c.submitted_at, _JOBS.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(JobTicket(**{**row, "state": JobState(row["state"])}) for row in rows)

    def _changed(self, job_id: str, *, among: Sequence[JobState], at: datetime, values: dict[str, Any], attempt: int | None = None) -> bool:
        where = (_JOBS.c.id == job_id) & _JOBS.c.state.in_(tuple(among))
        if attempt is not None:
            where &= _JOBS.c.attempt == attempt
        with self._database.writing() as connection:
            return connection.execute(sa.update(_JOBS).where(where).values(values | {"updated_at": at.isoformat()})).rowcount > 0


def add_job(connection: sa.Connection, order: JobOrder, *, at: datetime) -> tuple[str, bool]:
    """Add a job in a transaction that writes; returns what :meth:`JobStore.add` does."""
    same = sa.select(_JOBS.c.id).where(_JOBS.c.key == order.key, _JOBS.c.state.in_(PENDING))
    found = connection.execute(same).scalars().first()
    if found is not None:
        return str(found), False
    job_id = secrets.token_hex(5)
    row = {
        "id": job_id,
        "kind": order.kind,
        "what": order.what,
        "request": order.request,
        "key": order.key,
        "state": JobState.QUEUED,
        "attempt": 1,
        "done": 0,
        "total": 0,
        "detail": "",
        "retries": 0,
        "errors": "[]",
        "submitted_at": at.isoformat(),
        "updated_at": at.isoformat(),
        "submitted_by": order.submitted_by,
        "schedule": order.schedule,
    }
    connection.execute(sa.insert(_JOBS).values(row))
    return job_id, True


def is_pending(connection: sa.Connection, job_id: str) -> bool:
    """Return whether a job has no outcome yet, within a transaction."""
    query = sa.select(_JOBS.c.id).where(_JOBS.c.id == job_id, _JOBS.c.state.in_(PENDING))
    return connection.execute(query).first() is not None


def _errors_text(errors: Sequence[JobError]) -> str:
    return json.dumps([error.model_dump() for error in errors])


def _document(row: sa.RowMapping) -> JobDocument:
    state, total = JobState(row["state"]), row["total"]
    is_done = state is JobState.DONE
    left = max(0, total - row["done"])
    rate = row["rate"] if state is JobState.RUNNING else None
    return JobDocument(
        id=row["id"],
        kind=row["kind"],
        what=row["what"],
        state=state,
        progress=1.0 if is_done else round(min(1.0, row["done"] / total), 4) if total else 0.0,
        done=row["done"],
        total=total,
        detail=row["detail"],
        rate=None if rate is None else round(rate, 4),
        eta_seconds=round(left / rate, 1) if rate else None,
        retries=row["retries"],
        attempt=row["attempt"],
        submitted_by=row["submitted_by"],
        schedule=row["schedule"],
        submitted_at=row["submitted_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        errors=tuple(JobError(**error) for error in json.loads(row["errors"])),
        result=None if row["result"] is None else json.loads(row["result"]),
    )
