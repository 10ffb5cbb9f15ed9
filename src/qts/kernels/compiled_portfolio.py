"""The compiled loop over many instruments on one account: the plain one of ``portfolio``. Importing this costs the compiler's import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numba
import numpy as np

from qts.core.arrays import Floats, Ints
from qts.kernels.cache import prepare_cache
from qts.kernels.compiled_sweep import VERSION
from qts.kernels.lean import terms_of
from qts.kernels.lean_account import N_ACCOUNT
from qts.kernels.portfolio import N_TALLY, TOGETHER, Desk, Group, Purse, portfolio_loop
from qts.kernels.signals import N_CELL, N_MIND
from qts.kernels.state import N_RATE
from qts.kernels.sweeping import SHORTEST_TILE, Room, new_room, tile_in
from qts.kernels.tiles import CONSTANT, N_MEMORY
from qts.kernels.twins import as_input


def _compile(version: int, *, cached: bool) -> Callable[..., int]:
    """Return the twin, compiled when first called. It holds ``version`` in its closure, which makes it part of the cache's key."""
    # As the sweep: nothing in the loop allocates.
    options: dict[str, Any] = {"cache": cached, "nogil": True, "error_model": "numpy", "_nrt": False}
    twin: Callable[[Callable[..., int]], Callable[..., int]] = numba.njit(**options)

    @twin
    def portfolio_nb(  # noqa: PLR0917 - called from one place, with tuples of arrays as they are
        group: Group, room: Room, cells: Ints, minds: Ints, accounts: Floats, purse: Purse, tallies: Floats, numbers: Floats
    ) -> int:
        portfolio_loop(group, Desk(tile_in(room, cells, minds), purse, terms_of(numbers), accounts), tallies)
        return version

    return portfolio_nb


portfolio_nb: Final = _compile(VERSION, cached=prepare_cache(Path(__file__)))


def prepare() -> None:
    """Compile the loop, or load it where the cache has it, by calling it for two bars of one instrument."""
    prices = np.ones((1, 2))
    group = Group(
        ts=as_input(np.arange(2, dtype=np.int64)),
        open=prices,
        close=prices,
        blocked=np.zeros((1, 0), dtype=np.uint8),
        ticks=np.zeros((1, 0)),
        given=np.zeros((1, 0, 1)),
        series=np.array([(CONSTANT, 0)]),
        memory=np.zeros((TOGETHER, N_MEMORY)),
        fresh=np.zeros((1, N_MEMORY)),
        starts=as_input(np.zeros(0, dtype=np.int64)),
        rates=as_input(np.zeros((1, 1, N_RATE))),
    )
    cells, minds = np.zeros((TOGETHER, N_CELL), dtype=np.int64), np.zeros((TOGETHER, N_MIND), dtype=np.int64)
    purse, accounts = Purse(np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2)), np.zeros((TOGETHER, N_ACCOUNT))
    portfolio_nb(group, new_room(TOGETHER, SHORTEST_TILE), cells, minds, accounts, purse, np.zeros((1, N_TALLY)), np.ones(9))
