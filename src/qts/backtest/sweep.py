"""One strategy, many sets of parameters: what each of them is worth, with the fills and the costs of a single run.

A cell of a sweep equals the run of its parameters. What differs is what is kept: a row of measures for each cell, and no curve, so the
memory of a sweep does not grow with the bars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from qts.backtest.evaluation import MEASURES, Evaluation, evaluation_of, measures_of
from qts.backtest.inputs import gather
from qts.backtest.phases import session_phases
from qts.backtest.playing import Played, play
from qts.backtest.settings import BacktestSettings
from qts.core.arrays import Bools, Floats
from qts.core.bars import Bars
from qts.core.errors import BadParameter
from qts.core.trading import Product
from qts.strategies import ParamValue, Strategy

OnProgress: TypeAlias = Callable[[int, int], object]
IsCancelled: TypeAlias = Callable[[], bool]

_MAX_THREADS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """The measures of every cell that was finished.

    ``table`` has shape ``(n_cells, len(MEASURES))``, NaN where a measure is undefined; ``done`` tells which rows are filled: all of them,
    unless the sweep was cancelled. ``cells`` are the parameters in full, in the order given.
    """

    cells: tuple[Mapping[str, ParamValue], ...]
    table: Floats
    done: Bools
    n_bars: int
    capital: float

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, at: int) -> Evaluation:
        """Return the evaluation of one cell."""
        if not self.done[at]:
            raise BadParameter("cell", at, "was not finished before the sweep was cancelled", hint="Look at `done` first.")
        return evaluation_of(self.table[at], params=self.cells[at], n_bars=self.n_bars, capital=self.capital)

    def __iter__(self) -> Iterator[Evaluation]:
        return (self[at] for at in np.flatnonzero(self.done).tolist())

    @property
    def is_complete(self) -> bool:
        """Return whether every cell was finished."""
        return bool(self.done.all())

    def column(self, measure: str) -> Floats:
        """Return one measure of all cells, shape ``(n_cells,)``; NaN where it is undefined or the cell was not finished."""
        values: Floats = np.where(self.done, self.table[:, MEASURES.index(measure)], np.nan)
        return values


def evaluate(
    strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars], settings: BacktestSettings, *, curve: bool = False
) -> Evaluation:
    """Return what one set of parameters is worth; with ``curve`` also the equity at each close.

    Parameters and errors as :func:`qts.backtest.run`, whose numbers it gives without the ledger, the trades and their decimals.
    """
    values = strategy.resolve(params)
    played = _played(strategy, values, bars, settings)
    capital = float(settings.capital)
    row = measures_of(played.raw, played.equity, played.cash, capital=capital)
    kept = played.equity if curve else None
    return evaluation_of(row, params=values, n_bars=len(played.equity), capital=capital, equity=kept)


def sweep(
    strategy: Strategy,
    cells: Sequence[Mapping[str, object]],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    threads: int = 1,
    on_progress: OnProgress | None = None,
    is_cancelled: IsCancelled | None = None,
) -> SweepResult:
    """Return what each set of parameters is worth on the same bars.

    Parameters
    ----------
    strategy : Strategy
        What to run.
    cells : sequence of Mapping[str, object]
        Parameters, as values or as text; absent ones take their defaults.
    bars : sequence of Bars
        One series per instrument; all of them share one account, as in a run.
    settings : BacktestSettings
        The same for every cell.
    threads : int
        Cells worked on at a time. The result does not depend on it.
    on_progress : callable, optional
        Called with the cells done and all of them, now and then.
    is_cancelled : callable, optional
        Asked now and then; once it says yes, the sweep ends with what is done.

    Raises
    ------
    BadParameter
        If there are no cells, or the parameters of one do not fit.
    DataError, StrategyFailed
        As a run.
    """
    if not cells:
        raise BadParameter("cells", "", "there is no set of parameters to try", hint="Give at least one.")
    if not 1 <= threads <= _MAX_THREADS:
        raise BadParameter("threads", threads, f"is not between 1 and {_MAX_THREADS}", hint="Use as many as the machine has cores.")
    values = tuple(strategy.resolve(cell) for cell in cells)
    table = np.full((len(values), len(MEASURES)), np.nan)
    done = np.zeros(len(values), dtype=np.bool_)
    n_bars = 0
    for at, cell in enumerate(values):
        if is_cancelled is not None and is_cancelled():
            break
        played = _played(strategy, cell, bars, settings)
        n_bars = len(played.equity)
        table[at] = measures_of(played.raw, played.equity, played.cash, capital=float(settings.capital))
        done[at] = True
        if on_progress is not None:
            on_progress(at + 1, len(values))
    return SweepResult(cells=values, table=table, done=done, n_bars=n_bars, capital=float(settings.capital))


def _played(strategy: Strategy, values: Mapping[str, ParamValue], bars: Sequence[Bars], settings: BacktestSettings) -> Played:
    timeline = gather(strategy, values, bars)
    if settings.product is Product.CNC and timeline.n_below_zero:
        timeline = replace(timeline, target=np.maximum(timeline.target, 0.0))
    phases = session_phases(timeline, bars[0].interval, settings)
    return play(timeline, phases, settings)
