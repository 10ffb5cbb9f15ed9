"""One value that changed by itself in the tables of jobs, schedules, secrets and the inbox is found; the normal course is no damage."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qts.app.control import ControlDatabase
from qts.app.jobs.document import ACTIVE, PENDING, JobError, JobState
from qts.app.jobs.job_store import JOBS, JobOrder, JobStore
from qts.app.jobs.schedule_store import SCHEDULES, ScheduleRow, ScheduleStore
from qts.app.secret_store import SECRETS, SecretStore
from qts.app.settings import load_settings
from qts.app.verification import verify_home
from qts.data.fetching.taken import CONTENTS, PATHS, TakenFile, TakenFiles
from qts.data.storage.database import Database
from qts.data.storage.row_seals import row_harms

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLES = (JOBS, SCHEDULES, SECRETS, CONTENTS, PATHS)
ORDER = JobOrder(kind="backup", request='{"keep": 14}', what="Back up", key="k", schedule="backup")
SCHEDULE = ScheduleRow(
    name="backup",
    kind="backup",
    what="Back up",
    request='{"keep": 14}',
    timing="daily@02:00",
    exchange="NSE",
    submitted_by="local",
    settled_until=AT,
    added_at=AT,
)
TAKEN = TakenFile(sha256="a" * 64, name="a.csv", refused="is no table")


def fill(folder: Path, database: Database) -> None:
    jobs, schedules = JobStore(database), ScheduleStore(database)
    job, _ = jobs.add(ORDER, at=AT)
    jobs.start(job, attempt=1, at=AT)
    jobs.finish(job, attempt=1, errors=(), result={"stored": 3}, at=AT)
    schedules.add(SCHEDULE)
    assert schedules.run(SCHEDULE, ORDER, due=AT, n_missed=2, at=AT) is not None
    SecretStore(database, folder / "keys" / "secret.key").put("kite/keys", "a secret", at=AT)
    TakenFiles(database, release="1").note(Path("a.csv"), "4/1", TAKEN, at=AT)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a row in every table, closed."""
    folder = tmp_path_factory.mktemp("made")
    control = ControlDatabase.open(folder / "control.sqlite")
    fill(folder, control.database)
    control.close()
    return folder / "control.sqlite"


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(made, tmp_path / "control.sqlite"))


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    control = ControlDatabase.open(path)
    yield control.database
    control.close()


