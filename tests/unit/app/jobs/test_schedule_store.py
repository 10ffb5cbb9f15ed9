"""A schedule whose row differs from what was written is never due, and the schedules beside it go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from qts.app.jobs.asking import cancel_job, list_jobs, show_job
from qts.app.jobs.schedule_store import UnknownSchedule
from qts.app.jobs.scheduling import (
    add_schedule,
    list_schedules,
    pause_schedule,
    queue_due,
    remove_schedule,
    resume_schedule,
    run_schedule,
    show_schedule,
)
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import FixedClock
from qts.core.errors import BadParameter, DamagedFile


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=tmp_path / "home")) as opened:
        yield opened


def later(workspace: Workspace) -> Workspace:
    return replace(workspace, clock=FixedClock(workspace.clock.now() + timedelta(days=8)))


def run(workspace: Workspace, statement: str) -> None:
    with closing(sqlite3.connect(workspace.settings.home / "control.sqlite")) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "timing = 'daily@03:00'",
        "settled_until = 'then'",
        "request = CAST(x'ff' AS TEXT)",
        "paused = 1",
        "row_seal = NULL",
    ],
)
def test_a_damaged_schedule_is_not_run_and_the_others_are(workspace: Workspace, change: str) -> None:
    for name in ("backup", "compact"):
        add_schedule(workspace, name, {})
    run(workspace, f"UPDATE schedules SET {change} WHERE name = 'backup'")  # noqa: S608 - our own words
    (job,) = queue_due(later(workspace))
    assert show_job(workspace, job).schedule == "compact"
    told = {one.name: one for one in list_schedules(workspace)}
    assert (told["backup"].state, told["compact"].state) == ("damaged", "on")
    assert "the record of backup in schedules differs from what was written" in told["backup"].last_outcome
    verbs: tuple[Callable[[Workspace, str], object], ...] = (show_schedule, run_schedule, pause_schedule, resume_schedule)
    for verb in verbs:
        with pytest.raises(DamagedFile, match="backup in schedules") as caught:
            verb(workspace, "backup")
        assert "qts schedule remove backup" in caught.value.hint
        assert "restore BACKUP" in caught.value.hint
    assert len(list_jobs(workspace)) == 1
    with pytest.raises(BadParameter, match="there is a schedule of this name"):
        add_schedule(workspace, "backup", {})
    assert remove_schedule(workspace, "backup").state == "damaged"
    assert add_schedule(workspace, "backup", {}).state == "on"


def test_a_schedule_whose_name_was_changed_is_not_called_unknown(workspace: Workspace) -> None:
    add_schedule(workspace, "backup", {})
    with pytest.raises(UnknownSchedule):
        show_schedule(workspace, "nosuch")
    run(workspace, "UPDATE schedules SET name = 'backuq'")
    for name in ("backup", "backuq"):
        with pytest.raises(DamagedFile, match="the record of backuq in schedules"):
            show_schedule(workspace, name)
    assert queue_due(later(workspace)) == ()
    assert remove_schedule(workspace, "backuq").state == "damaged"
    with pytest.raises(UnknownSchedule):
        remove_schedule(workspace, "backup")


def test_a_last_run_that_is_damaged_keeps_no_schedule_from_the_next(workspace: Workspace) -> None:
    add_schedule(workspace, "compact", {})
    first, _ = run_schedule(workspace, "compact")
    run(workspace, "UPDATE jobs SET attempt = 2")
    told = list_schedules(workspace)[0]
    assert (told.state, told.last_job, told.waits_for) == ("on", None, None)
    assert f"the record of {first.id} in jobs differs from what was written" in told.last_outcome
    second, is_new = run_schedule(workspace, "compact")
    assert (is_new, second.id == first.id, list_schedules(workspace)[0].waits_for) == (True, False, second.id)
    cancel_job(workspace, first.id)
    assert [job.id for job in list_jobs(workspace)] == [second.id]
