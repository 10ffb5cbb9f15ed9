"""What became of orders besides their fills: each reason in words, counts by reason, and the table that is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pyarrow as pa

from qts.app.run_document import OrderEventPart, SettingsPart
from qts.core.trading import OrderEvent, OrderKind, OrderStatus
from qts.market.listing import RejectReason

# The document holds so many of them; the stored table holds all.
MOST_IN_DOCUMENT: Final = 10_000

STATUS_WORDS: Final[dict[str, str]] = {
    OrderStatus.REJECTED: "refused",
    OrderStatus.CUT: "made smaller",
    OrderStatus.PARTIAL: "filled in part",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.EXPIRED: "ran out",
    OrderStatus.WITHDRAWN: "withdrawn",
    OrderStatus.ACTION: "corporate action",
}
KIND_WORDS: Final[dict[str, str]] = {
    OrderKind.MARKET: "market",
    OrderKind.LIMIT: "limit",
    OrderKind.STOP: "stop",
    OrderKind.STOP_LIMIT: "stop-limit",
    OrderKind.TRAILING: "trailing stop",
}
REASON_WORDS: Final[dict[str, str]] = {
    RejectReason.OFF_TICK: "A price is not a multiple of the instrument's tick.",
    RejectReason.NOT_LOT_MULTIPLE: "The quantity is not a multiple of the lot.",
    RejectReason.ABOVE_FREEZE_QUANTITY: "The quantity is above the largest that one order may have.",
    RejectReason.BEYOND_PRICE_BAND: "The price is outside the day's price band.",
    RejectReason.NO_SHORT_IN_DELIVERY: "Delivery (CNC) sells only what is held.",
    RejectReason.INSUFFICIENT_FUNDS: "The account cannot pay one lot, with its charges.",
    RejectReason.MARKET_CLOSED: "The market is closed for new orders, or the instrument has no price yet.",
    RejectReason.POSITION_LIMIT: "The limit of one position is reached.",
    RejectReason.EXPOSURE_LIMIT: "The limit of all positions together is reached.",
    RejectReason.DAILY_LOSS_LIMIT: "The day's loss has reached its limit: nothing new is opened today.",
    RejectReason.DRAWDOWN_STOP: "The drawdown has reached its stop: nothing new is opened any more.",
    RejectReason.EXPIRED_CONTRACT: "The contract has ended.",
    RejectReason.INTRADAY_NOT_ALLOWED: "The instrument is not traded intraday: each order is delivered.",
    RejectReason.ZERO_QUANTITY: "The quantity is zero in whole lots.",
    RejectReason.STOP_ON_WRONG_SIDE: "The stop is on the wrong side of the last price.",
    "oco": "Another order of its group was filled.",
    "entry_ended": "The order it belonged to was not filled, or what it protected is closed.",
    "user": "The strategy cancelled it.",
    "day_over": "It was good for one day only.",
    "square_off": "Intraday positions are closed from here on.",
    "position_closed": "The position it protected was closed.",
    "volume": "The bar's volume did not take all of it; the rest waits.",
    "replaced": "A newer order took its place.",
    "account_lost": "The account was lost.",
    "data_ended": "The bars ended.",
    "corporate_action": "A corporate action changed the number of units.",
}
# Where an order goes on with less, the reason is not a refusal.
_CUT_WORDS: Final[dict[str, str]] = {
    RejectReason.INSUFFICIENT_FUNDS: "The account pays a part only, with its charges.",
    RejectReason.POSITION_LIMIT: "The limit of one position leaves a part only.",
    RejectReason.EXPOSURE_LIMIT: "The limit of all positions together leaves a part only.",
}
_GUARDS: Final = {
    "stop_loss": "stop-loss",
    "take_profit": "target",
    "trailing_stop": "trailing stop",
    "max_position": "position at most",
    "max_exposure": "all positions at most",
    "daily_loss": "a day's loss at most",
    "max_drawdown": "drawdown at most",
}
_TEXT: Final = pa.string()
_SCHEMA: Final = pa.schema(
    [
        ("at", _TEXT), ("instrument", _TEXT), ("side", _TEXT), ("kind", _TEXT), ("quantity", pa.float64()), ("filled", pa.float64()),
        ("status", _TEXT), ("reason", _TEXT), ("why", _TEXT),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """How many orders met one fate for one reason, in words."""

    what: str
    why: str
    count: int


def why(status: str, reason: str) -> str:
    """Return the reason of an event in words.

    >>> why("rejected", "not_lot_multiple")
    'The quantity is not a multiple of the lot.'
    """
    if status == OrderStatus.CUT and reason in _CUT_WORDS:
        return _CUT_WORDS[reason]
    return REASON_WORDS.get(reason) or reason.replace("_", " ").capitalize()


def event_part(event: OrderEvent) -> OrderEventPart:
    """Return an event as a part of the document."""
    return OrderEventPart(
        at=event.at.isoformat(),
        instrument=event.instrument,
        side=event.side.value,
        kind=event.kind.value,
        quantity=_count(event.quantity),
        filled=_count(event.filled),
        status=event.status.value,
        reason=str(event.reason),
        why=event.detail or why(event.status, event.reason),
    )


def event_table(events: Sequence[OrderEvent], *, run_id: str, simulated: bool) -> pa.Table:
    """Return all events as a table, one row each, labelled with its run."""
    rows = [event_part(event).model_dump(mode="json") for event in events]
    return pa.Table.from_pylist(rows, schema=_SCHEMA.with_metadata({"run_id": run_id, "simulated": str(simulated).lower()}))


def counted(events: Iterable[OrderEventPart]) -> list[EventCount]:
    """Return how many orders met which fate and why, the most frequent first."""
    # Not by their own words, which may have the numbers of one order.
    found = Counter((STATUS_WORDS.get(event.status, event.status), why(event.status, event.reason)) for event in events)
    return [EventCount(what=what, why=reason, count=count) for (what, reason), count in found.most_common()]


def guard_words(settings: SettingsPart) -> list[str]:
    """Return the protections and limits of a run in words, none where there are none.

    >>> plain = {"capital": "1", "product": "CNC", "size": "shares:1", "costs": "none", "slippage": "none", "fill": "close"}
    >>> guard_words(SettingsPart(**plain, stop_loss="0.05"))
    ['stop-loss 5 %']
    """
    found = [(words, getattr(settings, name)) for name, words in _GUARDS.items()]
    return [f"{words} {_per_cent(value)}" for words, value in found if value is not None]


def _per_cent(fraction: str) -> str:
    return f"{(Decimal(fraction) * 100).normalize():f} %"


def _count(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
