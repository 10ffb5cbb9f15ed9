from __future__ import annotations

import pytest

from qts.core.errors import SourceDown
from qts.data.kite.breaker import Breaker


def test_it_opens_after_failures_in_a_row_and_lets_one_try_after_the_pause() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0], n_failures=3, pause=30.0)
    for is_answered in (False, False, True, False, False):
        breaker.check()
        breaker.note(is_answered=is_answered)
    breaker.check()
    breaker.note(is_answered=False)
    with pytest.raises(SourceDown, match="3 requests failed in a row, and none is made for another 30 s"):
        breaker.check()
    now[0] = 30.0
    breaker.check()
    with pytest.raises(SourceDown, match="another 30 s"):  # one tries, nobody else
        breaker.check()
    breaker.note(is_answered=False)
    with pytest.raises(SourceDown, match="another 30 s"):
        breaker.check()
    now[0] = 60.0
    breaker.check()
    breaker.note(is_answered=True)
    breaker.check()
