"""The list of jobs in the control database: what was asked for, how far it has come, and the one outcome that each has.

Each row carries a hash of what it says. A row that differs from what was written is in no state at all: nobody begins it, goes on with it,
changes it or waits for it, and the jobs beside it go on. The list tells of it as of a job that failed, with the damage as its error;
whoever asks for it by its id gets that error. It can be taken off the list.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from qts.app.jobs.document import ACTIVE, ENDED, PENDING, JobDocument, JobError, JobState
from qts.core.errors import DamagedFile, InputError
from qts.data.storage.database import Database
from qts.data.storage.row_seals import ROW_SEAL, any_text, damaged_row, marked_rows, require_sound, unsound_rows, with_seal

JOBS: Final = sa.Table(
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
    sa.Column("row_seal", sa.String(16)),
)
_STATES: Final = frozenset(JobState)
# If all of so many that began last are damaged, a user's turn is taken for his first.
_LOOKS_BACK: Final = 3

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
        """Return the latest jobs, the latest first; one whose row is damaged as failed for that."""
        query = sa.select(JOBS).order_by(JOBS.c.submitted_at.desc(), JOBS.c.id).limit(limit)
        with self._database.reading() as connection:
            rows = marked_rows(connection, JOBS, query)
        return tuple(_understood(row, is_sound=is_sound) or _damaged_document(row) for row, is_sound in rows)

    def document(self, job_id: str) -> JobDocument:
        """Return a job.

        Raises
        ------
        UnknownJob
            If there is none.
        DamagedFile
            If its row differs from what was written, or none has the id and it may be that of a row that does.
        """
        with self._database.reading() as connection:
            rows = marked_rows(connection, JOBS, sa.select(JOBS).where(JOBS.c.id == job_id))
            if not rows:
                require_sound(JOBS, unsound_rows(self._database, connection, JOBS))
                raise UnknownJob(job_id)
        ((row, is_sound),) = rows
        document = _understood(row, is_sound=is_sound)
        if document is None:
            raise _damage(row)
        return document

    def drop_damaged(self, job_id: str) -> JobDocument | None:
        """Take a job off the list whose row is damaged, and return what was told of it, cancelled; None where there is no such row."""
        with self._database.writing() as connection:
            for row, is_sound in marked_rows(connection, JOBS, sa.select(JOBS).where(JOBS.c.id == job_id)):
                if _understood(row, is_sound=is_sound) is None:
                    connection.execute(sa.delete(JOBS).where(JOBS.c.id == job_id))
                    return _damaged_document(row).model_copy(update={"state": JobState.CANCELLED})
        return None

    def tickets(self, states: Iterable[JobState]) -> tuple[JobTicket, ...]:
        """Return the jobs in these states, the oldest first."""
        return self._tickets(JOBS.c.state.in_(tuple(states)))

    def last_began(self, kind: str) -> dict[str, str]:
        """Return when the last job of a kind began, by user."""
        began = (JOBS.c.kind == kind) & JOBS.c.started_at.is_not(None)
        latest = sa.select(JOBS).where(began).order_by(JOBS.c.started_at.desc()).limit(_LOOKS_BACK)
        with self._database.reading() as connection, any_text(connection):
            users = connection.execute(sa.select(JOBS.c.submitted_by).where(began).distinct()).scalars().all()
            found = {user: _sound(connection, latest.where(JOBS.c.submitted_by == user)) for user in users}
        return {str(user): str(rows[0]["started_at"]) for user, rows in found.items() if rows}

    def find(self, job_ids: Sequence[str]) -> dict[str, JobTicket]:
        """Return those of these jobs that there are."""
        return {ticket.id: ticket for ticket in self._tickets(JOBS.c.id.in_(tuple(job_ids)))}

    def pending_like(self, job_id: str) -> str | None:
        """Return the pending job of the same request as a job that has ended, if there is one."""
        with self._database.reading() as connection:
            job = _job(connection, job_id)
            like = () if job is None else _pending(connection, job["key"])
        return next((str(row["id"]) for row in like if row["id"] != job_id), None)

    def move(self, job_id: str, state: JobState, *, among: Sequence[JobState], at: datetime) -> bool:
        """Change the state of a job that is in one of these, and return whether it was; an end is stamped."""
        ended: dict[str, object] = {"finished_at": at.isoformat(), "detail": ""} if state in ENDED else {}
        return self._changed(job_id, among=among, at=at, values={"state": state} | ended)

    def start(self, job_id: str, *, attempt: int, at: datetime) -> JobState | None:
        """Set a queued job running, and return what state it is in then; None as :meth:`state` does."""
        with self._database.writing() as connection:
            row = _job(connection, job_id, attempt=attempt)
            if row is None:
                return None
            if row["state"] != JobState.QUEUED:
                return JobState(row["state"])
            stamp = at.isoformat()
            _write(connection, row, {"state": JobState.RUNNING, "started_at": row["started_at"] or stamp, "updated_at": stamp})
        return JobState.RUNNING

    def state(self, job_id: str, *, attempt: int) -> JobState | None:
        """Return the state of a job; None where this attempt is no longer the present one, or the job is damaged."""
        with self._database.reading() as connection:
            row = _job(connection, job_id, attempt=attempt)
        return None if row is None else JobState(row["state"])

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
        with self._database.reading() as connection:
            rows = _sound(connection, sa.select(JOBS).where(where).order_by(JOBS.c.submitted_at, JOBS.c.id))
        names = ("id", "kind", "request", "attempt", "refused", "submitted_by")
        return tuple(JobTicket(**{name: row[name] for name in names}, state=JobState(row["state"])) for row in rows)

    def _changed(self, job_id: str, *, among: Sequence[JobState], at: datetime, values: dict[str, Any], attempt: int | None = None) -> bool:
        with self._database.writing() as connection:
            row = _job(connection, job_id, attempt=attempt)
            if row is None or row["state"] not in among:
                return False
            _write(connection, row, values | {"updated_at": at.isoformat()})
        return True


def add_job(connection: sa.Connection, order: JobOrder, *, at: datetime) -> tuple[str, bool]:
    """Add a job in a transaction that writes; returns what :meth:`JobStore.add` does."""
    for pending in _pending(connection, order.key):
        return str(pending["id"]), False
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
        "rate": None,
        "retries": 0,
        "errors": "[]",
        "result": None,
        "refused": None,
        "submitted_at": at.isoformat(),
        "started_at": None,
        "finished_at": None,
        "updated_at": at.isoformat(),
        "submitted_by": order.submitted_by,
        "schedule": order.schedule,
    }
    connection.execute(sa.insert(JOBS).values(with_seal(JOBS, row)))
    return job_id, True


def is_pending(connection: sa.Connection, job_id: str) -> bool:
    """Return whether a job has no outcome yet, within a transaction."""
    row = _job(connection, job_id)
    return row is not None and row["state"] in PENDING


def _sound(connection: sa.Connection, query: sa.Select[Any]) -> tuple[sa.RowMapping, ...]:
    """Return those of the jobs that are what was written; an upgrade sealed what it found, so the state may still be none."""
    return tuple(row for row, is_sound in marked_rows(connection, JOBS, query) if is_sound and row["state"] in _STATES)


def _job(connection: sa.Connection, job_id: str, *, attempt: int | None = None) -> sa.RowMapping | None:
    """Return a job at any attempt or at this one, None where there is none or it is damaged."""
    rows = _sound(connection, sa.select(JOBS).where(JOBS.c.id == job_id))
    return next((row for row in rows if attempt is None or row["attempt"] == attempt), None)


def _pending(connection: sa.Connection, key: str) -> tuple[sa.RowMapping, ...]:
    return _sound(connection, sa.select(JOBS).where(JOBS.c.key == key, JOBS.c.state.in_(PENDING)))


def _write(connection: sa.Connection, row: sa.RowMapping, values: dict[str, Any]) -> None:
    """Change a job that this transaction has read, and the hash of all that it says with it."""
    sealed = with_seal(JOBS, {**row, **values})
    changed = {name: sealed[name] for name in (*values, ROW_SEAL)}
    connection.execute(sa.update(JOBS).where(JOBS.c.id == row["id"]).values(changed))


def _damage(row: sa.RowMapping) -> DamagedFile:
    found = damaged_row(JOBS, row)
    hint = f"Nobody works on it: `qts jobs cancel {row['id']}` takes it off the list, and it can be asked for anew. {found.hint}"
    return DamagedFile(found.path, found.reason, hint=hint)


def _errors_text(errors: Sequence[JobError]) -> str:
    return json.dumps([error.model_dump() for error in errors])


def _understood(row: sa.RowMapping, *, is_sound: bool) -> JobDocument | None:
    """Return what a job says, None where it is not what was written or was damaged before rows had hashes."""
    try:
        return _document(row) if is_sound else None
    except (TypeError, ValueError):
        return None


def _damaged_document(row: sa.RowMapping) -> JobDocument:
    """Return what can be told of a damaged job: what it was for, as far as that can still be read."""
    error, submitted_at = _damage(row), ""
    with suppress(TypeError, ValueError):
        submitted_at = datetime.fromisoformat(row["submitted_at"]).isoformat()
    return JobDocument(
        id=str(row["id"]),
        kind=str(row["kind"]),
        what=str(row["what"]),
        state=JobState.FAILED,
        progress=0.0,
        done=0,
        total=0,
        detail=error.reason,
        rate=None,
        eta_seconds=None,
        retries=0,
        attempt=0,
        submitted_by=str(row["submitted_by"]),
        schedule=None,
        submitted_at=submitted_at,
        started_at=None,
        finished_at=None,
        errors=(JobError.of(error),),
        result=None,
    )


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