def run(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def found(database: Database) -> list[str]:
    with database.reading() as connection:
        return [error.reason for error in row_harms(connection, TABLES)]


def changed(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return "x" if value is None else value + 1 if isinstance(value, int | float) else f"{value[:-1]}~"


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_value_of_every_table_is_under_the_hash_of_its_row(path: Path, database: Database, table: sa.Table) -> None:
    assert found(database) == []
    connection = sqlite3.connect(path, isolation_level=None)
    for column in table.c:
        (rowid, value), *_ = connection.execute(f"SELECT rowid, {column.name} FROM {table.name}").fetchall()  # noqa: S608 - our own names
        write = f"UPDATE {table.name} SET {column.name} = ? WHERE rowid = ?"  # noqa: S608 - our own names
        for wrong in (changed(value), None if column.nullable and value is not None else changed(value)):
            connection.execute(write, (wrong, rowid))
            (reason,) = found(database)
            assert f"in {table.name} differs from what was written" in reason, column.name
            connection.execute(write, (value, rowid))
            assert found(database) == []
    connection.close()


def test_what_is_done_in_the_normal_course_leaves_every_hash_right(database: Database, tmp_path: Path) -> None:
    jobs, schedules = JobStore(database), ScheduleStore(database)
    error = JobError(about="NSE:INFY", kind="AuthExpired", message="It is over.", hint="Log in.")
    job, _ = jobs.add(JobOrder(kind="ingest", request="{}", what="नई पंक्ति\n", key="other"), at=AT)
    jobs.start(job, attempt=1, at=AT)
    jobs.advance(job, {"done": 30, "total": 120, "rate": 1.5, "detail": "NSE:INFY", "retries": 2}, at=AT)
    assert jobs.document(job).eta_seconds == 60.0
    steps = (
        jobs.move(job, JobState.PAUSED, among=ACTIVE, at=AT),
        jobs.move(job, JobState.QUEUED, among=(JobState.PAUSED,), at=AT),
        jobs.start(job, attempt=1, at=AT) is JobState.RUNNING,
        jobs.wait_for_login(job, error, refused="mark", at=AT),
        jobs.log_in(job, at=AT),
        jobs.finish(job, attempt=1, errors=[error], result={"stored": 0.1}, at=AT),
        jobs.begin_again(jobs.find([job])[job], among=(JobState.FAILED,), at=AT),
        jobs.move(job, JobState.CANCELLED, among=PENDING, at=AT),
        not jobs.finish(job, attempt=2, errors=(), result=None, at=AT),
    )
    assert all(steps)
    assert schedules.add(SCHEDULE) is False
    schedules.set_paused("backup", paused=True, at=AT)
    schedules.set_paused("backup", paused=False, at=AT + timedelta(days=1))
    (last,) = (row.last_job for row in schedules.all())
    assert last is not None
    jobs.finish(last, attempt=1, errors=(), result=None, at=AT)
    assert schedules.run(schedules.find("backup"), ORDER, due=None, n_missed=0, at=AT) is not None
    secrets = SecretStore(database, tmp_path / "keys" / "secret.key")
    secrets.put("kite/session", "another", at=AT)
    secrets.put("kite/session", "a later one", at=AT)
    assert (secrets.claim("kite/exchanged/1", at=AT), secrets.claim("kite/exchanged/1", at=AT)) == (True, False)
    secrets.drop("kite/keys")
    taken = TakenFiles(database, release="2")
    taken.note(Path("a.csv"), "4/2", TakenFile(sha256=TAKEN.sha256, name="a.csv", refused=None), at=AT)
    taken.note_path(Path("copy.csv"), "4/9", TAKEN.sha256)
    assert found(database) == []
    secrets.drop_claims("kite/exchanged/", before=AT + timedelta(seconds=1))
    assert secrets.claim("kite/exchanged/1", at=AT)


def before_the_seals(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        tables = connection.execute(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        ).fetchall()
    connection.close()
    last = {*(table.name for table in TABLES), "instrument_listings", "known_empty", "fetched", "refused_rows", "quality_scores"}
    drops = [f"ALTER TABLE {table} DROP COLUMN {column}" for table, column in tables if table in last and column in {"row_seal", "row_crc"}]
    assert len(drops) == len(last)
    run(path, *drops, "UPDATE alembic_version SET version_num = '0015'", "PRAGMA user_version = 15")


def test_rows_of_an_earlier_release_are_sealed_as_they_are_found(path: Path) -> None:
    before_the_seals(path)
    control = ControlDatabase.open(path)
    assert found(control.database) == []
    assert {job.state for job in JobStore(control.database).documents()} == {JobState.DONE, JobState.QUEUED}
    assert ScheduleStore(control.database).find("backup").n_missed == 2
    assert TakenFiles(control.database, release="1").find(TAKEN.sha256) == TAKEN
    control.close()


def test_what_an_earlier_release_had_damaged_is_told_in_words_when_it_is_used(path: Path) -> None:
    before_the_seals(path)
    run(path, "UPDATE jobs SET state = 'dond' WHERE state = 'done'", "UPDATE schedules SET timing = 'daily@99:00'")
    run(path, "UPDATE inbox_contents SET name = CAST(x'ff' AS TEXT)", "UPDATE inbox_paths SET path = CAST(x'ff' AS TEXT)")
    control = ControlDatabase.open(path)
    named = ("a" * 64 + " in inbox_contents", "\\xff in inbox_paths")
    assert found(control.database) == [f"the record of {name} differs from what was written" for name in named]
    jobs = JobStore(control.database)
    told = [(job.state, [error.kind for error in job.errors]) for job in jobs.documents()]
    assert sorted(told) == [(JobState.FAILED, ["DamagedFile"]), (JobState.QUEUED, [])]
    assert [ticket.state for ticket in jobs.find([job.id for job in jobs.documents()]).values()] == [JobState.QUEUED]
    schedules = ScheduleStore(control.database)
    assert (schedules.all(), [*schedules.damages()]) == ((), ["backup"])
    control.close()


def test_verify_names_the_rows(path: Path) -> None:
    run(path, *(f"UPDATE {table.name} SET row_seal = 'f'" for table in TABLES))  # noqa: S608 - our own names
    document = verify_home(load_settings(home=path.parent), quick=True, look_only=True)
    assert not document.sound
    rows = [one.reason for one in document.damage if "differs from what was written" in one.reason]
    named = [reason.partition(" in ")[2].partition(" ")[0] for reason in rows]
    assert set(named) == {table.name for table in TABLES}
    assert all("restore BACKUP" in one.cure for one in document.damage if one.path == "control.sqlite")
