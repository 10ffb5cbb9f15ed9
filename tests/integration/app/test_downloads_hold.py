"""Downloads by several workers at once, over replies that go wrong, sessions that end and processes that are killed.

These are the heavy forms: ``QTS_STRESS=50`` runs fifty seeds and a hundred kills. What runs with every change is in ``test_jobs.py`` and in
``tests/integration/data/test_ingest.py``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from qts.app.broker import log_in
from qts.app.clock import SystemClock
from qts.app.ingest_document import IngestRequest
from qts.app.ingesting import ingest
from qts.app.jobs.asking import list_jobs, show_job, submit
from qts.app.jobs.document import PENDING, JobDocument, JobState
from qts.app.requests import build
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST, Bars, Exchange, InstrumentId, Interval, instant_of
from qts.data.kite import pacing
from qts.data.storage import SeriesKey
from qts.market.sessions import sessions
from qts.sandbox import Accounts, App, Arrival, Fault, FaultPlan, Listed, Meter, Sandbox, VirtualClock
from qts.sandbox.arrivals import most_in_a_second

STRESS: Final = int(os.environ.get("QTS_STRESS", "0"))
pytestmark = [pytest.mark.crash, pytest.mark.skipif(not STRESS, reason="QTS_STRESS asks for it"), pytest.mark.timeout(7200)]
KEY: Final = "sharedkey"
SECRET: Final = "shared-secret"  # noqa: S105 - of an exchange that does not exist
APP: Final = App(api_key=KEY, api_secret=SECRET)
# How many times the broker's limits and pace; the slack between the two is as large as ever.
FASTER: Final = 3
LIMITS: Final = {"quote": FASTER, "historical": 3 * FASTER, "other": 10 * FASTER}
FIRST: Final = date(2015, 6, 1)
START: Final = date(2021, 12, 1)
END: Final = date(2025, 12, 31)
# At the last calls of two jobs one may have done all of its own.
RESTS: Final = (JobState.WAITING_FOR_LOGIN, JobState.QUEUED, JobState.DONE)
Serve = Callable[[Sandbox], str]


class Thin:
    """A market of shares that trade in five minutes of a day: years of windows, and not many bars."""

    def __init__(self, n_listed: int) -> None:
        self.listings = tuple(
            Listed(token=(2_000 + i) << 8 | 1, symbol=f"THIN{i:02d}", exchange="SIM", segment="SIM") for i in range(n_listed)
        )

    def minutes(self, listed: Listed) -> Bars:
        return thin_minutes(listed.key)

    def days(self, listed: Listed) -> Bars:
        return replace(thin_minutes(listed.key).window(0, 0), interval=Interval.DAY)


@lru_cache(maxsize=64)
def thin_minutes(name: str) -> Bars:
    rng = np.random.default_rng(sum(name.encode()))
    opens = [
        int(datetime(day.date.year, day.date.month, day.date.day, 9, 15, tzinfo=IST).timestamp()) * 1_000_000
        for day in sessions(Exchange.SIM, FIRST, END)
    ]
    ts = (np.array(opens)[:, None] + np.array([0, 1, 60, 200, 374]) * 60_000_000).ravel()
    close = np.round(100 + rng.normal(0, 0.05, len(ts)).cumsum(), 2)
    open_ = np.append(close[:1], close[:-1])
    high, low = np.maximum(open_, close) + 0.05, np.minimum(open_, close) - 0.05
    volume = rng.integers(1, 1000, len(ts)).astype(np.float64)
    columns = {"open": open_, "high": np.round(high, 2), "low": np.round(low, 2), "close": close, "volume": volume}
    return Bars(instrument=InstrumentId(name), interval=Interval.MINUTE_1, ts=ts, oi=np.zeros(len(ts)), **columns)


@dataclass(slots=True)
class Forge:
    """Where workers come from."""

    process: subprocess.Popen[str]
    folder: Path
    pids: list[int] = field(default_factory=list)

    def start(self, environment: dict[str, str], *words: str) -> int:
        told = environment | {"FORKED_LOG": str(self.folder / f"{len(self.pids)}.log"), "FORKED_FASTER": str(FASTER)}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"environment": told, "words": list(words)}) + "\n")
        self.process.stdin.flush()
        self.pids.append(int(self.process.stdout.readline()))
        return self.pids[-1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    script = Path(__file__).with_name("forked_workers.py")
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        made = Forge(process, tmp_path_factory.mktemp("forge"))
        yield made
        for pid in made.pids:
            kill(pid)
        assert process.stdin is not None
        process.stdin.close()


@dataclass(slots=True)
class Scene:
    """A home, its exchange, and the workers of that home."""

    sandbox: Sandbox
    workspace: Workspace
    forge: Forge
    environment: dict[str, str]
    workers: list[int] = field(default_factory=list)

    def log_in(self) -> None:
        log_in(self.workspace, self.sandbox.accounts.log_in(APP))

    def submit(self, names: Sequence[str], **options: Any) -> JobDocument:
        given = {"interval": "1m", "start": START, "end": END, "source": "kite"} | options
        return submit(self.workspace, "ingest", build(IngestRequest, instruments=list(names), **given))[0]

    def work(self, n_workers: int = 1) -> None:
        self.workers += [self.forge.start(self.environment, "worker") for _ in range(n_workers)]

    def end(self) -> None:
        for pid in self.workers:
            kill(pid, signal.SIGTERM)
        self.wait(lambda: all(map(has_ended, self.workers)), seconds=30)
        self.workers.clear()

    def wait(self, until: Callable[[], object], *, seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, list_jobs(self.workspace)
            time.sleep(0.02)

    def ended(self, jobs: Sequence[JobDocument], *, seconds: float = 240.0) -> list[JobDocument]:
        self.wait(lambda: all(show_job(self.workspace, job.id).state not in PENDING for job in jobs), seconds=seconds)
        return [show_job(self.workspace, job.id) for job in jobs]

    def n_refused(self, before: int) -> int:
        return sum(one.status == 403 for one in self.sandbox.meter.arrivals[before:])

    def are_all(self, jobs: Sequence[JobDocument], states: Sequence[JobState]) -> bool:
        return all(show_job(self.workspace, job.id).state in states for job in jobs)

    def has_moved(self, n_calls: int, jobs: Sequence[JobDocument]) -> bool:
        return len(self.calls()) > n_calls or self.are_all(jobs, [JobState.DONE])

    def calls(self) -> list[Arrival]:
        return [one for one in self.sandbox.meter.arrivals if one.kind == "historical"]


@pytest.fixture
def stage(tmp_path: Path, serve: Serve, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scene]]:
    opened: list[Scene] = []
    for kind, seconds in dict(pacing.SPACING).items():
        monkeypatch.setitem(pacing.SPACING, kind, seconds / FASTER)

    def make(name: str, market: Thin) -> Scene:
        clock = VirtualClock(SystemClock(), began_at=SystemClock().now(), speed=0.0)
        sandbox = Sandbox(market, Accounts([APP], clock), clock=clock, meter=Meter(time.monotonic, limits=LIMITS))
        settings = {"home": str(tmp_path / name), "kite_root": f"http://{serve(sandbox)}", "keep_free": "0"}
        settings["key_file"] = str(tmp_path / f"{name}.key")
        workspace = open_workspace(load_settings(**settings, kite_api_key=KEY, kite_api_secret=SECRET))
        environment = {f"QTS_{key.upper()}": value for key, value in settings.items()}
        opened.append(Scene(sandbox, workspace, forge, environment | {"KITE_API_KEY": KEY, "KITE_API_SECRET": SECRET}))
        return opened[-1]

    yield make
    for scene in opened:
        for pid in scene.workers:
            kill(pid)
        scene.workspace.close()


def require_all(scene: Scene, market: Thin, *, start: date, names: Sequence[str] | None = None) -> None:
    """Require that the store holds every bar that the exchange has from a date on, once, and no other."""
    for listed in market.listings:
        if names is not None and listed.key not in names:
            continue
        held = scene.workspace.store.read(SeriesKey(instrument=InstrumentId(listed.key), interval=Interval.MINUTE_1))
        true = market.minutes(listed)
        first = int(np.searchsorted(true.ts, int(datetime(start.year, start.month, start.day, tzinfo=IST).timestamp()) * 1_000_000))
        for column in ("ts", "open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(getattr(held, column), getattr(true, column)[first:])


def tell(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)  # noqa: T201 - what the proof comes to, shown by `pytest -s`


def direct(scene: Scene, names: Sequence[str], *, start: date) -> str:
    request = build(IngestRequest, instruments=list(names), interval="1m", start=start, end=END, source="kite")
    found = ingest(scene.workspace, request)
    assert found.complete
    return found.snapshot


def test_faulty_replies_to_several_workers_change_no_byte_and_break_no_limit(stage: Callable[..., Scene]) -> None:
    start, market = date(2024, 9, 2), Thin(8)
    names = [listed.key for listed in market.listings]
    sound = stage("sound", market)
    sound.log_in()
    expected, n_sound = direct(sound, names, start=start), len(sound.calls())
    for seed in range(STRESS):
        scene = stage(f"seed{seed}", market)
        scene.log_in()
        scene.sandbox.faults = FaultPlan(share=0.2, seed=seed)
        jobs = [scene.submit([name], start=start) for name in names]
        scene.work(4)
        ended = scene.ended(jobs)
        scene.end()
        assert [(job.state, job.errors) for job in ended] == [(JobState.DONE, ())] * len(jobs)
        assert scene.workspace.store.snapshot() == expected
        require_all(scene, market, start=start)
        arrivals, calls = scene.sandbox.meter.arrivals, scene.calls()
        most = {kind: most_in_a_second(arrivals, kind) for kind in LIMITS}
        tell(seed=seed, calls=len(calls), sound=n_sound, spoiled=sum(bool(one.fault) for one in calls), **most)
        assert n_sound <= len(calls) <= 3 * n_sound
        assert {kind: n for kind, n in most.items() if n > LIMITS[kind]} == {}
        assert [one for one in arrivals if one.status == 429 and not one.fault] == []
        scene.workspace.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnds(FaultPlan):
    """Ends every session at the request of a place, as the broker does at night."""

    accounts: Accounts
    place: int

    def fault(self, place: int) -> Fault | None:
        """Return what goes wrong with the request at this place."""
        if place != self.place:
            return None
        self.accounts.end_all()
        return Fault.DEAD_TOKEN


def test_a_session_that_ends_at_any_call_of_a_job_pauses_it_until_the_login(stage: Callable[..., Scene]) -> None:
    # A job of sixty requests for each of them, and beside it another one in another worker.
    n_calls = 60
    start = END - timedelta(days=60 * n_calls - 1)
    n_jobs = min(n_calls, 6 * STRESS // 5)
    market = Thin(2 * n_jobs)
    scene = stage("home", market)
    scene.log_in()
    scene.work(2)
    for place in range(0, n_calls, max(1, n_calls // n_jobs)):
        names = [market.listings[2 * place].key, market.listings[2 * place + 1].key]
        before = len(scene.sandbox.meter.arrivals)
        # The list of instruments is asked for once a day only; both jobs ask in turns.
        ends_at = before + 2 * place + (2 if place == 0 else 0)
        scene.sandbox.faults = SessionEnds(accounts=scene.sandbox.accounts, place=ends_at)
        jobs = [scene.submit([name], start=start) for name in names]
        scene.wait(partial(scene.n_refused, before))
        at = time.monotonic()
        scene.wait(partial(scene.are_all, jobs, RESTS))
        seen = time.monotonic() - at
        waiting = [show_job(scene.workspace, job.id) for job in jobs]
        time.sleep(1.0)
        n_refused = scene.n_refused(before)
        tell(place=place, seconds=round(seen, 2), refused=n_refused, states=[job.state for job in waiting])
        assert seen <= 5
        assert n_refused <= 2
        assert any(job.state is JobState.WAITING_FOR_LOGIN and "qts login" in job.errors[0].hint for job in waiting)
        scene.log_in()
        ended = scene.ended(jobs)
        assert [(job.state, job.done, job.errors) for job in ended] == [(JobState.DONE, n_calls, ())] * 2
        require_all(scene, market, start=start, names=names)
    scene.end()


def test_a_hundred_kills_lose_nothing_and_do_nothing_twice(stage: Callable[..., Scene]) -> None:
    chance, n_kills, n_done, slowest, start = random.Random("kills"), 2 * STRESS, 0, 0.0, date(2024, 3, 1)  # noqa: S311 - when to kill
    market = Thin(4)
    names = [listed.key for listed in market.listings]
    whole = stage("whole", market)
    whole.log_in()
    expected, n_windows = direct(whole, names, start=start), len(whole.calls())
    while n_done < n_kills:
        scene = stage(f"home{n_done}", market)
        scene.log_in()
        jobs = [scene.submit(names[:2], start=start), scene.submit(names[2:], start=start)]
        in_home = 0
        while n_done < n_kills and in_home < 10:
            began, before = time.monotonic(), len(scene.calls())
            is_web = chance.random() < 0.2
            server = scene.forge.start(scene.environment, "serve", "--port", str(free_port())) if is_web else None
            scene.work(1)
            scene.wait(partial(scene.has_moved, before, jobs))
            if scene.are_all(jobs, [JobState.DONE]):
                break
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(chance.random() * 0.6)
            for pid in (server, scene.workers.pop()):
                if pid is not None:
                    kill(pid)
                    n_done, in_home = n_done + 1, in_home + 1
        scene.work(1)
        ended = scene.ended(jobs)
        scene.end()
        assert [(job.state, job.errors, job.attempt, job.progress) for job in ended] == [(JobState.DONE, (), 1, 1.0)] * 2
        assert sorted(job.id for job in list_jobs(scene.workspace)) == sorted(job.id for job in jobs)
        assert scene.workspace.store.snapshot() == expected
        require_all(scene, market, start=start)
        # Two jobs at once in a worker: each had one request under way when it was killed.
        assert n_windows <= len(scene.calls()) <= n_windows + 2 * in_home
        series = [one for job in ended for one in (job.result or {})["series"]]
        given = [sum(int(one[name]) for one in series) for name in ("stored", "unchanged", "changed")]
        held = sum(info.n_bars for info in scene.workspace.store.series())
        tell(kills=n_done, calls=len(scene.calls()), windows=n_windows, slowest_resume=round(slowest, 1), given=given, held=held)
        assert (given[0] + given[1], given[2]) == (held, 0)
        assert slowest <= 30
        scene.workspace.close()


def test_the_time_that_a_job_takes_is_told_within_a_fifth(stage: Callable[..., Scene]) -> None:
    market = Thin(20)
    scene = stage("home", market)
    scene.log_in()
    job = scene.submit([listed.key for listed in market.listings])
    scene.work(1)
    scene.wait(lambda: show_job(scene.workspace, job.id).total > 0)
    total, told = show_job(scene.workspace, job.id).total, {}
    for share in (0.1, 0.5, 0.9):
        scene.wait(lambda share=share: show_job(scene.workspace, job.id).done >= share * total, seconds=900)  # type: ignore[misc]
        found = show_job(scene.workspace, job.id)
        assert found.eta_seconds is not None
        told[share] = (time.monotonic(), found.eta_seconds)
    scene.ended([job], seconds=900)
    ended = time.monotonic()
    misses = {share: round(eta / (ended - at) - 1, 3) for share, (at, eta) in told.items()}
    tell(windows=total, misses=misses, told={share: (eta, round(ended - at, 1)) for share, (at, eta) in told.items()})
    assert total >= 500
    assert all(abs(miss) <= 0.2 for miss in misses.values())
    scene.end()


def test_two_hundred_deleted_bars_are_asked_for_again_and_nothing_else(stage: Callable[..., Scene]) -> None:
    chance, start, market = random.Random("holes"), date(2024, 9, 2), Thin(4)  # noqa: S311 - which bars
    names = [listed.key for listed in market.listings]
    scene = stage("home", market)
    scene.log_in()
    expected, n_calls = direct(scene, names, start=start), len(scene.calls())
    assert (direct(scene, names, start=start), len(scene.calls())) == (expected, n_calls)
    deleted: dict[str, set[date]] = {name: set() for name in names}
    for _ in range(200):
        key = SeriesKey(instrument=InstrumentId(chance.choice(names)), interval=Interval.MINUTE_1)
        at = instant_of(int(chance.choice(scene.workspace.store.read(key).ts.tolist())))
        scene.workspace.store.delete(key, start=at, end=at + timedelta(minutes=1), at=SystemClock().now())
        deleted[str(key.instrument)].add(at.astimezone(IST).date())
    plan = ingest(
        scene.workspace, build(IngestRequest, instruments=names, interval="1m", start=start, end=END, source="kite", dry_run=True)
    )
    for name in names:
        windows = [(date.fromisoformat(one.start), date.fromisoformat(one.end)) for one in plan.windows if one.instrument == name]
        days = deleted[name]
        assert all(any(first <= day <= last for first, last in windows) for day in days)
        assert all({first, last} <= days for first, last in windows)
        assert sum(len([day for day in days if first <= day <= last]) for first, last in windows) == len(days)
    assert (direct(scene, names, start=start), len(scene.calls())) == (expected, n_calls + len(plan.windows))
    require_all(scene, market, start=start)
    tell(deleted=200, days=sum(map(len, deleted.values())), windows=len(plan.windows))
