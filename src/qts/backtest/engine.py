"""The engine: a strategy, its bars and the settings in; fills, trades and the account bar by bar out.

The rules it plays by stand in ``docs/explanation/engine.md``, all of them; raise ``ENGINE_VERSION`` whenever one changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal, localcontext
from typing import Final

import numpy as np

from qts.backtest.corporate_actions import effects_of
from qts.backtest.exact import EXACT
from qts.backtest.ledger import price_fills
from qts.backtest.order_log import order_events
from qts.backtest.result import BacktestResult
from qts.backtest.settings import BacktestSettings
from qts.backtest.simulation import Simulation, simulate
from qts.backtest.terms import InstrumentTerms
from qts.backtest.trades import build_trades
from qts.backtest.warnings import warnings_of
from qts.core.arrays import Floats
from qts.core.bars import Bars
from qts.core.collection import collection_paused
from qts.core.corporate_action import CorporateAction
from qts.core.errors import CheckFailed
from qts.core.trading import Charges
from qts.kernels.state import F_COST
from qts.strategies import Strategy

# Part of every run's identity: raised whenever the same inputs would give another result.
ENGINE_VERSION: Final = "3"
_LINES: Final = tuple(line.name for line in fields(Charges))


def run(
    strategy: Strategy,
    params: Mapping[str, object],
    bars: Sequence[Bars],
    settings: BacktestSettings,
    *,
    terms: Sequence[InstrumentTerms] | None = None,
    actions: Sequence[CorporateAction] = (),
) -> BacktestResult:
    """Return what the strategy would have done on these bars.

    Parameters
    ----------
    strategy : Strategy
        What to run; it decides for each instrument by itself, seeing that instrument's bars only.
    params : Mapping[str, object]
        Its parameters, as values or as text; absent ones take their defaults.
    bars : sequence of Bars
        One series per instrument, of one interval; their order decides who trades first within a bar.
    settings : BacktestSettings
        Account, product, sizing, costs and fills.
    terms : sequence of InstrumentTerms, optional
        Lots, ticks, locks, margins, expiry and charges of each instrument; without them a lot is one share and prices are not rounded.
        Futures and options need theirs.
    actions : sequence of CorporateAction, optional
        What companies did to their shares. Give them with prices as traded only: adjusted prices have them in already.

    Raises
    ------
    BadParameter
        If parameters, settings or actions do not fit, or an instrument has no schedule of charges.
    DataError
        If bars cannot be played.
    StrategyFailed
        If the strategy raises or returns what cannot be traded.
    """
    simulation = simulate(strategy, params, bars, settings, terms=terms, actions=actions)
    with collection_paused():
        return _result_of(simulation)


def _result_of(simulation: Simulation) -> BacktestResult:
    """Return what happened in exact numbers: fills with their charges, trades, the account."""
    timeline, played, settings = simulation.timeline, simulation.played, simulation.settings
    fills = price_fills(played.raw, timeline.ts, timeline.instruments, settings, terms=simulation.terms)
    with localcontext(EXACT):
        costs = [fill.charges.total for fill in fills]
    _check_costs(costs, played.raw)
    effects = effects_of(simulation.actions, played.acted, timeline)
    trades, positions = build_trades(fills, costs, played.raw, timeline=timeline, effects=effects)
    with localcontext(EXACT):
        charges = Charges(**{line: sum((getattr(fill.charges, line) for fill in fills), Decimal(0)) for line in _LINES})
        slippage = sum((fill.slippage for fill in fills), Decimal(0))
        notional = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
        action_cash = sum((one.effect.paid for one in effects), Decimal(0))
    held = played.equity - played.cash
    return BacktestResult(
        fills=fills,
        trades=trades,
        ts=timeline.ts,
        equity=played.equity,
        cash=played.cash,
        exposure=np.divide(held, played.equity, out=np.zeros_like(held), where=played.equity > 0.0),
        charges=charges,
        slippage_total=slippage,
        traded_notional=notional,
        final_positions=positions,
        warnings=warnings_of(simulation, fills),
        warmup_bars=timeline.warmup_bars,
        order_events=order_events(played.log, timeline.ts, timeline.instruments, actions=simulation.actions, details=played.details),
        actions=tuple(one.effect for one in effects),
        action_cash=action_cash,
    )


def _check_costs(costs: Sequence[Decimal], raw: Floats) -> None:
    """Hold the core to the ledger: their charges agree to the paisa, or the run is not to be trusted."""
    exact = np.array(costs, dtype=np.float64)
    # Not "more than", so that no number fails as well.
    apart = np.flatnonzero(~(np.abs(exact - raw[:, F_COST]) <= 0.005 + 1e-9 * np.abs(exact)))
    if apart.size:
        raise CheckFailed(
            f"The charges of a fill differ: {raw[apart[0], F_COST]} in the engine, {costs[apart[0]]} in the ledger.",
            hint="This is a fault of the program; please report it with the command you ran.",
        )
