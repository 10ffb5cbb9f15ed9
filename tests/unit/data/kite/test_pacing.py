from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qts.app.clock import SystemClock
from qts.app.control import ControlDatabase
from qts.data.kite.pacing import SPACING, CallKind, Pacer


class Time:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlDatabase]:
    opened = ControlDatabase.open(tmp_path / "control.sqlite")
    yield opened
    opened.close()


def test_requests_of_a_kind_go_one_by_one_and_kinds_apart(control: ControlDatabase) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    for kind in (CallKind.HISTORICAL, CallKind.QUOTE, CallKind.HISTORICAL, CallKind.HISTORICAL, CallKind.QUOTE):
        pacer.wait(kind)
    assert time_.slept == [0.36, 0.36, 0.33]


def test_another_process_and_a_restart_keep_the_pace_and_another_key_has_its_own(control: ControlDatabase) -> None:
    time_ = Time()
    for key in ("key", "key", "other"):
        Pacer(control.database, key, clock=time_, sleep=time_.sleep).wait(CallKind.QUOTE)
    assert time_.slept == [1.05]


def test_a_hold_is_for_all_and_the_longest_one_holds(control: ControlDatabase) -> None:
    time_ = Time()
    first, second = (Pacer(control.database, "key", clock=time_, sleep=time_.sleep) for _ in range(2))
    first.hold(CallKind.OTHER, 9.0)
    first.hold(CallKind.OTHER, 2.0)
    second.wait(CallKind.OTHER)
    assert time_.slept == [9.0]


@pytest.mark.parametrize("by", [pytest.param(timedelta(hours=-3), id="put back"), pytest.param(timedelta(hours=3), id="put forward")])
def test_a_clock_that_was_corrected_stops_nobody(control: ControlDatabase, by: timedelta) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    pacer.wait(CallKind.OTHER)
    pacer.hold(CallKind.OTHER, 60.0)
    time_.at += by
    pacer.wait(CallKind.OTHER)
    assert sum(time_.slept) <= 60.0


def test_a_clock_that_is_put_back_lets_nothing_go_too_soon(control: ControlDatabase) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    pacer.wait(CallKind.QUOTE)
    time_.at -= timedelta(minutes=10)
    pacer.wait(CallKind.QUOTE)
    assert sum(time_.slept) == pytest.approx(SPACING[CallKind.QUOTE])


def test_the_key_is_not_in_the_database(control: ControlDatabase, tmp_path: Path) -> None:
    time_ = Time()
    Pacer(control.database, "canary-key", clock=time_, sleep=time_.sleep).wait(CallKind.OTHER)
    control.close()
    assert not any(b"canary-key" in file.read_bytes() for file in tmp_path.iterdir())


def ask(path: Path, n_requests: int, instants: multiprocessing.Queue[float]) -> None:
    control = ControlDatabase.open(path)
    pacer = Pacer(control.database, "key", clock=SystemClock(), sleep=time.sleep)
    for _ in range(n_requests):
        pacer.wait(CallKind.OTHER)
        instants.put(time.time())  # noqa: TID251 - processes have no other clock in common


def test_processes_that_share_a_key_keep_the_pace_together(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    ControlDatabase.open(path).close()
    context = multiprocessing.get_context("spawn")
    instants = context.Queue()
    workers = [context.Process(target=ask, args=(path, 4, instants)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = sorted(instants.get(timeout=240) for _ in range(8))
    for worker in workers:
        worker.join(10)
    # What a process does after it may go is not ours: the whole cannot be faster than the pace, whatever the machine does.
    assert found[-1] - found[0] >= 6 * SPACING[CallKind.OTHER]
