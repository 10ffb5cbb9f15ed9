"""The engine: a strategy, its bars and the settings in; fills, trades and the account bar by bar out.

Semantics
---------
Decisions. At the close of bar t the strategy's target for t is read. An order is made when the target differs from the last one (at first
0; NaN keeps the last one). The order is sized at once: ``shares:N`` means ``N * target`` shares, ``cash:R`` means ``R * target / close``,
``percent:P`` means ``P * equity / n_instruments * target / close``, cut towards zero to whole shares (to millionths with ``fractional``). A
standing target is not resized while prices move.

Fills. An order fills at the open of the instrument's next bar, shifted by the slippage against us; never in a bar whose volume is zero (an
absent volume is not zero), where it waits for the next one. A newer order takes the place of a waiting one. What the last bar decides
never fills. With ``fill="close"`` it fills at the close it was decided on, which is optimistic and warned about.

Money. All instruments share one account. In a bar, sales come before purchases, instruments in the order given. What opens or adds to a
position must be paid, with its charges, from free cash: the cash, less twice the marked value of shorts (their proceeds are not ours,
and each short is backed in full). What cannot be paid is cut to what can, and counted in the warnings. What reduces a position is never
refused. When equity falls to zero or below, all positions are closed at the next chance and nothing is opened again.

Products. CNC takes targets below zero as 0. MIS may go short; from the square-off time of the dated session table on, positions are
closed at the open of the first such bar and orders withdrawn; where a session has no such bar (daily bars), at the close of its last bar. A
target that still stands is entered again at the next session's open. Only if nothing traded in that last bar is a position carried, and
closed at the next open that trades. The broker's fee for squaring off by itself is not charged: the strategy is assumed to act in time.

Turning round. From long to short is one order and one fill; its two trades share quantity and charges in proportion.

Missing bars. A bar with a NaN price counts as none: no decision, no fill, the position keeps its last mark. So do bars that one instrument
has and another lacks.

The end. Positions are marked at their last close and stay open; ``close_at_end`` sells them there, with slippage and charges, unless
nothing traded in that bar. Prices are not rounded to ticks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Final

import numpy as np

from qts.backtest.inputs import gather
from qts.backtest.ledger import EXACT, price_fills
from qts.backtest.order_log import order_events
from qts.backtest.phases import session_phases
from qts.backtest.playing import play
from qts.backtest.result import BacktestResult
from qts.backtest.settings import BacktestSettings
from qts.backtest.trades import build_trades
from qts.backtest.warnings import warnings_of
from qts.core.arrays import Floats
from qts.core.bars import Bars
from qts.core.errors import CheckFailed
from qts.core.trading import Charges, Fill, Product
from qts.kernels.state import F_COST
from qts.strategies import Strategy

# Part of every run's identity: raised whenever the same inputs would give another result.
ENGINE_VERSION: Final = "2"


def run(strategy: Strategy, params: Mapping[str, object], bars: Sequence[Bars], settings: BacktestSettings) -> BacktestResult:
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

    Raises
    ------
    BadParameter
        If parameters or settings do not fit, or an instrument has no schedule of charges.
    DataError
        If bars cannot be played.
    StrategyFailed
        If the strategy raises or returns what cannot be traded.
    """
    settings = with_guards(settings, strategy, params)
    timeline = gather(strategy, params, bars)
    if settings.product is Product.CNC and timeline.n_below_zero:
        # NaN, "keep", passes through.
        timeline = replace(timeline, target=np.maximum(timeline.target, 0.0))
    phases = session_phases(timeline, bars[0].interval, settings)
    played = play(timeline, phases, settings)
    fills = price_fills(played.raw, timeline.ts, timeline.instruments, settings)
    _check_costs(fills, played.raw)
    trades, positions = build_trades(fills, played.raw, timeline)
    with localcontext(EXACT):
        charges = sum((fill.charges for fill in fills), Charges())
        slippage = sum((fill.slippage for fill in fills), Decimal(0))
        notional = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
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
        warnings=warnings_of(timeline, played.account, fills, settings),
        warmup_bars=timeline.warmup_bars,
        order_events=order_events(played.log, timeline.ts, timeline.instruments),
    )


def with_guards(settings: BacktestSettings, strategy: Strategy, params: Mapping[str, object]) -> BacktestSettings:
    """Return the settings with what the strategy itself declares to guard its positions, where they say nothing of it."""
    declared = {name: Decimal(str(part)) for name, part in strategy.guards(params).items() if not getattr(settings.protection, name)}
    return replace(settings, protection=replace(settings.protection, **declared)) if declared else settings


def _check_costs(fills: Sequence[Fill], raw: Floats) -> None:
    """Hold the core to the ledger: their charges agree to the paisa, or the run is not to be trusted."""
    for fill, row in zip(fills, raw, strict=True):
        exact = float(fill.charges.total)
        if abs(exact - row[F_COST]) > 0.005 + 1e-9 * abs(exact):
            raise CheckFailed(
                f"The charges of a fill differ: {row[F_COST]} in the engine, {fill.charges.total} in the ledger.",
                hint="This is a fault of the program; please report it with the command you ran.",
            )
