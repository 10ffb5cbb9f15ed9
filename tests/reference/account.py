"""The account of the reference engine: positions, cash, what an order costs and whether it can be paid."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tests.reference.bill import Bill, Deal, day_bill, less, settlement_bill, total
from tests.reference.scene import BUY, ONE, SELL, ZERO, Row, Rules, Series, on_tick, whole

from qts.core import IST

MILLIONTH = Decimal("0.000001")
PLAIN_TICK = Decimal("0.05")
BANDS = tuple(Decimal(text) for text in ("0.02", "0.05", "0.1", "0.2"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What happened: signed quantity at a price, the bar's price, why, and what it was charged."""

    name: str
    ts: int
    quantity: Decimal
    price: Decimal
    reference: Decimal
    kind: str
    reason: str
    charges: Bill


@dataclass(eq=False, kw_only=True)
class Holding:
    """An instrument in the account."""

    series: Series
    quantity: Decimal = ZERO
    average: Decimal = ZERO
    mark: Decimal | None = None
    seen: list[Row] = field(default_factory=list)
    day: date | None = None
    previous_close: Decimal | None = None
    billed_on: date | None = None
    deals: list[Deal] = field(default_factory=list)
    traded: Decimal = ZERO
    target: Decimal = ZERO
    is_due: bool = False
    is_overdue: bool = False
    is_stopped_out: bool = False
    is_expired: bool = False
    last_of_day: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.last_of_day = frozenset({moment(ts).date(): ts for ts in sorted(self.series.rows)}.values())

    @property
    def name(self) -> str:
        return self.series.name

    @property
    def worth(self) -> Decimal:
        return self.quantity * (self.mark or ZERO)

    def blocked(self, quantity: Decimal) -> Decimal:
        return self.margin(quantity, self.mark or ZERO)

    def margin(self, quantity: Decimal, price: Decimal) -> Decimal:
        terms = self.series.terms
        base = terms.sold_margin if quantity < 0 else ZERO
        return abs(quantity) * (price * terms.margin + base)

    def tick(self, on: date) -> Decimal | None:
        return self.series.terms.tick(on) if self.series.terms.tick is not None else None

    def lock(self, row: Row, on: date) -> int:
        """Return +1 where the bar is locked up, -1 where down: at the last tick within a band of the close of the day before."""
        before = self.previous_close
        if not self.series.terms.locks or before is None or not row.high == row.low == row.close:
            return 0
        tick = self.tick(on) or PLAIN_TICK
        for band in BANDS:
            for side in (1, -1):
                edge = on_tick(before * (ONE + side * band), tick, up=side < 0)
                if row.close == edge and side * (row.close - before) > 0:
                    return side
        return 0


