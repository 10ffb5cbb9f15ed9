"""The compiled sweep: the plain loops of ``sweeping``, handed to Numba. Importing this costs the compiler's import."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numba
import numba.extending
import numpy as np

from qts.core.arrays import Floats, Ints
from qts.kernels import (
    arithmetic,
    bill,
    charging,
    compiled,
    compiled_indicators,
    crosses,
    lean,
    lean_account,
    signals,
    smoothing,
    state,
    sweeping,
    tiles,
)
from qts.kernels.arithmetic import Cost, Size, Slip
from qts.kernels.cache import prepare_cache
from qts.kernels.crosses import Bytes
from qts.kernels.lean import Book, Terms
from qts.kernels.lean_account import MEASURES, N_ACCOUNT, measure
from qts.kernels.signals import N_CELL, N_MIND
from qts.kernels.state import N_RATE
from qts.kernels.sweeping import Sweep, sweep_loop
from qts.kernels.tiles import CONSTANT, N_MEMORY, Source
from qts.kernels.twins import as_input

# Importing the other twins hands their parts to the compiler, which these loops are made of, too.
PARTS_OF: Final = (compiled, compiled_indicators)

# Called once for an order, a tile or a day: put in line, they would be copied into every place they are called from.
_COLD: Final = (
    tiles.fill_rows,
    tiles.begin_average,
    tiles.four_averages,
    signals.find_events,
    signals.mask_events,
    signals.sign_changes,
    sweeping.new_tile,
)


def _source_version() -> int:
    """Return a number that changes with the source of any loop: the compiler's own cache looks at one file only."""
    version = 0
    for module in (state, arithmetic, bill, charging, smoothing, crosses, tiles, signals, lean_account, lean, sweeping):
        version = zlib.crc32(Path(str(module.__file__)).read_bytes(), version)
    return version


def _compile(version: int, *, cached: bool) -> Callable[..., int]:
    """Return the twin, compiled when first called. It holds ``version`` in its closure, which makes it part of the cache's key."""

    @numba.njit(cache=cached, nogil=True, error_model="numpy")
    def sweep_nb(  # noqa: PLR0913, PLR0917 - flat, since taking a tuple of arrays apart costs more than a short run
        ts: Ints,
        open_: Floats,
        close: Floats,
        blocked: Bytes,
        given: Floats,
        series: Ints,
        memory: Floats,
        cells: Ints,
        minds: Ints,
        accounts: Floats,
        curve: Floats,
        measures: Floats,
        starts: Ints,
        rates: Floats,
        numbers: Floats,
        start: int,
        stop: int,
    ) -> int:
        size = Size(int(numbers[0]), numbers[1], 1.0, 0.0)
        cost = Cost(int(numbers[4]), numbers[5], numbers[6])
        terms = Terms(size, Slip(numbers[2], numbers[3]), cost, numbers[7], numbers[8], numbers[9] != 0.0)
        book = Book(ts, open_, close, blocked, starts, rates, accounts, curve)
        sweep_loop(Sweep(Source(close, given, series, memory), cells, minds, book, terms), start, stop)
        if stop == len(close):
            for c in range(len(cells)):
                measure(accounts, c, stop, measures)
        return version

    twin: Callable[..., int] = sweep_nb
    return twin


for _loop in (*crosses.HELPERS, *tiles.HELPERS, *signals.HELPERS, *bill.HELPERS, *lean_account.HELPERS, *lean.HELPERS, *sweeping.HELPERS):
    _options: dict[str, Any] = {"error_model": "numpy", "forceinline": _loop not in _COLD}
    numba.extending.register_jitable(**_options)(_loop)

sweep_nb: Final = _compile(_source_version(), cached=prepare_cache(Path(__file__)))


def prepare() -> None:
    """Compile the loop, or load it where the cache has it, by calling it for two bars."""
    prices, none = as_input(np.ones(2)), as_input(np.zeros(0, dtype=np.int64))
    table, counts = np.zeros((1, N_ACCOUNT)), np.zeros((1, N_CELL), dtype=np.int64)
    sweep_nb(
        as_input(np.arange(2, dtype=np.int64)),
        prices,
        prices,
        as_input(np.zeros(0, dtype=np.uint8)),
        np.zeros((0, 1)),
        np.array([(CONSTANT, 0)]),
        np.zeros((1, N_MEMORY)),
        counts,
        np.zeros((1, N_MIND), dtype=np.int64),
        table,
        np.zeros(0),
        np.zeros((1, len(MEASURES))),
        none,
        as_input(np.zeros(N_RATE)),
        np.ones(10),
        0,
        2,
    )
