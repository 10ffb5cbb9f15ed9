"""Decisions in the reference engine: sizes of targets, limits on them, and the checks of orders handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from tests.reference.account import Holding
from tests.reference.order import Order
from tests.reference.scene import BUY, ONE, SELL, ZERO, Called, Row, Wanted, whole
from tests.reference.trading import Desk


def wilder_range(rows: Sequence[Row], span: int) -> Decimal | None:
    """Return the average true range by Wilder's smoothing, seeded with the mean of the first ``span`` ranges."""
    ranges = [max(now.high - now.low, abs(now.high - before.close), abs(now.low - before.close)) for before, now in pairwise(rows)]
    if len(ranges) < span:
        return None
    average = sum(ranges[:span], ZERO) / span
    for true_range in ranges[span:]:
        average = (average * (span - 1) + true_range) / span
    return average


def volatility(rows: Sequence[Row], span: int, bars_per_year: Decimal) -> Decimal | None:
    """Return the annual standard deviation of the last ``span`` returns."""
    if len(rows) < span + 1:
        return None
    closes = [row.close for row in rows[-span - 1 :]]
    returns = [now / before - 1 for before, now in pairwise(closes)]
    mean = sum(returns, ZERO) / span
    return (sum(((one - mean) ** 2 for one in returns), ZERO) / (span - 1)).sqrt() * bars_per_year.sqrt()


