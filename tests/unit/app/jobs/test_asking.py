from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qts.app.broker import NotConfigured
from qts.app.ingest_document import IngestRequest
from qts.app.jobs.asking import (
    AtItAlready,
    WrongState,
    cancel_job,
    list_jobs,
    pause_job,
    resume_job,
    retry_job,
    show_job,
    submit,
    worker_is_missing,
)
from qts.app.jobs.document import JobState
from qts.app.jobs.job_store import JobStore, UnknownJob
from qts.app.jobs.kinds.compact import CompactRequest
from qts.app.jobs.presence import Presence
from qts.app.requests import build
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core.errors import BadParameter, DamagedFile

ASK = {"instruments": "SIM:ZORVINBANK,SIM:OSNIRABANK", "start": "2026-01-01", "source": "sandbox"}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=tmp_path / "home")) as opened:
        yield opened


def test_the_same_request_is_one_job_and_another_is_another(workspace: Workspace) -> None:
    first, is_new = submit(workspace, "ingest", build(IngestRequest, **ASK))
    again, is_newer = submit(workspace, "ingest", build(IngestRequest, **ASK))
    other, _ = submit(workspace, "ingest", build(IngestRequest, **ASK, end="2026-02-02"))
    assert (is_new, is_newer, again.id == first.id, other.id == first.id, len(list_jobs(workspace))) == (True, False, True, False, 2)
    assert first.what == "Download 1d bars of SIM:ZORVINBANK and 1 more from sandbox, 2026-01-01 to the last session that is over"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        pytest.param({"interval": "1w"}, BadParameter, "no such bars", id="an interval the source lacks"),
        pytest.param({"dry_run": True}, BadParameter, "needs no job", id="a plan"),
        pytest.param({"end": "2025-01-01"}, BadParameter, "before the first", id="dates turned round"),
        pytest.param({"source": "kite"}, NotConfigured, "no keys", id="no keys"),
    ],
)
def test_a_request_that_can_come_to_nothing_is_refused_at_once(
    workspace: Workspace, options: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        submit(workspace, "ingest", build(IngestRequest, **(ASK | options)))
    assert list_jobs(workspace) == ()


def test_an_unknown_kind_or_job_is_named(workspace: Workspace) -> None:
    with pytest.raises(BadParameter, match="no such kind"):
        submit(workspace, "tidy", CompactRequest())
    with pytest.raises(UnknownJob):
        show_job(workspace, "none")


def test_what_can_be_done_to_a_job_depends_on_its_state(workspace: Workspace) -> None:
    job, _ = submit(workspace, "compact", CompactRequest())
    with pytest.raises(WrongState, match="is queued and cannot be retried"):
        retry_job(workspace, job.id)
    assert resume_job(workspace, job.id).state is JobState.QUEUED
    assert pause_job(workspace, job.id).state is JobState.PAUSED
    assert pause_job(workspace, job.id).state is JobState.PAUSED
    assert resume_job(workspace, job.id).state is JobState.QUEUED
    cancelled = cancel_job(workspace, job.id)
    assert (cancelled.state, cancelled.finished_at is None) == (JobState.CANCELLED, False)
    assert cancel_job(workspace, job.id).finished_at == cancelled.finished_at
    with pytest.raises(WrongState, match="is cancelled and cannot be paused"):
        pause_job(workspace, job.id)
    again = retry_job(workspace, job.id)
    assert (again.state, again.attempt, again.finished_at) == (JobState.QUEUED, 2, None)


def test_a_job_is_not_begun_again_beside_one_that_does_the_same(workspace: Workspace) -> None:
    first, _ = submit(workspace, "compact", CompactRequest())
    cancel_job(workspace, first.id)
    second, is_new = submit(workspace, "compact", CompactRequest())
    assert is_new
    with pytest.raises(AtItAlready, match=f"Job {second.id} is at the same already"):
        retry_job(workspace, first.id)
    assert show_job(workspace, first.id).state is JobState.CANCELLED
    cancel_job(workspace, second.id)
    assert retry_job(workspace, first.id).state is JobState.QUEUED


def test_a_job_that_is_done_is_not_offered_to_be_begun_again(workspace: Workspace) -> None:
    job, _ = submit(workspace, "compact", CompactRequest())
    JobStore(workspace.control.database).finish(job.id, attempt=1, errors=(), result=None, at=workspace.clock.now())
    with pytest.raises(WrongState, match="is done and cannot be paused") as refused:
        pause_job(workspace, job.id)
    assert "retry" not in refused.value.hint
    assert job.id in refused.value.hint


def test_jobs_without_a_worker_are_seen(workspace: Workspace) -> None:
    job, _ = submit(workspace, "compact", CompactRequest())
    assert worker_is_missing(workspace, [job])
    worker = Presence(workspace.settings.home)
    assert not worker_is_missing(workspace, [job])
    worker.leave()
    assert not worker_is_missing(workspace, [cancel_job(workspace, job.id)])


def test_a_damaged_job_can_be_asked_for_anew_and_taken_off_the_list(workspace: Workspace) -> None:
    first, _ = submit(workspace, "compact", CompactRequest())
    with closing(sqlite3.connect(workspace.settings.home / "control.sqlite")) as connection, connection:
        connection.execute("UPDATE jobs SET attempt = 2")
    assert [(job.state, job.errors[0].kind) for job in list_jobs(workspace)] == [(JobState.FAILED, "DamagedFile")]
    for verb in (show_job, pause_job, resume_job, retry_job):
        with pytest.raises(DamagedFile, match=first.id):
            verb(workspace, first.id)
    again, is_new = submit(workspace, "compact", CompactRequest())
    assert (is_new, again.id == first.id, again.state) == (True, False, JobState.QUEUED)
    assert cancel_job(workspace, first.id).state is JobState.CANCELLED
    assert [job.id for job in list_jobs(workspace)] == [again.id]
    with pytest.raises(UnknownJob):
        cancel_job(workspace, first.id)
