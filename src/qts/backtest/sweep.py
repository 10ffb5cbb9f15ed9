"""One strategy, many sets of parameters: what each of them is worth, with the fills and the costs of a single run.

A cell of a sweep equals the run of its parameters. What differs is what is kept: a row of measures for each cell, and no curve, so the
memory of a sweep does not grow with the bars.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from qts.backtest.bar_facts import bar_facts
from qts.backtest.corporate_actions import effects_of, fills_in_new_shares
from qts.backtest.evaluation import Evaluation, evaluation_of, measures_of
from qts.backtest.inputs import Timeline
from qts.backtest.lean_portfolio import LeanPortfolio, is_lean_portfolio
from qts.backtest.lean_sweep import LeanSweep, is_lean, load_loop
from qts.backtest.playing import rules_of
from qts.backtest.rates import rate_table
from qts.backtest.rule_cells import rule_cell, rule_cells
from qts.backtest.settings import BacktestSettings, CostKind
from qts.backtest.simulation import Scene, Simulation, Stage, play_scene, simulate
from qts.backtest.sweep_blocks import IsCancelled, OnProgress, Reached, play_blocks, play_each
from qts.backtest.terms import PLAIN, InstrumentTerms, check_product, is_netted, term_table
from qts.core.arrays import Bools, Floats, Ints
from qts.core.bars import Bars
from qts.core.clock import session_date_of
from qts.core.corporate_action import CorporateAction
from qts.core.errors import BadParameter
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.core.trading import Product
from qts.kernels.compile import compile_all
from qts.kernels.lean_account import MEASURES
from qts.kernels.state import Rules
from qts.kernels.twins import load_compiler, prefers_compiled
from qts.strategies import Form, ParamValue, Strategy

_MAX_THREADS: Final = 256
_PRICES: Final = ("open", "high", "low", "close")
_OF_TRADES: Final = ("bars_held", "n_entries", "n_trades", "n_wins", "won", "lost")


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
    strategy: Strategy,
    params: Mapping[str, object],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    terms: Sequence[InstrumentTerms] | None = None,
    actions: Sequence[CorporateAction] = (),
    curve: bool = False,
) -> Evaluation:
    """Return what one set of parameters is worth; with ``curve`` also the equity at each close.

    Parameters and errors as :func:`qts.backtest.run`, whose numbers it gives without the ledger, the trades and their decimals.
    """
    values = strategy.resolve(params)
    capital = float(settings.capital)
    simple = None if actions else _simple_terms(terms, bars)
    lean = _lean(strategy, (values,), bars, settings, terms=simple) if simple is not None else None
    if lean is not None:
        kept = np.empty(len(bars[0])) if curve else np.zeros(0)
        rows = lean.play(slice(0, 1), reached=_ignore, is_stopped=_never, curve=kept)
        if rows is not None and not np.isnan(rows[0, 0]):
            return evaluation_of(rows[0], params=values, n_bars=len(bars[0]), capital=capital, equity=kept if curve else None)
    together = _play_together(strategy, values, bars, settings, terms=simple) if simple is not None else None
    if together is not None:
        row, equity = together
        return evaluation_of(row, params=values, n_bars=len(equity), capital=capital, equity=equity if curve else None)
    simulation = simulate(strategy, values, bars, settings, terms=terms, actions=actions)
    equity = simulation.played.equity
    return evaluation_of(_measured(simulation), params=values, n_bars=len(equity), capital=capital, equity=equity if curve else None)


def sweep(  # noqa: PLR0913 - what a run takes, and how the work is shared
    strategy: Strategy,
    cells: Sequence[Mapping[str, object]],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    terms: Sequence[InstrumentTerms] | None = None,
    actions: Sequence[CorporateAction] = (),
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
    terms : sequence of InstrumentTerms, optional
        As of a run.
    actions : sequence of CorporateAction, optional
        As of a run; with any of them every cell is played through the loop of a run.
    threads : int
        Blocks of cells worked on at a time, where the compiled loop can play them; elsewhere cells, whose strategy is still called by one
        thread only. The result does not depend on it.
    on_progress : callable, optional
        Called with the cells' worth of work done and all of it, several times a second.
    is_cancelled : callable, optional
        Asked several times a second; once it says yes, the sweep ends with the cells that are done.

    Raises
    ------
    BadParameter
        If there are no cells, or the parameters of one do not fit.
    DataError, StrategyFailed
        As a run.

    Notes
    -----
    Rules of comparisons between series and numbers, on one instrument, for delivery, filling at the next open, are played by
    a loop made for sweeps: a series is computed once for all cells that read it, and an account is touched at its events only. Everything
    else is played cell by cell through the loop of a run, the strategy deciding on one cell while others are played.
    """
    if not cells:
        raise BadParameter("cells", "", "there is no set of parameters to try", hint="Give at least one.")
    if not 1 <= threads <= _MAX_THREADS:
        raise BadParameter("threads", threads, f"is not between 1 and {_MAX_THREADS}", hint="Use as many as the machine has cores.")
    values = tuple(strategy.resolve(cell) for cell in cells)
    tell, asked = on_progress or _tell_nobody, is_cancelled or _never
    table = np.full((len(values), len(MEASURES)), np.nan)
    simple = None if actions else _simple_terms(terms, bars)
    lean = _lean(strategy, values, bars, settings, terms=simple) if simple is not None else None
    if lean is not None:
        _play_lean(lean, table, threads=threads, tell=tell, is_cancelled=asked)
    done = ~np.isnan(table[:, 0])
    rest = np.flatnonzero(~done).tolist()
    is_compiled = bool(rest) and strategy.form is not Form.ON_BAR and prefers_compiled(sum(map(len, bars)) * len(rest))
    if is_compiled:
        load_compiler()
        # Loaded here, where a wish to end it is heard, and not by the threads.
        compile_all(_ignore, only=("fills",))
    n_bars = [len(bars[0]) if bars else 0]
    stage = Stage(strategy=strategy, bars=bars, settings=settings, terms=terms, actions=actions)

    def begin(at: int) -> Callable[[], None]:
        """Let the strategy decide, and return the rest of the work, in which nothing of the strategy's is called."""
        together = _play_together(strategy, values[at], bars, settings, terms=simple) if simple is not None else None
        end = _as_said(together) if together is not None else functools.partial(_played, stage.scene(values[at]))

        def finish() -> None:
            table[at], equity = end()
            n_bars[0], done[at] = len(equity), True

        return finish

    play_each(
        rest,
        begin,
        # Strategies that give orders bar by bar are called to the end, and never by two threads at a time.
        threads=threads if is_compiled else 1,
        on_done=lambda: tell(int(np.count_nonzero(done)), len(values)),
        is_cancelled=asked,
    )
    return SweepResult(cells=values, table=table, done=done, n_bars=n_bars[0], capital=float(settings.capital))


