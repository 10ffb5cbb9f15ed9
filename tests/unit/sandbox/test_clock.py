from __future__ import annotations

from datetime import UTC, datetime, timedelta

from qts.core import IST
from qts.sandbox import VirtualClock

START = datetime(2026, 1, 5, 9, 15, tzinfo=IST)


class Steps:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def test_it_runs_so_many_times_as_fast() -> None:
    ours = Steps()
    clock = VirtualClock(ours, began_at=START, speed=60.0)
    ours.at += timedelta(seconds=2)
    assert clock.now() == START + timedelta(minutes=2)


def test_it_stands_still_at_speed_zero_and_can_be_put_forward() -> None:
    ours = Steps()
    clock = VirtualClock(ours, began_at=START, speed=0.0)
    ours.at += timedelta(days=1)
    assert clock.advance(timedelta(hours=21)) == START + timedelta(hours=21)
