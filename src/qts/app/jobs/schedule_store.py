"""The list of schedules in the control database, and the one place where a due time becomes a job.

Each row carries a hash of what it says. A schedule whose row differs from what was written is never due, as nobody knows when and for what
it would be; the others go on. The list names it, and it can be removed and added again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from qts.app.jobs.job_store import JobOrder, add_job, is_pending
from qts.app.jobs.timing import parse_timing
from qts.core.errors import BadParameter, DamagedFile, InputError
from qts.core.instrument import Exchange
from qts.data.storage.database import Database
from qts.data.storage.row_seals import ROW_SEAL, damaged_row, marked_rows, with_seal

SCHEDULES: Final = sa.Table(
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
    sa.Column("row_seal", sa.String(16)),
)
_INSTANTS: Final = ("settled_until", "added_at", "last_due_at")


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
        """Return the schedules by name; those whose rows are damaged are left out."""
        with self._database.reading() as connection:
            rows = marked_rows(connection, SCHEDULES, sa.select(SCHEDULES).order_by(SCHEDULES.c.name))
        return tuple(row for row in (_understood(row, is_sound=is_sound) for row, is_sound in rows) if row is not None)

    def damages(self) -> dict[str, DamagedFile]:
        """Return what is wrong with the schedules whose rows are damaged, by name."""
        with self._database.reading() as connection:
            rows = marked_rows(connection, SCHEDULES, sa.select(SCHEDULES).order_by(SCHEDULES.c.name))
        return {str(row["name"]): _damage(row) for row, is_sound in rows if _understood(row, is_sound=is_sound) is None}

    def find(self, name: str) -> ScheduleRow:
        """Return a schedule.

        Raises
        ------
        UnknownSchedule
            If there is none of this name.
        DamagedFile
            If its row differs from what was written, or none has the name and it may be that of a row that does.
        """
        found = next((row for row in self.all() if row.name == name), None)
        if found is not None:
            return found
        damages = self.damages()
        for error in (damages.get(name), *damages.values()):
            if error is not None:
                raise error
        raise UnknownSchedule(name)

    def add(self, row: ScheduleRow) -> bool:
        """Add a schedule, and return False where there is one of this name."""
        values = {column.name: _stored(getattr(row, column.name)) for column in SCHEDULES.columns if column.name != ROW_SEAL}
        with self._database.writing() as connection:
            if connection.execute(sa.select(SCHEDULES.c.name).where(SCHEDULES.c.name == row.name)).first() is not None:
                return False
            connection.execute(sa.insert(SCHEDULES).values(with_seal(SCHEDULES, values)))
        return True

    def remove(self, name: str) -> None:
        """Remove a schedule, also one whose row is damaged; its jobs stay. Raises UnknownSchedule."""
        with self._database.writing() as connection:
            if connection.execute(sa.delete(SCHEDULES).where(SCHEDULES.c.name == name)).rowcount == 0:
                raise UnknownSchedule(name)

    def set_paused(self, name: str, *, paused: bool, at: datetime) -> None:
        """Let a schedule rest, or go on with what is due from now. One that does so already stays as it is.

        Raises
        ------
        UnknownSchedule
            If there is none of this name.
        DamagedFile
            If its row differs from what was written.
        """
        values: dict[str, object] = {"paused": paused} | ({} if paused else {"settled_until": at.isoformat()})
        with self._database.writing() as connection:
            row = _row(connection, name)
            if row is not None and row["paused"] != paused:
                _write(connection, row, values)
        self.find(name)

    def run(self, row: ScheduleRow, order: JobOrder, *, due: datetime | None, n_missed: int, at: datetime) -> str | None:
        """Add the job of a run in one transaction with the note that it was; None where another was quicker or the last run goes on.

        It is None too where the row differs from what was written. A last run whose own row does goes on no longer.

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
            found = _row(connection, row.name)
            if found is None:
                return None
            now = _schedule(found)
            is_taken = due is not None and (now.paused or now.settled_until != row.settled_until)
            if is_taken or (now.last_job is not None and is_pending(connection, now.last_job)):
                return None
            job_id, _ = add_job(connection, order, at=at)
            _write(connection, found, changed | {"last_job": job_id})
        return job_id


def _row(connection: sa.Connection, name: str) -> sa.RowMapping | None:
    """Return a schedule as it is kept, None where there is none or it is damaged."""
    rows = marked_rows(connection, SCHEDULES, sa.select(SCHEDULES).where(SCHEDULES.c.name == name))
    return next((row for row, is_sound in rows if _understood(row, is_sound=is_sound) is not None), None)


def _write(connection: sa.Connection, row: sa.RowMapping, values: dict[str, object]) -> None:
    """Change a schedule that this transaction has read, and the hash of all that it says with it."""
    sealed = with_seal(SCHEDULES, {**row, **values})
    changed = {name: sealed[name] for name in (*values, ROW_SEAL)}
    connection.execute(sa.update(SCHEDULES).where(SCHEDULES.c.name == row["name"]).values(changed))


def _understood(row: sa.RowMapping, *, is_sound: bool) -> ScheduleRow | None:
    """Return what a row says, None where it is not what was written or was damaged before rows had hashes."""
    try:
        found = _schedule(row) if is_sound else None
        if found is not None:
            parse_timing(found.timing), Exchange(found.exchange), dict(json.loads(found.request))
    except (BadParameter, TypeError, ValueError):
        return None
    return found


def _schedule(row: sa.RowMapping) -> ScheduleRow:
    values = {name: value for name, value in row.items() if name != ROW_SEAL}
    instants = {name: None if values[name] is None else datetime.fromisoformat(values[name]) for name in _INSTANTS}
    return ScheduleRow(**values | instants)


def _damage(row: sa.RowMapping) -> DamagedFile:
    found = damaged_row(SCHEDULES, row)
    hint = f"It is not run. `qts schedule remove {row['name']}` removes it, and it can be added again. {found.hint}"
    return DamagedFile(found.path, found.reason, hint=hint)


def _stored(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