@dataclass(eq=False, kw_only=True)
class Account:
    """All holdings and the cash they share."""

    rules: Rules
    holdings: tuple[Holding, ...]
    cash: Decimal = ZERO
    fills: list[Filled] = field(default_factory=list)

    def equity(self) -> Decimal:
        return self.cash + sum((holding.worth for holding in self.holdings), ZERO)

    def step(self, holding: Holding) -> Decimal:
        lot = holding.series.terms.lot
        return MILLIONTH if self.rules.fractional and lot == 1 else lot

    def price(self, holding: Holding, quantity: Decimal, reference: Decimal, *, row: Row, on: date) -> Decimal:
        """Return the reference price slipped against us and rounded to the tick against us."""
        rules, tick = self.rules, holding.tick(on)
        shift = {
            "none": ZERO,
            "bps": reference * rules.slippage_amount / 10_000,
            "ticks": rules.slippage_amount * (tick or PLAIN_TICK),
            "half-spread": rules.slippage_amount,
            "volume-share": ZERO,
        }[rules.slippage]
        if rules.slippage == "volume-share" and row.volume:
            shift = rules.impact * ((holding.traded + abs(quantity)) / row.volume) ** 2 * reference
        price = reference + shift if quantity > 0 else max(reference - shift, min(reference, tick or PLAIN_TICK))
        return price if tick is None else on_tick(price, tick, up=quantity > 0)

    def limited_price(self, holding: Holding, quantity: Decimal, reference: Decimal, *, limit: Decimal, on: date) -> Decimal:
        """Return the price of a limit fill: not slipped, on the tick, never worse than the limit."""
        tick = holding.tick(on)
        price = reference if tick is None else on_tick(reference, tick, up=quantity > 0)
        return min(price, limit) if quantity > 0 else max(price, limit)

    def room(self, holding: Holding, row: Row, wanted: Decimal) -> Decimal:
        """Return how much of a quantity the bar's volume leaves to us."""
        if self.rules.slippage != "volume-share" or row.volume is None:
            return wanted
        cap = (self.rules.slippage_amount * row.volume).to_integral_value(ROUND_FLOOR)
        left = whole(max(cap - holding.traded, ZERO), holding.series.terms.lot)
        return min(wanted, left)

    def part(self, holding: Holding, order: tuple[int, Decimal], quantity: Decimal, price: Decimal) -> Deal:
        """Return what an order fills, with the slices it was sent in; ``order`` is its number and its whole quantity."""
        number, asked = order
        freeze = holding.series.terms.freeze
        slices = 1 if freeze is None else int((asked / freeze).to_integral_value(ROUND_CEILING))
        return Deal(order=number, side=BUY if quantity > 0 else SELL, quantity=abs(quantity), price=price, slices=slices)

    def bill(self, holding: Holding, deal: Deal, *, on: date) -> Bill:
        """Return what a deal adds to the bill of the day."""
        before = holding.deals if holding.billed_on == on else []
        terms = holding.series.terms
        bills = [day_bill(part, on=on, terms=terms, rules=self.rules) for part in ([*before, deal], before)]
        return less(bills[0], bills[1])

    def can_pay(self, holding: Holding, closing: Decimal, opening: Decimal, *, deal: Deal, on: date) -> bool:
        """Tell whether the opening part can be paid, the closing part being settled first at the same price."""
        price = deal.price
        free = self.cash - closing * price
        for other in self.holdings:
            left = other.quantity + closing if other is holding else other.quantity
            free += left * (other.mark or ZERO) - other.blocked(left)
        return holding.margin(opening, price) + total(self.bill(holding, deal, on=on)) <= free

    def deal(self, holding: Holding, deal: Deal, *, ts: int, reference: Decimal, kind: str, reason: str) -> None:
        """Book a deal: the day's bill, cash, position and its average price."""
        on = moment(ts).date()
        if holding.billed_on != on:
            holding.billed_on, holding.deals = on, []
        charges = self.bill(holding, deal, on=on)
        holding.deals.append(deal)
        signed = deal.side * deal.quantity
        self.book(holding, signed, deal.price, charges)
        self.fills.append(
            Filled(
                name=holding.name,
                ts=ts,
                quantity=signed,
                price=deal.price,
                reference=reference,
                kind=kind,
                reason=reason,
                charges=charges,
            )
        )

    def settle(self, holding: Holding, *, ts: int) -> None:
        """Settle an expired contract at its mark: no slippage, charges as for the way it ended."""
        price = holding.mark or ZERO
        charges = settlement_bill(holding.quantity, price, on=moment(ts).date(), terms=holding.series.terms, rules=self.rules)
        signed = -holding.quantity
        self.book(holding, signed, price, charges)
        ended = Filled(
            name=holding.name, ts=ts, quantity=signed, price=price, reference=price, kind="market", reason="expiry", charges=charges
        )
        self.fills.append(ended)

    def book(self, holding: Holding, quantity: Decimal, price: Decimal, charges: Bill) -> None:
        before, after = holding.quantity, holding.quantity + quantity
        self.cash -= quantity * price + total(charges)
        if before * quantity >= 0:
            holding.average = (holding.average * abs(before) + price * abs(quantity)) / abs(after)
        elif before * after < 0:
            holding.average = price
        holding.quantity = after
        holding.traded += abs(quantity)


def moment(ts: int) -> datetime:
    """Return an instant in Indian time."""
    return datetime.fromtimestamp(ts / 1e6, tz=IST)
