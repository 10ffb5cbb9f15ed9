"""Jobs carried out by real workers against the simulated exchange: killed, stopped, logged out, and more than one at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from qts.app.broker import log_in
from qts.app.clock import SystemClock
from qts.app.ingest_document import IngestRequest
from qts.app.ingesting import ingest
from qts.app.jobs.asking import cancel_job, list_jobs, pause_job, resume_job, retry_job, show_job, submit
from qts.app.jobs.document import PENDING, JobDocument, JobState
from qts.app.requests import build
from qts.app.sandbox import KEY, SECRET, SimulatedPrices
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import Bars
from qts.data.kite import pacing
from qts.sandbox import Accounts, App, Fault, FaultPlan, Listed, Meter, Sandbox, VirtualClock


class Thin(SimulatedPrices):
    """The simulated market, of whose minutes every 75th is traded: something to store in every window, and not much."""

    def minutes(self, listed: Listed) -> Bars:
        """Return some minutes of the last sessions."""
        whole = super().minutes(listed)
        columns: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(whole, name)[::75]) for name in ("ts", "open", "high", "low", "close", "volume", "oi")
        }
        return replace(whole, **columns)


PRICES: Final = Thin()
NAMES: Final = [listed.key for listed in PRICES.listings[:8]]
# The simulated market has minutes from the end of August 2026 on.
START, END = date(2026, 7, 1), date(2026, 11, 19)
N_WINDOWS: Final = 3 * len(NAMES)
N_KILLS: Final = int(os.environ.get("QTS_STRESS", "2"))
FASTER: Final = 6
# A worker as the command starts it, but that the broker allows requests to follow one another so much faster.
WORKER: Final = f"""
from qts.data.kite import pacing
pacing.SPACING.update({{kind: seconds / {FASTER} for kind, seconds in pacing.SPACING.items()}})
from qts.cli.main import main
import sys
main(sys.argv[1:])
"""
APP: Final = App(api_key=KEY, api_secret=SECRET)
Serve = Callable[[Sandbox], str]


@dataclass(frozen=True, slots=True)
class Scene:
    sandbox: Sandbox
    workspace: Workspace
    environment: dict[str, str]

    def submit(self, names: list[str] = NAMES, **options: Any) -> JobDocument:
        given = {"interval": "1m", "start": START, "end": END, "source": "sandbox"} | options
        return submit(self.workspace, "ingest", build(IngestRequest, instruments=names, **given))[0]

    def worker(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WORKER, "worker", *words], env=self.environment, start_new_session=True)

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen[bytes]]:
        process = self.worker()
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(30) == 0

    def asked(self) -> int:
        return sum(arrival.kind == "historical" for arrival in self.sandbox.meter.arrivals)

    def wait(self, job: JobDocument, until: Callable[[JobDocument], bool], *, seconds: float = 90.0) -> JobDocument:
        deadline = time.monotonic() + seconds
        while not until(found := show_job(self.workspace, job.id)):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def ended(self, job: JobDocument) -> JobDocument:
        return self.wait(job, lambda found: found.state not in PENDING)


@pytest.fixture
def stage(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scene]]:
    opened: list[Workspace] = []
    for kind, seconds in dict(pacing.SPACING).items():
        monkeypatch.setitem(pacing.SPACING, kind, seconds / FASTER)

    def make(name: str = "home", faults: FaultPlan | None = None) -> Scene:
        clock = VirtualClock(SystemClock(), began_at=SystemClock().now(), speed=0.0)
        limits = {"quote": FASTER, "historical": 3 * FASTER, "other": 10 * FASTER}
        sandbox = Sandbox(PRICES, Accounts([APP], clock), clock=clock, meter=Meter(time.monotonic, limits=limits), faults=faults)
        root = f"http://{serve(sandbox)}"
        settings = {"home": str(tmp_path / name), "kite_root": root, "keep_free": "0"}
        workspace = open_workspace(load_settings(**settings, kite_api_key=KEY, kite_api_secret=SECRET))
        opened.append(workspace)
        environment = os.environ | {f"QTS_{key.upper()}": value for key, value in settings.items()}
        return Scene(sandbox, workspace, environment | {"KITE_API_KEY": KEY, "KITE_API_SECRET": SECRET})

    yield make
    for workspace in opened:
        workspace.close()


def uninterrupted(stage: Callable[..., Scene]) -> str:
    workspace = stage("whole").workspace
    request = build(IngestRequest, instruments=NAMES, interval="1m", start=START, end=END, source="sandbox")
    return ingest(workspace, request).snapshot


@pytest.mark.crash
def test_a_worker_killed_again_and_again_loses_at_most_the_request_it_was_at(stage: Callable[..., Scene]) -> None:
    expected = uninterrupted(stage)
    scene, chance = stage(), random.Random(os.environ.get("QTS_SEED", "7"))  # noqa: S311 - when to kill
    job = scene.submit()
    for _ in range(N_KILLS):
        before = scene.asked()
        process = scene.worker()
        goal = before + chance.randint(1, max(1, (2 * N_WINDOWS) // (3 * N_KILLS)))
        scene.wait(job, lambda found, goal=goal: scene.asked() >= goal or found.state is JobState.DONE)  # type: ignore[misc]
        time.sleep(chance.random() * 0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with scene.working():
        found = scene.ended(job)
    assert (found.state, found.progress, found.errors, found.attempt) == (JobState.DONE, 1.0, (), 1)
    assert (scene.workspace.store.snapshot(), found.done) == (expected, N_WINDOWS)
    assert N_WINDOWS <= scene.asked() <= N_WINDOWS + N_KILLS
    assert [one.state for one in list_jobs(scene.workspace)] == [JobState.DONE]
    assert sum(info.n_bars for info in scene.workspace.store.series()) >= found.result["stored"] > len(NAMES)  # type: ignore[index]


def test_two_workers_share_a_queue_and_one_takes_over_from_the_other(stage: Callable[..., Scene]) -> None:
    expected = uninterrupted(stage)
    scene = stage()
    jobs = [scene.submit(NAMES[i : i + 2]) for i in range(0, len(NAMES), 2)]
    assert scene.submit(NAMES[:2]).id == jobs[0].id
    first = scene.worker()
    with scene.working():
        scene.wait(jobs[0], lambda _found: scene.asked() >= N_WINDOWS // 3)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        found = [scene.ended(job) for job in jobs]
    assert [one.state for one in found] == [JobState.DONE] * len(jobs)
    assert scene.workspace.store.snapshot() == expected
    # Two jobs at once in the worker that was killed: each had one request under way.
    assert N_WINDOWS <= scene.asked() <= N_WINDOWS + 2


def test_pause_resume_cancel_and_retry_are_heard_while_a_job_runs(stage: Callable[..., Scene]) -> None:
    scene = stage()
    job = scene.submit()
    with scene.working():
        scene.wait(job, lambda found: found.done >= 2)
        pause_job(scene.workspace, job.id)
        time.sleep(2.0)
        asked = scene.asked()
        time.sleep(1.0)
        assert (scene.asked(), show_job(scene.workspace, job.id).state) == (asked, JobState.PAUSED)
        resume_job(scene.workspace, job.id)
        scene.wait(job, lambda _found: scene.asked() >= asked + 2)
        cancel_job(scene.workspace, job.id)
        time.sleep(2.0)
        asked, snapshot = scene.asked(), scene.workspace.store.snapshot()
        time.sleep(1.0)
        found = show_job(scene.workspace, job.id)
        assert (found.state, scene.asked(), scene.workspace.store.snapshot()) == (JobState.CANCELLED, asked, snapshot)
        retry_job(scene.workspace, job.id)
        found = scene.ended(job)
    assert (found.state, found.attempt, found.progress) == (JobState.DONE, 2, 1.0)
    assert scene.asked() <= N_WINDOWS + 2


def test_a_dead_session_lets_the_job_wait_and_a_login_lets_it_go_on(stage: Callable[..., Scene]) -> None:
    # After the login: the list of instruments, then, after another login and that list again, the fourth window.
    scene = stage(faults=FaultPlan(at={1: Fault.DEAD_TOKEN, 7: Fault.DEAD_TOKEN}))
    log_in(scene.workspace, scene.sandbox.accounts.log_in(APP))
    job = scene.submit(source="kite")
    with scene.working():
        for n_asked in (0, 4):
            found = scene.wait(job, lambda found: found.state is JobState.WAITING_FOR_LOGIN)
            calls = len(scene.sandbox.meter.arrivals)
            assert ("qts login" in found.errors[0].hint, found.errors[0].kind) == (True, "AuthExpired")
            time.sleep(2.0)
            assert (len(scene.sandbox.meter.arrivals), scene.asked()) == (calls, n_asked)
            log_in(scene.workspace, scene.sandbox.accounts.log_in(APP))
            scene.wait(job, lambda _found, n_asked=n_asked: scene.asked() > n_asked)  # type: ignore[misc]
        found = scene.ended(job)
    assert (found.state, found.errors, found.done, found.attempt) == (JobState.DONE, (), N_WINDOWS, 1)
    assert scene.asked() == N_WINDOWS + 1


def test_a_worker_that_is_to_end_when_all_is_done_does_every_kind_of_job(stage: Callable[..., Scene]) -> None:
    scene = stage()
    wanted = [scene.submit(NAMES[:1], interval="1d"), scene.submit(["SIM:NOSUCHTHING"], interval="1d")]
    from qts.app.jobs.kind import job_kinds  # noqa: PLC0415 - the requests of all kinds but one

    for name, kind in job_kinds().items():
        if name not in {"ingest", "chain"}:  # the second needs options, and this exchange lists none
            given = {"source": "sandbox"} if "source" in kind.request.model_fields else {}
            wanted.append(submit(scene.workspace, name, kind.request(**given))[0])
    assert scene.worker("--once").wait(90) == 0
    good, bad, *rest = (show_job(scene.workspace, job.id) for job in wanted)
    assert (good.state, good.result is not None, good.eta_seconds) == (JobState.DONE, True, None)
    assert (bad.state, [error.kind for error in bad.errors], bad.errors[0].about) == (JobState.FAILED, ["NotListed"], "SIM:NOSUCHTHING")
    assert [job.state for job in rest] == [JobState.DONE] * len(rest)
