from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from qts.app.jobs.document import ACTIVE, PENDING, JobState
from qts.app.jobs.job_store import JobOrder, JobStore
from qts.app.jobs.work import RefusedTokens, Stopped, Work
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core.errors import AuthExpired

T = TypeVar("T")


class Remembered:
    """Steps in memory."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def run(self, name: str, step: Callable[[], T]) -> T:
        if name not in self.given:
            self.given[name] = step()
        found: T = self.given[name]
        return found


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=tmp_path / "home")) as opened:
        yield opened


class Scene:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.jobs = JobStore(workspace.control.database)
        self.id, _ = self.jobs.add(JobOrder(kind="fake", request="{}", what="Do it", key="k"), at=workspace.clock.now())
        self.steps = Remembered()
        self.refused = RefusedTokens()
        self.ending = threading.Event()

    def work(self) -> Work:
        ticket = self.jobs.find([self.id])[self.id]
        work = Work(self.workspace, ticket, steps=self.steps, refused=self.refused, ending=self.ending)
        work.begin()
        return work

    def move(self, state: JobState) -> None:
        assert self.jobs.move(self.id, state, among=PENDING, at=self.workspace.clock.now())


@pytest.fixture
def scene(workspace: Workspace) -> Scene:
    return Scene(workspace)


def test_a_step_that_was_done_is_not_done_again(scene: Scene) -> None:
    assert scene.work().step("one", lambda: 1) == 1
    assert scene.work().step("one", lambda: 2) == 1


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.CANCELLED])
def test_one_who_waits_hears_within_a_second_that_the_job_is_to_stop(scene: Scene, state: JobState) -> None:
    work = scene.work()
    threading.Timer(0.1, scene.move, [state]).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        work.hooks.sleep(30.0)
    assert time.monotonic() - began < 2.0
    assert scene.jobs.document(scene.id).state is state


def test_a_worker_that_ends_wakes_its_jobs(scene: Scene) -> None:
    work = scene.work()
    threading.Timer(0.1, scene.ending.set).start()
    with pytest.raises(Stopped):
        work.sleep(30.0)
    assert scene.jobs.document(scene.id).state is JobState.RUNNING


def test_a_job_paused_and_resumed_before_it_was_heard_goes_on(scene: Scene) -> None:
    work = scene.work()
    scene.move(JobState.PAUSED)
    scene.move(JobState.QUEUED)
    work.check()
    assert scene.jobs.document(scene.id).state is JobState.RUNNING


def test_remembered_steps_say_nothing_of_the_pace(scene: Scene) -> None:
    scene.steps.given = {str(i): i for i in range(5)}
    work = scene.work()
    for i in range(10):
        work.step(str(i), lambda: time.sleep(0.1))
        work.advance(i + 1, 10)
    rate = scene.jobs.document(scene.id).rate
    assert rate is not None
    assert 3.0 < rate <= 10.0


def test_a_token_that_was_refused_is_used_by_no_job_of_the_worker(scene: Scene) -> None:
    work = scene.work()
    assert work.hooks.may_use("dead")
    with pytest.raises(Stopped):
        work.wait_for_login(AuthExpired("it has ended"), can_log_in=False)
    job = scene.jobs.document(scene.id)
    assert (job.state, job.errors[0].kind, "qts login" in job.errors[0].hint) == (JobState.WAITING_FOR_LOGIN, "AuthExpired", True)
    assert scene.jobs.log_in(scene.id, at=scene.workspace.clock.now())
    again = scene.work()
    assert (again.hooks.may_use("dead"), again.hooks.may_use("fresh")) == (False, True)


def test_what_is_asked_again_is_counted(scene: Scene) -> None:
    work = scene.work()
    work.hooks.on_retry()
    work.hooks.on_retry()
    work.tell("The source does not answer.")
    assert (scene.jobs.document(scene.id).retries, scene.jobs.document(scene.id).detail) == (2, "The source does not answer.")
    assert scene.work() is not None
    assert scene.jobs.move(scene.id, JobState.CANCELLED, among=ACTIVE, at=scene.workspace.clock.now())
