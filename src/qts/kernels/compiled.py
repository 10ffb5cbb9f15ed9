"""The compiled twins: the plain loops, handed to Numba. Importing this costs the compiler's import; ``twins`` does it when it pays."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.extending

from qts.kernels import arithmetic, charging, fills, funding, state
from qts.kernels.cache import prepare_cache
from qts.kernels.fills import fills_loop
from qts.kernels.state import Run

# Seldom called, and long: the rest is put in line, which spares a count of references for every array at every call.
COLD = (funding.affordable, charging.scheduled_cost, fills.square_at_open, fills.square_at_close, fills.finish, fills.ruin)


def _source_version() -> int:
    """Return a number that changes with the source of any loop: the compiler's own cache looks at one file only."""
    version = 0
    for module in (state, arithmetic, charging, funding, fills):
        version = zlib.crc32(Path(str(module.__file__)).read_bytes(), version)
    return version


def _compile(version: int, *, cached: bool) -> tuple[Callable[..., Any], ...]:
    """Return the twins, compiled when first called. Each holds ``version`` in its closure, which makes it part of the cache's key."""
    twin = numba.njit(cache=cached, nogil=True, error_model="numpy")

    @twin
    def fills_nb(run: Run) -> int:
        fills_loop(run)
        return version

    return (fills_nb,)


for _loop in (*arithmetic.HELPERS, *charging.HELPERS, *funding.HELPERS, *fills.HELPERS):
    numba.extending.register_jitable(error_model="numpy", forceinline=_loop not in COLD)(_loop)

(fills_nb,) = _compile(_source_version(), cached=prepare_cache(Path(__file__)))
