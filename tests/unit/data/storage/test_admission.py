from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from qts.core.errors import QueryStopped
from qts.data.storage import Admission


def waiting_for_a_turn(admission: Admission) -> int:
    return len(admission._line)  # noqa: SLF001 - nothing outside tells how many wait


def wait_until(admission: Admission, n_waiting: int) -> None:
    end = time.monotonic() + 5
    while waiting_for_a_turn(admission) != n_waiting:
        assert time.monotonic() < end, f"{waiting_for_a_turn(admission)} wait instead of {n_waiting}"
        time.sleep(0.001)


def test_turns_are_given_in_the_order_of_coming() -> None:
    admission, order = Admission(1), list[int]()

    def work(place: int) -> None:
        with admission.turn(10):
            order.append(place)

    with admission.turn(1):
        threads = []
        for place in range(8):
            threads.append(threading.Thread(target=work, args=(place,)))
            threads[-1].start()
            wait_until(admission, place + 1)
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))


def test_no_more_work_than_there_are_slots() -> None:
    admission, lock, now, most = Admission(2), threading.Lock(), [0], [0]

    def work() -> None:
        with admission.turn(10):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.002)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == [2]


def test_who_waits_too_long_is_told_and_takes_no_turn_from_others() -> None:
    admission = Admission(1)
    with admission.turn(1), pytest.raises(QueryStopped, match=r"kept it waiting for 0\.01 s"), admission.turn(0.01):
        pass
    with admission.turn(0.01):
        assert waiting_for_a_turn(admission) == 0


def test_a_long_line_sends_the_next_one_away() -> None:
    admission = Admission(1, most_waiting=0)
    with admission.turn(1), pytest.raises(QueryStopped, match="0 others are waiting"), admission.turn(1):
        pass


def test_a_turn_is_given_back_when_the_work_fails() -> None:
    admission = Admission(1)
    with pytest.raises(ZeroDivisionError), admission.turn(1):
        raise ZeroDivisionError
    with admission.turn(0.01):
        pass


def test_without_a_limit_all_wait_as_long_as_it_takes() -> None:
    admission, done = Admission(1, most_waiting=None), list[int]()

    def work() -> None:
        with admission.turn():
            done.append(1)

    threads = [threading.Thread(target=work) for _ in range(150)]
    with admission.turn():
        for thread in threads:
            thread.start()
        wait_until(admission, len(threads))
    for thread in threads:
        thread.join(10)
    assert len(done) == len(threads)


@pytest.fixture
def heard() -> Iterator[None]:
    """Have Ctrl-C heard: a process that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_who_is_interrupted_while_waiting_leaves_the_line() -> None:
    admission, main = Admission(1), threading.get_ident()
    threading.Timer(0.05, signal.pthread_kill, args=(main, signal.SIGINT)).start()
    with admission.turn(), pytest.raises(KeyboardInterrupt), admission.turn():
        pass
    assert waiting_for_a_turn(admission) == 0
    with admission.turn(0.01):
        pass
