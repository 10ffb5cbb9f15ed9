"""The order book of one user: orders, how they fill against the virtual market, and the trades that come of it.

Fills are simple on purpose. A market order fills whole and at once at the last price. A limit order fills whole: at once at the last price
if that is as good, else in the first minute after it was placed that reaches its limit, there or at the open of a minute that begins
better. A stop order wakes in the first such minute that touches its trigger: SL-M fills there at the trigger, or at the open of a minute
that begins beyond it; SL is a limit order from the next minute on. What is open when the session ends is cancelled. Volume and depth play
no part.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from qts.core import IST, instant_of, micros_of
from qts.sandbox.candles import Columns, candles
from qts.sandbox.listing import Listed, Market
from qts.sandbox.quotes import present_of
from qts.sandbox.refusal import Refusal, bad_input
from qts.sandbox.wishes import Wish, checked, closed, closes_at, number

OPEN: Final = ("OPEN", "TRIGGER PENDING", "AMO REQ RECEIVED")
_FORM: Final = "%Y-%m-%d %H:%M:%S"
_FIRST: Final = 1_000_000_000_000
_BEGINNINGS: Final = ("PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it stands. Minutes that began after ``since`` can fill it; ``history`` has every status with its instant."""

    id: str
    wish: Wish
    status: str
    placed_at: datetime
    since: datetime
    ends_at: datetime | None = None
    message: str | None = None
    filled: int = 0
    average: float = 0.0
    is_modified: bool = False
    history: tuple[tuple[str, datetime], ...] = ()

    def now(self, status: str, at: datetime, **changes: Any) -> Order:  # noqa: ANN401 - fields of this class
        """Return it with another status."""
        return replace(self, status=status, history=(*self.history, (status, at)), **changes)

    def document(self, *, placed_by: str) -> dict[str, object]:
        """Return it as the interface writes it."""
        at, wish = self.history[-1][1].astimezone(IST).strftime(_FORM), self.wish
        is_over = self.status in {"CANCELLED", "REJECTED"}
        left = wish.quantity - self.filled
        is_known = self.status not in {*_BEGINNINGS, "REJECTED"}
        return {
            "placed_by": placed_by,
            "order_id": self.id,
            "exchange_order_id": f"1{self.id}" if is_known else None,
            "parent_order_id": None,
            "status": self.status,
            "status_message": self.message,
            "status_message_raw": self.message,
            "order_timestamp": self.placed_at.astimezone(IST).strftime(_FORM),
            "exchange_update_timestamp": at if is_known else None,
            "exchange_timestamp": at if is_known else None,
            "variety": wish.variety,
            "modified": self.is_modified,
            "exchange": wish.listed.exchange,
            "tradingsymbol": wish.listed.symbol,
            "instrument_token": wish.listed.token,
            "order_type": wish.kind,
            "transaction_type": wish.side,
            "validity": wish.validity,
            "product": wish.product,
            "quantity": wish.quantity,
            "disclosed_quantity": wish.disclosed,
            "price": wish.price,
            "trigger_price": wish.trigger,
            "average_price": self.average,
            "filled_quantity": self.filled,
            "pending_quantity": 0 if is_over else left,
            "cancelled_quantity": left if self.status == "CANCELLED" else 0,
            "market_protection": wish.protection,
            "meta": {},
            "tag": wish.tag,
            "guid": f"sandbox{self.id}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A fill: always of a whole order."""

    id: str
    order_id: str
    wish: Wish
    price: float
    at: datetime

    @property
    def signed(self) -> int:
        """Return the quantity, below zero for a sale."""
        return self.wish.quantity if self.wish.is_buy else -self.wish.quantity

    def document(self) -> dict[str, object]:
        """Return it as the interface writes it."""
        at, wish = self.at.astimezone(IST), self.wish
        return {
            "trade_id": self.id,
            "order_id": self.order_id,
            "exchange": wish.listed.exchange,
            "tradingsymbol": wish.listed.symbol,
            "instrument_token": wish.listed.token,
            "product": wish.product,
            "average_price": self.price,
            "quantity": wish.quantity,
            "exchange_order_id": f"1{self.order_id}",
            "transaction_type": wish.side,
            "fill_timestamp": at.strftime(_FORM),
            "order_timestamp": at.strftime("%H:%M:%S"),
            "exchange_timestamp": at.strftime(_FORM),
        }


@dataclass(slots=True)  # grows with what its owner sends
class Book:
    """The orders and trades of one user. Threads may share it."""

    market: Market
    refuses: Callable[[Book, Wish, float], str | None]
    orders: dict[str, Order] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    updates: list[Order] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(_FIRST))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def place(self, wish: Wish, now: datetime) -> Order:
        """Take an order in, and fill it if it can be at once; raises Refusal outside the session."""
        with self._lock:
            ends_at = closes_at(wish.listed.exchange, now.astimezone(IST))
            if ends_at is None and wish.variety != "amo":
                raise closed()
            order = Order(id=str(next(self._numbers)), wish=wish, status="", placed_at=now, since=now)
            for status in _BEGINNINGS:
                order = order.now(status, now)
            if wish.variety == "amo" and ends_at is None:
                return self._keep(order.now("AMO REQ RECEIVED", now))
            return self._opened(order, now, ends_at)

    def modify(self, order_id: str, form: dict[str, str], now: datetime) -> Order:
        """Change what is left of an order; raises Refusal where it is none, or over."""
        with self._lock:
            order = self._open(order_id)
            old = order.wish
            wish = checked(
                replace(
                    old,
                    kind=form.get("order_type") or old.kind,
                    quantity=int(number(form.get("quantity") or old.quantity, "quantity")),
                    price=number(form.get("price") or old.price, "price"),
                    trigger=number(form.get("trigger_price") or old.trigger, "trigger_price"),
                    validity=form.get("validity") or old.validity,
                    protection=number(form.get("market_protection") or old.protection, "market_protection"),
                )
            )
            changed = replace(order, wish=wish, is_modified=True, since=now)
            for status in ("MODIFY VALIDATION PENDING", "MODIFY PENDING"):
                changed = changed.now(status, now)
            if order.status == "AMO REQ RECEIVED":
                return self._keep(changed.now(order.status, now))
            return self._opened(changed, now, order.ends_at)

    def cancel(self, order_id: str, now: datetime) -> Order:
        """Cancel what is left of an order; raises Refusal where it is none, or over."""
        with self._lock:
            return self._keep(self._open(order_id).now("CANCEL PENDING", now).now("CANCELLED", now))

    def advance(self, now: datetime) -> None:
        """Let the market go on until now: fill what it reaches, open what waited for the session, cancel what the session leaves."""
        with self._lock:
            for order in [one for one in self.orders.values() if one.status in OPEN]:
                self._advanced(order, now)

    def of_day(self, on: date) -> list[Order]:
        """Return the orders of a day, as the book shows them: it is emptied overnight."""
        return [order for order in self.orders.values() if order.placed_at.astimezone(IST).date() == on]

    def trades_of(self, on: date) -> list[Trade]:
        """Return the trades of a day."""
        return [trade for trade in self.trades if trade.at.astimezone(IST).date() == on]

    def find(self, order_id: str) -> Order:
        """Return an order; raises Refusal."""
        order = self.orders.get(order_id)
        if order is None:
            raise Refusal(404, "GeneralException", "Couldn't find that `order_id`.")
        return order

    def _open(self, order_id: str) -> Order:
        order = self.find(order_id)
        if order.status not in OPEN:
            raise bad_input(f"Order cannot be changed: it is {order.status.lower()}.")
        return order

    def _opened(self, order: Order, now: datetime, ends_at: datetime | None) -> Order:
        wish = order.wish
        present = present_of(self.market, wish.listed, now=now)
        if present is None:
            return self._keep(order.now("REJECTED", now, message="The instrument has not traded yet."))
        reason = self.refuses(self, wish, present.last)
        if reason is not None:
            return self._keep(order.now("REJECTED", now, message=reason))
        if wish.lives is not None and ends_at is not None:
            ends_at = min(ends_at, now + wish.lives)
        is_stop = "SL" in wish.kind
        order = order.now("TRIGGER PENDING" if is_stop else "OPEN", now, ends_at=ends_at, since=now)
        if not is_stop and (wish.kind == "MARKET" or _is_as_good(wish, present.last)):
            return self._filled(order, present.last, now)
        return self._keep(order.now("CANCELLED", now) if wish.validity == "IOC" else order)

    def _advanced(self, order: Order, now: datetime) -> None:
        if order.status == "AMO REQ RECEIVED":
            ends_at = closes_at(order.wish.listed.exchange, now.astimezone(IST))
            if ends_at is not None:
                self._opened(order, now, ends_at)
            return
        until = now if order.ends_at is None else min(now, order.ends_at)
        minutes = candles(self.market, order.wish.listed, "minute", span=(order.since, until), now=now)
        played, fill = _played(order, minutes)
        if fill is not None:
            self._filled(played, *fill)
        elif until < now:
            self._keep(played.now("CANCELLED", until))
        elif played is not order:
            self._keep(played)

    def _filled(self, order: Order, price: float, at: datetime) -> Order:
        number_ = str(next(self._numbers))
        self.trades.append(Trade(id=number_, order_id=order.id, wish=order.wish, price=price, at=at))
        return self._keep(order.now("COMPLETE", at, filled=order.wish.quantity, average=price))

    def _keep(self, order: Order) -> Order:
        self.orders[order.id] = order
        self.updates.append(order)
        return order


