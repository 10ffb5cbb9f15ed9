"""The control database: which runs are stored, and how often each strategy idea has been tried.

The runs themselves are folders of files; this is their list. SQLite in write-ahead mode, created on first use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from qts.core.errors import DamagedFile
from qts.data.storage.database import Database
from qts.data.storage.migration import Migrations
from qts.data.storage.seals import RESTORE_HINT

_WAIT_SECONDS: Final = 30.0
_METADATA: Final = sa.MetaData()

_RUNS: Final = sa.Table(
    "runs",
    _METADATA,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("strategy", sa.String(200), nullable=False),
    sa.Column("instruments", sa.Text, nullable=False),
    sa.Column("interval", sa.String(8), nullable=False),
    sa.Column("first", sa.String(10), nullable=False),
    sa.Column("last", sa.String(10), nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("final_equity", sa.Float),
    sa.Column("total_return", sa.Float),
    sa.Column("sharpe", sa.Float),
    sa.Column("max_drawdown", sa.Float),
    sa.Column("n_trades", sa.Integer),
    sa.Column("seal", sa.String(64)),
    sa.Column("row_seal", sa.String(16)),
)

# Every run of an idea counts once, however often it is repeated: the deflated Sharpe ratio needs the number of distinct attempts.
_TRIALS: Final = sa.Table(
    "trials",
    _METADATA,
    sa.Column("idea", sa.String(200), primary_key=True),
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("interval", sa.String(8), nullable=False),
    sa.Column("sharpe", sa.Float),
    sa.Column("row_seal", sa.String(16)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A stored run in one line. ``made_at`` is when it was first stored, aware."""

    run_id: str
    made_at: datetime
    strategy: str
    instruments: tuple[str, ...]
    interval: str
    first: str
    last: str
    simulated: bool
    final_equity: float | None
    total_return: float | None
    sharpe: float | None
    max_drawdown: float | None
    n_trades: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One attempt at an idea, and what it reached: the annualised Sharpe ratio, or None where it is not defined."""

    run_id: str
    interval: str
    sharpe: float | None


class ControlDatabase:
    """The runs and the trial ledger of one home folder; other stores keep their tables in the same database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, place: Path | str) -> ControlDatabase:
        """Open the database, creating it on first use and bringing an older one up to date.

        Parameters
        ----------
        place : Path or str
            A file of SQLite, or the URL of a PostgreSQL database.

        Raises
        ------
        BadPath
            If it cannot be opened, or was made by a later release.
        DamagedFile
            If the file is there and is no database.
        StoreFull
            If there is no room to make it.
        """
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True)
        return cls(Database.open(place, migrations=CONTROL, wait_seconds=_WAIT_SECONDS))

    @property
    def database(self) -> Database:
        """Return the database, for the other stores that keep their tables in it."""
        return self._database

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def check(self) -> None:
        """Read one row, to see that the database answers."""
        with self._database.reading() as connection:
            connection.execute(sa.select(sa.func.count()).select_from(_RUNS)).scalar_one()

    def require_whole(self) -> None:
        """Raise unless all runs and trials are what was written.

        Raises
        ------
        DamagedFile
            If one is not.
        """
        with self._database.reading() as connection:
            for table in (_RUNS, _TRIALS):
                for row in connection.execute(sa.select(table)).mappings():
                    _checked(row)

    def record(self, summary: RunSummary, *, seal: str | None = None) -> None:
        """List a run and count it as a trial of its idea; of a run that is listed already only the seal of its files changes."""
        row = {
            "run_id": summary.run_id,
            "made_at": summary.made_at.isoformat(),
            "strategy": summary.strategy,
            "instruments": ",".join(summary.instruments),
            "interval": summary.interval,
            "first": summary.first,
            "last": summary.last,
            "simulated": summary.simulated,
            "final_equity": summary.final_equity,
            "total_return": summary.total_return,
            "sharpe": summary.sharpe,
            "max_drawdown": summary.max_drawdown,
            "n_trades": summary.n_trades,
        }
        trial = {name: row[name] for name in ("run_id", "made_at", "interval", "sharpe")} | {"idea": summary.strategy}
        with self._database.writing() as connection:
            _add(connection, _RUNS, [row])
            _add(connection, _TRIALS, [trial])
            if seal is not None:
                _note_seal(connection, summary.run_id, seal)

    def seal(self, run_id: str, seal: str) -> None:
        """Note the seal of the files of a run that is listed."""
        with self._database.writing() as connection:
            _note_seal(connection, run_id, seal)

    def seals(self) -> dict[str, str | None]:
        """Return the seals of the files of all runs that are listed, None where they were kept without one."""
        with self._database.reading() as connection:
            return {row["run_id"]: row["seal"] for row in map(_checked, connection.execute(sa.select(_RUNS)).mappings())}

    def seal_of(self, run_id: str) -> str | None:
        """Return the seal of the files of a run, None where there is none."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(_RUNS).where(_RUNS.c.run_id == run_id)).mappings().first()
            return None if row is None else _checked(row)["seal"]

    def count(self, idea: str, trials: Sequence[Trial], *, made_at: datetime) -> None:
        """Count attempts at an idea whose runs are not kept; one that was counted before changes nothing."""
        rows = [
            {"idea": idea, "run_id": trial.run_id, "made_at": made_at.isoformat(), "interval": trial.interval, "sharpe": trial.sharpe}
            for trial in trials
        ]
        if not rows:
            return
        with self._database.writing() as connection:
            # Thousands come at once: two statements for all of them, not two for each.
            held = set(connection.execute(sa.select(_TRIALS.c.run_id).where(_TRIALS.c.idea == idea)).scalars())
            fresh = {row["run_id"]: row for row in reversed(rows) if row["run_id"] not in held}
            if fresh:
                connection.execute(sa.insert(_TRIALS), [_with_seal(row) for row in fresh.values()])

    def runs(self) -> tuple[RunSummary, ...]:
        """Return the stored runs, latest first."""
        query = sa.select(_RUNS).order_by(_RUNS.c.made_at.desc(), _RUNS.c.run_id)
        with self._database.reading() as connection:
            return tuple(_summary(_checked(row)) for row in connection.execute(query).mappings())

    def trials(self, idea: str) -> tuple[Trial, ...]:
        """Return the distinct attempts at an idea, in the order they were made."""
        query = sa.select(_TRIALS).where(_TRIALS.c.idea == idea).order_by(_TRIALS.c.made_at, _TRIALS.c.run_id)
        with self._database.reading() as connection:
            rows = [_checked(row) for row in connection.execute(query).mappings()]
        return tuple(Trial(run_id=row["run_id"], interval=row["interval"], sharpe=row["sharpe"]) for row in rows)


def _add(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Add those of the rows whose keys are new; the writer's lock keeps them new until they are in."""
    keys = [column.name for column in table.primary_key]
    for row in rows:
        if (
            connection.execute(sa.select(sa.literal(1)).where(*(table.c[key] == row[key] for key in keys)).select_from(table)).first()
            is None
        ):
            connection.execute(sa.insert(table), _with_seal({column.name: row.get(column.name) for column in table.c}))


