"""The list of schedules in the control database, and the one place where a due time becomes a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from qts.app.jobs.job_store import JobOrder, add_job, is_pending
from qts.core.errors import InputError
from qts.data.storage.database import Database

_SCHEDULES: Final = sa.Table(
    "schedules",
    sa.MetaData(),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("timing", sa.String(40), nullable=False),
    sa.Column("exchange", sa.String(16), nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("submitted_by", sa.String(64), nullable=False),
    sa.Column("settled_until", sa.String(40), nullable=False),
    sa.Column("last_due_at", sa.String(40)),
    sa.Column("n_missed", sa.Integer, nullable=False),
    sa.Column("last_job", sa.String(32)),
    sa.Column("added_at", sa.String(40), nullable=False),
)


class UnknownSchedule(InputError):
    """No schedule has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no schedule {name!r}.", hint="`qts schedule list` lists them, and what can be added.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """A schedule as it is kept.

    ``request`` is JSON, ``timing`` as :class:`Timing` is written. All that was due up to ``settled_until`` has been seen to. The last run
    was for ``last_due_at``, in place of ``n_missed`` more that had been due before it; ``last_job`` is its job.
    """

    name: str
    kind: str
    what: str
    request: str
    timing: str
    exchange: str
    submitted_by: str
    settled_until: datetime
    added_at: datetime
    paused: bool = False
    last_due_at: datetime | None = None
    n_missed: int = 0
    last_job: str | None = None


class ScheduleStore:
    """The schedules of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[ScheduleRow, ...]:
        """Return the schedules by name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(_SCHEDULES).order_by(_SCHEDULES.c.name)).mappings().all()
        return tuple(_row(row) for row in rows)

    def find(self, name: str) -> ScheduleRow:
        """Return a schedule; raises UnknownSchedule."""
        found = next((row for row in self.all() if row.name == name), None)
        if found is None:
            raise UnknownSchedule(name)
        return found

    def add(self, row: ScheduleRow) -> bool:
        """Add a schedule, and return False where there is one of this name."""
        values = {column.name: _stored(getattr(row, column.name)) for column in _SCHEDULES.columns}
        with self._database.writing() as connection:
            if connection.execute(sa.select(_SCHEDULES.c.name).where(_SCHEDULES.c.name == row.name)).first() is not None:
                return False
            connection.execute(sa.insert(_SCHEDULES).values(values))
        return True

    def remove(self, name: str) -> None:
        """Remove a schedule; its jobs stay. Raises UnknownSchedule."""
        with self._database.writing() as connection:
            if connection.execute(sa.delete(_SCHEDULES).where(_SCHEDULES.c.name == name)).rowcount == 0:
                raise UnknownSchedule(name)

    def set_paused(self, name: str, *, paused: bool, at: datetime) -> None:
        """Let a schedule rest, or go on with what is due from now. One that does so already stays as it is; raises UnknownSchedule."""
        values: dict[str, object] = {"paused": paused} | ({} if paused else {"settled_until": at.isoformat()})
        where = (_SCHEDULES.c.name == name) & (_SCHEDULES.c.paused != paused)
        with self._database.writing() as connection:
            connection.execute(sa.update(_SCHEDULES).where(where).values(values))
        self.find(name)

    def run(self, row: ScheduleRow, order: JobOrder, *, due: datetime | None, n_missed: int, at: datetime) -> str | None:
        """Add the job of a run in one transaction with the note that it was; None where another was quicker or the last run goes on.

        Parameters
        ----------
        row : ScheduleRow
            The schedule as it was read.
        order : JobOrder
            The job.
        due : datetime or None
            The instant it is the run for; None for one that a person asked for, which leaves what is due as it is.
        n_missed : int
            How many more had been due.
        at : datetime
            The present.
        """
        changed: dict[str, object] = {}
        if due is not None:
            changed = {"settled_until": due.isoformat(), "last_due_at": due.isoformat(), "n_missed": n_missed}
        with self._database.writing() as connection:
            found = connection.execute(sa.select(_SCHEDULES).where(_SCHEDULES.c.name == row.name)).mappings().first()
            if found is None:
                return None
            now = _row(found)
            is_taken = due is not None and (now.paused or now.settled_until != row.settled_until)
            if is_taken or (now.last_job is not None and is_pending(connection, now.last_job)):
                return None
            job_id, _ = add_job(connection, order, at=at)
            where = _SCHEDULES.c.name == row.name
            connection.execute(sa.update(_SCHEDULES).where(where).values(changed | {"last_job": job_id}))
        return job_id


def _row(row: Mapping[Any, Any]) -> ScheduleRow:
    values = dict(row)
    for name in ("settled_until", "added_at", "last_due_at"):
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    return ScheduleRow(**values)


def _stored(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
