"""The numeric part of a run: targets or orders in, fills and the account bar by bar out. A run and a cell of a sweep both begin here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from qts.backtest.corporate_actions import LocatedAction, locate_actions
from qts.backtest.inputs import Timeline, gather
from qts.backtest.phases import session_phases
from qts.backtest.playing import Played, play
from qts.backtest.settings import BacktestSettings
from qts.backtest.stepping import step
from qts.backtest.terms import InstrumentTerms, run_terms, term_table, until_expiry
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
    settings = with_guards(settings, strategy, params)
    timeline = gather(strategy, params, bars)
    if settings.product is Product.CNC and timeline.n_below_zero:
        # NaN, "keep", passes through.
        timeline = replace(timeline, target=np.maximum(timeline.target, 0.0))
    chosen = run_terms(timeline, terms, settings)
    timeline = until_expiry(timeline, chosen)
    phases = session_phases(timeline, bars[0].interval, settings)
    located = locate_actions(timeline, actions)
    table = term_table(timeline, chosen, located)
    if strategy.form is Form.ON_BAR:
        played = step(strategy, params, bars, timeline=timeline, phases=phases, settings=settings, table=table)
    else:
        played = play(timeline, phases, settings, table=table)
    return Simulation(timeline=timeline, played=played, settings=settings, terms=chosen, actions=located)


def with_guards(settings: BacktestSettings, strategy: Strategy, params: Mapping[str, object]) -> BacktestSettings:
    """Return the settings with what the strategy itself declares to guard its positions, where they say nothing of it."""
    declared = {name: Decimal(str(part)) for name, part in strategy.guards(params).items() if not getattr(settings.protection, name)}
    return replace(settings, protection=replace(settings.protection, **declared)) if declared else settings
