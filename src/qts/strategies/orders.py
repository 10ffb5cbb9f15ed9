"""What a strategy may ask for bar by bar: orders, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from qts.core import OrderKind, Side


class OrderState(StrEnum):
    """Where an order stands. ``waiting`` is the child of an entry that has not filled yet."""

    WAITING = "waiting"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A wish to trade one instrument, given at the close of a bar.

    Either ``quantity`` and ``side`` say how much, or ``exposure`` (in [-1, 1]) asks for the position that the run's sizing gives it, or
    ``position`` for a signed quantity to end with. Prices are rupees. ``trail`` is a trailing stop's distance in rupees, ``trail_fraction``
    the same as a fraction of the price. ``stop_loss`` and ``take_profit`` protect what the order opens: prices of two orders of which one
    cancels the other. ``oco`` is the id of an order that this one shares a group with. ``is_day`` ends the order with its session.
    """

    instrument: int
    side: Side | None = None
    quantity: float | None = None
    exposure: float | None = None
    position: float | None = None
    kind: OrderKind = OrderKind.MARKET
    limit: float | None = None
    stop: float | None = None
    trail: float | None = None
    trail_fraction: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    oco: int | None = None
    is_day: bool = False


class OrderReport(NamedTuple):
    """What became of an order: its state, the quantity filled, and a reason where it was turned down."""

    state: OrderState
    filled: float
    reason: str


class Holding(NamedTuple):
    """What is held of an instrument: signed quantity and average entry price in rupees (0 without a position)."""

    quantity: float
    average_price: float


class Money(NamedTuple):
    """The account at the close of the bar, in rupees."""

    cash: float
    equity: float


class Desk(Protocol):
    """Whoever takes a strategy's orders: the backtest's engine, and later a broker."""

    def submit(self, request: OrderRequest) -> int:
        """Take an order and return its id; a refused one has an id too, and its report says why."""
        ...

    def cancel(self, order: int) -> bool:
        """Cancel an order and return whether it was still working."""
        ...

    def report(self, order: int) -> OrderReport:
        """Return what became of an order."""
        ...

    def holding(self, instrument: int) -> Holding:
        """Return what is held of an instrument."""
        ...

    def money(self) -> Money:
        """Return the account."""
        ...
