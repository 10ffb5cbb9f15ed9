from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.app.jobs.document import ACTIVE, ENDED, PENDING, JobError, JobState
from qts.app.jobs.job_store import JobOrder, JobStore, UnknownJob

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = JobOrder(kind="fake", request="{}", what="Do it", key="k")
ERROR = JobError(about="NSE:INFY", kind="BadReply", message="It makes no sense.", hint="Try again.")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobStore]:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    yield JobStore(control.database)
    control.close()


def test_a_request_that_is_pending_is_not_queued_twice(jobs: JobStore) -> None:
    first, is_new = jobs.add(ORDER, at=AT)
    assert (is_new, jobs.add(ORDER, at=AT)) == (True, (first, False))
    jobs.finish(first, attempt=1, errors=(), result=None, at=AT)
    again, is_new = jobs.add(ORDER, at=AT)
    assert (is_new, again != first, len(jobs.documents())) == (True, True, 2)


def test_a_job_has_one_outcome_whoever_comes_second(jobs: JobStore) -> None:
    job, _ = jobs.add(ORDER, at=AT)
    assert jobs.finish(job, attempt=1, errors=[ERROR], result={"stored": 3}, at=AT)
    assert not jobs.finish(job, attempt=1, errors=(), result=None, at=AT)
    assert not jobs.move(job, JobState.CANCELLED, among=PENDING, at=AT)
    found = jobs.document(job)
    assert (found.state, found.errors, found.result, found.finished_at) == (JobState.FAILED, (ERROR,), {"stored": 3}, AT.isoformat())


def test_progress_is_a_fraction_and_the_rest_takes_as_long_as_the_pace_says(jobs: JobStore) -> None:
    job, _ = jobs.add(ORDER, at=AT)
    assert (jobs.document(job).progress, jobs.document(job).eta_seconds) == (0.0, None)
    assert jobs.start(job, attempt=1, at=AT) is JobState.RUNNING
    jobs.advance(job, {"done": 30, "total": 120, "rate": 1.5, "detail": "NSE:INFY", "retries": 2}, at=AT)
    found = jobs.document(job)
    assert (found.progress, found.eta_seconds, found.rate, found.retries, found.detail) == (0.25, 60.0, 1.5, 2, "NSE:INFY")
    jobs.move(job, JobState.PAUSED, among=ACTIVE, at=AT)
    assert (jobs.document(job).rate, jobs.document(job).eta_seconds) == (None, None)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        pytest.param(lambda jobs, job: jobs.move(job, JobState.PAUSED, among=ACTIVE, at=AT), JobState.PAUSED, id="paused"),
        pytest.param(lambda jobs, job: jobs.move(job, JobState.CANCELLED, among=PENDING, at=AT), JobState.CANCELLED, id="cancelled"),
        pytest.param(lambda jobs, job: jobs.wait_for_login(job, ERROR, refused="", at=AT), JobState.WAITING_FOR_LOGIN, id="waiting"),
    ],
)
def test_a_job_that_is_to_rest_is_not_started(jobs: JobStore, change: Callable[[JobStore, str], bool], state: JobState) -> None:
    job, _ = jobs.add(ORDER, at=AT)
    assert change(jobs, job)
    assert (jobs.start(job, attempt=1, at=AT), jobs.document(job).started_at) == (state, None)


def test_a_login_lets_a_job_go_on_that_waits_for_one_and_no_other(jobs: JobStore) -> None:
    job, _ = jobs.add(ORDER, at=AT)
    assert not jobs.log_in(job, at=AT)
    assert jobs.wait_for_login(job, ERROR, refused="mark", at=AT)
    assert jobs.document(job).errors == (ERROR,)
    assert jobs.log_in(job, at=AT)
    assert (jobs.document(job).state, jobs.document(job).errors) == (JobState.QUEUED, ())


def test_another_attempt_ends_the_one_before(jobs: JobStore) -> None:
    job, _ = jobs.add(ORDER, at=AT)
    old = jobs.find([job])[job]
    jobs.finish(job, attempt=1, errors=[ERROR], result=None, at=AT)
    assert jobs.begin_again(old, among=ENDED, at=AT)
    assert not jobs.begin_again(old, among=(*ENDED, *PENDING), at=AT)
    assert (jobs.document(job).attempt, jobs.document(job).errors, jobs.document(job).finished_at) == (2, (), None)
    assert jobs.start(job, attempt=1, at=AT) is None
    assert not jobs.finish(job, attempt=1, errors=(), result=None, at=AT)


def test_an_id_that_is_none_is_named(jobs: JobStore) -> None:
    with pytest.raises(UnknownJob, match="no job 'x'"):
        jobs.document("x")
