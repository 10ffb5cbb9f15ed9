"""An order in the reference engine, and the price it asks for in a bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.reference.scene import BUY, ZERO, Row, on_tick

OPEN, STOPS, LIMITS = 0, 1, 2
MICRO = Decimal("0.000001")  # prices computed from others, where no tick rounds them


@dataclass(eq=False, kw_only=True)
class Order:
    """A wish to trade and how far it has come. It works from bar ``works_from`` on; ``left`` is what remains of it.

    ``aim`` is the position a target order works towards. A child knows the bar it was ``born`` in and its entry's price there;
    ``children`` are the numbers that an entry's guards were given when it was handed in.
    """

    number: int
    name: str
    side: int
    left: Decimal
    kind: str = "market"
    shown: str = "market"
    limit: Decimal | None = None
    stop: Decimal | None = None
    distance: Decimal | None = None
    fraction: Decimal | None = None
    level: Decimal | None = None
    label: str = ""
    reason: str = "signal"
    aim: Decimal | None = None
    works_from: int = 0
    day: date | None = None
    group: str | None = None
    is_protection: bool = False
    is_scripted: bool = False
    is_day_only: bool = False
    at_close: bool = False
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    trail: Decimal | None = None
    asked: Decimal = ZERO
    filled: Decimal = ZERO
    born: int = -1
    entry_price: Decimal | None = None
    fresh: Decimal = ZERO
    fresh_in: int = -1
    told: bool = False
    parent: Order | None = None
    children: tuple[int, ...] = ()
    tick: Decimal | None = None

    def aim_again(self, held: Decimal) -> None:
        """Ask for what is missing to the position aimed at, whatever has happened to it since the decision."""
        if self.aim is not None:
            missing = self.aim - held
            self.side, self.left = (BUY if missing > 0 else -BUY), abs(missing)
            self.asked = self.filled + self.left

    @property
    def is_stop(self) -> bool:
        return self.kind in {"stop", "stop_limit", "trailing"}

    @property
    def trigger(self) -> Decimal:
        found = self.level if self.kind == "trailing" else self.stop
        assert found is not None
        if self.kind != "trailing":
            return found
        return found.quantize(MICRO) if self.tick is None else on_tick(found, self.tick, up=self.side == BUY)

    def reference(self, row: Row, phase: int, i_bar: int) -> Decimal | None:
        """Return the bar's price at which the order would fill in this phase of the bar, before slippage."""
        is_child_of_this_bar = self.born == i_bar
        if self.kind == "market":
            return row.open if phase == OPEN else None
        if self.kind == "limit":
            return self._limit_reference(row, phase, is_new=is_child_of_this_bar)
        if is_child_of_this_bar:
            return self.child_stop(row) if phase == STOPS else None
        gapped = self.side * (row.open - self.trigger) >= 0
        if phase == OPEN:
            return row.open if gapped else None
        reached = row.high >= self.trigger if self.side == BUY else row.low <= self.trigger
        return self.trigger if phase == STOPS and reached and not gapped else None

    def child_stop(self, row: Row) -> Decimal | None:
        """Return where the stop of an entry filled in this bar fills: never better than the entry did."""
        assert self.entry_price is not None
        if self.side == BUY:
            return max(self.trigger, self.entry_price) if row.high >= self.trigger else None
        return min(self.trigger, self.entry_price) if row.low <= self.trigger else None

    def _limit_reference(self, row: Row, phase: int, *, is_new: bool) -> Decimal | None:
        assert self.limit is not None
        if not is_new and self.side * (self.limit - row.open) >= 0:
            return row.open if phase == OPEN else None
        if phase != LIMITS:
            return None
        through = row.low < self.limit if self.side == BUY else row.high > self.limit
        if not through:
            return None
        return min(self.limit, row.high) if self.side == BUY else max(self.limit, row.low)

    def trigger_rest(self) -> None:
        """Make the rest of a stop that has filled in part a plain order: it has triggered."""
        self.kind = {"stop": "market", "trailing": "market", "stop_limit": "limit"}.get(self.kind, self.kind)

    def follow(self, row: Row) -> None:
        """Move a trailing stop's level after the bar."""
        if self.kind != "trailing" or self.level is None:
            return
        if self.side == BUY:
            self.level = min(self.level, self.trailed(row.low))
        else:
            self.level = max(self.level, self.trailed(row.high))

    def trailed(self, price: Decimal) -> Decimal:
        """Return the level this far behind a price."""
        gap = self.distance if self.distance is not None else price * (self.fraction or ZERO)
        return price + self.side * gap
