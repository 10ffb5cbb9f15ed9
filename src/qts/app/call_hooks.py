"""What a caller may do while a client waits for its source: be woken, count what is asked again, hold back a session known to be dead."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHooks:
    """``sleep`` waits, ``on_retry`` hears of every request that is made again, ``may_use`` says whether a token may be tried."""

    sleep: Callable[[float], object] = time.sleep
    on_retry: Callable[[], object] = lambda: None
    may_use: Callable[[str], bool] = lambda _token: True


NO_HOOKS: Final = CallHooks()