def _note_seal(connection: sa.Connection, run_id: str, seal: str) -> None:
    row = connection.execute(sa.select(_RUNS).where(_RUNS.c.run_id == run_id)).mappings().first()
    if row is not None and _checked(row)["seal"] != seal:
        connection.execute(sa.update(_RUNS).where(_RUNS.c.run_id == run_id).values(_with_seal({**row, "seal": seal})))


def _with_seal(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with a hash of all that it says: SQLite keeps no checksums."""
    plain = {name: value for name, value in row.items() if name != "row_seal"}
    # A number that is none is kept as nothing.
    kept = {name: None if value != value else value for name, value in plain.items()}  # noqa: PLR0124 - NaN only differs from itself
    said = json.dumps({name: value for name, value in kept.items() if value is not None}, sort_keys=True)
    return {**kept, "row_seal": hashlib.sha256(said.encode()).hexdigest()[:16]}


def _checked(row: sa.RowMapping) -> sa.RowMapping:
    """Return a row that is what was written, as far as it was kept by a release that sealed its rows."""
    if row["row_seal"] is not None and _with_seal(dict(row))["row_seal"] != row["row_seal"]:
        raise DamagedFile("control.sqlite", f"the record of run {row['run_id']} differs from what was written", hint=RESTORE_HINT)
    return row


def _first_version(connection: sa.Connection) -> int | None:
    # On a server there was none before there were revisions.
    return (connection.exec_driver_sql("PRAGMA user_version").scalar_one() or None) if connection.dialect.name == "sqlite" else None


def _mark(connection: sa.Connection, number: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {number}")


def _summary(row: sa.RowMapping) -> RunSummary:
    return RunSummary(
        run_id=row["run_id"],
        made_at=datetime.fromisoformat(row["made_at"]),
        strategy=row["strategy"],
        instruments=tuple(row["instruments"].split(",")),
        interval=row["interval"],
        first=row["first"],
        last=row["last"],
        simulated=row["simulated"],
        final_equity=row["final_equity"],
        total_return=row["total_return"],
        sharpe=row["sharpe"],
        max_drawdown=row["max_drawdown"],
        n_trades=row["n_trades"],
    )


CONTROL: Final = Migrations(folder=Path(__file__).parent / "migrations", first_version=_first_version, mark=_mark)