def _played(order: Order, minutes: Columns) -> tuple[Order, tuple[float, datetime] | None]:
    """Return an order after these minutes, and at which price and when it filled, if it did."""
    # Of the minute in which it was placed nobody knows which of its prices came later.
    first = int(np.searchsorted(minutes.ts, micros_of(order.since), side="right"))
    for place in range(first, len(minutes.ts)):
        at = instant_of(int(minutes.ts[place]))
        opened, high, low = (float(column[place]) for column in (minutes.open, minutes.high, minutes.low))
        wish = order.wish
        if order.status == "TRIGGER PENDING":
            if (high < wish.trigger) if wish.is_buy else (low > wish.trigger):
                continue
            if wish.kind == "SL-M":
                return order, (max(opened, wish.trigger) if wish.is_buy else min(opened, wish.trigger), at)
            order = order.now("OPEN", at, since=at)
        elif (low <= wish.price) if wish.is_buy else (high >= wish.price):
            return order, (min(opened, wish.price) if wish.is_buy else max(opened, wish.price), at)
    return order, None


def _is_as_good(wish: Wish, last: float) -> bool:
    return last <= wish.price if wish.is_buy else last >= wish.price


def quantity_of(trades: Sequence[Trade], listed: Listed, product: str) -> int:
    """Return how much of an instrument these trades leave under a product."""
    return sum(trade.signed for trade in trades if trade.wish.listed is listed and trade.wish.product == product)
