"""The compiled twins: the plain loops, handed to Numba. Importing this costs the compiler's import; ``twins`` does it when it pays."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.extending

from qts.kernels import arithmetic, averages, charging, fills, funding, oscillators, state
from qts.kernels.averages import ema_loop
from qts.kernels.cache import prepare_cache
from qts.kernels.fills import fills_loop
from qts.kernels.oscillators import atr_loop, rsi_loop
from qts.kernels.state import Run
from qts.kernels.twins import Column

# Seldom called, and long: the rest is put in line, which spares a count of references for every array at every call.
COLD = (funding.affordable, charging.scheduled_cost, fills.square_at_open, fills.square_at_close, fills.finish, fills.ruin)


def _source_version() -> int:
    """Return a number that changes with the source of any loop: the compiler's own cache looks at one file only."""
    version = 0
    for module in (averages, oscillators, state, arithmetic, charging, funding, fills):
        version = zlib.crc32(Path(str(module.__file__)).read_bytes(), version)
    return version


def _compile(version: int, *, cached: bool) -> tuple[Callable[..., Any], ...]:
    """Return the twins, compiled when first called. Each holds ``version`` in its closure, which makes it part of the cache's key."""
    twin = numba.njit(cache=cached, nogil=True, error_model="numpy")

    @twin
    def ema_nb(values: Column, out: Column, span: int, needed: int) -> int:
        ema_loop(values, out, span, needed)
        return version

    @twin
    def rsi_nb(values: Column, out: Column, span: int) -> int:
        rsi_loop(values, out, span)
        return version

    @twin
    def atr_nb(prices: tuple[Column, Column, Column], out: Column, span: int) -> int:
        atr_loop(prices, out, span)
        return version

    @twin
    def fills_nb(run: Run) -> int:
        fills_loop(run)
        return version

    return ema_nb, rsi_nb, atr_nb, fills_nb


for _loop in (ema_loop, rsi_loop, atr_loop, *arithmetic.HELPERS, *charging.HELPERS, *funding.HELPERS, *fills.HELPERS):
    numba.extending.register_jitable(error_model="numpy", forceinline=_loop not in COLD)(_loop)

ema_nb, rsi_nb, atr_nb, fills_nb = _compile(_source_version(), cached=prepare_cache(Path(__file__)))
