"""The day of a share, or of a fund's unit: what was bought and sold on it is intraday, the rest delivery.

In a trade-to-trade series nothing is netted: each order is delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from qts.core import Charges, Side
from qts.market.charges.contract_day import check_settlement
from qts.market.charges.fills import ZERO, DayFill, FilledOrder, cut
from qts.market.charges.netting import brokerage_of
from qts.market.charges.rates import SegmentRates
from qts.market.charges.segments import ChargeSegment


class ShareDay:
    """The charges of a share's day as its fills come in; the formulas stand with :func:`qts.market.charges.day_charges`."""

    def __init__(self, *, intraday: SegmentRates, delivery: SegmentRates, is_delivery: bool, is_netted: bool = True) -> None:
        self._intraday = intraday
        self._delivery = delivery
        self._is_delivery = is_delivery
        self._is_netted = is_netted
        self._bought = _Side(intraday=intraday, delivery=delivery)
        self._sold = _Side(intraday=intraday, delivery=delivery)

    def add(self, fill: DayFill) -> None:
        """Take in the next fill of the day."""
        if fill.settlement is not None:
            check_settlement(fill.settlement, ChargeSegment.EQUITY_DELIVERY)
        (self._bought if fill.side is Side.BUY else self._sold).add(fill)

    def charges(self) -> Charges:
        """Return the charges of the fills so far."""
        bought, sold, rates = self._bought, self._sold, self._intraday
        matched = min(bought.quantity, sold.quantity) if self._is_netted else ZERO
        value = bought.value + sold.value
        if bought.quantity + sold.quantity == 0:
            return Charges()
        of_buys, of_sales = (matched, matched) if self._is_delivery else (bought.quantity, sold.quantity)
        brokerage = bought.brokerage(of_buys) + sold.brokerage(of_sales)
        stamp = bought.stamp(of_buys, rates.stamp_buy, self._delivery.stamp_buy)
        stamp += sold.stamp(of_sales, rates.stamp_sell, self._delivery.stamp_sell)
        exchange, ipft, sebi = value * rates.exchange, value * rates.ipft, value * rates.sebi
        taxed = brokerage + exchange + (ipft if rates.gst_on_ipft else ZERO) + (sebi if rates.gst_on_sebi else ZERO)
        return Charges(
            brokerage=cut(brokerage),
            stt=cut(self._stt(matched, value)),
            exchange=cut(exchange),
            ipft=cut(ipft),
            sebi=cut(sebi),
            stamp=cut(stamp),
            gst=cut(taxed * rates.gst),
            dp=self._delivery.dp_sell if self._is_delivery and sold.quantity > matched else ZERO,
        )

    def estimates(self) -> tuple[str, ...]:
        """Return a sentence for each estimate among the rates paid."""
        occasions = ("square_off",) if self._bought.has_square_off or self._sold.has_square_off else ()
        bought, sold = self._bought.quantity, self._sold.quantity
        used: list[str] = []
        if self._is_delivery and (bought != sold or not self._is_netted):
            used.extend(self._delivery.estimates)
        if (bought and sold and self._is_netted) or not self._is_delivery:
            used.extend(self._intraday.estimates)
        used.extend(self._intraday.estimates_with(occasions)[len(self._intraday.estimates) :])
        return tuple(dict.fromkeys(used))

    def _stt(self, matched: Decimal, value: Decimal) -> Decimal:
        if not self._is_netted:
            return self._bought.value * self._delivery.stt_buy + self._sold.value * self._delivery.stt_sell
        bought, sold = self._bought.quantity, self._sold.quantity
        average = value / (bought + sold)
        if not self._is_delivery:
            # The day's end has bought = sold, where this is the rule; until then the sales pay, never the purchases.
            return sold * average * self._intraday.stt_sell
        rate = self._delivery.stt_buy if bought > sold else self._delivery.stt_sell
        return average * (matched * self._intraday.stt_sell + abs(bought - sold) * rate)


