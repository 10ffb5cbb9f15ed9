from __future__ import annotations

import pytest

from qts.sandbox import Arrival, Meter
from qts.sandbox.arrivals import most_in_a_second


@pytest.mark.parametrize(
    ("instants", "admitted"),
    [
        pytest.param([0.0, 0.3, 0.6, 0.9], [True, True, True, False], id="a fourth within the second"),
        pytest.param([0.0, 0.3, 0.6, 1.0], [True, True, True, True], id="a fourth after a second"),
        pytest.param([0.0, 0.0, 0.0, 0.5, 1.2], [True, True, True, False, True], id="one too many counts, too"),
    ],
)
def test_three_candle_requests_a_second_are_admitted(instants: list[float], admitted: list[bool]) -> None:
    clock = iter(instants)
    meter = Meter(lambda: next(clock))
    assert [meter.admit("key", "historical")[1] for _ in instants] == admitted


def test_keys_and_kinds_are_counted_apart() -> None:
    meter = Meter(lambda: 0.0)
    assert [meter.admit(key, kind)[1] for key, kind in [("a", "quote"), ("b", "quote"), ("a", "historical"), ("a", "quote")]] == [
        True,
        True,
        True,
        False,
    ]


def test_the_log_shows_the_busiest_second() -> None:
    meter = Meter(lambda: 0.0)
    for at in (0.0, 0.4, 0.9, 1.0, 1.3, 5.0):
        meter.note(Arrival(at=at, key="k", kind="historical", path="/", status=200))
    assert [most_in_a_second(meter.arrivals, kind) for kind in ("historical", "quote")] == [4, 0]
