"""What a backtest hands back: what happened, fill by fill, and the account bar by bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from qts.core.arrays import Floats, Ints
from qts.core.corporate_action import CorporateAction
from qts.core.trading import Charges, Fill, OrderEvent, Position, Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEffect:
    """What a corporate action did to a position, at the start of the bar that opened ``at``.

    Quantities are signed, in old shares and in new ones. ``in_lieu`` is what a fraction of a share brought, at the last close stated for
    new shares, ``paid`` the action's cash for the old shares; a short position pays both, so that they are below zero.
    """

    at: datetime
    action: CorporateAction
    quantity_before: Decimal
    quantity_after: Decimal
    in_lieu: Decimal
    paid: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """A finished run.

    ``ts``, ``equity``, ``cash`` and ``exposure`` have shape ``(n_bars,)`` over the union of the instruments' bars, oldest first: equity is
    cash plus positions at their last close, after all that happened in the bar, net of charges; exposure is signed notional over equity.
    ``charges`` is the sum over fills, exact; ``slippage_total`` what the fills lost against the bars' prices. ``traded_notional`` counts
    both sides. ``warmup_bars`` is the number of bars before the last instrument's strategy first decided anything.
    ``order_events`` tells what became of orders besides their fills, in order. ``actions`` are the corporate actions that met a
    position, ``action_cash`` what they paid for it, less what short positions owed: equity at the end is the capital, the net gain of all
    trades (those still open at their last close) and this. What a fraction of a share brought is part of its trade.
    """

    fills: tuple[Fill, ...]
    trades: tuple[Trade, ...]
    ts: Ints
    equity: Floats
    cash: Floats
    exposure: Floats
    charges: Charges
    slippage_total: Decimal
    traded_notional: Decimal
    final_positions: tuple[Position, ...]
    warnings: tuple[str, ...]
    warmup_bars: int
    order_events: tuple[OrderEvent, ...] = ()
    actions: tuple[ActionEffect, ...] = ()
    action_cash: Decimal = Decimal(0)
