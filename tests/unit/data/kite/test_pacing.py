from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import ExitStack
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


def go(pacer: Pacer, kind: CallKind) -> None:
    """Let a request go that is answered at once."""
    with pacer.going(kind) as answered:
        answered()


def test_requests_of_a_kind_go_one_by_one_and_kinds_apart(control: ControlDatabase) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    for kind in (CallKind.HISTORICAL, CallKind.QUOTE, CallKind.HISTORICAL, CallKind.HISTORICAL, CallKind.QUOTE):
        go(pacer, kind)
    assert time_.slept == [0.36, 0.36, 0.33]


def test_another_process_and_a_restart_keep_the_pace_and_another_key_has_its_own(control: ControlDatabase) -> None:
    time_ = Time()
    for key in ("key", "key", "other"):
        go(Pacer(control.database, key, clock=time_, sleep=time_.sleep), CallKind.QUOTE)
    assert time_.slept == [1.05]


def test_a_hold_is_for_all_and_the_longest_one_holds(control: ControlDatabase) -> None:
    time_ = Time()
    first, second = (Pacer(control.database, "key", clock=time_, sleep=time_.sleep) for _ in range(2))
    first.hold(CallKind.OTHER, 9.0)
    first.hold(CallKind.OTHER, 2.0)
    go(second, CallKind.OTHER)
    assert time_.slept == [9.0]


@pytest.mark.parametrize("by", [pytest.param(timedelta(hours=-3), id="put back"), pytest.param(timedelta(hours=3), id="put forward")])
def test_a_clock_that_was_corrected_stops_nobody(control: ControlDatabase, by: timedelta) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    go(pacer, CallKind.OTHER)
    pacer.hold(CallKind.OTHER, 60.0)
    time_.at += by
    go(pacer, CallKind.OTHER)
    assert sum(time_.slept) <= 60.0


def test_a_clock_that_is_put_back_lets_nothing_go_too_soon(control: ControlDatabase) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    go(pacer, CallKind.QUOTE)
    time_.at -= timedelta(minutes=10)
    go(pacer, CallKind.QUOTE)
    assert sum(time_.slept) == pytest.approx(SPACING[CallKind.QUOTE])


@pytest.mark.parametrize(
    ("kind", "n_slots", "window"), [(CallKind.QUOTE, 1, 1.01), (CallKind.HISTORICAL, 3, 1.01), (CallKind.OTHER, 10, 1.01)]
)
def test_no_second_can_hold_more_arrivals_than_allowed_though_requests_are_held_up(
    control: ControlDatabase, kind: CallKind, n_slots: int, window: float
) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    with ExitStack() as under_way:
        for _ in range(n_slots):
            under_way.enter_context(pacer.going(kind))
        time_.at += timedelta(seconds=5)
    answered_at = time_.at
    go(Pacer(control.database, "key", clock=time_, sleep=time_.sleep), kind)
    assert timedelta(seconds=window) <= time_.at - answered_at < timedelta(seconds=window + 0.1)


def test_a_request_whose_process_was_killed_keeps_its_slot_for_some_seconds_only(control: ControlDatabase) -> None:
    time_ = Time()
    pacer = Pacer(control.database, "key", clock=time_, sleep=time_.sleep)
    killed = pacer.going(CallKind.QUOTE)
    killed.__enter__()
    began = time_.at
    go(pacer, CallKind.QUOTE)
    assert timedelta(seconds=9) < time_.at - began < timedelta(seconds=9.1)
    # Its answer, should there be one after all, frees nothing that is another's.
    killed.__exit__(None, None, None)
    go(pacer, CallKind.QUOTE)
    assert time_.at - began > timedelta(seconds=10)


def test_the_key_is_not_in_the_database(control: ControlDatabase, tmp_path: Path) -> None:
    time_ = Time()
    go(Pacer(control.database, "canary-key", clock=time_, sleep=time_.sleep), CallKind.OTHER)
    control.close()
    assert not any(b"canary-key" in file.read_bytes() for file in tmp_path.iterdir())


def ask(path: Path, n_requests: int, instants: multiprocessing.Queue[float]) -> None:
    control = ControlDatabase.open(path)
    pacer = Pacer(control.database, "key", clock=SystemClock(), sleep=time.sleep)
    for _ in range(n_requests):
        go(pacer, CallKind.OTHER)
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