@dataclass(eq=False, kw_only=True)
class Decider:
    """Turns targets and handed-in orders into orders at work."""

    desk: Desk
    is_ruined: bool = False
    is_day_stopped: bool = False
    is_stopped: bool = False
    is_late: frozenset[str] = frozenset()

    def wish(self, holding: Holding, equity: Decimal) -> Decimal | None:
        """Return the position a target asks for, or None where its size is not known yet."""
        if self.is_ruined or equity <= 0:
            return ZERO
        if not holding.target:
            return ZERO
        wished = self.size(holding, equity)
        return None if wished is None else whole(wished, self.desk.account.step(holding)).copy_sign(holding.target)

    def size(self, holding: Holding, equity: Decimal) -> Decimal | None:
        """Return the quantity of the target, not yet in whole lots; divisions come last, so that what is whole stays whole."""
        rules, close, share = self.desk.account.rules, holding.mark, abs(holding.target)
        assert close is not None
        amount, n = rules.amount * share, Decimal(1 if rules.is_matrix and rules.size == "percent" else len(self.desk.account.holdings))
        full = {
            "shares": amount,
            "lots": amount * holding.series.terms.lot,
            "cash": amount / close,
            "percent": amount * equity / (n * close),
        }
        if rules.size in full:
            return full[rules.size]
        if rules.size == "atr-risk":
            reach = wilder_range(holding.seen, rules.span)
            return amount * equity / (n * rules.multiple * reach) if reach else None
        spread = volatility(holding.seen, rules.span, rules.bars_per_year)
        if spread is None:
            return None
        return (min(ONE, rules.amount / spread) if spread else ONE) * share * equity / (n * close)

    def limited(self, holding: Holding, wish: Decimal, equity: Decimal) -> tuple[Decimal, str]:
        """Cut the opening part of a wished position to the risk limits; return it and the limit that cut it."""
        rules, held, mark = self.desk.account.rules, holding.quantity, holding.mark
        assert mark is not None
        kept = wish if held * wish > 0 and abs(wish) <= abs(held) else (held if held * wish > 0 else ZERO)
        opening, reason = abs(wish - kept), ""
        step = self.desk.account.step(holding)
        if opening and rules.max_position is not None:
            room = whole(max(rules.max_position * equity / mark - abs(kept), ZERO), step)
            opening, reason = (room, "position_limit") if room < opening else (opening, reason)
        if opening and rules.max_exposure is not None:
            gross = sum((self.expected(other) for other in self.desk.account.holdings if other is not holding), ZERO)
            room = whole(max((rules.max_exposure * equity - gross) / mark - abs(kept), ZERO), step)
            opening, reason = (room, "exposure_limit") if room < opening else (opening, reason)
        return kept + opening.copy_sign(wish), reason

    def expected(self, holding: Holding) -> Decimal:
        """Return the larger notional of what is held and what its waiting orders would make of it."""
        ends = [holding.quantity]
        ends += [holding.quantity + order.side * order.left if order.aim is None else order.aim for order in self.desk.of(holding)]
        return max(abs(end) for end in ends) * (holding.mark or ZERO)

    def aim(self, holding: Holding, equity: Decimal) -> None:
        """Make the order of a due target."""
        wish = self.wish(holding, equity)
        if wish is None:
            return
        holding.is_due = False
        wish, reason = self.limited(holding, wish, equity)
        for order in [one for one in self.desk.of(holding) if one.aim is not None]:
            self.desk.drop(order, "withdrawn", "replaced")
        order = self.target_order(holding, wish)
        order.reason = "risk" if self.is_ruined else "signal"
        if reason:
            self.desk.tell(order, "cut" if order.left else "rejected", reason)
        if order.left:
            self.desk.orders.append(order)

    def target_order(self, holding: Holding, aim: Decimal, *, reason: str = "signal") -> Order:
        desk = self.desk
        change = aim - holding.quantity
        at_close = desk.account.rules.at_close and reason == "signal"
        return Order(
            number=desk.number(),
            name=holding.name,
            side=BUY if change > 0 else SELL,
            left=abs(change),
            asked=abs(change),
            aim=aim,
            reason=reason,
            at_close=at_close,
            works_from=desk.i_bar if at_close else desk.i_bar + 1,
        )

    # Orders handed in.

    def take(self, wish: Wanted | Called, equity: Decimal) -> None:
        """Cancel an order, or check a new one and let it work."""
        if isinstance(wish, Called):
            for order in [one for one in self.desk.orders if one.label == wish.label]:
                self.desk.drop(order, "cancelled", "asked")
            return
        holding = next(one for one in self.desk.account.holdings if one.name == wish.instrument)
        reason = self.objection(wish, holding)
        order = self.scripted_order(wish, holding)
        if reason is None:
            after = holding.quantity + wish.side * wish.quantity
            cut, limit = self.limited(holding, after, equity)
            if cut != after:
                order.left = max(order.side * (cut - holding.quantity), ZERO)
                self.desk.tell(order, "cut" if order.left else "rejected", limit)
            if order.left:
                guards = (wish.stop_loss, wish.trail, wish.target)
                order.children = tuple(self.desk.number() for guard in guards if guard is not None)
                self.desk.orders.append(order)
        else:
            self.desk.tell(order, "rejected", reason)

    def scripted_order(self, wish: Wanted, holding: Holding) -> Order:
        desk = self.desk
        at_close = desk.account.rules.at_close and wish.kind == "market"
        order = Order(
            number=desk.number(),
            name=wish.instrument,
            side=wish.side,
            left=wish.quantity,
            asked=wish.quantity,
            kind=wish.kind,
            shown=wish.kind,
            limit=wish.limit,
            stop=wish.stop,
            distance=wish.distance,
            fraction=wish.fraction,
            label=wish.label,
            group=wish.group,
            is_scripted=True,
            reason="trailing_stop" if wish.kind == "trailing" else "signal",
            is_day_only=wish.day_only,
            at_close=at_close,
            works_from=desk.i_bar if at_close else desk.i_bar + 1,
            stop_loss=wish.stop_loss,
            target=wish.target,
            trail=wish.trail,
        )
        if wish.kind == "trailing" and holding.mark is not None:
            order.level = order.trailed(holding.mark)
        return order

    def objection(self, wish: Wanted, holding: Holding) -> str | None:
        """Return why the order is refused, in the order of the rules."""
        desk, terms, mark = self.desk, holding.series.terms, holding.mark
        held, on = holding.quantity, desk.on
        reduces = held * wish.side < 0 and wish.quantity <= abs(held)
        tick = holding.tick(on)
        prices = [price for price in (wish.limit, wish.stop, wish.stop_loss, wish.target) if price is not None]
        is_intraday_entry = desk.account.rules.product == "MIS" and not reduces
        # Filling at the close, a market order of the session's last bar would come after everything was squared off.
        is_after_close = desk.account.rules.at_close and wish.kind == "market" and desk.ts in holding.last_of_day
        sales: dict[str, Decimal] = {}  # members of one group sell one quantity between them
        for order in desk.of(holding):
            if order.side == SELL and (order.group is None or order.group != wish.group):
                key = order.group or str(order.number)
                sales[key] = max(sales.get(key, ZERO), order.left)
        free = held - sum(sales.values(), ZERO)
        found = {
            "zero_quantity": wish.quantity <= 0,
            "not_lot_multiple": wish.quantity % desk.account.step(holding) != 0,
            "above_freeze_quantity": terms.freeze is not None and wish.quantity > terms.freeze,
            "off_tick": tick is not None and any(price % tick for price in prices),
            "stop_on_wrong_side": wish.stop is not None and mark is not None and wish.side * (wish.stop - mark) <= 0,
            "no_short_in_delivery": desk.account.rules.product == "CNC" and wish.side == SELL and wish.quantity > free,
            "market_closed": (is_intraday_entry and (holding.name in self.is_late or is_after_close)) or mark is None,
            "expired_contract": holding.is_expired or (terms.expiry is not None and on > terms.expiry),
            "drawdown_stop": (self.is_stopped or self.is_ruined) and not reduces,
            "daily_loss_limit": self.is_day_stopped and not reduces,
        }
        return next((reason for reason, is_so in found.items() if is_so), None)
