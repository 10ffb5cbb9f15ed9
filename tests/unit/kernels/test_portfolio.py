from __future__ import annotations

import numpy as np
import pytest

from qts.core.arrays import Floats
from qts.kernels.compiled_portfolio import portfolio_nb
from qts.kernels.crosses import CROSS
from qts.kernels.lean import terms_of
from qts.kernels.lean_account import N_ACCOUNT
from qts.kernels.portfolio import N_PURSE, N_TALLY, TOGETHER, Desk, Group, Purse, cells_together, portfolio_loop
from qts.kernels.signals import N_CELL, N_MIND
from qts.kernels.state import N_RATE, PERCENT_COST, SCHEDULED_COST
from qts.kernels.sweeping import new_room, tile_in
from qts.kernels.tiles import EXPONENTIAL, N_MEMORY, NEEDED, SPAN
from qts.kernels.twins import as_input

# Four are played together, and then two.
N = 6


def played(n_bars: int, *, cost_kind: int, compiled: bool, which: slice = slice(N)) -> tuple[Floats, Floats]:
    close = np.round(100.0 + np.cumsum(np.random.default_rng(n_bars).normal(0.0, 1.0, (N, n_bars)), axis=1))
    fresh = np.zeros((2, N_MEMORY))
    fresh[:, SPAN], fresh[:, NEEDED] = (2, 5), (1.0, 5.0)
    group = Group(
        ts=as_input(np.arange(n_bars, dtype=np.int64) * 20_000_000_000),
        open=(close + 0.25)[which],
        close=close[which],
        blocked=np.where(np.arange(N * n_bars).reshape(N, n_bars) % 7 == 3, 3, 0).astype(np.uint8)[which],
        ticks=np.array([[0.0, 500.0, n_bars // 2, 100.0], [0.0, 0.0, np.inf, 0.0], [n_bars // 3, 10_000.0, np.inf, 0.0]] * 2)[which],
        given=np.zeros((N, 0, 1))[which],
        series=np.array([(EXPONENTIAL, 0)] * 2),
        memory=np.zeros((2 * TOGETHER, N_MEMORY)),
        fresh=fresh,
        starts=as_input(np.array([1], dtype=np.int64)),
        rates=as_input(np.full((N, 2, N_RATE), 0.001)[which]),
    )
    cells, minds = np.zeros((1, N_CELL), dtype=np.int64), np.zeros((TOGETHER, N_MIND), dtype=np.int64)
    cells[0, :8] = [4, 1, CROSS, 0, 1, CROSS, 1, 0]
    cells, accounts = cells_together(cells, 2), np.zeros((TOGETHER, N_ACCOUNT))
    sums, tallies, room = np.zeros((N_PURSE, n_bars)), np.zeros((N, N_TALLY)), new_room(2 * TOGETHER, 64)
    numbers = np.array([0, 10.0, 0.0005, 0.0, cost_kind, 0.001, 0.0, 1.0, 0.0])
    if compiled:
        portfolio_nb(group, room, cells, minds, accounts, Purse(*sums), tallies, numbers)
    else:
        with np.errstate(over="ignore"):
            portfolio_loop(group, Desk(tile_in(room, cells, minds), Purse(*sums), terms_of(numbers), accounts), tallies)
    return sums, tallies


@pytest.mark.parametrize("cost_kind", [PERCENT_COST, SCHEDULED_COST])
@pytest.mark.parametrize("n_bars", [1, 5, 64, 65, 300])
def test_the_compiled_loop_and_the_plain_one_give_the_same_bits(n_bars: int, cost_kind: int) -> None:
    plain, compiled = (played(n_bars, cost_kind=cost_kind, compiled=compiled) for compiled in (False, True))
    np.testing.assert_array_equal(plain[0], compiled[0])
    np.testing.assert_array_equal(plain[1], compiled[1])
    assert n_bars < 300 or plain[1][:, 0].min() > 20  # fills of every instrument


def test_an_instrument_does_the_same_whoever_is_played_beside_it() -> None:
    _, tallies = played(300, cost_kind=PERCENT_COST, compiled=True)
    _, alone = played(300, cost_kind=PERCENT_COST, compiled=True, which=slice(5, 6))
    np.testing.assert_array_equal(tallies[5], alone[0])
