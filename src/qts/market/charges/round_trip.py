"""What a trade costs from entry to exit, and how far the price must move until it has earned its costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from qts.core import Charges, Exchange, Side
from qts.core.errors import BadParameter
from qts.market.charges.orders import ChargeableOrder, PricedOrders, RoundingMode
from qts.market.charges.pricing import dp_charge, price_orders
from qts.market.charges.segments import ChargeSegment, RateClasses, Settlement

_STEP: Final = Decimal("1e-10")
_MOST_STEPS: Final = 200
_ANY: Final = RateClasses()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """Entry and exit of one quantity with their bills, in rupees.

    ``charges`` has the lines of both orders, that of the sale with the depository's charge. ``total`` sums what is debited: the bills,
    rounded as the mode says, and the depository's charge, also where it is on no bill. ``net = gross - total.total``. ``break_even_move``
    is how far the price must go in the trade's favour, in rupees per share or unit, for ``net`` to be zero, and ``break_even_price`` where
    it then is; both are None where no exit price earns the costs. ``exit_on`` is None where delivery is closed on some later day.
    """

    entry: ChargeableOrder
    exit: ChargeableOrder
    entry_on: date
    exit_on: date | None
    charges: tuple[Charges, Charges]
    total: Charges
    gross: Decimal
    net: Decimal
    break_even_move: Decimal | None
    break_even_price: Decimal | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTripTerms:
    """Where, when and how both orders are executed.

    Without ``exit_on`` the exit pays the entry's rates, delivery on a later day: what is bought and sold on one day is intraday.
    ``settlement`` says how a contract ended instead of the second order, with ``settlement_price`` as in
    :class:`qts.market.charges.DayFill`; ``auto_square_off`` that the broker placed the second order.
    """

    entry_on: date
    exchange: Exchange
    segment: ChargeSegment
    mode: RoundingMode = RoundingMode.EXACT
    exit_on: date | None = None
    settlement: Settlement | None = None
    settlement_price: Decimal | None = None
    auto_square_off: bool = False
    classes: RateClasses = _ANY


def price_round_trip(entry: ChargeableOrder, exit_price: Decimal, terms: RoundTripTerms) -> RoundTrip:
    """Return what entry and exit of a quantity cost together.

    Raises
    ------
    BadParameter
        If the exit is before the entry, an intraday position is not closed on its day, or :func:`price_orders` refuses an order.

    Notes
    -----
    The charges depend on the exit's value, so the break-even price ``p`` solves ``side * (p - entry) * quantity = charges(p)``: by
    iteration from the entry price, which converges because each rupee of price moves the charges by far less than a rupee. It is given to
    ten decimals. Where the rounding of a bill leaves no price with a net of zero, it is the nearest one with a profit.
    """
    asked, terms = terms, _as_the_exchange_sees(terms)
    notes = () if terms is asked else ("segment: what is bought and sold on one day is intraday, whatever the product",)
    bill = _bill(entry, exit_price, terms)
    gross = _gross(entry, exit_price)
    total = sum((part.total for part in bill.parts), Charges(dp=bill.dp))
    price = _break_even(entry, lambda candidate: _bill(entry, candidate, terms).cost)
    return RoundTrip(
        entry=entry,
        exit=bill.exit,
        entry_on=terms.entry_on,
        exit_on=terms.exit_on if terms.exit_on or terms.segment is ChargeSegment.EQUITY_DELIVERY else terms.entry_on,
        charges=bill.lines,
        total=total,
        gross=gross,
        net=gross - total.total,
        break_even_move=None if price is None else abs(price - entry.price),
        break_even_price=price,
        warnings=(*notes, *dict.fromkeys(sentence for part in bill.parts for sentence in part.warnings)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """The exit order and the bills, one or two; ``dp`` is the depository's charge where the bills leave it out."""

    exit: ChargeableOrder
    parts: tuple[PricedOrders, ...]
    dp: Decimal

    @property
    def lines(self) -> tuple[Charges, Charges]:
        entry, leave = (line for part in self.parts for line in part.orders)
        if self.exit.side is Side.SELL:
            return entry, replace(leave, dp=leave.dp + self.dp)
        return replace(entry, dp=entry.dp + self.dp), leave

    @property
    def cost(self) -> Decimal:
        return sum((part.total.total for part in self.parts), self.dp)


