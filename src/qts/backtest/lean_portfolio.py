"""The compiled way of one rule on many instruments that share an account: each played for itself, as long as cash never says no.

What it cannot do it leaves to the fills loop: another timeline for some instrument, sizes by equity, an account that cash limits.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qts.backtest.bar_facts import BarFacts
from qts.backtest.evaluation import of_curve
from qts.backtest.lean_sweep import Shelf, is_lean_account, numbers_of
from qts.backtest.rule_cells import RuleCells
from qts.core.arrays import Floats, Ints
from qts.core.bars import Bars
from qts.kernels.crosses import Bytes
from qts.kernels.lean_account import MEASURES, N_ACCOUNT, Tally
from qts.kernels.portfolio import N_PURSE, N_TALLY, TOGETHER, Group, Purse, cells_together
from qts.kernels.signals import N_MIND
from qts.kernels.state import BY_EQUITY, N_RATE, N_TICK, Rules
from qts.kernels.sweeping import new_room, tile_length
from qts.kernels.tiles import N_MEMORY
from qts.kernels.twins import as_input

# Instruments are copied side by side, as many at a time as stay in the cache: two columns of so many bars are a megabyte.
CELLS_AT_ONCE: Final = 65_536
# The rows of a tile are written side by side. Rows whose beginnings are 4,096 bytes apart would push one another out of the nearest cache,
# so a tile is not as long as a power of two.
LONGEST_TILE: Final = 1000
_COMPILED: Final = "qts.kernels.compiled_portfolio"
_COUNTED: Final = {
    "n_fills": "fills",
    "n_entries": "entries",
    "n_trades": "trades",
    "n_wins": "wins",
    "won": "won",
    "lost": "lost",
    "costs_total": "costs",
    "slippage_total": "slippage",
    "traded_notional": "notional",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeanPortfolio:
    """Instruments on one timeline that the compiled loop can play.

    ``starts`` and ``rates`` as of ``rate_table``; ``facts`` are those of each instrument's bars.
    """

    bars: Sequence[Bars]
    rules: Rules
    starts: Ints
    rates: Floats
    cells: RuleCells
    facts: Sequence[BarFacts]
    capital: float

    def play(self) -> tuple[Floats, Floats] | None:
        """Return the measures, in the order of ``MEASURES``, and the equity at each close; None where cash would have limited a fill."""
        ts, n_bars, n = self.bars[0].ts, len(self.bars[0]), len(self.bars)
        purse = Purse(*np.zeros((N_PURSE, n_bars)))
        tallies = np.zeros((n, N_TALLY))
        loop = importlib.import_module(_COMPILED).portfolio_nb
        n_series = len(self.cells.series)
        room = new_room(TOGETHER * n_series, min(tile_length(TOGETHER * n_series), LONGEST_TILE))
        tables = (cells_together(self.cells.cells, n_series), np.zeros((TOGETHER, N_MIND), dtype=np.int64), np.zeros((TOGETHER, N_ACCOUNT)))
        at_once = max(1, CELLS_AT_ONCE // (TOGETHER * n_bars)) * TOGETHER
        prices = np.empty((2, min(at_once, n), n_bars))
        numbers = numbers_of(self.rules)
        for start in range(0, n, at_once):
            which = slice(start, min(start + at_once, n))
            group = self._group(which, prices, as_input(ts))
            if group is None:
                return None
            loop(group, room, *tables, purse, tallies[which], numbers)
        return self._measured(purse, tallies)

    def _group(self, which: slice, prices: Floats, ts: Ints) -> Group | None:
        """Return some instruments side by side; None where a series of theirs is spoiled."""
        bars, facts, n_bars = self.bars[which], self.facts[which], len(ts)
        open_, close = prices[0, : len(bars)], prices[1, : len(bars)]
        np.concatenate([series.open for series in bars], out=open_.reshape(-1))
        np.concatenate([series.close for series in bars], out=close.reshape(-1))
        given = np.zeros((len(bars), 0, 1))
        if self.cells.made:
            given = np.empty((len(bars), len(self.cells.made), n_bars + 1))
            for i, series in enumerate(bars):
                shelf = Shelf(self.cells.made, series, n_bars)
                shelf.fill(0, n_bars)
                if shelf.is_spoiled.any():
                    return None
                given[i] = shelf.given
        return Group(
            ts=ts,
            open=open_,
            close=close,
            blocked=_side_by_side([one.blocked for one in facts], n_bars),
            ticks=_tick_rows([one.ticks for one in facts]),
            given=given,
            series=self.cells.series,
            memory=np.zeros((TOGETHER * len(self.cells.series), N_MEMORY)),
            fresh=self.cells.memory,
            starts=as_input(self.starts),
            rates=as_input(self._rates(which, len(bars))),
        )

    def _rates(self, which: slice, n: int) -> Floats:
        if self.rates.size == 0:
            return np.zeros((n, 1, N_RATE))
        return self.rates.reshape(len(self.bars), -1, N_RATE)[which]

    def _measured(self, purse: Purse, tallies: Floats) -> tuple[Floats, Floats] | None:
        total = Tally(*map(math.fsum, tallies.T.tolist()))
        cash = self.capital + np.cumsum(purse.flows)
        equity = cash + purse.held
        # In each bar all that cost anything could be paid at once, before anything came in: then each could, in whatever order.
        is_paid = bool(np.all(cash - purse.flows >= purse.outlays))
        if total.broken or not is_paid or equity.min() <= 0.0:
            return None
        named = {
            **of_curve(equity, cash, capital=self.capital),
            "bars_held": float(np.count_nonzero(np.cumsum(purse.changes))),
            **{name: getattr(total, count) for name, count in _COUNTED.items()},
        }
        return np.array([named[name] for name in MEASURES]), equity


def is_lean_portfolio(rules: Rules, bars: Sequence[Bars]) -> bool:
    """Return whether the compiled loop knows these settings, and the instruments differ and stand on one timeline."""
    if not is_lean_account(rules) or rules.size_kind == BY_EQUITY:
        return False
    first = bars[0]
    if len({series.instrument for series in bars}) < len(bars) or any(series.interval is not first.interval for series in bars):
        return False
    return all(series.ts is first.ts or np.array_equal(series.ts, first.ts) for series in bars)


def _side_by_side(blocked: Sequence[Bytes], n_bars: int) -> Bytes:
    if not any(map(len, blocked)):
        return np.zeros((len(blocked), 0), dtype=np.uint8)
    rows = np.zeros((len(blocked), n_bars), dtype=np.uint8)
    for row, bits in zip(rows, blocked, strict=True):
        if len(bits):
            row[:] = bits
    return rows


def _tick_rows(ticks: Sequence[Floats]) -> Floats:
    """Return the ticks of each instrument as rows of one length: no tick where it has none, and behind its last a bar never reached."""
    longest = max(map(len, ticks))
    if longest == 0:
        return np.zeros((len(ticks), 0))
    rows = np.tile([np.inf, 0.0], (len(ticks), longest // N_TICK))
    for row, own in zip(rows, ticks, strict=True):
        row[: len(own)] = own
    return rows