class LoneOrder:
    """What a share's order pays that is the only one of its day: each line but the brokerage is a part of its value.

    The same charges as :class:`ShareDay` has after one fill, at a fraction of the work: most orders of a portfolio are alone on their day.
    """

    __slots__ = ("_brokerage", "_dp", "_exchange", "_gst", "_ipft", "_sebi", "_stamp", "_stt", "_taxed")

    def __init__(self, side: Side, *, intraday: SegmentRates, delivery: SegmentRates, is_delivery: bool) -> None:
        is_buy = side is Side.BUY
        own = delivery if is_delivery else intraday
        self._brokerage = own
        # A purchase to be sold within the day pays no STT: the sale does.
        bought = delivery.stt_buy if is_delivery else ZERO
        self._stt = bought if is_buy else own.stt_sell
        self._stamp = own.stamp_buy if is_buy else own.stamp_sell
        self._exchange, self._ipft, self._sebi, self._gst = intraday.exchange, intraday.ipft, intraday.sebi, intraday.gst
        self._taxed = (
            intraday.exchange + (intraday.ipft if intraday.gst_on_ipft else ZERO) + (intraday.sebi if intraday.gst_on_sebi else ZERO)
        )
        self._dp = delivery.dp_sell if is_delivery and not is_buy else ZERO

    def charges(self, value: Decimal, *, slices: int = 1) -> Charges:
        """Return the charges of an order by its value in rupees, above zero."""
        brokerage = brokerage_of(value, self._brokerage, slices=slices)
        return Charges(
            brokerage=cut(brokerage),
            stt=cut(value * self._stt),
            exchange=cut(value * self._exchange),
            ipft=cut(value * self._ipft),
            sebi=cut(value * self._sebi),
            stamp=cut(value * self._stamp),
            gst=cut((brokerage + value * self._taxed) * self._gst),
            dp=self._dp,
        )


@dataclass(slots=True, kw_only=True)  # grows with the fills of its day
class _Side:
    """What was bought, or sold: totals, and its orders, oldest first; all shares of the first ``n_settled`` orders are intraday."""

    intraday: SegmentRates
    delivery: SegmentRates
    quantity: Decimal = ZERO
    value: Decimal = ZERO
    orders: list[FilledOrder] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    waiting_fees: Decimal = ZERO
    n_settled: int = 0
    settled: Decimal = ZERO
    settled_fees: Decimal = ZERO
    square_off_fees: Decimal = ZERO
    has_square_off: bool = False

    def add(self, fill: DayFill) -> None:
        self.quantity += fill.quantity
        self.value += fill.quantity * fill.price
        place = len(self.orders) if fill.order is None else self.places.setdefault(fill.order, len(self.orders))
        if place == len(self.orders):
            self.orders.append(FilledOrder())
        while self.n_settled > place:
            self._unsettle()
        order = self.orders[place]
        if order.quantity:
            self.waiting_fees -= brokerage_of(order.value, self.delivery, slices=order.slices)
            self.square_off_fees -= self._square_off_of(order)
        order.add(fill)
        self.waiting_fees += brokerage_of(order.value, self.delivery, slices=order.slices)
        self.square_off_fees += self._square_off_of(order)
        self.has_square_off |= order.is_auto_square_off

    def brokerage(self, matched: Decimal) -> Decimal:
        """Return the fees of all orders, the first ``matched`` shares at the intraday rate."""
        while self.n_settled < len(self.orders) and matched - self.settled >= self.orders[self.n_settled].quantity:
            self._settle()
        fees = self.settled_fees + self.waiting_fees + self.square_off_fees
        part = matched - self.settled
        if part == 0:
            return fees
        first = self.orders[self.n_settled]
        value = first.value_of(part)
        fees -= brokerage_of(first.value, self.delivery, slices=first.slices)
        fees += brokerage_of(value, self.intraday, slices=first.slices)
        return fees + brokerage_of(first.value - value, self.delivery, slices=first.slices)

    def stamp(self, matched: Decimal, intraday: Decimal, delivery: Decimal) -> Decimal:
        if self.quantity == 0:
            return ZERO
        return self.value / self.quantity * (matched * intraday + (self.quantity - matched) * delivery)

    def _settle(self) -> None:
        order = self.orders[self.n_settled]
        self.n_settled += 1
        self.settled += order.quantity
        self.settled_fees += brokerage_of(order.value, self.intraday, slices=order.slices)
        self.waiting_fees -= brokerage_of(order.value, self.delivery, slices=order.slices)

    def _unsettle(self) -> None:
        """Take back the latest order settled: a part of it, or of one before it, came later."""
        self.n_settled -= 1
        order = self.orders[self.n_settled]
        self.settled -= order.quantity
        self.settled_fees -= brokerage_of(order.value, self.intraday, slices=order.slices)
        self.waiting_fees += brokerage_of(order.value, self.delivery, slices=order.slices)

    def _square_off_of(self, order: FilledOrder) -> Decimal:
        return order.slices * self.intraday.square_off if order.is_auto_square_off else ZERO