def _play_lean(lean: LeanSweep, table: Floats, *, threads: int, tell: OnProgress, is_cancelled: IsCancelled) -> None:
    def play(which: slice, reached: Reached, is_stopped: IsCancelled) -> None:
        rows = lean.play(which, reached=reached, is_stopped=is_stopped)
        if rows is not None:
            table[which] = rows

    load_loop()
    play_blocks(len(table), play, threads=threads, on_progress=tell, is_cancelled=is_cancelled)


def _simple_terms(terms: Sequence[InstrumentTerms] | None, bars: Sequence[Bars]) -> Sequence[InstrumentTerms] | None:
    """Return the terms of all instruments, where they say nothing but ticks and locks: no lots, margins, ends or rates of their own.

    Nor may one be of a trade-to-trade series: the compiled loops net what is bought and sold on one day.
    """
    if not all(is_netted(series.instrument) for series in bars):
        return None
    if terms is None:
        return (PLAIN,) * len(bars)
    is_simple = len(terms) == len(bars) and all(replace(one, ticks=(), locks=False, estimates=()) == PLAIN for one in terms)
    return terms if is_simple else None


def _lean(
    strategy: Strategy,
    values: Sequence[Mapping[str, ParamValue]],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    terms: Sequence[InstrumentTerms],
) -> LeanSweep | None:
    """Return the sweep for the compiled loop, where that can play it and is worth its start."""
    if strategy.rule is None or strategy.protection or len(bars) != 1 or not prefers_compiled(len(bars[0]) * len(values)):
        return None
    series = bars[0]
    rules = lean_rules(series.instrument, series.interval, settings)
    if not is_lean(rules):
        return None
    cells = rule_cells(strategy.rule, values) if len(values) > 1 else rule_cell(strategy.rule, values[0])
    if cells is None:
        return None
    facts = bar_facts(series, terms[0])
    if not facts.gaps.isdisjoint({*cells.columns, *_PRICES}):
        return None
    starts, rates = _rates((series.instrument,), series.ts, settings)
    return LeanSweep(bars=series, rules=rules, starts=starts, rates=rates, cells=cells, facts=facts, capital=float(settings.capital))