def _as_the_exchange_sees(terms: RoundTripTerms) -> RoundTripTerms:
    """Return the terms with delivery closed on its own day turned into what it is: an intraday trade."""
    if terms.settlement in (Settlement.DELIVERED, Settlement.NETTED):
        hint = "Price the contract's purchase or sale and the delivery one by one."
        raise BadParameter("settlement", terms.settlement, "who receives the shares depends on call or put, not on the entry", hint=hint)
    if terms.exit_on is None:
        return terms
    if terms.exit_on < terms.entry_on:
        raise BadParameter("exit_on", terms.exit_on, f"is before the entry on {terms.entry_on}", hint="Give a later date.")
    is_one_day = terms.exit_on == terms.entry_on
    if terms.segment is ChargeSegment.EQUITY_INTRADAY and not is_one_day:
        hint = "Leave it out, or use equity_delivery."
        raise BadParameter("exit_on", terms.exit_on, f"an intraday position of {terms.entry_on} is closed on that day", hint=hint)
    if terms.segment is ChargeSegment.EQUITY_DELIVERY and is_one_day:
        return replace(terms, segment=ChargeSegment.EQUITY_INTRADAY)
    return terms


def _bill(entry: ChargeableOrder, exit_price: Decimal, terms: RoundTripTerms) -> _Bill:
    side = Side.SELL if entry.side is Side.BUY else Side.BUY
    leave = ChargeableOrder(
        side=side,
        quantity=entry.quantity,
        price=exit_price,
        slices=entry.slices,
        auto_square_off=terms.auto_square_off,
        settlement=terms.settlement,
        settlement_price=terms.settlement_price,
    )
    exit_on = terms.exit_on or terms.entry_on
    is_one_bill = exit_on == terms.entry_on and terms.segment is not ChargeSegment.EQUITY_DELIVERY
    days = [(terms.entry_on, (entry, leave))] if is_one_bill else [(terms.entry_on, (entry,)), (exit_on, (leave,))]
    parts = tuple(
        price_orders(orders, on=on, exchange=terms.exchange, segment=terms.segment, mode=terms.mode, classes=terms.classes)
        for on, orders in days
    )
    dp = Decimal(0)
    if terms.mode is not RoundingMode.EXACT:
        dp = sum((dp_charge(orders, on=on, exchange=terms.exchange, segment=terms.segment) for on, orders in days), dp)
    return _Bill(exit=leave, parts=parts, dp=dp)


def _gross(entry: ChargeableOrder, exit_price: Decimal) -> Decimal:
    gain = (exit_price - entry.price) * entry.quantity
    return gain if entry.side is Side.BUY else -gain


def _break_even(entry: ChargeableOrder, cost_at: Callable[[Decimal], Decimal]) -> Decimal | None:
    sign = 1 if entry.side is Side.BUY else -1
    price, before = entry.price, None
    for _ in range(_MOST_STEPS):
        following = entry.price + sign * (cost_at(price) / entry.quantity).quantize(_STEP)
        if following < 0:
            if price == 0:
                return None
            # The charges at the price before may be more than those at nothing, which is as far as a price can fall.
            following = Decimal(0)
        if following == price:
            return price
        if following == before:
            # Two prices that lead to one another: the rounding of a bill leaves none between them where the net is zero.
            near, far = sorted((price, following), key=lambda one: sign * one)
            return _first_profit(entry, cost_at, near=near, far=far)
        price, before = following, price
    return price


def _first_profit(entry: ChargeableOrder, cost_at: Callable[[Decimal], Decimal], *, near: Decimal, far: Decimal) -> Decimal:
    """Return the price nearest to the entry that leaves a profit, between one that does not and one that does."""
    while abs(far - near) > _STEP:
        middle = ((near + far) / 2).quantize(_STEP)
        if _gross(entry, middle) >= cost_at(middle):
            far = middle
        else:
            near = middle
    return far
