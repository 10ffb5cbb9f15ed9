"""The core's log of orders as events a reader understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from qts.backtest.corporate_actions import LocatedAction
from qts.backtest.exact import exact_shares
from qts.backtest.ledger import KINDS
from qts.core.arrays import Floats, Ints
from qts.core.clock import instant_of
from qts.core.corporate_action import CorporateAction
from qts.core.instrument import InstrumentId
from qts.core.trading import OrderEvent, OrderStatus, Side
from qts.kernels.state import (
    E_BAR,
    E_FILLED,
    E_INSTRUMENT,
    E_KIND,
    E_ORDER,
    E_QUANTITY,
    E_SIDE,
    E_STATUS,
    E_WHY,
    N_STATUS,
    N_WHY,
    S_ACTION,
    S_WITHDRAWN,
    W_FLAT,
    W_REPLACED,
)
from qts.market.listing import RejectReason

# In the order of the core's numbers.
STATUSES: Final = (
    OrderStatus.REJECTED,
    OrderStatus.CUT,
    OrderStatus.PARTIAL,
    OrderStatus.CANCELLED,
    OrderStatus.EXPIRED,
    OrderStatus.WITHDRAWN,
    OrderStatus.ACTION,
)
REASONS: Final = (
    "",
    RejectReason.OFF_TICK.value,
    RejectReason.NOT_LOT_MULTIPLE.value,
    RejectReason.ABOVE_FREEZE_QUANTITY.value,
    RejectReason.BEYOND_PRICE_BAND.value,
    RejectReason.NO_SHORT_IN_DELIVERY.value,
    RejectReason.INSUFFICIENT_FUNDS.value,
    RejectReason.MARKET_CLOSED.value,
    RejectReason.POSITION_LIMIT.value,
    RejectReason.EXPOSURE_LIMIT.value,
    RejectReason.DAILY_LOSS_LIMIT.value,
    RejectReason.DRAWDOWN_STOP.value,
    RejectReason.EXPIRED_CONTRACT.value,
    RejectReason.INTRADAY_NOT_ALLOWED.value,
    RejectReason.ZERO_QUANTITY.value,
    RejectReason.STOP_ON_WRONG_SIDE.value,
    "oco",
    "user",
    "day_over",
    "square_off",
    "position_closed",
    "volume",
    "replaced",
    "account_lost",
    "data_ended",
    "corporate_action",
    "entry_ended",
)
if len(STATUSES) != N_STATUS or len(REASONS) != N_WHY:
    raise AssertionError("the log's numbers and their names differ")


def order_events(
    log: Floats,
    ts: Ints,
    instruments: Sequence[InstrumentId],
    *,
    actions: Sequence[LocatedAction] = (),
    details: Mapping[int, str] = MappingProxyType({}),
) -> tuple[OrderEvent, ...]:
    """Return the events of the log, in the order they happened.

    Protection that went with its position, or was made anew for a larger one, is left out: no order of anybody's was turned down, and
    there may be as many of these as there are trades. The event of a corporate action has the position before it as quantity, with the side
    that opened it, and the position after it as ``filled``; its reason is the action. ``details`` are sentences on refusals, by order.
    """
    silent = (log[:, E_STATUS] == S_WITHDRAWN) & np.isin(log[:, E_WHY], (W_FLAT, W_REPLACED))
    events = [_event(row, ts, instruments, actions) for row in log[~silent].tolist()]
    if not details:
        return tuple(events)
    orders = log[~silent, E_ORDER].astype(np.int64).tolist()
    # The number in the place of an order's is another one where a corporate action is told.
    said = [details.get(order, "") if event.status is OrderStatus.REJECTED else "" for order, event in zip(orders, events, strict=True)]
    return tuple(replace(event, detail=detail) if detail else event for event, detail in zip(events, said, strict=True))


def _event(row: list[float], ts: Ints, instruments: Sequence[InstrumentId], actions: Sequence[LocatedAction]) -> OrderEvent:
    is_action = row[E_STATUS] == S_ACTION
    return OrderEvent(
        at=instant_of(int(ts[int(row[E_BAR])])),
        instrument=instruments[int(row[E_INSTRUMENT])],
        side=Side.BUY if row[E_SIDE] > 0.0 else Side.SELL,
        kind=KINDS[int(row[E_KIND])],
        quantity=exact_shares(row[E_QUANTITY]),
        filled=exact_shares(row[E_FILLED]),
        status=STATUSES[int(row[E_STATUS])],
        reason=action_words(actions[int(row[E_ORDER])].action) if is_action else REASONS[int(row[E_WHY])],
    )


def action_words(action: CorporateAction) -> str:
    """Return an action in a few words: what it is, what a share becomes, what it pays.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from qts.core import ActionKind
    >>> infy, ex_date = InstrumentId("NSE:INFY"), date(2018, 9, 4)
    >>> action_words(CorporateAction(instrument=infy, ex_date=ex_date, kind=ActionKind.BONUS, ratio=Decimal(2)))
    'bonus: 1 share becomes 2'
    """
    parts = []
    if action.ratio != 1:
        parts.append(f"1 share becomes {action.ratio:.6g}")
    if action.cash:
        parts.append(f"{action.cash.normalize():f} rupees a share")
    return f"{action.kind}: {', '.join(parts) or 'nothing changes'}"
