"""The numeric part of a run: targets or orders in, fills and the account bar by bar out. A run and a cell of a sweep both begin here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from qts.backtest.corporate_actions import LocatedAction, locate_actions
from qts.backtest.inputs import Timeline, gather
from qts.backtest.phases import Phases, session_phases
from qts.backtest.playing import Played, play
from qts.backtest.settings import BacktestSettings
from qts.backtest.stepping import step
from qts.backtest.terms import InstrumentTerms, TermTable, run_terms, term_table, until_expiry
from qts.core.bars import Bars
from qts.core.corporate_action import CorporateAction
from qts.core.trading import Product
from qts.strategies import Form, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What was played, and under which settings: those given, with what the strategy declares to guard its positions."""

    timeline: Timeline
    played: Played
    settings: BacktestSettings
    terms: tuple[InstrumentTerms, ...]
    actions: tuple[LocatedAction, ...] = ()


def simulate(
    strategy: Strategy,
    params: Mapping[str, object],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    terms: Sequence[InstrumentTerms] | None = None,
    actions: Sequence[CorporateAction] = (),
) -> Simulation:
    """Return what the numeric core makes of a strategy on these bars; arguments and errors as of :func:`qts.backtest.run`."""
    stage = Stage(strategy=strategy, bars=bars, settings=settings, terms=terms, actions=actions)
    return play_scene(stage.scene(params))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One set of parameters before its first bar: what it decided on which bars, under which settings and terms."""

    strategy: Strategy
    params: Mapping[str, object]
    bars: Sequence[Bars]
    settings: BacktestSettings
    timeline: Timeline
    terms: tuple[InstrumentTerms, ...]
    phases: Phases
    table: TermTable


@dataclass(slots=True, kw_only=True)  # remembers what the first scene was made of
class Stage:
    """Bars, terms and settings on which any set of parameters can be played: what depends on no parameter is made once."""

    strategy: Strategy
    bars: Sequence[Bars]
    settings: BacktestSettings
    terms: Sequence[InstrumentTerms] | None = None
    actions: Sequence[CorporateAction] = ()
    _made: tuple[tuple[InstrumentTerms, ...], Phases, TermTable] | None = None

    def scene(self, params: Mapping[str, object]) -> Scene:
        """Return the scene of these parameters; the strategy decides here, unless it gives orders bar by bar."""
        settings = with_guards(self.settings, self.strategy, params)
        timeline = gather(self.strategy, params, self.bars)
        if settings.product is Product.CNC and timeline.n_below_zero:
            # NaN, "keep", passes through.
            timeline = replace(timeline, target=np.maximum(timeline.target, 0.0))
        chosen = self._made[0] if self._made else run_terms(timeline, self.terms, settings)
        timeline = until_expiry(timeline, chosen)
        if self._made is None:
            phases = session_phases(timeline, self.bars[0].interval, settings)
            self._made = chosen, phases, term_table(timeline, chosen, locate_actions(timeline, self.actions))
        _, phases, table = self._made
        return Scene(
            strategy=self.strategy,
            params=params,
            bars=self.bars,
            settings=settings,
            timeline=timeline,
            terms=chosen,
            phases=phases,
            table=table,
        )


def play_scene(scene: Scene) -> Simulation:
    """Return what the numeric core makes of a scene. Several may be played at a time, but for strategies that give orders bar by bar."""
    timeline, phases, settings, table = scene.timeline, scene.phases, scene.settings, scene.table
    if scene.strategy.form is Form.ON_BAR:
        played = step(scene.strategy, scene.params, scene.bars, timeline=timeline, phases=phases, settings=settings, table=table)
    else:
        played = play(timeline, phases, settings, table=table)
    return Simulation(timeline=timeline, played=played, settings=settings, terms=scene.terms, actions=table.located)


def with_guards(settings: BacktestSettings, strategy: Strategy, params: Mapping[str, object]) -> BacktestSettings:
    """Return the settings with what the strategy itself declares to guard its positions, where they say nothing of it."""
    declared = {name: Decimal(str(part)) for name, part in strategy.guards(params).items() if not getattr(settings.protection, name)}
    return replace(settings, protection=replace(settings.protection, **declared)) if declared else settings