def _play_together(
    strategy: Strategy,
    values: Mapping[str, ParamValue],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    terms: Sequence[InstrumentTerms],
) -> tuple[Floats, Floats] | None:
    """Return the measures of several instruments on one account and its equity, where the compiled loop can tell them."""
    portfolio = lean_portfolio(strategy, values, bars, settings, terms=terms)
    return portfolio.play() if portfolio is not None else None


def lean_portfolio(
    strategy: Strategy,
    values: Mapping[str, ParamValue],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    terms: Sequence[InstrumentTerms],
) -> LeanPortfolio | None:
    """Return the instruments for the compiled loop over many, where that can play them and is worth its start."""
    if strategy.rule is None or strategy.protection or settings.rebalance or len(bars) < 2 or not prefers_compiled(sum(map(len, bars))):
        return None
    instruments = tuple(series.instrument for series in bars)
    _check_products(settings.product, instruments)
    rules = lean_rules(bars[0].instrument, bars[0].interval, settings)
    cells = rule_cell(strategy.rule, values)
    if cells is None or not is_lean_portfolio(rules, bars):
        return None
    facts = [bar_facts(series, one) for series, one in zip(bars, terms, strict=True)]
    needed = {*cells.columns, *_PRICES}
    if any(one.gaps and not one.gaps.isdisjoint(needed) for one in facts):
        return None
    starts, rates = _rates(instruments, bars[0].ts, settings)
    return LeanPortfolio(bars=bars, rules=rules, starts=starts, rates=rates, cells=cells, facts=facts, capital=float(settings.capital))


@functools.lru_cache(maxsize=64)
def _check_products(product: Product, instruments: tuple[InstrumentId, ...]) -> None:
    for instrument in instruments:
        check_product(product, instrument)


@functools.lru_cache(maxsize=64)
def lean_rules(instrument: InstrumentId, interval: Interval, settings: BacktestSettings) -> Rules:
    """Return the settings as the fills loop reads them; they depend on the bars in nothing."""
    check_product(settings.product, instrument)
    one = np.ones((1, 1))
    timeline = Timeline(
        instruments=(instrument,),
        interval=interval,
        ts=np.zeros(1, dtype=np.int64),
        open=one,
        high=one,
        low=one,
        close=one,
        volume=one,
        target=one,
        warmup_bars=0,
        n_below_zero=0,
    )
    return rules_of(timeline, settings, term_table(timeline, [PLAIN]))


def _rates(instruments: tuple[InstrumentId, ...], ts: Ints, settings: BacktestSettings) -> tuple[Ints, Floats]:
    if settings.costs.kind is not CostKind.ZERODHA:
        return np.empty(0, dtype=np.int64), np.empty(0)
    first, last = (session_date_of(int(ts[at])) for at in (0, -1))
    return _rate_table(instruments, first, last)


@functools.lru_cache(maxsize=64)
def _rate_table(instruments: tuple[InstrumentId, ...], first: date, last: date) -> tuple[Ints, Floats]:
    return rate_table(instruments, first, last)


def _as_said(found: tuple[Floats, Floats]) -> Callable[[], tuple[Floats, Floats]]:
    return lambda: found


def _played(scene: Scene) -> tuple[Floats, Floats]:
    """Return the measures of a cell played through the loop of a run, and its equity."""
    simulation = play_scene(scene)
    return _measured(simulation), simulation.played.equity


def _measured(simulation: Simulation) -> Floats:
    played, capital = simulation.played, float(simulation.settings.capital)
    row = measures_of(played.raw, played.equity, played.cash, capital=capital)
    effects = effects_of(simulation.actions, played.acted, simulation.timeline)
    if any(one.effect.action.ratio != 1 for one in effects):
        # Round trips are counted in the shares of their end; what was traded is counted as it was.
        stated = measures_of(fills_in_new_shares(played.raw, effects), played.equity, played.cash, capital=capital)
        named = [MEASURES.index(name) for name in _OF_TRADES]
        row[named] = stated[named]
    return row


def _tell_nobody(done: int, total: int) -> None:
    del done, total


def _ignore(what: object) -> None:
    del what


def _never() -> bool:
    return False
