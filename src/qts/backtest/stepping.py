"""Strategies that give orders bar by bar: the same core, asked for one bar after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import numpy as np

from qts.backtest.desk import EngineDesk
from qts.backtest.inputs import Timeline, gather
from qts.backtest.phases import Phases, session_phases
from qts.backtest.playing import Played, Room, market_of, played_of, rules_of, run_of
from qts.backtest.price_bands import PriceBands
from qts.backtest.settings import BacktestSettings, CostKind, CostModel, Slippage
from qts.backtest.terms import PLAIN, TermTable, term_table
from qts.core.arrays import Ints
from qts.core.bars import Bars
from qts.kernels.booking import account_equity
from qts.kernels.decisions import decide
from qts.kernels.fills import fill_curve, is_quiet, next_on_agenda, take_marks
from qts.kernels.state import CASH, N_DUE, N_ROW, POSITION, RUINED, Run
from qts.kernels.trading import begin_bar, end_bar
from qts.strategies import Context, InstrumentContext, OnBar, OrderRequest, Strategy
from qts.strategies.feed import Feed

_ROOM: Final = Room(fills=256, orders=64, events=256)
_AMPLE: Final = Decimal(10) ** 12


def step(
    strategy: Strategy,
    params: Mapping[str, object],
    bars: Sequence[Bars],
    *,
    timeline: Timeline,
    phases: Phases,
    settings: BacktestSettings,
    table: TermTable | None = None,
) -> Played:
    """Return what the core makes of the orders a strategy gives at the close of each bar.

    A bar in which nothing can happen costs no more than the call of ``on_bar``: the core is brought up to it only when an order comes, or
    somebody asks. The result is that of playing each bar.

    Raises
    ------
    BadParameter
        If the parameters do not fit, or an order makes no sense.
    StrategyFailed
        If the strategy raises.
    """
    table = table or term_table(timeline, [PLAIN] * len(timeline.instruments))
    market, rules = market_of(timeline, phases, settings, table), rules_of(timeline, settings, table)
    run = run_of(market, rules, float(settings.capital), compiled=False, room=_ROOM)
    bands = PriceBands(timeline, table.given, table.located) if any(one.bands for one in table.given) else None
    driver = _Driver(strategy, params, bars, timeline=timeline, run=run, bands=bands)
    driver.play()
    return replace(played_of(run), details=driver.details)


def orders_given(strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars]) -> list[tuple[int, OrderRequest]]:
    """Return what a strategy orders on these bars, each with the position of its bar.

    The account is large and may go short, nothing is charged and no session ends: what a strategy asks for then depends on the bars alone.
    """
    settings = BacktestSettings(capital=_AMPLE, costs=CostModel(kind=CostKind.NONE), slippage=Slippage())
    timeline = gather(strategy, params, bars)
    table = term_table(timeline, [PLAIN] * len(timeline.instruments))
    market = market_of(timeline, session_phases(timeline, bars[0].interval, settings), settings, table)
    rules = rules_of(timeline, settings, table)._replace(delivery=False)
    driver = _Driver(strategy, params, bars, timeline=timeline, run=run_of(market, rules, float(_AMPLE), compiled=False, room=_ROOM))
    driver.play()
    return driver.given


class _Driver:
    """One run on its way."""

    __slots__ = (
        "_agenda",
        "_begun",
        "_context",
        "_desk",
        "_feeds",
        "_is_calm",
        "_items",
        "_present",
        "_priced",
        "_run",
        "_strategy",
        "_written",
        "given",
    )

    def __init__(
        self,
        strategy: Strategy,
        params: Mapping[str, object],
        bars: Sequence[Bars],
        *,
        timeline: Timeline,
        run: Run,
        bands: PriceBands | None = None,
    ) -> None:
        self._strategy = strategy
        self._run = run
        self.given: list[tuple[int, OrderRequest]] = []
        self._desk = EngineDesk(run, sync=self.sync, given=self.given, is_matrix=strategy.matrix, bands=bands)
        self._feeds = [Feed(series) for series in bars]
        names = timeline.instruments
        self._items = [InstrumentContext(name, i, feed, self._desk) for i, (name, feed) in enumerate(zip(names, self._feeds, strict=True))]
        self._context = Context(params=strategy.resolve(params), instruments=self._items, desk=self._desk, ts=_listed(run.ts))
        # A bar with a NaN price is in the history, but nothing can be traded on it.
        self._present = [_presence(timeline.ts, series.ts) for series in bars]
        self._priced = (~np.isnan(timeline.close)).tolist()
        self._written = 0
        self._begun = False
        self._is_calm = True
        self._agenda = next_on_agenda(run, 0)

    @property
    def details(self) -> Mapping[int, str]:
        """Return what there is to say of refused orders beyond their reasons, by order."""
        return self._desk.details

    def play(self) -> None:
        """Play all bars."""
        strategy, context, desk = self._strategy, self._context, self._desk
        hook, call, n_bars = strategy.on_bar, strategy.call, len(self._run.ts)
        if hook is None:
            return
        if strategy.on_start is not None:
            call(strategy.on_start, context)
        if len(self._items) == 1 and all(self._present[0]) and all(self._priced[0]):
            self._play_alone(hook)
            return
        self._is_calm = not self._is_busy()
        for t in range(n_bars):
            desk.t = context.bar = t
            self._begun = False
            if not self._is_calm or t >= self._agenda:
                self.sync()
            self._reveal(t)
            call(hook, context)
            if self._begun:
                self._end(t)
                # Nothing changes in bars that the core is not brought up to.
                self._is_calm = not self._is_busy()

    def _play_alone(self, hook: OnBar) -> None:
        """Play a single instrument that has every bar: the same in fewer steps, for here each of them is felt."""
        context, desk, call, feed = self._context, self._desk, self._strategy.call, self._feeds[0]
        self._items[0].has_bar = True
        tracks = feed.tracks
        self._is_calm = not self._is_busy()
        for t in range(len(self._run.ts)):
            desk.t = context.bar = feed.at = t
            self._begun = False
            if not self._is_calm or t >= self._agenda:
                self.sync()
            for append, source in tracks:
                append(source[t])
            if feed.longer:
                feed.advance_longer(t)
            call(hook, context)
            if self._begun:
                self._end(t)
                self._is_calm = not self._is_busy()

    def sync(self) -> None:
        """Bring the core up to the bar that has just closed."""
        if self._begun:
            return
        run, t = self._run, self._desk.t
        if self._is_calm and t < self._agenda:
            # Nothing happens in this bar: its marks and its equity are all there is to it.
            fill_curve(run, self._written, t + 1)
            take_marks(run, t)
        else:
            self._desk.make_room()
            if self._written < t:
                fill_curve(run, self._written, t)
            begin_bar(run, t)
        self._written = t + 1
        self._begun = True

    def _end(self, t: int) -> None:
        run = self._run
        if run.account[RUINED] == 0.0:  # a lost account closes what it holds, however it came to it
            self._desk.forget_flat_targets()
        if run.account[N_DUE] > 0.0 or run.rules.at_close:
            self._desk.make_room()
            decide(run, t, account_equity(run) if run.rules.at_close else run.equity[t])
            end_bar(run, t)
        if t >= self._agenda and t + 1 < len(run.ts):
            self._agenda = next_on_agenda(run, t + 1)

    def _is_busy(self) -> bool:
        """Return whether the core must look at every bar now; also where an account could be lost between two looks."""
        run = self._run
        if not is_quiet(run) or run.rules.at_close or run.rules.is_margined or run.account[CASH] < 0.0:
            return True
        return any(run.rows[i * N_ROW + POSITION] < 0.0 for i in range(run.rules.n_instruments))

    def _reveal(self, t: int) -> None:
        for item, feed, present, priced in zip(self._items, self._feeds, self._present, self._priced, strict=True):
            if present[t]:
                feed.advance()
            item.has_bar = priced[t]


def _presence(ts: Ints, own: Ints) -> list[bool]:
    """Return for each instant of the timeline whether an instrument has a bar there; all of its own are on it."""
    if len(own) == len(ts):
        return [True] * len(ts)
    present: list[bool] = np.isin(ts, own, assume_unique=True).tolist()
    return present


def _listed(ts: Ints | list[int]) -> list[int]:
    return ts if isinstance(ts, list) else ts.tolist()
