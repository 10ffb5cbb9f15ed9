"""The compiled way of a sweep: one instrument, rules of plain comparisons, orders at the next open.

What it cannot do it leaves to the fills loop, cell by cell. Where it does, its numbers are those of the fills loop: prices, quantities and
costs come from the same functions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from qts.backtest.bar_facts import BarFacts
from qts.backtest.rule_cells import Made, RuleCells
from qts.core.arrays import Bools, Floats, Ints
from qts.core.bars import Bars
from qts.kernels.lean_account import MEASURES, new_accounts
from qts.kernels.signals import ENTER, N_CELL, N_MIND
from qts.kernels.state import BY_EQUITY, N_RATE, Rules
from qts.kernels.sweeping import new_room, tile_length
from qts.kernels.tiles import GIVEN, PLACE, SOURCE
from qts.kernels.twins import as_input

Reached: TypeAlias = Callable[[float], object]
IsStopped: TypeAlias = Callable[[], bool]

# A call works for about a twentieth of a second, so that it can be told to stop.
CELL_BARS_A_CALL: Final = 25_000_000
SHORTEST_CHUNK: Final = 512
GIVEN_BYTES: Final = 16_000_000
_COMPILED: Final = "qts.kernels.compiled_sweep"
_INDICATORS: Final = "qts.kernels.compiled_indicators"
_NO_CURVE: Final = np.zeros(0)
# Where the rows of a cell's comparisons stand.
_ROWS: Final = [at + side for at in range(ENTER, N_CELL, 3) for side in (1, 2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeanSweep:
    """A sweep that the compiled loop can play: ``starts`` and ``rates`` as of ``rate_table``; ``facts`` are those of the bars."""

    bars: Bars
    rules: Rules
    starts: Ints
    rates: Floats
    cells: RuleCells
    facts: BarFacts
    capital: float

    def play(self, which: slice, *, reached: Reached, is_stopped: IsStopped, curve: Floats = _NO_CURVE) -> Floats | None:
        """Return the measures of these cells, a row for each; NaN throughout where a cell must be played by the fills loop.

        Parameters
        ----------
        which : slice
            The cells, as a block: they share their series.
        reached : callable
            Told now and then which part of the bars is done.
        is_stopped : callable
            Asked now and then; None is returned once it says yes.
        curve : ndarray of shape (n_bars,), optional
            Takes the equity of the last cell at each close.
        """
        block = _Block.of(self.cells, which)
        accounts = new_accounts(len(block.cells), self.capital)
        n_bars = len(self.bars)
        chunk = block.chunk(n_bars)
        shelf = Shelf(block.made, self.bars, chunk)
        numbers = numbers_of(self.rules)
        inputs = (self.bars.ts, self.bars.open, self.bars.close, self.facts.blocked, self.facts.ticks)
        minds = np.zeros((len(block.cells), N_MIND), dtype=np.int64)
        loop = importlib.import_module(_COMPILED).sweep_nb
        fixed = [as_input(column) for column in inputs]
        rows = np.empty((len(block.cells), len(MEASURES)))
        n_series = len(block.series)
        tables = (block.series, block.memory, block.cells, minds, accounts, curve, rows, *new_room(n_series, tile_length(n_series)))
        rates = (as_input(self.starts), as_input(self.rates.reshape(-1, N_RATE)), numbers)
        for start in range(0, n_bars, chunk):
            if is_stopped():
                return None
            stop = min(start + chunk, n_bars)
            shelf.fill(start, stop)
            loop(*fixed, shelf.given, *tables, *rates, start, stop)
            reached(stop / n_bars)
        rows[block.uses(shelf.is_spoiled)] = np.nan
        return rows


def load_loop() -> None:
    """Have the compiled loop ready, compiled or loaded: for a caller that is to be stopped sooner than a thread that waits for it."""
    importlib.import_module(_COMPILED).prepare()


def is_lean(rules: Rules) -> bool:
    """Return whether the compiled loop knows all these settings."""
    return rules.n_instruments == 1 and is_lean_account(rules)


def is_lean_account(rules: Rules) -> bool:
    """Return whether the compiled loops know all these settings of an account, however many instruments there are."""
    return (
        rules.size_kind <= BY_EQUITY
        and not rules.in_lots
        and rules.delivery
        and rules.is_plain
        and not (rules.is_margined or rules.at_close or rules.intraday or rules.close_at_end or rules.expires)
        and not any((rules.slip_ticks, rules.volume_share, rules.stop_loss, rules.take_profit, rules.trailing))
        and not any((rules.max_position, rules.max_exposure, rules.daily_loss, rules.max_drawdown))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Cells that are played together, and the series they need."""

    cells: Ints
    series: Ints
    memory: Floats
    made: tuple[Made, ...]

    @classmethod
    def of(cls, found: RuleCells, which: slice) -> _Block:
        cells = found.cells[which]
        series, memory, made = found.series, found.memory, found.made
        if len(cells) < len(found.cells):
            used, places = np.unique(cells[:, _ROWS], return_inverse=True)
            cells = cells.copy()
            cells[:, _ROWS] = places.reshape(len(cells), -1)
            series, memory = series[used], memory[used]
            given = np.flatnonzero(series[:, SOURCE] == GIVEN)
            made = tuple(made[place] for place in series[given, PLACE])
            series[given, PLACE] = np.arange(len(given))
        return cls(cells=cells, series=series, memory=memory.copy(), made=made)

    def chunk(self, n_bars: int) -> int:
        """Return how many bars are played in one call."""
        most = CELL_BARS_A_CALL // len(self.cells)
        if self.made:
            most = min(most, GIVEN_BYTES // (8 * len(self.made)))
        return min(max(most, SHORTEST_CHUNK), n_bars)

    def uses(self, is_spoiled: Bools) -> Bools:
        """Return which cells read a series that is spoiled."""
        if not is_spoiled.any():
            return np.zeros(len(self.cells), dtype=np.bool_)
        spoiled = np.zeros(len(self.series), dtype=np.bool_)
        given = self.series[:, SOURCE] == GIVEN
        spoiled[given] = is_spoiled[self.series[given, PLACE]]
        return np.asarray(spoiled[self.cells[:, _ROWS]].any(axis=1))


class Shelf:
    """The series made outside the loop, a chunk of them at a time, and the bar before it."""

    def __init__(self, made: Sequence[Made], bars: Bars, chunk: int) -> None:
        self.given = np.full((len(made), chunk + 1), np.nan)
        self.is_spoiled = np.zeros(len(made), dtype=np.bool_)
        self._bars = bars
        self._made = [(one, *_maker(one)) for one in made]
        self._rest = [np.empty(chunk) for _ in range(max((len(one.spec.outputs) for one in made if one.spec), default=1))]

    def fill(self, start: int, stop: int) -> None:
        """Make the series of these bars; they must be called for in order."""
        n = stop - start
        for k, (one, make, memory) in enumerate(self._made):
            row = self.given[k]
            row[0] = row[-1] if start else np.nan
            columns = tuple(as_input(getattr(self._bars, name)[start:stop]) for name in one.columns)
            if one.spec is None:
                row[1 : n + 1] = columns[0]
            else:
                outs = [rest[:n] for rest in self._rest[: len(one.spec.outputs)]]
                outs[one.output] = row[1 : n + 1]
                make(columns, tuple(outs), memory, one.numbers)
            # The value before the next chunk is read from the end of the row.
            row[-1] = row[n]
            first = max(int(one.spec.first(one.numbers)) - start, 0) if one.spec else 0
            self.is_spoiled[k] |= bool(np.isnan(row[1 + first : n + 1]).any())


def _maker(one: Made) -> tuple[Callable[..., object], Floats]:
    if one.spec is None:
        return (lambda: None), _NO_CURVE
    make: Callable[..., object] = importlib.import_module(_INDICATORS).twin_of(one.spec)
    return make, one.spec.memory(one.numbers)


def numbers_of(rules: Rules) -> Floats:
    """Return the settings in the order in which the compiled loop takes them."""
    cost = (rules.cost_kind, rules.cost_rate, rules.cost_minimum)
    shorts = 0.0 if rules.delivery else -1.0
    sizes_and_slips = (rules.size_kind, rules.size_amount, rules.slip_fraction, rules.slip_offset)
    return np.array([*sizes_and_slips, *cost, rules.units, shorts])
