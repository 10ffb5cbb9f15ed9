"""Execution in the reference engine: the phases of a bar, what a fill does to the other orders, forced exits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from tests.reference.account import Account, Holding, moment
from tests.reference.bill import Deal
from tests.reference.order import LIMITS, MICRO, OPEN, STOPS, Order
from tests.reference.scene import BUY, ONE, SELL, ZERO, Row, on_tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to an order besides being filled."""

    ts: int
    name: str
    side: int
    kind: str
    quantity: Decimal
    filled: Decimal
    status: str
    reason: str


@dataclass(eq=False, kw_only=True)
class Desk:
    """The orders at work and the bar they work in."""

    account: Account
    orders: list[Order] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    n_orders: int = 0
    i_bar: int = -1
    ts: int = 0
    may_open: bool = True

    @property
    def on(self) -> date:
        return moment(self.ts).date()

    def number(self) -> int:
        self.n_orders += 1
        return self.n_orders

    def row(self, holding: Holding) -> Row | None:
        return holding.series.rows.get(self.ts)

    def is_tradable(self, holding: Holding, side: int) -> bool:
        row = self.row(holding)
        return row is not None and row.volume != 0 and holding.lock(row, self.on) != side

    def tell(self, order: Order, status: str, reason: str) -> None:
        self.events.append(
            Event(
                ts=self.ts,
                name=order.name,
                side=order.side,
                kind=order.shown,
                quantity=order.asked,
                filled=order.filled,
                status=status,
                reason=reason,
            )
        )

    def tell_of_action(self, holding: Holding, old: Decimal) -> None:
        """Tell what a corporate action made of a position: its old quantity and its new one."""
        self.events.append(
            Event(
                ts=self.ts,
                name=holding.name,
                side=BUY if old > 0 else SELL,
                kind="market",
                quantity=abs(old),
                filled=abs(holding.quantity),
                status="action",
                reason="action",
            )
        )

    def drop(self, order: Order, status: str, reason: str) -> None:
        if order in self.orders:
            self.orders.remove(order)
            self.tell(order, status, reason)

    def of(self, holding: Holding) -> list[Order]:
        return [order for order in self.orders if order.name == holding.name]

    def trade(self) -> None:
        """Let the orders work in this bar: at the open, then stops, then limits; sales first, then by instrument and order."""
        for phase in (OPEN, STOPS, LIMITS):
            for side in (SELL, BUY):
                for holding in self.account.holdings:
                    self._trade_one(holding, side, phase=phase)
        self._trade_new_stops()
        for order in self.orders:
            row = self.account_row(order)
            if row is not None and order.works_from <= self.i_bar:
                order.follow(row)

    def _trade_new_stops(self) -> None:
        """Let the stops of entries that filled within the bar act last."""
        for side in (SELL, BUY):
            for holding in self.account.holdings:
                self._trade_one(holding, side, phase=STOPS, only_new=True)

    def trade_at_close(self) -> None:
        """Let market orders work at the close."""
        is_intraday = self.account.rules.product == "MIS"
        for side in (SELL, BUY):
            for holding in self.account.holdings:
                if not (is_intraday and self.ts in holding.last_of_day):  # its close has just squared everything off
                    self._trade_one(holding, side, phase=None)

    def account_row(self, order: Order) -> Row | None:
        return self.row(self.holding(order))

    def holding(self, order: Order) -> Holding:
        return next(holding for holding in self.account.holdings if holding.name == order.name)

    def _trade_one(self, holding: Holding, side: int, *, phase: int | None, only_new: bool = False) -> None:
        row = self.row(holding)
        if row is None or not self.is_tradable(holding, side):
            return
        for order in sorted(self.of(holding), key=lambda one: one.number):
            order.aim_again(holding.quantity)
            order.tick = holding.tick(self.on)
            is_at_work = order in self.orders and order.side == side and order.works_from <= self.i_bar
            if not is_at_work or order.at_close != (phase is None) or (only_new and order.fresh_in != self.i_bar):
                continue
            reference = row.close if phase is None else order.reference(row, phase, self.i_bar)
            if reference is not None and not self._becomes_limit(order, reference):
                self.fill(order, holding, reference, phase=phase)

    def _becomes_limit(self, order: Order, reference: Decimal) -> bool:
        """Turn a stop-limit that triggered beyond its limit into a limit order of the next bar."""
        if order.kind != "stop_limit" or order.limit is None or order.side * (order.limit - reference) >= 0:
            return False
        order.kind, order.works_from = "limit", self.i_bar + 1
        return True

    def wanted(self, order: Order, holding: Holding) -> Decimal:
        """Return how much of the order may fill now."""
        quantity = order.left
        if order.fresh_in == self.i_bar and order.kind == "limit":
            quantity -= order.fresh
        if order.parent is not None or (order.side == SELL and self.account.rules.product == "CNC"):
            quantity = min(quantity, -order.side * holding.quantity)
        return quantity

    def fill(self, order: Order, holding: Holding, reference: Decimal, *, phase: int | None) -> None:
        """Fill what volume and funds allow, then see to children, groups and protection."""
        wanted = self.wanted(order, holding)
        if wanted <= 0:
            if order.aim is not None:
                self.drop(order, "withdrawn", "nothing_left")
            return
        row = self.row(holding)
        assert row is not None
        quantity = self.account.room(holding, row, wanted)
        if quantity < wanted and not order.told:
            order.told = True
            self.tell(replace_filled(order, quantity), "partial", "volume")
        if quantity > 0:
            self._fill_what_is_paid(order, holding, order.side * quantity, reference, phase=phase)

    def _fill_what_is_paid(self, order: Order, holding: Holding, signed: Decimal, reference: Decimal, *, phase: int | None) -> None:
        before = holding.quantity
        closing = -before if before * (before + signed) < 0 else (signed if before * signed < 0 else ZERO)
        wished = signed - closing
        opening = self._payable(order, holding, (closing, wished), reference)
        if opening != wished:
            self.drop_cut(order, abs(closing + opening))
        if not closing + opening:
            return
        deal = self._deal(order, holding, closing + opening, reference)
        self.account.deal(holding, deal, ts=self.ts, reference=reference, kind=order.shown, reason=order.reason)
        self._after(order, abs(closing + opening))
        if self.protects and order.parent is None and not order.is_protection and order.reason != "risk":
            self._protect(holding, before, reference, phase=phase)
        if order.stop_loss is not None or order.target is not None or order.trail is not None:
            self._start_children(order, holding, abs(closing + opening), reference, phase=phase)
        self.shrink_exits(holding)

    def _deal(self, order: Order, holding: Holding, signed: Decimal, reference: Decimal) -> Deal:
        row = self.row(holding)
        assert row is not None
        if order.kind in {"limit", "stop_limit"}:
            assert order.limit is not None
            price = self.account.limited_price(holding, signed, reference, limit=order.limit, on=self.on)
        else:
            price = self.account.price(holding, signed, reference, row=row, on=self.on)
        return self.account.part(holding, (order.number, order.asked), signed, price)

    def _payable(self, order: Order, holding: Holding, parts: tuple[Decimal, Decimal], reference: Decimal) -> Decimal:
        """Return the largest opening part of whole lots that can be paid; ``parts`` are what closes and what is wished to open."""
        closing, wished = parts

        def fits(opening: Decimal) -> bool:
            deal = self._deal(order, holding, closing + opening, reference)
            return self.account.can_pay(holding, closing, opening, deal=deal, on=self.on)

        if not wished or not self.may_open:
            return ZERO
        if fits(wished):
            return wished
        step = self.account.step(holding)
        low, high = ZERO, (abs(wished) / step).to_integral_value(rounding="ROUND_CEILING")
        while high - low > 1:
            middle = ((low + high) / 2).to_integral_value(rounding="ROUND_FLOOR")
            low, high = (middle, high) if fits((middle * step).copy_sign(wished)) else (low, middle)
        return (low * step).copy_sign(wished) if low else ZERO

    def drop_cut(self, order: Order, quantity: Decimal) -> None:
        status = "cut" if quantity or order.filled else "rejected"
        if order in self.orders:
            self.orders.remove(order)
        self.tell(replace_filled(order, quantity), status, "insufficient_funds")

    def _after(self, order: Order, quantity: Decimal) -> None:
        """Count a fill into the order, its OCO group and its entry."""
        order.left -= quantity
        order.filled += quantity
        order.asked = max(order.asked, order.filled)
        if order.left <= 0 and order in self.orders:
            self.orders.remove(order)
        else:
            order.trigger_rest()
        for other in [one for one in self.orders if order.group is not None and one.group == order.group and one is not order]:
            other.left -= quantity
            if other.left <= 0:
                self.drop(other, "cancelled", "oco")
        self._end_entry(order)

    def _end_entry(self, order: Order) -> None:
        """Withdraw what is left of the entry whose exit has filled: there is no way back in until the target changes."""
        if order.parent is not None:
            self.drop(order.parent, "cancelled", "oco")
        if order.is_protection:
            holding = self.holding(order)
            holding.is_stopped_out = True
            for one in self.of(holding):
                if one.aim is not None and one.filled:
                    self.drop(one, "withdrawn", "protected")

    # Protection of target orders and the children of brackets.

    @property
    def protects(self) -> bool:
        rules = self.account.rules
        return rules.stop_loss is not None or rules.take_profit is not None or rules.trailing is not None

    def _protect(self, holding: Holding, before: Decimal, reference: Decimal, *, phase: int | None) -> None:
        """Make the protection of a position that was opened, turned round or has grown, from its average price."""
        now = holding.quantity
        if before * now > 0 and abs(now) <= abs(before):
            return
        self.orders = [order for order in self.orders if not (order.is_protection and order.name == holding.name)]
        if now == 0:
            return
        rules, sign = self.account.rules, (ONE if now > 0 else -ONE)
        tick, average = holding.tick(self.on), holding.average
        model = self._child(holding, -1 if now > 0 else 1, abs(now), reference, phase=phase)
        model.is_protection, model.group = True, f"protection {holding.name}"
        of_stops = replace(model, works_from=self.i_bar, fresh_in=self.i_bar) if phase in {STOPS, LIMITS} else model
        if rules.stop_loss is not None:
            price = average * (1 - sign * rules.stop_loss)
            stop = price.quantize(MICRO) if tick is None else on_tick(price, tick, up=now < 0)
            self.orders.append(replace(of_stops, number=self.number(), kind="stop", shown="stop", stop=stop, reason="stop_loss"))
        if rules.take_profit is not None:
            price = average * (1 + sign * rules.take_profit)
            limit = price.quantize(MICRO) if tick is None else on_tick(price, tick, up=now > 0)
            self.orders.append(replace(model, number=self.number(), kind="limit", shown="limit", limit=limit, reason="take_profit"))
        if rules.trailing is not None:
            level = average * (1 - sign * rules.trailing)
            trail = replace(of_stops, number=self.number(), kind="trailing", shown="trailing", level=level, fraction=rules.trailing)
            self.orders.append(replace(trail, reason="trailing_stop"))

    def _child(self, holding: Holding, side: int, quantity: Decimal, reference: Decimal, *, phase: int | None) -> Order:
        at_open = phase == OPEN
        return Order(
            number=0,
            name=holding.name,
            side=side,
            left=quantity,
            asked=quantity,
            works_from=self.i_bar if at_open else self.i_bar + 1,
            born=self.i_bar,
            entry_price=reference,
        )

    def _start_children(self, entry: Order, holding: Holding, quantity: Decimal, reference: Decimal, *, phase: int | None) -> None:
        """Let the children of a bracket's entry work for what has been filled; after an intrabar entry only the stops act in this bar."""
        working = [order for order in self.orders if order.parent is entry]
        if not working:
            model = self._child(holding, -entry.side, ZERO, reference, phase=phase)
            model.parent, model.group = entry, f"bracket {entry.number}"
            working = [replace(child, number=k) for k, child in zip(entry.children, children_of(entry, model, reference), strict=True)]
            self.orders.extend(working)
        for child in working:
            child.left += quantity
            child.asked += quantity
            if phase != OPEN:
                child.fresh, child.fresh_in = (child.fresh if child.fresh_in == self.i_bar else ZERO) + quantity, self.i_bar
        if phase in {STOPS, LIMITS}:
            for child in working:
                child.works_from = self.i_bar if child.is_stop else child.works_from

    def shrink_exits(self, holding: Holding) -> None:
        """Keep the protection as large as the position; neither it nor the children of brackets outlive what they close."""
        for order in self.of(holding):
            held = -order.side * holding.quantity
            if order.is_protection:
                order.left = min(order.left, max(held, ZERO))
            if held <= 0 and (order.is_protection or order.parent is not None):
                self.drop(order, "cancelled", "closed")

    def close_out(self, holding: Holding, reference: Decimal, *, row: Row, reason: str) -> bool:
        """Close a position by force; return whether nothing is left of it."""
        side = SELL if holding.quantity > 0 else BUY
        locked = holding.lock(row, self.on) == side
        quantity = ZERO if row.volume == 0 or locked else self.account.room(holding, row, abs(holding.quantity))
        if quantity > 0:
            signed = side * quantity
            price = self.account.price(holding, signed, reference, row=row, on=self.on)
            deal = self.account.part(holding, (self.number(), abs(holding.quantity)), signed, price)
            if reason == "square_off" and self.account.rules.has_square_off_fee:
                deal = replace(deal, by_broker=True)
            self.account.deal(holding, deal, ts=self.ts, reference=reference, kind="market", reason=reason)
            self.shrink_exits(holding)
        return holding.quantity == 0


def children_of(entry: Order, model: Order, reference: Decimal) -> Iterator[Order]:
    """Make the children of a bracket."""
    if entry.stop_loss is not None:
        yield replace(model, kind="stop", shown="stop", stop=entry.stop_loss, reason="stop_loss", label=f"{entry.label}:stop")
    if entry.trail is not None:
        trail = replace(model, kind="trailing", shown="trailing", fraction=entry.trail, label=f"{entry.label}:trail")
        yield replace(trail, level=reference * (1 - entry.side * entry.trail), reason="trailing_stop")
    if entry.target is not None:
        yield replace(model, kind="limit", shown="limit", limit=entry.target, reason="take_profit", label=f"{entry.label}:target")


def replace_filled(order: Order, quantity: Decimal) -> Order:
    """Return the order as an event shows it: with what it filled in this bar."""
    return replace(order, filled=order.filled + quantity)
