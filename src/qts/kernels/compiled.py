"""The compiled twins: the plain loops, handed to Numba. Importing this costs the compiler's import; ``twins`` does it when it pays."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.extending

from qts.kernels import (
    actions,
    arithmetic,
    booking,
    charging,
    decisions,
    endings,
    execution,
    fills,
    funding,
    hits,
    orders,
    state,
    trading,
    wishes,
)
from qts.kernels.cache import prepare_cache
from qts.kernels.fills import fills_loop
from qts.kernels.state import Run
from qts.kernels.trading import orders_loop

# The modules of the core, those that are called before those that call.
PARTS = (arithmetic, charging, funding, booking, decisions, wishes, endings, orders, hits, actions, fills, execution, trading)
# Called for every target: put in line, for a call hands over every column. The rest would take minutes to compile that way. Nothing in
# the loops allocates, so the compiler need not count references (``_nrt``), which halves its work.
HOT = frozenset(helper for part in PARTS for helper in part.HOT)


def _source_version() -> int:
    """Return a number that changes with the source of any loop: the compiler's own cache looks at one file only."""
    version = 0
    for module in (state, *PARTS):
        version = zlib.crc32(Path(str(module.__file__)).read_bytes(), version)
    return version


def _compile(version: int, *, cached: bool) -> tuple[Callable[..., Any], ...]:
    """Return the twins, compiled when first called. Each holds ``version`` in its closure, which makes it part of the cache's key."""
    # The compiler's hints do not name every option it takes.
    options: dict[str, Any] = {"cache": cached, "nogil": True, "error_model": "numpy", "_nrt": False}
    twin: Callable[[Callable[[Run], int]], Callable[[Run], int]] = numba.njit(**options)

    @twin
    def fills_nb(run: Run) -> int:
        fills_loop(run)
        return version

    @twin
    def orders_nb(run: Run) -> int:
        orders_loop(run)
        return version

    return fills_nb, orders_nb


for _loop in (helper for part in PARTS for helper in part.HELPERS):
    numba.extending.register_jitable(error_model="numpy", _nrt=False, forceinline=_loop in HOT)(_loop)

fills_nb, orders_nb = _compile(_source_version(), cached=prepare_cache(Path(__file__)))
