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
    compiled_fetch,
    compiled_indicators,
    crosses,
    lean,
    lean_account,
    pair,
    portfolio,
    signals,
    smoothing,
    state,
    sweeping,
    tiles,
)
from qts.kernels.cache import prepare_cache
from qts.kernels.crosses import Bytes, Words
from qts.kernels.lean import Book, terms_of
from qts.kernels.lean_account import MEASURES, N_ACCOUNT, measure
from qts.kernels.signals import N_CELL, N_MIND
from qts.kernels.state import N_RATE
from qts.kernels.sweeping import SHORTEST_TILE, Room, Sweep, new_room, sweep_loop, tile_in
from qts.kernels.tiles import CONSTANT, N_MEMORY, Source
from qts.kernels.twins import as_input

# Importing the other twins hands their parts to the compiler, which these loops are made of, too.
PARTS_OF: Final = (compiled, compiled_fetch, compiled_indicators)

# Called once for an order, a tile or a day: put in line, they would be copied into every place they are called from.
_COLD: Final = (
    bill.add_any,
    bill.begin_day,
    tiles.fill_rows,
    tiles.begin_average,
    tiles.four_averages,
    signals.find_events,
    signals.mask_events,
    signals.sign_changes,
    portfolio.eight_averages,
)


def _source_version() -> int:
    """Return a number that changes with the source of any loop: the compiler's own cache looks at one file only."""
    version = 0
    for module in (state, arithmetic, bill, charging, smoothing, crosses, tiles, signals, lean_account, lean, pair, sweeping, portfolio):
        version = zlib.crc32(Path(str(module.__file__)).read_bytes(), version)
    return version


def _compile(version: int, *, cached: bool) -> Callable[..., int]:
    """Return the twin, compiled when first called. It holds ``version`` in its closure, which makes it part of the cache's key."""
    # The compiler's hints do not name every option it takes. Nothing in the loop allocates, so it need not count references, which is
    # half its work, and more than half of the loop's.
    options: dict[str, Any] = {"cache": cached, "nogil": True, "error_model": "numpy", "_nrt": False}
    twin: Callable[[Callable[..., int]], Callable[..., int]] = numba.njit(**options)

    @twin
    def sweep_nb(  # noqa: PLR0913, PLR0917 - flat, since taking a tuple of arrays apart costs more than a short run
        ts: Ints,
        open_: Floats,
        close: Floats,
        blocked: Bytes,
        ticks: Floats,
        given: Floats,
        series: Ints,
        memory: Floats,
        cells: Ints,
        minds: Ints,
        accounts: Floats,
        curve: Floats,
        measures: Floats,
        rows: Floats,
        masks: Bytes,
        words: Words,
        events: Ints,
        starts: Ints,
        rates: Floats,
        numbers: Floats,
        start: int,
        stop: int,
    ) -> int:
        book = Book(ts, open_, close, blocked, ticks, starts, rates, accounts, curve)
        tile = tile_in(Room(rows, masks, words, events), cells, minds)
        sweep_loop(Sweep(Source(close, given, series, memory), tile, book, terms_of(numbers)), start, stop)
        if stop == len(close):
            for c in range(len(cells)):
                measure(accounts, c, stop, measures)
        return version

    return sweep_nb


for _loop in (
    *crosses.HELPERS,
    *tiles.HELPERS,
    *signals.HELPERS,
    *bill.HELPERS,
    *lean_account.HELPERS,
    *lean.HELPERS,
    *pair.HELPERS,
    *sweeping.HELPERS,
    *portfolio.HELPERS,
):
    _options: dict[str, Any] = {"error_model": "numpy", "_nrt": False, "forceinline": _loop not in _COLD}
    numba.extending.register_jitable(**_options)(_loop)

VERSION: Final = _source_version()
sweep_nb: Final = _compile(VERSION, cached=prepare_cache(Path(__file__)))


def prepare() -> None:
    """Compile the loop, or load it where the cache has it, by calling it for two bars."""
    prices, none = as_input(np.ones(2)), as_input(np.zeros(0, dtype=np.int64))
    table, counts = np.zeros((1, N_ACCOUNT)), np.zeros((1, N_CELL), dtype=np.int64)
    sweep_nb(
        as_input(np.arange(2, dtype=np.int64)),
        prices,
        prices,
        as_input(np.zeros(0, dtype=np.uint8)),
        as_input(np.zeros(0)),
        np.zeros((0, 1)),
        np.array([(CONSTANT, 0)]),
        np.zeros((1, N_MEMORY)),
        counts,
        np.zeros((1, N_MIND), dtype=np.int64),
        table,
        np.zeros(0),
        np.zeros((1, len(MEASURES))),
        *new_room(1, SHORTEST_TILE),
        none,
        as_input(np.zeros((1, N_RATE))),
        np.ones(9),
        0,
        2,
    )
